/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * STAT, LIST (RFC 1939 section 5) and UIDL (section 7). A list of any
 * length is told piece by piece, as fast as the client reads it. Unique ids
 * are UIDVALIDITY.UID, so they last as long as the mailbox does.
 */
#include "drop.h"

#define BATCH 256 /* messages asked of the store at once */

enum ptn_result
pop3_cmd_stat(struct ptn_session *s, struct ptn_slice args)
{
    const struct pop3_drop *d = pop3_state(s)->drop;
    if (args.len > 0)
        return pop3_refuse(s, "-ERR STAT takes no parameter");
    pop3_replyf(s, "+OK %u %llu", (unsigned)(d->count - d->marked),
                (unsigned long long)(d->octets - d->marked_octets));
    return PTN_DONE;
}

/* --- the long form --- */

/* A run of messages on their way from the store to the client. */
struct batch {
    struct ptn_buf *out;
    const struct pop3_drop *drop;
    uint32_t numbers[BATCH], uids[BATCH];
    size_t count, at;
};

static bool
list_one(void *arg, const struct ptn_message *message)
{
    struct batch *b = arg;
    while (b->at < b->count && b->uids[b->at] < message->uid)
        b->at++;
    if (b->at == b->count)
        return false;
    if (b->uids[b->at] != message->uid)
        return true;
    ptn_buf_addu64(b->out, b->numbers[b->at]);
    ptn_buf_addc(b->out, ' ');
    ptn_buf_addu64(b->out, message->size);
    ptn_buf_add(b->out, "\r\n", 2);
    return true;
}

/* Takes the next messages that are not marked; false when there are none. */
static bool
next_batch(struct pop3_drop *d, struct batch *b)
{
    b->count = b->at = 0;
    for (; d->next <= d->count && b->count < BATCH; d->next++) {
        if (pop3_drop_is_marked(d, d->next))
            continue;
        b->numbers[b->count] = d->next;
        b->uids[b->count++] = ptn_uidmap_uid(d->uids, d->next);
    }
    return b->count > 0;
}

static enum ptn_result
end_list(struct ptn_session *s)
{
    pop3_reply(s, ".");
    return PTN_DONE;
}

static enum ptn_result
go_on_list(struct ptn_session *s)
{
    struct pop3_drop *d = pop3_state(s)->drop;
    struct batch b = {.out = ptn_session_out(s), .drop = d};
    while (next_batch(d, &b)) {
        enum ptn_status status =
            d->pop3->store->fetch(d->pop3->store_instance, d->mailbox, b.uids,
                                  b.count, PTN_FETCH_FLAGS, list_one, &b);
        if (status != PTN_OK && status != PTN_NOTFOUND)
            return PTN_CLOSE; /* a short list would be a lie */
        if (ptn_session_is_full(s)) {
            ptn_session_on_drain(s, go_on_list);
            return PTN_PENDING;
        }
    }
    return end_list(s);
}

static enum ptn_result
go_on_uidl(struct ptn_session *s)
{
    struct pop3_drop *d = pop3_state(s)->drop;
    struct ptn_buf *out = ptn_session_out(s);
    struct batch b = {.out = out, .drop = d};
    while (next_batch(d, &b)) {
        for (; b.at < b.count; b.at++) {
            ptn_buf_addu64(out, b.numbers[b.at]);
            ptn_buf_addc(out, ' ');
            ptn_buf_addu64(out, d->uidvalidity);
            ptn_buf_addc(out, '.');
            ptn_buf_addu64(out, b.uids[b.at]);
            ptn_buf_add(out, "\r\n", 2);
        }
        if (ptn_session_is_full(s)) {
            ptn_session_on_drain(s, go_on_uidl);
            return PTN_PENDING;
        }
    }
    return end_list(s);
}

static void
begin_list(struct ptn_session *s)
{
    struct pop3_drop *d = pop3_state(s)->drop;
    d->next = 1;
    pop3_replyf(s, "+OK %u messages", (unsigned)(d->count - d->marked));
}

/* --- the commands --- */

enum ptn_result
pop3_cmd_list(struct ptn_session *s, struct ptn_slice args)
{
    struct pop3_drop *d = pop3_state(s)->drop;
    uint32_t number;
    uint64_t size;
    if (args.len == 0) {
        begin_list(s);
        return go_on_list(s);
    }
    const char *no = pop3_drop_number(d, args, &number);
    if (no)
        return pop3_refuse(s, no);
    enum ptn_status status = pop3_drop_size(d, number, &size);
    if (status != PTN_OK)
        pop3_reply(s, pop3_status_reply(status));
    else
        pop3_replyf(s, "+OK %u %llu", (unsigned)number,
                    (unsigned long long)size);
    return PTN_DONE;
}

enum ptn_result
pop3_cmd_uidl(struct ptn_session *s, struct ptn_slice args)
{
    struct pop3_drop *d = pop3_state(s)->drop;
    uint32_t number;
    if (args.len == 0) {
        begin_list(s);
        return go_on_uidl(s);
    }
    const char *no = pop3_drop_number(d, args, &number);
    if (no)
        return pop3_refuse(s, no);
    pop3_replyf(s, "+OK %u %u.%u", (unsigned)number, (unsigned)d->uidvalidity,
                (unsigned)ptn_uidmap_uid(d->uids, number));
    return PTN_DONE;
}
