/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The descriptor of the module, its options, and everything in a session
 * that is not a command: the greeting, lines that core refused, events, the
 * end. Loop thread.
 */
#include "smtp.h"
#include "tx.h"
#include <postern/arena.h>
#include <postern/mail/delivery.h>
#include <stdatomic.h>

static const char *const roles[] = {"mx", "submission", "lmtp", NULL};
static const char *const newlines[] = {"refuse", "accept", NULL};

static const struct ptn_option listener_options[] = {
    PTN_OPTION(struct smtp_options, role, .type = PTN_OPT_CHOICE,
               .preset = "mx", .choices = roles,
               .doc = "mx: takes mail for local users from anybody; "
                      "submission: from our users, after AUTH; lmtp: an "
                      "answer for each recipient"),
    PTN_OPTION(struct smtp_options, max_message_size, .type = PTN_OPT_SIZE,
               .preset = "35M", .min = 65536, .max = INT32_MAX,
               .doc = "octets of a message, announced with SIZE"),
    PTN_OPTION(struct smtp_options, max_text_line, .type = PTN_OPT_SIZE,
               .preset = "1M", .min = 1000, .max = INT32_MAX,
               .doc = "octets of a line in a message"),
    PTN_OPTION(struct smtp_options, max_recipients, .type = PTN_OPT_INT,
               .preset = "100", .min = 1, .max = PTN_STORE_RECIPIENTS_MAX,
               .doc = "recipients of a message"),
    PTN_OPTION(struct smtp_options, max_transactions, .type = PTN_OPT_INT,
               .preset = "0", .min = 0, .max = INT32_MAX,
               .doc = "messages that one session may begin; 0: no bound"),
    PTN_OPTION(struct smtp_options, max_hops, .type = PTN_OPT_INT,
               .preset = "100", .min = 1, .max = PTN_HOPS_MAX,
               .doc = "Received fields; a message with more goes in a "
                      "circle and is refused"),
    PTN_OPTION(struct smtp_options, bare_newlines, .type = PTN_OPT_CHOICE,
               .preset = "refuse", .choices = newlines,
               .doc = "a CR or LF alone in a message: refuse the message, "
                      "or accept it and make CRLF of them"),
    PTN_OPTION(struct smtp_options, data_timeout, .type = PTN_OPT_DURATION,
               .preset = "5m", .min = 1000, .max = 86400000,
               .doc = "silence of the peer inside of a message"),
    PTN_OPTION(struct smtp_options, message_timeout, .type = PTN_OPT_DURATION,
               .preset = "1h", .min = 1000, .max = 86400000,
               .doc = "time that one message may take in all"),
    PTN_OPTION_END,
};

static const struct ptn_option module_options[] = {
    PTN_OPTION(struct smtp_module_options, inflight, .type = PTN_OPT_SIZE,
               .preset = "256M", .min = 65536, .max = INT64_MAX,
               .doc = "octets of messages that one worker holds in memory "
                      "at once; over it: 452"),
    PTN_OPTION_END,
};

/* RFC 5321 section 4.2.1: the first digit is what matters. */
static const struct {
    const char *name;
} replies[] = {{"2xx"}, {"3xx"}, {"4xx"}, {"5xx"}};
static const struct ptn_words reply_words = PTN_WORDS(replies, name);

void
smtp_count(struct ptn_session *s, size_t from)
{
    const struct ptn_buf *out = ptn_session_out(s);
    ptn_session_count_reply(s, (unsigned)(out->data[from] - '2'));
}

void
smtp_reply(struct ptn_session *s, const char *text)
{
    struct ptn_buf *out = ptn_session_out(s);
    size_t from = out->len;
    ptn_buf_adds(out, text);
    ptn_buf_add(out, "\r\n", 2);
    smtp_count(s, from);
}

void
smtp_replyf(struct ptn_session *s, const char *fmt, ...)
{
    struct ptn_buf *out = ptn_session_out(s);
    size_t from = out->len;
    va_list ap;
    va_start(ap, fmt);
    ptn_buf_vprintf(out, fmt, ap);
    va_end(ap);
    ptn_buf_add(out, "\r\n", 2);
    smtp_count(s, from);
}

enum ptn_result
smtp_refuse(struct ptn_session *s, const char *text)
{
    smtp_reply(s, text);
    ptn_session_error(s);
    return PTN_DONE;
}

/* Core knows the listener's TLS policy; on top of it, port 25 never takes a
 * password in clear, and LMTP takes none at all. */
bool
smtp_may_auth(struct ptn_session *s)
{
    switch (smtp_opts(s)->role) {
    case SMTP_MX:
        return ptn_session_is_tls(s) && ptn_session_may_authenticate(s);
    case SMTP_SUBMISSION:
        return ptn_session_may_authenticate(s);
    default:
        return false;
    }
}

/* RFC 5321 section 4.2: the greeting begins with our name. */
static enum ptn_result
session_open(struct ptn_session *s)
{
    smtp_replyf(s, "220 %s %s Postern", ptn_host_hostname(ptn_session_host(s)),
                smtp_opts(s)->role == SMTP_LMTP ? "LMTP" : "ESMTP");
    return PTN_DONE;
}

static enum ptn_result
session_line(struct ptn_session *s, struct ptn_slice line)
{
    if (smtp_state(s)->in_auth)
        return smtp_auth_line(s, line);
    return smtp_dispatch(s, line);
}

static enum ptn_result
session_block(struct ptn_session *s, const struct ptn_block *block)
{
    return smtp_state(s)->in_text ? smtp_data_block(s, block)
                                  : smtp_bdat_block(s, block);
}

/* A command line that core threw away; it is counted already. Inside a SASL
 * exchange it ends the exchange (RFC 4954 section 4). */
static enum ptn_result
session_fault(struct ptn_session *s, enum ptn_fault fault,
              struct ptn_slice head)
{
    (void)head;
    if (smtp_state(s)->in_auth) {
        smtp_state(s)->auth_long = fault == PTN_FAULT_LONG_LINE;
        return smtp_auth_line(s, PTN_SLICE("*"));
    }
    switch (fault) {
    case PTN_FAULT_LONG_LINE:
        smtp_reply(s, "500 5.5.2 Line too long");
        break;
    case PTN_FAULT_NUL:
        smtp_reply(s, "501 5.5.2 NUL in a command");
        break;
    default:
        smtp_reply(s, "501 5.5.2 A command ends with CR LF, and holds no "
                      "other CR or LF");
    }
    return PTN_DONE;
}

/* RFC 3207 section 4.2: what was said in clear is forgotten. */
static enum ptn_result
forget(struct ptn_session *s)
{
    struct smtp_session *state = smtp_state(s);
    smtp_tx_end(s);
    ptn_free(state->helo);
    state->helo = NULL;
    state->esmtp = false;
    return PTN_DONE;
}

static enum ptn_result
say_and_close(struct ptn_session *s, const char *text)
{
    smtp_reply(s, text);
    return PTN_CLOSE;
}

static enum ptn_result
session_event(struct ptn_session *s, enum ptn_event event)
{
    switch (event) {
    case PTN_EVENT_TLS:
        return forget(s);
    case PTN_EVENT_TIMEOUT:
        return say_and_close(s, "421 4.4.2 Timeout, closing");
    case PTN_EVENT_ERRORS:
        return say_and_close(s, "421 4.7.0 Too many errors, closing");
    case PTN_EVENT_SHUTDOWN:
        return say_and_close(s, "421 4.3.2 Shutting down, closing");
    case PTN_EVENT_POSTED:
        break;
    }
    return PTN_DONE;
}

static void
session_close(struct ptn_session *s)
{
    forget(s);
}

static const char *
refuse(enum ptn_refusal reason)
{
    if (reason == PTN_REFUSE_SHUTDOWN)
        return "421 4.3.2 Shutting down, try again later\r\n";
    if (reason == PTN_REFUSE_MEMORY)
        return "421 4.3.1 Out of memory, try again later\r\n";
    return "421 4.7.0 Too many connections, try again later\r\n";
}

static int
check(const void *options, struct ptn_error *err)
{
    const struct smtp_options *o = options;
    if (o->data_timeout > o->message_timeout)
        return ptn_error_set(err, PTN_ERR_CONFIG,
                             "data_timeout is longer than message_timeout");
    return 0;
}

/* RFC 3207 section 4; we take it as the first command, so that it is the
 * same for LMTP. */
static const struct ptn_client_step starttls[] = {
    {"220 ", "220-", "STARTTLS"},
    {"220 ", "220-", NULL},
    {NULL, NULL, NULL},
};

static const struct ptn_protocol protocol = {
    .size = sizeof(protocol),
    .name = "smtp",
    .default_port = 25,
    .default_tls_port = 465,
    .options = listener_options,
    .options_size = sizeof(struct smtp_options),
    .state_size = sizeof(struct smtp_session),
    .check = check,
    .open = session_open,
    .line = session_line,
    .block = session_block,
    .fault = session_fault,
    .event = session_event,
    .close = session_close,
    .refuse = refuse,
    .verbs = &smtp_verbs,
    .replies = &reply_words,
    .starttls = starttls,
};

static int
init(struct ptn_host *host, const void *options, void **instance,
     struct ptn_error *err)
{
    struct smtp *smtp = ptn_alloc(sizeof(*smtp));
    const void *directory, *store;
    smtp->host = host;
    smtp->options = options;
    atomic_init(&smtp->inflight, 0);
    if (!ptn_host_find(host, PTN_DIRECTORY_CONTRACT, PTN_DIRECTORY_VERSION,
                       &directory, &smtp->directory_instance) ||
        !ptn_host_find(host, PTN_STORE_CONTRACT, PTN_STORE_VERSION, &store,
                       &smtp->store_instance)) {
        ptn_free(smtp);
        return ptn_error_set(err, PTN_ERR_MODULE,
                             "smtp needs a directory and a store: add "
                             "passwd and vault to load");
    }
    smtp->directory = directory;
    smtp->store = store;
    ptn_host_provide(host, PTN_PROTOCOL_CONTRACT, PTN_PROTOCOL_VERSION,
                     &protocol, smtp);
    *instance = smtp;
    return 0;
}

static void
stop(void *instance)
{
    ptn_free(instance);
}

static const struct ptn_contract needs[] = {
    {PTN_DIRECTORY_CONTRACT, PTN_DIRECTORY_VERSION},
    {PTN_STORE_CONTRACT, PTN_STORE_VERSION},
    {NULL, 0},
};
static const struct ptn_contract provides[] = {
    {PTN_PROTOCOL_CONTRACT, PTN_PROTOCOL_VERSION},
    {NULL, 0},
};

PTN_MODULE_NOTE(smtp, "1.0", "LGPL-2.1-or-later",
                PTN_NOTE_NEEDS(PTN_DIRECTORY_CONTRACT, PTN_DIRECTORY_VERSION)
                    PTN_NOTE_NEEDS(PTN_STORE_CONTRACT, PTN_STORE_VERSION)
                        PTN_NOTE_PROVIDES(PTN_PROTOCOL_CONTRACT,
                                          PTN_PROTOCOL_VERSION));

extern const struct ptn_module smtp_LTX_postern_module;
PTN_API const struct ptn_module smtp_LTX_postern_module = {
    PTN_MODULE_HEAD,
    .name = "smtp",
    .version = "1.0",
    .license = "LGPL-2.1-or-later",
    .doc = "SMTP, message submission and LMTP",
    .needs = needs,
    .provides = provides,
    .options = module_options,
    .options_size = sizeof(struct smtp_module_options),
    .init = init,
    .stop = stop,
};
