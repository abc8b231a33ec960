/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Watching real files, replaced in the ways that programs have: as certbot's
 * links into an archive, as uacme's renames, as a mounted secret's ..data,
 * and with the kernel's word or without it.
 */
#include "pki/watch.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    PATIENCE_MS = 5000,
    SILENCE_MS = 50,
};

/* A folder of its own, and what was told. */
struct scene {
    char folder[64];
    struct ptn_file_watch *watch;
    size_t owners[8];
    size_t told;
};

static const char *
at(const struct scene *s, const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", s->folder, name);
    return path;
}

static int
setup(void **state)
{
    struct scene *s = calloc(1, sizeof *s);

    strcpy(s->folder, "/tmp/postern-watch-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    s->watch = ptn_file_watch_new(100);
    *state = s;
    return 0;
}

static int
teardown(void **state)
{
    struct scene *s = *state;
    char command[96];

    ptn_file_watch_free(s->watch);
    snprintf(command, sizeof command, "rm -rf %s", s->folder);
    assert_int_equal(system(command), 0);
    free(s);
    return 0;
}

static void
put(const struct scene *s, const char *name, const char *text)
{
    int fd = open(at(s, name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void
make_folder(const struct scene *s, const char *name)
{
    assert_int_equal(mkdir(at(s, name), 0700), 0);
}

static void
link_to(const struct scene *s, const char *target, const char *name)
{
    assert_int_equal(symlink(target, at(s, name)), 0);
}

static void
move(const struct scene *s, const char *from, const char *to)
{
    assert_int_equal(rename(at(s, from), at(s, to)), 0);
}

static void
changed(void *arg, size_t owner)
{
    struct scene *s = arg;

    assert_true(s->told < 8);
    s->owners[s->told++] = owner;
}

static size_t
look(struct scene *s, bool all)
{
    s->told = 0;
    return ptn_file_watch_look(s->watch, all, changed, s);
}

static void
watch(struct scene *s, const char *name, size_t owner)
{
    ptn_file_watch_add(s->watch, at(s, name), owner);
    assert_int_equal(look(s, false), 0);
}

/* Whether the kernel tells of something that concerns a file. */
static bool
hears(const struct scene *s, int patience)
{
    struct pollfd p = {ptn_file_watch_fd(s->watch), POLLIN, 0};

    while (poll(&p, 1, patience) > 0)
        if (ptn_file_watch_read(s->watch))
            return true;
    return false;
}

/* The kernel tells, and the file has changed. */
static void
expect(struct scene *s, size_t owner)
{
    assert_true(hears(s, PATIENCE_MS));
    while (look(s, false) == 0)
        assert_true(hears(s, PATIENCE_MS));
    assert_int_equal(s->owners[0], owner);
    while (hears(s, SILENCE_MS)) /* what is left of it */
        (void)look(s, false);
}

static void
in_place(void **state)
{
    struct scene *s = *state;

    put(s, "a", "one");
    put(s, "b", "one");
    watch(s, "a", 7);
    watch(s, "b", 8);
    put(s, "a", "two");
    expect(s, 7);
    put(s, "b", "two");
    expect(s, 8);
    assert_int_equal(chmod(at(s, "b"), 0640), 0);
    expect(s, 8);
}

/* As uacme and careful programs do. */
static void
renamed_over(void **state)
{
    struct scene *s = *state;

    put(s, "crt", "one");
    watch(s, "crt", 1);
    for (int i = 0; i < 3; i++) {
        put(s, "crt.tmp", "two");
        assert_false(hears(s, SILENCE_MS)); /* that is none of ours */
        move(s, "crt.tmp", "crt");
        expect(s, 1);
    }
}

/* live/x/crt -> ../../archive/x/crt1; certbot removes it and makes it anew. */
static void
links_into_an_archive(void **state)
{
    struct scene *s = *state;

    make_folder(s, "live");
    make_folder(s, "archive");
    put(s, "archive/crt1", "one");
    put(s, "archive/crt2", "two");
    link_to(s, "../archive/crt1", "live/crt");
    watch(s, "live/crt", 3);
    assert_int_equal(unlink(at(s, "live/crt")), 0);
    link_to(s, "../archive/crt2", "live/crt");
    expect(s, 3);
    put(s, "archive/crt1", "old ones do not matter");
    assert_false(hears(s, SILENCE_MS));
    put(s, "archive/crt2", "what it leads to does");
    expect(s, 3);
}

/* crt -> ..data/crt, ..data -> ..1: one rename changes all. */
static void
a_mounted_secret(void **state)
{
    struct scene *s = *state;

    make_folder(s, "..1");
    put(s, "..1/crt", "one");
    link_to(s, "..1", "..data");
    link_to(s, "..data/crt", "crt");
    watch(s, "crt", 4);
    for (int i = 2; i < 5; i++) {
        char folder[8], file[16];

        snprintf(folder, sizeof folder, "..%d", i);
        snprintf(file, sizeof file, "%s/crt", folder);
        make_folder(s, folder);
        put(s, file, "another");
        link_to(s, folder, "..data_tmp");
        move(s, "..data_tmp", "..data");
        expect(s, 4);
    }
}

static void
a_folder_that_comes_back(void **state)
{
    struct scene *s = *state;

    make_folder(s, "in");
    make_folder(s, "in/here");
    put(s, "in/here/crt", "one");
    watch(s, "in/here/crt", 5);
    move(s, "in", "away");
    expect(s, 5);
    make_folder(s, "in");
    make_folder(s, "in/here");
    while (hears(s, SILENCE_MS))
        (void)look(s, false);
    put(s, "in/here/crt", "two");
    expect(s, 5);
    put(s, "away/here/crt", "nobody looks there any more");
    assert_false(hears(s, SILENCE_MS));
}

static void
a_file_that_is_not_there_yet(void **state)
{
    struct scene *s = *state;

    watch(s, "deep/down/crt", 6);
    make_folder(s, "deep");
    make_folder(s, "deep/down");
    while (hears(s, SILENCE_MS))
        assert_int_equal(look(s, false), 0);
    put(s, "deep/down/crt", "one");
    expect(s, 6);
    assert_int_equal(unlink(at(s, "deep/down/crt")), 0);
    expect(s, 6);
}

/* A busy folder on the way, and other files beside it, wake nobody. */
static void
others_do_not_matter(void **state)
{
    struct scene *s = *state;

    make_folder(s, "in");
    put(s, "in/crt", "one");
    watch(s, "in/crt", 1);
    put(s, "other", "x");
    put(s, "in/other", "x");
    make_folder(s, "in/folder");
    assert_false(hears(s, SILENCE_MS));
    assert_int_equal(look(s, false), 0);
    assert_int_equal(look(s, true), 0);
}

/* Nothing is left behind, however often the way changes. */
static void
folders_are_let_go(void **state)
{
    struct scene *s = *state;
    size_t before = 0;

    for (int i = 0; i < 20; i++) {
        char folder[16], file[32];

        snprintf(folder, sizeof folder, "v%d", i);
        snprintf(file, sizeof file, "%s/crt", folder);
        make_folder(s, folder);
        put(s, file, "x");
        link_to(s, folder, "next");
        move(s, "next", "now");
        if (i == 0) {
            watch(s, "now/crt", 1);
            before = ptn_file_watch_folders(s->watch);
        } else {
            expect(s, 1);
        }
    }
    assert_int_equal(ptn_file_watch_folders(s->watch), before);
}

/* Where no folder may be watched, a look at all finds it. */
static void
without_the_kernels_word(void **state)
{
    struct scene *s = *state;
    const char *why;

    ptn_file_watch_free(s->watch);
    s->watch = ptn_file_watch_new(1);
    put(s, "crt", "one");
    watch(s, "crt", 2);
    assert_true(ptn_file_watch_unwatched(s->watch, &why) > 0);
    assert_non_null(why);
    put(s, "crt", "two, longer");
    assert_false(hears(s, SILENCE_MS));
    assert_int_equal(look(s, true), 1);
    assert_int_equal(s->owners[0], 2);
    assert_int_equal(look(s, true), 0);
    assert_int_equal(unlink(at(s, "crt")), 0);
    assert_int_equal(look(s, true), 1);
}

static void
links_in_a_circle(void **state)
{
    struct scene *s = *state;

    link_to(s, "b", "a");
    link_to(s, "a", "b");
    watch(s, "a", 1);
    assert_int_equal(unlink(at(s, "b")), 0);
    put(s, "b", "one");
    expect(s, 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(in_place),
        TEST(renamed_over),
        TEST(links_into_an_archive),
        TEST(a_mounted_secret),
        TEST(a_folder_that_comes_back),
        TEST(a_file_that_is_not_there_yet),
        TEST(others_do_not_matter),
        TEST(folders_are_let_go),
        TEST(without_the_kernels_word),
        TEST(links_in_a_circle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
