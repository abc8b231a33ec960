/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Private keys in DER: PKCS #8 (RFC 5208), PKCS #1 (RFC 8017 appendix A.1.2)
 * and SEC 1 (RFC 5915 section 3), told apart by their shape, all become PKCS
 * #8. The library has the last word on each. Copies are wiped.
 */
#include "inner.h"

/* PrivateKeyInfo around a key of another form. `parameters` is whole: NULL or
 * a curve. */
static void
wrap(struct ptn_buf *out, enum ptn_oid oid, struct ptn_slice parameters,
     struct ptn_slice key)
{
    (void)ptn_buf_reserve(out, key.len + 64);
    size_t from = out->len;
    ptn_der_add_number(out, 0);
    size_t algorithm = out->len;
    ptn_der_add(out, DER_OID, ptn_oid_body(oid));
    ptn_buf_addslice(out, parameters);
    ptn_der_close(out, algorithm, DER_SEQUENCE);
    ptn_der_add(out, DER_OCTETS, key);
    ptn_der_close(out, from, DER_SEQUENCE);
}

static enum ptn_tls_parsed
nameless_curve(struct ptn_x509_reading *r)
{
    ptn_error_set(r->err, PTN_ERR_TLS,
                  "its EC key has a curve without a name: make one of P-256");
    return PTN_TLS_PARSED_UNSUPPORTED;
}

/* Only kinds of key that a certificate here can have. */
static enum ptn_tls_parsed
check_algorithm(struct ptn_x509_reading *r, struct ptn_slice algorithm)
{
    struct ptn_slice oid, curve;
    if (!ptn_der_get(&algorithm, DER_OID, &oid))
        return ptn_x509_broken(r, "its key does not say of what kind it is");
    switch (ptn_oid_of(oid)) {
    case PTN_OID_RSA:
    case PTN_OID_ED25519:
        return PTN_TLS_PARSED_GOOD;
    case PTN_OID_EC:
        break;
    default:
        return ptn_x509_unsupported(r, "kind of key", oid);
    }
    if (!ptn_der_get(&algorithm, DER_OID, &curve))
        return nameless_curve(r);
    switch (ptn_oid_of(curve)) {
    case PTN_OID_P256:
    case PTN_OID_P384:
    case PTN_OID_P521:
        return PTN_TLS_PARSED_GOOD;
    default:
        return ptn_x509_unsupported(r, "curve", curve);
    }
}

/* `body` is that of the outermost SEQUENCE of `whole`. */
static enum ptn_tls_parsed
to_pkcs8(struct ptn_x509_reading *r, struct ptn_slice body,
         struct ptn_slice whole, struct ptn_buf *out)
{
    static const char null[] = {DER_NULL, 0};
    struct ptn_slice inner;
    uint32_t version;
    if (!ptn_der_number(&body, &version))
        return ptn_x509_broken(r, "its key is damaged");
    switch (ptn_der_peek(body)) {
    case DER_SEQUENCE:
        ptn_buf_addslice(out, whole);
        return PTN_TLS_PARSED_GOOD;
    case DER_INTEGER:
        wrap(out, PTN_OID_RSA, (struct ptn_slice){null, sizeof(null)}, whole);
        return PTN_TLS_PARSED_GOOD;
    case DER_OCTETS: /* ECPrivateKey: its curve is in [0] */
        ptn_der_skip(&body, DER_OCTETS);
        if (!ptn_der_get(&body, DER_CONTEXT_CONS, &inner))
            return ptn_x509_broken(r, "its EC key does not name a curve");
        if (ptn_der_peek(inner) != DER_OID)
            return nameless_curve(r);
        wrap(out, PTN_OID_EC, inner, whole);
        return PTN_TLS_PARSED_GOOD;
    default:
        return ptn_x509_broken(r, "its key is damaged");
    }
}

/* The AlgorithmIdentifier (its body) of a PrivateKeyInfo. */
static bool
algorithm_of(struct ptn_slice pkcs8, struct ptn_slice *algorithm)
{
    struct ptn_slice body;
    uint32_t version;
    return ptn_der_get(&pkcs8, DER_SEQUENCE, &body) &&
           ptn_der_number(&body, &version) &&
           ptn_der_get(&body, DER_SEQUENCE, algorithm);
}

/* A key of a curve that the library does not have is no broken one. */
static enum ptn_tls_parsed
unreadable(struct ptn_x509_reading *r, struct ptn_slice algorithm)
{
    struct ptn_slice oid, curve;
    if (ptn_der_get(&algorithm, DER_OID, &oid) &&
        ptn_der_get(&algorithm, DER_OID, &curve) &&
        ptn_oid_of(curve) == PTN_OID_P521)
        return ptn_x509_unsupported(r, "curve", curve);
    return ptn_x509_broken(r, "its key is damaged");
}

/* The second of two keys must be the first once more. */
static enum ptn_tls_parsed
keep(struct ptn_x509_reading *r, struct ptn_buf *pem,
     struct ptn_slice algorithm)
{
    struct ptn_buf public = PTN_BUF_INIT;
    enum ptn_tls_parsed got = PTN_TLS_PARSED_GOOD;
    if (r->x.library->ops->key_public(r->x.instance, ptn_buf_slice(pem),
                                      &public, NULL) != 0) {
        got = unreadable(r, algorithm);
    } else if (r->public.len == 0) {
        ptn_buf_addslice(&r->public, ptn_buf_slice(&public));
        ptn_buf_addslice(&r->out->key, ptn_buf_slice(pem));
    } else if (!ptn_slice_eq(ptn_buf_slice(&r->public),
                             ptn_buf_slice(&public))) {
        ptn_error_set(r->err, PTN_ERR_TLS,
                      "it holds two different private keys: give a file with "
                      "one");
        got = PTN_TLS_PARSED_UNSUPPORTED;
    }
    ptn_buf_free(&public);
    return got;
}

enum ptn_tls_parsed
ptn_x509_add_key(struct ptn_x509_reading *r, struct ptn_slice der)
{
    struct ptn_buf pkcs8 = PTN_BUF_INIT, pem = PTN_BUF_INIT;
    struct ptn_slice rest = der, body, algorithm;

    if (der.len > PTN_X509_KEY_DER_MAX ||
        !ptn_der_get(&rest, DER_SEQUENCE, &body) || rest.len > 0)
        return ptn_x509_broken(r, "its key is truncated or damaged");
    (void)ptn_buf_reserve(&pkcs8, der.len + 64);
    enum ptn_tls_parsed got = to_pkcs8(r, body, der, &pkcs8);
    if (got == PTN_TLS_PARSED_GOOD)
        got = algorithm_of(ptn_buf_slice(&pkcs8), &algorithm)
                  ? check_algorithm(r, algorithm)
                  : ptn_x509_broken(r, "its key is damaged");
    if (got == PTN_TLS_PARSED_GOOD) {
        ptn_x509_pem_add(&pem, "PRIVATE KEY", ptn_buf_slice(&pkcs8));
        got = keep(r, &pem, algorithm);
    }
    r->found = true;
    ptn_x509_wipe(&pem);
    ptn_x509_wipe(&pkcs8);
    return got;
}

/* EncryptedPrivateKeyInfo, RFC 5208 section 6. Of what comes out, a wrong key
 * leaves no SEQUENCE of just that length. */
enum ptn_tls_parsed
ptn_x509_add_encrypted(struct ptn_x509_reading *r, struct ptn_slice der)
{
    struct ptn_slice body, algorithm, data, rest, inner;
    struct ptn_buf plain = PTN_BUF_INIT;

    r->found = true;
    if (!ptn_der_get(&der, DER_SEQUENCE, &body) || der.len > 0 ||
        !ptn_der_get(&body, DER_SEQUENCE, &algorithm) ||
        !ptn_der_get(&body, DER_OCTETS, &data))
        return ptn_x509_broken(r, "its encrypted key is truncated or damaged");
    if (r->passphrase.len == 0 && !r->opened)
        return ptn_x509_wrong(r);
    enum ptn_tls_parsed got = ptn_x509_decrypt(r, algorithm, data, &plain);
    rest = ptn_buf_slice(&plain);
    if (got == PTN_TLS_PARSED_GOOD && !r->opened &&
        (!ptn_der_get(&rest, DER_SEQUENCE, &inner) || rest.len > 0))
        got = ptn_x509_wrong(r);
    if (got == PTN_TLS_PARSED_GOOD)
        got = ptn_x509_add_key(r, ptn_buf_slice(&plain));
    ptn_x509_wipe(&plain);
    return got;
}
