/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One certificate of the repository as it was read: chain, key and facts.
 */
#ifndef PTN_PKI_IDENTITY_H
#define PTN_PKI_IDENTITY_H

#include "conf/conf.h"
#include "pki/repository.h"
#include <postern/buf.h>
#include <postern/tls.h>

#define PTN_PEM_MAX (256u << 10) /* octets of a chain or key file */

/* Which provider, and where those are that the config gives no files. */
struct ptn_identity_source {
    const struct ptn_tls_ops *ops;
    void *instance;
    const char *state;
    struct ptn_repository
        *repository;         /* there; NULL: it cannot be opened ... */
    struct ptn_error closed; /* ... which is why */
    /* Puts the plain key in place of the encrypted one. -1 with `err`: of
     * PTN_ERR_LOCKED, when what opens it is not known. NULL: nobody can. */
    int (*unseal)(void *arg, const struct ptn_cert_conf *conf,
                  struct ptn_buf *key, struct ptn_error *err);
    void *unseal_arg;
};

struct ptn_identity {
    const struct ptn_cert_conf *conf;
    bool good;
    struct ptn_error problem; /* unless good; with the place in the config */
    struct ptn_buf chain, key;
    struct ptn_tls_cert facts;
};

/* Reads and checks everything: files, their modes, chain, key, that both
 * belong together. 0, or -1 with identity->problem. */
PTN_API int ptn_identity_read(const struct ptn_identity_source *source,
                              const struct ptn_cert_conf *conf,
                              struct ptn_identity *identity);
/* Calls fn for each file that the certificate is made of. */
void ptn_identity_each_file(const struct ptn_identity_source *source,
                            const struct ptn_cert_conf *conf,
                            void (*fn)(void *arg, const char *path), void *arg);
/* Wipes the key and what was made of it. */
void ptn_identity_wipe(struct ptn_identity *identity);
PTN_API void ptn_identity_free(struct ptn_identity *identity);

/* Whether there is nothing yet, and a server that starts would make it. */
bool ptn_identity_will_be_made(const struct ptn_identity_source *source,
                               const struct ptn_cert_conf *conf);

/* Logs what an operator should know of a good one: that it is not valid yet,
 * or lacks a name that the config says. */
void ptn_identity_warn(const struct ptn_identity *identity);

/* Whether `name` is among the certificate's names, wildcards included. */
bool ptn_identity_covers(const struct ptn_tls_cert *facts, const char *name);

#endif
