/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SMTP paths (RFC 5321 section 4.1.2) and mailbox names of IMAP.
 */
#ifndef POSTERN_MAIL_ADDRESS_H
#define POSTERN_MAIL_ADDRESS_H

#include <postern/buf.h>
#include <postern/types.h>

#define PTN_LOCAL_PART_MAX 64 /* RFC 5321 section 4.5.3.1.1 */
#define PTN_DOMAIN_MAX 255    /* RFC 5321 section 4.5.3.1.2 */
#define PTN_PATH_MAX 256      /* RFC 5321 section 4.5.3.1.3 */

struct ptn_path {
    struct ptn_slice local;  /* as it stands, quotes included */
    struct ptn_slice domain; /* as it stands; may be an address literal */
    bool null;               /* "<>" */
    bool utf8;               /* needs SMTPUTF8 (RFC 6531): refuse it where
                                that was not asked for */
};

/* Reads "<local@domain>" at the beginning of `text`; source routes are
 * skipped (RFC 5321 appendix C). `*used` octets were read. False on syntax
 * errors and on parts that are too long. "<Postmaster>" has an empty
 * domain. What lies behind the ">" is the caller's to judge. */
PTN_API bool ptn_path_parse(struct ptn_slice text, struct ptn_path *out,
                            size_t *used);

/* "local@domain" with the domain in lower case and needless quotes gone;
 * nothing for the null path. */
PTN_API void ptn_path_format(const struct ptn_path *path, struct ptn_buf *out);

/* Modified UTF-7 (RFC 3501 section 5.1.3) to and from UTF-8. Decoding is
 * strict: false on anything not canonical, with `out` unchanged. Encoding
 * writes U+FFFD for what is not UTF-8. */
PTN_API bool ptn_mutf7_decode(struct ptn_slice in, struct ptn_buf *out);
PTN_API void ptn_mutf7_encode(struct ptn_slice utf8, struct ptn_buf *out);

/* Whether a name can be a mailbox: UTF-8, 1..PTN_MAILBOX_NAME_MAX octets, at
 * most PTN_MAILBOX_DEPTH_MAX levels, no control characters, no empty level,
 * no "." or ".." level, no "*" or "%". */
PTN_API bool ptn_mailbox_name_valid(struct ptn_slice name);

/* IMAP LIST pattern: '*' any, '%' any but '/'. INBOX in any case. Its cost
 * is the product of both lengths at most, whatever the pattern. */
PTN_API bool ptn_mailbox_name_match(struct ptn_slice pattern,
                                    struct ptn_slice name);

/* Whether the text is UTF-8 (RFC 3629): no overlong form, no surrogate. */
PTN_API bool ptn_utf8_valid(struct ptn_slice text);

#endif
