/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * When to read. The loop's thread; the job alone is on a lane, and while it
 * runs nobody else touches the watch.
 */
#include "proc/reading.h"
#include "base/clock.h"
#include <errno.h>
#include <postern/arena.h>
#include <postern/log.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
    CALM_MS = 200,       /* without another event */
    CALM_MOST_MS = 5000, /* or so long after the first */
    HALF_MS = 4000,      /* that one file of a pair may be older */
    HALF_LOOK_MS = 500,
    POLL_MS = 60000, /* where the kernel tells nothing */
};

/* Waits for the end of the reading under way. */
struct restore {
    struct restore *next;
    char *name, *fingerprint;
};

struct ptn_reading {
    struct ptn_loop *loop;
    struct ptn_keys *keys;
    void (*read)(void *arg, bool asked);
    void *arg;
    struct ptn_watch files;
    bool watching;
    struct ptn_alarm *calm, *poll;
    struct ptn_fd_watch *clock;
    int clock_fd;   /* of the wall clock: the next warning; -1: there is none */
    uint64_t first; /* event that is waited upon; 0: none */
    struct ptn_job job;
    struct restore *restores;
    bool under_way;
    bool all, look;        /* what the job is to do */
    bool ask_again, again; /* what comes after it */
    bool waits;            /* for the other half of a pair */
    bool poll_due, ending;
};

static void begin(struct ptn_reading *r);

/* --- on a lane --- */

static void
read_files(struct ptn_job *job)
{
    struct ptn_reading *r = PTN_CONTAINER(job, struct ptn_reading, job);

    r->waits = false;
    if (r->all)
        (void)ptn_keys_load(r->keys);
    else
        r->waits = ptn_keys_load_marked(r->keys, r->look, HALF_MS);
}

/* --- on the loop --- */

static void
rest(struct ptn_reading *r)
{
    if (r->watching)
        ptn_watch_set(&r->files, PTN_READABLE);
    if (r->ask_again || r->again)
        begin(r);
    else if (r->waits)
        ptn_alarm_set(r->calm, HALF_LOOK_MS);
}

/* Of what expires; and when to look next. Setting the clock wakes us, too. */
static void
warn(struct ptn_reading *r)
{
    int64_t now = ptn_clock_wall_ms() / 1000;
    struct itimerspec when = {
        .it_value = {.tv_sec = now + ptn_keys_warn(r->keys, now) + 1}};

    if (r->clock_fd >= 0 &&
        timerfd_settime(r->clock_fd,
                        TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when,
                        NULL) != 0)
        ptn_log(PTN_LOG_WARNING, "certificate.no-timer",
                PTN_FS("error", strerror(errno)));
}

static void
on_clock(void *arg)
{
    struct ptn_reading *r = arg;
    uint64_t count;
    ssize_t n = read(r->clock_fd, &count, sizeof count);

    (void)n; /* it has gone off, or the clock was set (ECANCELED) */
    if (!r->under_way)
        warn(r);
}

static void
do_restores(struct ptn_reading *r)
{
    struct restore *next;

    for (struct restore *one = r->restores; one; one = next) {
        next = one->next;
        (void)ptn_keys_restore(r->keys, one->name, one->fingerprint);
        ptn_free(one->name);
        ptn_free(one->fingerprint);
        ptn_free(one);
    }
    r->restores = NULL;
}

void
ptn_reading_restore(struct ptn_reading *r, const char *name,
                    const char *fingerprint)
{
    struct restore *one = ptn_alloc(sizeof *one);

    *one = (struct restore){r->restores, ptn_strdup(name),
                            ptn_strdup(fingerprint)};
    r->restores = one;
    if (r->under_way)
        return;
    do_restores(r);
    r->read(r->arg, false);
}

static enum ptn_result
files_read(struct ptn_session *session, struct ptn_job *job)
{
    struct ptn_reading *r = PTN_CONTAINER(job, struct ptn_reading, job);

    (void)session;
    r->under_way = false;
    do_restores(r);
    if (r->ending)
        return PTN_DONE;
    /* What changes while they are read is read once more. */
    r->read(r->arg, r->all && !r->ask_again);
    ptn_keys_watch_warn(r->keys);
    warn(r);
    rest(r);
    return PTN_DONE;
}

static void
begin(struct ptn_reading *r)
{
    if (r->under_way) {
        r->again = true;
        return;
    }
    r->all = r->ask_again;
    r->look = r->poll_due;
    r->ask_again = r->again = r->poll_due = false;
    r->first = 0;
    ptn_alarm_clear(r->calm);
    if (r->watching)
        ptn_watch_set(&r->files, 0);
    r->under_way = true;
    r->job = (struct ptn_job){.run = read_files, .done = files_read};
    if (ptn_loop_submit(r->loop, PTN_LANE_DISK, &r->job) == 0)
        return;
    ptn_log(PTN_LOG_WARNING, "certificate.reading-late",
            PTN_FS("why", "the lane for files is full"));
    r->under_way = false;
    r->ask_again = r->all;
    r->poll_due = r->look;
    ptn_alarm_set(r->calm, HALF_LOOK_MS);
    if (r->watching)
        ptn_watch_set(&r->files, PTN_READABLE);
}

static void
on_calm(void *arg)
{
    begin(arg);
}

/* Each event asks for more patience, within reason. */
static void
settle(struct ptn_reading *r)
{
    uint64_t now = ptn_clock_ms();

    r->first = r->first ? r->first : now;
    ptn_alarm_set(r->calm, now - r->first < CALM_MOST_MS ? CALM_MS : 0);
}

static void
on_files(struct ptn_watch *watch, unsigned readiness)
{
    struct ptn_reading *r = PTN_CONTAINER(watch, struct ptn_reading, files);

    (void)readiness;
    if (ptn_keys_watch_read(r->keys))
        settle(r);
}

static void
on_poll(void *arg)
{
    struct ptn_reading *r = arg;

    r->poll_due = true;
    ptn_alarm_set(r->poll, POLL_MS);
    begin(r);
}

void
ptn_reading_ask(struct ptn_reading *r)
{
    r->ask_again = true;
    begin(r);
}

void
ptn_reading_go(struct ptn_reading *r)
{
    begin(r);
}

struct ptn_reading *
ptn_reading_new(struct ptn_loop *loop, struct ptn_keys *keys,
                void (*read)(void *arg, bool asked), void *arg)
{
    struct ptn_reading *r = ptn_alloc(sizeof *r);
    int fd = ptn_keys_watch_fd(keys);

    r->loop = loop;
    r->keys = keys;
    r->read = read;
    r->arg = arg;
    r->calm = ptn_alarm_new(loop, on_calm, r);
    r->poll = ptn_alarm_new(loop, on_poll, r);
    r->watching = fd >= 0 && ptn_watch_open(loop, &r->files, fd, on_files) == 0;
    if (r->watching)
        ptn_watch_set(&r->files, PTN_READABLE);
    ptn_alarm_set(r->poll, POLL_MS);
    ptn_keys_watch_warn(keys);
    r->clock_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (r->clock_fd >= 0)
        r->clock = ptn_loop_watch_fd(loop, r->clock_fd, on_clock, r);
    warn(r);
    return r;
}

static void
on_closed(struct ptn_watch *watch)
{
    ptn_free(PTN_CONTAINER(watch, struct ptn_reading, files));
}

void
ptn_reading_free(struct ptn_reading *r)
{
    if (!r)
        return;
    r->ending = true;
    if (r->under_way)
        ptn_loop_finish(r->loop);
    ptn_alarm_free(r->calm);
    ptn_alarm_free(r->poll);
    ptn_host_unwatch_fd(r->clock);
    if (r->clock_fd >= 0)
        close(r->clock_fd);
    if (r->watching)
        ptn_watch_close(&r->files, on_closed);
    else
        ptn_free(r);
}
