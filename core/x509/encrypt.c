/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Encryption with a passphrase: PBES2 (RFC 8018 section 6.2) with PBKDF2,
 * HMAC-SHA256 and AES-256-CBC, for keys that are stored or exported. Copies
 * are wiped.
 */
#include "inner.h"

#include <sys/random.h>

/* AlgorithmIdentifier of PBES2, RFC 8018 appendix A. */
static void
add_algorithm(struct ptn_buf *out, uint32_t rounds, struct ptn_slice salt,
              struct ptn_slice iv)
{
    size_t whole = out->len;
    ptn_der_add(out, DER_OID, ptn_oid_body(PTN_OID_PBES2));
    size_t params = out->len, kdf = out->len;
    ptn_der_add(out, DER_OID, ptn_oid_body(PTN_OID_PBKDF2));
    size_t kdf_params = out->len;
    ptn_der_add(out, DER_OCTETS, salt);
    ptn_der_add_number(out, rounds);
    size_t prf = out->len;
    ptn_der_add(out, DER_OID, ptn_oid_body(PTN_OID_HMAC_SHA256));
    ptn_der_add(out, DER_NULL, (struct ptn_slice){NULL, 0});
    ptn_der_close(out, prf, DER_SEQUENCE);
    ptn_der_close(out, kdf_params, DER_SEQUENCE);
    ptn_der_close(out, kdf, DER_SEQUENCE);
    size_t cipher = out->len;
    ptn_der_add(out, DER_OID, ptn_oid_body(PTN_OID_AES_256));
    ptn_der_add(out, DER_OCTETS, iv);
    ptn_der_close(out, cipher, DER_SEQUENCE);
    ptn_der_close(out, params, DER_SEQUENCE);
    ptn_der_close(out, whole, DER_SEQUENCE);
}

/* In place of `plain`, padded to whole blocks. */
static int
run(const struct ptn_x509_seal *seal, const uint8_t *random,
    struct ptn_buf *plain)
{
    uint8_t key[PTN_X509_KEY];
    const struct ptn_x509_derivation how = {
        .kdf = PTN_X509_PBKDF2,
        .hash = PTN_X509_SHA256,
        .passphrase = seal->passphrase,
        .salt = {(const char *)random, PTN_X509_SALT},
        .rounds = seal->rounds,
    };
    const struct ptn_x509_cbc cbc = {PTN_X509_AES_256, true, key,
                                     random + PTN_X509_SALT};
    int rc = seal->x.library->derive(&how, key, sizeof(key));
    if (rc == 0)
        rc = seal->x.library->cbc(&cbc, ptn_buf_slice(plain),
                                  (uint8_t *)plain->data);
    ptn_wipe(key, sizeof(key));
    return rc;
}

int
ptn_x509_encrypt(const struct ptn_x509_seal *seal, struct ptn_slice plain,
                 uint8_t tag, struct ptn_buf *out)
{
    uint8_t random[PTN_X509_SALT + PTN_X509_BLOCK];
    struct ptn_buf work = PTN_BUF_INIT;
    char padding = (char)(PTN_X509_BLOCK - plain.len % PTN_X509_BLOCK);

    if (getentropy(random, sizeof(random)) != 0)
        return -1;
    (void)ptn_buf_reserve(&work, plain.len + PTN_X509_BLOCK);
    ptn_buf_addslice(&work, plain);
    for (char i = 0; i < padding; i++)
        ptn_buf_addc(&work, padding);
    int rc = run(seal, random, &work);
    if (rc == 0) {
        add_algorithm(
            out, seal->rounds,
            (struct ptn_slice){(char *)random, PTN_X509_SALT},
            (struct ptn_slice){(char *)random + PTN_X509_SALT, PTN_X509_BLOCK});
        ptn_der_add(out, tag, ptn_buf_slice(&work));
    }
    ptn_x509_wipe(&work);
    return rc;
}

/* Whatever form the PEM has, it goes the way of every file. */
int
ptn_x509_key_der(struct ptn_x509 x, struct ptn_slice pem, struct ptn_buf *der,
                 struct ptn_error *err)
{
    struct ptn_tls_parsed_file file = {.size = sizeof(file)};
    int rc = -1;
    if (ptn_x509_parse(x, pem, (struct ptn_slice){NULL, 0}, &file, err) ==
        PTN_TLS_PARSED_GOOD) {
        if (file.key.len > 0 &&
            ptn_x509_pem_find(ptn_buf_slice(&file.key), "PRIVATE KEY", der))
            rc = 0;
        else
            ptn_error_set(err, PTN_ERR_TLS,
                          "not a key: no PEM block PRIVATE "
                          "KEY");
    }
    ptn_x509_wipe(&file.key);
    ptn_buf_free(&file.certs);
    ptn_buf_free(&file.csr);
    return rc;
}

int
ptn_x509_check_passphrase(struct ptn_slice passphrase, struct ptn_error *err)
{
    if (passphrase.len > 0 && passphrase.len <= PTN_TLS_PASSPHRASE_MAX)
        return 0;
    return ptn_error_set(err, PTN_ERR_INVALID,
                         "a passphrase has from 1 to %d octets",
                         PTN_TLS_PASSPHRASE_MAX);
}

int
ptn_x509_key_encrypt(struct ptn_x509 x, struct ptn_slice key,
                     struct ptn_slice passphrase, struct ptn_buf *out,
                     struct ptn_error *err)
{
    const struct ptn_x509_seal seal = {x, passphrase, PTN_X509_ROUNDS};
    struct ptn_buf der = PTN_BUF_INIT, sealed = PTN_BUF_INIT;
    int rc = ptn_x509_check_passphrase(passphrase, err);
    if (rc == 0)
        rc = ptn_x509_key_der(x, key, &der, err);
    if (rc == 0) {
        rc = ptn_x509_encrypt(&seal, ptn_buf_slice(&der), DER_OCTETS, &sealed);
        if (rc != 0)
            ptn_error_set(err, PTN_ERR_TLS, "%s cannot encrypt the key",
                          x.library->ops->name);
    }
    if (rc == 0) {
        ptn_der_close(&sealed, 0, DER_SEQUENCE);
        ptn_x509_pem_add(out, "ENCRYPTED PRIVATE KEY", ptn_buf_slice(&sealed));
    }
    ptn_buf_free(&sealed);
    ptn_x509_wipe(&der);
    return rc;
}
