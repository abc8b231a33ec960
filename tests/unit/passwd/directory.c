/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of plugins/passwd/directory.c and resolve.c, through the contract.
 */
#include "tests/unit/passwd/fixture.h"
#include <time.h>

static const char users[] = "# accounts\n"
                            "bob@example.test:{PLAIN}secret:1G\n"
                            "Alice:{PLAIN}wonder\n"
                            "\n"
                            "carol@other.example:!{PLAIN}x:500M\n";

static const char aliases[] = "team: bob, alice@example.test\n"
                              "info@other.example: carol@other.example\n"
                              "Bob.Smith@example.test: bob\n"
                              "alice: alice, bob\n"
                              "loop1: loop2\n"
                              "loop2: loop1\n"
                              "half: nobody, bob\n"
                              "dead: nobody\n"
                              "abroad: x@elsewhere.example\n"
                              "@other.example: bob\n";

struct heard {
    char text[4096];
};

static void
hear(void *arg, const struct ptn_user *user)
{
    struct heard *h = arg;
    strcat(h->text, user->name);
    strcat(h->text, " ");
}

/* Who gets mail for `address`, in one line; the status when nobody does. */
static const char *
who(struct fixture *f, const char *address)
{
    static struct heard h;
    h.text[0] = '\0';
    enum ptn_status status =
        f->directory->resolve(f->passwd, ptn_slice_of(address), hear, &h);
    if (status == PTN_OK)
        return h.text;
    assert_int_equal(h.text[0], '\0');
    return status == PTN_NOTFOUND ? "-" : "?";
}

static void
lookup_folds_names(void **state)
{
    struct fixture f;
    struct ptn_user u;
    (void)state;
    fixture_open(&f, users, NULL);
    assert_int_equal(f.directory->lookup(f.passwd, S("BOB"), &u), PTN_OK);
    assert_string_equal(u.name, "bob@example.test");
    assert_int_equal(u.quota, 1u << 30);
    assert_int_equal(f.directory->lookup(f.passwd, S("Alice@Example.TEST"), &u),
                     PTN_OK);
    assert_string_equal(u.name, "alice@example.test");
    assert_int_equal(u.quota, 0);
    assert_int_equal(f.directory->lookup(f.passwd, S("carol"), &u),
                     PTN_NOTFOUND);
    assert_int_equal(f.directory->lookup(f.passwd, S(""), &u), PTN_NOTFOUND);
    assert_int_equal(f.directory->lookup(f.passwd, S("a\nb"), &u),
                     PTN_NOTFOUND);
    fixture_close(&f);
}

/* SASL EXTERNAL asks for nothing but this. */
static void
lookup_denies_locked_accounts(void **state)
{
    struct fixture f;
    struct ptn_user u;
    (void)state;
    fixture_open(&f,
                 "open@example.test:x\nshut@example.test:!x\n"
                 "star@example.test:*x\nnone@example.test:\n",
                 NULL);
    assert_int_equal(f.directory->lookup(f.passwd, S("open"), &u), PTN_OK);
    assert_int_equal(f.directory->lookup(f.passwd, S("shut"), &u), PTN_DENIED);
    assert_int_equal(f.directory->lookup(f.passwd, S("star"), &u), PTN_DENIED);
    assert_int_equal(f.directory->lookup(f.passwd, S("none"), &u), PTN_DENIED);
    fixture_close(&f);
}

static void
verify_tells_right_from_wrong(void **state)
{
    struct fixture f;
    struct ptn_user u = {.name = "untouched"};
    (void)state;
    fixture_open(&f, users, NULL);
    const struct ptn_directory_ops *d = f.directory;
    assert_int_equal(d->verify(f.passwd, S("bob"), S("wrong"), &u), PTN_DENIED);
    assert_int_equal(d->verify(f.passwd, S("nobody"), S("secret"), &u),
                     PTN_NOTFOUND);
    assert_int_equal(d->verify(f.passwd, S("carol@other.example"), S("x"), &u),
                     PTN_DENIED);
    assert_string_equal(u.name, "untouched");
    assert_int_equal(d->verify(f.passwd, S("Bob"), S("secret"), &u), PTN_OK);
    assert_string_equal(u.name, "bob@example.test");
    fixture_close(&f);
}

static void
resolve_follows_aliases(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, users, aliases);
    assert_string_equal(who(&f, "bob@example.test"), "bob@example.test ");
    assert_string_equal(who(&f, "Bob.Smith@Example.Test"), "bob@example.test ");
    /* "alice" is an alias as well, of herself and bob. */
    assert_string_equal(who(&f, "alice@example.test"),
                        "alice@example.test bob@example.test ");
    assert_string_equal(who(&f, "team@example.test"),
                        "bob@example.test alice@example.test ");
    assert_string_equal(who(&f, "team@other.example"),
                        "bob@example.test alice@example.test ");
    assert_string_equal(who(&f, "info@other.example"), "carol@other.example ");
    assert_string_equal(who(&f, "half@example.test"), "bob@example.test ");
    assert_string_equal(who(&f, "dead@example.test"), "-");
    assert_string_equal(who(&f, "nobody@example.test"), "-");
    fixture_close(&f);
}

static void
circles_end(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, users, aliases);
    assert_string_equal(who(&f, "loop1@example.test"), "-");
    fixture_close(&f);
}

/* A line that sends mail elsewhere is skipped at load, not half obeyed. */
static void
targets_are_local(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, users, aliases);
    assert_string_equal(who(&f, "abroad@example.test"), "-");
    assert_int_equal(f.passwd->aliases.table->bad, 1);
    fixture_close(&f);
}

static void
catch_all_comes_last(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, users, aliases);
    assert_string_equal(who(&f, "anything@other.example"), "bob@example.test ");
    assert_string_equal(who(&f, "carol@other.example"), "carol@other.example ");
    assert_string_equal(who(&f, "carol+tag@other.example"),
                        "carol@other.example ");
    fixture_close(&f);
}

static void
subaddresses(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, users, aliases);
    assert_string_equal(who(&f, "bob+lists@example.test"), "bob@example.test ");
    assert_string_equal(who(&f, "team+x@example.test"),
                        "bob@example.test alice@example.test ");
    assert_string_equal(who(&f, "+x@example.test"), "-");
    f.options.delimiter = "";
    assert_string_equal(who(&f, "bob+lists@example.test"), "-");
    fixture_close(&f);
}

/* RFC 5321 section 4.5.1. */
static void
postmaster(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, users, NULL);
    assert_string_equal(who(&f, "Postmaster@example.test"),
                        "bob@example.test ");
    assert_string_equal(who(&f, "postmaster@other.example"),
                        "bob@example.test ");
    assert_string_equal(who(&f, "postmaster@elsewhere.example"), "-");
    f.options.postmaster = "alice";
    assert_string_equal(who(&f, "postmaster@example.test"),
                        "alice@example.test ");
    f.options.postmaster = "postmaster";
    assert_string_equal(who(&f, "postmaster@example.test"), "-");
    fixture_close(&f);
}

static void
postmaster_alias_wins(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, users, "postmaster: alice\n");
    assert_string_equal(who(&f, "postmaster@example.test"),
                        "alice@example.test ");
    fixture_close(&f);
}

static void
senders(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, users, aliases);
    const struct ptn_directory_ops *d = f.directory;
    assert_int_equal(
        d->may_send(f.passwd, S("bob@example.test"), S("bob@example.test")),
        PTN_OK);
    assert_int_equal(d->may_send(f.passwd, S("bob@example.test"),
                                 S("bob.smith@example.test")),
                     PTN_OK);
    assert_int_equal(
        d->may_send(f.passwd, S("bob@example.test"), S("team@example.test")),
        PTN_OK);
    assert_int_equal(
        d->may_send(f.passwd, S("carol@other.example"), S("team@example.test")),
        PTN_DENIED);
    assert_int_equal(d->may_send(f.passwd, S("bob@example.test"),
                                 S("ceo@elsewhere.example")),
                     PTN_DENIED);
    fixture_close(&f);
}

static bool
count_user(void *arg, const struct ptn_user *user)
{
    hear(arg, user);
    return strncmp(user->name, "alice", 5) != 0;
}

static void
iterate_until_told(void **state)
{
    struct fixture f;
    struct heard h = {""};
    (void)state;
    fixture_open(&f, users, NULL);
    assert_int_equal(f.directory->iterate(f.passwd, count_user, &h), PTN_OK);
    assert_string_equal(h.text, "bob@example.test alice@example.test ");
    fixture_close(&f);
}

/* The loop may ask what is in memory; when a second is over it must not. */
static void
nowait_does_not_wait(void **state)
{
    struct fixture f;
    struct heard h = {""};
    (void)state;
    fixture_open(&f, users, aliases);
    enum ptn_status status =
        f.directory->resolve_nowait(f.passwd, S("team@example.test"), hear, &h);
    if (status == PTN_OK) /* the file system can tell what is cached */
        assert_string_equal(h.text, "bob@example.test alice@example.test ");
    else
        assert_int_equal(status, PTN_WOULDBLOCK);
    h.text[0] = '\0';
    fixture_due(&f);
    assert_int_equal(
        f.directory->resolve_nowait(f.passwd, S("team@example.test"), hear, &h),
        PTN_WOULDBLOCK);
    assert_string_equal(h.text, "");
    fixture_close(&f);
}

/* Between two looks at the file, a "no" looks again before it is given. */
static void
edits_count_at_once(void **state)
{
    struct fixture f;
    struct ptn_user u;
    struct heard h = {""};
    (void)state;
    fixture_open(&f, "bob:{PLAIN}old\n", NULL);
    const struct ptn_directory_ops *d = f.directory;
    assert_int_equal(d->verify(f.passwd, S("bob"), S("old"), &u), PTN_OK);
    assert_string_equal(who(&f, "dora@example.test"), "-");
    fixture_write(f.users, "bob:{PLAIN}renewed\ndora:{PLAIN}d\n");
    assert_int_equal(d->verify(f.passwd, S("bob"), S("renewed"), &u), PTN_OK);
    assert_int_equal(d->verify(f.passwd, S("dora"), S("d"), &u), PTN_OK);
    fixture_write(f.users, "bob:{PLAIN}renewed\nemil-the-new:{PLAIN}e\n");
    assert_int_equal(
        d->resolve_nowait(f.passwd, S("emil-the-new@example.test"), hear, &h),
        PTN_WOULDBLOCK);
    assert_string_equal(who(&f, "emil-the-new@example.test"),
                        "emil-the-new@example.test ");
    fixture_close(&f);
}

static double
refusal_seconds(struct fixture *f, const char *name)
{
    struct timespec from, to;
    struct ptn_user u;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    assert_int_not_equal(
        f->directory->verify(f->passwd, ptn_slice_of(name), S("wrong"), &u),
        PTN_OK);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    return (double)(to.tv_sec - from.tv_sec) +
           (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

/* A refusal costs the same, whoever was named. */
static void
time_tells_no_names(void **state)
{
    struct fixture f;
    struct ptn_error err = PTN_ERROR_INIT;
    (void)state;
    fixture_open(&f, "gone@example.test:!\n", NULL);
    assert_int_equal(f.edit->add(f.passwd, S("bob"), S("secret"), 0, &err),
                     PTN_OK);
    fixture_due(&f);
    double known = refusal_seconds(&f, "bob");
    assert_true(refusal_seconds(&f, "nobody") > known / 5);
    assert_true(refusal_seconds(&f, "gone") > known / 5);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lookup_folds_names),
        cmocka_unit_test(lookup_denies_locked_accounts),
        cmocka_unit_test(verify_tells_right_from_wrong),
        cmocka_unit_test(resolve_follows_aliases),
        cmocka_unit_test(circles_end),
        cmocka_unit_test(targets_are_local),
        cmocka_unit_test(catch_all_comes_last),
        cmocka_unit_test(subaddresses),
        cmocka_unit_test(postmaster),
        cmocka_unit_test(postmaster_alias_wins),
        cmocka_unit_test(senders),
        cmocka_unit_test(iterate_until_told),
        cmocka_unit_test(nowait_does_not_wait),
        cmocka_unit_test(edits_count_at_once),
        cmocka_unit_test(time_tells_no_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
