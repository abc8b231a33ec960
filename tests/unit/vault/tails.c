/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What recovery makes of a log that was cut, torn or damaged.
 */
#include "rig.h"

#include "plugins/vault/crc.h"
#include "plugins/vault/format.h"
#include "plugins/vault/record.h"

#include <fcntl.h>
#include <postern/mail/flags.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void
segment_path(const struct rig *r, unsigned number, char *into, size_t size)
{
    char name[32];

    snprintf(name, sizeof(name), "segments/%08u.log", number);
    rig_path(r, name, into, size);
}

/* Where the log ends. */
static uint64_t
log_end(struct rig *r)
{
    struct vault_state s;
    struct vault_reader *reader;

    assert_int_equal(vault_read_begin(&r->v, &reader), 0);
    assert_int_equal(vault_get_counter(&r->v, reader->txn, VAULT_COUNTER_STATE,
                                       0, (struct iovec){&s, sizeof(s)}),
                     0);
    vault_read_end(&r->v, reader);
    return s.offset;
}

static uint32_t
count(struct rig *r, const char *box)
{
    struct ptn_mailbox *m = rig_mailbox(r, USER, box, NULL);
    uint32_t n = rig_info(r, m).messages;

    vault_mailbox_close(&r->v, m);
    return n;
}

/* A log of three messages, saved, so that it can be damaged many times. */
struct saved {
    char *octets;
    size_t size;
    uint64_t ends[4]; /* after that many messages */
};

static void
save_log(struct rig *r, struct saved *s)
{
    char path[128];
    int fd;

    s->ends[0] = log_end(r);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(rig_deliver(r, USER, "some octets\r\n", NULL), PTN_OK);
        s->ends[i] = log_end(r);
    }
    rig_abandon(r);
    segment_path(r, 1, path, sizeof(path));
    fd = open(path, O_RDONLY);
    s->size = s->ends[3];
    s->octets = ptn_alloc(s->size);
    assert_int_equal(pread(fd, s->octets, s->size, 0), s->size);
    close(fd);
    rig_open(r);
}

static void
put_log(struct rig *r, const struct saved *s, size_t size)
{
    char path[128];
    int fd;

    segment_path(r, 1, path, sizeof(path));
    fd = open(path, O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, s->octets, size), size);
    close(fd);
}

/* Only whole messages, and all of those; and the store works on. */
static void
check_prefix(struct rig *r, const struct saved *s, size_t size)
{
    uint32_t whole = 0, uid;

    while (whole < 3 && s->ends[whole + 1] <= size)
        whole++;
    assert_int_equal(count(r, "INBOX"), whole);
    assert_int_equal(rig_deliver(r, USER, "more\r\n", &uid), PTN_OK);
    assert_int_equal(uid, whole + 1);
}

static void
cut_at_every_octet(void **state)
{
    struct rig *r = *state;
    struct saved s;

    save_log(r, &s);
    for (size_t size = s.ends[0]; size <= s.size; size++) {
        rig_lose_index(r);
        put_log(r, &s, size);
        rig_open(r);
        check_prefix(r, &s, size);
    }
    ptn_free(s.octets);
}

/* As power failures do it: pages of zeros where data was to be. */
static void
zeros_from_every_octet(void **state)
{
    struct rig *r = *state;
    struct saved s, torn;

    save_log(r, &s);
    torn = s;
    torn.octets = ptn_alloc(s.size);
    for (size_t at = s.ends[1]; at < s.size; at++) {
        size_t seen = at;

        memcpy(torn.octets, s.octets, s.size);
        memset(torn.octets + at, 0, s.size - at);
        /* Octets that were zero anyway are no damage. */
        while (seen < s.size && s.octets[seen] == 0)
            seen++;
        rig_lose_index(r);
        put_log(r, &torn, s.size);
        rig_open(r);
        check_prefix(r, &s, seen);
    }
    ptn_free(torn.octets);
    ptn_free(s.octets);
}

/* Left-overs of an unfinished commit are whole, but follow nothing. */
static void
left_overs_are_not_read(void **state)
{
    struct rig *r = *state;
    struct saved s;
    char path[128];
    uint64_t from, end;
    int fd;

    rig_deliver(r, USER, "0\r\n", NULL);
    save_log(r, &s);
    /* The log ends after the first; then another record of equal length
     * takes the second's place, and the third is still there. */
    rig_lose_index(r);
    put_log(r, &s, s.ends[1]);
    rig_open(r);
    from = log_end(r);
    assert_int_equal(rig_deliver(r, USER, "other 8tets\r\n", NULL), PTN_OK);
    end = log_end(r);
    assert_int_equal(end - from, s.ends[2] - s.ends[1]);
    rig_lose_index(r);
    segment_path(r, 1, path, sizeof(path));
    fd = open(path, O_WRONLY);
    assert_int_equal(
        pwrite(fd, s.octets + s.ends[2], s.size - s.ends[2], (off_t)end),
        s.size - s.ends[2]);
    close(fd);
    rig_open(r);
    assert_int_equal(count(r, "INBOX"), 3);
    ptn_free(s.octets);
}

/* Damage before the end of what was acknowledged costs one message. */
static void
damage_costs_one_message(void **state)
{
    struct rig *r = *state;
    struct saved s;
    char path[128];
    int fd;

    save_log(r, &s);
    for (int i = 0; i < VAULT_GROUP_OPS_MAX + 8; i++)
        rig_deliver(r, USER, "later\r\n", NULL);
    rig_lose_index(r);
    segment_path(r, 1, path, sizeof(path));
    fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "XXXX", 4, (off_t)s.ends[1] + 8), 4);
    close(fd);
    rig_open(r);
    assert_int_equal(count(r, "INBOX"), 2 + VAULT_GROUP_OPS_MAX + 8);
    ptn_free(s.octets);
}

/* In a segment that is not the last, there is no doubt. */
static void
damage_in_an_old_segment(void **state)
{
    struct rig *r = *state;
    struct saved s;
    char path[128];
    int fd;

    save_log(r, &s);
    rig_close(r);
    r->options.segment_size = 4096;
    rig_open(r);
    for (int i = 0; i < 20; i++)
        rig_deliver(r, USER, "later\r\n", NULL);
    rig_lose_index(r);
    segment_path(r, 1, path, sizeof(path));
    fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "XXXX", 4, (off_t)s.ends[1] + 8), 4);
    close(fd);
    rig_open(r);
    assert_int_equal(count(r, "INBOX"), 22);
    ptn_free(s.octets);
}

/* A message cannot carry a record: checksums are seeded. */
static void
forged_records_are_not_found(void **state)
{
    struct rig *r = *state;
    struct vault_record_head h = {
        .magic = VAULT_RECORD_MAGIC, .seq = 5000, .facts_len = 8};
    uint64_t range[2] = {1, 10000};
    char path[128];
    int fd;

    h.crc = vault_crc(0, &h, offsetof(struct vault_record_head, crc));
    segment_path(r, 7, path, sizeof(path));
    fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_int_equal(pwrite(fd, &h, sizeof(h), 64), sizeof(h));
    assert_int_equal(vault_record_search(&r->v, fd, 0, range), 0);
    h.crc = vault_crc(r->v.seed, &h, offsetof(struct vault_record_head, crc));
    assert_int_equal(pwrite(fd, &h, sizeof(h), 64), sizeof(h));
    assert_int_equal(vault_record_search(&r->v, fd, 0, range), 64);
    close(fd);
    unlink(path);
}

/* A backup is a copy of the segments, and nothing else. */
static void
copies_can_be_restored(void **state)
{
    struct rig *r = *state, other = *r;
    char from[128], to[128], command[300];
    struct ptn_buf a, b;
    int i;

    rig_close(r);
    r->options.segment_size = 4096;
    rig_open(r);
    for (i = 0; i < 30; i++)
        rig_deliver(r, USER, "kept\r\n", NULL);
    strcpy(other.dir, "/tmp/vault-test-XXXXXX");
    assert_non_null(mkdtemp(other.dir));
    rig_path(&other, "", to, sizeof(to));
    assert_int_equal(mkdir(to, 0700), 0);
    rig_path(r, "segments", from, sizeof(from));
    snprintf(command, sizeof(command), "cp -r %s %s", from, to);
    assert_int_equal(system(command), 0);
    rig_dump(r, &a);
    rig_close(r); /* LMDB wants no two at once in a process */
    rig_open(&other);
    rig_dump(&other, &b);
    rig_assert_same(&a, &b);
    assert_int_equal(count(&other, "INBOX"), 30);
    rig_teardown(&other);
    rig_open(r);
    ptn_buf_free(&a);
    ptn_buf_free(&b);
}

/* A store that cannot be opened says which file, and what to do. */
static void
says_what_is_wrong(void **state)
{
    struct rig *r = *state;
    struct ptn_error err = PTN_ERROR_INIT;
    struct vault v = {.options = &r->options, .sys = &vault_sys_real};
    struct vault_segment_head head;
    char path[128];
    int fd;

    assert_int_equal(vault_open(&v, "/proc/nowhere", &err), -1);
    assert_non_null(strstr(err.text, "/proc/nowhere/vault: cannot be made"));
    rig_lose_index(r);
    segment_path(r, 1, path, sizeof(path));
    fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &head, sizeof(head), 0), sizeof(head));
    head.order = 0x04030201;
    assert_int_equal(pwrite(fd, &head, sizeof(head), 0), sizeof(head));
    close(fd);
    memset(&v, 0, sizeof(v));
    v.options = &r->options;
    v.sys = &vault_sys_real;
    assert_int_equal(vault_open(&v, r->dir, &err), -1);
    assert_non_null(strstr(err.text, "byte order"));
}

static void
crc_is_castagnoli(void **state)
{
    char zeros[32] = {0}, text[100];

    (void)state;
    /* RFC 3720 appendix B.4. */
    assert_int_equal(vault_crc(0, zeros, sizeof(zeros)), 0x8a9136aa);
    assert_int_equal(vault_crc(0, "123456789", 9), 0xe3069283);
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)(i * 7);
    for (size_t len = 0; len <= sizeof(text); len++)
        assert_int_equal(vault_crc(len == 0 ? 0 : 99, text, len),
                         vault_crc_plain(len == 0 ? 0 : 99, text, len));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_is_castagnoli),
        cmocka_unit_test_setup_teardown(copies_can_be_restored, rig_test_setup,
                                        rig_test_teardown),
        cmocka_unit_test_setup_teardown(says_what_is_wrong, rig_test_setup,
                                        rig_test_teardown),
        cmocka_unit_test_setup_teardown(cut_at_every_octet, rig_test_setup,
                                        rig_test_teardown),
        cmocka_unit_test_setup_teardown(zeros_from_every_octet, rig_test_setup,
                                        rig_test_teardown),
        cmocka_unit_test_setup_teardown(left_overs_are_not_read, rig_test_setup,
                                        rig_test_teardown),
        cmocka_unit_test_setup_teardown(damage_costs_one_message,
                                        rig_test_setup, rig_test_teardown),
        cmocka_unit_test_setup_teardown(damage_in_an_old_segment,
                                        rig_test_setup, rig_test_teardown),
        cmocka_unit_test_setup_teardown(forged_records_are_not_found,
                                        rig_test_setup, rig_test_teardown),
    };

    return cmocka_run_group_tests_name("vault tails", tests, NULL, NULL);
}
