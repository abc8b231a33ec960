/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The descriptor of the module, and everything in a session that is not a
 * command: the greeting, lines that core refused, events, the end.
 */
#include "pop3.h"
#include "drop.h"
#include <postern/arena.h>

static const struct ptn_option listener_options[] = {
    PTN_OPTION(struct pop3_options, autologout, .type = PTN_OPT_DURATION,
               .preset = "10m", .min = 600000, .max = 86400000,
               .doc = "silence after which a session that has logged in "
                      "ends, without removing anything"),
    PTN_OPTION_END,
};

/* RFC 1939 section 3, and RFC 5034 section 4 for a challenge. */
static const struct {
    const char *name;
} replies[] = {{"+OK"}, {"-ERR"}, {"+"}};
static const struct ptn_words reply_words = PTN_WORDS(replies, name);

void
pop3_count(struct ptn_session *s, size_t from)
{
    const char *text = ptn_session_out(s)->data + from;
    ptn_session_count_reply(s, text[0] == '-' ? 1 : text[1] == 'O' ? 0 : 2);
}

void
pop3_reply(struct ptn_session *s, const char *text)
{
    struct ptn_buf *out = ptn_session_out(s);
    size_t from = out->len;
    ptn_buf_adds(out, text);
    ptn_buf_add(out, "\r\n", 2);
    pop3_count(s, from);
}

void
pop3_replyf(struct ptn_session *s, const char *fmt, ...)
{
    struct ptn_buf *out = ptn_session_out(s);
    size_t from = out->len;
    va_list ap;
    va_start(ap, fmt);
    ptn_buf_vprintf(out, fmt, ap);
    va_end(ap);
    ptn_buf_add(out, "\r\n", 2);
    pop3_count(s, from);
}

enum ptn_result
pop3_refuse(struct ptn_session *s, const char *text)
{
    pop3_reply(s, text);
    ptn_session_error(s);
    return PTN_DONE;
}

static enum ptn_result
session_open(struct ptn_session *s)
{
    pop3_replyf(s, "+OK %s POP3 Postern",
                ptn_host_hostname(ptn_session_host(s)));
    return PTN_DONE;
}

static enum ptn_result
session_line(struct ptn_session *s, struct ptn_slice line)
{
    if (pop3_state(s)->in_auth)
        return pop3_auth_line(s, line);
    return pop3_dispatch(s, line);
}

static enum ptn_result
session_fault(struct ptn_session *s, enum ptn_fault fault,
              struct ptn_slice head)
{
    (void)head;
    if (pop3_state(s)->in_auth)
        return pop3_auth_line(s, PTN_SLICE("*"));
    pop3_reply(s, fault == PTN_FAULT_LONG_LINE
                      ? "-ERR Line too long"
                      : "-ERR A command ends with CR LF, and holds no other "
                        "CR, LF or NUL");
    return PTN_DONE;
}

/* RFC 2595 section 4: what was said in clear is forgotten. */
static enum ptn_result
forget(struct ptn_session *s)
{
    struct pop3_session *state = pop3_state(s);
    ptn_free(state->user);
    state->user = NULL;
    state->in_auth = false;
    return PTN_DONE;
}

static enum ptn_result
say_and_close(struct ptn_session *s, const char *text)
{
    pop3_reply(s, text);
    return PTN_CLOSE;
}

static enum ptn_result
session_event(struct ptn_session *s, enum ptn_event event)
{
    switch (event) {
    case PTN_EVENT_TLS:
        return forget(s);
    case PTN_EVENT_TIMEOUT:
        /* RFC 1939 section 3: without UPDATE and without a word. */
        return PTN_CLOSE;
    case PTN_EVENT_ERRORS:
        return say_and_close(s, "-ERR Too many errors, closing");
    case PTN_EVENT_SHUTDOWN:
        return say_and_close(s, "-ERR [SYS/TEMP] Shutting down");
    case PTN_EVENT_POSTED:
        break;
    }
    return PTN_DONE;
}

static void
session_close(struct ptn_session *s)
{
    forget(s);
    pop3_drop_close(s);
}

static const char *
refuse(enum ptn_refusal reason)
{
    if (reason == PTN_REFUSE_SHUTDOWN)
        return "-ERR [SYS/TEMP] Shutting down, try again later\r\n";
    if (reason == PTN_REFUSE_MEMORY)
        return "-ERR [SYS/TEMP] Out of memory, try again later\r\n";
    return "-ERR [SYS/TEMP] Too many connections, try again later\r\n";
}

/* RFC 2595 section 4 */
static const struct ptn_client_step starttls[] = {
    {"+OK", NULL, "STLS"},
    {"+OK", NULL, NULL},
    {NULL, NULL, NULL},
};

static const struct ptn_protocol protocol = {
    .size = sizeof(protocol),
    .name = "pop3",
    .default_port = 110,
    .default_tls_port = 995,
    .alpn = "pop3",
    .options = listener_options,
    .options_size = sizeof(struct pop3_options),
    .state_size = sizeof(struct pop3_session),
    .open = session_open,
    .line = session_line,
    .fault = session_fault,
    .event = session_event,
    .close = session_close,
    .refuse = refuse,
    .login = true,
    .verbs = &pop3_verbs,
    .replies = &reply_words,
    .starttls = starttls,
};

static int
init(struct ptn_host *host, const void *options, void **instance,
     struct ptn_error *err)
{
    struct pop3 *pop3 = ptn_alloc(sizeof(*pop3));
    const void *store;
    (void)options;
    pop3->host = host;
    if (!ptn_host_find(host, PTN_STORE_CONTRACT, PTN_STORE_VERSION, &store,
                       &pop3->store_instance)) {
        ptn_free(pop3);
        return ptn_error_set(err, PTN_ERR_MODULE,
                             "pop3 needs a store: add vault to load");
    }
    pop3->store = store;
    ptn_host_provide(host, PTN_PROTOCOL_CONTRACT, PTN_PROTOCOL_VERSION,
                     &protocol, pop3);
    *instance = pop3;
    return 0;
}

static void
stop(void *instance)
{
    ptn_free(instance);
}

static const struct ptn_contract needs[] = {
    {PTN_STORE_CONTRACT, PTN_STORE_VERSION},
    {NULL, 0},
};
static const struct ptn_contract provides[] = {
    {PTN_PROTOCOL_CONTRACT, PTN_PROTOCOL_VERSION},
    {NULL, 0},
};

PTN_MODULE_NOTE(pop3, "1.0", "LGPL-2.1-or-later",
                PTN_NOTE_NEEDS(PTN_STORE_CONTRACT, PTN_STORE_VERSION)
                    PTN_NOTE_PROVIDES(PTN_PROTOCOL_CONTRACT,
                                      PTN_PROTOCOL_VERSION));

extern const struct ptn_module pop3_LTX_postern_module;
PTN_API const struct ptn_module pop3_LTX_postern_module = {
    PTN_MODULE_HEAD,      .name = "pop3",
    .version = "1.0",     .license = "LGPL-2.1-or-later",
    .doc = "POP3",        .needs = needs,
    .provides = provides, .init = init,
    .stop = stop,
};
