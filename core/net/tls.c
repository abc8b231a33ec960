/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The driver of a TLS provider (postern/tls.h). The provider reads from
 * net->cipher_in, which is what the last receive brought, and writes to
 * net->cipher_out, which one send takes. Both are the loop's and empty
 * between turns; only what a full socket did not take becomes the session's
 * own. It fails closed: a session whose TLS cannot begin or go on is
 * killed, never continued in clear.
 */
#include "base/clock.h"
#include "net/inner.h"
#include "pki/index.h"
#include "pki/pki.h"
#include <assert.h>
#include <postern/arena.h>
#include <postern/log.h>

struct ptn_tls_link {
    const struct ptn_tls_ops *ops;
    struct ptn_tls_session *session;
    struct ptn_buf out; /* encrypted; of which out_sent octets are sent */
    size_t out_sent;
    uint64_t began; /* microseconds; when the handshake began */
    char *client;   /* the user that its certificate stands for, or NULL */
    struct ptn_pki_choice choice; /* of the certificate that it was shown */
};

static size_t
transport_receive(void *arg, uint8_t *into, size_t len)
{
    struct ptn_session *s = arg;
    struct ptn_slice *in = &s->net->cipher_in;
    size_t n = len < in->len ? len : in->len;

    if (n == 0)
        return 0;
    memcpy(into, in->data, n);
    *in = ptn_slice_sub(*in, n, in->len - n);
    return n;
}

static size_t
transport_send(void *arg, const uint8_t *from, size_t len)
{
    struct ptn_session *s = arg;

    ptn_buf_add(&s->net->cipher_out, from, len);
    return len;
}

static const struct ptn_tls_transport transport = {
    transport_receive,
    transport_send,
};

/* What the session's TLS is made with. An exception does not end below a
 * session that has begun with it. */
static struct ptn_pki_binding *
binding_of(const struct ptn_session *s)
{
    struct ptn_pki_binding *binding = s->listener->binding;

    return s->excepted ? ptn_pki_exception_of(binding) : binding;
}

int
ptn_session_tls_begin(struct ptn_session *s)
{
    const struct ptn_tls_ops *ops;
    void *instance;
    struct ptn_tls_context *context;
    struct ptn_tls_session *session;

    s->excepted = ptn_pki_is_excepted(s->listener->binding, s->peer);
    context = ptn_pki_context(binding_of(s), &ops, &instance);
    session =
        context ? ops->session_new(instance, context, &transport, s) : NULL;
    if (!session) {
        ptn_log(PTN_LOG_ERROR, "tls.unavailable", PTN_FS("session", s->id),
                PTN_FS("listener", s->listener->conf->name));
        ptn_session_kill(s, "no tls");
        return -1;
    }
    assert(!s->tls);
    s->tls = ptn_alloc(sizeof *s->tls);
    s->tls->ops = ops;
    s->tls->session = session;
    s->tls->began = ptn_clock_us();
    ptn_session_set_phase(s, PTN_PHASE_HANDSHAKE);
    return 0;
}

void
ptn_session_tls_free(struct ptn_session *s)
{
    struct ptn_tls_link *t = s->tls;

    if (!t)
        return;
    s->tls = NULL;
    s->net->cipher_in = (struct ptn_slice){NULL, 0};
    s->net->cipher_out.len = 0;
    t->ops->session_free(t->session);
    ptn_buf_free(&t->out);
    ptn_free(t->client);
    ptn_free(t);
}

bool
ptn_session_tls_is_blocked(const struct ptn_session *s)
{
    return s->tls && s->tls->out.len > 0;
}

void
ptn_session_tls_rest(struct ptn_session *s)
{
    if (s->tls && s->tls->ops->trim)
        s->tls->ops->trim(s->tls->session);
}

/* Fields of one line, added as there is something to say. */
struct line {
    struct ptn_log_field fields[24];
    size_t count;
};

static void
say(struct line *line, struct ptn_log_field field)
{
    assert(line->count < PTN_COUNT(line->fields));
    line->fields[line->count++] = field;
}

static void
say_text(struct line *line, const char *name, const char *text)
{
    if (text && *text)
        say(line, PTN_FS(name, text));
}

/* What the two agreed on. */
static void
say_agreed(struct line *line, const struct ptn_tls_info *info)
{
    say_text(line, "version", info->version_name);
    say_text(line, "cipher", info->cipher);
    say_text(line, "group", info->group);
    say_text(line, "signature", ptn_tls_scheme_word(info->scheme));
    say_text(line, "resumed", info->resumed ? "yes" : "no");
    say_text(line, "alpn", info->alpn);
}

/* Its certificate, believed or not. */
static void
say_client(struct line *line, const struct ptn_session *s,
           const struct ptn_tls_info *info)
{
    say_text(line, "client", info->peer_name);
    say_text(line, "client_user", s->tls->client);
    say_text(line, "client_fingerprint", info->peer_fingerprint);
    say_text(line, "client_refused", info->peer_problem);
}

/* One line explains a handshake: who, to which listener, by which name, which
 * certificate was shown and why that one, and what came of it. */
static void
log_handshake(struct ptn_session *s, const struct ptn_tls_info *info,
              const char *failure)
{
    struct ptn_pki_choice choice = s->tls->choice;
    struct line line = {.count = 0};

    say(&line, PTN_FS("session", s->id));
    say_text(&line, "listener", s->listener->conf->name);
    say_text(&line, "peer", s->peer);
    say_text(&line, "outcome", failure ? failure : "ok");
    say(&line, PTN_FN("us", ptn_clock_us() - s->tls->began));
    say(&line, PTN_F("sni", info->server_name));
    say_text(&line, "certificate", ptn_pki_choice_name(binding_of(s), choice));
    say_text(&line, "rule", ptn_index_rule_word(choice.rule));
    if (!failure)
        say_agreed(&line, info);
    say_text(&line, "legacy", s->excepted ? "yes" : NULL);
    say_text(&line, "visitor",
             s->network == &s->listener->visitors ? PTN_VISITORS : NULL);
    if (info->alert_sent)
        say_text(&line, "alert_sent", ptn_tls_alert_word(info->alert_sent));
    say_client(&line, s, info);
    ptn_log_fields(PTN_LOG_INFO, "tls.handshake", line.fields, line.count);
}

/* --- output --- */

/* Sends what waits from before. 0 when nothing waits any more, 1 when the
 * socket is full, -1 when the session has died. */
static int
send_waiting(struct ptn_session *s)
{
    struct ptn_tls_link *t = s->tls;
    ssize_t n;

    if (t->out.len == 0)
        return 0;
    n = ptn_session_send(s, t->out.data + t->out_sent,
                         t->out.len - t->out_sent);
    if (n < 0)
        return -1;
    t->out_sent += (size_t)n;
    if (t->out_sent < t->out.len)
        return 1;
    ptn_buf_free(&t->out);
    t->out_sent = 0;
    return 0;
}

/* The same for what was encrypted in this turn; the rest is kept. */
static int
send_fresh(struct ptn_session *s)
{
    struct ptn_buf *fresh = &s->net->cipher_out;
    ssize_t n = 0;
    int full = send_waiting(s);

    if (full < 0 || fresh->len == 0)
        return full;
    if (!full)
        n = ptn_session_send(s, fresh->data, fresh->len);
    if (n < 0)
        return -1;
    full = (size_t)n < fresh->len;
    if (full)
        ptn_buf_add(&s->tls->out, fresh->data + n, fresh->len - (size_t)n);
    fresh->len = 0;
    return full;
}

/* Encrypts of the output queue what one send can be hoped to take. -1: the
 * session has died. */
static int
encrypt(struct ptn_session *s)
{
    struct ptn_tls_link *t = s->tls;
    size_t left, n;

    while ((left = ptn_session_unsent(s)) > 0 &&
           s->net->cipher_out.len < PTN_NET_CHUNK) {
        const uint8_t *from = (const uint8_t *)s->out.data + s->out_sent;
        enum ptn_tls_io io = t->ops->write(t->session, from, left, &n);
        if (io == PTN_TLS_IO_WANT_READ || io == PTN_TLS_IO_WANT_WRITE)
            return 0;
        if (io != PTN_TLS_IO_OK) {
            ptn_session_kill(s, "tls error");
            return -1;
        }
        ptn_session_sent(s, n);
    }
    return 0;
}

int
ptn_session_tls_output(struct ptn_session *s)
{
    size_t before;
    int full;

    do {
        before = ptn_session_unsent(s);
        if (s->phase != PTN_PHASE_HANDSHAKE && s->tls->out.len == 0 &&
            encrypt(s) != 0)
            return -1;
        full = send_fresh(s);
    } while (full == 0 && ptn_session_unsent(s) > 0 &&
             ptn_session_unsent(s) < before);
    return full < 0 ? -1 : 0;
}

void
ptn_session_tls_goodbye(struct ptn_session *s)
{
    if (!s->tls || s->phase == PTN_PHASE_DEAD)
        return;
    s->tls->ops->shutdown(s->tls->session);
    send_fresh(s);
}

/* --- handshake and input --- */

void
ptn_session_tls_failed(struct ptn_session *s, const char *why)
{
    struct ptn_tls_info info = {.version = 0};

    s->tls->ops->info(s->tls->session, &info);
    if (!why)
        why = info.failure ? info.failure : "failed";
    log_handshake(s, &info, why);
    ptn_count(&s->net->params.counters->handshake_failures, 1);
    ptn_meter_tls_failed(s->listener->meter, why, &info);
    /* The provider's alert, for whoever is there to read it; if nobody is,
     * that is no further failure of the handshake. */
    s->phase = PTN_PHASE_CLOSING;
    if (send_fresh(s) >= 0)
        ptn_session_kill(s, "tls handshake");
}

/* RFC 3207 section 4.2, RFC 9051 section 6.2.1, RFC 2595 section 4: what
 * was known before is forgotten, the protocol forgets its own. */
static void
forget(struct ptn_session *s)
{
    ptn_sasl_drop(s);
    ptn_free(s->user);
    s->user = NULL;
    s->quota = 0;
    ptn_framer_reset(&s->framer);
}

static void
note_client(struct ptn_session *s, const struct ptn_tls_info *info)
{
    const char *user =
        info->peer_name ? ptn_pki_user(binding_of(s), info) : NULL;

    if (user)
        s->tls->client = ptn_strdup(user);
}

static void
established(struct ptn_session *s)
{
    struct ptn_tls_info info = {.version = 0};
    struct ptn_counters *counters = s->net->params.counters;

    s->tls->ops->info(s->tls->session, &info);
    note_client(s, &info);
    log_handshake(s, &info, NULL);
    ptn_count(&counters->handshakes, 1);
    ptn_meter_handshake(s->listener->meter, &info);
    if (info.resumed)
        ptn_count(&counters->handshakes_resumed, 1);
    if (s->tls->choice.rule == PTN_INDEX_CHALLENGE) {
        /* RFC 8737 section 3: an authority has seen what it came for, and
         * nothing more is said. */
        s->reason = "challenge";
        ptn_session_set_phase(s, PTN_PHASE_CLOSING);
        return;
    }
    ptn_session_set_phase(s, PTN_PHASE_OPEN);
    if (!s->opened) {
        ptn_session_greet(s);
        return;
    }
    forget(s);
    ptn_session_raise(s, PTN_EVENT_TLS);
}

static void
shake_hands(struct ptn_session *s)
{
    enum ptn_tls_io io = s->tls->ops->handshake(s->tls->session);
    struct ptn_pki_choice choice = ptn_pki_choice(binding_of(s));

    if (choice.rule != PTN_INDEX_ONLY)
        s->tls->choice = choice;
    switch (io) {
    case PTN_TLS_IO_OK:
        established(s);
        break;
    case PTN_TLS_IO_WANT_READ:
    case PTN_TLS_IO_WANT_WRITE:
        break;
    case PTN_TLS_IO_CLOSED:
    case PTN_TLS_IO_ERROR:
        ptn_session_tls_failed(s, NULL);
        break;
    }
}

/* Decrypts all that has come, also what must wait: as plaintext it has one
 * place to wait in. */
static void
decrypt(struct ptn_session *s)
{
    struct ptn_tls_link *t = s->tls;
    uint8_t *plain = (uint8_t *)s->net->plain;

    while (s->phase == PTN_PHASE_OPEN && !s->eof) {
        size_t n = 0;
        enum ptn_tls_io io = t->ops->read(t->session, plain, PTN_NET_PLAIN, &n);

        if (n > s->net->plain_used)
            s->net->plain_used = n;
        if (io == PTN_TLS_IO_OK && n > 0)
            ptn_session_feed(s, (struct ptn_slice){s->net->plain, n});
        else if (io == PTN_TLS_IO_CLOSED)
            s->eof = true;
        else if (io == PTN_TLS_IO_ERROR)
            ptn_session_kill(s, "tls error");
        else
            break;
    }
}

void
ptn_session_tls_input(struct ptn_session *s, struct ptn_slice cipher)
{
    struct ptn_net *net = s->net;

    net->cipher_in = cipher;
    if (s->phase == PTN_PHASE_HANDSHAKE)
        shake_hands(s);
    decrypt(s);
    if (net->cipher_in.len)
        s->unread = true;
    net->cipher_in = (struct ptn_slice){NULL, 0};
}

bool
ptn_session_is_tls(struct ptn_session *s)
{
    return s->tls && s->phase != PTN_PHASE_HANDSHAKE;
}

const char *
ptn_session_tls_version(struct ptn_session *s)
{
    struct ptn_tls_info info = {.version = 0};

    if (!ptn_session_is_tls(s))
        return NULL;
    s->tls->ops->info(s->tls->session, &info);
    return info.version_name;
}

const char *
ptn_session_tls_cipher(struct ptn_session *s)
{
    struct ptn_tls_info info = {.version = 0};

    if (!ptn_session_is_tls(s))
        return NULL;
    s->tls->ops->info(s->tls->session, &info);
    return info.cipher;
}

size_t
ptn_session_tls_binding(struct ptn_session *s, enum ptn_binding binding,
                        uint8_t *out)
{
    const struct ptn_tls_ops *ops = s->tls ? s->tls->ops : NULL;

    if (!ptn_session_is_tls(s) || !PTN_HAS(ops, struct ptn_tls_ops, binding) ||
        !ops->binding)
        return 0;
    return ops->binding(s->tls->session, binding, out);
}

struct ptn_slice
ptn_session_tls_client(struct ptn_session *s)
{
    return ptn_slice_of(s->tls ? s->tls->client : NULL);
}
