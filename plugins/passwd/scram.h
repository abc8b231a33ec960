/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SCRAM verifiers (RFC 5802 section 3) as they stand in the secrets' file:
 * ITERATIONS,SALT,STOREDKEY,SERVERKEY, the last three in base64.
 */
#ifndef PASSWD_SCRAM_H
#define PASSWD_SCRAM_H

#include "passwd.h"

/* False when it is none. */
bool passwd_verifier_parse(struct ptn_slice text, enum ptn_scram_hash hash,
                           struct ptn_scram_verifier *out);
void passwd_verifier_write(const struct ptn_scram_verifier *v,
                           struct ptn_buf *out);

/* Appends "VERIFIER:VERIFIER:" for a password, as the secrets' line has
 * them; ":" for each that cannot be made, because nobody provides
 * postern.sasl here, the options say so, or no client could send it. */
void passwd_verifiers_make(const struct passwd *p, struct ptn_slice password,
                           struct ptn_buf *out);

/* What a name that nobody has is answered: always the same, and different
 * on every server. False when postern.sasl is missing. */
bool passwd_verifier_invent(const struct passwd *p, struct ptn_slice name,
                            enum ptn_scram_hash hash,
                            struct ptn_scram_verifier *out);

/* Reads the key of the invented ones, or makes it, beside the secrets. */
void passwd_scram_open(struct passwd *p);

/* Of postern.directory. */
enum ptn_status passwd_scram(void *instance, struct ptn_slice name,
                             enum ptn_scram_hash hash,
                             struct ptn_scram_verifier *out,
                             struct ptn_user *user);
unsigned passwd_scram_hashes(void *instance);

#endif
