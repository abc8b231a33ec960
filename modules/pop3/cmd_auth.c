/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The AUTHORIZATION state: CAPA (RFC 2449), STLS (RFC 2595), USER and PASS
 * (RFC 1939 section 7), AUTH (RFC 5034). Passwords go to core and are not
 * kept.
 */
#include "drop.h"
#include <postern/arena.h>

enum ptn_result
pop3_cmd_capa(struct ptn_session *s, struct ptn_slice args)
{
    struct ptn_buf *out = ptn_session_out(s);
    size_t from = out->len;
    (void)args;
    ptn_buf_adds(out, "+OK Capabilities follow\r\nTOP\r\nUIDL\r\n"
                      "RESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\n"
                      "EXPIRE NEVER\r\nLOGIN-DELAY 0\r\n");
    if (!pop3_state(s)->drop && ptn_session_tls_offered(s))
        ptn_buf_adds(out, "STLS\r\n");
    if (!pop3_state(s)->drop && ptn_session_may_authenticate(s)) {
        ptn_buf_adds(out, "USER\r\nSASL");
        ptn_session_mechanisms(s, " ", out);
        ptn_buf_adds(out, "\r\n");
    }
    ptn_buf_adds(out, "IMPLEMENTATION Postern\r\n.\r\n");
    pop3_count(s, from);
    return PTN_DONE;
}

enum ptn_result
pop3_cmd_stls(struct ptn_session *s, struct ptn_slice args)
{
    if (args.len > 0)
        return pop3_refuse(s, "-ERR STLS takes no parameter");
    if (!ptn_session_tls_offered(s))
        return pop3_refuse(s, ptn_session_is_tls(s)
                                  ? "-ERR TLS is there already"
                                  : "-ERR STLS is not offered");
    pop3_reply(s, "+OK Go ahead");
    ptn_session_start_tls(s);
    return PTN_DONE;
}

/* The user is known: on to the TRANSACTION state. */
static enum ptn_result
enter(struct ptn_session *s)
{
    enum ptn_status status = pop3_drop_open(s);
    if (status != PTN_OK) {
        pop3_reply(s, status == PTN_PERMFAIL
                          ? "-ERR [SYS/PERM] The mailbox cannot be opened"
                          : "-ERR [SYS/TEMP] The mailbox cannot be opened "
                            "now");
        return PTN_CLOSE;
    }
    const struct pop3_drop *d = pop3_state(s)->drop;
    const struct pop3_options *o = ptn_session_options(s);
    ptn_session_timeout(s, o->autologout); /* RFC 1939 section 3 */
    pop3_replyf(s, "+OK %u messages, %llu octets", (unsigned)d->count,
                (unsigned long long)d->octets);
    return PTN_DONE;
}

/* RFC 3206: [AUTH] is about the credentials, [SYS/...] is not. */
static enum ptn_result
failed(struct ptn_session *s, enum ptn_auth outcome)
{
    switch (outcome) {
    case PTN_AUTH_FAILED:
        return pop3_refuse(s, "-ERR [AUTH] Wrong name or password");
    case PTN_AUTH_NO_MECHANISM:
        return pop3_refuse(s, "-ERR This mechanism is not offered");
    case PTN_AUTH_NEEDS_TLS:
        return pop3_refuse(s, "-ERR Say STLS first");
    case PTN_AUTH_MALFORMED:
        return pop3_refuse(s, "-ERR Malformed SASL response");
    case PTN_AUTH_CANCELLED:
        return pop3_refuse(s, "-ERR Cancelled");
    case PTN_AUTH_THROTTLED:
        pop3_reply(s, "-ERR [SYS/TEMP] Too many attempts, closing");
        return PTN_CLOSE;
    default:
        pop3_reply(s, "-ERR [SYS/TEMP] Authentication is out of order, try "
                      "again later");
        return PTN_DONE;
    }
}

static enum ptn_result
outcome_fn(struct ptn_session *s, enum ptn_auth outcome, struct ptn_slice data)
{
    struct ptn_buf *out = ptn_session_out(s);
    pop3_state(s)->in_auth = outcome == PTN_AUTH_CHALLENGE;
    if (outcome == PTN_AUTH_OK)
        return enter(s);
    if (outcome != PTN_AUTH_CHALLENGE)
        return failed(s, outcome);
    size_t from = out->len;
    ptn_buf_adds(out, "+ ");
    ptn_buf_addslice(out, data);
    ptn_buf_adds(out, "\r\n");
    pop3_count(s, from);
    return PTN_DONE;
}

enum ptn_result
pop3_cmd_user(struct ptn_session *s, struct ptn_slice args)
{
    struct pop3_session *state = pop3_state(s);
    if (!ptn_session_may_authenticate(s))
        return pop3_refuse(s, "-ERR Say STLS first");
    if (args.len == 0)
        return pop3_refuse(s, "-ERR A name must follow");
    ptn_free(state->user);
    state->user = ptn_alloc(args.len + 1);
    memcpy(state->user, args.data, args.len);
    pop3_reply(s, "+OK Now PASS");
    return PTN_DONE;
}

enum ptn_result
pop3_cmd_pass(struct ptn_session *s, struct ptn_slice args)
{
    struct pop3_session *state = pop3_state(s);
    if (!state->user)
        return pop3_refuse(s, "-ERR Say USER first");
    char *user = state->user;
    state->user = NULL;
    enum ptn_result result =
        ptn_auth_login(s, ptn_slice_of(user), args, outcome_fn);
    ptn_free(user);
    return result;
}

/* AUTH without a word lists the mechanisms, as clients that are older than
 * CAPA expect. */
static enum ptn_result
list_mechanisms(struct ptn_session *s)
{
    struct ptn_buf *out = ptn_session_out(s);
    size_t from = out->len;
    ptn_buf_adds(out, "+OK");
    ptn_session_mechanisms(s, "\r\n", out);
    ptn_buf_adds(out, "\r\n.\r\n");
    pop3_count(s, from);
    return PTN_DONE;
}

enum ptn_result
pop3_cmd_auth(struct ptn_session *s, struct ptn_slice args)
{
    if (!ptn_session_may_authenticate(s))
        return pop3_refuse(s, "-ERR Say STLS first");
    if (args.len == 0)
        return list_mechanisms(s);
    const char *blank = memchr(args.data, ' ', args.len);
    struct ptn_slice mechanism = args, initial = {NULL, 0};
    if (blank) {
        mechanism.len = (size_t)(blank - args.data);
        initial = ptn_slice_sub(args, mechanism.len + 1,
                                args.len - mechanism.len - 1);
    }
    return ptn_auth_start(s, mechanism, initial, outcome_fn);
}

enum ptn_result
pop3_auth_line(struct ptn_session *s, struct ptn_slice line)
{
    pop3_state(s)->in_auth = false;
    return ptn_auth_step(s, line);
}
