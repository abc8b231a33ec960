/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The view of a selected mailbox; see view.h. It owns the store's handle,
 * the session's map of UIDs and three sets that are mostly absent: `gone`
 * (vanished, the client does not know yet), `stale` (flags changed, not told
 * yet) and `fresh` (only while the store tells). `uids` has what the client
 * counts, so it includes `gone`; members above `told_last` are new, and come
 * with the next EXISTS. Loop thread only.
 */
#include "view.h"

#include "format.h"

struct imap_view {
    struct ptn_mailbox *box;
    struct ptn_uidmap *uids;
    struct ptn_uidmap *gone, *stale, *fresh; /* NULL: empty */
    struct ptn_store_watch *watch;           /* NULL: not in IDLE */
    struct ptn_slice *keywords; /* one block with their names; or NULL */
    size_t keyword_count;
    uint64_t modseq, own_modseq;
    uint32_t told_last; /* the highest UID that the client counts */
    uint32_t recent_from, recent;
    bool writable, dead;
};

bool
imap_view_writable(const struct imap_view *v)
{
    return v->writable;
}

bool
imap_view_dead(const struct imap_view *v)
{
    return v->dead;
}

struct ptn_mailbox *
imap_view_mailbox(const struct imap_view *v)
{
    return v->box;
}

const struct ptn_uidmap *
imap_view_uids(const struct imap_view *v)
{
    return v->uids;
}

bool
imap_view_is_gone(struct ptn_session *s)
{
    struct imap_module *m = ptn_session_instance(s);
    struct ptn_mailbox_info info;

    return m->store->info(m->vault, imap_state(s)->view->box, &info) ==
           PTN_NOTFOUND;
}

bool
imap_view_is_recent(const struct imap_view *v, uint32_t uid)
{
    return uid >= v->recent_from;
}

uint32_t
imap_view_recent(const struct imap_view *v)
{
    uint32_t first = ptn_uidmap_next(v->uids, v->recent_from);

    return first == 0
               ? 0
               : ptn_uidmap_count(v->uids) - ptn_uidmap_seq(v->uids, first) + 1;
}

uint64_t
imap_view_modseq(const struct imap_view *v)
{
    return v->modseq;
}

size_t
imap_view_keywords(const struct imap_view *v, const struct ptn_slice **out)
{
    *out = v->keywords;
    return v->keyword_count;
}

/* A copy of the store's keyword table in one block. */
static void
set_keywords(struct imap_view *v, const struct ptn_mailbox_info *info)
{
    size_t names = 0, table = info->keyword_count * sizeof(struct ptn_slice);
    char *p;

    ptn_free(v->keywords);
    v->keywords = NULL;
    v->keyword_count = info->keyword_count;
    if (info->keyword_count == 0)
        return;
    for (size_t i = 0; i < info->keyword_count; i++)
        names += info->keywords[i].len;
    v->keywords = ptn_alloc(table + names);
    p = (char *)v->keywords + table;
    for (size_t i = 0; i < info->keyword_count; i++) {
        v->keywords[i] = (struct ptn_slice){p, info->keywords[i].len};
        memcpy(p, info->keywords[i].data, info->keywords[i].len);
        p += info->keywords[i].len;
    }
}

enum ptn_status
imap_view_open(struct ptn_session *s, struct ptn_slice name, bool writable,
               struct ptn_mailbox_info *info)
{
    struct imap_module *m = ptn_session_instance(s);
    struct imap_view *v = ptn_alloc(sizeof(*v));
    enum ptn_status status;

    v->uids = ptn_uidmap_new();
    status = m->store->open(m->vault, ptn_session_user(s), name, writable,
                            &v->box, info, v->uids);
    if (status != PTN_OK) {
        ptn_uidmap_free(v->uids);
        ptn_free(v);
        return status;
    }
    v->writable = writable;
    v->modseq = info->modseq;
    v->recent_from = info->recent_from;
    v->recent = imap_view_recent(v);
    v->told_last = ptn_uidmap_last(v->uids);
    set_keywords(v, info);
    imap_state(s)->view = v;
    imap_state(s)->phase = IMAP_SELECTED;
    return PTN_OK;
}

void
imap_view_close(struct ptn_session *s)
{
    struct imap_module *m = ptn_session_instance(s);
    struct imap_view *v = imap_state(s)->view;

    if (v == NULL)
        return;
    imap_view_unwatch(s);
    m->store->close(m->vault, v->box);
    ptn_uidmap_free(v->uids);
    ptn_uidmap_free(v->gone);
    ptn_uidmap_free(v->stale);
    ptn_free(v->keywords);
    ptn_free(v);
    imap_state(s)->view = NULL;
    imap_state(s)->phase = IMAP_AUTHENTICATED;
}

/* --- IDLE --- */

static void
on_change(void *arg)
{
    ptn_session_post(arg);
}

void
imap_view_watch(struct ptn_session *s)
{
    struct imap_module *m = ptn_session_instance(s);
    struct imap_view *v = imap_state(s)->view;

    if (v && v->watch == NULL)
        v->watch = m->store->watch(m->vault, v->box, on_change, s);
}

void
imap_view_unwatch(struct ptn_session *s)
{
    struct imap_module *m = ptn_session_instance(s);
    struct imap_view *v = imap_state(s)->view;

    if (v == NULL || v->watch == NULL)
        return;
    m->store->unwatch(m->vault, v->watch);
    v->watch = NULL;
}

/* --- flags --- */

bool
imap_view_knows(const struct imap_view *v, const struct ptn_flags *flags)
{
    return v->keyword_count >= 64 || flags->keywords >> v->keyword_count == 0;
}

static void
put_keywords(const struct imap_view *v, struct ptn_buf *out, uint64_t bits,
             bool blank)
{
    for (size_t i = 0; i < v->keyword_count && bits; i++, bits >>= 1) {
        if (!(bits & 1))
            continue;
        if (blank)
            ptn_buf_addc(out, ' ');
        ptn_buf_addslice(out, v->keywords[i]);
        blank = true;
    }
}

void
imap_view_put_flags(const struct imap_view *v, struct ptn_buf *out,
                    const struct ptn_message *m)
{
    bool blank;

    ptn_buf_add(out, "FLAGS (", 7);
    blank = imap_put_system_flags(out, m->flags.system) > 0;
    if (m->uid >= v->recent_from) {
        ptn_buf_add(out, blank ? " \\Recent" : "\\Recent", blank ? 8 : 7);
        blank = true;
    }
    if (m->flags.keywords)
        put_keywords(v, out, m->flags.keywords, blank);
    ptn_buf_addc(out, ')');
}

void
imap_view_put_flag_table(const struct imap_view *v, struct ptn_buf *out)
{
    const char *system = "(\\Answered \\Flagged \\Deleted \\Seen \\Draft";

    ptn_buf_adds(out, "* FLAGS ");
    ptn_buf_adds(out, system);
    put_keywords(v, out, UINT64_MAX, true);
    ptn_buf_adds(out, ")\r\n* OK [PERMANENTFLAGS ");
    if (v->writable) {
        ptn_buf_adds(out, system);
        put_keywords(v, out, UINT64_MAX, true);
        if (v->keyword_count < PTN_KEYWORDS_MAX)
            ptn_buf_adds(out, " \\*"); /* more keywords may be made */
        ptn_buf_adds(out, ")] flags that are kept\r\n");
    } else {
        ptn_buf_adds(out, "()] nothing can be changed\r\n");
    }
}

bool
imap_view_refresh(struct ptn_session *s)
{
    struct imap_module *m = ptn_session_instance(s);
    struct imap_view *v = imap_state(s)->view;
    struct ptn_mailbox_info info;

    if (m->store->info(m->vault, v->box, &info) != PTN_OK ||
        info.keyword_count <= v->keyword_count)
        return false;
    set_keywords(v, &info);
    imap_view_put_flag_table(v, ptn_session_out(s));
    return true;
}

/* --- news --- */

static void
add(struct ptn_uidmap **set, uint32_t uid)
{
    if (*set == NULL)
        *set = ptn_uidmap_new();
    ptn_uidmap_add(*set, uid, uid);
}

static void
drop(struct ptn_uidmap **set)
{
    ptn_uidmap_free(*set);
    *set = NULL;
}

static void
on_message(void *arg, const struct ptn_message *m)
{
    struct imap_view *v = arg;

    if (!ptn_uidmap_has(v->uids, m->uid))
        add(&v->fresh, m->uid);
    else if (m->uid <= v->told_last && m->modseq != v->own_modseq)
        add(&v->stale, m->uid);
}

static void
on_vanished(void *arg, uint32_t uid)
{
    struct imap_view *v = arg;

    add(&v->gone, uid);
}

/* The next member at or above *uid, which is advanced behind it. */
static uint32_t
step(const struct ptn_uidmap *set, uint32_t *uid)
{
    uint32_t found = *uid == UINT32_MAX ? 0 : ptn_uidmap_next(set, *uid);

    *uid = found + 1;
    return found;
}

/* Takes in what the store told: new messages join the map, and what came
 * and went without the client hearing of it leaves no trace. */
static void
settle(struct imap_view *v)
{
    uint32_t uid, at = 1;

    while (v->fresh && (uid = step(v->fresh, &at)) != 0)
        ptn_uidmap_add(v->uids, uid, uid);
    drop(&v->fresh);
    at = v->told_last + 1;
    while (v->gone && (uid = step(v->gone, &at)) != 0) {
        ptn_uidmap_remove(v->uids, uid);
        ptn_uidmap_remove(v->gone, uid);
    }
}

static void
collect(struct imap_module *m, struct imap_view *v)
{
    const struct ptn_store_changes tell = {on_message, on_vanished, v};
    uint64_t now = v->modseq;
    enum ptn_status status =
        m->store->changes(m->vault, v->box, v->modseq, v->uids, &tell, &now);

    if (status == PTN_NOTFOUND)
        v->dead = true;
    if (status == PTN_OK)
        v->modseq = now;
    if (v->fresh || v->gone)
        settle(v);
}

void
imap_view_told(struct ptn_session *s, uint64_t modseq)
{
    struct imap_view *v = imap_state(s)->view;

    v->own_modseq = modseq;
    collect(ptn_session_instance(s), v);
    v->own_modseq = 0;
}

uint64_t
imap_view_catch_up(struct ptn_session *s)
{
    struct imap_view *v = imap_state(s)->view;

    collect(ptn_session_instance(s), v);
    return v->modseq;
}

static void
tell_gone(struct imap_view *v, struct ptn_buf *out)
{
    uint32_t uid, at = 1;

    while ((uid = step(v->gone, &at)) != 0) {
        uint32_t seq = ptn_uidmap_seq(v->uids, uid);

        if (v->stale)
            ptn_uidmap_remove(v->stale, uid);
        if (seq) {
            imap_put_count(out, seq, "EXPUNGE");
            ptn_uidmap_remove(v->uids, uid);
            v->recent -= uid >= v->recent_from; /* so does the client */
        }
    }
    drop(&v->gone);
}

/* A new last UID means new messages: UIDs only ascend. */
static void
tell_fresh(struct imap_view *v, struct ptn_buf *out)
{
    v->told_last = ptn_uidmap_last(v->uids);
    imap_put_count(out, ptn_uidmap_count(v->uids), "EXISTS");
    if (v->recent == imap_view_recent(v))
        return;
    v->recent = imap_view_recent(v);
    imap_put_count(out, v->recent, "RECENT");
}

struct stale_walk {
    struct ptn_session *session;
    struct imap_view *view;
    uint32_t told; /* the last UID that was dealt with */
    bool stopped;  /* at a keyword that is new to us */
};

/* RFC 3501 section 7.4.2: a FETCH that nobody asked for. It names the UID,
 * since it may come with a UID command (section 6.4.8). */
static bool
tell_stale_one(void *arg, const struct ptn_message *m)
{
    struct stale_walk *walk = arg;
    struct ptn_buf *out = ptn_session_out(walk->session);

    if (!imap_view_knows(walk->view, &m->flags)) {
        walk->stopped = true;
        return false;
    }
    walk->told = m->uid;
    imap_put_fetch(out, ptn_uidmap_seq(walk->view->uids, m->uid));
    ptn_buf_add(out, "UID ", 4);
    ptn_buf_addu64(out, m->uid);
    ptn_buf_addc(out, ' ');
    imap_view_put_flags(walk->view, out, m);
    if (imap_state(walk->session)->condstore) /* RFC 7162 section 3.1.3 */
        imap_put_modseq(out, " MODSEQ (", m->modseq);
    ptn_buf_add(out, ")\r\n", 3);
    return true;
}

/* Some of the stale ones; false when the store cannot say. */
static bool
tell_stale_chunk(struct ptn_session *s, struct imap_view *v)
{
    struct imap_module *m = ptn_session_instance(s);
    struct stale_walk walk = {s, v, 0, false};
    uint32_t uids[IMAP_CHUNK], at = 1;
    size_t n = 0;

    while (n < IMAP_CHUNK && (uids[n] = step(v->stale, &at)) != 0)
        n++;
    if (m->store->fetch(m->vault, v->box, uids, n, PTN_FETCH_FLAGS,
                        tell_stale_one, &walk) != PTN_OK)
        return false;
    if (walk.stopped && !imap_view_refresh(s))
        return false;
    for (size_t i = 0; i < n && (!walk.stopped || uids[i] <= walk.told); i++)
        ptn_uidmap_remove(v->stale, uids[i]);
    return true;
}

static void
tell_stale(struct ptn_session *s, struct imap_view *v)
{
    size_t limit = ptn_session_out(s)->len + IMAP_SYNC_BUDGET;

    while (ptn_uidmap_count(v->stale) > 0 && ptn_session_out(s)->len < limit)
        if (!tell_stale_chunk(s, v))
            return;
    if (ptn_uidmap_count(v->stale) == 0)
        drop(&v->stale);
}

bool
imap_view_sync(struct ptn_session *s, bool may_expunge)
{
    struct imap_module *m = ptn_session_instance(s);
    struct imap_view *v = imap_state(s)->view;

    collect(m, v);
    if (v->gone && may_expunge)
        tell_gone(v, ptn_session_out(s));
    if (ptn_uidmap_last(v->uids) > v->told_last)
        tell_fresh(v, ptn_session_out(s));
    if (v->stale)
        tell_stale(s, v);
    return v->stale != NULL;
}
