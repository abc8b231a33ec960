/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Makes signing requests (RFC 2986), self-signed certificates (RFC 5280) and
 * those that answer a challenge (RFC 8737): the names, the key's usage, and
 * no more. The library signs.
 */
#include "inner.h"

#include <stdio.h>
#include <sys/random.h>
#include <time.h>

enum {
    SERIAL_SIZE = 16,      /* RFC 5280 section 4.1.2.2: at most 20 octets */
    BACKDATE = 86400,      /* for clients whose clock is late, in seconds */
    VERSION_3 = 2,         /* section 4.1.2.1 */
    VERSION_CSR = 0,       /* RFC 2986 section 4.1 */
    UTC_TIME_UNTIL = 2050, /* section 4.1.2.5 */
    YEAR_MAX = 9999
};

/* What is being made. */
struct draft {
    struct ptn_x509 x;
    struct ptn_slice key;                  /* PEM */
    const struct ptn_tls_subject *subject; /* NULL: one without a subject */
    struct ptn_strings names;
    const uint8_t *challenge; /* RFC 8737; or NULL */
    struct ptn_buf public;    /* SubjectPublicKeyInfo */
    const struct signature *signature;
    struct ptn_error *err;
};

/* How a kind of key signs here, with an AlgorithmIdentifier (RFC 5758, RFC
 * 4055, RFC 8410) whose parameters are absent or NULL. */
static const struct signature {
    enum ptn_oid key, curve, oid;
    enum ptn_tls_scheme scheme;
    enum ptn_x509_hash hash;
} signatures[] = {
    {PTN_OID_RSA, PTN_OID_UNKNOWN, PTN_OID_RSA_SHA256,
     PTN_SIGN_RSA_PKCS1_SHA256, PTN_X509_SHA256},
    {PTN_OID_EC, PTN_OID_P256, PTN_OID_ECDSA_SHA256, PTN_SIGN_ECDSA_SHA256,
     PTN_X509_SHA256},
    {PTN_OID_EC, PTN_OID_P384, PTN_OID_ECDSA_SHA384, PTN_SIGN_ECDSA_SHA384,
     PTN_X509_SHA384},
    {PTN_OID_EC, PTN_OID_P521, PTN_OID_ECDSA_SHA512, PTN_SIGN_ECDSA_SHA512,
     PTN_X509_SHA512},
    {PTN_OID_ED25519, PTN_OID_UNKNOWN, PTN_OID_ED25519, PTN_SIGN_ED25519,
     PTN_X509_SHA512},
};

/* The public key's algorithm, and the bits of the key. */
static const struct signature *
find_signature(struct ptn_slice public, struct ptn_slice *bits)
{
    struct ptn_slice body, algorithm, oid, curve = {NULL, 0};
    if (!ptn_der_get(&public, DER_SEQUENCE, &body) ||
        !ptn_der_get(&body, DER_SEQUENCE, &algorithm) ||
        !ptn_der_get(&algorithm, DER_OID, &oid) ||
        !ptn_der_get(&body, DER_BIT_STRING, bits) || bits->len < 2)
        return NULL;
    *bits = ptn_slice_sub(*bits, 1, bits->len - 1);
    (void)ptn_der_get(&algorithm, DER_OID, &curve);
    for (size_t i = 0; i < PTN_COUNT(signatures); i++)
        if (signatures[i].key == ptn_oid_of(oid) &&
            signatures[i].curve == ptn_oid_of(curve))
            return &signatures[i];
    return NULL;
}

static void
add_algorithm(struct ptn_buf *out, const struct signature *s)
{
    size_t from = out->len;
    ptn_der_add(out, DER_OID, ptn_oid_body(s->oid));
    if (s->key == PTN_OID_RSA)
        ptn_der_add(out, DER_NULL, (struct ptn_slice){NULL, 0});
    ptn_der_close(out, from, DER_SEQUENCE);
}

/* --- extensions --- */

/* Closes an extension whose value is all since `value`. */
static size_t
begin_extension(struct ptn_buf *out, enum ptn_oid oid, bool critical)
{
    ptn_der_add(out, DER_OID, ptn_oid_body(oid));
    if (critical)
        ptn_der_add(out, DER_BOOLEAN, PTN_SLICE("\xff"));
    return out->len;
}

static void
end_extension(struct ptn_buf *out, size_t from, size_t value)
{
    ptn_der_close(out, value, DER_OCTETS);
    ptn_der_close(out, from, DER_SEQUENCE);
}

/* RFC 5280 section 4.2.1.6: critical where the subject is empty. */
static void
add_names(const struct draft *d, struct ptn_buf *out)
{
    if (d->names.count == 0)
        return;
    size_t from = out->len;
    size_t value = begin_extension(out, PTN_OID_ALT_NAME, !d->subject);
    ptn_x509_add_alt_names(out, &d->names);
    end_extension(out, from, value);
}

/* RFC 5280 sections 4.2.1.3 and 4.2.1.12. RSA's keyEncipherment is for
 * clients that ask for it; nothing here needs it. */
static void
add_usage(const struct draft *d, struct ptn_buf *out)
{
    bool rsa = d->signature->key == PTN_OID_RSA;
    size_t from = out->len;
    size_t value = begin_extension(out, PTN_OID_KEY_USAGE, true);
    ptn_der_add(out, DER_BIT_STRING,
                rsa ? PTN_SLICE("\x05\xa0") : PTN_SLICE("\x07\x80"));
    end_extension(out, from, value);
    from = out->len;
    value = begin_extension(out, PTN_OID_EXT_KEY_USAGE, false);
    ptn_der_add(out, DER_OID, ptn_oid_body(PTN_OID_SERVER_AUTH));
    ptn_der_close(out, value, DER_SEQUENCE);
    end_extension(out, from, value);
}

/* RFC 5280 section 4.2.1.2, method 1. */
static int
add_key_id(const struct draft *d, struct ptn_slice bits, struct ptn_buf *out)
{
    uint8_t digest[PTN_X509_HASH_MAX];
    if (d->x.library->digest(PTN_X509_SHA1, bits, digest) != 0)
        return -1;
    size_t from = out->len;
    size_t value = begin_extension(out, PTN_OID_SUBJECT_KEY_ID, false);
    ptn_der_add(
        out, DER_OCTETS,
        (struct ptn_slice){(char *)digest, ptn_x509_hash_size(PTN_X509_SHA1)});
    end_extension(out, from, value);
    return 0;
}

/* RFC 8737 section 3: critical, so that nobody takes it for another. */
static void
add_challenge(const struct draft *d, struct ptn_buf *out)
{
    if (!d->challenge)
        return;
    size_t from = out->len;
    size_t value = begin_extension(out, PTN_OID_ACME, true);
    ptn_der_add(out, DER_OCTETS,
                (struct ptn_slice){(const char *)d->challenge, 32});
    end_extension(out, from, value);
}

/* --- what is signed --- */

static void
add_serial(struct ptn_buf *out)
{
    uint8_t octets[SERIAL_SIZE];
    if (getentropy(octets, sizeof(octets)) != 0)
        memset(octets, 1, sizeof(octets)); /* the key is what has to be new */
    octets[0] = (octets[0] & 0x7f) | 0x40; /* positive, of full length */
    ptn_der_add(out, DER_INTEGER,
                (struct ptn_slice){(char *)octets, sizeof(octets)});
}

static int
add_time(struct ptn_buf *out, time_t when)
{
    struct tm tm;
    char text[32];
    if (!gmtime_r(&when, &tm) || tm.tm_year + 1900 > YEAR_MAX)
        return -1;
    int year = tm.tm_year + 1900;
    bool utc = year < UTC_TIME_UNTIL;
    int len = snprintf(text, sizeof(text), "%0*d%02d%02d%02d%02d%02dZ",
                       utc ? 2 : 4, utc ? year % 100 : year, tm.tm_mon + 1,
                       tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    ptn_der_add(out, utc ? DER_UTC_TIME : DER_TIME,
                (struct ptn_slice){text, (size_t)len});
    return 0;
}

static int
add_dates(const struct draft *d, struct ptn_buf *out)
{
    time_t now = time(NULL);
    size_t from = out->len;
    uint32_t days = d->subject ? d->subject->days : 7;
    if (add_time(out, now - BACKDATE) < 0 ||
        add_time(out, now + (time_t)days * 86400) < 0)
        return ptn_error_set(d->err, PTN_ERR_TLS,
                             "a certificate cannot be valid beyond the year "
                             "%d",
                             YEAR_MAX);
    ptn_der_close(out, from, DER_SEQUENCE);
    return 0;
}

static int
add_subject(const struct draft *d, struct ptn_buf *out)
{
    if (d->subject)
        return ptn_x509_add_subject(out, d->subject, d->err);
    ptn_der_add(out, DER_SEQUENCE, (struct ptn_slice){NULL, 0});
    return 0;
}

/* TBSCertificate, RFC 5280 section 4.1. */
static int
add_tbs(const struct draft *d, struct ptn_slice bits, struct ptn_buf *out)
{
    size_t from = out->len;
    ptn_der_add_number(out, VERSION_3);
    ptn_der_close(out, from, DER_CONTEXT_CONS);
    add_serial(out);
    add_algorithm(out, d->signature);
    if (add_subject(d, out) < 0 || add_dates(d, out) < 0 ||
        add_subject(d, out) < 0)
        return -1;
    ptn_buf_addslice(out, ptn_buf_slice(&d->public));
    size_t extensions = out->len;
    add_names(d, out);
    add_usage(d, out);
    if (add_key_id(d, bits, out) < 0)
        return ptn_error_set(d->err, PTN_ERR_TLS, "%s lacks SHA-1",
                             d->x.library->ops->name);
    add_challenge(d, out);
    ptn_der_close(out, extensions, DER_SEQUENCE);
    ptn_der_close(out, extensions, DER_CONTEXT_CONS + 3);
    ptn_der_close(out, from, DER_SEQUENCE);
    return 0;
}

/* CertificationRequestInfo, RFC 2986 section 4.1. */
static int
add_request(const struct draft *d, struct ptn_buf *out)
{
    size_t from = out->len;
    ptn_der_add_number(out, VERSION_CSR);
    if (add_subject(d, out) < 0)
        return -1;
    ptn_buf_addslice(out, ptn_buf_slice(&d->public));
    size_t attribute = out->len;
    ptn_der_add(out, DER_OID, ptn_oid_body(PTN_OID_EXTENSION_REQUEST));
    size_t extensions = out->len;
    add_names(d, out);
    add_usage(d, out);
    ptn_der_close(out, extensions, DER_SEQUENCE);
    ptn_der_close(out, extensions, DER_SET);
    ptn_der_close(out, attribute, DER_SEQUENCE);
    ptn_der_close(out, attribute, DER_CONTEXT_CONS);
    ptn_der_close(out, from, DER_SEQUENCE);
    return 0;
}

/* Behind what is signed: how, and the signature. */
static int
add_signature(const struct draft *d, struct ptn_buf *out)
{
    const struct ptn_tls_ops *ops = d->x.library->ops;
    struct ptn_buf signature = PTN_BUF_INIT;
    uint8_t digest[PTN_X509_HASH_MAX];
    struct ptn_tls_to_sign what = {d->signature->scheme, ptn_buf_slice(out)};
    int rc = 0;

    if (d->signature->key != PTN_OID_ED25519) {
        rc = d->x.library->digest(d->signature->hash, what.input, digest);
        what.input = (struct ptn_slice){(char *)digest,
                                        ptn_x509_hash_size(d->signature->hash)};
    }
    ptn_buf_addc(&signature, 0); /* bits that are not used */
    if (rc != 0)
        ptn_error_set(d->err, PTN_ERR_TLS, "%s lacks a digest", ops->name);
    else
        rc = ops->sign(d->x.instance, d->key, &what, &signature, d->err);
    if (rc == 0) {
        add_algorithm(out, d->signature);
        ptn_der_add(out, DER_BIT_STRING, ptn_buf_slice(&signature));
    }
    ptn_buf_free(&signature);
    return rc;
}

static int
issue(struct draft *d, bool request, struct ptn_buf *out)
{
    const struct ptn_tls_ops *ops = d->x.library->ops;
    struct ptn_buf der = PTN_BUF_INIT;
    struct ptn_slice bits;

    int rc = ops->key_public(d->x.instance, d->key, &d->public, d->err);
    if (rc == 0) {
        d->signature = find_signature(ptn_buf_slice(&d->public), &bits);
        if (!d->signature)
            rc = ptn_error_set(d->err, PTN_ERR_TLS,
                               "no certificate can be made for this kind of "
                               "key");
    }
    if (rc == 0)
        rc = request ? add_request(d, &der) : add_tbs(d, bits, &der);
    if (rc == 0)
        rc = add_signature(d, &der);
    if (rc == 0) {
        ptn_der_close(&der, 0, DER_SEQUENCE);
        ptn_x509_pem_add(out, request ? "CERTIFICATE REQUEST" : "CERTIFICATE",
                         ptn_buf_slice(&der));
    }
    ptn_buf_free(&der);
    ptn_buf_free(&d->public);
    return rc;
}

int
ptn_x509_csr_make(struct ptn_x509 x, struct ptn_slice key,
                  const struct ptn_tls_subject *subject, struct ptn_buf *csr,
                  struct ptn_error *err)
{
    struct draft d = {.x = x,
                      .key = key,
                      .subject = subject,
                      .names = subject->names,
                      .err = err};
    return issue(&d, true, csr);
}

int
ptn_x509_self_sign(struct ptn_x509 x, struct ptn_slice key,
                   const struct ptn_tls_subject *subject, struct ptn_buf *cert,
                   struct ptn_error *err)
{
    struct draft d = {.x = x,
                      .key = key,
                      .subject = subject,
                      .names = subject->names,
                      .err = err};
    return issue(&d, false, cert);
}

int
ptn_x509_alpn_cert(struct ptn_x509 x, struct ptn_slice key, const char *name,
                   const uint8_t digest[32], struct ptn_buf *cert,
                   struct ptn_error *err)
{
    struct draft d = {.x = x,
                      .key = key,
                      .names = {&name, 1},
                      .challenge = digest,
                      .err = err};
    return issue(&d, false, cert);
}
