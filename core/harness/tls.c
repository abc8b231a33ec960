/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A TLS provider that is spoken by hand, as the module "test_tls", and the
 * certificates that it needs none of. A handshake is "HELLO\n", answered with
 * "hello\n"; then come records: two octets of length and that many octets,
 * each XOR 0x55; a length of 0 is the end. Records are read a few octets at a
 * time, as real libraries do, and have at most 1000.
 */
#include "harness/inner.h"
#include "pki/pki.h"
#include <postern/arena.h>

#define RECORD_MAX 1000
#define MASK 0x55

struct ptn_tls_session {
    const struct ptn_tls_transport *transport;
    void *arg;
    uint8_t in[RECORD_MAX + 2];
    size_t have;
    bool failed, shaken;
};

static struct ptn_tls_session *
session_new(void *instance, struct ptn_tls_context *context,
            const struct ptn_tls_transport *transport, void *arg)
{
    struct ptn_tls_session *s = ptn_alloc(sizeof *s);

    (void)instance, (void)context;
    s->transport = transport;
    s->arg = arg;
    return s;
}

static void
session_free(struct ptn_tls_session *s)
{
    ptn_free(s);
}

/* Reads until `want` octets are there. */
static bool
fill(struct ptn_tls_session *s, size_t want)
{
    size_t n = 1;

    while (s->have < want && n > 0) {
        n = s->transport->receive(s->arg, s->in + s->have, want - s->have);
        s->have += n;
    }
    return s->have == want;
}

static void
send_text(struct ptn_tls_session *s, const char *text, size_t len)
{
    s->transport->send(s->arg, (const uint8_t *)text, len);
}

static enum ptn_tls_io
handshake(struct ptn_tls_session *s)
{
    size_t want = sizeof PTN_HARNESS_HELLO - 1;

    if (!fill(s, want))
        return PTN_TLS_IO_WANT_READ;
    s->have = 0;
    s->failed = memcmp(s->in, PTN_HARNESS_HELLO, want) != 0;
    s->shaken = !s->failed;
    if (s->failed)
        send_text(s, "alert\n", 6);
    else
        send_text(s, PTN_HARNESS_ANSWER, sizeof PTN_HARNESS_ANSWER - 1);
    return s->failed ? PTN_TLS_IO_ERROR : PTN_TLS_IO_OK;
}

static enum ptn_tls_io
read_record(struct ptn_tls_session *s, uint8_t *into, size_t len, size_t *n)
{
    if (s->have < 2 && !fill(s, 2))
        return PTN_TLS_IO_WANT_READ;
    size_t size = (size_t)(s->in[0] << 8 | s->in[1]);
    if (size == 0)
        return PTN_TLS_IO_CLOSED;
    if (size > RECORD_MAX || size > len)
        return PTN_TLS_IO_ERROR;
    if (!fill(s, size + 2))
        return PTN_TLS_IO_WANT_READ;
    for (size_t i = 0; i < size; i++)
        into[i] = s->in[i + 2] ^ MASK;
    s->have = 0;
    *n = size;
    return PTN_TLS_IO_OK;
}

static void
seal_record(struct ptn_slice plain, struct ptn_buf *out)
{
    ptn_buf_addc(out, (char)(plain.len >> 8));
    ptn_buf_addc(out, (char)plain.len);
    for (size_t i = 0; i < plain.len; i++)
        ptn_buf_addc(out, (char)(plain.data[i] ^ MASK));
}

void
ptn_harness_seal(struct ptn_slice plain, struct ptn_buf *out)
{
    while (plain.len > 0) {
        size_t n = plain.len < RECORD_MAX ? plain.len : RECORD_MAX;

        seal_record(ptn_slice_sub(plain, 0, n), out);
        plain = ptn_slice_sub(plain, n, plain.len - n);
    }
}

void
ptn_harness_open(struct ptn_buf *from, struct ptn_buf *plain)
{
    while (from->len >= 2) {
        const uint8_t *at = (const uint8_t *)from->data;
        size_t size = (size_t)(at[0] << 8 | at[1]);

        if (from->len < size + 2)
            return;
        for (size_t i = 0; i < size; i++)
            ptn_buf_addc(plain, (char)(at[i + 2] ^ MASK));
        ptn_buf_consume(from, size + 2);
    }
}

static enum ptn_tls_io
write_record(struct ptn_tls_session *s, const uint8_t *from, size_t len,
             size_t *n)
{
    struct ptn_buf record = PTN_BUF_INIT;

    *n = len < RECORD_MAX ? len : RECORD_MAX;
    seal_record((struct ptn_slice){(const char *)from, *n}, &record);
    send_text(s, record.data, record.len);
    ptn_buf_free(&record);
    return PTN_TLS_IO_OK;
}

static enum ptn_tls_io
say_goodbye(struct ptn_tls_session *s)
{
    if (s->shaken)
        send_text(s, "\0", 2);
    return PTN_TLS_IO_OK;
}

static void
info(struct ptn_tls_session *s, struct ptn_tls_info *out)
{
    *out = (struct ptn_tls_info){
        .version = PTN_TLS_1_3,
        .version_name = s->shaken ? "TLSv1.3" : NULL,
        .cipher = s->shaken ? "TLS_AES_128_GCM_SHA256" : NULL,
        .failure = s->failed ? "not tls" : NULL,
    };
}

static const struct ptn_tls_ops ops = {
    .size = sizeof ops,
    .name = "the harness",
    .capability = PTN_TLS_CAP_1_2 | PTN_TLS_CAP_1_3 | PTN_TLS_CAP_SNI |
                  PTN_TLS_CAP_ALPN | PTN_TLS_CAP_TICKETS,
    .session_new = session_new,
    .session_free = session_free,
    .handshake = handshake,
    .read = read_record,
    .write = write_record,
    .shutdown = say_goodbye,
    .info = info,
};

static int
init(struct ptn_host *host, const void *options, void **instance,
     struct ptn_error *err)
{
    (void)options, (void)instance, (void)err;
    ptn_host_provide(host, PTN_TLS_CONTRACT, PTN_TLS_VERSION, &ops, NULL);
    return 0;
}

const struct ptn_module ptn_harness_tls = {
    PTN_MODULE_HEAD,
    .name = "test_tls",
    .version = "1",
    .license = "LGPL-2.1-or-later",
    .doc = "TLS for tests",
    .provides =
        (const struct ptn_contract[]){{PTN_TLS_CONTRACT, PTN_TLS_VERSION},
                                      {NULL, 0}},
    .init = init,
};

/* --- the repository of certificates: any pointer does --- */

struct ptn_pki_binding *
ptn_pki_binding(struct ptn_pki *pki, const struct ptn_listener_conf *conf)
{
    (void)conf;
    return (struct ptn_pki_binding *)pki;
}

struct ptn_tls_context *
ptn_pki_context(const struct ptn_pki_binding *binding,
                const struct ptn_tls_ops **out, void **instance)
{
    *out = &ops;
    *instance = NULL;
    return (struct ptn_tls_context *)(uintptr_t)binding;
}

struct ptn_pki_choice
ptn_pki_choice(struct ptn_pki_binding *binding)
{
    (void)binding;
    return (struct ptn_pki_choice){0, 0};
}

bool
ptn_pki_is_excepted(const struct ptn_pki_binding *binding, const char *peer)
{
    (void)binding;
    (void)peer;
    return false;
}

struct ptn_pki_binding *
ptn_pki_exception_of(const struct ptn_pki_binding *binding)
{
    (void)binding;
    return NULL;
}

const char *
ptn_pki_choice_name(const struct ptn_pki_binding *binding,
                    struct ptn_pki_choice choice)
{
    (void)binding, (void)choice;
    return "test";
}

/* No client has a certificate. */
const char *
ptn_pki_user(const struct ptn_pki_binding *binding,
             const struct ptn_tls_info *tls)
{
    (void)binding, (void)tls;
    return NULL;
}
