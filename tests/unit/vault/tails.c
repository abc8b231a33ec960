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
