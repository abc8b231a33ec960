/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Writing JSON (RFC 8259). What is not UTF-8 becomes U+FFFD, so that every
 * text is a valid one. The order of calls is the caller's business: an
 * object's values have a key, an array's have NULL.
 */
#ifndef PTN_BASE_JSON_H
#define PTN_BASE_JSON_H

#include <postern/buf.h>

struct ptn_json {
    struct ptn_buf *out; /* is appended to */
    bool comma;          /* a value stands before the next one */
};

#define PTN_JSON_INIT(buf) ((struct ptn_json){(buf), false})

PTN_API void ptn_json_object(struct ptn_json *j, const char *key);
PTN_API void ptn_json_end_object(struct ptn_json *j);
PTN_API void ptn_json_array(struct ptn_json *j, const char *key);
PTN_API void ptn_json_end_array(struct ptn_json *j);
PTN_API void ptn_json_text(struct ptn_json *j, const char *key,
                           struct ptn_slice text);
PTN_API void ptn_json_number(struct ptn_json *j, const char *key,
                             int64_t number);
/* A number as it is written already. */
PTN_API void ptn_json_raw(struct ptn_json *j, const char *key,
                          const char *number);
PTN_API void ptn_json_bool(struct ptn_json *j, const char *key, bool value);
PTN_API void ptn_json_null(struct ptn_json *j, const char *key);

/* Takes the first character off `in`, which is not empty, and writes how it
 * stands in a string; answers the length of that. */
#define PTN_JSON_CHAR_MAX 6
size_t ptn_json_char(struct ptn_slice *in, char out[PTN_JSON_CHAR_MAX]);

#endif
