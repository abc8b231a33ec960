/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A worker's client and the warden's desk at the two ends of a channel; and
 * each with a stranger at the other end.
 */
#include "base/clock.h"
#include "tests/unit/warden/fixture.h"
#include "warden/client.h"
#include "warden/desk.h"
#include "warden/wire.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct house {
    struct fixture *f;
    struct ptn_desks *desks; /* desks may outlive a test for a moment */
    struct ptn_warden_client *client;
    struct ptn_keyring ring;
};

static void
pair_of(int ends[2])
{
    assert_int_equal(
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
}

/* A desk, and who speaks with it. */
static int
open_desk(struct house *h)
{
    struct ptn_error err = PTN_ERROR_INIT;
    int ends[2];

    pair_of(ends);
    assert_int_equal(ptn_desk_open(h->desks, ends[1], NULL, &err), 0);
    return ends[0];
}

static int
setup(void **state)
{
    struct house *h = ptn_alloc(sizeof *h);

    h->f = fixture_new(3, &fixture_ops);
    ptn_keys_load(h->f->keys);
    h->desks = ptn_alloc(sizeof *h->desks);
    h->desks->keys = h->f->keys;
    h->client = ptn_warden_client_new();
    h->ring = ptn_warden_client_keyring(h->client);
    ptn_warden_client_connect(h->client, open_desk(h));
    *state = h;
    return 0;
}

static void
wait_for_desks(const struct house *h, unsigned open)
{
    uint64_t end = ptn_clock_ms() + 20000;

    while (atomic_load(&h->desks->open) != open && ptn_clock_ms() < end)
        usleep(1000);
    assert_int_equal(atomic_load(&h->desks->open), open);
}

static int
teardown(void **state)
{
    struct house *h = *state;

    ptn_warden_client_free(h->client);
    wait_for_desks(h, 0);
    usleep(1000); /* a desk's last act is to count itself out */
    fixture_free(h->f);
    ptn_free(h->desks);
    ptn_free(h);
    return 0;
}

static int
sign(struct house *h, int number, enum ptn_tls_scheme scheme,
     struct ptn_buf *out)
{
    struct ptn_tls_to_sign what = {scheme, PTN_SLICE("a digest")};
    uint8_t print[PTN_FINGERPRINT_SIZE];

    out->len = 0;
    fixture_print(number, print);
    return h->ring.sign(h->ring.arg, print, &what, out);
}

static void
signs(void **state)
{
    struct house *h = *state;
    struct ptn_buf out = PTN_BUF_INIT;

    assert_int_equal(sign(h, 1, PTN_SIGN_ECDSA_SHA256, &out), 0);
    assert_string_equal(ptn_buf_cstr(&out), "by 1, use 0");
    assert_int_equal(sign(h, 2, PTN_SIGN_RSA_PSS_SHA256, &out), 0);
    assert_string_equal(ptn_buf_cstr(&out), "by 2, use 0");
    /* What is refused spoils nothing. */
    assert_int_equal(sign(h, 1, PTN_SIGN_ED25519, &out), -1);
    assert_int_equal(sign(h, 77, PTN_SIGN_ECDSA_SHA256, &out), -1);
    assert_int_equal(sign(h, 1, PTN_SIGN_ECDSA_SHA256, &out), 0);
    assert_string_equal(ptn_buf_cstr(&out), "by 1, use 1");
    ptn_buf_free(&out);
}

static void
limits_what_is_signed(void **state)
{
    struct house *h = *state;
    char long_input[PTN_WARDEN_INPUT_MAX + 1] = "";
    struct ptn_tls_to_sign what = {PTN_SIGN_ECDSA_SHA256,
                                   {long_input, sizeof long_input}};
    struct ptn_buf out = PTN_BUF_INIT;
    uint8_t print[PTN_FINGERPRINT_SIZE];

    fixture_print(1, print);
    assert_int_equal(h->ring.sign(h->ring.arg, print, &what, &out), -1);
    what.input.len--;
    assert_int_equal(h->ring.sign(h->ring.arg, print, &what, &out), 0);
    ptn_buf_free(&out);
}

static void
loads_chains(void **state)
{
    static const size_t paddings[] = {0, PTN_WARDEN_PIECE_MAX - 7,
                                      PTN_WARDEN_PIECE_MAX - 6, 200000};
    struct house *h = *state;
    struct ptn_buf chain = PTN_BUF_INIT, expected = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;

    for (size_t i = 0; i < PTN_COUNT(paddings); i++) {
        chain.len = expected.len = 0;
        fixture_put(h->f, 0, 50 + (int)i, 50 + (int)i, paddings[i]);
        ptn_keys_load(h->f->keys);
        assert_int_equal(h->ring.load(h->ring.arg, "c0", &chain, &err),
                         PTN_KEYRING_GOOD);
        ptn_buf_printf(&expected, "CERT %d\n", 50 + (int)i);
        for (size_t j = 0; j < paddings[i]; j++)
            ptn_buf_addc(&expected, (char)('a' + j % 26));
        assert_int_equal(chain.len, expected.len);
        assert_memory_equal(chain.data, expected.data, chain.len);
    }
    ptn_buf_free(&chain);
    ptn_buf_free(&expected);
}

static void
says_why_not(void **state)
{
    struct house *h = *state;
    struct ptn_buf chain = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    char name[PTN_WARDEN_NAME_MAX + 2];

    ptn_warden_client_connect(h->client, -1);
    wait_for_desks(h, 0);
    ptn_keys_free(h->f->keys); /* the next never has a good c0 */
    fixture_put(h->f, 0, 1, 2, 0);
    h->f->keys = ptn_keys_new(&h->f->conf, &fixture_ops, NULL, PTN_KEYS_MAKE);
    h->desks->keys = h->f->keys;
    assert_int_equal(ptn_keys_load(h->f->keys), 1);
    ptn_warden_client_connect(h->client, open_desk(h));
    assert_int_equal(h->ring.load(h->ring.arg, "c0", &chain, &err),
                     PTN_KEYRING_REFUSED);
    assert_non_null(strstr(err.text, "do not match"));
    assert_int_equal(h->ring.load(h->ring.arg, "other", &chain, &err),
                     PTN_KEYRING_REFUSED);
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(h->ring.load(h->ring.arg, name, &chain, &err),
                     PTN_KEYRING_REFUSED);
    assert_int_equal(chain.len, 0);
    assert_int_equal(h->ring.load(h->ring.arg, "c1", &chain, &err),
                     PTN_KEYRING_GOOD);
    ptn_buf_free(&chain);
}

static void
settles(void **state)
{
    struct house *h = *state;
    struct ptn_buf chain = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    uint64_t later = ptn_clock_ms() + 3600000;

    fixture_put(h->f, 0, 9, 9, 0);
    ptn_keys_load(h->f->keys);
    assert_int_equal(h->ring.load(h->ring.arg, "c0", &chain, &err),
                     PTN_KEYRING_GOOD);
    h->ring.settle(h->ring.arg, false, UINT64_MAX);
    assert_int_equal(h->ring.load(h->ring.arg, "c1", &chain, &err),
                     PTN_KEYRING_GOOD);
    assert_int_equal(ptn_keys_prune(h->f->keys, later), 1);
    h->ring.settle(h->ring.arg, true, UINT64_MAX);
    /* The answer to this comes after the desk has seen what was before. */
    assert_int_equal(h->ring.load(h->ring.arg, "c1", &chain, &err),
                     PTN_KEYRING_GOOD);
    assert_int_equal(ptn_keys_prune(h->f->keys, later), 0);
    ptn_buf_free(&chain);
}

/* Dead, it fails at once; a new one is as good as the old. */
static void
warden_goes_and_comes(void **state)
{
    struct house *h = *state;
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    int ends[2];

    pair_of(ends);
    ptn_warden_client_connect(h->client, ends[0]);
    close(ends[1]);
    assert_int_equal(sign(h, 1, PTN_SIGN_ECDSA_SHA256, &out), -1);
    assert_int_equal(sign(h, 1, PTN_SIGN_ECDSA_SHA256, &out), -1);
    assert_int_equal(h->ring.load(h->ring.arg, "c0", &out, &err),
                     PTN_KEYRING_AWAY);
    h->ring.settle(h->ring.arg, true, UINT64_MAX);
    ptn_warden_client_connect(h->client, open_desk(h));
    assert_int_equal(sign(h, 1, PTN_SIGN_ECDSA_SHA256, &out), 0);
    ptn_buf_free(&out);
}

/* It dies while a worker waits for it. */
static void *
read_and_die(void *arg)
{
    int *fd = arg;
    char request[PTN_WARDEN_REQUEST_MAX];

    assert_true(recv(*fd, request, sizeof request, 0) > 0);
    close(*fd);
    return NULL;
}

static void
warden_dies_over_a_request(void **state)
{
    struct house *h = *state;
    struct ptn_buf out = PTN_BUF_INIT;
    uint64_t begun = ptn_clock_ms();
    pthread_t thread;
    int ends[2];

    pair_of(ends);
    ptn_warden_client_connect(h->client, ends[0]);
    assert_int_equal(pthread_create(&thread, NULL, read_and_die, &ends[1]), 0);
    assert_int_equal(sign(h, 1, PTN_SIGN_ECDSA_SHA256, &out), -1);
    pthread_join(thread, NULL);
    assert_true(ptn_clock_ms() - begun < PTN_WARDEN_SIGN_MS);
    ptn_buf_free(&out);
}

static void
answer(int fd, uint32_t id, const char *text)
{
    struct {
        struct ptn_warden_head head;
        char text[32];
    } packet = {{id, PTN_KEYRING_GOOD, 0, 1}, ""};

    snprintf(packet.text, sizeof packet.text, "%s", text);
    assert_true(send(fd, &packet, sizeof packet.head + strlen(text), 0) > 0);
}

/* What was given up may be answered all the same. */
static void *
answer_late(void *arg)
{
    int *fd = arg;
    struct ptn_warden_head head;
    char request[PTN_WARDEN_REQUEST_MAX];

    assert_true(recv(*fd, request, sizeof request, 0) > 0);
    memcpy(&head, request, sizeof head);
    answer(*fd, head.id - 1, "late");
    answer(*fd, head.id, "in time");
    return NULL;
}

static void
late_answers_are_passed_over(void **state)
{
    struct house *h = *state;
    struct ptn_buf out = PTN_BUF_INIT;
    pthread_t thread;
    int ends[2];

    pair_of(ends);
    ptn_warden_client_connect(h->client, ends[0]);
    assert_int_equal(pthread_create(&thread, NULL, answer_late, &ends[1]), 0);
    assert_int_equal(sign(h, 1, PTN_SIGN_ECDSA_SHA256, &out), 0);
    assert_string_equal(ptn_buf_cstr(&out), "in time");
    pthread_join(thread, NULL);
    close(ends[1]);
    ptn_buf_free(&out);
}

/* A worker that was taken over says what it likes. */
static void
strange_requests(void **state)
{
    struct house *h = *state;
    /* Answers may come after the last look: no request of the client's below
     * has this id. */
    struct ptn_warden_head head = {UINT32_MAX, PTN_WARDEN_SIGN,
                                   PTN_SIGN_ECDSA_SHA256, 0};
    char packet[4096] = "";
    int fd = open_desk(h);
    unsigned seed = 7;

    for (size_t len = 1; len < 600; len++) {
        memcpy(packet, &head, sizeof head);
        head.op = (uint16_t)(len % 5);
        head.round = UINT64_MAX - len;
        for (size_t i = sizeof head; i < sizeof packet; i++)
            packet[i] = (char)rand_r(&seed);
        assert_true(send(fd, packet, len, 0) >= 0);
        while (recv(fd, packet, sizeof packet, MSG_DONTWAIT) > 0)
            ; /* or the channel fills */
    }
    assert_true(send(fd, packet, sizeof packet, 0) > 0);
    /* It serves on. */
    ptn_warden_client_connect(h->client, fd);
    signs(state);
    loads_chains(state);
}

/* An empty packet looks like an end. */
static void
a_worker_that_leaves(void **state)
{
    struct house *h = *state;
    int fd = open_desk(h);

    wait_for_desks(h, 2);
    close(fd);
    wait_for_desks(h, 1);
    fd = open_desk(h);
    assert_int_equal(send(fd, "", 0, 0), 0);
    wait_for_desks(h, 1);
    close(fd);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(signs),
        TEST(limits_what_is_signed),
        TEST(loads_chains),
        TEST(says_why_not),
        TEST(settles),
        TEST(warden_goes_and_comes),
        TEST(warden_dies_over_a_request),
        TEST(late_answers_are_passed_over),
        TEST(strange_requests),
        TEST(a_worker_that_leaves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
