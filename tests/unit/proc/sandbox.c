/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The sandbox of each role, in a child of its own: what works in it, what
 * does not, what is told of it, and what becomes of it on a kernel that has
 * less. (Such a kernel is played by a filter that is there before.)
 */
#include "proc/sandbox.h"
#include "config.h"
#include "log/log.h"
#include "proc/crash.h"
#include "proc/machine.h"
#include "proc/plan.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#if defined HAVE_LIBSECCOMP && !defined PTN_SANITIZED
#define FILTERED 1
#else
#define FILTERED 0
#endif

#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition)) {                                                    \
            fprintf(stderr, "line %d: %s (errno %d)\n", __LINE__, #condition,  \
                    errno);                                                    \
            _exit(1);                                                          \
        }                                                                      \
    } while (0)

/* Calls that fail as they should. */
#define DENIED(call, number) CHECK((errno = 0, (call) == -1 && errno == number))

static char top[] = "/tmp/postern-sandbox-XXXXXX";
static char state_folder[64], outside[64];
static struct ptn_conf conf;
static struct ptn_reports *reports;

static int
group_begin(void **state)
{
    FILE *file;

    (void)state;
    assert_non_null(mkdtemp(top));
    snprintf(state_folder, sizeof state_folder, "%s/state", top);
    snprintf(outside, sizeof outside, "%s/outside", top);
    assert_int_equal(mkdir(state_folder, 0700), 0);
    file = fopen(outside, "we");
    assert_non_null(file);
    fclose(file);
    conf.file = "/nowhere/postern.conf";
    conf.server.state = state_folder;
    conf.server.control = "/nowhere/control";
    conf.server.module_path = "/nowhere/modules";
    return 0;
}

static int
group_end(void **state)
{
    char command[96];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", top);
    return system(command);
}

/* Runs `act` in a sandbox of the role; `before` runs outside. */
static void
run(enum ptn_sandbox_role role, void (*before)(void), void (*act)(void))
{
    struct ptn_error err = PTN_ERROR_INIT;
    int status;
    pid_t pid;

    reports = ptn_reports_new(&err);
    assert_non_null(reports);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        ptn_crash_watch(ptn_reports_leave(reports), "child", "/nowhere",
                        &conf.load);
        ptn_crash_map(NULL);
        if (before)
            before();
        CHECK(ptn_sandbox_enter(&conf, role, &err) == 0);
        CHECK(ptn_sandbox_confine(&conf, NULL, &err) == 0);
        act();
        exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* What the log says of the child that has run. */
static const char *
told(void)
{
    static char text[65536];
    struct ptn_log_sink sink = {.target = PTN_LOG_TO_FILE,
                                .path = "sandbox.log"};
    struct ptn_error err = PTN_ERROR_INIT;
    FILE *file;
    size_t n;

    unlink(sink.path);
    assert_int_equal(ptn_log_open(&sink, &err), 0);
    ptn_reports_take(reports);
    assert_int_equal(ptn_log_open(NULL, &err), 0);
    file = fopen(sink.path, "re");
    n = file ? fread(text, 1, sizeof text - 1, file) : 0;
    text[n] = '\0';
    if (file)
        fclose(file);
    unlink(sink.path);
    ptn_reports_free(reports);
    return text;
}

static bool
has_landlock(void)
{
#ifdef PTN_SANITIZED
    return false;
#else
    return syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 2;
#endif
}

/* --- what every role can do --- */

static void *
on_a_thread(void *arg)
{
    free(malloc(1 << 20));
    return arg;
}

static void
act_ordinary(void)
{
    pthread_t thread;
    void *result;
    int fds[2];
    char octet;

    CHECK(pthread_create(&thread, NULL, on_a_thread, fds) == 0);
    CHECK(pthread_join(thread, &result) == 0 && result == fds);
    CHECK(pipe2(fds, O_CLOEXEC) == 0);
    CHECK(write(fds[1], "a", 1) == 1 && read(fds[0], &octet, 1) == 1);
    CHECK(open("/dev/null", O_RDWR | O_CLOEXEC) >= 0);
    CHECK(open("/dev/urandom", O_RDONLY | O_CLOEXEC) >= 0);
    CHECK(raise(0) == 0);
    ptn_log(PTN_LOG_DEBUG, "sandbox.works");
}

static void
test_ordinary_work_goes_on(void **state)
{
    (void)state;
    for (unsigned role = PTN_SANDBOX_SUPERVISOR; role <= PTN_SANDBOX_SINGLE;
         role++) {
        run((enum ptn_sandbox_role)role, NULL, act_ordinary);
        assert_string_equal(told(), "");
    }
}

/* --- what none can --- */

static void
act_forbidden_to_all(void)
{
    DENIED(ptrace(PTRACE_TRACEME, 0, NULL, NULL), EPERM);
    DENIED(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0),
           EPERM);
    DENIED(syscall(SYS_bpf, 0, NULL, 0), EPERM);
    DENIED(syscall(SYS_keyctl, 0, 0), EPERM);
    DENIED(syscall(SYS_unshare, 0), EPERM);
    CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

static void
test_some_calls_are_closed_to_all(void **state)
{
    (void)state;
    if (!FILTERED)
        skip();
    for (unsigned role = PTN_SANDBOX_SUPERVISOR; role <= PTN_SANDBOX_SINGLE;
         role++) {
        const char *text;

        run((enum ptn_sandbox_role)role, NULL, act_forbidden_to_all);
        text = told();
        assert_non_null(strstr(text, " process=child tried=ptrace f0="));
        assert_non_null(strstr(text, " tried=bpf "));
        assert_non_null(strstr(text, " tried=keyctl "));
    }
}

static void
act_forbidden_to_children(void)
{
    char *words[] = {NULL};
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    DENIED(execve("/bin/true", words, words), EPERM);
    DENIED(fork(), EPERM);
    DENIED(socket(AF_INET, SOCK_STREAM, 0), EPERM);
    DENIED(socket(AF_UNIX, SOCK_DGRAM, 0), EPERM);
    DENIED(kill(getppid(), SIGTERM), EPERM);
    DENIED(kill(1, 0), EPERM);
    DENIED(fcntl(STDERR_FILENO, F_SETOWN, getppid()), EPERM); /* SIGIO */
    CHECK(fcntl(STDERR_FILENO, F_SETFL, fcntl(STDERR_FILENO, F_GETFL)) == 0);
    DENIED(mprotect(page, 4096, PROT_READ | PROT_EXEC), EPERM);
    DENIED(setuid(0), EPERM);
    DENIED(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), EPERM);
    DENIED((int)syscall(SYS_io_uring_setup, 1, NULL), ENOSYS);
    CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
}

static void
test_children_have_no_way_out(void **state)
{
    (void)state;
    if (!FILTERED)
        skip();
    for (unsigned role = PTN_SANDBOX_CHECKER; role <= PTN_SANDBOX_WORKER;
         role++) {
        const char *text;

        run((enum ptn_sandbox_role)role, NULL, act_forbidden_to_children);
        text = told();
        assert_non_null(strstr(text, " tried=execve path=/bin/true f0="));
        assert_non_null(strstr(text, " tried=\"socket inet\" "));
        assert_non_null(strstr(text, " act_forbidden_to_children\""));
        assert_null(strstr(text, "io_uring"));
    }
}

/* --- files --- */

static void
act_open_outside(void)
{
    DENIED(open(outside, O_RDONLY | O_CLOEXEC), EACCES);
    DENIED(open(outside, O_WRONLY | O_CLOEXEC), EACCES);
    DENIED(unlink(outside), EACCES);
    DENIED(mkdir("/tmp/postern-sandbox-none", 0700), EACCES);
    DENIED(open("/nonexistent", O_RDONLY | O_CLOEXEC), ENOENT);
    DENIED(open((const char *)8, O_RDONLY | O_CLOEXEC), EFAULT);
}

static void
test_files_outside_are_closed(void **state)
{
    static const enum ptn_sandbox_role roles[] = {
        PTN_SANDBOX_CHECKER, PTN_SANDBOX_WARDEN, PTN_SANDBOX_WORKER};
    char expected[128];

    (void)state;
    if (!has_landlock())
        skip();
    snprintf(expected, sizeof expected, " tried=openat path=%s f0=", outside);
    for (size_t i = 0; i < PTN_COUNT(roles); i++) {
        run(roles[i], NULL, act_open_outside);
        assert_int_equal(strstr(told(), expected) != NULL, FILTERED);
    }
    run(PTN_SANDBOX_SINGLE, NULL, act_open_outside);
    (void)told();
}

static void
act_use_certificates(void)
{
    char path[128];

    snprintf(path, sizeof path, "%s/certs/a", state_folder);
    CHECK(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) >= 0);
    CHECK(unlink(path) == 0);
}

static void
act_miss_certificates(void)
{
    char path[128];

    snprintf(path, sizeof path, "%s/certs", state_folder);
    DENIED(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), EACCES);
}

/* TOP/here/now -> one, and later -> two, as tools for certificates and for
 * releases do it. */
static void
act_swap_links(void)
{
    char path[128];

    snprintf(path, sizeof path, "%s/here/two/a.crt", top);
    CHECK(open(path, O_RDONLY | O_CLOEXEC) >= 0);
    snprintf(path, sizeof path, "%s/here/now/a.crt", top);
    CHECK(open(path, O_RDONLY | O_CLOEXEC) >= 0);
    DENIED(open(outside, O_RDONLY | O_CLOEXEC), EACCES);
}

static void
test_links_to_certificates_may_be_swapped(void **state)
{
    char command[512], path[96];
    struct ptn_cert_conf certificate = {.name = "a", .cert_file = path};

    (void)state;
    if (!has_landlock())
        skip();
    snprintf(path, sizeof path, "%s/here/now/a.crt", top);
    snprintf(command, sizeof command,
             "cd %s && mkdir -p here/one here/two && ln -s one here/now && "
             "touch here/one/a.crt here/two/a.crt",
             top);
    assert_int_equal(system(command), 0);
    conf.certs = &certificate;
    conf.cert_count = 1;
    run(PTN_SANDBOX_WARDEN, NULL, act_swap_links);
    conf.cert_count = 0;
    (void)told();
}

static void
test_certificates_are_for_the_warden(void **state)
{
    (void)state;
    if (!has_landlock())
        skip();
    run(PTN_SANDBOX_WARDEN, NULL, act_use_certificates);
    assert_string_equal(told(), "");
    run(PTN_SANDBOX_SINGLE, NULL, act_use_certificates);
    (void)told();
    run(PTN_SANDBOX_WORKER, NULL, act_miss_certificates);
    (void)told();
    run(PTN_SANDBOX_CHECKER, NULL, act_miss_certificates);
    (void)told();
}

static void
act_open_all(void)
{
    CHECK(open(outside, O_RDWR | O_CLOEXEC) >= 0);
    CHECK(open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0);
}

static void
test_the_supervisor_keeps_its_files(void **state)
{
    (void)state;
    run(PTN_SANDBOX_SUPERVISOR, NULL, act_open_all);
    assert_string_equal(told(), "");
}

/* --- reports --- */

static void
act_insist(void)
{
    for (int i = 0; i < 500; i++)
        DENIED(chmod(outside, 0777), EPERM);
    DENIED(chmod((const char *)8, 0777), EPERM); /* not looked at */
}

static void
test_who_insists_is_not_told_of_for_ever(void **state)
{
    const char *text;
    size_t lines = 0;

    (void)state;
    if (!FILTERED)
        skip();
    run(PTN_SANDBOX_WORKER, NULL, act_insist);
    text = told();
    for (; (text = strstr(text, "sandbox.denied")); text++)
        lines++;
    assert_in_range(lines, 1, 32);
}

/* --- less than all of it --- */

static void
act_nothing_is_closed(void)
{
    act_open_all();
    CHECK(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0);
    CHECK(chmod(outside, 0644) == 0);
}

static void
set_inherited(void)
{
    setenv(PTN_SANDBOX_VARIABLE, PTN_SANDBOX_INHERITED, 1);
}

static void
act_inherited(void)
{
    CHECK(ptn_sandbox_is_inherited());
    act_nothing_is_closed(); /* here, there was nothing to inherit */
}

static void
test_a_successor_adds_none(void **state)
{
    (void)state;
    run(PTN_SANDBOX_SUPERVISOR, set_inherited, act_inherited);
    (void)told();
    run(PTN_SANDBOX_SINGLE, set_inherited, act_inherited);
    (void)told();
    if (!has_landlock())
        return;
    run(PTN_SANDBOX_WORKER, set_inherited, act_miss_certificates);
    (void)told(); /* its children do */
}

static void
test_off_is_off(void **state)
{
    (void)state;
    conf.server.sandbox = PTN_SANDBOX_OFF;
    run(PTN_SANDBOX_WORKER, NULL, act_nothing_is_closed);
    conf.server.sandbox = PTN_SANDBOX_ON;
    assert_string_equal(told(), "");
}

/* One system call answers with an error from here on. */
static void
play_older_kernel(int number, unsigned error)
{
    struct sock_filter lines[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {PTN_COUNT(lines), lines};

    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static void
without_landlock(void)
{
    play_older_kernel(SYS_landlock_create_ruleset, ENOSYS);
}

static void
without_seccomp(void)
{
    play_older_kernel(SYS_seccomp, EINVAL);
}

static bool
own_state_has(const char *what)
{
    struct ptn_buf state = PTN_BUF_INIT;
    bool found;

    ptn_sandbox_write_own(&state);
    found = strstr(ptn_buf_cstr(&state), what) != NULL;
    ptn_buf_free(&state);
    return found;
}

static void
act_without_landlock(void)
{
    CHECK(own_state_has("\tlandlock=off\tabi=0\tlandlock_note="));
    CHECK(open(outside, O_RDONLY | O_CLOEXEC) >= 0);
    if (FILTERED)
        DENIED(socket(AF_INET, SOCK_DGRAM, 0), EPERM);
}

static void
act_without_seccomp(void)
{
    CHECK(own_state_has("\tseccomp=off\trules=0\tseccomp_note="));
    CHECK(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0);
    if (own_state_has("\tlandlock=on\t"))
        DENIED(open(outside, O_RDONLY | O_CLOEXEC), EACCES);
}

static void
test_kernels_without_the_means(void **state)
{
    (void)state;
    run(PTN_SANDBOX_WORKER, without_landlock, act_without_landlock);
    (void)told();
    run(PTN_SANDBOX_WORKER, without_seccomp, act_without_seccomp);
    (void)told();
}

/* --- the state as records --- */

static void
act_nothing(void)
{
}

static void
test_states_end_with_their_processes(void **state)
{
    struct ptn_buf text = PTN_BUF_INIT;

    (void)state;
    run(PTN_SANDBOX_WORKER, NULL, act_nothing);
    ptn_reports_take(reports);
    ptn_reports_write(reports, &text); /* the child is gone */
    assert_int_equal(text.len, 0);
    ptn_reports_free(reports);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ordinary_work_goes_on),
        cmocka_unit_test(test_some_calls_are_closed_to_all),
        cmocka_unit_test(test_children_have_no_way_out),
        cmocka_unit_test(test_files_outside_are_closed),
        cmocka_unit_test(test_certificates_are_for_the_warden),
        cmocka_unit_test(test_links_to_certificates_may_be_swapped),
        cmocka_unit_test(test_the_supervisor_keeps_its_files),
        cmocka_unit_test(test_who_insists_is_not_told_of_for_ever),
        cmocka_unit_test(test_a_successor_adds_none),
        cmocka_unit_test(test_off_is_off),
        cmocka_unit_test(test_kernels_without_the_means),
        cmocka_unit_test(test_states_end_with_their_processes),
    };

    return cmocka_run_group_tests(tests, group_begin, group_end);
}
