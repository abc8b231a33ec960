/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of core/x509 share: the state of one reading, and the steps
 * of it. Every step answers an enum ptn_tls_parsed, and GOOD lets the next
 * one begin.
 */
#ifndef CORE_X509_INNER_H
#define CORE_X509_INNER_H

#include "der.h"
#include "oid.h"
#include "pem.h"

#include <postern/x509.h>

/* 600,000 is what OWASP asks of PBKDF2 with SHA-256 (2023). */
#define PTN_X509_ROUNDS 600000
/* Three times in a PKCS #12 file, of which some programs refuse more than a
 * million in all, and more than 300,000 at a time. */
#define PTN_X509_PKCS12_ROUNDS 250000
#define PTN_X509_BLOCK 16 /* of AES; that of 3DES and RC2 is half of it */
#define PTN_X509_SALT 16
#define PTN_X509_KEY 32
/* A PKCS #8 key: one of RSA with 16,384 bits takes 9,300 octets. */
#define PTN_X509_KEY_DER_MAX 16384

struct ptn_x509_reading {
    struct ptn_x509 x;
    struct ptn_slice passphrase;
    struct ptn_buf bmp; /* the same for PKCS #12, wiped at the end */
    uint32_t rounds_left;
    bool opened; /* the passphrase has proved to be right */
    struct ptn_tls_parsed_file *out;
    struct ptn_buf public; /* of the key that is there, DER */
    bool found;            /* anything that counts */
    struct ptn_error *err;
};

/* `err` filled, and the answer. */
enum ptn_tls_parsed ptn_x509_broken(struct ptn_x509_reading *r,
                                    const char *text);
enum ptn_tls_parsed ptn_x509_unsupported(struct ptn_x509_reading *r,
                                         const char *what,
                                         struct ptn_slice oid);
enum ptn_tls_parsed ptn_x509_wrong(struct ptn_x509_reading *r);

/* crypt.c: decrypts what an AlgorithmIdentifier (its body) says. `plain` gets
 * it, without padding. */
enum ptn_tls_parsed ptn_x509_decrypt(struct ptn_x509_reading *r,
                                     struct ptn_slice algorithm,
                                     struct ptn_slice data,
                                     struct ptn_buf *plain);
/* The same for PEM's own encryption; `headers` are the block's. */
enum ptn_tls_parsed ptn_x509_decrypt_pem(struct ptn_x509_reading *r,
                                         struct ptn_slice headers,
                                         struct ptn_slice data,
                                         struct ptn_buf *plain);
/* Counts rounds of key derivation. */
enum ptn_tls_parsed ptn_x509_spend(struct ptn_x509_reading *r, uint32_t rounds);
/* The digest or HMAC that an identifier names; false: another. */
bool ptn_x509_hash_of(enum ptn_oid oid, enum ptn_x509_hash *hash);
size_t ptn_x509_hash_size(enum ptn_x509_hash hash);
/* A passphrase as PKCS #12 takes it (RFC 7292 appendix B.1). */
void ptn_x509_bmp(struct ptn_buf *out, struct ptn_slice utf8, bool terminated);

/* encrypt.c: PBES2; appends AlgorithmIdentifier and ciphertext, the latter as
 * an element with the tag `tag`. */
struct ptn_x509_seal {
    struct ptn_x509 x;
    struct ptn_slice passphrase;
    uint32_t rounds;
};
int ptn_x509_encrypt(const struct ptn_x509_seal *seal, struct ptn_slice plain,
                     uint8_t tag, struct ptn_buf *out);
int ptn_x509_check_passphrase(struct ptn_slice passphrase,
                              struct ptn_error *err);
/* The PKCS #8 DER of a key in PEM, whatever its block says. */
int ptn_x509_key_der(struct ptn_x509 x, struct ptn_slice pem,
                     struct ptn_buf *der, struct ptn_error *err);

/* keys.c: a private key in DER of any kind. */
enum ptn_tls_parsed ptn_x509_add_key(struct ptn_x509_reading *r,
                                     struct ptn_slice der);
enum ptn_tls_parsed ptn_x509_add_encrypted(struct ptn_x509_reading *r,
                                           struct ptn_slice der);
/* parse.c */
enum ptn_tls_parsed ptn_x509_add_cert(struct ptn_x509_reading *r,
                                      struct ptn_slice der);
/* pkcs12.c */
enum ptn_tls_parsed ptn_x509_add_pkcs12(struct ptn_x509_reading *r,
                                        struct ptn_slice der);

/* cert.c: the parts of a certificate in DER, borrowed. */
struct ptn_x509_parts {
    struct ptn_slice tbs;       /* whole: what is signed */
    struct ptn_slice algorithm; /* the signature's OID */
    struct ptn_slice signature;
    struct ptn_slice public;     /* SubjectPublicKeyInfo, whole */
    struct ptn_slice extensions; /* body of the SEQUENCE, or empty */
};
bool ptn_x509_split(struct ptn_slice der, struct ptn_x509_parts *out);

/* name.c: the DER of a subject (RFC 4514), and of a subjectAltName. */
int ptn_x509_add_subject(struct ptn_buf *out,
                         const struct ptn_tls_subject *subject,
                         struct ptn_error *err);
void ptn_x509_add_alt_names(struct ptn_buf *out,
                            const struct ptn_strings *names);

#endif
