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

/* GOOD when the name is none yet, and can be one. */
enum ptn_cert_fault ptn_manage_check_new(const struct ptn_manage *m,
                                         const char *name,
                                         struct ptn_error *err);

enum ptn_cert_fault ptn_manage_write(const struct ptn_manage *m,
                                     const char *name,
                                     const struct ptn_parts *parts,
                                     struct ptn_error *err);

/* "key=value" lines that say where this version came from. */
void ptn_manage_set_meta(struct ptn_parts *parts, const char *source,
                         const struct ptn_strings *names);

/* A request and a self-signed certificate for the key that is there, or for
 * a new one. */
enum ptn_cert_fault ptn_manage_make(const struct ptn_manage *m,
                                    const struct ptn_cert_order *order,
                                    struct ptn_parts *parts,
                                    struct ptn_error *err);

#endif
