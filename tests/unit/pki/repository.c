/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The repository on a real folder. A crash at each of its steps is made by
 * a child that dies in the Nth call that changes a file system (they are
 * interposed here); then the same folder is opened again.
 */
#include "pki/repository.h"
#include "tests/unit/base/test.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int fuse = -1; /* calls left until the process dies; -1: never */

static void
burn(void)
{
    if (fuse == 0)
        _exit(99);
    if (fuse > 0)
        fuse--;
}

#define NEXT(type, name) ((type)dlsym(RTLD_NEXT, name))

int
renameat(int from_at, const char *from, int to_at, const char *to)
{
    burn();
    return NEXT(int (*)(int, const char *, int, const char *),
                "renameat")(from_at, from, to_at, to);
}

int
linkat(int from_at, const char *from, int to_at, const char *to, int flags)
{
    burn();
    return NEXT(int (*)(int, const char *, int, const char *, int),
                "linkat")(from_at, from, to_at, to, flags);
}

int
unlinkat(int at, const char *path, int flags)
{
    burn();
    return NEXT(int (*)(int, const char *, int), "unlinkat")(at, path, flags);
}

int
mkdirat(int at, const char *path, mode_t mode)
{
    burn();
    return NEXT(int (*)(int, const char *, mode_t), "mkdirat")(at, path, mode);
}

int
fsync(int fd)
{
    burn();
    return NEXT(int (*)(int), "fsync")(fd);
}

static char state_folder[64];

static int
setup(void **state)
{
    (void)state;
    strcpy(state_folder, "/tmp/postern-repository.XXXXXX");
    return mkdtemp(state_folder) ? 0 : -1;
}

static int
teardown(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", state_folder);
    return system(command);
}

static struct ptn_repository *
open_it(void)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_repository *r =
        ptn_repository_open(state_folder, (uid_t)-1, (gid_t)-1, &err);

    if (!r)
        fail_msg("%s", err.text);
    return r;
}

static struct ptn_parts
make(const char *key, const char *crt)
{
    struct ptn_parts parts = {0};

    ptn_buf_adds(&parts.part[PTN_PART_KEY], key);
    ptn_buf_adds(&parts.part[PTN_PART_CRT], crt);
    ptn_buf_adds(&parts.part[PTN_PART_META], "source=test\n");
    return parts;
}

static int
put(struct ptn_repository *r, const char *name, const char *key,
    const char *crt)
{
    struct ptn_parts parts = make(key, crt);
    struct ptn_error err = PTN_ERROR_INIT;
    int result = ptn_repository_write(r, name, &parts, &err);

    ptn_parts_free(&parts);
    if (result != 0)
        print_message("%s\n", err.text);
    return result;
}

static void
expect(struct ptn_repository *r, const char *name, const char *key,
       const char *crt)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_parts parts;

    assert_int_equal(ptn_repository_read(r, name, &parts, &err), 0);
    assert_string_equal(ptn_buf_cstr(&parts.part[PTN_PART_KEY]), key);
    assert_string_equal(ptn_buf_cstr(&parts.part[PTN_PART_CRT]), crt);
    ptn_parts_free(&parts);
}

static size_t
history(struct ptn_repository *r, const char *name,
        unsigned out[PTN_REPOSITORY_HISTORY])
{
    struct ptn_error err = PTN_ERROR_INIT;
    size_t count;

    assert_int_equal(ptn_repository_history(r, name, out, &count, &err), 0);
    return count;
}

static void
expect_version(struct ptn_repository *r, const char *name, unsigned number,
               const char *crt)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_parts parts;

    assert_int_equal(ptn_repository_read_version(r, name, number, &parts, &err),
                     0);
    assert_string_equal(ptn_buf_cstr(&parts.part[PTN_PART_CRT]), crt);
    ptn_parts_free(&parts);
}

/* As a certificate has come that others have put there. */
static void
put_by_hand(const char *name, const char *key, const char *crt)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/certs/%s.key", state_folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(key, file);
    fclose(file);
    snprintf(path, sizeof path, "%s/certs/%s.crt", state_folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(crt, file);
    fclose(file);
}

static void
test_names(void **state)
{
    char longest[PTN_REPOSITORY_NAME_MAX + 2];

    (void)state;
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_false(ptn_repository_is_name(longest));
    longest[sizeof longest - 2] = '\0';
    assert_true(ptn_repository_is_name(longest));
    assert_true(ptn_repository_is_name("shop-2_x"));
    assert_false(ptn_repository_is_name(""));
    assert_false(ptn_repository_is_name("2shop"));
    assert_false(ptn_repository_is_name("../etc"));
    assert_false(ptn_repository_is_name("a.b"));
    assert_false(ptn_repository_is_name("a/b"));
}

static void
test_versions(void **state)
{
    struct ptn_repository *r = open_it();
    unsigned numbers[PTN_REPOSITORY_HISTORY];
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_parts old;
    struct stat st;
    char path[128];

    (void)state;
    expect(r, "shop", "", "");
    assert_int_equal(put(r, "shop", "key1", "crt1"), 0);
    expect(r, "shop", "key1", "crt1");
    assert_int_equal(history(r, "shop", numbers), 0);
    /* The same again is no other version. */
    assert_int_equal(put(r, "shop", "key1", "crt1"), 0);
    assert_int_equal(history(r, "shop", numbers), 0);
    assert_int_equal(put(r, "shop", "key1", "crt2"), 0);
    assert_int_equal(put(r, "shop", "key3", "crt3"), 0);
    expect(r, "shop", "key3", "crt3");
    assert_int_equal(history(r, "shop", numbers), 2);
    assert_int_equal(
        ptn_repository_read_version(r, "shop", numbers[0], &old, &err), 0);
    assert_string_equal(ptn_buf_cstr(&old.part[PTN_PART_CRT]), "crt1");
    ptn_parts_free(&old);
    assert_int_equal(
        ptn_repository_read_version(r, "shop", numbers[1], &old, &err), 0);
    assert_string_equal(ptn_buf_cstr(&old.part[PTN_PART_KEY]), "key1");
    assert_string_equal(ptn_buf_cstr(&old.part[PTN_PART_CRT]), "crt2");
    ptn_parts_free(&old);
    assert_int_equal(ptn_repository_read_version(r, "shop", 99, &old, &err),
                     -1);
    /* Nobody else reads keys. */
    snprintf(path, sizeof path, "%s/certs", state_folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    snprintf(path, sizeof path, "%s/certs/shop.key", state_folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    ptn_repository_close(r);
}

static void
test_history_is_bounded(void **state)
{
    struct ptn_repository *r = open_it();
    unsigned numbers[PTN_REPOSITORY_HISTORY];
    char crt[16];

    (void)state;
    for (int i = 0; i < PTN_REPOSITORY_HISTORY + 5; i++) {
        snprintf(crt, sizeof crt, "crt%d", i);
        assert_int_equal(put(r, "shop", "key", crt), 0);
    }
    assert_int_equal(history(r, "shop", numbers), PTN_REPOSITORY_HISTORY);
    assert_int_equal(numbers[PTN_REPOSITORY_HISTORY - 1] - numbers[0],
                     PTN_REPOSITORY_HISTORY - 1);
    ptn_repository_close(r);
}

/* Without a meta file: it is a version like any other. */
static void
test_put_by_hand(void **state)
{
    struct ptn_repository *r = open_it();
    unsigned numbers[PTN_REPOSITORY_HISTORY];
    char path[128];

    (void)state;
    put_by_hand("shop", "key1", "crt1");
    expect(r, "shop", "key1", "crt1");
    assert_int_equal(put(r, "shop", "key1", "crt1"), 0);
    assert_int_equal(history(r, "shop", numbers), 0);
    assert_int_equal(put(r, "shop", "key2", "crt2"), 0);
    assert_int_equal(history(r, "shop", numbers), 1);
    expect_version(r, "shop", numbers[0], "crt1");
    /* Also over what there was, with or without the old meta file. */
    put_by_hand("shop", "key3", "crt3");
    assert_int_equal(put(r, "shop", "key4", "crt4"), 0);
    snprintf(path, sizeof path, "%s/certs/shop.meta", state_folder);
    assert_int_equal(unlink(path), 0);
    put_by_hand("shop", "key5", "crt5");
    assert_int_equal(put(r, "shop", "key6", "crt6"), 0);
    assert_int_equal(history(r, "shop", numbers), 3);
    expect_version(r, "shop", numbers[0], "crt1");
    expect_version(r, "shop", numbers[1], "crt3");
    expect_version(r, "shop", numbers[2], "crt5");
    ptn_repository_close(r);
}

struct some {
    unsigned mask;
    const char *key, *crt;
};

static void
test_some_parts(void **state)
{
    static const struct some cases[] = {
        {1u << PTN_PART_KEY, "key1", ""},
        {1u << PTN_PART_CRT, "", "crt1"},
        {1u << PTN_PART_KEY | 1u << PTN_PART_CRT, "key1", "crt1"},
    };
    struct ptn_repository *r = open_it();
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_parts parts;

    (void)state;
    assert_int_equal(put(r, "shop", "key1", "crt1"), 0);
    for (size_t i = 0; i < PTN_COUNT(cases); i++) {
        assert_int_equal(
            ptn_repository_read_some(r, "shop", cases[i].mask, &parts, &err),
            0);
        assert_string_equal(ptn_buf_cstr(&parts.part[PTN_PART_KEY]),
                            cases[i].key);
        assert_string_equal(ptn_buf_cstr(&parts.part[PTN_PART_CRT]),
                            cases[i].crt);
        assert_int_equal(parts.part[PTN_PART_META].len, 0);
        ptn_parts_free(&parts);
    }
    ptn_repository_close(r);
}

/* What one holds, another waits for. */
static void
test_hold(void **state)
{
    struct ptn_repository *r = open_it();
    struct ptn_error err = PTN_ERROR_INIT;
    int ends[2], status;
    char octet = 0;
    pid_t pid;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(ptn_repository_hold(r, &err), 0);
    pid = fork();
    if (pid == 0) {
        struct ptn_repository *other = open_it();

        octet = '1';
        if (put(other, "shop", "theirs", "theirs") != 0)
            octet = '0';
        _exit(write(ends[1], &octet, 1) == 1 ? 0 : 1);
    }
    assert_int_equal(put(r, "shop", "ours", "ours"), 0);
    expect(r, "shop", "ours", "ours");
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    assert_int_equal(read(ends[0], &octet, 1), -1);
    ptn_repository_release(r);
    fcntl(ends[0], F_SETFL, 0);
    assert_int_equal(read(ends[0], &octet, 1), 1);
    assert_int_equal(octet, '1');
    assert_int_equal(waitpid(pid, &status, 0), pid);
    expect(r, "shop", "theirs", "theirs");
    ptn_repository_close(r);
    close(ends[0]);
    close(ends[1]);
}

struct seen {
    char names[128];
};

static void
see(void *arg, const char *name)
{
    struct seen *seen = arg;

    strcat(seen->names, name);
    strcat(seen->names, " ");
}

static void
test_rename_and_remove(void **state)
{
    struct ptn_repository *r = open_it();
    struct ptn_error err = PTN_ERROR_INIT;
    struct seen seen = {""};
    unsigned numbers[PTN_REPOSITORY_HISTORY];

    (void)state;
    assert_int_equal(put(r, "shop", "key1", "crt1"), 0);
    assert_int_equal(put(r, "shop", "key2", "crt2"), 0);
    assert_int_equal(put(r, "blog", "key", "crt"), 0);
    assert_int_equal(ptn_repository_rename(r, "shop", "blog", &err), -1);
    assert_non_null(strstr(err.text, "exists"));
    assert_int_equal(ptn_repository_rename(r, "shop", "store", &err), 0);
    expect(r, "store", "key2", "crt2");
    assert_int_equal(history(r, "store", numbers), 1);
    /* Its history goes on. */
    assert_int_equal(put(r, "store", "key3", "crt3"), 0);
    assert_int_equal(history(r, "store", numbers), 2);
    expect_version(r, "store", numbers[0], "crt1");
    expect_version(r, "store", numbers[1], "crt2");
    assert_int_equal(ptn_repository_each(r, see, &seen, &err), 0);
    assert_string_equal(seen.names, "blog store ");
    assert_int_equal(ptn_repository_remove(r, "store", &err), 0);
    expect(r, "store", "", "");
    assert_int_equal(history(r, "store", numbers), 0);
    expect(r, "blog", "key", "crt");
    ptn_repository_close(r);
}

static void
test_links_are_not_followed(void **state)
{
    struct ptn_repository *r = open_it();
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_parts parts;
    char path[128];

    (void)state;
    snprintf(path, sizeof path, "%s/certs/evil.key", state_folder);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(ptn_repository_read(r, "evil", &parts, &err), -1);
    assert_non_null(strstr(err.text, "evil.key"));
    ptn_repository_close(r);
}

/* Dies in the Nth call of a change from version 1 to 2. */
static bool
change_and_die(int calls)
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        struct ptn_repository *r = open_it();

        fuse = calls;
        _exit(put(r, "shop", "key2", "crt2") == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 1);
    return WEXITSTATUS(status) == 99;
}

/* After each crash the pair is the old one or the new one, never a mixture,
 * the history is whole, and the next change works. */
static void
test_crashes(void **state)
{
    unsigned numbers[PTN_REPOSITORY_HISTORY];
    bool died = true;
    int olds = 0, news = 0;

    for (int calls = 0; died; calls++) {
        struct ptn_error err = PTN_ERROR_INIT;
        struct ptn_repository *r = open_it();
        struct ptn_parts parts;
        bool is_new;

        assert_true(calls < 100);
        assert_int_equal(put(r, "shop", "key1", "crt1"), 0);
        ptn_repository_close(r);
        died = change_and_die(calls);
        r = open_it();
        assert_int_equal(ptn_repository_read(r, "shop", &parts, &err), 0);
        is_new = ptn_slice_eq(ptn_buf_slice(&parts.part[PTN_PART_KEY]),
                              PTN_SLICE("key2"));
        ptn_parts_free(&parts);
        expect(r, "shop", is_new ? "key2" : "key1", is_new ? "crt2" : "crt1");
        assert_int_equal(history(r, "shop", numbers), is_new ? 1 : 0);
        *(is_new ? &news : &olds) += 1;
        assert_int_equal(put(r, "shop", "key3", "crt3"), 0);
        expect(r, "shop", "key3", "crt3");
        ptn_repository_close(r);
        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
    }
    assert_true(olds > 3 && news > 3);
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        TEST(test_versions),
        TEST(test_put_by_hand),
        TEST(test_some_parts),
        TEST(test_hold),
        TEST(test_history_is_bounded),
        TEST(test_rename_and_remove),
        TEST(test_links_are_not_followed),
        TEST(test_crashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
