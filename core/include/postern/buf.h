/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A growable run of bytes. It is the type of every output queue and of
 * everything that is put together piece by piece. Appending never fails: a
 * process that is out of memory ends (the limits on what a peer can make
 * grow are enforced before, by name). Not thread-safe.
 */
#ifndef POSTERN_BUF_H
#define POSTERN_BUF_H

#include <postern/types.h>
#include <stdarg.h>

struct ptn_buf {
    char *data; /* owned; NULL while cap is 0 */
    size_t len; /* bytes in use */
    size_t cap; /* bytes allocated */
};

#define PTN_BUF_INIT ((struct ptn_buf){NULL, 0, 0})

PTN_API void ptn_buf_free(struct ptn_buf *b); /* leaves PTN_BUF_INIT */

/* Room for `more` further bytes; returns where they go. The pointer holds
 * until the next call on `b`. Follow with `b->len += n`. */
PTN_API char *ptn_buf_reserve(struct ptn_buf *b, size_t more);

PTN_API void ptn_buf_add(struct ptn_buf *b, const void *data, size_t len);
PTN_API void ptn_buf_addc(struct ptn_buf *b, char c);
PTN_API void ptn_buf_adds(struct ptn_buf *b, const char *text);
PTN_API void ptn_buf_addslice(struct ptn_buf *b, struct ptn_slice s);
PTN_API void ptn_buf_addu64(struct ptn_buf *b, uint64_t value); /* decimal */
PTN_API void ptn_buf_printf(struct ptn_buf *b, const char *fmt, ...)
    PTN_PRINTF(2, 3);
PTN_API void ptn_buf_vprintf(struct ptn_buf *b, const char *fmt, va_list ap)
    PTN_PRINTF(2, 0);

/* Drops `n` bytes from the front (n <= len). */
PTN_API void ptn_buf_consume(struct ptn_buf *b, size_t n);

/* A terminated view of the content; the NUL is not counted in len. */
PTN_API const char *ptn_buf_cstr(struct ptn_buf *b);

/* What is in it, borrowed: valid until it changes. */
static inline struct ptn_slice
ptn_buf_slice(const struct ptn_buf *b)
{
    return (struct ptn_slice){b->data, b->len};
}

/* Base64 of RFC 4648 section 4, strict: padding required, nothing after
 * it, no line breaks. Decoding returns false and leaves `out` unchanged on
 * malformed input. */
PTN_API void ptn_base64_encode(struct ptn_buf *out, struct ptn_slice in);
PTN_API bool ptn_base64_decode(struct ptn_buf *out, struct ptn_slice in);

/* Overwrites memory in a way that the compiler keeps. */
PTN_API void ptn_wipe(void *data, size_t len);

#endif
