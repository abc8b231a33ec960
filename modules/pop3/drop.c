/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Owns the maildrop. The mailbox is opened for reading alone, so that a
 * POP3 client takes no \Recent away from IMAP; QUIT opens it once more when
 * there is something to remove.
 */
#include "drop.h"
#include <postern/arena.h>
#include <postern/log.h>

enum ptn_status
pop3_drop_open(struct ptn_session *s)
{
    struct pop3 *pop3 = pop3_of(s);
    struct pop3_drop *d = ptn_alloc(sizeof(*d));
    struct ptn_mailbox_info info;
    d->pop3 = pop3;
    d->uids = ptn_uidmap_new();
    enum ptn_status status = pop3->store->open(
        pop3->store_instance, ptn_session_user(s), PTN_SLICE("INBOX"), false,
        &d->mailbox, &info, d->uids);
    if (status != PTN_OK) {
        ptn_uidmap_free(d->uids);
        ptn_free(d);
        return status;
    }
    d->uidvalidity = info.uidvalidity;
    d->count = ptn_uidmap_count(d->uids);
    d->octets = info.size;
    pop3_state(s)->drop = d;
    return PTN_OK;
}

void
pop3_drop_close(struct ptn_session *s)
{
    struct pop3_drop *d = pop3_state(s)->drop;
    if (!d)
        return;
    const struct ptn_store_ops *store = d->pop3->store;
    void *instance = d->pop3->store_instance;
    ptn_log(PTN_LOG_INFO, "pop3.end", PTN_FS("session", ptn_session_id(s)),
            PTN_FS("user", ptn_session_user(s)), PTN_FN("messages", d->count),
            PTN_FN("retrieved", d->retrieved),
            PTN_FN("deleted", d->expunge.removed));
    if (d->body)
        store->body_close(instance, d->body);
    if (d->writable)
        store->close(instance, d->writable);
    store->close(instance, d->mailbox);
    ptn_uidmap_free(d->uids);
    ptn_free(d->marks);
    ptn_free(d->doomed);
    ptn_free(d);
    pop3_state(s)->drop = NULL;
}

bool
pop3_drop_is_marked(const struct pop3_drop *d, uint32_t number)
{
    uint32_t bit = number - 1;
    return d->marks && (d->marks[bit / 8] >> bit % 8 & 1);
}

void
pop3_drop_mark(struct pop3_drop *d, uint32_t number, uint64_t size)
{
    uint32_t bit = number - 1;
    if (!d->marks)
        d->marks = ptn_alloc(d->count / 8 + 1);
    d->marks[bit / 8] = (uint8_t)(d->marks[bit / 8] | 1u << bit % 8);
    d->marked++;
    d->marked_octets += size;
}

void
pop3_drop_unmark_all(struct pop3_drop *d)
{
    ptn_free(d->marks);
    d->marks = NULL;
    d->marked = 0;
    d->marked_octets = 0;
}

static bool
take_size(void *arg, const struct ptn_message *message)
{
    *(uint64_t *)arg = message->size;
    return false;
}

enum ptn_status
pop3_drop_size(struct pop3_drop *d, uint32_t number, uint64_t *size)
{
    uint32_t uid = ptn_uidmap_uid(d->uids, number);
    *size = UINT64_MAX;
    enum ptn_status status =
        d->pop3->store->fetch(d->pop3->store_instance, d->mailbox, &uid, 1,
                              PTN_FETCH_FLAGS, take_size, size);
    if (status == PTN_OK && *size == UINT64_MAX)
        status = PTN_NOTFOUND;
    return status;
}

const char *
pop3_drop_number(const struct pop3_drop *d, struct ptn_slice text,
                 uint32_t *number)
{
    uint64_t value;
    if (!ptn_slice_to_u64(text, UINT64_MAX, &value))
        return "-ERR A message number must follow";
    if (value == 0 || value > d->count)
        return "-ERR No such message";
    *number = (uint32_t)value;
    return pop3_drop_is_marked(d, *number) ? "-ERR The message is deleted"
                                           : NULL;
}

/* RFC 3206 section 4: SYS/TEMP invites another try. */
const char *
pop3_status_reply(enum ptn_status status)
{
    switch (status) {
    case PTN_NOTFOUND:
        return "-ERR The message was removed by another session";
    case PTN_PERMFAIL:
        return "-ERR [SYS/PERM] The message cannot be read";
    default:
        return "-ERR [SYS/TEMP] The mailbox cannot be read now";
    }
}
