/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a session is told of others' changes: the watch, and what changed
 * since a modseq; in one process and between two.
 */
#include "rig.h"

#include <postern/mail/flags.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void
count_call(void *arg)
{
    ++*(unsigned *)arg;
}

static void
calls_watchers(void **state)
{
    struct rig *r = *state;
    struct ptn_mailbox *inbox, *trash;
    struct ptn_store_watch *a, *b;
    unsigned inbox_calls = 0, trash_calls = 0;

    rig_deliver(r, USER, "x", NULL);
    inbox = rig_mailbox(r, USER, "INBOX", NULL);
    trash = rig_mailbox(r, USER, "Trash", NULL);
    a = vault_watch(&r->v, inbox, count_call, &inbox_calls);
    b = vault_watch(&r->v, trash, count_call, &trash_calls);
    vault_watch_dispatch(&r->v);
    inbox_calls = trash_calls = 0;
    rig_flags(r, inbox, 1, PTN_FLAGS_ADD, PTN_FLAG_SEEN);
    vault_watch_dispatch(&r->v);
    assert_int_equal(inbox_calls, 1);
    assert_int_equal(trash_calls, 0);
    rig_copy(r, inbox, 1, "Trash", false, NULL);
    vault_watch_dispatch(&r->v);
    assert_int_equal(inbox_calls, 1);
    assert_int_equal(trash_calls, 1);
    vault_watch_dispatch(&r->v);
    assert_int_equal(trash_calls, 1);
    vault_unwatch(&r->v, b);
    rig_copy(r, inbox, 1, "Trash", false, NULL);
    vault_watch_dispatch(&r->v);
    assert_int_equal(trash_calls, 1);
    vault_unwatch(&r->v, a);
    vault_mailbox_close(&r->v, inbox);
    vault_mailbox_close(&r->v, trash);
}

static void
calls_users_without_mail(void **state)
{
    struct rig *r = *state;
    struct ptn_mailbox *m = rig_mailbox(r, USER, "INBOX", NULL);
    unsigned calls = 0;
    struct ptn_store_watch *w = vault_watch(&r->v, m, count_call, &calls);

    rig_deliver(r, "other@example.test", "x", NULL);
    vault_watch_dispatch(&r->v);
    calls = 0;
    rig_deliver(r, USER, "x", NULL);
    vault_watch_dispatch(&r->v);
    assert_true(calls > 0);
    calls = 0;
    rig_deliver(r, USER, "x", NULL); /* by its number now */
    vault_watch_dispatch(&r->v);
    assert_int_equal(calls, 1);
    vault_unwatch(&r->v, w);
    vault_mailbox_close(&r->v, m);
}

struct leaver {
    struct rig *r;
    struct ptn_store_watch *watches[3];
    struct ptn_mailbox *m;
    unsigned calls;
};

/* Leaves, takes its neighbours along, and comes back. */
static void
leave(void *arg)
{
    struct leaver *l = arg;

    l->calls++;
    for (int i = 0; i < 3; i++) {
        if (l->watches[i])
            vault_unwatch(&l->r->v, l->watches[i]);
        l->watches[i] = NULL;
    }
    l->watches[0] = vault_watch(&l->r->v, l->m, leave, l);
}

static void
watchers_may_leave(void **state)
{
    struct leaver l = {.r = *state};

    rig_deliver(l.r, USER, "x", NULL);
    l.m = rig_mailbox(l.r, USER, "INBOX", NULL);
    for (int i = 0; i < 3; i++)
        l.watches[i] = vault_watch(&l.r->v, l.m, leave, &l);
    rig_deliver(l.r, USER, "x", NULL);
    vault_watch_dispatch(&l.r->v);
    assert_int_equal(l.calls, 1);
    vault_unwatch(&l.r->v, l.watches[0]);
    vault_mailbox_close(&l.r->v, l.m);
}

/* More changes than the ring holds, and more watches than buckets. */
static void
overrun_calls_all(void **state)
{
    struct rig *r = *state;
    static unsigned calls[500];
    struct ptn_store_watch *w[500];
    struct ptn_mailbox *m;
    uint32_t other = 999;

    rig_deliver(r, USER, "x", NULL);
    m = rig_mailbox(r, USER, "INBOX", NULL);
    for (int i = 0; i < 500; i++)
        w[i] = vault_watch(&r->v, m, count_call, &calls[i]);
    vault_watch_dispatch(&r->v);
    memset(calls, 0, sizeof(calls));
    for (int i = 0; i <= VAULT_RING; i++)
        vault_publish(&r->v, &other, 1);
    vault_watch_dispatch(&r->v);
    for (int i = 0; i < 500; i++) {
        assert_int_equal(calls[i], 1);
        vault_unwatch(&r->v, w[i]);
    }
    vault_mailbox_close(&r->v, m);
}

/* --- changes --- */

struct told {
    unsigned changed, vanished;
    uint32_t last_changed, last_vanished;
    uint32_t flags;
};

static void
tell_changed(void *arg, const struct ptn_message *m)
{
    struct told *t = arg;

    assert_true(m->uid > t->last_changed); /* ascending */
    t->last_changed = m->uid;
    t->flags = m->flags.system;
    t->changed++;
}

static void
tell_vanished(void *arg, uint32_t uid)
{
    struct told *t = arg;

    assert_true(uid > t->last_vanished);
    t->last_vanished = uid;
    t->vanished++;
}

static struct told
changes(struct rig *r, struct ptn_mailbox *m, uint64_t *modseq,
        const struct ptn_uidmap *known)
{
    struct told t = {0};
    const struct ptn_store_changes tell = {tell_changed, tell_vanished, &t};

    assert_int_equal(vault_changes(&r->v, m, *modseq, known, &tell, modseq),
                     PTN_OK);
    return t;
}

static void
tells_changes(void **state)
{
    struct rig *r = *state;
    struct ptn_uidmap *known = ptn_uidmap_new();
    struct ptn_mailbox *m;
    uint64_t modseq;
    struct told t;

    for (int i = 0; i < 10; i++)
        rig_deliver(r, USER, "x", NULL);
    m = rig_mailbox(r, USER, "INBOX", known);
    modseq = rig_info(r, m).modseq;
    t = changes(r, m, &modseq, known);
    assert_int_equal(t.changed + t.vanished, 0);
    rig_flags(r, m, 7, PTN_FLAGS_ADD, PTN_FLAG_SEEN);
    rig_flags(r, m, 3, PTN_FLAGS_ADD, PTN_FLAG_DRAFT);
    rig_flags(r, m, 7, PTN_FLAGS_ADD, PTN_FLAG_DRAFT);
    rig_deliver(r, USER, "x", NULL);
    rig_deliver(r, USER, "y", NULL);
    rig_expunge(r, m, 12, NULL); /* never known: not told */
    rig_expunge(r, m, 5, NULL);
    rig_expunge(r, m, 4, NULL);
    t = changes(r, m, &modseq, known);
    assert_int_equal(t.changed, 3); /* 3, 7, 11 */
    assert_int_equal(t.last_changed, 11);
    assert_int_equal(t.vanished, 2);
    assert_int_equal(t.last_vanished, 5);
    t = changes(r, m, &modseq, known);
    assert_int_equal(t.changed + t.vanished, 0);
    assert_int_equal(rig_change(r, PTN_MAILBOX_RENAME, "INBOX", "old"), PTN_OK);
    ptn_uidmap_remove(known, 4);
    ptn_uidmap_remove(known, 5);
    ptn_uidmap_add(known, 11, 11);
    t = changes(r, m, &modseq, known);
    assert_int_equal(t.vanished, 9);
    vault_mailbox_close(&r->v, m);
    ptn_uidmap_free(known);
}

static void
claims_recent(void **state)
{
    struct rig *r = *state;
    struct ptn_mailbox *first, *second;
    struct ptn_mailbox_info info;

    rig_deliver(r, USER, "x", NULL);
    rig_deliver(r, USER, "x", NULL);
    assert_int_equal(
        vault_mailbox_open(&r->v, USER, INBOX, true, &first, &info, NULL),
        PTN_OK);
    assert_int_equal(info.recent, 2);
    assert_int_equal(info.recent_from, 1);
    rig_deliver(r, USER, "x", NULL); /* behind the claim, in order */
    assert_int_equal(
        vault_mailbox_open(&r->v, USER, INBOX, true, &second, &info, NULL),
        PTN_OK);
    assert_int_equal(info.recent, 1);
    assert_int_equal(info.recent_from, 3);
    vault_mailbox_close(&r->v, first);
    vault_mailbox_close(&r->v, second);
}

/* --- two processes --- */

#define OTHERS 200

static void
other_process(struct rig *r)
{
    struct ptn_error err = PTN_ERROR_INIT;
    const struct vault_sys *sys = r->v.sys;

    memset(&r->v, 0, sizeof(r->v));
    r->v.options = &r->options;
    r->v.sys = sys;
    if (vault_open(&r->v, r->dir, &err) != 0)
        _exit(1);
    for (int i = 0; i < OTHERS; i++) {
        if (rig_deliver(r, USER, "from the other process\r\n", NULL) != PTN_OK)
            _exit(2);
    }
    vault_close(&r->v);
    _exit(0);
}

static void
check_bodies(struct rig *r, const struct ptn_uidmap *uids)
{
    struct ptn_mailbox *m = rig_mailbox(r, USER, "INBOX", NULL);

    for (uint32_t uid = 1; uid; uid = ptn_uidmap_next(uids, uid + 1)) {
        char *text = rig_body(r, m, uid);

        assert_non_null(text);
        assert_non_null(strstr(text, "from th"));
        ptn_free(text);
    }
    vault_mailbox_close(&r->v, m);
}

/* Each sees the other's mail, is woken by it, goes on in the segments that
 * the other began, and grows the index's map for both. The first opens after
 * the fork, as LMDB asks for. */
static void
two_processes(void **state)
{
    struct rig *r = *state;
    struct ptn_uidmap *uids = ptn_uidmap_new();
    struct ptn_store_watch *w;
    struct ptn_mailbox *m;
    unsigned calls = 0;
    int status;
    pid_t pid;

    rig_close(r);
    r->options.segment_size = 4096;
    pid = fork();
    if (pid == 0)
        other_process(r);
    rig_open(r);
    m = rig_mailbox(r, USER, "INBOX", NULL);
    w = vault_watch(&r->v, m, count_call, &calls);
    for (int i = 0; i < OTHERS; i++)
        assert_int_equal(rig_deliver(r, USER, "from this one\r\n", NULL),
                         PTN_OK);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    vault_watch_dispatch(&r->v);
    assert_true(calls > 0);
    vault_unwatch(&r->v, w);
    vault_mailbox_close(&r->v, m);
    m = rig_mailbox(r, USER, "INBOX", uids);
    assert_int_equal(ptn_uidmap_count(uids), 2 * OTHERS);
    assert_int_equal(ptn_uidmap_last(uids), 2 * OTHERS);
    vault_mailbox_close(&r->v, m);
    check_bodies(r, uids);
    rig_check_recovery(r);
    check_bodies(r, uids);
    ptn_uidmap_free(uids);
}

/* A claim of \\Recent in a full segment writes no record: no new one begins. */
static void
claims_turn_no_segment(void **state)
{
    struct rig *r = *state;
    struct ptn_mailbox *m;
    struct ptn_mailbox_info info;
    char path[128];

    rig_close(r);
    r->options.segment_size = 512;
    rig_open(r);
    rig_deliver(r, USER, "x", NULL);
    assert_int_equal(
        vault_mailbox_open(&r->v, USER, INBOX, true, &m, &info, NULL), PTN_OK);
    vault_mailbox_close(&r->v, m);
    rig_close(r); /* the claim is committed */
    rig_path(r, "segments/00000002.log", path, sizeof(path));
    assert_int_equal(access(path, F_OK), -1);
    rig_open(r);
    assert_int_equal(
        vault_mailbox_open(&r->v, USER, INBOX, true, &m, &info, NULL), PTN_OK);
    assert_int_equal(info.recent, 0);
    vault_mailbox_close(&r->v, m);
    rig_check_recovery(r);
    rig_deliver(r, USER, "x", NULL);
    assert_int_equal(access(path, F_OK), 0);
}

/* A process that was killed while it held the ring's lock. */
static void
ring_survives_its_holder(void **state)
{
    struct rig *r = *state;
    uint32_t box = 1;
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        pthread_mutex_lock(&r->v.ring->lock);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    vault_publish(&r->v, &box, 1);
    vault_publish(&r->v, &box, 1);
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, rig_test_setup, rig_test_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(calls_watchers),
        TEST(calls_users_without_mail),
        TEST(watchers_may_leave),
        TEST(overrun_calls_all),
        TEST(tells_changes),
        TEST(claims_recent),
        TEST(two_processes),
        TEST(claims_turn_no_segment),
        TEST(ring_survives_its_holder),
    };

    return cmocka_run_group_tests_name("vault watch", tests, NULL, NULL);
}
