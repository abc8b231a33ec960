/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From the fork to the end of a warden. The main thread has a loop with the
 * supervisor's channel and whatever takes time on its lanes; each worker has
 * a thread of its own that signs (warden/desk.c).
 *
 *   become its user -> modules -> keys are made and read -> READY -> serves
 */
#include "proc/ward.h"
#include "auth/desk.h"
#include "base/clock.h"
#include "log/log.h"
#include "proc/begin.h"
#include "proc/child.h"
#include "proc/command.h"
#include "proc/crash.h"
#include "proc/heir.h"
#include "proc/ledger.h"
#include "proc/logs.h"
#include "proc/plan.h"
#include "proc/privileges.h"
#include "proc/reading.h"
#include "proc/sandbox.h"
#include "proc/server.h"
#include "proc/setup.h"
#include "proc/warden.h"
#include "warden/desk.h"
#include "warden/errand_desk.h"
#include <errno.h>
#include <poll.h>
#include <postern/log.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    PRUNE_MS = 60000,  /* how often replaced keys are looked at */
    RETIRED_MS = 1000, /* how often a retired one looks for its end */
};

struct warden {
    const struct ptn_ward *ward;
    struct ptn_setup setup;
    struct ptn_loop *loop;
    struct ptn_fd_watch *channel;
    struct ptn_desks desks;
    struct ptn_errand_office office;
    struct ptn_engine *engine; /* NULL: there are no accounts */
    struct ptn_alarm *prune, *retired;
    struct ptn_reading *reading; /* NULL: nobody needs a key */
    unsigned commands;           /* for passphrases, that are not through */
    bool ready;                  /* and the supervisor knows */
    struct ptn_buf early;        /* struct early, from before that */
};

/* A worker that came before all keys were there. */
struct early {
    char *group;
    int fds[PTN_CHANNELS];
};

/* The output of a passphrase_command. */
struct saying {
    struct ptn_job job;
    struct warden *w;
    char *name;
    int ends[PTN_CHANNELS];
    size_t len;
    char secret[PTN_TLS_PASSPHRASE_MAX];
};

/* --- the supervisor --- */

/* The supervisor never waits for us, so waiting for it is safe; the loop has
 * made the descriptor non-blocking. */
static void
tell(const struct warden *w, enum ptn_warden_message type,
     struct ptn_slice text)
{
    char first = (char)type;
    struct iovec parts[2] = {{&first, 1}, {(void *)text.data, text.len}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    struct pollfd writable = {w->ward->channel, POLLOUT, 0};

    while (sendmsg(w->ward->channel, &message, MSG_NOSIGNAL) < 0) {
        if (errno == EAGAIN) {
            (void)poll(&writable, 1, -1);
        } else if (errno != EINTR) {
            ptn_log(PTN_LOG_WARNING, "warden.supervisor-not-told",
                    PTN_FS("error", strerror(errno)));
            return;
        }
    }
}

/* --- what is known of certificates --- */

struct news {
    const struct warden *w;
    struct ptn_buf text;
};

static void
tell_part(struct news *n)
{
    if (n->text.len > 0)
        tell(n->w, PTN_WARDEN_NEWS, ptn_buf_slice(&n->text));
    n->text.len = 0;
}

static void
add_word(void *arg, const struct ptn_keys_word *word)
{
    struct news *n = arg;
    struct ptn_buf line = PTN_BUF_INIT;

    ptn_ledger_write_word(word, &line);
    if (n->text.len + line.len > PTN_WARDEN_MESSAGE_MAX - 1)
        tell_part(n);
    ptn_buf_addslice(&n->text, ptn_buf_slice(&line));
    ptn_buf_free(&line);
}

/* The news, and how many were refused. */
static void
tell_news(const struct warden *w, enum ptn_warden_message type, bool all)
{
    struct ptn_keys *keys = w->setup.keys;
    struct news n = {w, PTN_BUF_INIT};
    char counts[48];
    size_t count = 0;

    if (keys)
        count = ptn_keys_each_news(keys, all, add_word, &n);
    tell_part(&n);
    ptn_buf_free(&n.text);
    if (count == 0 && type == PTN_WARDEN_CHANGED)
        return;
    snprintf(counts, sizeof counts, "%u %llu",
             keys ? ptn_keys_refused(keys) : 0,
             keys ? (unsigned long long)ptn_keys_round(keys) : 0);
    tell(w, type, ptn_slice_of(counts));
}

/* --- passphrases --- */

static void
tell_verdict(void *arg, unsigned tag, enum ptn_keys_verdict verdict,
             const char *text)
{
    char message[PTN_ERROR_TEXT_MAX + 32];

    if (tag == 0)
        return; /* nobody waits for it */
    snprintf(message, sizeof message, "%u %d %s", tag, (int)verdict, text);
    tell(arg, PTN_WARDEN_VERDICT, ptn_slice_of(message));
}

/* The supervisor runs what may say a passphrase: we cannot. */
static void
ask_commands(struct warden *w)
{
    const struct ptn_cert_conf *conf;

    while (w->setup.keys && (conf = ptn_keys_next_command(w->setup.keys))) {
        w->commands++;
        tell(w, PTN_WARDEN_COMMAND, ptn_slice_of(conf->name));
    }
}

/* "TAG NAME", an octet of zero, the passphrase. */
static void
take_passphrase(struct warden *w, struct ptn_slice message)
{
    const char *zero = memchr(message.data, '\0', message.len);
    char *name;
    unsigned tag;

    if (!zero)
        return;
    tag = (unsigned)strtoul(message.data, &name, 10);
    message = ptn_slice_sub(message, (size_t)(zero + 1 - message.data),
                            message.len - (size_t)(zero + 1 - message.data));
    if (!w->setup.keys) {
        tell_verdict(w, tag, PTN_KEYS_FAILED, "no listener has TLS");
    } else if (*name == ' ' && message.len <= PTN_TLS_PASSPHRASE_MAX) {
        ptn_keys_offer(w->setup.keys, name + 1, message, tag);
        ptn_reading_go(w->reading);
    }
}

static void
listen_to(struct ptn_job *job)
{
    struct saying *s = PTN_CONTAINER(job, struct saying, job);

    s->len = ptn_command_read(s->name, s->ends, s->secret);
}

static void get_ready(struct warden *w);

static enum ptn_result
heard(struct ptn_session *session, struct ptn_job *job)
{
    struct saying *s = PTN_CONTAINER(job, struct saying, job);
    struct warden *w = s->w;

    (void)session;
    w->commands--;
    if (s->len > 0)
        ptn_keys_offer(w->setup.keys, s->name,
                       (struct ptn_slice){s->secret, s->len}, 0);
    else
        (void)ptn_keys_mark_named(w->setup.keys, s->name);
    ptn_reading_go(w->reading); /* and get_ready, when that is through */
    ptn_wipe(s->secret, sizeof s->secret);
    ptn_free(s->name);
    ptn_free(s);
    return PTN_DONE;
}

/* On a lane: it may take its time. */
static void
hear_command(struct warden *w, const char *name, int ends[PTN_CHANNELS])
{
    struct saying *s = ptn_alloc(sizeof *s);

    s->w = w;
    s->name = ptn_strdup(name);
    s->job = (struct ptn_job){.run = listen_to, .done = heard};
    memcpy(s->ends, ends, sizeof s->ends);
    if (ends[0] >= 0 && ptn_loop_submit(w->loop, PTN_LANE_SLOW, &s->job) == 0)
        return;
    ptn_channels_close(ends);
    (void)heard(NULL, &s->job);
}

/* --- reading again --- */

static void
keys_read(void *arg, bool asked)
{
    struct warden *w = arg;

    ptn_keys_each_verdict(w->setup.keys, tell_verdict, w);
    ask_commands(w);
    if (w->ready)
        tell_news(w, asked ? PTN_WARDEN_RELOADED : PTN_WARDEN_CHANGED, false);
    else
        get_ready(w);
    ptn_alarm_set(w->prune, PRUNE_MS);
}

static void
begin_reload(struct warden *w)
{
    if (w->reading)
        ptn_reading_ask(w->reading);
    else
        tell_news(w, PTN_WARDEN_RELOADED, false);
}

/* What the supervisor has found out about one that was new. */
static void
take_verdict(struct warden *w, enum ptn_warden_message type,
             struct ptn_slice record)
{
    char name[PTN_LEDGER_NAME], fingerprint[PTN_LEDGER_FINGERPRINT];

    if (!w->setup.keys || !ptn_record_get(record, "name", name, sizeof name) ||
        !ptn_record_get(record, "fingerprint", fingerprint, sizeof fingerprint))
        return;
    if (type == PTN_WARDEN_CONFIRM)
        ptn_keys_confirm(w->setup.keys, name, fingerprint);
    else if (w->reading)
        ptn_reading_restore(w->reading, name, fingerprint);
    ptn_alarm_set(w->prune, PRUNE_MS);
}

static void
on_prune(void *arg)
{
    struct warden *w = arg;

    if (w->setup.keys && ptn_keys_prune(w->setup.keys, ptn_clock_ms()) > 0)
        ptn_alarm_set(w->prune, PRUNE_MS);
}

/* --- workers --- */

static void
take_channels(struct warden *w, const char *group, const int fds[PTN_CHANNELS])
{
    struct ptn_error err = PTN_ERROR_INIT;

    if (fds[PTN_CHANNEL_SIGN] < 0) /* no descriptor was free here */
        return;
    if (!w->engine)
        close(fds[PTN_CHANNEL_AUTH]);
    else if (ptn_auth_desk_open(w->engine, fds[PTN_CHANNEL_AUTH]) != 0)
        ptn_log(PTN_LOG_ERROR, "warden.channel-not-served",
                PTN_FS("error", strerror(errno)));
    if (!w->setup.keys)
        close(fds[PTN_CHANNEL_SIGN]); /* nobody has anything to sign */
    else if (ptn_desk_open(&w->desks, fds[PTN_CHANNEL_SIGN], group, &err) != 0)
        ptn_log_error(PTN_LOG_ERROR, "warden.channel-not-served", &err);
}

static void
get_channels(struct warden *w, const char *group, const int fds[PTN_CHANNELS])
{
    struct early early = {.group = NULL};

    if (w->ready) {
        take_channels(w, group, fds);
        return;
    }
    early.group = ptn_strdup(group);
    memcpy(early.fds, fds, sizeof early.fds);
    ptn_buf_add(&w->early, &early, sizeof early);
}

/* Once, when no passphrase is waited for any more: whoever asks for a chain
 * from here on learns what there is. */
static void
get_ready(struct warden *w)
{
    struct early early;

    if (w->ready || w->commands > 0)
        return;
    w->ready = true;
    for (size_t at = 0; at < w->early.len; at += sizeof early) {
        memcpy(&early, w->early.data + at, sizeof early);
        take_channels(w, early.group, early.fds);
        ptn_free(early.group);
    }
    ptn_buf_free(&w->early);
    tell_news(w, PTN_WARDEN_READY, true);
}

static void
meet_envoy(struct warden *w, int ends[PTN_CHANNELS])
{
    struct ptn_error err = PTN_ERROR_INIT;
    int fd = dup(ends[0]);

    ptn_channels_close(ends);
    if (fd >= 0 && ptn_errand_desk_open(&w->office, fd, &err) != 0)
        ptn_log_error(PTN_LOG_ERROR, "warden.envoy-not-served", &err);
}

static void
on_retired(void *arg)
{
    struct warden *w = arg;

    if (atomic_load(&w->desks.open) == 0)
        ptn_loop_stop(w->loop);
    else
        ptn_alarm_set(w->retired, RETIRED_MS);
}

/* What it has is what its workers have, and does not change any more. */
static void
retire(struct warden *w)
{
    ptn_reading_free(w->reading);
    w->reading = NULL;
    on_retired(w);
}

static void
on_message(void *arg)
{
    struct warden *w = arg;
    int ends[PTN_CHANNELS];
    char message[PTN_WARDEN_MESSAGE_MAX] = "", type;
    ssize_t n = ptn_channels_receive(w->ward->channel, message,
                                     sizeof message - 1, ends);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) /* the supervisor is gone */
        _exit(PTN_EXIT_FAILED);
    type = message[0];
    if (type == PTN_WARDEN_CHANNELS)
        get_channels(w, message + 1, ends);
    else if (type == PTN_WARDEN_LOG)
        ptn_logs_take(ends);
    else if (type == PTN_WARDEN_ENVOY)
        meet_envoy(w, ends);
    else if (type == PTN_WARDEN_RELOAD)
        begin_reload(w);
    else if (type == PTN_WARDEN_PING)
        tell(w, PTN_WARDEN_PING, PTN_SLICE(""));
    else if (type == PTN_WARDEN_CONFIRM || type == PTN_WARDEN_RESTORE)
        take_verdict(w, (enum ptn_warden_message)type,
                     (struct ptn_slice){message + 1, (size_t)n - 1});
    else if (type == PTN_WARDEN_UNLOCK)
        take_passphrase(w, (struct ptn_slice){message + 1, (size_t)n - 1});
    else if (type == PTN_WARDEN_COMMAND)
        hear_command(w, message + 1, ends);
    else if (type == PTN_WARDEN_RETIRE)
        retire(w);
    ptn_wipe(message, (size_t)n);
}

/* --- from beginning to end --- */

/* Where root starts us, memory is ours to lock, all of it: libraries copy
 * keys about. Elsewhere the limit is a few megabytes, and only what
 * warden/secret.c holds is locked. */
static void
allow_locking(void)
{
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};

    (void)setrlimit(RLIMIT_MEMLOCK, &all);
}

static void
close_memory(void)
{
    struct rlimit none = {0, 0}, limit;

    (void)setrlimit(RLIMIT_CORE, &none);
    /* No core, no ptrace, no /proc/PID/mem for others of this user. */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
        limit.rlim_cur == RLIM_INFINITY)
        (void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

static int
complain(const struct ptn_ward *ward, const struct ptn_error *err)
{
    if (!ward->again)
        return ptn_begin_complain(err);
    ptn_log_error(PTN_LOG_ERROR, "warden.not-started", err);
    return PTN_EXIT_FAILED;
}

static void
log_ready(const struct warden *w)
{
    const struct ptn_keys *keys = w->setup.keys;

    if (!ptn_escrow_is_shared(w->setup.escrow))
        ptn_log(PTN_LOG_WARNING, "warden.passphrases-not-kept",
                PTN_FS("hint", "a key that is unlocked by hand is locked "
                               "again when this process is replaced"));
    if (keys && ptn_keys_unlocked(keys))
        ptn_log(PTN_LOG_WARNING, "warden.memory-not-locked",
                PTN_FS("hint", "keys may reach the swap; allow more locked "
                               "memory (RLIMIT_MEMLOCK, LimitMEMLOCK=)"));
}

static int
serve(struct warden *w, struct ptn_error *err)
{
    struct ptn_modules_place place = {w->loop, 0, 1};

    if (ptn_modules_start(w->setup.modules, &place, err) != 0)
        return -1;
    w->desks.keys = w->setup.keys;
    w->office = ptn_setup_office(&w->setup);
    w->engine = ptn_engine_of(w->setup.modules, w->setup.conf, w->loop);
    w->prune = ptn_alarm_new(w->loop, on_prune, w);
    w->retired = ptn_alarm_new(w->loop, on_retired, w);
    w->channel = ptn_loop_watch_fd(w->loop, w->ward->channel, on_message, w);
    log_ready(w);
    ptn_heir_forget(); /* from here on that is the supervisor's business */
    if (w->setup.keys)
        w->reading = ptn_reading_new(w->loop, w->setup.keys, keys_read, w);
    ask_commands(w);
    get_ready(w);
    ptn_loop_run(w->loop);
    ptn_reading_free(w->reading);
    ptn_engine_free(w->engine);
    ptn_modules_stop(w->setup.modules);
    return 0;
}

static int
begin(struct warden *w, struct ptn_error *err)
{
    const struct ptn_server_conf *server = &w->setup.conf->server;
    struct ptn_loop_params lanes = {(size_t)server->disk_threads,
                                    (size_t)server->slow_threads,
                                    (size_t)server->lane_depth};

    if (ptn_sandbox_confine(w->setup.conf, w->setup.modules, err) != 0)
        return -1;
    (void)ptn_setup_keys(&w->setup, PTN_KEYS_MAKE);
    w->loop = ptn_loop_new(&lanes, err);
    return w->loop ? serve(w, err) : -1;
}

int
ptn_ward_run(const struct ptn_ward *ward)
{
    struct ptn_child child = {.conf = ward->conf,
                              .reports = ward->reports,
                              .supervisor = ward->supervisor,
                              .again = ward->again};
    struct ptn_error err = PTN_ERROR_INIT;
    struct warden w = {.ward = ward};
    struct ptn_escrow *escrow;

    ptn_child_begin(&child, "warden");
    signal(SIGTERM, SIG_IGN); /* to all of a group: sessions still need it */
    allow_locking();
    escrow = ptn_escrow_open(ward->escrow);
    ptn_setup_credentials(ward->conf, escrow);
    if (ptn_privileges_drop(ward->conf->server.warden_user, &err) != 0)
        return complain(ward, &err);
    ptn_child_die_with_parent(&child);
    close_memory();
    if (ptn_sandbox_enter(ward->conf, PTN_SANDBOX_WARDEN, &err) != 0)
        return complain(ward, &err);
    ptn_setup_load(&w.setup, ptn_conf_again(ward->conf, 0), PTN_ROLE_WARDEN,
                   ward->modules);
    w.setup.escrow = escrow;
    ptn_crash_map(w.setup.modules);
    if (ptn_conf_failed(w.setup.conf)) {
        ptn_conf_print_notes(w.setup.conf, stderr);
        return PTN_EXIT_CONFIG;
    }
    if (begin(&w, &err) != 0)
        return complain(ward, &err);
    /* Threads may still be at work: the system takes everything back. */
    return PTN_EXIT_OK;
}
