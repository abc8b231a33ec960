/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads certificates for listings, and checks that a key belongs to one. Any
 * thread.
 */
#include "tls_openssl.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

X509 *
tls_openssl_cert_read(struct ptn_slice pem, struct ptn_error *err)
{
    BIO *bio = NULL;
    ERR_clear_error();
    if (pem.len > 0 && pem.len <= INT32_MAX)
        bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, (char[]){""}) : NULL;
    BIO_free(bio);
    if (cert)
        return cert;
    if (!bio || ERR_GET_REASON(ERR_peek_error()) == PEM_R_NO_START_LINE)
        ptn_error_set(err, PTN_ERR_TLS,
                      "not a certificate: no PEM block CERTIFICATE");
    else
        tls_openssl_error(err, "not a certificate");
    ERR_clear_error();
    return NULL;
}

void
tls_openssl_hex(char *to, size_t room, const unsigned char *from, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;
    for (size_t i = 0; i < len && n + 2 < room; i++) {
        to[n++] = digits[from[i] >> 4];
        to[n++] = digits[from[i] & 15];
    }
    to[n] = '\0';
}

static int64_t
seconds_of(const ASN1_TIME *time)
{
    struct tm tm = {0};
    return ASN1_TIME_to_tm(time, &tm) == 1 ? timegm(&tm) : 0;
}

static enum ptn_tls_key_type
key_type_of(X509 *cert)
{
    EVP_PKEY *key = X509_get0_pubkey(cert);
    char group[32] = "";

    if (!key)
        return PTN_KEY_OTHER;
    int bits = EVP_PKEY_get_bits(key);
    if (EVP_PKEY_is_a(key, "ED25519"))
        return PTN_KEY_ED25519;
    if (EVP_PKEY_is_a(key, "RSA"))
        return bits == 2048   ? PTN_KEY_RSA_2048
               : bits == 3072 ? PTN_KEY_RSA_3072
               : bits == 4096 ? PTN_KEY_RSA_4096
                              : PTN_KEY_OTHER;
    (void)EVP_PKEY_get_group_name(key, group, sizeof(group), NULL);
    ERR_clear_error();
    if (strcmp(group, SN_X9_62_prime256v1) == 0)
        return PTN_KEY_ECDSA_P256;
    if (strcmp(group, SN_secp384r1) == 0)
        return PTN_KEY_ECDSA_P384;
    return PTN_KEY_OTHER;
}

/* Blanks would make two names of one, and no host has others. */
static bool
is_name(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return len > 0;
}

/* A name that fits whole, after a blank. */
static void
add_name(struct ptn_tls_cert *out, const GENERAL_NAME *name)
{
    char ip[INET6_ADDRSTRLEN];
    int type;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    if (type != GEN_DNS && type != GEN_IPADD)
        return;
    const char *text = (const char *)ASN1_STRING_get0_data(value);
    size_t used = strlen(out->names), len = (size_t)ASN1_STRING_length(value);

    if (type == GEN_IPADD) {
        if (len != 4 && len != 16)
            return;
        inet_ntop(len == 4 ? AF_INET : AF_INET6, text, ip, sizeof(ip));
        text = ip;
        len = strlen(ip);
    }
    if (!is_name(text, len) || used + 1 + len >= sizeof(out->names))
        return;
    if (used > 0)
        out->names[used++] = ' ';
    memcpy(out->names + used, text, len);
    out->names[used + len] = '\0';
}

static void
add_names(struct ptn_tls_cert *out, X509 *cert)
{
    GENERAL_NAMES *names =
        X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        add_name(out, sk_GENERAL_NAME_value(names, i));
    GENERAL_NAMES_free(names);
}

static void
facts_of(X509 *cert, struct ptn_tls_cert *out)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    out->not_before = seconds_of(X509_get0_notBefore(cert));
    out->not_after = seconds_of(X509_get0_notAfter(cert));
    out->key_type = key_type_of(cert);
    out->self_signed = (X509_get_extension_flags(cert) & EXFLAG_SI) != 0;
    out->is_ca = X509_check_ca(cert) == 1;
    X509_NAME_oneline(X509_get_subject_name(cert), out->subject,
                      sizeof(out->subject));
    X509_NAME_oneline(X509_get_issuer_name(cert), out->issuer,
                      sizeof(out->issuer));
    tls_openssl_hex(out->serial, sizeof(out->serial),
                    ASN1_STRING_get0_data(serial),
                    (size_t)ASN1_STRING_length(serial));
    if (X509_digest(cert, EVP_sha256(), digest, &len) == 1)
        tls_openssl_hex(out->fingerprint, sizeof(out->fingerprint), digest,
                        len);
    add_names(out, cert);
    unsigned char *der = NULL;
    int size = i2d_X509(cert, &der);
    if (size > 0)
        (void)ptn_x509_cert_facts(
            (struct ptn_slice){(const char *)der, (size_t)size}, out,
            sizeof(*out));
    OPENSSL_free(der);
}

int
tls_openssl_cert_parse(void *instance, struct ptn_slice pem,
                       struct ptn_tls_cert *out, struct ptn_error *err)
{
    (void)instance;
    memset(out, 0, sizeof(*out));
    X509 *cert = tls_openssl_cert_read(pem, err);
    if (!cert)
        return -1;
    facts_of(cert, out);
    X509_free(cert);
    ERR_clear_error();
    return 0;
}

int
tls_openssl_pair_match(void *instance, struct ptn_slice pem,
                       struct ptn_slice key_pem, struct ptn_error *err)
{
    (void)instance;
    int rc = -1;
    X509 *cert = tls_openssl_cert_read(pem, err);
    EVP_PKEY *key = cert ? tls_openssl_key_read(key_pem, err) : NULL;
    if (key && X509_check_private_key(cert, key) == 1)
        rc = 0;
    else if (key)
        ptn_error_set(err, PTN_ERR_TLS,
                      "the private key and the certificate do not match");
    ERR_clear_error();
    EVP_PKEY_free(key);
    X509_free(cert);
    return rc;
}
