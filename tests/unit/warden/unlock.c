/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Keys behind a passphrase, with the stand-in of fixture.h: there a sealed
 * key says "PASS passphrase" and then what is behind it.
 */
#include "tests/unit/warden/fixture.h"
#include "warden/escrow.h"
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int opened; /* how often a key was opened, or tried */

static enum ptn_tls_parsed
parse(void *instance, struct ptn_slice file, struct ptn_slice passphrase,
      struct ptn_tls_parsed_file *out, struct ptn_error *err)
{
    char text[256], secret[64] = "", key[64] = "";

    (void)instance;
    opened++;
    snprintf(text, sizeof text, "%.*s", (int)file.len, file.data);
    if (sscanf(text,
               "-----BEGIN ENCRYPTED PRIVATE KEY-----\nPASS %63s\n%63[^\n]",
               secret, key) != 2) {
        ptn_error_set(err, PTN_ERR_TLS, "broken");
        return PTN_TLS_PARSED_BROKEN;
    }
    if (!ptn_slice_eq(passphrase, ptn_slice_of(secret))) {
        ptn_error_set(err, PTN_ERR_TLS, "wrong");
        return PTN_TLS_PARSED_WRONG_PASSPHRASE;
    }
    ptn_buf_adds(&out->key, key);
    return PTN_TLS_PARSED_GOOD;
}

static struct ptn_tls_ops ops;
static struct ptn_escrow *escrow;
static char secret_file[128];

static void
put_text(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static void
seal(const struct fixture *f, size_t index, int number, const char *passphrase)
{
    char text[256];

    fixture_put(f, index, number, number, 0);
    snprintf(text, sizeof text,
             "-----BEGIN ENCRYPTED PRIVATE KEY-----\nPASS %s\nKEY %d\n",
             passphrase, number);
    put_text(f->certs[index].key_file, text, 0600);
}

static int
setup(void **state)
{
    struct fixture *f;

    ops = fixture_ops;
    ops.parse = parse;
    opened = 0;
    f = fixture_new(2, &ops);
    escrow = ptn_escrow_open(-1);
    ptn_keys_set_escrow(f->keys, escrow);
    seal(f, 0, 0, "open");
    snprintf(secret_file, sizeof secret_file, "%s/secret", f->folder);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    fixture_free(*state);
    ptn_escrow_close(escrow);
    return 0;
}

struct verdicts {
    unsigned count, tag;
    enum ptn_keys_verdict last;
    char text[PTN_ERROR_TEXT_MAX];
};

static void
take(void *arg, unsigned tag, enum ptn_keys_verdict verdict, const char *text)
{
    struct verdicts *v = arg;

    v->count++;
    v->tag = tag;
    v->last = verdict;
    snprintf(v->text, sizeof v->text, "%s", text);
}

static struct verdicts
verdicts(struct fixture *f)
{
    struct verdicts v = {.count = 0};

    ptn_keys_each_verdict(f->keys, take, &v);
    return v;
}

static enum ptn_keys_verdict
offer(struct fixture *f, const char *name, const char *passphrase)
{
    struct verdicts v;

    ptn_keys_offer(f->keys, name, ptn_slice_of(passphrase), 7);
    (void)ptn_keys_load_marked(f->keys, false, 0);
    v = verdicts(f);
    assert_int_equal(v.count, 1);
    assert_int_equal(v.tag, 7);
    assert_int_equal(verdicts(f).count, 0);
    return v.last;
}

static enum ptn_keyring_result
chain(struct fixture *f, const char *name, struct ptn_error *err)
{
    struct ptn_keys_user *user = ptn_keys_user_new(f->keys);
    struct ptn_buf out = PTN_BUF_INIT;
    uint64_t round;
    enum ptn_keyring_result result =
        ptn_keys_chain(user, name, &round, &out, err);

    ptn_buf_free(&out);
    ptn_keys_user_free(user);
    return result;
}

static void
expect_locked(struct fixture *f, const char *words)
{
    struct ptn_error err = PTN_ERROR_INIT;

    assert_int_equal(chain(f, "c0", &err), PTN_KEYRING_LOCKED);
    assert_int_equal(err.code, PTN_ERR_LOCKED);
    assert_non_null(strstr(err.text, words));
}

static void
expect_open(struct fixture *f, int number)
{
    struct ptn_tls_to_sign what = {.scheme = PTN_SIGN_ECDSA_SHA256};
    struct ptn_keys_user *user = ptn_keys_user_new(f->keys);
    uint8_t print[PTN_FINGERPRINT_SIZE];
    struct ptn_buf signature = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    char by[16];

    assert_int_equal(chain(f, "c0", &err), PTN_KEYRING_GOOD);
    fixture_print(number, print);
    assert_int_equal(ptn_keys_sign(user, print, &what, &signature, &err), 0);
    snprintf(by, sizeof by, "by %d,", number);
    assert_int_equal(strncmp(ptn_buf_cstr(&signature), by, strlen(by)), 0);
    ptn_buf_free(&signature);
    ptn_keys_user_free(user);
}

/* --- by hand --- */

static void
is_no_refusal(void **state)
{
    struct fixture *f = *state;
    struct ptn_error err = PTN_ERROR_INIT;

    assert_int_equal(ptn_keys_load(f->keys), 0);
    assert_int_equal(ptn_keys_refused(f->keys), 0);
    expect_locked(f, "run `posternctl cert unlock c0`");
    assert_int_equal(chain(f, "c1", &err), PTN_KEYRING_GOOD);
}

static void
opens_once(void **state)
{
    struct fixture *f = *state;

    ptn_keys_load(f->keys);
    assert_int_equal(offer(f, "c0", "shut"), PTN_KEYS_WRONG);
    expect_locked(f, "cert unlock");
    assert_int_equal(offer(f, "c0", "open"), PTN_KEYS_OPENED);
    expect_open(f, 0);
    opened = 0;
    ptn_keys_load(f->keys);
    ptn_keys_load(f->keys);
    assert_int_equal(opened, 0); /* the same file is not opened again */
    expect_open(f, 0);
    /* What is offered is tried all the same, and harms nothing. */
    assert_int_equal(offer(f, "c0", "shut"), PTN_KEYS_WRONG);
    assert_int_equal(offer(f, "c0", "open"), PTN_KEYS_OPENED);
    expect_open(f, 0);
}

static void
tells_others(void **state)
{
    struct fixture *f = *state;
    char out[PTN_ESCROW_SECRET_MAX];

    ptn_keys_load(f->keys);
    assert_int_equal(offer(f, "c1", "any"), PTN_KEYS_PLAIN);
    assert_int_equal(offer(f, "stranger", "later"), PTN_KEYS_KEPT);
    assert_int_equal(ptn_escrow_get(escrow, "stranger", out), 5);
    put_text(f->certs[0].key_file, "-----BEGIN ENCRYPTED PRIVATE KEY-----\ncut",
             0600);
    assert_int_equal(offer(f, "c0", "open"), PTN_KEYS_FAILED);
}

static void
finds_it_in_the_escrow(void **state)
{
    struct fixture *f = *state;

    ptn_keys_load(f->keys);
    assert_int_equal(offer(f, "c0", "open"), PTN_KEYS_OPENED);
    /* The next one. */
    ptn_keys_free(f->keys);
    f->keys = ptn_keys_new(&f->conf, &ops, NULL, PTN_KEYS_MAKE);
    ptn_keys_set_escrow(f->keys, escrow);
    ptn_keys_load(f->keys);
    expect_open(f, 0);
    /* A new key with the same passphrase; and one with another, which
     * replaces nothing. */
    seal(f, 0, 5, "open");
    assert_int_equal(ptn_keys_load(f->keys), 0);
    expect_open(f, 5);
    seal(f, 0, 6, "another");
    assert_int_equal(ptn_keys_load(f->keys), 1);
    expect_open(f, 5);
    assert_int_equal(offer(f, "c0", "another"), PTN_KEYS_OPENED);
    expect_open(f, 6);
}

/* Half of a pair: the key behind the old seal is not taken for the new. */
static void
keeps_seals_apart(void **state)
{
    struct fixture *f = *state;

    ptn_keys_load(f->keys);
    assert_int_equal(offer(f, "c0", "open"), PTN_KEYS_OPENED);
    seal(f, 0, 8, "open");
    fixture_put(f, 1, 8, 1, 0); /* only to have another chain's text */
    put_text(f->certs[0].cert_file, "CERT 0\n", 0600);
    assert_int_equal(ptn_keys_load(f->keys), 2);
    expect_open(f, 0);
    put_text(f->certs[0].cert_file, "CERT 8\n", 0600);
    ptn_keys_load(f->keys);
    expect_open(f, 8);
}

/* --- from files and commands --- */

static void
reads_a_file(void **state)
{
    struct fixture *f = *state;

    f->certs[0].passphrase_file = secret_file;
    ptn_keys_load(f->keys);
    expect_locked(f, "cannot be read");
    put_text(secret_file, "open\nmore\n", 0644);
    ptn_keys_load(f->keys);
    expect_locked(f, "everybody may read; run chmod o-rw");
    put_text(secret_file, "\n", 0600);
    ptn_keys_load(f->keys);
    expect_locked(f, "no passphrase of 1 to 1024 octets");
    put_text(secret_file, "shut\n", 0600);
    ptn_keys_load(f->keys);
    expect_locked(f, "has the wrong passphrase");
    put_text(secret_file, "open\r\nmore\n", 0600);
    ptn_keys_load(f->keys);
    expect_open(f, 0);
}

static void
asks_for_its_command_once(void **state)
{
    struct fixture *f = *state;
    const char *words[] = {"/bin/say"};

    f->certs[0].passphrase_command = (struct ptn_strings){words, 1};
    ptn_keys_load(f->keys);
    expect_locked(f, "has not said the passphrase yet");
    assert_ptr_equal(ptn_keys_next_command(f->keys), &f->certs[0]);
    assert_null(ptn_keys_next_command(f->keys));
    ptn_keys_load(f->keys);
    assert_null(ptn_keys_next_command(f->keys));
    expect_locked(f, "said no passphrase that fits");
    /* Another key, another question. */
    seal(f, 0, 3, "other");
    ptn_keys_load(f->keys);
    assert_ptr_equal(ptn_keys_next_command(f->keys), &f->certs[0]);
    assert_int_equal(offer(f, "c0", "other"), PTN_KEYS_OPENED);
    expect_open(f, 3);
}

static void
a_provider_that_cannot(void **state)
{
    struct fixture *f = *state;
    struct ptn_error err = PTN_ERROR_INIT;

    ops.parse = NULL;
    ptn_keys_load(f->keys);
    assert_int_equal(offer(f, "c0", "open"), PTN_KEYS_FAILED);
    assert_int_equal(chain(f, "c0", &err), PTN_KEYRING_REFUSED);
    assert_non_null(strstr(err.text, "fake cannot open encrypted keys"));
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(is_no_refusal),
        TEST(opens_once),
        TEST(tells_others),
        TEST(finds_it_in_the_escrow),
        TEST(keeps_seals_apart),
        TEST(reads_a_file),
        TEST(asks_for_its_command_once),
        TEST(a_provider_that_cannot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
