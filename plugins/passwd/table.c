/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Builds and reads an index. Invariants: at least a quarter of the slots is
 * free, so a search ends; a slot's offset is that of a line that was good
 * when it was read. Should somebody change the file in place, a line is
 * understood anew each time and its key compared, so the worst is a name
 * not found until the index is made again, which file.c does within a
 * second. Building is one thread's, then it is constant.
 */
#include "table.h"
#include "entry.h"
#include "reader.h"
#include <errno.h>
#include <fcntl.h>
#include <postern/arena.h>
#include <postern/directory.h>
#include <postern/log.h>
#include <stdatomic.h>
#include <sys/uio.h>
#include <unistd.h>

#define LINE_GUESS 512 /* octets read for a line at first */
#define LOGGED_MAX 20  /* malformed lines told one by one */

/* FNV-1a, then a finish that spreads it over all bits. */
static uint64_t
hash_of(struct ptn_slice key)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < key.len; i++)
        h = (h ^ (unsigned char)key.data[i]) * 0x100000001b3u;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return h ^ (h >> 32);
}

/* One read of up to `cap` octets; -2 when it would have to wait. */
static ssize_t
read_at(int fd, char *into, size_t cap, uint64_t offset, bool block)
{
    struct iovec v = {into, cap};
    ssize_t n;
    do {
        n = block ? pread(fd, into, cap, (off_t)offset)
                  : preadv2(fd, &v, 1, (off_t)offset, RWF_NOWAIT);
    } while (n < 0 && errno == EINTR);
    return n < 0 && !block ? -2 : n;
}

enum ptn_status
passwd_table_line(const struct passwd_table *t, uint32_t offset, bool block,
                  struct ptn_buf *line)
{
    size_t start = line->len, want = LINE_GUESS;
    for (;;) {
        size_t have = line->len - start;
        char *into = ptn_buf_reserve(line, want);
        ssize_t n = read_at(t->fd, into, want, offset + have, block);
        if (n < 0) {
            line->len = start;
            return n == -2 ? PTN_WOULDBLOCK : PTN_TEMPFAIL;
        }
        const char *newline = n ? memchr(into, '\n', (size_t)n) : NULL;
        line->len += newline ? (size_t)(newline - into) : (size_t)n;
        if (newline || n == 0)
            return PTN_OK;
        if (line->len - start > PASSWD_LINE_MAX)
            return PTN_TEMPFAIL;
        want = PASSWD_LINE_MAX;
    }
}

/* Whether the line at `offset` has this key; the line is in `line` then. */
static enum ptn_status
match(const struct passwd_table *t, uint32_t offset, struct ptn_slice key,
      bool block, struct ptn_buf *line)
{
    char name[PTN_USER_NAME_MAX + 1];
    const char *why;
    size_t start = line->len;
    enum ptn_status status = passwd_table_line(t, offset, block, line);
    if (status != PTN_OK)
        return status;
    struct ptn_slice text =
        ptn_slice_sub(ptn_buf_slice(line), start, line->len - start);
    size_t n = t->kind->key(t->kind_arg, text, false, name, &why);
    if (n > 0 && ptn_slice_eq((struct ptn_slice){name, n}, key))
        return PTN_OK;
    ptn_wipe(line->data + start, line->len - start);
    line->len = start;
    return PTN_NOTFOUND;
}

enum ptn_status
passwd_table_find(const struct passwd_table *t, struct ptn_slice key,
                  bool block, struct ptn_buf *line)
{
    if (t->count == 0)
        return PTN_NOTFOUND;
    uint64_t h = hash_of(key);
    uint32_t tag = (uint32_t)(h >> 32), at = (uint32_t)h & t->mask;
    for (; t->slots[at].offset; at = (at + 1) & t->mask) {
        if (t->slots[at].tag != tag)
            continue;
        enum ptn_status status =
            match(t, t->slots[at].offset - 1, key, block, line);
        if (status != PTN_NOTFOUND)
            return status;
    }
    return PTN_NOTFOUND;
}

static void
put(struct passwd_slot *slots, uint32_t mask, struct passwd_slot slot,
    uint32_t from)
{
    uint32_t at = from & mask;
    while (slots[at].offset)
        at = (at + 1) & mask;
    slots[at] = slot;
}

/* Sizes the table once, from the number of lines. Growing it later would
 * need all of the keys again, since a slot keeps half of a hash. */
static int
size_slots(struct passwd_table *t, struct ptn_error *err, const char *path)
{
    struct passwd_reader r;
    int more;
    uint32_t lines = 0;
    passwd_reader_init(&r, t->fd, PASSWD_LINE_MAX);
    while ((more = passwd_reader_next(&r)) > 0)
        lines++;
    passwd_reader_deinit(&r);
    if (more < 0)
        return ptn_error_errno(err, "cannot read %s", path);
    uint32_t slots = 8;
    while (slots - slots / 4 <= lines)
        slots *= 2;
    t->slots = ptn_alloc(slots * sizeof(*t->slots));
    t->mask = slots - 1;
    return 0;
}

/* A bad line is told with its place, the first few of a file. */
static void
complain(struct passwd_table *t, const char *path, int number, const char *why)
{
    if (t->bad++ >= LOGGED_MAX)
        return;
    struct ptn_error err = PTN_ERROR_INIT;
    ptn_error_set(&err, PTN_ERR_CONFIG, "line skipped: %s", why);
    err.file = path;
    err.line = number;
    ptn_log_error(PTN_LOG_WARNING, "passwd.line", &err);
}

static const char *
add_line(struct passwd_table *t, const struct passwd_reader *r)
{
    char name[PTN_USER_NAME_MAX + 1];
    const char *why = "malformed";
    if (r->overlong)
        return "the line is too long";
    size_t n = t->kind->key(t->kind_arg, r->line, true, name, &why);
    if (n == 0)
        return why;
    struct ptn_slice key = {name, n};
    struct ptn_buf line = PTN_BUF_INIT;
    enum ptn_status known = passwd_table_find(t, key, true, &line);
    if (line.data)
        ptn_wipe(line.data, line.cap);
    ptn_buf_free(&line);
    if (known != PTN_NOTFOUND)
        return "the name was there before";
    uint64_t h = hash_of(key);
    struct passwd_slot slot = {(uint32_t)(h >> 32),
                               (uint32_t)r->line_offset + 1};
    put(t->slots, t->mask, slot, (uint32_t)h);
    if (t->count++ == 0)
        t->first = (uint32_t)r->line_offset;
    unsigned notes = t->kind->note ? t->kind->note(r->line) : 0;
    for (unsigned i = 0; i < PASSWD_NOTES; i++)
        t->notes[i] += notes >> i & 1;
    return NULL;
}

static int
build(struct passwd_table *t, const char *path, struct ptn_error *err)
{
    struct passwd_reader r;
    int more;
    if (size_slots(t, err, path) < 0)
        return -1;
    passwd_reader_init(&r, t->fd, PASSWD_LINE_MAX);
    while ((more = passwd_reader_next(&r)) > 0) {
        /* A file that grew meanwhile: its stamp says so, and it is read
         * again soon. */
        if (t->count >= t->mask - t->mask / 4)
            break;
        if (!r.overlong && passwd_line_is_void(r.line))
            continue;
        const char *why = add_line(t, &r);
        if (why)
            complain(t, path, r.number, why);
    }
    passwd_reader_deinit(&r);
    if (more < 0)
        return ptn_error_errno(err, "cannot read %s", path);
    return 0;
}

/* Opens the file; fd -1 and 0 when there is none. */
static int
open_file(struct passwd_table *t, const char *path, struct ptn_error *err)
{
    t->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (t->fd < 0 && errno == ENOENT)
        return 0;
    if (t->fd < 0 || fstat(t->fd, &t->stamp) < 0)
        return ptn_error_errno(err, "cannot open %s", path);
    if (!S_ISREG(t->stamp.st_mode))
        return ptn_error_set(err, PTN_ERR_CONFIG, "%s is no regular file",
                             path);
    if ((uint64_t)t->stamp.st_size > PASSWD_FILE_MAX)
        return ptn_error_set(err, PTN_ERR_LIMIT, "%s is over 4 GiB", path);
    if (t->kind->secret && (t->stamp.st_mode & 077))
        ptn_log(PTN_LOG_WARNING, "passwd.readable", PTN_FS("file", path),
                PTN_FS("advice", "chmod 600"));
    return 0;
}

struct passwd_table *
passwd_table_open(const char *path, const struct passwd_kind *kind,
                  void *kind_arg, struct ptn_error *err)
{
    struct passwd_table *t = ptn_alloc(sizeof(*t));
    atomic_init(&t->refs, 1);
    t->fd = -1;
    t->kind = kind;
    t->kind_arg = kind_arg;
    if (open_file(t, path, err) < 0 ||
        (t->fd >= 0 && build(t, path, err) < 0)) {
        passwd_table_unref(t);
        return NULL;
    }
    if (t->bad > LOGGED_MAX)
        ptn_log(PTN_LOG_WARNING, "passwd.lines-skipped", PTN_FS("file", path),
                PTN_FN("count", t->bad));
    return t;
}

struct passwd_table *
passwd_table_ref(struct passwd_table *t)
{
    atomic_fetch_add(&t->refs, 1);
    return t;
}

void
passwd_table_unref(struct passwd_table *t)
{
    if (!t || atomic_fetch_sub(&t->refs, 1) > 1)
        return;
    if (t->fd >= 0)
        close(t->fd);
    ptn_free(t->slots);
    ptn_free(t);
}

/* Whether the index says that `key` is the line at `offset`. */
static bool
is_indexed(const struct passwd_table *t, struct ptn_slice key, uint32_t offset)
{
    uint32_t at = (uint32_t)hash_of(key) & t->mask;
    for (; t->slots[at].offset; at = (at + 1) & t->mask)
        if (t->slots[at].offset == offset + 1)
            return true;
    return false;
}

enum ptn_status
passwd_table_each(const struct passwd_table *t,
                  bool (*fn)(void *arg, struct ptn_slice line), void *arg)
{
    struct passwd_reader r;
    char name[PTN_USER_NAME_MAX + 1];
    const char *why;
    int more;
    if (t->count == 0)
        return PTN_OK;
    passwd_reader_init(&r, t->fd, PASSWD_LINE_MAX);
    while ((more = passwd_reader_next(&r)) > 0) {
        if (r.overlong || passwd_line_is_void(r.line))
            continue;
        size_t n = t->kind->key(t->kind_arg, r.line, false, name, &why);
        if (n > 0 &&
            is_indexed(t, (struct ptn_slice){name, n},
                       (uint32_t)r.line_offset) &&
            !fn(arg, r.line))
            break;
    }
    passwd_reader_deinit(&r);
    return more < 0 ? PTN_TEMPFAIL : PTN_OK;
}
