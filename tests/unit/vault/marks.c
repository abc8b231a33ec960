/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Opening the store: when its index is trusted and when it is made again,
 * how the mark follows what happens, and how many processes there may be.
 */
#include "rig.h"

#include "plugins/vault/state.h"

#include <fcntl.h>
#include <postern/mail/flags.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* An index that is made again is another file. */
static ino_t
index_file(const struct rig *r)
{
    char path[128];
    struct stat st;

    rig_path(r, "index/data.mdb", path, sizeof(path));
    assert_int_equal(stat(path, &st), 0);
    return st.st_ino;
}

static void
read_mark(const struct rig *r, char *into, size_t size)
{
    char path[128];
    ssize_t n;
    int fd;

    rig_path(r, "mark", path, sizeof(path));
    fd = open(path, O_RDONLY);
    n = fd < 0 ? 0 : read(fd, into, size - 1);
    into[n > 0 ? n : 0] = '\0';
    if (fd >= 0)
        close(fd);
}

static void
write_mark(const struct rig *r, const char *text)
{
    char path[128];
    FILE *f;

    rig_path(r, "mark", path, sizeof(path));
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static bool
mark_begins(const struct rig *r, const char *word)
{
    char mark[128];

    read_mark(r, mark, sizeof(mark));
    return strncmp(mark, word, strlen(word)) == 0;
}

static void
assert_messages(struct rig *r, uint32_t count)
{
    struct ptn_mailbox *m = rig_mailbox(r, USER, "INBOX", NULL);

    assert_int_equal(rig_info(r, m).messages, count);
    vault_mailbox_close(&r->v, m);
}

/* Opens again and says whether the index was made anew. It may get the
 * number of the old file, so that is kept in use. */
static bool
reopen_recovers(struct rig *r)
{
    ino_t before = index_file(r);
    char path[128];
    int fd;

    rig_path(r, "index/data.mdb", path, sizeof(path));
    fd = open(path, O_RDONLY);
    rig_open(r);
    close(fd);
    return index_file(r) != before;
}

static void
closed_is_clean(void **state)
{
    struct rig *r = *state;

    assert_true(mark_begins(r, "clean"));
    rig_deliver(r, USER, "x", NULL);
    assert_true(mark_begins(r, "dirty"));
    rig_close(r);
    assert_true(mark_begins(r, "clean"));
    assert_false(reopen_recovers(r));
    assert_messages(r, 1);
}

static void
killed_is_trusted(void **state)
{
    struct rig *r = *state;

    rig_deliver(r, USER, "x", NULL);
    rig_abandon(r);
    assert_true(mark_begins(r, "dirty"));
    assert_false(reopen_recovers(r));
    assert_messages(r, 1);
    rig_deliver(r, USER, "y", NULL);
    assert_messages(r, 2);
}

static void
other_boot_is_not(void **state)
{
    struct rig *r = *state;
    char mark[128], other[256];
    char *boot;

    rig_deliver(r, USER, "x", NULL);
    rig_abandon(r);
    read_mark(r, mark, sizeof(mark));
    boot = strchr(mark, ' ') + 1;
    *boot = *boot == '0' ? '1' : '0';
    write_mark(r, mark);
    assert_true(reopen_recovers(r));
    assert_true(mark_begins(r, "clean"));
    assert_messages(r, 1);
    /* A mark that makes no sense. */
    rig_abandon(r);
    write_mark(r, "who knows\n");
    assert_true(reopen_recovers(r));
    /* One for another copy of the index. */
    rig_close(r);
    read_mark(r, mark, sizeof(mark));
    snprintf(other, sizeof(other), "%.*s 1\n", (int)(strrchr(mark, ' ') - mark),
             mark);
    write_mark(r, other);
    assert_true(reopen_recovers(r));
    assert_messages(r, 1);
}

/* A log that went on behind a clean mark: the index is too old. */
static void
old_index_is_not(void **state)
{
    struct rig *r = *state;
    char mark[128];

    rig_deliver(r, USER, "x", NULL);
    rig_close(r);
    read_mark(r, mark, sizeof(mark));
    rig_open(r);
    rig_deliver(r, USER, "x", NULL);
    rig_abandon(r);
    write_mark(r, mark);
    assert_true(reopen_recovers(r));
    assert_messages(r, 2);
}

static void
other_layout_is_not(void **state)
{
    struct rig *r = *state;
    struct vault_state s;
    struct vault_txn t;

    rig_deliver(r, USER, "x", NULL);
    vault_committer_stop(&r->v);
    vault_txn_init(&t, &r->v);
    assert_int_equal(vault_txn_begin(&t), 0);
    s = t.state;
    s.version++;
    assert_int_equal(vault_txn_put_counter(&t, VAULT_COUNTER_STATE, 0,
                                           (struct iovec){&s, sizeof(s)}),
                     0);
    assert_int_equal(vault_index_commit(&r->v, t.txn), 0);
    t.txn = NULL;
    vault_txn_deinit(&t);
    rig_close(r);
    assert_true(reopen_recovers(r));
    assert_messages(r, 1);
}

static void
lost_index_is_made(void **state)
{
    struct rig *r = *state;
    char path[128];

    rig_deliver(r, USER, "x", NULL);
    rig_close(r);
    rig_path(r, "index", path, sizeof(path));
    rig_remove(path);
    rig_open(r);
    assert_messages(r, 1);
}

/* Rubbish where LMDB keeps its first pages. */
static void
damaged_index_is_made(void **state)
{
    struct rig *r = *state;
    char path[128], rubbish[8192];
    int fd;

    rig_deliver(r, USER, "x", NULL);
    rig_abandon(r);
    memset(rubbish, 0x5a, sizeof(rubbish));
    rig_path(r, "index/data.mdb", path, sizeof(path));
    fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, rubbish, sizeof(rubbish), 0), sizeof(rubbish));
    close(fd);
    rig_path(r, "mark", path, sizeof(path));
    unlink(path);
    rig_open(r);
    assert_messages(r, 1);
}

static void
idle_store_gets_clean(void **state)
{
    struct rig *r = *state;

    rig_close(r);
    r->options.idle_sync = 10;
    rig_open(r);
    for (int round = 0; round < 3; round++) {
        rig_deliver(r, USER, "x", NULL);
        for (int i = 0; i < 60000 && !mark_begins(r, "clean"); i++)
            usleep(1000);
        assert_true(mark_begins(r, "clean"));
    }
    /* Power fails now: nothing is to be made again. */
    rig_abandon(r);
    assert_false(reopen_recovers(r));
    assert_messages(r, 3);
}

/* Nothing is committed that the mark does not allow for. */
static void
no_mark_no_commit(void **state)
{
    struct rig *r = *state;

    rig_fail(RIG_FSYNC, 1);
    assert_int_equal(rig_deliver(r, USER, "x", NULL), PTN_TEMPFAIL);
    assert_true(rig_failed());
    assert_true(mark_begins(r, "clean"));
    assert_int_equal(rig_deliver(r, USER, "x", NULL), PTN_OK);
    assert_true(mark_begins(r, "dirty"));
    assert_messages(r, 1);
}

static void
limits_processes(void **state)
{
    struct rig *r = *state;
    struct flock all = {
        .l_type = F_WRLCK,
        .l_whence = SEEK_SET,
        .l_len = VAULT_PROCESSES_MAX,
    };
    struct ptn_error err = PTN_ERROR_INIT;
    struct vault v = {.options = &r->options, .sys = r->v.sys};
    char path[128];
    int fd;

    rig_close(r);
    rig_path(r, "lock", path, sizeof(path));
    fd = open(path, O_RDWR);
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &all), 0);
    assert_int_equal(vault_open(&v, r->dir, &err), -1);
    assert_int_equal(err.code, PTN_ERR_LIMIT);
    close(fd);
    rig_open(r);
    assert_int_equal(r->v.slot, 0);
}

/* A second process neither makes the index nor the ring again. */
static void
joins_the_others(void **state)
{
    struct rig *r = *state;
    struct flock slot = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    char path[128];
    struct stat before, after;
    int fd;

    rig_deliver(r, USER, "x", NULL);
    rig_abandon(r);
    rig_path(r, "lock", path, sizeof(path));
    fd = open(path, O_RDWR);
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &slot), 0);
    rig_path(r, "watch", path, sizeof(path));
    assert_int_equal(stat(path, &before), 0);
    assert_false(reopen_recovers(r));
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(r->v.slot, 1);
    assert_messages(r, 1);
    close(fd);
}

/* A segment that was compacted when the process died is swept away; the one
 * that the log goes on in is not. */
static void
sweeps_left_overs(void **state)
{
    struct rig *r = *state;
    char left[128], next[128];

    rig_close(r);
    r->options.segment_size = 1024;
    rig_open(r);
    for (int i = 0; i < 8; i++)
        rig_deliver(r, USER, "x", NULL);
    rig_abandon(r);
    rig_path(r, "segments/00000099.log", next, sizeof(next));
    close(open(next, O_WRONLY | O_CREAT, 0600));
    rig_open(r);
    assert_int_equal(access(next, F_OK), 0);
    rig_path(r, "segments/00000001.log", left, sizeof(left));
    assert_int_equal(access(left, F_OK), 0);
    unlink(next);
    assert_messages(r, 8);
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, rig_test_setup, rig_test_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(closed_is_clean),       TEST(killed_is_trusted),
        TEST(other_boot_is_not),     TEST(old_index_is_not),
        TEST(other_layout_is_not),   TEST(lost_index_is_made),
        TEST(damaged_index_is_made), TEST(idle_store_gets_clean),
        TEST(no_mark_no_commit),     TEST(limits_processes),
        TEST(joins_the_others),      TEST(sweeps_left_overs),
    };

    return cmocka_run_group_tests_name("vault marks", tests, NULL, NULL);
}
