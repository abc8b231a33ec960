/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Password schemes. "{CRYPT}" (or no scheme, or one of the names that
 * Dovecot gives to crypt(3) forms) is whatever the system's crypt(3) knows;
 * "{PLAIN}" is the password itself, for tests. An empty field, "*" or a
 * leading "!" opens for nobody.
 */
#ifndef PASSWD_SECRET_H
#define PASSWD_SECRET_H

#include <postern/buf.h>
#include <postern/types.h>

#define PASSWD_PASSWORD_MAX 511 /* octets; crypt(3) takes no more */

/* NULL when the field can be used (or locks the account), else what is
 * wrong with it. */
const char *passwd_secret_check(struct ptn_slice secret);

/* Whether the field opens for nobody. */
bool passwd_secret_is_locked(struct ptn_slice secret);

/* Whether `password` opens `secret`: OK or DENIED; TEMPFAIL when that could
 * not be found out, as for want of memory. Slow by design. */
enum ptn_status passwd_secret_verify(struct ptn_slice secret,
                                     struct ptn_slice password);

/* Appends "{CRYPT}" and a hash with a fresh salt, of the strongest scheme
 * that the system prefers. False when no hash can be made. */
bool passwd_secret_make(struct ptn_slice password, struct ptn_buf *out);

#endif
