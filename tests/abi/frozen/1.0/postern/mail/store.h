/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Contract "mail.store", version 1: where mail lives. Several worker
 * processes use one store at once; each has its own instance.
 *
 * Reading calls are synchronous, short and made on the loop thread (or a
 * lane's); none waits for another session. Changes are operations: fill the
 * struct, call, and when the change is durable (or refused) `op.job`
 * completes on the session's loop with `op.status` set. A provider gathers
 * the operations of all sessions into one commit. Order: operations of one
 * session take effect in the order in which they were submitted, and a
 * reading call after completion sees the change.
 *
 * Names: users are canonical (postern/directory.h). Mailbox names are UTF-8,
 * hierarchy separator '/', "INBOX" in upper case always exists.
 * UIDs ascend strictly and are never given twice under one UIDVALIDITY. A
 * modseq (RFC 7162) counts a mailbox's changes and never goes back.
 *
 * Statuses: OK; NOTFOUND (no such mailbox, or message gone); EXISTS;
 * OVERQUOTA; LIMIT; TEMPFAIL (disk full, I/O: nothing was changed);
 * PERMFAIL (corrupt; logged by the store with the place); DENIED (a name
 * that cannot be, INBOX not deletable).
 */
#ifndef POSTERN_MAIL_STORE_H
#define POSTERN_MAIL_STORE_H

#include <postern/job.h>
#include <postern/mail/flags.h>
#include <postern/mail/uidmap.h>
#include <postern/types.h>

#define PTN_STORE_CONTRACT "mail.store"
#define PTN_STORE_VERSION 1

#define PTN_MAILBOX_NAME_MAX 255      /* octets of UTF-8 */
#define PTN_MAILBOX_DEPTH_MAX 16      /* levels of hierarchy */
#define PTN_MAILBOXES_MAX 10000       /* a user */
#define PTN_STORE_RECIPIENTS_MAX 1000 /* users of one delivery */

struct ptn_mailbox; /* an open mailbox, the provider's own */
struct ptn_body;    /* an open message body, the provider's own */
struct ptn_store_watch;

/* --- mailboxes --- */

/* RFC 6154 special use; bits. */
enum ptn_special_use {
    PTN_USE_ARCHIVE = 1 << 0,
    PTN_USE_DRAFTS = 1 << 1,
    PTN_USE_JUNK = 1 << 2,
    PTN_USE_SENT = 1 << 3,
    PTN_USE_TRASH = 1 << 4,
};

struct ptn_mailbox_entry {
    struct ptn_slice name;
    bool exists; /* false: only subscribed, or only a parent */
    bool subscribed;
    bool has_children;
    unsigned special_use;
};

/* Counters, kept with every change: reading them costs the same at any
 * size of the mailbox. */
struct ptn_mailbox_info {
    uint32_t uidvalidity, uidnext;
    uint32_t messages, unseen, recent, deleted;
    uint32_t first_unseen; /* UID of the first message without \Seen, or 0 */
    uint32_t recent_from;  /* messages with UID >= this are \Recent for the
                              session whose mailbox_open said so */
    uint64_t size;         /* octets of all messages */
    uint64_t modseq;       /* highest */
    /* The keyword table: names in bit order. Valid until the next call on
     * this mailbox. */
    const struct ptn_slice *keywords;
    size_t keyword_count;
};

/* --- messages --- */

enum ptn_fetch_item {
    PTN_FETCH_FLAGS = 1 << 0, /* flags, modseq, size, dates: always filled */
    PTN_FETCH_ENVELOPE = 1 << 1,
    PTN_FETCH_STRUCTURE = 1 << 2,
    PTN_FETCH_PARTS = 1 << 3,
};

struct ptn_message {
    uint32_t uid;
    struct ptn_flags flags;
    uint64_t modseq;
    int64_t internal_date; /* seconds since 1970 */
    int32_t internal_zone; /* minutes east of UTC, as it was given */
    int64_t save_date;     /* when it came into this mailbox */
    uint64_t size;         /* octets, CRLF counted as two */
    /* What postern/mail/message.h worked out at delivery. Filled when asked
     * for, valid during the callback. */
    struct ptn_slice envelope, structure, parts;
};

/* What changed since a modseq, as fetch order: appended messages and
 * messages with other flags, then what vanished. */
struct ptn_store_changes {
    /* A message whose flags changed, or a new one (uid >= old uidnext). */
    void (*changed)(void *arg, const struct ptn_message *message);
    /* A message of `known` that is gone. */
    void (*vanished)(void *arg, uint32_t uid);
    void *arg;
};

/* --- operations --- */

/* First member of each. The caller owns the struct and everything that it
 * points to until `job.done` was called; the store sets status and results
 * before. Call ptn_session_await(session, &op->job) just before. */
struct ptn_store_op {
    struct ptn_job job;
    enum ptn_status status;
    struct ptn_store_op *next; /* the store's */
    unsigned kind;             /* the store's */
};

/* The content of one message, shared by deliver and append. */
struct ptn_content {
    struct ptn_slice prefix; /* goes before the body: trace headers */
    struct ptn_slice body;   /* CRLF line ends */
    struct ptn_slice envelope, structure, parts; /* of prefix and body */
};

struct ptn_store_target {
    const char *user;
    uint64_t quota;         /* the user's, 0 = none */
    enum ptn_status status; /* out: of this recipient */
    uint32_t uid;           /* out */
};

/* One message into the INBOX of several users, its body stored once. All
 * targets are durable in one commit. op.status is OK when at least one
 * target is; look at each. */
struct ptn_store_deliver {
    struct ptn_store_op op;
    const struct ptn_content *content;
    struct ptn_store_target *targets;
    size_t count;
    /* All targets or none: when one cannot be, nothing is delivered,
     * op.status is not OK, and the targets that would have been fine keep
     * OK. SMTP has one answer for all recipients (RFC 5321 section 4.2.5),
     * and a message must neither be lost nor come twice. */
    bool atomic;
};

struct ptn_store_append {
    struct ptn_store_op op;
    const char *user;
    uint64_t quota;
    struct ptn_slice mailbox;
    const struct ptn_content *content;
    uint32_t system_flags;
    const struct ptn_slice *keywords;
    size_t keyword_count;
    int64_t internal_date; /* INT64_MIN: now */
    int32_t internal_zone;
    uint32_t uidvalidity, uid; /* out */
};

enum ptn_mailbox_change {
    PTN_MAILBOX_CREATE, /* and the parents that are missing; special_use */
    PTN_MAILBOX_DELETE,
    PTN_MAILBOX_RENAME, /* with children; INBOX: its messages move */
    PTN_MAILBOX_SUBSCRIBE,
    PTN_MAILBOX_UNSUBSCRIBE,
};

struct ptn_store_mailbox {
    struct ptn_store_op op;
    enum ptn_mailbox_change change;
    const char *user;
    struct ptn_slice name, new_name;
    unsigned special_use;
};

enum ptn_flag_change {
    PTN_FLAGS_SET,
    PTN_FLAGS_ADD,
    PTN_FLAGS_REMOVE
};

/* UIDs ascending. Messages that are gone are passed over. */
struct ptn_store_flags {
    struct ptn_store_op op;
    struct ptn_mailbox *mailbox;
    const uint32_t *uids;
    size_t count;
    enum ptn_flag_change change;
    uint32_t system_flags;
    const struct ptn_slice *keywords;
    size_t keyword_count;
    uint64_t unchanged_since; /* RFC 7162; UINT64_MAX = no condition */
    uint64_t modseq;          /* out: of this change */
    size_t changed;           /* out */
};

/* Removes those of `uids` that have \Deleted (all that have it when `uids`
 * is NULL). POP3 and MOVE set `any`: flags do not matter. */
struct ptn_store_expunge {
    struct ptn_store_op op;
    struct ptn_mailbox *mailbox;
    const uint32_t *uids;
    size_t count;
    bool any;
    uint64_t modseq; /* out */
    size_t removed;  /* out */
};

/* Copies (or moves) in the order given; all or nothing. out_uids[i] is the
 * new UID of uids[i], 0 when the source message was gone. */
struct ptn_store_copy {
    struct ptn_store_op op;
    struct ptn_mailbox *source;
    const uint32_t *uids;
    size_t count;
    const char *user;
    uint64_t quota;
    struct ptn_slice target; /* mailbox name */
    bool move;
    uint32_t uidvalidity; /* out: the target's */
    uint32_t *out_uids;   /* out: count entries, the caller's */
};

struct ptn_store_ops {
    uint32_t size;

    /* --- reading: loop thread --- */

    /* All mailboxes of a user in name order, INBOX first, with those that
     * are merely subscribed. fn returns false to stop. */
    enum ptn_status (*list)(void *store, const char *user,
                            bool (*fn)(void *arg,
                                       const struct ptn_mailbox_entry *entry),
                            void *arg);
    enum ptn_status (*status)(void *store, const char *user,
                              struct ptn_slice mailbox,
                              struct ptn_mailbox_info *out);
    /* Opens a snapshot: `uids` receives the members. A writable open claims
     * \Recent. The handle stays usable when the mailbox is renamed; when it
     * is deleted all calls answer NOTFOUND. */
    enum ptn_status (*open)(void *store, const char *user,
                            struct ptn_slice mailbox, bool writable,
                            struct ptn_mailbox **out,
                            struct ptn_mailbox_info *info,
                            struct ptn_uidmap *uids);
    void (*close)(void *store, struct ptn_mailbox *mailbox);
    /* The mailbox as it is now. */
    enum ptn_status (*info)(void *store, struct ptn_mailbox *mailbox,
                            struct ptn_mailbox_info *out);
    /* Metadata of `uids` (ascending; those that are gone are passed over),
     * until fn returns false. Keep `count` within some hundreds a call. */
    enum ptn_status (*fetch)(void *store, struct ptn_mailbox *mailbox,
                             const uint32_t *uids, size_t count, unsigned items,
                             bool (*fn)(void *arg,
                                        const struct ptn_message *message),
                             void *arg);
    /* What is other than at `modseq`, for a session that knows `known`.
     * `*now` is the modseq up to which was told. Cheap when nothing is. */
    enum ptn_status (*changes)(void *store, struct ptn_mailbox *mailbox,
                               uint64_t modseq, const struct ptn_uidmap *known,
                               const struct ptn_store_changes *tell,
                               uint64_t *now);

    /* Bodies. A body stays readable while it is open, also when the message
     * is expunged. `read` returns octets (> 0; 0 at the end), or -1 for an
     * I/O error, or -2 (only with `nowait`): the octets are not in memory,
     * call again on a disk lane without it. One thread at a time a body. */
    enum ptn_status (*body_open)(void *store, struct ptn_mailbox *mailbox,
                                 uint32_t uid, struct ptn_body **out,
                                 uint64_t *size);
    ptrdiff_t (*body_read)(void *store, struct ptn_body *body, uint64_t offset,
                           void *into, size_t len, bool nowait);
    void (*body_close)(void *store, struct ptn_body *body);

    /* Calls fn(arg) on the loop after a change by anybody, in this or
     * another process; spurious and merged calls are allowed. */
    struct ptn_store_watch *(*watch)(void *store, struct ptn_mailbox *mailbox,
                                     void (*fn)(void *arg), void *arg);
    void (*unwatch)(void *store, struct ptn_store_watch *watch);

    /* --- operations --- */

    void (*deliver)(void *store, struct ptn_store_deliver *op);
    void (*append)(void *store, struct ptn_store_append *op);
    void (*change)(void *store, struct ptn_store_mailbox *op);
    void (*flags)(void *store, struct ptn_store_flags *op);
    void (*expunge)(void *store, struct ptn_store_expunge *op);
    void (*copy)(void *store, struct ptn_store_copy *op);

    /* Octets of all mail of a user, as its quota counts them; OK with 0 for
     * a user without mail. A reading call; may be absent. */
    enum ptn_status (*usage)(void *store, const char *user, uint64_t *octets);
};

#endif
