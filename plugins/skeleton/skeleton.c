/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A protocol to start from: it answers each line with a number and the line.
 *
 *     S: 220 mail.example.org says everything twice
 *     C: hello
 *     S: 1 hello
 *     C: STARTTLS
 *     S: 220 go ahead            (and everything is encrypted from here)
 *     C: QUIT
 *     S: 221 1 lines
 *
 * `posternctl module new NAME --protocol` makes a copy with another name. Then
 * name the module in the configuration and give it a listener:
 *
 *     load = [ "tls_wolfssl", "skeleton" ];
 *     listeners: {
 *       lab: { protocol = "skeleton"; listen = [ "127.0.0.1:7000" ];
 *              tls: { mode = "explicit"; }; };
 *     };
 *
 * Not one line here is about sockets, buffers, line ends, limits or what TLS
 * is required: all of that is the listener's, and the same for every protocol.
 * postern-module(7) and the headers tell the rest.
 */
#include <postern/module.h>
#include <postern/protocol.h>
#include <postern/session.h>

/* What one session remembers. It lies zeroed in the session's record, so keep
 * it small: there may be a hundred thousand of them. Never use a static
 * variable instead; sessions, and reloads, would share it. */
struct skeleton {
    uint64_t lines;
};

/* The connection is there, on a TLS port with TLS done: greet. What is written
 * goes into a queue, and is sent when the handler has returned. */
static enum ptn_result
skeleton_open(struct ptn_session *s)
{
    ptn_session_printf(s, "220 %s says everything twice\r\n",
                       ptn_host_hostname(ptn_session_host(s)));
    return PTN_DONE;
}

/* One line, whole and without its line end. It is not terminated with a NUL
 * and not yours to keep. Whatever may block belongs into a job (see
 * postern/job.h), and the handler returns PTN_PENDING. */
static enum ptn_result
skeleton_line(struct ptn_session *s, struct ptn_slice line)
{
    struct skeleton *state = ptn_session_state(s);

    if (ptn_slice_caseeq(line, PTN_SLICE("QUIT"))) {
        ptn_session_printf(s, "221 %llu lines\r\n",
                           (unsigned long long)state->lines);
        return PTN_CLOSE; /* once all of it is sent */
    }
    if (ptn_slice_caseeq(line, PTN_SLICE("STARTTLS"))) {
        if (!ptn_session_tls_offered(s)) {
            ptn_session_error(s); /* too many of these end the session */
            ptn_session_write(s, PTN_SLICE("503 not here\r\n"));
            return PTN_DONE;
        }
        ptn_session_write(s, PTN_SLICE("220 go ahead\r\n"));
        ptn_session_start_tls(s);
        return PTN_DONE;
    }
    ptn_session_printf(s, "%llu ", (unsigned long long)++state->lines);
    ptn_session_write(s, line);
    ptn_session_write(s, PTN_SLICE("\r\n"));
    return PTN_DONE;
}

/* A line that was too long, or held a NUL or half a line end. Nobody sees more
 * of it than its beginning. */
static enum ptn_result
skeleton_fault(struct ptn_session *s, enum ptn_fault fault,
               struct ptn_slice head)
{
    (void)fault, (void)head;
    ptn_session_write(s, PTN_SLICE("500 malformed line\r\n"));
    return PTN_DONE;
}

/* What happens between two lines. After TLS began, forget what came before:
 * anybody may have sent it. */
static enum ptn_result
skeleton_event(struct ptn_session *s, enum ptn_event event)
{
    struct skeleton *state = ptn_session_state(s);

    if (event == PTN_EVENT_TLS) {
        state->lines = 0;
        return PTN_DONE;
    }
    ptn_session_write(s, PTN_SLICE("421 good bye\r\n"));
    return PTN_CLOSE; /* too late, too many errors, or the server stops */
}

static const struct ptn_protocol skeleton_protocol = {
    .size = sizeof skeleton_protocol,
    .name = "skeleton", /* what a listener's `protocol` says */
    .state_size = sizeof(struct skeleton),
    .open = skeleton_open,
    .line = skeleton_line,
    .fault = skeleton_fault,
    .event = skeleton_event,
};

/* Runs once, before there are threads: offer what the module provides. */
static int
skeleton_init(struct ptn_host *host, const void *options, void **instance,
              struct ptn_error *err)
{
    (void)options, (void)instance, (void)err;
    ptn_host_provide(host, PTN_PROTOCOL_CONTRACT, PTN_PROTOCOL_VERSION,
                     &skeleton_protocol, NULL);
    return 0;
}

PTN_MODULE_NOTE(skeleton, "1.0", "LGPL-2.1-or-later",
                PTN_NOTE_PROVIDES(PTN_PROTOCOL_CONTRACT, PTN_PROTOCOL_VERSION));

/* The one symbol that a module exports: its name, _LTX_postern_module. */
PTN_API extern const struct ptn_module skeleton_LTX_postern_module;

const struct ptn_module skeleton_LTX_postern_module = {
    PTN_MODULE_HEAD,
    .name = "skeleton",
    .version = "1.0",
    .license = "LGPL-2.1-or-later",
    .doc = "a protocol to start from",
    .provides =
        (const struct ptn_contract[]){
            {PTN_PROTOCOL_CONTRACT, PTN_PROTOCOL_VERSION}, {NULL, 0}},
    .init = skeleton_init,
};
