/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Private keys: reading any kind that we know, and making them. Every copy
 * that this file makes is wiped.
 */
#include "tls_openssl.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

enum {
    RSA_BITS_MIN = 2048
};

static bool
contains(struct ptn_slice text, const char *word)
{
    return text.len > 0 && memmem(text.data, text.len, word, strlen(word));
}

/* Nobody is asked: a server has no terminal. */
static int
no_password(char *into, int len, int for_writing, void *arg)
{
    (void)into;
    (void)len;
    (void)for_writing;
    (void)arg;
    return -1;
}

EVP_PKEY *
tls_openssl_key_read_any(struct ptn_slice pem, struct ptn_error *err)
{
    if (contains(pem, "-----BEGIN ENCRYPTED PRIVATE KEY-----") ||
        contains(pem, "Proc-Type: 4,ENCRYPTED")) {
        ptn_error_set(err, PTN_ERR_TLS,
                      "the private key is encrypted: decrypt it, for example "
                      "with \"openssl pkey\"");
        return NULL;
    }
    if (pem.len > INT32_MAX || !contains(pem, "PRIVATE KEY-----")) {
        ptn_error_set(err, PTN_ERR_TLS, "not a key: no PEM block PRIVATE KEY");
        return NULL;
    }
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    EVP_PKEY *key =
        bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    BIO_free(bio);
    if (!key)
        tls_openssl_error(err, "not a key that can be used");
    return key;
}

EVP_PKEY *
tls_openssl_key_read(struct ptn_slice pem, struct ptn_error *err)
{
    EVP_PKEY *key = tls_openssl_key_read_any(pem, err);
    if (!key)
        return NULL;
    if (EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) < RSA_BITS_MIN) {
        EVP_PKEY_free(key);
        ptn_error_set(err, PTN_ERR_LIMIT,
                      "the RSA key is weak: at least %d bits are needed",
                      RSA_BITS_MIN);
        return NULL;
    }
    return key;
}

static EVP_PKEY *
make(enum ptn_tls_key_type type)
{
    switch (type) {
    case PTN_KEY_ECDSA_P256:
        return EVP_EC_gen("P-256");
    case PTN_KEY_ECDSA_P384:
        return EVP_EC_gen("P-384");
    case PTN_KEY_RSA_2048:
        return EVP_RSA_gen(2048);
    case PTN_KEY_RSA_3072:
        return EVP_RSA_gen(3072);
    case PTN_KEY_RSA_4096:
        return EVP_RSA_gen(4096);
    case PTN_KEY_ED25519:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    case PTN_KEY_OTHER:
        break;
    }
    return NULL;
}

void
tls_openssl_take_bio(struct ptn_buf *out, BIO *bio)
{
    char *data = NULL;
    long len = bio ? BIO_get_mem_data(bio, &data) : 0;
    if (len > 0) {
        ptn_buf_add(out, data, (size_t)len);
        ptn_wipe(data, (size_t)len);
    }
    BIO_free(bio);
}

int
tls_openssl_key_make(void *instance, enum ptn_tls_key_type type,
                     struct ptn_buf *out, struct ptn_error *err)
{
    (void)instance;
    ERR_clear_error();
    EVP_PKEY *key = make(type);
    BIO *bio = BIO_new(BIO_s_secmem());
    int rc = key && bio
                 ? PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)
                 : 0;
    tls_openssl_take_bio(out, bio);
    EVP_PKEY_free(key);
    return rc == 1 ? 0 : tls_openssl_error(err, "no key could be made");
}
