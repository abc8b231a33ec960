/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The store of keys. What it does for one process, chains and all, is in
 * tests/unit/pki/pki.c.
 */
#include "base/clock.h"
#include "tests/unit/warden/fixture.h"
#include <pthread.h>
#include <stdio.h>

static const struct ptn_tls_to_sign digest = {PTN_SIGN_ECDSA_SHA256,
                                              {"digest", 6}};

static int
sign(struct ptn_keys_user *user, int number, struct ptn_buf *out,
     struct ptn_error *err)
{
    uint8_t print[PTN_FINGERPRINT_SIZE];

    out->len = 0;
    fixture_print(number, print);
    return ptn_keys_sign(user, print, &digest, out, err);
}

static void
says(struct ptn_keys_user *user, int number, const char *expected)
{
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    int result = sign(user, number, &out, &err);

    if (expected) {
        assert_int_equal(result, 0);
        assert_string_equal(ptn_buf_cstr(&out), expected);
    } else {
        assert_int_equal(result, -1);
        assert_true(err.text[0]);
    }
    ptn_buf_free(&out);
}

static void
reads_a_key_once(void **state)
{
    struct fixture *f = fixture_new(2, &fixture_ops);
    struct ptn_keys_user *user = ptn_keys_user_new(f->keys);
    int before = fixture_opened;

    (void)state;
    says(user, 0, NULL); /* nothing is read yet */
    assert_int_equal(ptn_keys_load(f->keys), 0);
    says(user, 0, "by 0, use 0");
    says(user, 0, "by 0, use 1");
    says(user, 1, "by 1, use 0");
    says(user, 0, "by 0, use 2");
    says(user, 2, NULL);
    assert_int_equal(fixture_opened - before, 2);
    ptn_keys_user_free(user);
    fixture_free(f);
    assert_int_equal(fixture_open, 0);
}

static void
serves_a_provider_without_handles(void **state)
{
    struct fixture *f = fixture_new(1, &fixture_old_ops);
    struct ptn_keys_user *user = ptn_keys_user_new(f->keys);

    (void)state;
    ptn_keys_load(f->keys);
    says(user, 0, "by 0");
    ptn_keys_user_free(user);
    fixture_free(f);
}

static void
a_key_that_cannot_be_opened(void **state)
{
    struct fixture *f = fixture_new(1, &fixture_ops);
    struct ptn_keys_user *user = ptn_keys_user_new(f->keys);

    (void)state;
    fixture_put(f, 0, 666, 666, 0);
    ptn_keys_load(f->keys);
    says(user, 666, NULL);
    ptn_keys_user_free(user);
    fixture_free(f);
}

/* A handle that waits for nobody takes memory: there is a limit. */
static void
bounds_open_handles(void **state)
{
    struct fixture *f = fixture_new(300, &fixture_ops);
    struct ptn_keys_user *user = ptn_keys_user_new(f->keys);
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;

    (void)state;
    ptn_keys_load(f->keys);
    for (int i = 0; i < 300; i++)
        assert_int_equal(sign(user, i, &out, &err), 0);
    assert_int_equal(fixture_open, 256);
    ptn_buf_free(&out);
    ptn_keys_user_free(user);
    fixture_free(f);
    assert_int_equal(fixture_open, 0);
}

static void
waits_for_the_slowest_user(void **state)
{
    struct fixture *f = fixture_new(1, &fixture_ops);
    struct ptn_keys_user *quick = ptn_keys_user_new(f->keys);
    struct ptn_keys_user *slow = ptn_keys_user_new(f->keys);
    uint64_t later = ptn_clock_ms() + 3600000;

    (void)state;
    ptn_keys_load(f->keys);
    ptn_keys_settle(quick, 1);
    ptn_keys_settle(slow, 1);
    fixture_put(f, 0, 7, 7, 0);
    assert_int_equal(ptn_keys_load(f->keys), 0);
    ptn_keys_settle(quick, 2);
    ptn_keys_settle(slow, 900); /* it lies */
    assert_int_equal(ptn_keys_prune(f->keys, later), 1);
    says(slow, 0, "by 0, use 0");
    ptn_keys_settle(slow, 2);
    assert_int_equal(ptn_keys_prune(f->keys, ptn_clock_ms()), 1); /* too soon */
    assert_int_equal(ptn_keys_prune(f->keys, later), 0);
    says(quick, 0, NULL);
    says(quick, 7, "by 7, use 0");
    ptn_keys_user_free(quick);
    ptn_keys_user_free(slow);
    fixture_free(f);
}

/* Who is gone needs nothing. */
static void
a_dead_user_holds_nothing(void **state)
{
    struct fixture *f = fixture_new(1, &fixture_ops);
    struct ptn_keys_user *user = ptn_keys_user_new(f->keys);

    (void)state;
    ptn_keys_load(f->keys);
    fixture_put(f, 0, 7, 7, 0);
    ptn_keys_load(f->keys);
    assert_int_equal(ptn_keys_prune(f->keys, ptn_clock_ms() + 3600000), 1);
    ptn_keys_user_free(user);
    assert_int_equal(ptn_keys_prune(f->keys, ptn_clock_ms() + 3600000), 0);
    fixture_free(f);
}

/* Two names for one pair: the key is there as long as one of them is. */
static void
a_pair_with_two_names(void **state)
{
    struct fixture *f = fixture_new(2, &fixture_ops);
    struct ptn_keys_user *user = ptn_keys_user_new(f->keys);
    uint64_t later = ptn_clock_ms() + 3600000;

    (void)state;
    fixture_put(f, 1, 0, 0, 0);
    ptn_keys_load(f->keys);
    says(user, 0, "by 0, use 0");
    fixture_put(f, 0, 5, 5, 0);
    ptn_keys_load(f->keys);
    ptn_keys_settle(user, 2);
    assert_int_equal(ptn_keys_prune(f->keys, later), 0);
    says(user, 0, "by 0, use 1");
    fixture_put(f, 1, 5, 5, 0);
    ptn_keys_load(f->keys);
    ptn_keys_settle(user, 3);
    assert_int_equal(ptn_keys_prune(f->keys, later), 0);
    says(user, 0, NULL);
    /* It comes back. */
    fixture_put(f, 0, 0, 0, 0);
    ptn_keys_load(f->keys);
    says(user, 0, "by 0, use 0");
    ptn_keys_user_free(user);
    fixture_free(f);
}

static void
bad_files_change_nothing(void **state)
{
    struct fixture *f = fixture_new(2, &fixture_ops);
    struct ptn_keys_user *user = ptn_keys_user_new(f->keys);
    struct ptn_buf chain = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    uint64_t round;

    (void)state;
    fixture_put(f, 1, 3, 4, 0);
    assert_int_equal(ptn_keys_load(f->keys), 1);
    assert_int_equal(ptn_keys_chain(user, "c0", &round, &chain, &err),
                     PTN_KEYRING_GOOD);
    assert_int_equal(round, 1);
    assert_string_equal(ptn_buf_cstr(&chain), "CERT 0\n");
    assert_int_equal(ptn_keys_chain(user, "c1", &round, &chain, &err),
                     PTN_KEYRING_REFUSED);
    assert_non_null(strstr(err.text, "do not match"));
    fixture_put(f, 0, 3, 4, 0);
    assert_int_equal(ptn_keys_load(f->keys), 2);
    chain.len = 0;
    assert_int_equal(ptn_keys_chain(user, "c0", &round, &chain, &err),
                     PTN_KEYRING_GOOD);
    assert_string_equal(ptn_buf_cstr(&chain), "CERT 0\n");
    assert_int_equal(ptn_keys_chain(user, "nobody", &round, &chain, &err),
                     PTN_KEYRING_REFUSED);
    ptn_buf_free(&chain);
    ptn_keys_user_free(user);
    fixture_free(f);
}

/* --- several at once --- */

struct client {
    struct fixture *f;
    pthread_t thread;
    atomic_bool *stop;
    unsigned signatures;
};

static void *
sign_on(void *arg)
{
    struct client *c = arg;
    struct ptn_keys_user *user = ptn_keys_user_new(c->f->keys);
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;

    while (!atomic_load(c->stop)) {
        uint64_t round;

        /* The key of certificate 1 never changes. */
        assert_int_equal(sign(user, 1, &out, &err), 0);
        out.len = 0;
        assert_int_equal(ptn_keys_chain(user, "c0", &round, &out, &err),
                         PTN_KEYRING_GOOD);
        ptn_keys_settle(user, round);
        c->signatures++;
    }
    ptn_buf_free(&out);
    ptn_keys_user_free(user);
    return NULL;
}

static void
users_go_on_during_loads(void **state)
{
    struct fixture *f = fixture_new(2, &fixture_ops);
    struct client clients[3];
    atomic_bool stop = false;

    (void)state;
    ptn_keys_load(f->keys);
    for (size_t i = 0; i < 3; i++) {
        clients[i] = (struct client){f, 0, &stop, 0};
        assert_int_equal(
            pthread_create(&clients[i].thread, NULL, sign_on, &clients[i]), 0);
    }
    for (int i = 10; i < 60; i++) {
        fixture_put(f, 0, i, i, 0);
        ptn_keys_load(f->keys);
        (void)ptn_keys_prune(f->keys, ptn_clock_ms() + 3600000);
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
    assert_int_equal(ptn_keys_prune(f->keys, ptn_clock_ms() + 3600000), 0);
    fixture_free(f);
    assert_int_equal(fixture_open, 0);
}

/* Two listeners in two groups, of which the second also names what the first
 * names, and another certificate. */
static void
groups_use_their_own(void **state)
{
    struct fixture *f = fixture_new(2, &fixture_ops);
    struct ptn_listener_conf listeners[2] = {f->listener, f->listener};
    struct ptn_group_conf groups[] = {{.name = "main"}, {.name = "lab"}};
    struct ptn_buf chain = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_keys_user *user, *lab, *gone;
    uint64_t round;

    (void)state;
    ptn_keys_free(f->keys);
    listeners[0].group = "lab";
    listeners[0].tls.certificates.count = 1;
    listeners[1].group = "main";
    f->conf.listeners = listeners;
    f->conf.listener_count = 2;
    f->conf.groups = groups;
    f->conf.group_count = 2;
    f->keys = ptn_keys_new(&f->conf, &fixture_ops, NULL, PTN_KEYS_MAKE);
    assert_int_equal(ptn_keys_load(f->keys), 0);
    user = ptn_keys_user_in(f->keys, "main");
    lab = ptn_keys_user_in(f->keys, "lab");
    gone = ptn_keys_user_in(f->keys, "gone");
    says(user, 0, "by 0, use 0");
    says(user, 1, "by 1, use 0");
    says(lab, 0, "by 0, use 1");
    says(lab, 1, NULL);
    says(gone, 0, NULL);
    assert_int_equal(
        ptn_keys_chain(lab, f->certs[0].name, &round, &chain, &err),
        PTN_KEYRING_GOOD);
    assert_int_equal(
        ptn_keys_chain(lab, f->certs[1].name, &round, &chain, &err),
        PTN_KEYRING_REFUSED);
    ptn_buf_free(&chain);
    ptn_keys_user_free(user);
    ptn_keys_user_free(lab);
    ptn_keys_user_free(gone);
    fixture_free(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_key_once),
        cmocka_unit_test(groups_use_their_own),
        cmocka_unit_test(serves_a_provider_without_handles),
        cmocka_unit_test(a_key_that_cannot_be_opened),
        cmocka_unit_test(bounds_open_handles),
        cmocka_unit_test(waits_for_the_slowest_user),
        cmocka_unit_test(a_dead_user_holds_nothing),
        cmocka_unit_test(a_pair_with_two_names),
        cmocka_unit_test(bad_files_change_nothing),
        cmocka_unit_test(users_go_on_during_loads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
