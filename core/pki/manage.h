/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What an operator, or the authority's client on his behalf, does with the
 * certificates of the repository. Each call reads, checks and writes whole
 * versions; a server that runs takes them over at its next reload. What is
 * written is always a pair that passed every check.
 *
 *   create --> key, request, self-signed      request --> next key, next CSR
 *   import --> key, chain  <-- a CA's answer to a request finds its key
 *
 * Blocks. One thread.
 */
#ifndef PTN_PKI_MANAGE_H
#define PTN_PKI_MANAGE_H

#include "conf/conf.h"
#include "pki/repository.h"

/* What is wrong; each is an exit status of its own in posternctl(8). */
enum ptn_cert_fault {
    PTN_CERT_GOOD = 0,
    PTN_CERT_FAILED = 1,      /* the system said no */
    PTN_CERT_PASSPHRASE = 10, /* wrong, or none given */
    PTN_CERT_MISMATCH = 11,   /* key and certificate are no pair */
    PTN_CERT_EXPIRED = 12,
    PTN_CERT_NOT_YET_VALID = 13,
    PTN_CERT_PURPOSE = 14,     /* extended key usage without serverAuth, ... */
    PTN_CERT_TRUNCATED = 15,   /* or no PEM, DER, PKCS#7, PKCS#12 at all */
    PTN_CERT_UNSUPPORTED = 16, /* a type of key that is not served */
    PTN_CERT_WEAK = 17,
    PTN_CERT_INCOMPLETE = 18, /* the chain lacks an intermediate */
    PTN_CERT_DUPLICATE = 19,  /* the name exists */
    PTN_CERT_UNKNOWN = 20,    /* the name does not */
    PTN_CERT_IN_USE = 21,     /* a listener names it */
};

struct ptn_manage {
    struct ptn_repository *repository;
    const struct ptn_conf *conf;
    const struct ptn_tls_ops *ops;
    void *instance;
};

/* All there is of a name, which the caller frees; UNKNOWN when that is
 * nothing. */
PTN_API enum ptn_cert_fault ptn_manage_read(const struct ptn_manage *m,
                                            const char *name,
                                            struct ptn_parts *parts,
                                            struct ptn_error *err);

/* What a new certificate is to be. */
struct ptn_cert_order {
    struct ptn_strings names; /* the first is the common name */
    enum ptn_tls_key_type type;
    uint32_t days;
};

/* How the config has the name, or what a name has that it does not say. */
PTN_API struct ptn_cert_order ptn_manage_preset(const struct ptn_manage *m,
                                                const char *name);

/* Key, request and self-signed certificate; DUPLICATE where there is any. */
PTN_API enum ptn_cert_fault
ptn_manage_create(const struct ptn_manage *m, const char *name,
                  const struct ptn_cert_order *order, struct ptn_error *err);

/* Sees to it that a name without files of its own has a self-signed
 * certificate: makes one where there is none, with the key that is there if
 * there is one, and signs one anew that has expired. `made`: it did. */
PTN_API enum ptn_cert_fault ptn_manage_ensure(const struct ptn_manage *m,
                                              const char *name, bool *made,
                                              struct ptn_error *err);

/* The signing request, PEM: for the key in use, or with `new_key` for one
 * that waits for its certificate. */
PTN_API enum ptn_cert_fault ptn_manage_request(const struct ptn_manage *m,
                                               const char *name, bool new_key,
                                               struct ptn_buf *csr,
                                               struct ptn_error *err);

/* PEM certificates and, where `key` has any, a PEM key; without one the key
 * is looked for: that of the last request, that in use, and those of the
 * history. The chain is put in order. */
PTN_API enum ptn_cert_fault ptn_manage_import(const struct ptn_manage *m,
                                              const char *name,
                                              struct ptn_slice chain,
                                              struct ptn_slice key,
                                              struct ptn_error *err);

/* A self-signed one gets another validity, with its key. */
PTN_API enum ptn_cert_fault ptn_manage_renew(const struct ptn_manage *m,
                                             const char *name,
                                             struct ptn_error *err);

/* Makes a version of the history the one in use; 0: the last of them. */
PTN_API enum ptn_cert_fault ptn_manage_rollback(const struct ptn_manage *m,
                                                const char *name,
                                                unsigned version,
                                                struct ptn_error *err);

PTN_API enum ptn_cert_fault ptn_manage_remove(const struct ptn_manage *m,
                                              const char *name,
                                              struct ptn_error *err);
PTN_API enum ptn_cert_fault ptn_manage_rename(const struct ptn_manage *m,
                                              const char *from, const char *to,
                                              struct ptn_error *err);

/* The names of listeners that show the certificate, with ", " between. */
PTN_API void ptn_manage_users(const struct ptn_manage *m, const char *name,
                              struct ptn_buf *out);

/* Whether a chain and a key may be served: they are a pair, it is valid now,
 * and so on. */
PTN_API enum ptn_cert_fault ptn_manage_check(const struct ptn_manage *m,
                                             struct ptn_slice chain,
                                             struct ptn_slice key,
                                             struct ptn_error *err);

#endif
