/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A TLS provider for tests, and the repository that hands it out: see
 * fixture.h for what it speaks. It takes its input a few octets at a time,
 * as real libraries do, and writes at most 100 octets a record.
 */
#include "pki/pki.h"
#include "tests/unit/net/fixture.h"
#include <postern/arena.h>

#define RECORD_MAX 100

static _Atomic unsigned trims;

unsigned
fake_tls_trims(void)
{
    return trims;
}

struct ptn_tls_session {
    const struct ptn_tls_transport *transport;
    void *arg;
    uint8_t in[RECORD_MAX + 2];
    size_t have;
    bool failed, shaken;
};

static struct ptn_tls_session *
fake_new(void *instance, struct ptn_tls_context *context,
         const struct ptn_tls_transport *transport, void *arg)
{
    struct ptn_tls_session *s = ptn_alloc(sizeof *s);

    (void)instance;
    (void)context;
    s->transport = transport;
    s->arg = arg;
    return s;
}

static void
fake_free(struct ptn_tls_session *s)
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

static enum ptn_tls_io
fake_handshake(struct ptn_tls_session *s)
{
    size_t want = sizeof FAKE_TLS_HELLO - 1;

    if (!fill(s, want))
        return PTN_TLS_IO_WANT_READ;
    s->have = 0;
    s->failed = memcmp(s->in, FAKE_TLS_HELLO, want) != 0;
    s->transport->send(
        s->arg, (const uint8_t *)(s->failed ? "alert\n" : FAKE_TLS_ANSWER), 6);
    s->shaken = !s->failed;
    return s->failed ? PTN_TLS_IO_ERROR : PTN_TLS_IO_OK;
}

static enum ptn_tls_io
fake_read(struct ptn_tls_session *s, uint8_t *into, size_t len, size_t *n)
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
        into[i] = s->in[i + 2] ^ 0x55;
    s->have = 0;
    *n = size;
    return PTN_TLS_IO_OK;
}

static enum ptn_tls_io
fake_write(struct ptn_tls_session *s, const uint8_t *from, size_t len,
           size_t *n)
{
    char record[RECORD_MAX + 2];

    *n = len < RECORD_MAX ? len : RECORD_MAX;
    size_t size = fake_tls_record((const char *)from, *n, record);
    s->transport->send(s->arg, (const uint8_t *)record, size);
    return PTN_TLS_IO_OK;
}

static enum ptn_tls_io
fake_shutdown(struct ptn_tls_session *s)
{
    s->transport->send(s->arg, (const uint8_t *)"\0", 2);
    return PTN_TLS_IO_OK;
}

static void
fake_info(struct ptn_tls_session *s, struct ptn_tls_info *out)
{
    *out = (struct ptn_tls_info){
        .version = PTN_TLS_1_3,
        .version_name = s->shaken ? "FAKEv1" : NULL,
        .cipher = s->shaken ? "FAKE_XOR" : NULL,
        .failure = s->failed ? "not tls" : NULL,
    };
}

/* Only between records is there anything to give back. */
static void
fake_trim(struct ptn_tls_session *s)
{
    assert_true(s->shaken);
    trims++;
}

static const struct ptn_tls_ops fake_ops = {
    .size = sizeof fake_ops,
    .name = "fake",
    .session_new = fake_new,
    .session_free = fake_free,
    .handshake = fake_handshake,
    .read = fake_read,
    .write = fake_write,
    .shutdown = fake_shutdown,
    .info = fake_info,
    .trim = fake_trim,
};

/* The repository: any pointer does. */
struct ptn_pki_binding *
ptn_pki_binding(struct ptn_pki *pki, const struct ptn_listener_conf *conf)
{
    (void)conf;
    return (struct ptn_pki_binding *)pki;
}

struct ptn_pki_choice
ptn_pki_choice(struct ptn_pki_binding *binding)
{
    (void)binding;
    return (struct ptn_pki_choice){0, 0};
}

const char *
ptn_pki_choice_name(const struct ptn_pki_binding *binding,
                    struct ptn_pki_choice choice)
{
    (void)binding;
    (void)choice;
    return "default";
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
ptn_pki_user(const struct ptn_pki_binding *binding,
             const struct ptn_tls_info *info)
{
    (void)binding;
    return info->peer_name;
}

struct ptn_tls_context *
ptn_pki_context(const struct ptn_pki_binding *binding,
                const struct ptn_tls_ops **ops, void **instance)
{
    *ops = &fake_ops;
    *instance = NULL;
    return (struct ptn_tls_context *)(uintptr_t)binding;
}
