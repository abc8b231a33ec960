/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of plugins/passwd/table.c, reader.c and file.c: indexes, what is
 * skipped, and files that change.
 */
#include "tests/unit/passwd/fixture.h"
#include <errno.h>
#include <utime.h>

#define MANY 20000

static enum ptn_status
find(struct fixture *f, const char *name)
{
    struct ptn_user u;
    return f->directory->lookup(f->passwd, ptn_slice_of(name), &u);
}

static void
bad_lines_are_skipped(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f,
                 "one:{PLAIN}x\n"
                 "no colon here\n"
                 "two:{NOSUCH}x\n"
                 "one@example.test:{PLAIN}again\n"
                 "three:{PLAIN}x:lots\n"
                 "four:{PLAIN}x",
                 NULL);
    assert_int_equal(f.passwd->users.table->count, 2);
    assert_int_equal(f.passwd->users.table->bad, 4);
    assert_int_equal(find(&f, "one"), PTN_OK);
    assert_int_equal(find(&f, "two"), PTN_NOTFOUND);
    assert_int_equal(find(&f, "three"), PTN_NOTFOUND);
    assert_int_equal(find(&f, "four"), PTN_OK);
    fixture_close(&f);
}

/* A line of any length costs no more than the limit, and hides none. */
static void
overlong_line(void **state)
{
    struct fixture f;
    struct ptn_buf text = PTN_BUF_INIT;
    (void)state;
    ptn_buf_adds(&text, "one:{PLAIN}x\nbig:{PLAIN}");
    for (int i = 0; i < 300000; i++)
        ptn_buf_addc(&text, 'x');
    ptn_buf_adds(&text, "\ntwo:{PLAIN}x\n");
    fixture_open(&f, ptn_buf_cstr(&text), NULL);
    assert_int_equal(f.passwd->users.table->bad, 1);
    assert_int_equal(find(&f, "big"), PTN_NOTFOUND);
    assert_int_equal(find(&f, "two"), PTN_OK);
    ptn_buf_free(&text);
    fixture_close(&f);
}

static void
many_users(void **state)
{
    struct fixture f;
    struct ptn_buf text = PTN_BUF_INIT;
    char name[32];
    (void)state;
    for (int i = 0; i < MANY; i++)
        ptn_buf_printf(&text, "user%d@example.test:{PLAIN}secret:\n", i);
    fixture_open(&f, ptn_buf_cstr(&text), NULL);
    assert_int_equal(f.passwd->users.table->count, MANY);
    for (int i = 0; i < MANY; i += 7) {
        snprintf(name, sizeof(name), "user%d", i);
        assert_int_equal(find(&f, name), PTN_OK);
    }
    assert_int_equal(find(&f, "user20000"), PTN_NOTFOUND);
    ptn_buf_free(&text);
    fixture_close(&f);
}

static void
no_file_is_nobody(void **state)
{
    struct fixture f;
    struct ptn_user u;
    (void)state;
    fixture_open(&f, NULL, NULL);
    assert_int_equal(find(&f, "one"), PTN_NOTFOUND);
    assert_int_equal(f.directory->verify(f.passwd, S("one"), S("x"), &u),
                     PTN_NOTFOUND);
    fixture_write(f.users, "one:{PLAIN}x\n");
    fixture_due(&f);
    assert_int_equal(find(&f, "one"), PTN_OK);
    fixture_close(&f);
}

static void
change_is_noticed(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, "one:{PLAIN}x\n", NULL);
    assert_int_equal(find(&f, "two"), PTN_NOTFOUND);
    fixture_write(f.users, "one:{PLAIN}x\ntwo:{PLAIN}x\n");
    fixture_due(&f);
    assert_int_equal(find(&f, "two"), PTN_OK);
    fixture_close(&f);
}

/* An edit in place, seen before the second is over, confuses nobody. */
static void
change_between_looks(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, "one:x\ntwo:x\n", NULL);
    fixture_write(f.users, "zero:x\n");
    assert_int_equal(find(&f, "one"), PTN_NOTFOUND);
    assert_int_equal(find(&f, "two"), PTN_NOTFOUND);
    fixture_close(&f);
}

/* What was known stays while the file cannot be read. */
static void
unreadable_keeps_the_old(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, "one:{PLAIN}x\n", NULL);
    assert_int_equal(unlink(f.users), 0);
    assert_int_equal(mkdir(f.users, 0700), 0);
    fixture_due(&f);
    assert_int_equal(find(&f, "one"), PTN_OK);
    fixture_close(&f);
}

static void
never_readable_is_temporary(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, NULL, NULL);
    fixture_stop(&f);
    assert_int_equal(mkdir(f.users, 0700), 0);
    fixture_start(&f);
    assert_int_equal(find(&f, "one"), PTN_TEMPFAIL);
    fixture_close(&f);
}

struct crowd {
    struct fixture *f;
    _Atomic int wrong;
};

static void *
crowd_run(void *arg)
{
    struct crowd *c = arg;
    for (int i = 0; i < 500; i++) {
        if (i % 10 == 0)
            fixture_due(c->f);
        if (find(c->f, "one") != PTN_OK)
            c->wrong++;
    }
    return NULL;
}

static void
threads_and_changes(void **state)
{
    struct fixture f;
    struct crowd c = {.f = &f};
    pthread_t threads[4];
    char temp[128];
    (void)state;
    fixture_open(&f, "one:{PLAIN}x\n", NULL);
    snprintf(temp, sizeof(temp), "%s/temp", f.folder);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, crowd_run, &c), 0);
    for (int i = 0; i < 50; i++) {
        fixture_write(temp, i % 2 ? "one:{PLAIN}x\n"
                                  : "zero:{PLAIN}y\none:{PLAIN}x\n");
        assert_int_equal(rename(temp, f.users), 0);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(c.wrong, 0);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_lines_are_skipped),
        cmocka_unit_test(overlong_line),
        cmocka_unit_test(many_users),
        cmocka_unit_test(no_file_is_nobody),
        cmocka_unit_test(change_is_noticed),
        cmocka_unit_test(change_between_looks),
        cmocka_unit_test(unreadable_keeps_the_old),
        cmocka_unit_test(never_readable_is_temporary),
        cmocka_unit_test(threads_and_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
