/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Makes signing requests (RFC 2986) and self-signed certificates (RFC 5280):
 * the names, the key's usage, and no more. Any thread.
 */
#include "tls_openssl.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

enum {
    COMMON_NAME_MAX = 64, /* RFC 5280 appendix A, ub-common-name */
    SERIAL_SIZE = 16,     /* RFC 5280 section 4.1.2.2: at most 20 octets */
    BACKDATE = 86400      /* for clients whose clock is late, in seconds */
};

/* RFC 5280 section 4.2.1.6: an address or a name. */
static GENERAL_NAME *
general_name(const char *text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_OCTET_STRING *ip = a2i_IPADDRESS(text);
    ERR_clear_error(); /* of what is no address */
    if (ip && name) {
        GENERAL_NAME_set0_value(name, GEN_IPADD, ip);
        return name;
    }
    ASN1_OCTET_STRING_free(ip);
    ASN1_IA5STRING *dns = ASN1_IA5STRING_new();
    if (name && dns && ASN1_STRING_set(dns, text, -1) == 1) {
        GENERAL_NAME_set0_value(name, GEN_DNS, dns);
        return name;
    }
    ASN1_IA5STRING_free(dns);
    GENERAL_NAME_free(name);
    return NULL;
}

static GENERAL_NAMES *
general_names(const struct ptn_strings *names)
{
    GENERAL_NAMES *list = GENERAL_NAMES_new();
    for (size_t i = 0; list && i < names->count; i++) {
        GENERAL_NAME *name = general_name(names->items[i]);
        if (name && sk_GENERAL_NAME_push(list, name) > 0)
            continue;
        GENERAL_NAME_free(name);
        GENERAL_NAMES_free(list);
        return NULL;
    }
    return list;
}

static bool
add_usage(X509_EXTENSIONS **extensions, EVP_PKEY *key)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, NULL, NULL, NULL, NULL, 0);
    const char *usage = EVP_PKEY_is_a(key, "RSA")
                            ? "digitalSignature,keyEncipherment"
                            : "digitalSignature";
    X509_EXTENSION *made[] = {
        X509V3_EXT_conf_nid(NULL, &ctx, NID_key_usage, usage),
        X509V3_EXT_conf_nid(NULL, &ctx, NID_ext_key_usage, "serverAuth"),
    };
    bool ok = true;
    for (size_t i = 0; i < PTN_COUNT(made); i++) {
        ok = ok && made[i] && X509v3_add_ext(extensions, made[i], -1);
        X509_EXTENSION_free(made[i]);
    }
    return ok;
}

/* What both kinds say, besides the subject; NULL on failure. */
static X509_EXTENSIONS *
extensions_of(const struct ptn_strings *names, EVP_PKEY *key)
{
    X509_EXTENSIONS *list = NULL;
    GENERAL_NAMES *san = general_names(names);
    bool ok = san &&
              X509V3_add1_i2d(&list, NID_subject_alt_name, san, 0,
                              X509V3_ADD_DEFAULT) == 1 &&
              add_usage(&list, key);
    GENERAL_NAMES_free(san);
    if (ok)
        return list;
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    return NULL;
}

static X509_NAME *
subject_of(const struct ptn_strings *names)
{
    const char *common = NULL;
    for (size_t i = 0; i < names->count && !common; i++)
        if (strlen(names->items[i]) <= COMMON_NAME_MAX)
            common = names->items[i];
    X509_NAME *name = common ? X509_NAME_new() : NULL;
    if (!name || X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                            (const unsigned char *)common, -1,
                                            -1, 0) == 1)
        return name;
    X509_NAME_free(name);
    return NULL;
}

/* Ed25519 has its own digest, RFC 8410 section 3. */
static const EVP_MD *
digest_of(EVP_PKEY *key)
{
    if (EVP_PKEY_is_a(key, "ED25519"))
        return NULL;
    return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_bits(key) > 256
               ? EVP_sha384()
               : EVP_sha256();
}

static bool
write_csr(BIO *out, EVP_PKEY *key, X509_NAME *name, X509_EXTENSIONS *extensions)
{
    X509_REQ *req = X509_REQ_new();
    bool ok = req && X509_REQ_set_subject_name(req, name) == 1 &&
              X509_REQ_set_pubkey(req, key) == 1 &&
              X509_REQ_add_extensions(req, extensions) == 1 &&
              X509_REQ_sign(req, key, digest_of(key)) > 0 &&
              PEM_write_bio_X509_REQ(out, req) == 1;
    X509_REQ_free(req);
    return ok;
}

static bool
set_serial(X509 *cert)
{
    unsigned char octets[SERIAL_SIZE];
    if (RAND_bytes(octets, sizeof(octets)) != 1)
        return false;
    octets[0] = (octets[0] & 0x7f) | 0x40; /* positive, of full length */
    BIGNUM *number = BN_bin2bn(octets, sizeof(octets), NULL);
    bool ok = number &&
              BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
    BN_free(number);
    return ok;
}

static bool
set_extensions(X509 *cert, X509_EXTENSIONS *extensions)
{
    for (int i = 0; i < sk_X509_EXTENSION_num(extensions); i++)
        if (X509_add_ext(cert, sk_X509_EXTENSION_value(extensions, i), -1) != 1)
            return false;
    return true;
}

static bool
write_cert(BIO *out, EVP_PKEY *key, X509_NAME *name,
           X509_EXTENSIONS *extensions, uint32_t days)
{
    X509 *cert = X509_new();
    bool ok = cert && X509_set_version(cert, X509_VERSION_3) == 1 &&
              set_serial(cert) && X509_set_subject_name(cert, name) == 1 &&
              X509_set_issuer_name(cert, name) == 1 &&
              X509_gmtime_adj(X509_getm_notBefore(cert), -BACKDATE) &&
              X509_time_adj_ex(X509_getm_notAfter(cert), (int)days, 0, NULL) &&
              X509_set_pubkey(cert, key) == 1 &&
              set_extensions(cert, extensions) &&
              X509_sign(cert, key, digest_of(key)) > 0 &&
              PEM_write_bio_X509(out, cert) == 1;
    X509_free(cert);
    return ok;
}

static int
issue(struct ptn_slice pem, const struct ptn_tls_subject *subject, bool request,
      struct ptn_buf *out, struct ptn_error *err)
{
    EVP_PKEY *key = tls_openssl_key_read(pem, err);
    if (!key)
        return -1;
    X509_NAME *name = subject_of(&subject->names);
    X509_EXTENSIONS *extensions = extensions_of(&subject->names, key);
    BIO *bio = BIO_new(BIO_s_mem());
    bool ok = name && extensions && bio &&
              (request ? write_csr(bio, key, name, extensions)
                       : write_cert(bio, key, name, extensions, subject->days));
    if (ok)
        tls_openssl_take_bio(out, bio);
    else
        BIO_free(bio);
    if (!name)
        ptn_error_set(err, PTN_ERR_TLS,
                      "a certificate needs a name of at most %d octets",
                      COMMON_NAME_MAX);
    else if (!ok)
        tls_openssl_error(err, "no certificate could be made");
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    X509_NAME_free(name);
    EVP_PKEY_free(key);
    return ok ? 0 : -1;
}

int
tls_openssl_csr_make(void *instance, struct ptn_slice key,
                     const struct ptn_tls_subject *subject, struct ptn_buf *csr,
                     struct ptn_error *err)
{
    (void)instance;
    return issue(key, subject, true, csr, err);
}

int
tls_openssl_self_sign(void *instance, struct ptn_slice key,
                      const struct ptn_tls_subject *subject,
                      struct ptn_buf *cert, struct ptn_error *err)
{
    (void)instance;
    return issue(key, subject, false, cert, err);
}
