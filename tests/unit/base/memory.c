/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The end of memory: it is said, and the process ends.
 */
#include "base/memory.h"
#include <postern/arena.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Their own allocators end a process before calloc can fail. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CHECKED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CHECKED 1
#endif
#endif
#ifndef CHECKED
#define CHECKED 0
#endif

static void
say(const void *arg)
{
    const int *fd = arg;

    if (write(*fd, "full", 4) != 4)
        _exit(1);
}

static void
says_it_and_ends(void **state)
{
    int ends[2], status;
    char text[8] = "";
    pid_t pid;

    (void)state;
    if (CHECKED)
        skip();
    assert_int_equal(pipe(ends), 0);
    pid = fork();
    if (pid == 0) {
        struct rlimit none = {0, 0};

        (void)setrlimit(RLIMIT_CORE, &none);
        close(STDERR_FILENO);
        ptn_memory_on_exhausted(say, &ends[1]);
        ptn_free(ptn_alloc(SIZE_MAX / 4));
        _exit(0);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], text, sizeof text - 1), 4);
    assert_string_equal(text, "full");
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    close(ends[0]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(says_it_and_ends)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
