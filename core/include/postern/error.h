/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Errors of the environment: returned, never logged by the one who finds
 * them. Whoever handles an error logs it, once. A programmer's error is an
 * assert that stays on; a peer's error is a reply.
 */
#ifndef POSTERN_ERROR_H
#define POSTERN_ERROR_H

#include <postern/types.h>

#define PTN_ERROR_TEXT_MAX 384

enum ptn_error_code {
    PTN_ERR_NONE = 0,
    PTN_ERR_SYSTEM,  /* errno holds more; `number` keeps it */
    PTN_ERR_CONFIG,  /* the operator's files say something impossible */
    PTN_ERR_MODULE,  /* a module is missing, alien or unfit */
    PTN_ERR_TLS,     /* keys, certificates, handshakes */
    PTN_ERR_STORE,   /* the store's data or files */
    PTN_ERR_LIMIT,   /* a named limit was reached */
    PTN_ERR_INVALID, /* an argument from outside is malformed */
    PTN_ERR_LOCKED,  /* a key is encrypted, and its passphrase not known */
};

/* Caller-owned, usually on the stack; no allocation. `text` is one sentence
 * without a newline that says what is wrong and what to do. */
struct ptn_error {
    enum ptn_error_code code;
    int number;       /* errno or a library's own code, 0 if none */
    const char *file; /* the operator's file it is about, or NULL */
    int line;         /* its line, 0 if unknown */
    char text[PTN_ERROR_TEXT_MAX];
};

#define PTN_ERROR_INIT ((struct ptn_error){.code = PTN_ERR_NONE})

/* Fills `err` (NULL is allowed) and returns -1, so that a function can
 * `return ptn_error_set(err, ...)`. Overlong text is cut. */
PTN_API int ptn_error_set(struct ptn_error *err, enum ptn_error_code code,
                          const char *fmt, ...) PTN_PRINTF(3, 4);

/* The same with ": " and strerror(errno) appended, `number` = errno. */
PTN_API int ptn_error_errno(struct ptn_error *err, const char *fmt, ...)
    PTN_PRINTF(2, 3);

/* Puts "prefix: " before the text that is there; returns -1. */
PTN_API int ptn_error_prefix(struct ptn_error *err, const char *fmt, ...)
    PTN_PRINTF(2, 3);

#endif
