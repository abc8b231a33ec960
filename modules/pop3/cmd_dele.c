/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * DELE, RSET, NOOP and QUIT (RFC 1939 sections 5 and 6). Marks live in the
 * session alone; QUIT removes what is marked, and answers when that is
 * durable.
 */
#include "drop.h"
#include <postern/arena.h>

enum ptn_result
pop3_cmd_dele(struct ptn_session *s, struct ptn_slice args)
{
    struct pop3_drop *d = pop3_state(s)->drop;
    uint32_t number;
    uint64_t size;
    const char *no = pop3_drop_number(d, args, &number);
    if (no)
        return pop3_refuse(s, no);
    enum ptn_status status = pop3_drop_size(d, number, &size);
    if (status != PTN_OK) {
        pop3_reply(s, pop3_status_reply(status));
        return PTN_DONE;
    }
    pop3_drop_mark(d, number, size);
    pop3_reply(s, "+OK Deleted at QUIT");
    return PTN_DONE;
}

enum ptn_result
pop3_cmd_rset(struct ptn_session *s, struct ptn_slice args)
{
    struct pop3_drop *d = pop3_state(s)->drop;
    (void)args;
    pop3_drop_unmark_all(d);
    pop3_replyf(s, "+OK %u messages, %llu octets", (unsigned)d->count,
                (unsigned long long)d->octets);
    return PTN_DONE;
}

enum ptn_result
pop3_cmd_noop(struct ptn_session *s, struct ptn_slice args)
{
    (void)args;
    pop3_reply(s, "+OK");
    return PTN_DONE;
}

static enum ptn_result
removed(struct ptn_session *s, struct ptn_job *job)
{
    struct pop3_drop *d = PTN_CONTAINER(job, struct pop3_drop, expunge.op.job);
    if (!job->cancelled)
        pop3_reply(s, d->expunge.op.status == PTN_OK
                          ? "+OK Bye"
                          : "-ERR [SYS/TEMP] Deleted messages were not "
                            "removed");
    return PTN_CLOSE;
}

static void
gather(struct pop3_drop *d)
{
    size_t count = 0;
    d->doomed = ptn_alloc(d->marked * sizeof(*d->doomed));
    for (uint32_t number = 1; number <= d->count; number++)
        if (pop3_drop_is_marked(d, number))
            d->doomed[count++] = ptn_uidmap_uid(d->uids, number);
    d->expunge.uids = d->doomed;
    d->expunge.count = count;
}

/* The mailbox once more, writable, if it is still the same. */
static enum ptn_status
open_writable(struct ptn_session *s, struct pop3_drop *d)
{
    struct ptn_mailbox_info info;
    struct ptn_uidmap *uids = ptn_uidmap_new();
    enum ptn_status status = d->pop3->store->open(
        d->pop3->store_instance, ptn_session_user(s), PTN_SLICE("INBOX"), true,
        &d->writable, &info, uids);
    ptn_uidmap_free(uids);
    if (status != PTN_OK)
        d->writable = NULL;
    else if (info.uidvalidity != d->uidvalidity)
        status = PTN_NOTFOUND;
    return status;
}

/* RFC 1939 section 6: the UPDATE state. */
static enum ptn_result
update(struct ptn_session *s, struct pop3_drop *d)
{
    if (open_writable(s, d) != PTN_OK) {
        pop3_reply(s, "-ERR [SYS/TEMP] Deleted messages were not removed");
        return PTN_CLOSE;
    }
    gather(d);
    d->expunge.op.job.done = removed;
    d->expunge.mailbox = d->writable;
    d->expunge.any = true;
    ptn_session_await(s, &d->expunge.op.job);
    d->pop3->store->expunge(d->pop3->store_instance, &d->expunge);
    return PTN_PENDING;
}

enum ptn_result
pop3_cmd_quit(struct ptn_session *s, struct ptn_slice args)
{
    struct pop3_drop *d = pop3_state(s)->drop;
    (void)args;
    if (d && d->marked > 0)
        return update(s, d);
    pop3_reply(s, "+OK Bye");
    return PTN_CLOSE;
}
