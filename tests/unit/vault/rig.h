/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A vault without a server around it: a folder of its own, operations that
 * are waited for, and system calls that fail when told to.
 */
#ifndef TESTS_UNIT_VAULT_RIG_H
#define TESTS_UNIT_VAULT_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "plugins/vault/commit.h"
#include "plugins/vault/read.h"
#include "plugins/vault/watch.h"

#include <postern/arena.h>

struct rig {
    struct vault v;
    struct vault_options options;
    char dir[64];
    bool open;
};

#define USER "user1@example.test"
#define INBOX PTN_SLICE("INBOX")

/* A new folder and an open vault. */
void rig_setup(struct rig *r);
void rig_teardown(struct rig *r);
/* For measuring: the real system calls and the default options. */
void rig_bench(struct rig *r, const char *folder);
void rig_open(struct rig *r);
void rig_close(struct rig *r);
/* Closes as a process does that is killed: nothing is synced or marked. */
void rig_abandon(struct rig *r);
/* Closes; what is on disk but for the log is as after a power failure. */
void rig_lose_index(struct rig *r);
void rig_path(const struct rig *r, const char *name, char *into, size_t size);
void rig_remove(const char *dir);

/* Group set-up for cmocka: *state is the rig. */
int rig_test_setup(void **state);
int rig_test_teardown(void **state);

/* Announces the job, as ptn_session_await does, and waits for it. */
void rig_expect(struct ptn_store_op *op);
enum ptn_status rig_wait(struct ptn_store_op *op);

/* Operations, waited for. Text is the whole message. */
enum ptn_status rig_deliver(struct rig *r, const char *user, const char *text,
                            uint32_t *uid);
enum ptn_status rig_append(struct rig *r, const char *mailbox, const char *text,
                           uint32_t flags, uint32_t *uid);
enum ptn_status rig_change(struct rig *r, enum ptn_mailbox_change change,
                           const char *name, const char *new_name);
enum ptn_status rig_flags(struct rig *r, struct ptn_mailbox *m, uint32_t uid,
                          enum ptn_flag_change change, uint32_t flags);
enum ptn_status rig_keyword(struct rig *r, struct ptn_mailbox *m, uint32_t uid,
                            enum ptn_flag_change change, const char *keyword);
/* uid 0: all that have \Deleted. */
enum ptn_status rig_expunge(struct rig *r, struct ptn_mailbox *m, uint32_t uid,
                            size_t *removed);
enum ptn_status rig_copy(struct rig *r, struct ptn_mailbox *m, uint32_t uid,
                         const char *target, bool move, uint32_t *new_uid);

struct ptn_mailbox *rig_mailbox(struct rig *r, const char *user,
                                const char *name, struct ptn_uidmap *uids);
struct ptn_mailbox_info rig_info(struct rig *r, struct ptn_mailbox *m);
/* The message's metadata; false when it is not there. */
bool rig_fetch(struct rig *r, struct ptn_mailbox *m, uint32_t uid,
               struct ptn_message *out);
/* The body as text; free it. NULL when it is not there. */
char *rig_body(struct rig *r, struct ptn_mailbox *m, uint32_t uid);

/* The whole index as text, but for what recovery may not keep: to compare.
 * Free with ptn_buf_free. */
void rig_dump(struct rig *r, struct ptn_buf *out);
void rig_assert_same(const struct ptn_buf *a, const struct ptn_buf *b);
/* The index that recovery makes is the one that is there. */
void rig_check_recovery(struct rig *r);

/* Faults: the Nth call from now of those kinds fails. */
enum rig_call {
    RIG_PWRITEV = 1 << 0,
    RIG_SHORT = 1 << 1, /* pwritev writes a part, then fails */
    RIG_FDATASYNC = 1 << 2,
    RIG_FSYNC = 1 << 3,
    RIG_PUT = 1 << 4,
    RIG_COMMIT = 1 << 5,
    RIG_TRUNCATE = 1 << 6,
};
void rig_fail(unsigned calls, unsigned nth);
/* How many groups were synced since counting began. */
unsigned rig_count_syncs(bool begin);
/* Whether the fault has happened. */
bool rig_failed(void);

#endif
