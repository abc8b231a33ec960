/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the vault writes to disk: the log, which is the truth, and the values
 * of the index, which can always be made again from the log.
 *
 *   segment  = head, record, record, ...        segments/NNNNNNNN.log
 *   record   = head, data (padded), facts       one operation, atomic
 *   fact     = head, fixed part, bytes          "this is so from now on"
 *
 * A record's data is the octets of at most one message. Its facts say what
 * the operation made true: a message is there, has these flags, is gone.
 * They say the result, never the request, so that they can be applied in log
 * order without knowing anything else: that is how operations change the
 * index (apply.c), how the index is rebuilt (recover.c), and why compaction
 * may move what still holds to the log's end (compact.c).
 *
 * Numbers are in the machine's own byte order; a segment's head has a mark,
 * and a log of the other order is refused. Everything is a multiple of eight
 * octets long and has no implicit padding.
 */
#ifndef VAULT_FORMAT_H
#define VAULT_FORMAT_H

#include <assert.h>
#include <stdint.h>

#define VAULT_FORMAT_VERSION 1 /* of the log */
#define VAULT_INDEX_VERSION 1
#define VAULT_ORDER_MARK 0x01020304u
#define VAULT_SEGMENT_MAGIC 0x3147455354564e50u /* "PNVTSEG1" */
#define VAULT_RECORD_MAGIC 0x31524350u          /* "PCR1" */

struct vault_segment_head {
    uint64_t magic;
    uint32_t order; /* VAULT_ORDER_MARK */
    uint32_t version;
    uint64_t store;   /* random, the same in all segments of a store */
    int64_t created;  /* when the store was, seconds since 1970 */
    uint64_t seq;     /* of the first record; the previous segment ends
                         before it, whatever bytes follow there */
    uint32_t segment; /* its number, from 1 */
    uint32_t chain;   /* `crc` of the record before the first */
    uint32_t spare;
    uint32_t crc; /* of all before */
};

/* `chain` ties a record to the one before: a left-over of a commit that was
 * never finished can be intact, but never follows what overwrote it. */
struct vault_record_head {
    uint32_t magic;
    uint32_t chain; /* `crc` of the record before */
    uint64_t seq;
    uint64_t data_len; /* without padding */
    uint32_t facts_len;
    uint32_t data_crc; /* CRC-32C */
    uint32_t facts_crc;
    uint32_t crc; /* of all before, seeded with the store's number: what a
                     peer sends as a message cannot pass for a record */
};

enum vault_fact_type {
    VAULT_FACT_USER = 1,
    VAULT_FACT_BOX,
    VAULT_FACT_BOX_GONE,
    VAULT_FACT_NAME,
    VAULT_FACT_KEYWORD,
    VAULT_FACT_CONTENT,
    VAULT_FACT_MESSAGE,
    VAULT_FACT_FLAGS,
    VAULT_FACT_GONE,
    VAULT_FACT_SEGMENT_GONE,
};

struct vault_fact {
    uint32_t len; /* of the whole fact with its padding */
    uint16_t type;
    uint16_t spare;
};

struct vault_fact_user {
    struct vault_fact head;
    uint32_t user;
    uint32_t name_len;
    char name[];
};

struct vault_fact_box {
    struct vault_fact head;
    uint32_t box;
    uint32_t user;
    uint32_t uidvalidity;
    uint32_t uidnext;
    uint64_t modseq;
};

struct vault_fact_box_gone {
    struct vault_fact head;
    uint32_t box;
    uint32_t spare;
};

/* A name with box 0 and not subscribed is not there any more. */
struct vault_fact_name {
    struct vault_fact head;
    uint32_t user;
    uint32_t box; /* 0: no mailbox of this name, merely a subscription */
    uint32_t use; /* enum ptn_special_use */
    uint16_t subscribed;
    uint16_t name_len;
    char name[];
};

struct vault_fact_keyword {
    struct vault_fact head;
    uint32_t box;
    uint16_t number; /* its bit */
    uint16_t name_len;
    char name[];
};

/* The record's data is this content. Envelope, structure and parts follow,
 * one after the other. */
struct vault_fact_content {
    struct vault_fact head;
    uint64_t content;
    uint32_t envelope_len;
    uint32_t structure_len;
    uint32_t parts_len;
    uint32_t spare;
    char bytes[];
};

struct vault_message {
    uint64_t content;
    uint64_t modseq;
    uint64_t keywords;
    uint64_t size;
    int64_t internal_date;
    int64_t save_date;
    uint32_t system;
    int32_t zone;
};

struct vault_fact_message {
    struct vault_fact head;
    uint32_t box;
    uint32_t uid;
    struct vault_message message;
};

struct vault_fact_flags {
    struct vault_fact head;
    uint32_t box;
    uint32_t uid;
    uint64_t modseq;
    uint64_t keywords;
    uint32_t system;
    uint32_t spare;
};

/* The UIDs first..last are gone, those of them that were there. */
struct vault_fact_gone {
    struct vault_fact head;
    uint64_t modseq;
    uint32_t box;
    uint32_t first;
    uint32_t last;
    uint32_t spare;
};

struct vault_fact_segment_gone {
    struct vault_fact head;
    uint32_t segment;
    uint32_t spare;
};

/* --- values of the index (keys: index.h) --- */

/* Where the log ends and what number is next. */
struct vault_state {
    uint64_t store;
    int64_t created;
    uint64_t offset; /* the end of the log in `segment` */
    uint64_t seq;    /* of the next record */
    uint64_t next_content;
    uint32_t segment;
    uint32_t chain;
    uint32_t next_user;
    uint32_t next_box;
    uint32_t uidvalidity; /* the last that was given */
    uint32_t version;     /* of the index: another is made again */
};

struct vault_user {
    uint64_t usage; /* octets of all messages */
    uint32_t boxes;
    uint32_t spare;
};

struct vault_box {
    uint64_t size;
    uint64_t modseq;
    uint32_t user;
    uint32_t uidvalidity; /* 0: known from its messages alone (recovery) */
    uint32_t uidnext;
    uint32_t messages;
    uint32_t unseen;
    uint32_t deleted;
    uint32_t recent_from; /* not in the log: a hint, never a promise */
    uint32_t keywords;    /* how many */
};

struct vault_name {
    uint32_t box;
    uint32_t use;
    uint32_t subscribed;
};

struct vault_place {
    uint64_t offset; /* of the first octet of data */
    uint64_t length;
    uint32_t segment; /* 0: not known yet (recovery) */
    uint32_t refs;    /* messages that have this content */
    uint32_t facts;   /* octets of facts that go with it, about */
    uint32_t spare;
};

/* Followed by envelope, structure and parts. */
struct vault_meta {
    uint32_t envelope_len;
    uint32_t structure_len;
    uint32_t parts_len;
};

/* What compaction goes by. */
struct vault_segment {
    uint64_t end;     /* octets in use */
    uint64_t live;    /* octets of contents that are referred to */
    uint64_t carried; /* octets that an earlier compaction moved here */
};

static_assert(sizeof(struct vault_segment_head) == 56, "no padding");
static_assert(sizeof(struct vault_record_head) == 40, "no padding");
static_assert(sizeof(struct vault_message) == 56, "no padding");
static_assert(sizeof(struct vault_fact_message) == 72, "no padding");
static_assert(sizeof(struct vault_fact_name) == 24, "no padding");

#endif
