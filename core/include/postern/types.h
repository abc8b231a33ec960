/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Basic types that every public header uses. Bytes from the wire travel as
 * a pointer and a length, never as a C string.
 */
#ifndef POSTERN_TYPES_H
#define POSTERN_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
#error "Postern modules are written in C"
#endif

/* Marks a function that crosses the ABI; everything else is hidden. */
#define PTN_API __attribute__((visibility("default")))
#define PTN_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define PTN_WARN_UNUSED __attribute__((warn_unused_result))

/* The structure of type `type` whose member `member` is at `ptr`. */
#define PTN_CONTAINER(ptr, type, member)                                       \
    ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define PTN_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Whether a caller's struct (with `size` as its first field) is new enough
 * to have `member`. Structs only ever grow at the end. */
#define PTN_HAS(ptr, type, member)                                             \
    ((ptr)->size >= offsetof(type, member) + sizeof(((type *)0)->member))

/* A borrowed run of bytes. `data` may be NULL only when `len` is 0. It does
 * not own, it is not terminated, it may hold any byte. */
struct ptn_slice {
    const char *data;
    size_t len;
};

#define PTN_SLICE(literal) ((struct ptn_slice){(literal), sizeof(literal) - 1})

/* A C string as a slice, borrowed; NULL is the empty one. */
static inline struct ptn_slice
ptn_slice_of(const char *text)
{
    return (struct ptn_slice){text, text ? strlen(text) : 0};
}

/* `len` bytes from `from` on, all within `s`: that is not checked here. */
static inline struct ptn_slice
ptn_slice_sub(struct ptn_slice s, size_t from, size_t len)
{
    return (struct ptn_slice){s.data ? s.data + from : NULL, len};
}

/* Equal bytes; ptn_slice_caseeq folds ASCII letters only, in any locale. */
PTN_API bool ptn_slice_eq(struct ptn_slice a, struct ptn_slice b);
PTN_API bool ptn_slice_caseeq(struct ptn_slice a, struct ptn_slice b);

/* Decimal digits alone, no sign, no blank: false on anything else, on an
 * empty slice, and on a value above `max`. */
PTN_API bool ptn_slice_to_u64(struct ptn_slice s, uint64_t max, uint64_t *out);

/* What a provider answers. Replies hang on it: TEMPFAIL becomes 4xx or a
 * [UNAVAILABLE] that invites another try, PERMFAIL 5xx or a plain NO. */
enum ptn_status {
    PTN_OK = 0,
    PTN_NOTFOUND,
    PTN_DENIED,
    PTN_TEMPFAIL,
    PTN_PERMFAIL,
    PTN_UNSUPPORTED,
    PTN_EXISTS,     /* the name to be made is there already */
    PTN_OVERQUOTA,  /* the user's quota would be exceeded */
    PTN_LIMIT,      /* a named limit of the provider would be exceeded */
    PTN_WOULDBLOCK, /* only where a call was asked not to block */
};

#endif
