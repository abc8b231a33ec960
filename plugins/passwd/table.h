/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An index over a text file of keyed lines: an open hash of (hash, offset),
 * eight octets a slot. The lines stay in the file and are read when asked
 * for, so that a million users cost 16 MB and the page cache keeps the
 * rest. Once built it never changes; any thread may read it.
 */
#ifndef PASSWD_TABLE_H
#define PASSWD_TABLE_H

#include <postern/buf.h>
#include <postern/error.h>
#include <sys/stat.h>

#define PASSWD_LINE_MAX 32768       /* octets of a line */
#define PASSWD_FILE_MAX 0xfffffff0u /* octets of a file */

/* What the lines of a file are. */
struct passwd_kind {
    const char *what; /* for logs: "users" */
    bool secret;      /* nobody else should be able to read it */
    /* The line's key into `out` (PTN_USER_NAME_MAX + 1), its length; 0 with
     * `*why` when it is malformed. `full`: check all of it, not the key
     * alone. */
    size_t (*key)(void *arg, struct ptn_slice line, bool full, char *out,
                  const char **why);
    /* May be NULL. What is to be counted of the good line: bits
     * 1 << PASSWD_NOTE_... */
    unsigned (*note)(struct ptn_slice line);
};

enum {
    PASSWD_NOTE_EXPOSED,   /* users: a secret stands there */
    PASSWD_NOTE_NO_SHA256, /* secrets: the account has no such verifier */
    PASSWD_NOTE_NO_SHA1,
    PASSWD_NOTES,
};

struct passwd_slot {
    uint32_t tag;    /* half of the key's hash */
    uint32_t offset; /* of the line, plus one; 0 = free */
};

struct passwd_table {
    _Atomic unsigned refs;
    int fd; /* -1: there is no such file, the table is empty */
    const struct passwd_kind *kind;
    void *kind_arg;
    struct stat stamp; /* of the file as it was read */
    struct passwd_slot *slots;
    uint32_t mask, count, bad;    /* slots - 1, keys, lines skipped */
    uint32_t notes[PASSWD_NOTES]; /* lines with each */
    uint32_t first;               /* offset of the first good line */
};

/* Reads `path` and indexes it. Malformed and repeated lines are logged with
 * file and line, and skipped. NULL with `err` when it cannot be read; a file
 * that does not exist is an empty table. */
struct passwd_table *passwd_table_open(const char *path,
                                       const struct passwd_kind *kind,
                                       void *kind_arg, struct ptn_error *err);
struct passwd_table *passwd_table_ref(struct passwd_table *t);
void passwd_table_unref(struct passwd_table *t);

/* Appends the line with `key` to `line`. OK, NOTFOUND, TEMPFAIL (the file
 * cannot be read); WOULDBLOCK only when `block` is false. */
enum ptn_status passwd_table_find(const struct passwd_table *t,
                                  struct ptn_slice key, bool block,
                                  struct ptn_buf *line);
/* The line at `offset`, with the same answers. */
enum ptn_status passwd_table_line(const struct passwd_table *t, uint32_t offset,
                                  bool block, struct ptn_buf *line);

/* Calls fn for each indexed line in file order until it returns false. */
enum ptn_status passwd_table_each(const struct passwd_table *t,
                                  bool (*fn)(void *arg, struct ptn_slice line),
                                  void *arg);

#endif
