/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Syntax of the files. A users line is NAME:STATE or NAME:STATE:QUOTA, where
 * the last colon begins the quota; a secrets line is
 * NAME:VERIFIER:VERIFIER:SECRET, for SCRAM-SHA-256, SCRAM-SHA-1 and crypt(3),
 * each of which may be empty; an aliases line is NAME: TARGET, TARGET, ...;
 * "#" begins a comment line.
 */
#ifndef PASSWD_ENTRY_H
#define PASSWD_ENTRY_H

#include <postern/directory.h>

struct passwd_entry {
    struct ptn_slice name;  /* as it stands */
    struct ptn_slice state; /* "x"; "!" or "*" before it: disabled */
    uint64_t quota;
};

/* In a file from before there were secrets of their own, and where somebody
 * has put one by hand, the state is the secret itself: "{SCHEME}...". */
/* The secret in a state, without the marks that disable it; empty: none. */
struct ptn_slice passwd_state_secret(struct ptn_slice state);

struct passwd_keys {
    struct ptn_slice name;
    struct ptn_slice verifiers[PTN_SCRAM_HASHES]; /* by enum ptn_scram_hash */
    struct ptn_slice secret;                      /* "{SCHEME}..." */
};

/* These return NULL, or what is wrong in a few words. */
const char *passwd_entry_parse(struct ptn_slice line, struct passwd_entry *out);
const char *passwd_keys_parse(struct ptn_slice line, struct passwd_keys *out);
const char *passwd_alias_parse(struct ptn_slice line, struct ptn_slice *name,
                               struct ptn_slice *targets);

/* The next target of an alias, without blanks; false at the end. */
bool passwd_target_next(struct ptn_slice *targets, struct ptn_slice *out);

/* Whether a line says nothing: empty or a comment. */
bool passwd_line_is_void(struct ptn_slice line);

/* Digits and perhaps one of k, M, G, T (powers of 1,024). */
bool passwd_quota_parse(struct ptn_slice text, uint64_t *out);

/* Writes `name` in lower case, with "@" and `domain` behind when it has no
 * "@" itself and `domain` is not NULL. Returns the length, 0 when it cannot
 * be a name: too long, blanks, colons, commas, control characters, no local
 * part (unless `catch_all` allows "@domain"). */
size_t passwd_name_fold(struct ptn_slice name, const char *domain,
                        bool catch_all, char *out);

#endif
