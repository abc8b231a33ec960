/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading messages: metadata in any order of contents, bodies in pieces,
 * and what happens when something goes away meanwhile.
 */
#include "rig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <postern/mail/flags.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MESSAGES 20

/* Message n has the texts "(e n)", "(s n)", "p n" and an internal date. */
static void
append_numbered(struct rig *r, const char *mailbox, unsigned n)
{
    char envelope[16], structure[16], parts[16], body[16];
    struct ptn_content c;
    struct ptn_slice keyword = PTN_SLICE("$Numbered");
    struct ptn_store_append op = {
        .user = USER,
        .mailbox = ptn_slice_of(mailbox),
        .content = &c,
        .system_flags = n % 32,
        .keywords = &keyword,
        .keyword_count = n % 2,
        .internal_date = 1000000 + n,
        .internal_zone = -330,
    };

    snprintf(envelope, sizeof(envelope), "(e %u)", n);
    snprintf(structure, sizeof(structure), "(s %u)", n);
    snprintf(parts, sizeof(parts), "p %u", n);
    snprintf(body, sizeof(body), "body %u", n);
    c = (struct ptn_content){
        .prefix = PTN_SLICE("Prefix\r\n"),
        .body = ptn_slice_of(body),
        .envelope = ptn_slice_of(envelope),
        .structure = ptn_slice_of(structure),
        .parts = ptn_slice_of(parts),
    };
    rig_expect(&op.op);
    vault_store_ops.append(&r->v, &op);
    assert_int_equal(rig_wait(&op.op), PTN_OK);
    assert_true(op.uidvalidity > 0);
}

static void
fill(struct rig *r)
{
    for (unsigned n = 1; n <= MESSAGES; n++)
        append_numbered(r, "INBOX", n);
}

/* What was fetched, as "uid:envelope/structure/parts ". */
struct fetched {
    struct ptn_buf text;
    unsigned stop_after;
};

static bool
add_message(void *arg, const struct ptn_message *m)
{
    struct fetched *f = arg;

    ptn_buf_printf(&f->text, "%u:", m->uid);
    ptn_buf_addslice(&f->text, m->envelope);
    ptn_buf_addslice(&f->text, m->structure);
    ptn_buf_addslice(&f->text, m->parts);
    ptn_buf_addc(&f->text, ' ');
    return --f->stop_after > 0;
}

static void
assert_fetch(struct rig *r, struct ptn_mailbox *m, struct ptn_slice uids,
             unsigned items, const char *expected)
{
    struct fetched f = {.text = PTN_BUF_INIT, .stop_after = 100};
    uint32_t list[32];
    size_t count = 0;

    for (size_t i = 0; i < uids.len; i++)
        list[count++] = (unsigned char)uids.data[i];
    assert_int_equal(vault_fetch(&r->v, m, list, count, items, add_message, &f),
                     PTN_OK);
    assert_string_equal(ptn_buf_cstr(&f.text), expected);
    ptn_buf_free(&f.text);
}

static void
fetches_what_is_asked(void **state)
{
    struct rig *r = *state;
    struct ptn_mailbox *m;
    struct ptn_message msg;
    uint32_t uids[] = {2, 3, 4};
    struct fetched f = {.text = PTN_BUF_INIT, .stop_after = 2};

    fill(r);
    m = rig_mailbox(r, USER, "INBOX", NULL);
    assert_fetch(r, m, PTN_SLICE("\1\2"), PTN_FETCH_FLAGS, "1: 2: ");
    assert_fetch(r, m, PTN_SLICE("\1\2"), PTN_FETCH_ENVELOPE,
                 "1:(e 1)(s 1)p 1 2:(e 2)(s 2)p 2 ");
    assert_fetch(r, m, PTN_SLICE("\3\5\11\24\77"), PTN_FETCH_PARTS,
                 "3:(e 3)(s 3)p 3 5:(e 5)(s 5)p 5 9:(e 9)(s 9)p 9 "
                 "20:(e 20)(s 20)p 20 ");
    assert_fetch(r, m, PTN_SLICE(""), PTN_FETCH_PARTS, "");
    assert_int_equal(
        vault_fetch(&r->v, m, uids, 3, PTN_FETCH_FLAGS, add_message, &f),
        PTN_OK);
    assert_string_equal(ptn_buf_cstr(&f.text), "2: 3: ");
    ptn_buf_free(&f.text);
    assert_true(rig_fetch(r, m, 7, &msg));
    assert_int_equal(msg.internal_date, 1000007);
    assert_int_equal(msg.internal_zone, -330);
    assert_true(msg.save_date > 1000007);
    assert_int_equal(msg.size, 8 + 6);
    assert_int_equal(msg.flags.system, 7);
    assert_int_equal(msg.flags.keywords, 1);
    vault_mailbox_close(&r->v, m);
}

/* Gaps in the UIDs, at the beginning, inside and at the end. */
static void
passes_over_gaps(void **state)
{
    struct rig *r = *state;
    struct ptn_mailbox *m;

    fill(r);
    m = rig_mailbox(r, USER, "INBOX", NULL);
    rig_expunge(r, m, 1, NULL);
    rig_expunge(r, m, 4, NULL);
    rig_expunge(r, m, 5, NULL);
    rig_expunge(r, m, 20, NULL);
    assert_fetch(r, m, PTN_SLICE("\1\2\3\4\5\6\7\23\24"), PTN_FETCH_ENVELOPE,
                 "2:(e 2)(s 2)p 2 3:(e 3)(s 3)p 3 6:(e 6)(s 6)p 6 "
                 "7:(e 7)(s 7)p 7 19:(e 19)(s 19)p 19 ");
    vault_mailbox_close(&r->v, m);
}

/* Copied in another order, contents go up and down. */
static void
follows_contents_anywhere(void **state)
{
    struct rig *r = *state;
    struct ptn_mailbox *m, *trash;
    static const uint32_t order[] = {20, 3, 4, 5, 1, 19, 2};

    fill(r);
    m = rig_mailbox(r, USER, "INBOX", NULL);
    for (size_t i = 0; i < PTN_COUNT(order); i++)
        assert_int_equal(rig_copy(r, m, order[i], "Trash", false, NULL),
                         PTN_OK);
    trash = rig_mailbox(r, USER, "Trash", NULL);
    assert_fetch(r, trash, PTN_SLICE("\1\2\3\4\5\6\7"), PTN_FETCH_ENVELOPE,
                 "1:(e 20)(s 20)p 20 2:(e 3)(s 3)p 3 3:(e 4)(s 4)p 4 "
                 "4:(e 5)(s 5)p 5 5:(e 1)(s 1)p 1 6:(e 19)(s 19)p 19 "
                 "7:(e 2)(s 2)p 2 ");
    vault_mailbox_close(&r->v, m);
    vault_mailbox_close(&r->v, trash);
}

static void
tells_of_a_deleted_mailbox(void **state)
{
    struct rig *r = *state;
    const struct ptn_store_changes tell = {NULL, NULL, NULL};
    struct ptn_mailbox_info info;
    struct ptn_mailbox *m;
    struct ptn_body *body;
    uint32_t uid = 1;
    uint64_t n;

    append_numbered(r, "Sent", 1);
    m = rig_mailbox(r, USER, "Sent", NULL);
    rig_change(r, PTN_MAILBOX_DELETE, "Sent", NULL);
    assert_int_equal(vault_fetch(&r->v, m, &uid, 1, 0, add_message, NULL),
                     PTN_NOTFOUND);
    assert_int_equal(vault_changes(&r->v, m, 1, NULL, &tell, &n), PTN_NOTFOUND);
    assert_int_equal(vault_info(&r->v, m, &info), PTN_NOTFOUND);
    assert_int_equal(vault_body_open(&r->v, m, 1, &body, &n), PTN_NOTFOUND);
    assert_int_equal(rig_expunge(r, m, 1, NULL), PTN_NOTFOUND);
    assert_int_equal(rig_copy(r, m, 1, "Trash", false, NULL), PTN_NOTFOUND);
    assert_int_equal(vault_status(&r->v, USER, PTN_SLICE("Sent"), &info),
                     PTN_NOTFOUND);
    vault_mailbox_close(&r->v, m);
}

static void
status_is_info(void **state)
{
    struct rig *r = *state;
    struct ptn_mailbox_info info;

    assert_int_equal(vault_status(&r->v, USER, PTN_SLICE("Junk"), &info),
                     PTN_OK); /* to be */
    assert_int_equal(info.messages, 0);
    assert_int_equal(vault_status(&r->v, USER, PTN_SLICE("Other"), &info),
                     PTN_NOTFOUND);
    fill(r);
    assert_int_equal(vault_status(&r->v, USER, INBOX, &info), PTN_OK);
    assert_int_equal(info.messages, MESSAGES);
    assert_int_equal(info.uidnext, MESSAGES + 1);
    assert_int_equal(info.size, 20 * (8 + 6) + 11);
    assert_int_equal(info.recent, MESSAGES);
}

static void
reads_bodies_in_pieces(void **state)
{
    struct rig *r = *state;
    struct ptn_mailbox *m;
    struct ptn_body *body;
    uint64_t size;
    char octets[32];

    fill(r);
    m = rig_mailbox(r, USER, "INBOX", NULL);
    assert_int_equal(vault_body_open(&r->v, m, 12, &body, &size), PTN_OK);
    assert_int_equal(size, 15);
    assert_int_equal(vault_body_read(&r->v, body, 0, octets, 32, false), 15);
    assert_memory_equal(octets, "Prefix\r\nbody 12", 15);
    assert_int_equal(vault_body_read(&r->v, body, 7, octets, 3, true), 3);
    assert_memory_equal(octets, "\nbo", 3);
    assert_int_equal(vault_body_read(&r->v, body, 13, octets, 32, true), 2);
    assert_int_equal(vault_body_read(&r->v, body, 15, octets, 1, true), 0);
    assert_int_equal(vault_body_read(&r->v, body, 99, octets, 1, false), 0);
    vault_body_close(&r->v, body);
    vault_mailbox_close(&r->v, m);
}

/* The file ends before the body does: told as an error, not as an end. */
static void
a_cut_body_is_an_error(void **state)
{
    struct rig *r = *state;
    struct ptn_mailbox *m;
    struct ptn_body *body;
    uint64_t size;
    char path[128], octets[32];

    fill(r);
    m = rig_mailbox(r, USER, "INBOX", NULL);
    assert_int_equal(vault_body_open(&r->v, m, 20, &body, &size), PTN_OK);
    rig_path(r, "segments/00000001.log", path, sizeof(path));
    assert_int_equal(truncate(path, 64), 0);
    assert_int_equal(vault_body_read(&r->v, body, 0, octets, 32, true), -2);
    assert_int_equal(vault_body_read(&r->v, body, 0, octets, 32, false), -1);
    vault_body_close(&r->v, body);
    vault_mailbox_close(&r->v, m);
}

static unsigned
open_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned n = 0;

    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

/* As many segments as there are bodies: open ones are all readable, and
 * idle ones do not pile up. */
static void
keeps_few_segments_open(void **state)
{
    enum {
        COUNT = 2 * VAULT_SEGMENTS_OPEN_MAX
    };
    struct rig *r = *state;
    struct ptn_body *bodies[COUNT];
    struct ptn_mailbox *m;
    uint64_t size;
    unsigned before;
    char octet;

    rig_close(r);
    r->options.segment_size = 64;
    rig_open(r);
    for (int i = 0; i < COUNT; i++)
        rig_deliver(r, USER, "x", NULL);
    m = rig_mailbox(r, USER, "INBOX", NULL);
    before = open_files();
    for (uint32_t i = 0; i < COUNT; i++)
        assert_int_equal(vault_body_open(&r->v, m, i + 1, &bodies[i], &size),
                         PTN_OK);
    assert_true(open_files() >= before + COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(vault_body_read(&r->v, bodies[i], 0, &octet, 1, false),
                         1);
        vault_body_close(&r->v, bodies[i]);
    }
    rig_deliver(r, USER, "x", NULL);
    assert_int_equal(vault_body_open(&r->v, m, COUNT + 1, &bodies[0], &size),
                     PTN_OK);
    vault_body_close(&r->v, bodies[0]);
    assert_true(open_files() <= before + VAULT_SEGMENTS_OPEN_MAX + 2);
    vault_mailbox_close(&r->v, m);
}

/* --- a call within a call, while another process grows the map --- */

struct nested {
    struct rig *r;
    struct ptn_mailbox *m;
    int go, done; /* pipes' ends */
    enum ptn_status status;
};

static bool
look_again(void *arg, const struct ptn_message *msg)
{
    struct nested *n = arg;
    struct ptn_mailbox_info info;
    char octet = 0;

    (void)msg;
    assert_int_equal(write(n->go, &octet, 1), 1);
    assert_int_equal(read(n->done, &octet, 1), 1);
    n->status = vault_info(&n->r->v, n->m, &info);
    return false;
}

static void
growing_process(struct rig *r, int go, int done)
{
    struct ptn_error err = PTN_ERROR_INIT;
    const struct vault_sys *sys = r->v.sys;
    char octet;

    if (read(go, &octet, 1) != 1)
        _exit(1);
    memset(&r->v, 0, sizeof(r->v));
    r->v.options = &r->options;
    r->v.sys = sys;
    if (vault_open(&r->v, r->dir, &err) != 0)
        _exit(2);
    for (int i = 0; i < 3000; i++)
        append_numbered(r, "Sent", 1);
    vault_close(&r->v);
    if (write(done, &octet, 1) != 1)
        _exit(3);
    _exit(0);
}

/* It cannot wait for the call that it is in, so it fails for now; later
 * calls adopt the new size. */
static void
nested_calls_do_not_wait(void **state)
{
    struct rig *r = *state;
    int go[2], done[2], status;
    struct nested n = {.r = r};
    struct ptn_mailbox_info info;
    uint32_t uid = 1;
    pid_t pid;

    rig_deliver(r, USER, "x", NULL);
    rig_close(r);
    assert_int_equal(pipe(go), 0);
    assert_int_equal(pipe(done), 0);
    pid = fork();
    if (pid == 0)
        growing_process(r, go[0], done[1]);
    rig_open(r);
    n.m = rig_mailbox(r, USER, "INBOX", NULL);
    n.go = go[1];
    n.done = done[0];
    vault_fetch(&r->v, n.m, &uid, 1, PTN_FETCH_FLAGS, look_again, &n);
    assert_int_equal(n.status, PTN_TEMPFAIL);
    assert_int_equal(vault_info(&r->v, n.m, &info), PTN_OK);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    vault_mailbox_close(&r->v, n.m);
    n.m = rig_mailbox(r, USER, "Sent", NULL);
    assert_int_equal(rig_info(r, n.m).messages, 3000);
    assert_int_equal(rig_deliver(r, USER, "x", NULL), PTN_OK);
    vault_mailbox_close(&r->v, n.m);
    for (int i = 0; i < 2; i++) {
        close(go[i]);
        close(done[i]);
    }
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, rig_test_setup, rig_test_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fetches_what_is_asked),      TEST(passes_over_gaps),
        TEST(follows_contents_anywhere),  TEST(status_is_info),
        TEST(tells_of_a_deleted_mailbox), TEST(reads_bodies_in_pieces),
        TEST(a_cut_body_is_an_error),     TEST(keeps_few_segments_open),
        TEST(nested_calls_do_not_wait),
    };

    return cmocka_run_group_tests_name("vault fetch", tests, NULL, NULL);
}
