/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Walks over the messages of a set; see walk.h. The view must not lose
 * messages while a walk is under way, and it does not: it changes only when
 * the command has ended.
 */
#include "walk.h"

#include "view.h"

bool
imap_walk_parse(struct imap_command *cmd, struct imap_walk *out)
{
    const struct ptn_uidmap *uids = imap_view_uids(cmd->state->view);
    struct ptn_slice text;
    uint32_t star;
    size_t used;

    *out = (struct imap_walk){.uids = uids, .by_uid = cmd->uid};
    if (!imap_parse_set(&cmd->in, &text))
        return false;
    if (!ptn_set_parse(text, &cmd->arena, &out->set, &used) || used != text.len)
        return imap_parse_fail(&cmd->in, "malformed or too long set");
    out->last_uid = ptn_uidmap_last(uids);
    star = cmd->uid ? out->last_uid : ptn_uidmap_count(uids);
    if (star == 0) { /* "*" included, in an empty mailbox */
        out->set.count = 0;
        return cmd->uid ||
               imap_parse_fail(&cmd->in, "the mailbox has no messages");
    }
    ptn_set_resolve(&out->set, star);
    return cmd->uid || out->set.ranges[out->set.count - 1].last <= star ||
           imap_parse_fail(&cmd->in, "no message has that number");
}

/* The first message at or behind `number`, as the set counts: its UID, or 0
 * if it is not within the range. */
static uint32_t
find(const struct imap_walk *w, uint32_t number, uint32_t last)
{
    uint32_t uid;

    if (!w->by_uid)
        return number <= last ? ptn_uidmap_uid(w->uids, number) : 0;
    uid = ptn_uidmap_next(w->uids, number);
    return uid <= last && uid <= w->last_uid ? uid : 0;
}

size_t
imap_walk_next(struct imap_walk *w, uint32_t *uids, uint32_t *seqs, size_t max)
{
    size_t n = 0;

    while (n < max && w->range < w->set.count) {
        const struct ptn_range *r = &w->set.ranges[w->range];
        uint32_t number = w->at > r->first ? w->at : r->first;
        uint32_t uid = find(w, number, r->last);

        if (uid == 0) {
            w->range++;
            continue;
        }
        uids[n] = uid;
        seqs[n] = w->by_uid ? ptn_uidmap_seq(w->uids, uid) : number;
        w->at = (w->by_uid ? uid : number) + 1;
        if (w->at == 0) /* behind the largest number there is */
            w->range = w->set.count;
        n++;
    }
    return n;
}

size_t
imap_walk_all(const struct imap_walk *w, uint32_t **uids)
{
    struct imap_walk walk = *w;
    uint32_t some[IMAP_CHUNK], seqs[IMAP_CHUNK];
    size_t count = 0, cap = 0, n;

    *uids = NULL;
    while ((n = imap_walk_next(&walk, some, seqs, IMAP_CHUNK)) > 0) {
        if (count + n > cap) {
            cap = cap * 2 + n;
            *uids = ptn_realloc(*uids, cap * sizeof(**uids));
        }
        memcpy(*uids + count, some, n * sizeof(**uids));
        count += n;
    }
    return count;
}
