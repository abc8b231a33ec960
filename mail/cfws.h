/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Comments and folding white space (RFC 5322 section 3.2.2), which may stand
 * between the tokens of most header fields.
 */
#ifndef PTN_MAIL_CFWS_H
#define PTN_MAIL_CFWS_H

/* Behind the comment whose "(" is at `at`; `end` when it does not end. */
const char *ptn_comment_end(const char *at, const char *end);

/* Behind all blanks and comments at `at`. */
const char *ptn_cfws_end(const char *at, const char *end);

#endif
