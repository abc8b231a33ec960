/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading records. Nothing on disk is believed before its checksum was
 * compared, and no length before it was held against the file's. Any thread
 * (a record belongs to its caller).
 */
#include "record.h"

#include "crc.h"
#include "txn.h"

#include <errno.h>
#include <unistd.h>

#define WINDOW (256u * 1024)

void
vault_record_free(struct vault_record *r)
{
    ptn_buf_free(&r->facts);
    ptn_buf_free(&r->window);
}

static uint64_t
padded(uint64_t len)
{
    return (len + 7) & ~(uint64_t)7;
}

uint64_t
vault_record_size(const struct vault_record_head *head)
{
    return sizeof(*head) + padded(head->data_len) + head->facts_len;
}

static bool
read_at(int fd, void *into, size_t len, uint64_t at)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n =
            pread(fd, (char *)into + done, len - done, (off_t)(at + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n < 0 ? errno : ENODATA;
            return false;
        }
        done += (size_t)n;
    }
    return true;
}

static bool
head_valid(const struct vault_record_head *h, uint32_t seed)
{
    return h->magic == VAULT_RECORD_MAGIC && h->facts_len % 8 == 0 &&
           h->facts_len > 0 &&
           h->crc ==
               vault_crc(seed, h, offsetof(struct vault_record_head, crc));
}

static bool
fits(const struct vault_record_head *h, uint64_t at, uint64_t size)
{
    uint64_t room = size - at - sizeof(*h);

    return h->facts_len <= VAULT_FACTS_MAX && h->facts_len <= room &&
           h->data_len <= room - h->facts_len &&
           padded(h->data_len) <= room - h->facts_len;
}

static bool
facts_valid(const struct vault_record *r)
{
    size_t at = 0;

    while (at < r->facts.len) {
        const struct vault_fact *f = (const void *)(r->facts.data + at);

        if (!vault_fact_valid(f, r->facts.len - at) || f->len == 0)
            return false;
        at += f->len;
    }
    return true;
}

static enum vault_found
check_data(int fd, struct vault_record *r)
{
    uint64_t at = r->at + sizeof(r->head), left = r->head.data_len;
    uint32_t crc = 0;
    char *window;

    r->window.len = 0;
    window = ptn_buf_reserve(&r->window, WINDOW);
    while (left > 0) {
        size_t n = left < WINDOW ? (size_t)left : WINDOW;

        if (!read_at(fd, window, n, at))
            return VAULT_RECORD_ERROR;
        crc = vault_crc(crc, window, n);
        at += n;
        left -= n;
    }
    return crc == r->head.data_crc ? VAULT_RECORD_OK
                                   : VAULT_RECORD_DAMAGED_DATA;
}

enum vault_found
vault_record_read(int fd, uint64_t at, uint64_t size, bool with_data,
                  struct vault_record *out)
{
    struct vault_record_head *h = &out->head;

    out->at = at;
    if (at > size || size - at < sizeof(*h))
        return VAULT_RECORD_NONE;
    if (!read_at(fd, h, sizeof(*h), at))
        return VAULT_RECORD_ERROR;
    if (!head_valid(h, out->seed) || !fits(h, at, size))
        return VAULT_RECORD_NONE;
    out->facts.len = 0;
    ptn_buf_reserve(&out->facts, h->facts_len);
    if (!read_at(fd, out->facts.data, h->facts_len,
                 at + sizeof(*h) + padded(h->data_len)))
        return VAULT_RECORD_ERROR;
    out->facts.len = h->facts_len;
    if (vault_crc(0, out->facts.data, out->facts.len) != h->facts_crc ||
        !facts_valid(out))
        return VAULT_RECORD_NONE;
    return with_data ? check_data(fd, out) : VAULT_RECORD_OK;
}

/* Looks through one window; `len` octets of it are there. */
static bool
search_window(struct ptn_slice window, uint32_t seed, const uint64_t range[2],
              size_t *at)
{
    struct vault_record_head h;

    for (*at = 0; *at + sizeof(h) <= window.len; *at += 8) {
        uint32_t magic;

        memcpy(&magic, window.data + *at, sizeof(magic));
        if (magic != VAULT_RECORD_MAGIC)
            continue;
        memcpy(&h, window.data + *at, sizeof(h));
        if (head_valid(&h, seed) && h.seq >= range[0] && h.seq <= range[1])
            return true;
    }
    return false;
}

uint64_t
vault_record_search(const struct vault *v, int fd, uint64_t at,
                    const uint64_t range[2])
{
    struct ptn_buf buf = PTN_BUF_INIT;
    char *window = ptn_buf_reserve(&buf, WINDOW);
    uint64_t found = 0;
    size_t in_window;
    ssize_t n;

    at = padded(at);
    while ((n = pread(fd, window, WINDOW, (off_t)at)) >=
           (ssize_t)sizeof(struct vault_record_head)) {
        if (search_window((struct ptn_slice){window, (size_t)n}, v->seed, range,
                          &in_window)) {
            found = at + in_window;
            break;
        }
        /* The last octets may be the beginning of a head. */
        at += in_window;
    }
    ptn_buf_free(&buf);
    return found;
}

const struct vault_fact *
vault_record_fact(const struct vault_record *r, const struct vault_fact *last)
{
    const char *next = last ? (const char *)last + last->len : r->facts.data;

    return next < r->facts.data + r->facts.len ? (const void *)next : NULL;
}
