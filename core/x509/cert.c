/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a certificate says (RFC 5280 section 4), as far as the libraries do
 * not tell, or not alike; and whether another's key signed it.
 */
#include "inner.h"

enum {
    EXTENSIONS = 0xa3,          /* [3] */
    USAGE_SIGNATURE = 0x80,     /* the first bit of keyUsage */
    FEATURE_STATUS_REQUEST = 5, /* RFC 7633 section 4.1 */
    URI = 0x86                  /* GeneralName [6] */
};

static bool
split_tbs(struct ptn_slice tbs, struct ptn_x509_parts *out)
{
    struct ptn_slice body, extensions;
    struct ptn_der der;
    ptn_der_skip(&tbs, DER_CONTEXT_CONS);
    if (!ptn_der_get(&tbs, DER_INTEGER, &body))
        return false;
    /* The signature, the issuer, the dates and the subject. */
    for (int i = 0; i < 4; i++)
        if (!ptn_der_get(&tbs, DER_SEQUENCE, &body))
            return false;
    if (!ptn_der_next(&tbs, &der) || der.tag != DER_SEQUENCE)
        return false;
    out->public = der.whole;
    while (tbs.len > 0) {
        if (!ptn_der_next(&tbs, &der))
            return false;
        if (der.tag != EXTENSIONS)
            continue;
        if (!ptn_der_get(&der.body, DER_SEQUENCE, &extensions))
            return false;
        out->extensions = extensions;
    }
    return true;
}

bool
ptn_x509_split(struct ptn_slice der, struct ptn_x509_parts *out)
{
    struct ptn_slice cert, algorithm;
    struct ptn_der tbs;
    memset(out, 0, sizeof(*out));
    if (!ptn_der_get(&der, DER_SEQUENCE, &cert) || der.len > 0 ||
        !ptn_der_next(&cert, &tbs) || tbs.tag != DER_SEQUENCE ||
        !ptn_der_get(&cert, DER_SEQUENCE, &algorithm) ||
        !ptn_der_get(&algorithm, DER_OID, &out->algorithm) ||
        !ptn_der_get(&cert, DER_BIT_STRING, &out->signature) ||
        out->signature.len < 2 || out->signature.data[0] != 0)
        return false;
    out->signature = ptn_slice_sub(out->signature, 1, out->signature.len - 1);
    out->tbs = tbs.whole;
    return split_tbs(tbs.body, out);
}

/* The value of an extension; false if there is none. */
static bool
find(const struct ptn_x509_parts *parts, enum ptn_oid oid,
     struct ptn_slice *value)
{
    struct ptn_slice rest = parts->extensions, one, id;
    while (ptn_der_get(&rest, DER_SEQUENCE, &one)) {
        if (!ptn_der_get(&one, DER_OID, &id))
            return false;
        ptn_der_skip(&one, DER_BOOLEAN);
        if (ptn_slice_eq(id, ptn_oid_body(oid)))
            return ptn_der_get(&one, DER_OCTETS, value);
    }
    return false;
}

/* --- facts --- */

/* Of an INTEGER without its sign. */
static uint32_t
bits_of(struct ptn_slice number)
{
    while (number.len > 0 && number.data[0] == 0)
        number = ptn_slice_sub(number, 1, number.len - 1);
    if (number.len == 0 || number.len > UINT16_MAX)
        return 0;
    uint32_t bits = (uint32_t)number.len * 8;
    for (unsigned top = (uint8_t)number.data[0]; top < 128; top *= 2)
        bits--;
    return bits;
}

static uint32_t
rsa_bits(struct ptn_slice key)
{
    struct ptn_slice body, modulus;
    return ptn_der_get(&key, DER_SEQUENCE, &body) &&
                   ptn_der_get(&body, DER_INTEGER, &modulus)
               ? bits_of(modulus)
               : 0;
}

static uint32_t
curve_bits(struct ptn_slice parameters, struct ptn_slice point)
{
    struct ptn_slice curve;
    if (!ptn_der_get(&parameters, DER_OID, &curve))
        return 0;
    if (ptn_oid_of(curve) == PTN_OID_P521)
        return 521;
    /* Two coordinates behind an octet, RFC 5480 section 2.2. */
    return point.len > 2 && point.len < UINT16_MAX && point.data[0] == 4
               ? (uint32_t)(point.len / 2 * 8)
               : 0;
}

/* SubjectPublicKeyInfo, RFC 5280 section 4.1.2.7. */
static uint32_t key_bits(struct ptn_slice public)
{
    struct ptn_slice body, algorithm, oid, key;
    if (!ptn_der_get(&public, DER_SEQUENCE, &body) ||
        !ptn_der_get(&body, DER_SEQUENCE, &algorithm) ||
        !ptn_der_get(&algorithm, DER_OID, &oid) ||
        !ptn_der_get(&body, DER_BIT_STRING, &key) || key.len < 1)
        return 0;
    key = ptn_slice_sub(key, 1, key.len - 1);
    switch (ptn_oid_of(oid)) {
    case PTN_OID_RSA:
        return rsa_bits(key);
    case PTN_OID_EC:
        return curve_bits(algorithm, key);
    case PTN_OID_ED25519:
        return 256;
    default:
        return 0;
    }
}

/* Every exchange of keys here is signed (RFC 8446 section 4.4.2.2). */
static bool
may_sign(const struct ptn_x509_parts *parts)
{
    struct ptn_slice value, bits;
    if (!find(parts, PTN_OID_KEY_USAGE, &value))
        return true;
    return ptn_der_get(&value, DER_BIT_STRING, &bits) && bits.len > 1 &&
           (bits.data[1] & USAGE_SIGNATURE);
}

static bool
may_serve(const struct ptn_x509_parts *parts)
{
    struct ptn_slice value, list, oid;
    if (!find(parts, PTN_OID_EXT_KEY_USAGE, &value))
        return true;
    if (!ptn_der_get(&value, DER_SEQUENCE, &list))
        return false;
    while (ptn_der_get(&list, DER_OID, &oid))
        if (ptn_oid_of(oid) == PTN_OID_SERVER_AUTH ||
            ptn_oid_of(oid) == PTN_OID_ANY_USAGE)
            return true;
    return false;
}

static bool
must_staple(const struct ptn_x509_parts *parts)
{
    struct ptn_slice value, list;
    uint32_t feature;
    if (!find(parts, PTN_OID_TLS_FEATURE, &value) ||
        !ptn_der_get(&value, DER_SEQUENCE, &list))
        return false;
    while (ptn_der_number(&list, &feature))
        if (feature == FEATURE_STATUS_REQUEST)
            return true;
    return false;
}

static bool
is_weak(enum ptn_oid signature)
{
    return signature == PTN_OID_RSA_MD2 || signature == PTN_OID_RSA_MD5 ||
           signature == PTN_OID_RSA_SHA1 || signature == PTN_OID_ECDSA_SHA1;
}

static bool
is_web_address(struct ptn_slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] <= ' ' || s.data[i] > '~')
            return false;
    return s.len > 7 &&
           ptn_slice_caseeq(ptn_slice_sub(s, 0, 7), PTN_SLICE("http://"));
}

/* AuthorityInfoAccessSyntax, RFC 5280 section 4.2.2.1. */
static void
read_ocsp(const struct ptn_x509_parts *parts, struct ptn_tls_cert *out)
{
    struct ptn_slice value, list, one, oid;
    struct ptn_der name;
    if (!find(parts, PTN_OID_AUTHORITY_INFO, &value) ||
        !ptn_der_get(&value, DER_SEQUENCE, &list))
        return;
    while (ptn_der_get(&list, DER_SEQUENCE, &one)) {
        if (!ptn_der_get(&one, DER_OID, &oid) ||
            ptn_oid_of(oid) != PTN_OID_OCSP || !ptn_der_next(&one, &name) ||
            name.tag != URI || !is_web_address(name.body))
            continue;
        if (name.body.len < sizeof(out->ocsp))
            memcpy(out->ocsp, name.body.data, name.body.len);
        return;
    }
}

static void
set_hex(char *to, size_t room, struct ptn_slice from)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < from.len && from.len * 2 < room; i++) {
        *to++ = digits[(uint8_t)from.data[i] >> 4];
        *to++ = digits[from.data[i] & 15];
    }
}

static void
read_key_ids(const struct ptn_x509_parts *parts, struct ptn_tls_cert *out)
{
    struct ptn_slice value, id, body;
    if (find(parts, PTN_OID_SUBJECT_KEY_ID, &value) &&
        ptn_der_get(&value, DER_OCTETS, &id))
        set_hex(out->subject_key_id, sizeof(out->subject_key_id), id);
    if (find(parts, PTN_OID_AUTHORITY_KEY_ID, &value) &&
        ptn_der_get(&value, DER_SEQUENCE, &body) &&
        ptn_der_get(&body, DER_CONTEXT, &id))
        set_hex(out->authority_key_id, sizeof(out->authority_key_id), id);
}

bool
ptn_x509_cert_facts(struct ptn_slice der, struct ptn_tls_cert *out, size_t size)
{
    const size_t from = offsetof(struct ptn_tls_cert, key_bits);
    struct ptn_tls_cert facts = {.key_bits = 0};
    struct ptn_x509_parts parts;
    if (!ptn_x509_split(der, &parts))
        return false;
    facts.key_bits = key_bits(parts.public);
    facts.serves = may_sign(&parts) && may_serve(&parts);
    facts.must_staple = must_staple(&parts);
    facts.weak_signature = is_weak(ptn_oid_of(parts.algorithm));
    read_ocsp(&parts, &facts);
    read_key_ids(&parts, &facts);
    if (size > sizeof(facts))
        size = sizeof(facts);
    if (size > from)
        memcpy((char *)out + from, (char *)&facts + from, size - from);
    return true;
}

/* --- keys and signatures --- */

static int
read_parts(struct ptn_slice pem, struct ptn_buf *der,
           struct ptn_x509_parts *parts, struct ptn_error *err)
{
    if (ptn_x509_pem_find(pem, "CERTIFICATE", der) &&
        ptn_x509_split(ptn_buf_slice(der), parts))
        return 0;
    return ptn_error_set(err, PTN_ERR_TLS,
                         "not a certificate: no PEM block CERTIFICATE that is "
                         "whole");
}

int
ptn_x509_cert_public(struct ptn_slice cert, struct ptn_buf *out,
                     struct ptn_error *err)
{
    struct ptn_buf der = PTN_BUF_INIT;
    struct ptn_x509_parts parts;
    int rc = read_parts(cert, &der, &parts, err);
    if (rc == 0)
        ptn_buf_addslice(out, parts.public);
    ptn_buf_free(&der);
    return rc;
}

/* RFC 8446 section 4.2.3 has numbers for what certificates are signed with. */
static const struct scheme {
    enum ptn_oid oid;
    enum ptn_tls_scheme scheme;
    enum ptn_x509_hash hash;
} schemes[] = {
    {PTN_OID_RSA_SHA1, PTN_SIGN_RSA_PKCS1_SHA1, PTN_X509_SHA1},
    {PTN_OID_RSA_SHA256, PTN_SIGN_RSA_PKCS1_SHA256, PTN_X509_SHA256},
    {PTN_OID_RSA_SHA384, PTN_SIGN_RSA_PKCS1_SHA384, PTN_X509_SHA384},
    {PTN_OID_RSA_SHA512, PTN_SIGN_RSA_PKCS1_SHA512, PTN_X509_SHA512},
    {PTN_OID_ECDSA_SHA1, PTN_SIGN_ECDSA_SHA1, PTN_X509_SHA1},
    {PTN_OID_ECDSA_SHA256, PTN_SIGN_ECDSA_SHA256, PTN_X509_SHA256},
    {PTN_OID_ECDSA_SHA384, PTN_SIGN_ECDSA_SHA384, PTN_X509_SHA384},
    {PTN_OID_ECDSA_SHA512, PTN_SIGN_ECDSA_SHA512, PTN_X509_SHA512},
    {PTN_OID_ED25519, PTN_SIGN_ED25519, PTN_X509_SHA512},
};

static const struct scheme *
find_scheme(enum ptn_oid oid)
{
    for (size_t i = 0; i < PTN_COUNT(schemes); i++)
        if (schemes[i].oid == oid)
            return &schemes[i];
    return NULL;
}

static int
check(struct ptn_x509 x, const struct ptn_x509_parts *cert,
      struct ptn_slice public, struct ptn_error *err)
{
    uint8_t digest[PTN_X509_HASH_MAX];
    char text[PTN_OID_TEXT];
    const struct scheme *s = find_scheme(ptn_oid_of(cert->algorithm));
    if (!s)
        return ptn_error_set(err, PTN_ERR_TLS,
                             "the certificate is signed with %s, which is not "
                             "supported",
                             ptn_oid_text(cert->algorithm, text));
    struct ptn_tls_to_sign what = {s->scheme, cert->tbs};
    if (s->oid != PTN_OID_ED25519) {
        if (x.library->digest(s->hash, cert->tbs, digest) != 0)
            return ptn_error_set(err, PTN_ERR_TLS, "%s lacks a digest",
                                 x.library->ops->name);
        what.input =
            (struct ptn_slice){(char *)digest, ptn_x509_hash_size(s->hash)};
    }
    if (x.library->verify(public, &what, cert->signature) == 0)
        return 0;
    return ptn_error_set(err, PTN_ERR_TLS,
                         "the certificate was not issued with this key");
}

int
ptn_x509_cert_issued(struct ptn_x509 x, struct ptn_slice cert,
                     struct ptn_slice issuer, struct ptn_error *err)
{
    struct ptn_buf a = PTN_BUF_INIT, b = PTN_BUF_INIT;
    struct ptn_x509_parts leaf, above;
    int rc = read_parts(cert, &a, &leaf, err);
    if (rc == 0)
        rc = read_parts(issuer, &b, &above, err);
    if (rc == 0)
        rc = check(x, &leaf, above.public, err);
    ptn_buf_free(&a);
    ptn_buf_free(&b);
    return rc;
}
