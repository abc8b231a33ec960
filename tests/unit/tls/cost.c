/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a session costs: processor time of a handshake on the server's side,
 * and memory of an idle session. It reports; only a gross mistake fails,
 * since the sanitizers and a busy machine change every figure.
 */
#include "fixture.h"

#include <malloc.h>
#include <stdio.h>
#include <time.h>

enum {
    SESSIONS = 100,
    ROOM = 256 * 1024 /* Debian's own wolfSSL needs 160 kB with TLS 1.2 */
};

static uint64_t
now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static long
allocated(void)
{
    return (long)mallinfo2().uordblks;
}

struct cost {
    uint64_t ns;
    long octets; /* nothing under the sanitizers */
};

/* One handshake, with the client's part left out of both counts. */
static void
shake(struct talk *t, struct cost *cost)
{
    for (int i = 0; i < 10; i++) {
        int done = SSL_do_handshake(t->client);
        talk_move(t);
        long before = allocated();
        uint64_t start = now();
        if (t->io != PTN_TLS_IO_OK)
            t->io = t->p->ops->handshake(t->server);
        cost->ns += now() - start;
        cost->octets += allocated() - before;
        if (done == 1 && t->io == PTN_TLS_IO_OK)
            return;
    }
    fail_msg("no handshake");
}

/* Reads and writes a line as a protocol would, then nothing. */
static void
greet(struct talk *t, struct cost *cost)
{
    char line[64];
    size_t n;
    talk_move(t);
    SSL_read(t->client, line, sizeof(line));
    SSL_write(t->client, "hello\r\n", 7);
    talk_move(t);
    long before = allocated();
    assert_int_equal(
        t->p->ops->read(t->server, (uint8_t *)line, sizeof(line), &n),
        PTN_TLS_IO_OK);
    assert_int_equal(
        t->p->ops->write(t->server, (const uint8_t *)"220 hi\r\n", 8, &n),
        PTN_TLS_IO_OK);
    (void)t->p->ops->read(t->server, (uint8_t *)line, sizeof(line), &n);
    cost->octets += allocated() - before - (long)t->to_client.cap;
    talk_move(t);
}

static void
measure(void **state, enum ptn_tls_key_type type, int version,
        const char *groups)
{
    static struct talk talks[SESSIONS];
    struct provider *p = *state;
    struct identity id = identity_make(type, "mail.example.org");
    struct ptn_tls_params params = params_for(&id);
    struct ptn_tls_context *context = context_make(p, &params);
    uint8_t keys[PTN_TLS_TICKET_KEY_SIZE] = {1, 2, 3};
    p->ops->context_tickets(p->instance, context, keys, 1);
    SSL_CTX *client = client_ctx();
    SSL_CTX_set_max_proto_version(client, version);
    SSL_CTX_set1_groups_list(client, groups);
    struct cost cost = {0, 0}, idle = {0, 0};

    for (int i = 0; i < SESSIONS; i++) {
        talk_open(&talks[i], p, context, client);
        shake(&talks[i], &cost);
    }
    for (int i = 0; i < SESSIONS; i++)
        greet(&talks[i], &idle);
    double us = (double)cost.ns / 1000 / SESSIONS;
    long octets = (cost.octets + idle.octets) / SESSIONS;
    print_message("# %s key %d version %x %s: %.0f us a handshake (%.0f/s), "
                  "%ld octets idle\n",
                  p->ops->name, (int)type, (unsigned)version, groups, us,
                  1e6 / us, octets);
    assert_true(octets < ROOM);
    for (int i = 0; i < SESSIONS; i++)
        talk_close(&talks[i]);
    SSL_CTX_free(client);
    p->ops->context_free(p->instance, context);
    identity_free(&id);
}

static void
p256_by_tls13(void **state)
{
    measure(state, PTN_KEY_ECDSA_P256, TLS1_3_VERSION, "X25519");
    measure(state, PTN_KEY_ECDSA_P256, TLS1_3_VERSION, "P-256");
}

static void
p256_by_tls12(void **state)
{
    measure(state, PTN_KEY_ECDSA_P256, TLS1_2_VERSION, "P-256");
}

static void
rsa2048_by_tls13(void **state)
{
    measure(state, PTN_KEY_RSA_2048, TLS1_3_VERSION, "X25519");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(p256_by_tls13),
        BOTH(p256_by_tls12),
        BOTH(rsa2048_by_tls13),
    };
    return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
