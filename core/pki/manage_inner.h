/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of the certificates' management share.
 */
#ifndef PTN_PKI_MANAGE_INNER_H
#define PTN_PKI_MANAGE_INNER_H

#include "pki/manage.h"

/* Says what is wrong, and what to do; answers `what`. */
enum ptn_cert_fault ptn_manage_fault(enum ptn_cert_fault what,
                                     struct ptn_error *err, const char *fmt,
                                     ...) PTN_PRINTF(3, 4);

/* --- manage_change.c --- */

/* A change of one name: what there was, and what is to be. Nothing is locked
 * between the two, as a passphrase may be asked for; who else has changed the
 * name meanwhile makes the change fail. */
struct ptn_change {
    const char *name;
    struct ptn_parts before, parts;
};

/* Reads the name into both. UNKNOWN when nothing is there, and `change` can
 * be one of a new name. Freed in each case. */
enum ptn_cert_fault ptn_change_begin(const struct ptn_manage *m,
                                     const char *name,
                                     struct ptn_change *change,
                                     struct ptn_error *err);
/* The same for a name that is to be new: DUPLICATE when it is not. */
enum ptn_cert_fault ptn_change_begin_new(const struct ptn_manage *m,
                                         const char *name,
                                         struct ptn_change *change,
                                         struct ptn_error *err);
enum ptn_cert_fault ptn_change_commit(const struct ptn_manage *m,
                                      const struct ptn_change *change,
                                      struct ptn_error *err);
void ptn_change_free(struct ptn_change *change);

/* Makes `with` the content of a part; the old one is wiped. */
void ptn_change_set(struct ptn_change *change, enum ptn_part part,
                    struct ptn_slice with);

/* The meta part: lines "key=value" that say where this version came from.
 * The values of all lines of `key`, with blanks between, in place of what is
 * in `out`, which the caller frees. */
void ptn_meta_get(const struct ptn_parts *parts, const char *key,
                  struct ptn_buf *out);
/* A line in place of those that are there; NULL or "": none. */
void ptn_meta_set(struct ptn_parts *parts, const char *key, const char *value);
void ptn_meta_set_names(struct ptn_parts *parts,
                        const struct ptn_strings *names);
/* "source" and "created". */
void ptn_meta_begin(struct ptn_parts *parts, const char *source);

/* --- manage_secret.c --- */

/* The same of the key in use alone. */
enum ptn_cert_fault ptn_manage_key(const struct ptn_manage *m, const char *name,
                                   const struct ptn_parts *parts,
                                   struct ptn_buf *out, struct ptn_error *err);
/* Makes a key, PEM and in the clear, that of a part: behind a passphrase,
 * unless that is empty. What tells its pair is kept in the meta part. */
enum ptn_cert_fault ptn_manage_keep(const struct ptn_manage *m,
                                    struct ptn_change *change,
                                    enum ptn_part part, struct ptn_slice key,
                                    struct ptn_slice passphrase,
                                    struct ptn_error *err);
/* Whether a part's key is that of the first certificate of `chain`; one that
 * is encrypted by what ptn_manage_keep has kept. */
bool ptn_manage_fits(const struct ptn_manage *m, const struct ptn_parts *parts,
                     enum ptn_part part, struct ptn_slice chain);

/* --- the others --- */

/* Whether a leaf is of a type, strength and purpose that can be served. */
enum ptn_cert_fault ptn_manage_check_leaf(const struct ptn_manage *m,
                                          const struct ptn_tls_cert *facts,
                                          struct ptn_error *err);

/* A request and a self-signed certificate for `key`, which is in the clear. */
enum ptn_cert_fault ptn_manage_sign(const struct ptn_manage *m,
                                    const struct ptn_cert_order *order,
                                    struct ptn_slice key,
                                    struct ptn_parts *parts,
                                    struct ptn_error *err);

/* A new self-signed certificate, and a request, for the key that is there or
 * for a new one; checks and commits. */
enum ptn_cert_fault ptn_manage_sign_anew(const struct ptn_manage *m,
                                         struct ptn_change *change,
                                         struct ptn_error *err);

/* What a request for the name has to say: the configuration's names, or what
 * it was made for; strings live as long as the order. */
struct ptn_recall {
    struct ptn_cert_order order;
    struct ptn_buf names, subject;
    const char **items;
};
void ptn_recall_begin(const struct ptn_manage *m, const char *name,
                      const struct ptn_parts *parts, struct ptn_recall *out);
void ptn_recall_free(struct ptn_recall *recall);

/* The block of the configuration, or NULL. */
const struct ptn_cert_conf *ptn_manage_conf(const struct ptn_manage *m,
                                            const char *name);
/* Whether it says names; else they are the server's. */
bool ptn_manage_says_names(const struct ptn_manage *m,
                           const struct ptn_cert_conf *conf);

#endif
