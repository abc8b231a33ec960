/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * For providers of "postern.tls": the formats of keys and certificates,
 * written once. A provider says how its library computes (struct
 * ptn_x509_library), and most of its calls for files become one line each.
 * Nothing here keeps state; any thread.
 */
#ifndef POSTERN_X509_H
#define POSTERN_X509_H

#include <postern/tls.h>

enum ptn_x509_hash {
    PTN_X509_MD5, /* only for what others encrypted */
    PTN_X509_SHA1,
    PTN_X509_SHA224,
    PTN_X509_SHA256,
    PTN_X509_SHA384,
    PTN_X509_SHA512,
};
#define PTN_X509_HASH_MAX 64 /* octets of the longest */

enum ptn_x509_cipher {
    PTN_X509_AES_128,
    PTN_X509_AES_192,
    PTN_X509_AES_256,
    PTN_X509_DES_EDE3,
    PTN_X509_RC2_40, /* only for what others encrypted, as the next */
    PTN_X509_RC2_128,
};

enum ptn_x509_kdf {
    PTN_X509_PBKDF2, /* RFC 8018 section 5.2, with HMAC */
    PTN_X509_PKCS12, /* RFC 7292 appendix B.2 */
    /* For PEM's own encryption: digests of the one before, the passphrase
     * and the salt, one after the other (EVP_BytesToKey). */
    PTN_X509_BYTES_TO_KEY,
};

/* How a key comes from a passphrase. */
struct ptn_x509_derivation {
    enum ptn_x509_kdf kdf;
    enum ptn_x509_hash hash;
    /* As the function takes it: PKCS12 has it as a BMPString already. */
    struct ptn_slice passphrase;
    struct ptn_slice salt;
    uint32_t rounds;
    int purpose; /* of PKCS12: 1 key, 2 initialization vector, 3 MAC */
};

/* Cipher block chaining, of whole blocks: padding is done here. */
struct ptn_x509_cbc {
    enum ptn_x509_cipher cipher;
    bool encrypt;
    const uint8_t *key; /* of the cipher's length; RC2_40: 5 octets */
    const uint8_t *iv;  /* a block */
};

/* What a library computes. Each call answers 0, or -1 when the library does
 * not have it or fails. Outputs are the caller's, of the fitting size. */
struct ptn_x509_library {
    uint32_t size;
    const struct ptn_tls_ops *ops; /* key_public and sign are used */
    int (*digest)(enum ptn_x509_hash hash, struct ptn_slice data, uint8_t *out);
    int (*hmac)(enum ptn_x509_hash hash, struct ptn_slice key,
                struct ptn_slice data, uint8_t *out);
    int (*derive)(const struct ptn_x509_derivation *how, uint8_t *out,
                  size_t len);
    int (*cbc)(const struct ptn_x509_cbc *how, struct ptn_slice in,
               uint8_t *out);
    /* 0 when `signature` is that of `what`, by the key of a
     * SubjectPublicKeyInfo. */
    int (*verify)(struct ptn_slice public_key,
                  const struct ptn_tls_to_sign *what,
                  struct ptn_slice signature);
};

/* The library, and the instance of its provider. */
struct ptn_x509 {
    const struct ptn_x509_library *library;
    void *instance;
};

/* ptn_tls_ops.parse, key_encrypt and pkcs12_make. */
PTN_API enum ptn_tls_parsed ptn_x509_parse(struct ptn_x509 x,
                                           struct ptn_slice file,
                                           struct ptn_slice passphrase,
                                           struct ptn_tls_parsed_file *out,
                                           struct ptn_error *err);
PTN_API int ptn_x509_key_encrypt(struct ptn_x509 x, struct ptn_slice key,
                                 struct ptn_slice passphrase,
                                 struct ptn_buf *out, struct ptn_error *err);

/* What pkcs12_make is given. */
struct ptn_x509_bundle {
    struct ptn_slice chain, key; /* PEM */
    struct ptn_slice passphrase;
    const char *name; /* or NULL */
};
PTN_API int ptn_x509_pkcs12_make(struct ptn_x509 x,
                                 const struct ptn_x509_bundle *bundle,
                                 struct ptn_buf *out, struct ptn_error *err);

/* ptn_tls_ops.csr_make, self_sign and alpn_cert. */
PTN_API int ptn_x509_csr_make(struct ptn_x509 x, struct ptn_slice key,
                              const struct ptn_tls_subject *subject,
                              struct ptn_buf *csr, struct ptn_error *err);
PTN_API int ptn_x509_self_sign(struct ptn_x509 x, struct ptn_slice key,
                               const struct ptn_tls_subject *subject,
                               struct ptn_buf *cert, struct ptn_error *err);
PTN_API int ptn_x509_alpn_cert(struct ptn_x509 x, struct ptn_slice key,
                               const char *name, const uint8_t digest[32],
                               struct ptn_buf *cert, struct ptn_error *err);

/* ptn_tls_ops.cert_public and cert_issued. */
PTN_API int ptn_x509_cert_public(struct ptn_slice cert, struct ptn_buf *out,
                                 struct ptn_error *err);
PTN_API int ptn_x509_cert_issued(struct ptn_x509 x, struct ptn_slice cert,
                                 struct ptn_slice issuer,
                                 struct ptn_error *err);
/* Fills, of a certificate in DER, the members of `out` from key_bits on, as
 * far as its `size` octets go. False for what is no certificate. */
PTN_API bool ptn_x509_cert_facts(struct ptn_slice der, struct ptn_tls_cert *out,
                                 size_t size);

#endif
