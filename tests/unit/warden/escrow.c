/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The escrow: what one process puts there another finds, whatever becomes of
 * the first.
 */
#include "warden/escrow.h"
#include "tests/unit/base/test.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void
expect(struct ptn_escrow *e, const char *name, const char *secret)
{
    char out[PTN_ESCROW_SECRET_MAX];
    size_t len = ptn_escrow_get(e, name, out);

    assert_int_equal(len, strlen(secret));
    assert_memory_equal(out, secret, len);
}

static void
put(struct ptn_escrow *e, const char *name, const char *secret)
{
    struct ptn_error err = PTN_ERROR_INIT;

    assert_int_equal(ptn_escrow_put(e, name, ptn_slice_of(secret), &err), 0);
}

static void
keeps_and_forgets(void **state)
{
    struct ptn_escrow *e = ptn_escrow_open(-1);

    (void)state;
    assert_false(ptn_escrow_is_shared(e));
    expect(e, "shop", "");
    put(e, "shop", "one");
    put(e, "shop2", "two");
    put(e, "sho", "three");
    expect(e, "shop", "one");
    put(e, "shop", "another");
    expect(e, "shop", "another");
    expect(e, "shop2", "two");
    put(e, "shop2", "");
    expect(e, "shop2", "");
    expect(e, "sho", "three");
    expect(e, "shop", "another");
    ptn_escrow_close(e);
}

static void
is_bounded(void **state)
{
    struct ptn_escrow *e = ptn_escrow_open(-1);
    struct ptn_error err = PTN_ERROR_INIT;
    char secret[PTN_ESCROW_SECRET_MAX + 1], name[16];
    int count = 0;

    (void)state;
    memset(secret, 's', sizeof secret);
    secret[sizeof secret - 1] = '\0';
    for (;; count++) {
        snprintf(name, sizeof name, "c%d", count);
        if (ptn_escrow_put(e, name, ptn_slice_of(secret), &err) != 0)
            break;
    }
    assert_in_range(count, 50, 64);
    assert_int_equal(err.code, PTN_ERR_LIMIT);
    expect(e, "c0", secret);
    put(e, "c0", "");
    put(e, name, secret); /* there is room again */
    expect(e, name, secret);
    ptn_escrow_close(e);
}

/* One process after the other, and both at once. */
static void
outlives_processes(void **state)
{
    int fd = ptn_escrow_new(), status;
    struct ptn_escrow *e;
    pid_t pid;

    (void)state;
    assert_true(fd >= 0);
    for (int i = 0; i < 3; i++) {
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            e = ptn_escrow_open(dup(fd));
            put(e, "shop", i == 0 ? "first" : i == 1 ? "second" : "third");
            put(e, i == 0 ? "a" : i == 1 ? "b" : "c", "x");
            raise(SIGKILL);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
    }
    e = ptn_escrow_open(dup(fd));
    assert_true(ptn_escrow_is_shared(e));
    expect(e, "shop", "third");
    expect(e, "a", "x");
    expect(e, "b", "x");
    expect(e, "c", "x");
    ptn_escrow_close(e);
    e = ptn_escrow_open(fd);
    expect(e, "shop", "third");
    ptn_escrow_close(e);
}

/* Killed at any moment, the next one finds something it can use. */
static void
survives_kills(void **state)
{
    int fd = ptn_escrow_new(), status;
    struct ptn_escrow *e = ptn_escrow_open(dup(fd));

    (void)state;
    for (int i = 0; i < 30; i++) {
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
            struct ptn_escrow *own = ptn_escrow_open(dup(fd));

            for (;;) {
                put(own, "shop", "one");
                put(own, "blog", "two");
            }
        }
        usleep(1000 + (useconds_t)i * 37);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        put(e, "mine", "three");
        expect(e, "mine", "three");
    }
    ptn_escrow_close(e);
    close(fd);
}

/* What makes no sense is not believed. */
static void
reads_rubbish(void **state)
{
    int fd = memfd_create("rubbish", 0);
    struct ptn_escrow *e;
    char *pages, *name;

    (void)state;
    assert_int_equal(ftruncate(fd, PTN_ESCROW_SIZE), 0);
    e = ptn_escrow_open(dup(fd));
    put(e, "shop", "one");
    pages =
        mmap(NULL, PTN_ESCROW_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    name = memmem(pages, PTN_ESCROW_SIZE, "shop", 4);
    assert_non_null(name);
    memset(name - 4, 0xff, 4); /* both lengths */
    expect(e, "shop", "");
    put(e, "shop", "two");
    expect(e, "shop", "two");
    munmap(pages, PTN_ESCROW_SIZE);
    ptn_escrow_close(e);
    close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_and_forgets),  cmocka_unit_test(is_bounded),
        cmocka_unit_test(outlives_processes), cmocka_unit_test(survives_kills),
        cmocka_unit_test(reads_rubbish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
