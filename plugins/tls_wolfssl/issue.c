/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Makes signing requests (RFC 2986) and self-signed certificates (RFC 5280):
 * the names, the key's usage, and no more. Any thread.
 */
#include "tls_wolfssl.h"

#include <arpa/inet.h>
#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/random.h>

enum {
    COMMON_NAME_MAX = 64, /* RFC 5280 appendix A, ub-common-name */
    ROOM = 6144           /* for the DER besides the names */
};

/* A tag and a length, RFC 5280's DER. Nothing here is over 65,535. */
static void
add_head(struct ptn_buf *out, uint8_t tag, size_t len)
{
    ptn_buf_addc(out, (char)tag);
    if (len > 255)
        ptn_buf_addc(out, (char)0x82);
    else if (len > 127)
        ptn_buf_addc(out, (char)0x81);
    if (len > 255)
        ptn_buf_addc(out, (char)(len >> 8));
    ptn_buf_addc(out, (char)(len & 255));
}

/* GeneralName, RFC 5280 section 4.2.1.6: [7] for an address, [2] for a
 * name. */
static void
add_name(struct ptn_buf *out, const char *name)
{
    uint8_t ip[16];
    if (inet_pton(AF_INET, name, ip) == 1) {
        add_head(out, 0x87, 4);
        ptn_buf_add(out, ip, 4);
    } else if (inet_pton(AF_INET6, name, ip) == 1) {
        add_head(out, 0x87, 16);
        ptn_buf_add(out, ip, 16);
    } else {
        add_head(out, 0x82, strlen(name));
        ptn_buf_adds(out, name);
    }
}

static int
set_names(Cert *cert, const struct ptn_strings *names, struct ptn_error *err)
{
    struct ptn_buf list = PTN_BUF_INIT, san = PTN_BUF_INIT;
    const char *common = NULL;

    for (size_t i = 0; i < names->count; i++) {
        if (!common && strlen(names->items[i]) <= COMMON_NAME_MAX)
            common = names->items[i];
        add_name(&list, names->items[i]);
    }
    if (list.len <= UINT16_MAX)
        add_head(&san, 0x30, list.len);
    ptn_buf_addslice(&san, ptn_buf_slice(&list));
    bool fits = common && san.len <= sizeof(cert->altNames) &&
                strlen(common) < sizeof(cert->subject.commonName);
    if (fits) {
        memcpy(cert->subject.commonName, common, strlen(common) + 1);
        cert->subject.commonNameEnc = CTC_UTF8;
        memcpy(cert->altNames, san.data, san.len);
        cert->altNamesSz = (int)san.len;
    }
    ptn_buf_free(&san);
    ptn_buf_free(&list);
    return fits ? 0
                : ptn_error_set(err, PTN_ERR_TLS,
                                "a certificate needs a name of at most %d "
                                "octets, and holds %zu octets of names",
                                COMMON_NAME_MAX, sizeof(cert->altNames));
}

static int
key_type(const struct tls_wolfssl_key *key)
{
    return key->kind == TLS_WOLFSSL_RSA   ? RSA_TYPE
           : key->kind == TLS_WOLFSSL_ECC ? ECC_TYPE
                                          : ED25519_TYPE;
}

static int
signature_type(struct tls_wolfssl_key *key)
{
    if (key->kind == TLS_WOLFSSL_RSA)
        return CTC_SHA256wRSA;
    if (key->kind == TLS_WOLFSSL_ED25519)
        return CTC_ED25519;
    return wc_ecc_size(&key->u.ecc) > 32 ? CTC_SHA384wECDSA : CTC_SHA256wECDSA;
}

/* What both kinds say. */
static int
describe(Cert *cert, struct tls_wolfssl_key *key,
         const struct ptn_tls_subject *subject, struct ptn_error *err)
{
    if (set_names(cert, &subject->names, err) < 0)
        return -1;
    cert->sigType = signature_type(key);
    cert->daysValid = (int)subject->days;
    int rc = wc_SetKeyUsage(cert, key->kind == TLS_WOLFSSL_RSA
                                      ? "digitalSignature,keyEncipherment"
                                      : "digitalSignature");
    if (rc == 0)
        rc = wc_SetExtKeyUsage(cert, "serverAuth");
    return rc == 0 ? 0 : tls_wolfssl_error(err, "the key's usage", rc);
}

static int
make_cert(Cert *cert, struct tls_wolfssl_key *key, struct ptn_buf *der,
          WC_RNG *rng)
{
    int type = key_type(key);
    int rc = wc_SetSubjectKeyIdFromPublicKey_ex(cert, type, &key->u);
    if (rc == 0)
        rc = wc_MakeCert_ex(cert, (byte *)der->data, (word32)der->cap, type,
                            &key->u, rng);
    return rc;
}

/* Fills `der`, of which the room is reserved; wolfCrypt's code. */
static int
make_signed(Cert *cert, struct tls_wolfssl_key *key, bool request,
            struct ptn_buf *der)
{
    WC_RNG rng;
    int rc = wc_InitRng(&rng);
    if (rc != 0)
        return rc;
    rc = request ? wc_MakeCertReq_ex(cert, (byte *)der->data, (word32)der->cap,
                                     key_type(key), &key->u)
                 : make_cert(cert, key, der, &rng);
    if (rc > 0)
        rc = wc_SignCert_ex(cert->bodySz, cert->sigType, (byte *)der->data,
                            (word32)der->cap, key_type(key), &key->u, &rng);
    wc_FreeRng(&rng);
    der->len = rc > 0 ? (size_t)rc : 0;
    return rc;
}

static int
issue(struct ptn_slice pem, const struct ptn_tls_subject *subject, bool request,
      struct ptn_buf *out, struct ptn_error *err)
{
    struct tls_wolfssl_key key;
    struct ptn_buf der = PTN_BUF_INIT;
    int rc = MEMORY_E;

    if (tls_wolfssl_key_read(&key, pem, err) < 0)
        return -1;
    Cert *cert = wc_CertNew(NULL);
    bool described = cert && describe(cert, &key, subject, err) == 0;
    if (described) {
        ptn_buf_reserve(&der, ROOM + (size_t)cert->altNamesSz);
        rc = make_signed(cert, &key, request, &der);
    }
    if (rc > 0)
        tls_wolfssl_pem_add(out,
                            request ? "CERTIFICATE REQUEST" : "CERTIFICATE",
                            ptn_buf_slice(&der));
    else if (described || !cert)
        tls_wolfssl_error(err, "no certificate could be made", rc);
    wc_CertFree(cert);
    ptn_buf_free(&der);
    tls_wolfssl_key_deinit(&key);
    return rc > 0 ? 0 : -1;
}

int
tls_wolfssl_csr_make(void *instance, struct ptn_slice key,
                     const struct ptn_tls_subject *subject, struct ptn_buf *csr,
                     struct ptn_error *err)
{
    (void)instance;
    return issue(key, subject, true, csr, err);
}

int
tls_wolfssl_self_sign(void *instance, struct ptn_slice key,
                      const struct ptn_tls_subject *subject,
                      struct ptn_buf *cert, struct ptn_error *err)
{
    (void)instance;
    return issue(key, subject, false, cert, err);
}
