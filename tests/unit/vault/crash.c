/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * kill -9, fifty times, of two processes that deliver, flag and expunge with
 * several sessions each and write down what was acknowledged. After each
 * time everything acknowledged has to be there, no UID may be given twice,
 * and no flag may have gone back. Every fifth time the system "crashes", too:
 * what was not synced turns to rubbish, and the index is gone.
 */
#include "rig.h"

#include <fcntl.h>
#include <postern/mail/flags.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 50
#define CHILDREN 2
#define SESSIONS 4
#define USERS 3
#define UIDS 100000
#define OWN 64 /* messages that a session works on */

enum ack_kind {
    ACK_DELIVERED,
    ACK_FLAGGED,
    ACK_EXPUNGING, /* written before: from here on it may be gone */
    ACK_EXPUNGED,
};

struct ack {
    uint32_t kind, user, uid, body, flags;
};

/* --- system calls of the children: how much is durable --- */

/* In shared memory. One writer at a time, by the index's lock. */
struct durable {
    uint64_t inode, written, synced;
};
static struct durable *durable;

static ssize_t
noting_pwritev(int fd, const struct iovec *iov, int count, off_t at)
{
    ssize_t n = pwritev(fd, iov, count, at);
    struct stat st;

    fstat(fd, &st);
    if (st.st_ino != durable->inode) {
        durable->inode = st.st_ino;
        durable->synced = 0;
    }
    durable->written = n > 0 ? (uint64_t)at + (uint64_t)n : 0;
    return n;
}

/* Not the real one: fifty rounds are to take seconds on any disk. */
static int
noting_fdatasync(int fd)
{
    (void)fd;
    durable->synced = durable->written;
    return 0;
}

static int
no_sync(int fd)
{
    (void)fd;
    return 0;
}

static int
no_index_sync(MDB_env *env, int force)
{
    (void)env;
    (void)force;
    return 0;
}

static const struct vault_sys crash_sys = {
    .pwritev = noting_pwritev,
    .fdatasync = noting_fdatasync,
    .fsync = no_sync,
    .ftruncate = ftruncate,
    .index_put = mdb_put,
    .index_commit = mdb_txn_commit,
    .index_sync = no_index_sync,
};

static void
open_vault(struct rig *r)
{
    struct ptn_error err = PTN_ERROR_INIT;

    memset(&r->v, 0, sizeof(r->v));
    r->v.options = &r->options;
    r->v.sys = &crash_sys;
    if (vault_open(&r->v, r->dir, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    r->open = true;
}

/* --- the children --- */

struct session {
    struct rig *r;
    pthread_t thread;
    unsigned seed;
    uint32_t body; /* the next number */
    int acks;
    struct ptn_mailbox *boxes[USERS];
    struct ack own[OWN];
    unsigned count;
};

static const char *
user_name(unsigned n, char into[32])
{
    snprintf(into, 32, "user%u@example.test", n);
    return into;
}

static char *
body_text(uint32_t number)
{
    size_t len = 40 + number * 61 % 6000;
    char *text = ptn_alloc(len + 1);
    int n = snprintf(text, len, "body %u\r\n", number);

    memset(text + n, 'x', len - (size_t)n);
    return text;
}

static void
tell(struct session *s, struct ack a)
{
    if (write(s->acks, &a, sizeof(a)) != (ssize_t)sizeof(a))
        abort();
}

static void
do_deliver(struct session *s)
{
    struct ack a = {.kind = ACK_DELIVERED, .body = s->body++};
    char *text = body_text(a.body), name[32];

    a.user = (uint32_t)rand_r(&s->seed) % USERS;
    if (rig_deliver(s->r, user_name(a.user, name), text, &a.uid) == PTN_OK) {
        tell(s, a);
        s->own[s->count++ % OWN] = a;
    }
    ptn_free(text);
}

static void
do_flag(struct session *s, struct ack *own)
{
    struct ack a = *own;
    uint32_t flag = 1u << rand_r(&s->seed) % 5;

    if (rig_flags(s->r, s->boxes[a.user], a.uid, PTN_FLAGS_ADD, flag) != PTN_OK)
        return;
    a.kind = ACK_FLAGGED;
    a.flags = own->flags |= flag;
    tell(s, a);
}

static void
do_expunge(struct session *s, struct ack *own)
{
    struct ack a = *own;

    a.kind = ACK_EXPUNGING;
    tell(s, a);
    if (rig_expunge(s->r, s->boxes[a.user], a.uid, NULL) != PTN_OK)
        return;
    a.kind = ACK_EXPUNGED;
    tell(s, a);
    own->uid = 0;
}

static void *
session_main(void *arg)
{
    struct session *s = arg;
    char name[32];

    for (unsigned i = 0; i < USERS; i++)
        s->boxes[i] = rig_mailbox(s->r, user_name(i, name), "INBOX", NULL);
    for (;;) {
        unsigned what = (unsigned)rand_r(&s->seed) % 10;
        struct ack *own = s->count ? &s->own[(unsigned)rand_r(&s->seed) %
                                             (s->count < OWN ? s->count : OWN)]
                                   : NULL;

        if (!own || own->uid == 0 || what < 5)
            do_deliver(s);
        else if (what < 8)
            do_flag(s, own);
        else
            do_expunge(s, own);
    }
    return NULL;
}

static void
child_main(struct rig *r, unsigned round, unsigned child)
{
    static struct session sessions[SESSIONS];
    char path[128];

    rig_path(r, "../acks", path, sizeof(path));
    open_vault(r);
    for (unsigned i = 0; i < SESSIONS; i++) {
        struct session *s = &sessions[i];

        s->r = r;
        s->seed = round * 100 + child * 10 + i;
        s->body = round << 20 | child << 18 | i << 16;
        s->acks = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
        pthread_create(&s->thread, NULL, session_main, s);
    }
    pause();
}

static pid_t
spawn(struct rig *r, unsigned round, unsigned child)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        child_main(r, round, child);
        _exit(1);
    }
    return pid;
}

/* --- what the parent knows --- */

struct known {
    bool delivered, may_be_gone, gone;
    uint32_t body, flags;
};

static struct known (*known)[UIDS]; /* of each user, by UID */
static uint32_t highest[USERS];

static void
learn(const struct ack *a)
{
    struct known *k = &known[a->user][a->uid];

    assert_true(a->user < USERS && a->uid < UIDS && a->uid > 0);
    switch (a->kind) {
    case ACK_DELIVERED:
        assert_false(k->delivered); /* no UID twice */
        k->delivered = true;
        k->body = a->body;
        if (a->uid > highest[a->user])
            highest[a->user] = a->uid;
        break;
    case ACK_FLAGGED:
        k->flags |= a->flags;
        break;
    case ACK_EXPUNGING:
        k->may_be_gone = true;
        break;
    default:
        k->gone = true;
        break;
    }
}

/* The file goes on from where it was read to. */
static unsigned
learn_all(const struct rig *r, off_t *at)
{
    char path[128];
    struct ack a;
    unsigned n = 0;
    int fd;

    rig_path(r, "../acks", path, sizeof(path));
    fd = open(path, O_RDONLY);
    for (; fd >= 0 && pread(fd, &a, sizeof(a), *at) == (ssize_t)sizeof(a);
         *at += (off_t)sizeof(a), n++)
        learn(&a);
    if (fd >= 0)
        close(fd);
    return n;
}

static void
check_one(struct rig *r, struct ptn_mailbox *m, uint32_t uid,
          const struct known *k)
{
    struct ptn_message msg;
    bool there = rig_fetch(r, m, uid, &msg);
    char *text, *expected;

    if (k->gone)
        assert_false(there);
    else if (!k->may_be_gone)
        assert_true(there);
    if (!there)
        return;
    assert_int_equal(msg.flags.system & k->flags, k->flags);
    text = rig_body(r, m, uid);
    expected = body_text(k->body);
    assert_non_null(text);
    assert_string_equal(text, expected);
    ptn_free(text);
    ptn_free(expected);
}

static void
check_user(struct rig *r, unsigned user)
{
    char name[32];
    struct ptn_mailbox *m =
        rig_mailbox(r, user_name(user, name), "INBOX", NULL);

    assert_non_null(m);
    assert_true(rig_info(r, m).uidnext > highest[user]);
    for (uint32_t uid = 1; uid <= highest[user]; uid++) {
        if (known[user][uid].delivered)
            check_one(r, m, uid, &known[user][uid]);
    }
    vault_mailbox_close(&r->v, m);
}

static void
check_users(struct rig *r)
{
    open_vault(r);
    for (unsigned i = 0; i < USERS; i++)
        check_user(r, i);
    rig_abandon(r);
}

/* --- the end of the system --- */

static void
spoil(const char *path, unsigned seed)
{
    struct stat st;
    int fd = open(path, O_WRONLY);

    if (fd < 0 || fstat(fd, &st) != 0 || st.st_ino != durable->inode) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (off_t at = (off_t)durable->synced; at < st.st_size; at += 64) {
        char rubbish[64];

        for (size_t i = 0; i < sizeof(rubbish); i++)
            rubbish[i] = (char)rand_r(&seed);
        /* Some of what was written arrived, some did not. */
        if (rand_r(&seed) % 2)
            assert_true(pwrite(fd, rubbish, sizeof(rubbish), at) > 0);
    }
    close(fd);
}

static void
crash_system(struct rig *r, unsigned seed)
{
    char name[64], path[160];

    for (unsigned n = 1; n < 100; n++) {
        snprintf(name, sizeof(name), "segments/%08u.log", n);
        rig_path(r, name, path, sizeof(path));
        spoil(path, seed);
    }
    rig_path(r, "index/data.mdb", path, sizeof(path));
    assert_int_equal(truncate(path, 8192), 0);
    rig_path(r, "mark", path, sizeof(path));
    unlink(path);
}

/* --- */

static void
run_round(struct rig *r, unsigned round)
{
    unsigned seed = round * 7919;
    pid_t pids[CHILDREN];
    int status;

    for (unsigned i = 0; i < CHILDREN; i++)
        pids[i] = spawn(r, round, i);
    usleep(20000 + (useconds_t)rand_r(&seed) % 60000);
    for (unsigned i = 0; i < CHILDREN; i++) {
        kill(pids[i], SIGKILL);
        /* Now and then the other one goes on for a while. */
        if (round % 3 == 0)
            usleep((useconds_t)rand_r(&seed) % 10000);
    }
    for (unsigned i = 0; i < CHILDREN; i++) {
        waitpid(pids[i], &status, 0);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
}

static void
kills_lose_nothing(void **state)
{
    struct rig *r = *state;
    unsigned acks = 0;
    off_t at = 0;

    rig_close(r);
    r->options.segment_size = 512 << 10;
    r->options.compact_below = 60;
    r->options.compact_pause = 1;
    r->options.idle_sync = 2;
    known = ptn_alloc(USERS * sizeof(*known));
    for (unsigned round = 1; round <= ROUNDS; round++) {
        run_round(r, round);
        acks += learn_all(r, &at);
        if (round % 5 == 0)
            crash_system(r, round);
        check_users(r);
    }
    print_message("# %u operations were acknowledged\n", acks);
    assert_true(acks > ROUNDS * 20);
    ptn_free(known);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kills_lose_nothing, rig_test_setup,
                                        rig_test_teardown),
    };

    durable = mmap(NULL, sizeof(*durable), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return cmocka_run_group_tests_name("vault crash", tests, NULL, NULL);
}
