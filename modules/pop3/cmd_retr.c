/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * RETR (RFC 1939 section 5) and TOP (section 7): a message, streamed in
 * bounded memory.
 */
#include "drop.h"
#include <postern/mail/stream.h>

static enum ptn_result
sent(struct ptn_session *s, void *arg, bool ok)
{
    struct pop3_drop *d = arg;
    d->pop3->store->body_close(d->pop3->store_instance, d->body);
    d->body = NULL;
    if (!ok)
        return PTN_CLOSE; /* the client was promised more */
    pop3_reply(s, ".");
    return PTN_DONE;
}

/* Opens message `number`; false when that was refused. */
static bool
open_body(struct ptn_session *s, uint32_t number, uint64_t *size)
{
    struct pop3_drop *d = pop3_state(s)->drop;
    enum ptn_status status = d->pop3->store->body_open(
        d->pop3->store_instance, d->mailbox, ptn_uidmap_uid(d->uids, number),
        &d->body, size);
    if (status != PTN_OK) {
        d->body = NULL;
        pop3_reply(s, pop3_status_reply(status));
        return false;
    }
    return true;
}

enum ptn_result
pop3_cmd_retr(struct ptn_session *s, struct ptn_slice args)
{
    struct pop3_drop *d = pop3_state(s)->drop;
    uint32_t number;
    uint64_t size;
    const char *no = pop3_drop_number(d, args, &number);
    if (no)
        return pop3_refuse(s, no);
    if (!open_body(s, number, &size))
        return PTN_DONE;
    d->retrieved++;
    pop3_replyf(s, "+OK %llu octets", (unsigned long long)size);
    return ptn_stream_body(s, d->pop3->store, d->pop3->store_instance, d->body,
                           0, size, PTN_STREAM_DOTS, sent, d);
}

enum ptn_result
pop3_cmd_top(struct ptn_session *s, struct ptn_slice args)
{
    struct pop3_drop *d = pop3_state(s)->drop;
    uint32_t number;
    uint64_t size, lines;
    const char *blank = args.len ? memchr(args.data, ' ', args.len) : NULL;
    size_t n = blank ? (size_t)(blank - args.data) : args.len;
    if (!blank ||
        !ptn_slice_to_u64(ptn_slice_sub(args, n + 1, args.len - n - 1),
                          UINT64_MAX, &lines))
        return pop3_refuse(s, "-ERR A message number and a number of lines "
                              "must follow");
    const char *no = pop3_drop_number(d, ptn_slice_sub(args, 0, n), &number);
    if (no)
        return pop3_refuse(s, no);
    if (!open_body(s, number, &size))
        return PTN_DONE;
    pop3_reply(s, "+OK The top follows");
    return ptn_stream_top(s, d->pop3->store, d->pop3->store_instance, d->body,
                          size, lines, sent, d);
}
