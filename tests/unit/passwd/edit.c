/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of plugins/passwd/edit.c: what `posternctl user` does to the file.
 */
#include "tests/unit/passwd/fixture.h"

static const char users[] = "# keep me\n"
                            "bob@example.test:{PLAIN}secret:1G\n"
                            "this line is wrong\n"
                            "Alice:{PLAIN}wonder\n";

/* The same once it was started on. */
static const char converted[] = "# keep me\n"
                                "bob@example.test:x:1G\n"
                                "this line is wrong\n"
                                "Alice:x\n";

static char *
content(const char *path)
{
    static char text[4096];
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof(text) - 1, f);
    text[n] = '\0';
    fclose(f);
    return text;
}

static enum ptn_status
verify(struct fixture *f, const char *name, const char *password)
{
    struct ptn_user u;
    fixture_due(f);
    return f->directory->verify(f->passwd, ptn_slice_of(name),
                                ptn_slice_of(password), &u);
}

static void
add_makes_the_file(void **state)
{
    struct fixture f;
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_user u;
    struct stat st;
    (void)state;
    fixture_open(&f, NULL, NULL);
    assert_int_equal(
        f.edit->add(f.passwd, S("Dave"), S("opensesame"), 2048, &err), PTN_OK);
    assert_int_equal(stat(f.users, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(verify(&f, "dave", "opensesame"), PTN_OK);
    assert_int_equal(verify(&f, "dave", "wrong"), PTN_DENIED);
    assert_int_equal(f.directory->lookup(f.passwd, S("dave"), &u), PTN_OK);
    assert_int_equal(u.quota, 2048);
    assert_string_equal(content(f.users), "dave@example.test:x:2048\n");
    assert_null(strstr(content(f.secrets), "opensesame"));
    assert_memory_equal(content(f.secrets), "dave@example.test:::{CRYPT}$", 28);
    assert_int_equal(stat(f.secrets, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    *strrchr(f.secrets, '/') = '\0';
    assert_int_equal(stat(f.secrets, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    fixture_close(&f);
}

static void
add_refuses(void **state)
{
    struct fixture f;
    struct ptn_error err = PTN_ERROR_INIT;
    (void)state;
    fixture_open(&f, users, NULL);
    assert_int_equal(f.edit->add(f.passwd, S("BOB"), S("x"), 0, &err),
                     PTN_EXISTS);
    assert_non_null(strstr(err.text, "bob@example.test"));
    assert_int_equal(f.edit->add(f.passwd, S("a b"), S("x"), 0, &err),
                     PTN_DENIED);
    assert_int_equal(f.edit->add(f.passwd, S("new"), S(""), 0, &err),
                     PTN_DENIED);
    assert_int_equal(f.edit->add(f.passwd, S("x\nroot:"), S("x"), 0, &err),
                     PTN_DENIED);
    assert_string_equal(content(f.users), converted);
    fixture_close(&f);
}

static void
remove_keeps_the_others(void **state)
{
    struct fixture f;
    struct ptn_error err = PTN_ERROR_INIT;
    (void)state;
    fixture_open(&f, users, NULL);
    assert_int_equal(f.edit->remove(f.passwd, S("alice"), &err), PTN_OK);
    assert_string_equal(content(f.users), "# keep me\n"
                                          "bob@example.test:x:1G\n"
                                          "this line is wrong\n");
    assert_string_equal(content(f.secrets),
                        "bob@example.test:::{PLAIN}secret\n");
    assert_int_equal(f.edit->remove(f.passwd, S("alice"), &err), PTN_NOTFOUND);
    fixture_close(&f);
}

static void
password_keeps_the_quota(void **state)
{
    struct fixture f;
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_user u;
    (void)state;
    fixture_open(&f, users, NULL);
    assert_int_equal(
        f.edit->set_password(f.passwd, S("bob"), S("changed"), &err), PTN_OK);
    assert_int_equal(verify(&f, "bob", "secret"), PTN_DENIED);
    assert_int_equal(verify(&f, "bob", "changed"), PTN_OK);
    assert_int_equal(f.directory->lookup(f.passwd, S("bob"), &u), PTN_OK);
    assert_int_equal(u.quota, 1u << 30);
    assert_int_equal(f.edit->set_password(f.passwd, S("eve"), S("x"), &err),
                     PTN_NOTFOUND);
    fixture_close(&f);
}

static void
quota_keeps_the_password(void **state)
{
    struct fixture f;
    struct ptn_error err = PTN_ERROR_INIT;
    (void)state;
    fixture_open(&f, users, NULL);
    assert_int_equal(f.edit->set_quota(f.passwd, S("bob"), 0, &err), PTN_OK);
    assert_non_null(strstr(content(f.users), "bob@example.test:x:\n"));
    assert_int_equal(verify(&f, "bob", "secret"), PTN_OK);
    fixture_close(&f);
}

static void
mode_is_kept(void **state)
{
    struct fixture f;
    struct ptn_error err = PTN_ERROR_INIT;
    struct stat st;
    (void)state;
    fixture_open(&f, users, NULL);
    assert_int_equal(chmod(f.users, 0640), 0);
    assert_int_equal(f.edit->remove(f.passwd, S("bob"), &err), PTN_OK);
    assert_int_equal(stat(f.users, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    fixture_close(&f);
}

/* Whatever goes wrong, the old file stays. */
static void
failure_changes_nothing(void **state)
{
    struct fixture f;
    struct ptn_error err = PTN_ERROR_INIT;
    char temp[128];
    (void)state;
    fixture_open(&f, users, NULL);
    snprintf(temp, sizeof(temp), "%s.new", f.users);
    assert_int_equal(mkdir(temp, 0700), 0);
    assert_int_equal(f.edit->remove(f.passwd, S("bob"), &err), PTN_TEMPFAIL);
    assert_non_null(strstr(err.text, "users.new"));
    assert_string_equal(content(f.users), converted);
    fixture_close(&f);
}

/* The server's user owns the folder; what it could put there must not make
 * root hand over a file of somebody else. */
static void
lock_is_no_link(void **state)
{
    struct fixture f;
    struct ptn_error err = PTN_ERROR_INIT;
    char lock[128], victim[128];
    struct stat st;
    (void)state;
    fixture_open(&f, users, NULL);
    snprintf(lock, sizeof(lock), "%s.lock", f.users);
    snprintf(victim, sizeof(victim), "%s/victim", f.folder);
    fixture_write(victim, "root:x:0:0\n");
    if (geteuid() == 0)
        assert_int_equal(chown(f.folder, 65534, 65534), 0);
    (void)unlink(lock);
    assert_int_equal(symlink(victim, lock), 0);
    assert_int_equal(f.edit->remove(f.passwd, S("bob"), &err), PTN_TEMPFAIL);
    assert_int_equal(unlink(lock), 0);
    assert_int_equal(link(victim, lock), 0);
    if (geteuid() == 0)
        assert_int_equal(f.edit->remove(f.passwd, S("bob"), &err),
                         PTN_TEMPFAIL);
    assert_int_equal(stat(victim, &st), 0);
    assert_int_equal(st.st_uid, geteuid());
    assert_string_equal(content(f.users), converted);
    fixture_close(&f);
}

/* Between the two files nothing opens that should not, and nothing is lost
 * that was: the second of them cannot be written, and then it can. */
static void
crash_between_the_files(void **state)
{
    struct fixture f;
    struct ptn_error err = PTN_ERROR_INIT;
    char temp[128];
    (void)state;
    fixture_open(&f, users, NULL);
    snprintf(temp, sizeof(temp), "%s.new", f.users);
    assert_int_equal(mkdir(temp, 0700), 0);
    assert_int_equal(f.edit->add(f.passwd, S("dora"), S("d1"), 0, &err),
                     PTN_TEMPFAIL);
    assert_int_equal(verify(&f, "dora", "d1"), PTN_NOTFOUND);
    assert_int_equal(rmdir(temp), 0);
    assert_int_equal(f.edit->add(f.passwd, S("dora"), S("d2"), 0, &err),
                     PTN_OK);
    assert_int_equal(verify(&f, "dora", "d1"), PTN_DENIED);
    assert_int_equal(verify(&f, "dora", "d2"), PTN_OK);

    snprintf(temp, sizeof(temp), "%s.new", f.secrets);
    assert_int_equal(mkdir(temp, 0700), 0);
    assert_int_equal(f.edit->set_password(f.passwd, S("dora"), S("d3"), &err),
                     PTN_TEMPFAIL);
    assert_int_equal(verify(&f, "dora", "d2"), PTN_OK);
    assert_int_equal(f.edit->remove(f.passwd, S("dora"), &err), PTN_TEMPFAIL);
    assert_int_equal(verify(&f, "dora", "d2"), PTN_NOTFOUND); /* gone first */
    assert_int_equal(rmdir(temp), 0);
    assert_int_equal(f.edit->add(f.passwd, S("dora"), S("d4"), 0, &err),
                     PTN_OK);
    assert_int_equal(verify(&f, "dora", "d2"), PTN_DENIED);
    fixture_close(&f);
}

/* A file from before: all of it keeps opening, at whatever step it stops. */
static void
conversion(void **state)
{
    static const char old[] = "a:{PLAIN}one:5M\n"
                              "b:!{PLAIN}two\n"
                              "c:*\n"
                              "d:x\n"
                              "e:{PLAIN}four:five:1G\n";
    struct fixture f;
    struct ptn_error err = PTN_ERROR_INIT;
    char temp[128];
    uint64_t count;
    (void)state;
    fixture_open(&f, "z:x\n", NULL);
    snprintf(temp, sizeof(temp), "%s.new", f.users);
    assert_int_equal(mkdir(temp, 0700), 0);
    fixture_write(f.users, old);
    fixture_write(f.secrets, "# mine\nd:::{PLAIN}three\na:::{PLAIN}older\n");
    assert_int_equal(verify(&f, "a", "one"), PTN_OK);
    assert_int_equal(f.edit->convert(f.passwd, &count, &err), PTN_TEMPFAIL);
    assert_string_equal(content(f.users), old);
    assert_int_equal(verify(&f, "a", "one"), PTN_OK);
    assert_int_equal(rmdir(temp), 0);
    fixture_stop(&f);
    fixture_start(&f); /* the same as convert */
    assert_string_equal(content(f.users), "a:x:5M\nb:!x\nc:*\nd:x\ne:x:1G\n");
    assert_non_null(strstr(content(f.secrets), "# mine\nd:::{PLAIN}three\n"));
    assert_null(strstr(content(f.secrets), "older"));
    assert_int_equal(verify(&f, "a", "one"), PTN_OK);
    assert_int_equal(verify(&f, "a", "older"), PTN_DENIED);
    assert_int_equal(verify(&f, "b", "two"), PTN_DENIED);
    assert_int_equal(verify(&f, "d", "three"), PTN_OK);
    assert_int_equal(verify(&f, "e", "four:five"), PTN_OK);
    assert_int_equal(f.edit->convert(f.passwd, &count, &err), PTN_OK);
    assert_int_equal(count, 0);
    fixture_close(&f);
}

static void *
add_some(void *arg)
{
    struct fixture *f = arg;
    struct ptn_error err = PTN_ERROR_INIT;
    char name[64];
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof(name), "t%lx-%d", (unsigned long)pthread_self(),
                 i);
        if (f->edit->add(f->passwd, ptn_slice_of(name), S("x"), 0, &err) !=
            PTN_OK)
            return f;
    }
    return NULL;
}

/* Two administrators at once lose none of each other's users. */
static void
edits_are_serial(void **state)
{
    struct fixture f;
    pthread_t threads[3];
    void *failed;
    (void)state;
    fixture_open(&f, NULL, NULL);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_some, &f), 0);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(verify(&f, "nobody", "x"), PTN_NOTFOUND);
    assert_int_equal(f.passwd->users.table->count, 9);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(add_makes_the_file),
        cmocka_unit_test(add_refuses),
        cmocka_unit_test(remove_keeps_the_others),
        cmocka_unit_test(password_keeps_the_quota),
        cmocka_unit_test(quota_keeps_the_password),
        cmocka_unit_test(mode_is_kept),
        cmocka_unit_test(failure_changes_nothing),
        cmocka_unit_test(lock_is_no_link),
        cmocka_unit_test(crash_between_the_files),
        cmocka_unit_test(conversion),
        cmocka_unit_test(edits_are_serial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
