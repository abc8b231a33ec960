/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Text in any charset, to UTF-8.
 */
#ifndef PTN_MAIL_CHARSET_H
#define PTN_MAIL_CHARSET_H

#include <postern/buf.h>

#define PTN_CHARSET_NAME_MAX 40 /* octets; longer names are unknown */

/* A conversion that is fed piece by piece. Characters may lie across the
 * borders of pieces. Not thread-safe. */
struct ptn_charset {
    enum {
        PTN_CHARSET_COPY, /* UTF-8 or ASCII, or unknown: as it stands */
        PTN_CHARSET_LATIN1,
        PTN_CHARSET_ICONV,
    } way;
    void *iconv;
    char rest[16]; /* of a character whose end has not come yet */
    size_t rest_len;
};

/* False when the charset is unknown; then text will be taken as it stands.
 * End with ptn_charset_close in both cases. */
bool ptn_charset_open(struct ptn_charset *charset, struct ptn_slice name);
/* Appends `text` in UTF-8; octets that mean nothing become U+FFFD. */
void ptn_charset_convert(struct ptn_charset *charset, struct ptn_slice text,
                         struct ptn_buf *out);
void ptn_charset_close(struct ptn_charset *charset);

#endif
