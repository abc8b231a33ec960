/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Message flags. System flags (RFC 3501 section 2.3.2) are the low bits;
 * keywords are bits of a mailbox's own table, in order of first use.
 */
#ifndef POSTERN_MAIL_FLAGS_H
#define POSTERN_MAIL_FLAGS_H

#include <postern/types.h>

enum ptn_flag {
    PTN_FLAG_ANSWERED = 1 << 0,
    PTN_FLAG_FLAGGED = 1 << 1,
    PTN_FLAG_DELETED = 1 << 2,
    PTN_FLAG_SEEN = 1 << 3,
    PTN_FLAG_DRAFT = 1 << 4,
};

#define PTN_KEYWORDS_MAX 64     /* a mailbox; one more is refused */
#define PTN_KEYWORD_LEN_MAX 100 /* octets of one keyword */

struct ptn_flags {
    uint64_t keywords; /* bit n: the mailbox's keyword number n */
    uint32_t system;   /* enum ptn_flag */
};

/* System flag bit of "\Seen" and so on, letter case ignored; 0 if none. */
PTN_API uint32_t ptn_flag_parse(struct ptn_slice name);
/* "\Seen" for one bit; NULL for anything else. */
PTN_API const char *ptn_flag_name(uint32_t bit);
/* Whether `name` is an atom that may be a keyword (RFC 9051 "flag-keyword"). */
PTN_API bool ptn_keyword_valid(struct ptn_slice name);

#endif
