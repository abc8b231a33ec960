/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * UTF-8 (RFC 3629): one code point at a time.
 */
#ifndef PTN_MAIL_UTF8_H
#define PTN_MAIL_UTF8_H

#include <postern/buf.h>

#define PTN_UTF8_REPLACEMENT 0xfffdu

/* Reads the code point at the beginning of `text` (len > 0). Returns its
 * octets (1..4), or 0 when they are not well-formed: overlong, a surrogate,
 * beyond U+10FFFF, or cut. */
size_t ptn_utf8_read(const char *text, size_t len, uint32_t *code);

/* Writes a code point; returns its octets. `out` has room for four. */
size_t ptn_utf8_write(uint32_t code, char *out);

void ptn_utf8_add(struct ptn_buf *out, uint32_t code);

#endif
