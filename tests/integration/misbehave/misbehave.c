/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A protocol that does on command what no module should do. It is built by
 * `make check` for the tests, and never installed.
 *
 *     C: crash                (and abort, hang, spin, leak: no answer to most)
 *     C: read /etc/passwd     S: +OK 0        what an act that succeeded says
 *     C: exec /bin/true       S: -ERR 13 Permission denied
 *
 * `later ACT` does the same on a thread of the disk lane.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <postern/buf.h>
#include <postern/errand.h>
#include <postern/job.h>
#include <postern/log.h>
#include <postern/module.h>
#include <postern/protocol.h>
#include <postern/session.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LEAK_STEP = 1 << 20,
    PATH_LONGEST = 256,
};

struct misbehave {
    struct ptn_job job;
    int (*act)(const char *argument);
    char argument[PATH_LONGEST];
    int result; /* errno, or 0 */
};

/* --- what ends the process --- */

/* No checker is to be faster than the processor. */
__attribute__((no_sanitize("undefined"))) static int
misbehave_crash(const char *argument)
{
    static volatile int *volatile nowhere;

    (void)argument;
    *nowhere = 1;
    return 0;
}

static int
misbehave_abort(const char *argument)
{
    (void)argument;
    abort();
}

/* Deeper and deeper; no compiler knows that it never returns. */
static int
misbehave_overflow(const char *argument)
{
    static int (*volatile again)(const char *) = misbehave_overflow;
    volatile char room[4096];

    room[0] = argument[0];
    return again(argument) + room[0];
}

static int
misbehave_hang(const char *argument)
{
    static volatile int always = 1;

    (void)argument;
    while (always)
        pause();
    return 0;
}

static int
misbehave_spin(const char *argument)
{
    static volatile int always = 1;

    (void)argument;
    while (always)
        ;
    return 0;
}

/* Takes memory and uses it, until there is none. */
static int
misbehave_leak(const char *argument)
{
    static volatile int always = 1;

    (void)argument;
    while (always) {
        char *more = malloc(LEAK_STEP);

        if (!more)
            abort();
        for (size_t i = 0; i < LEAK_STEP; i += 1024)
            ((volatile char *)more)[i] = 1;
    }
    return 0;
}

/* --- what is none of a module's business --- */

static int
misbehave_end_child(pid_t child)
{
    int status;

    if (child < 0)
        return -1;
    if (waitpid(child, &status, 0) != child)
        return -1;
    errno = EACCES;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static int
misbehave_fork(const char *argument)
{
    pid_t child = fork();

    (void)argument;
    if (child == 0)
        _exit(0);
    return misbehave_end_child(child);
}

/* In a child of its own, if it can get one; else right here, where success
 * would be the end of the server. */
static int
misbehave_exec(const char *path)
{
    char *const words[] = {(char *)(uintptr_t)path, NULL};
    pid_t child = fork();

    if (child <= 0) {
        execve(path, words, NULL);
        if (child == 0)
            _exit(126);
        return -1;
    }
    return misbehave_end_child(child);
}

static int
misbehave_opened(int fd)
{
    return fd < 0 ? -1 : close(fd);
}

static int
misbehave_read(const char *path)
{
    return misbehave_opened(open(path, O_RDONLY | O_CLOEXEC));
}

static int
misbehave_write(const char *path)
{
    return misbehave_opened(
        open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
}

static int
misbehave_remove(const char *path)
{
    return unlink(path);
}

static int
misbehave_mkdir(const char *path)
{
    return mkdir(path, 0700);
}

static int
misbehave_chmod(const char *path)
{
    return chmod(path, 0666);
}

static int
misbehave_dial(int type, const char *port)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), result;

    if (fd < 0)
        return -1;
    to.sin_port = htons((uint16_t)atoi(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    result = connect(fd, (struct sockaddr *)&to, sizeof to);
    if (result == 0 && type == SOCK_DGRAM)
        result = send(fd, "hello", 5, 0) == 5 ? 0 : -1;
    return misbehave_opened(fd) == 0 ? result : -1;
}

static int
misbehave_tcp(const char *port)
{
    return misbehave_dial(SOCK_STREAM, port);
}

static int
misbehave_udp(const char *port)
{
    return misbehave_dial(SOCK_DGRAM, port);
}

static int
misbehave_raw(const char *argument)
{
    (void)argument;
    return misbehave_opened(
        socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
}

static int
misbehave_ptrace(const char *argument)
{
    (void)argument;
    return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int
misbehave_kill_parent(const char *argument)
{
    (void)argument;
    return kill(getppid(), 0);
}

static int
misbehave_make_executable(const char *argument)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int result;

    (void)argument;
    if (page == MAP_FAILED)
        return -1;
    result = mprotect(page, size, PROT_READ | PROT_EXEC);
    return munmap(page, size) == 0 ? result : -1;
}

/* --- the protocol --- */

static const struct misbehave_word {
    const char *word;
    int (*act)(const char *argument); /* -1 with errno, or 0 */
} misbehave_words[] = {
    {"crash", misbehave_crash},
    {"abort", misbehave_abort},
    {"overflow", misbehave_overflow},
    {"hang", misbehave_hang},
    {"spin", misbehave_spin},
    {"leak", misbehave_leak},
    {"fork", misbehave_fork},
    {"exec", misbehave_exec},
    {"read", misbehave_read},
    {"write", misbehave_write},
    {"remove", misbehave_remove},
    {"mkdir", misbehave_mkdir},
    {"chmod", misbehave_chmod},
    {"tcp", misbehave_tcp},
    {"udp", misbehave_udp},
    {"raw", misbehave_raw},
    {"ptrace", misbehave_ptrace},
    {"kill", misbehave_kill_parent},
    {"mprotect", misbehave_make_executable},
};

static void
misbehave_answer(struct ptn_session *s, int result)
{
    if (result == 0)
        ptn_session_write(s, PTN_SLICE("+OK\r\n"));
    else
        ptn_session_printf(s, "-ERR %d\r\n", result);
}

static void
misbehave_try(struct misbehave *state)
{
    errno = 0;
    state->result = state->act(state->argument) == 0 ? 0 : errno;
}

static enum ptn_result
misbehave_open(struct ptn_session *s)
{
    ptn_session_printf(s, "+OK worker %u\r\n",
                       ptn_host_worker(ptn_session_host(s)));
    return PTN_DONE;
}

static bool
misbehave_parse(struct misbehave *state, struct ptn_slice line)
{
    const char *space = line.len > 0 ? memchr(line.data, ' ', line.len) : NULL;
    size_t len = space ? (size_t)(space - line.data) : line.len;
    struct ptn_slice rest = ptn_slice_sub(line, space ? len + 1 : len,
                                          line.len - (space ? len + 1 : len));

    if (rest.len >= sizeof state->argument)
        return false;
    if (rest.len > 0)
        memcpy(state->argument, rest.data, rest.len);
    state->argument[rest.len] = '\0';
    for (size_t i = 0; i < PTN_COUNT(misbehave_words); i++) {
        const char *word = misbehave_words[i].word;

        state->act = misbehave_words[i].act;
        if (len == strlen(word) && memcmp(word, line.data, len) == 0)
            return true;
    }
    return false;
}

static void
misbehave_run(struct ptn_job *job)
{
    misbehave_try((struct misbehave *)job);
}

static enum ptn_result
misbehave_done(struct ptn_session *s, struct ptn_job *job)
{
    if (!job->cancelled)
        misbehave_answer(s, ((struct misbehave *)job)->result);
    return PTN_DONE;
}

static enum ptn_result
misbehave_later(struct ptn_session *s, struct misbehave *state)
{
    state->job = (struct ptn_job){.run = misbehave_run, .done = misbehave_done};
    if (ptn_session_run(s, PTN_LANE_DISK, &state->job) == 0)
        return PTN_PENDING;
    misbehave_answer(s, EAGAIN);
    return PTN_DONE;
}

static enum ptn_result
misbehave_line(struct ptn_session *s, struct ptn_slice line)
{
    struct misbehave *state = ptn_session_state(s);
    bool later = line.len > 6 && memcmp(line.data, "later ", 6) == 0;

    if (later)
        line = ptn_slice_sub(line, 6, line.len - 6);
    if (!misbehave_parse(state, line)) {
        ptn_session_write(s, PTN_SLICE("+OK nothing done\r\n"));
        return PTN_DONE;
    }
    if (later)
        return misbehave_later(s, state);
    misbehave_try(state);
    misbehave_answer(s, state->result);
    return PTN_DONE;
}

static enum ptn_result
misbehave_event(struct ptn_session *s, enum ptn_event event)
{
    (void)s;
    (void)event;
    return PTN_CLOSE;
}

static const struct ptn_protocol misbehave_protocol = {
    .size = sizeof misbehave_protocol,
    .name = "misbehave",
    .state_size = sizeof(struct misbehave),
    .open = misbehave_open,
    .line = misbehave_line,
    .event = misbehave_event,
};

/* --- as an errand --- */

/* It shows a proof that no authority has asked for, and takes its time. */
static int
misbehave_show(void *host, const struct ptn_errand_wish *wish, int64_t *next,
               struct ptn_error *err)
{
    const struct ptn_errand_certificate *certificate =
        ptn_errand_certificate(host, "misbehave", 0);
    struct ptn_errand_proof proof = {
        .size = sizeof proof,
        .type = PTN_ERRAND_TLS_ALPN,
        .token = "token",
        .text = "token.key",
        /* its SHA-256 */
        .digest = "BBQUgcxf5weD7GT5jGRqmNsvAZXUWBoqPngIzDdoBFs",
    };

    (void)wish;
    *next = 0;
    proof.name = certificate->names.items[0];
    if (ptn_errand_show(host, &proof, err) != 0)
        return -1;
    ptn_log(PTN_LOG_INFO, "misbehave.shows", PTN_FS("name", proof.name));
    sleep(15);
    ptn_errand_hide(host, &proof);
    ptn_log(PTN_LOG_INFO, "misbehave.hides", PTN_FS("name", proof.name));
    return 0;
}

static const struct ptn_errand misbehave_errand = {
    .size = sizeof misbehave_errand,
    .name = "misbehave",
    .run = misbehave_show,
};

/* --- as a module --- */

enum misbehave_start {
    MISBEHAVE_WELL,
    MISBEHAVE_FAIL,
    MISBEHAVE_CRASH,
};

struct misbehave_options {
    int start;
};

static const char *const misbehave_starts[] = {"well", "fail", "crash", NULL};

static const struct ptn_option misbehave_rows[] = {
    PTN_OPTION(struct misbehave_options, start, .type = PTN_OPT_CHOICE,
               .preset = "well", .choices = misbehave_starts,
               .doc = "what happens when a worker starts"),
    PTN_OPTION_END,
};

static int
misbehave_init(struct ptn_host *host, const void *options, void **instance,
               struct ptn_error *err)
{
    (void)err;
    *instance = (void *)options;
    ptn_host_provide(host, PTN_PROTOCOL_CONTRACT, PTN_PROTOCOL_VERSION,
                     &misbehave_protocol, NULL);
    ptn_host_provide(host, PTN_ERRAND_CONTRACT, PTN_ERRAND_VERSION,
                     &misbehave_errand, host);
    return 0;
}

static int
misbehave_start(void *instance, struct ptn_error *err)
{
    const struct misbehave_options *options = instance;

    if (options->start == MISBEHAVE_CRASH)
        misbehave_crash("");
    if (options->start == MISBEHAVE_FAIL)
        return ptn_error_set(err, PTN_ERR_MODULE, "it does not want to");
    return 0;
}

PTN_API extern const struct ptn_module misbehave_LTX_postern_module;

const struct ptn_module misbehave_LTX_postern_module = {
    PTN_MODULE_HEAD,
    .name = "misbehave",
    .version = "1.0",
    .license = "LGPL-2.1-or-later",
    .doc = "does what no module should do",
    .provides =
        (const struct ptn_contract[]){
            {PTN_PROTOCOL_CONTRACT, PTN_PROTOCOL_VERSION},
            {PTN_ERRAND_CONTRACT, PTN_ERRAND_VERSION},
            {NULL, 0}},
    .options = misbehave_rows,
    .options_size = sizeof(struct misbehave_options),
    .init = misbehave_init,
    .start = misbehave_start,
};
