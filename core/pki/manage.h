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

/* What is not set is 0. */
struct ptn_manage {
    struct ptn_repository *repository;
    const struct ptn_conf *conf;
    const struct ptn_tls_ops *ops;
    void *instance;
    /* Appends the passphrase of what `what` names, "the key of shop": 0, or
     * -1 when there is none to be had. The caller wipes it. NULL: nobody is
     * there to be asked. */
    int (*ask)(void *arg, const char *what, struct ptn_buf *out);
    void *ask_arg;
    /* A PEM file of the authorities that clients know; NULL: the system's. */
    const char *roots;
};

/* The configuration's block of a name for which it has files of its own:
 * others manage them, and nothing is written under that name. Else NULL. */
PTN_API const struct ptn_cert_conf *
ptn_manage_elsewhere(const struct ptn_manage *m, const char *name);

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
    const char *subject;         /* "O=Example, C=DE"; or NULL */
    struct ptn_slice passphrase; /* the key is kept behind it; or empty */
};

#define PTN_CERT_NAMES_MAX                                                     \
    100 /* of one certificate, as authorities have it                          \
         */

/* Whether a certificate can have the name: a host name, whose first label may
 * be "*", an address, or a mail address. */
PTN_API int ptn_manage_check_name(const char *name, struct ptn_error *err);

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

/* The key of a part in the clear, behind what is in `out`; if it was
 * encrypted, what was asked for and opened it in `passphrase`. The caller
 * wipes both. UNKNOWN when there is none. */
PTN_API enum ptn_cert_fault
ptn_manage_unlock(const struct ptn_manage *m, const char *name,
                  struct ptn_slice key, struct ptn_buf *out,
                  struct ptn_buf *passphrase, struct ptn_error *err);

/* What is to be taken in. PEM texts. */
struct ptn_cert_import {
    /* In whatever order they come; the chain is put right. */
    struct ptn_slice chain;
    /* Not encrypted. Empty: it is looked for, that of the last request, that
     * in use, and those of the history. */
    struct ptn_slice key;
    struct ptn_slice passphrase; /* the key is kept behind it; or empty */
    /* The chain is taken as complete, whatever roots this machine knows. */
    bool trusted;
    /* Also in place of a certificate of other names. */
    bool replace;
};

/* What passes every check becomes the version in use. A name that is in use
 * for other names is a DUPLICATE. What an operator should know, but is no
 * reason to refuse, is appended to `notes`, a line each. */
PTN_API enum ptn_cert_fault ptn_manage_take(const struct ptn_manage *m,
                                            const char *name,
                                            const struct ptn_cert_import *what,
                                            struct ptn_buf *notes,
                                            struct ptn_error *err);

/* A key alone: what a new name is made of, as by ptn_manage_create, or what
 * the next certificate of a name that is there is to be made for; that one
 * then waits for the answer to its request. */
PTN_API enum ptn_cert_fault ptn_manage_take_key(const struct ptn_manage *m,
                                                const char *name,
                                                struct ptn_slice key,
                                                struct ptn_slice passphrase,
                                                struct ptn_error *err);

/* An authority's own answer: chain and, unless it is empty, key; trusted. */
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

/* What the listeners that show `name` are asked for and `facts` do not have,
 * a line each. */
PTN_API void ptn_manage_note_names(const struct ptn_manage *m, const char *name,
                                   const struct ptn_tls_cert *facts,
                                   struct ptn_buf *notes);

/* Whether a chain and a key may be served: they are a pair, of a type and
 * strength that clients take, for a server, and valid now. Of a key that is
 * encrypted it is not known whether it is the chain's. */
PTN_API enum ptn_cert_fault ptn_manage_check(const struct ptn_manage *m,
                                             struct ptn_slice chain,
                                             struct ptn_slice key,
                                             struct ptn_error *err);

/* The same of all there is of a name, also of a key that is encrypted. */
PTN_API enum ptn_cert_fault
ptn_manage_check_parts(const struct ptn_manage *m,
                       const struct ptn_parts *parts, struct ptn_error *err);

#endif
