/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of plugins/passwd/secret.c: password schemes.
 */
#include "plugins/passwd/secret.h"
#include "tests/unit/passwd/fixture.h"
#include <crypt.h>
#include <dlfcn.h>
#include <errno.h>

/* Made with the system's own tools, so that other servers' files work. */
#define SHA512                                                                 \
    "$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5"                       \
    "KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/"

static bool
matches(struct ptn_slice secret, struct ptn_slice password)
{
    enum ptn_status status = passwd_secret_verify(secret, password);

    assert_true(status == PTN_OK || status == PTN_DENIED);
    return status == PTN_OK;
}

static int failing; /* errno of crypt_rn; 0: it works */

/* In place of libcrypt's. */
char *
crypt_rn(const char *phrase, const char *setting, void *data, int size)
{
    char *(*next)(const char *, const char *, void *, int) =
        (char *(*)(const char *, const char *, void *, int))(uintptr_t)dlsym(
            RTLD_NEXT, "crypt_rn");

    errno = failing;
    return failing ? NULL : next(phrase, setting, data, size);
}

/* What could not be found out is no wrong password. */
static void
without_memory(void **state)
{
    (void)state;
    failing = ENOMEM;
    assert_int_equal(passwd_secret_verify(S(SHA512), S("password")),
                     PTN_TEMPFAIL);
    failing = EINVAL;
    assert_int_equal(passwd_secret_verify(S(SHA512), S("password")),
                     PTN_DENIED);
    failing = 0;
    assert_true(matches(S(SHA512), S("password")));
}

static void
plain(void **state)
{
    (void)state;
    assert_true(matches(S("{PLAIN}secret"), S("secret")));
    assert_true(matches(S("{plain}secret"), S("secret")));
    assert_true(matches(S("{CLEARTEXT}s"), S("s")));
    assert_false(matches(S("{PLAIN}secret"), S("secre")));
    assert_false(matches(S("{PLAIN}secret"), S("secret2")));
    assert_false(matches(S("{PLAIN}secret"), S("SECRET")));
}

static void
hashes_of_others(void **state)
{
    (void)state;
    assert_true(matches(S("{CRYPT}" SHA512), S("password")));
    assert_true(matches(S("{SHA512-CRYPT}" SHA512), S("password")));
    assert_true(matches(S(SHA512), S("password")));
    assert_false(matches(S("{CRYPT}" SHA512), S("Password")));
    assert_false(matches(S("{CRYPT}" SHA512), S("")));
}

static void
locked(void **state)
{
    (void)state;
    assert_false(matches(S(""), S("")));
    assert_false(matches(S("*"), S("*")));
    assert_false(matches(S("!{PLAIN}x"), S("x")));
    assert_null(passwd_secret_check(S("")));
    assert_null(passwd_secret_check(S("!$6$x$y")));
}

static void
checked_at_load(void **state)
{
    (void)state;
    assert_null(passwd_secret_check(S("{PLAIN}x")));
    assert_null(passwd_secret_check(S("{CRYPT}" SHA512)));
    assert_non_null(passwd_secret_check(S("{ROT13}frperg")));
    assert_non_null(passwd_secret_check(S("{CRYPT}")));
    assert_non_null(passwd_secret_check(S("{CRYPT}$nosuch$x")));
}

static void
made_here(void **state)
{
    struct ptn_buf a = PTN_BUF_INIT, b = PTN_BUF_INIT;
    (void)state;
    assert_true(passwd_secret_make(S("correct horse"), &a));
    assert_true(passwd_secret_make(S("correct horse"), &b));
    assert_false(ptn_slice_eq(ptn_buf_slice(&a), ptn_buf_slice(&b)));
    assert_memory_equal(a.data, "{CRYPT}$y$", 10);
    assert_null(memchr(a.data, ':', a.len));
    assert_null(passwd_secret_check(ptn_buf_slice(&a)));
    assert_true(matches(ptn_buf_slice(&a), S("correct horse")));
    assert_false(matches(ptn_buf_slice(&a), S("battery")));
    ptn_buf_free(&a);
    ptn_buf_free(&b);
}

static void
passwords_that_cannot_be(void **state)
{
    struct ptn_buf out = PTN_BUF_INIT;
    char longest[PASSWD_PASSWORD_MAX + 1];
    (void)state;
    memset(longest, 'x', sizeof(longest));
    assert_false(passwd_secret_make((struct ptn_slice){longest, 512}, &out));
    assert_false(passwd_secret_make(S("a\0b"), &out));
    assert_int_equal(out.len, 0);
    assert_false(
        matches(S("{CRYPT}" SHA512), (struct ptn_slice){longest, 512}));
    assert_false(matches(S("{CRYPT}" SHA512), S("password\0")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory),           cmocka_unit_test(plain),
        cmocka_unit_test(hashes_of_others),         cmocka_unit_test(locked),
        cmocka_unit_test(checked_at_load),          cmocka_unit_test(made_here),
        cmocka_unit_test(passwords_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
