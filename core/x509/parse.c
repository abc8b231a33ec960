/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is in a file of keys and certificates, whatever its format. PEM is
 * walked block by block; DER is told apart by its shape. Every length is
 * checked against what is there, what a file can ask for is limited, and what
 * was a key is wiped.
 */
#include "inner.h"

enum ptn_tls_parsed
ptn_x509_broken(struct ptn_x509_reading *r, const char *text)
{
    ptn_error_set(r->err, PTN_ERR_INVALID, "%s", text);
    return PTN_TLS_PARSED_BROKEN;
}

enum ptn_tls_parsed
ptn_x509_unsupported(struct ptn_x509_reading *r, const char *what,
                     struct ptn_slice oid)
{
    char text[PTN_OID_TEXT];
    ptn_error_set(r->err, PTN_ERR_TLS, "its %s %s is not supported by %s", what,
                  ptn_oid_text(oid, text), r->x.library->ops->name);
    return PTN_TLS_PARSED_UNSUPPORTED;
}

enum ptn_tls_parsed
ptn_x509_wrong(struct ptn_x509_reading *r)
{
    if (r->passphrase.len > 0) {
        ptn_error_set(r->err, PTN_ERR_INVALID, "the passphrase is wrong");
        return PTN_TLS_PARSED_WRONG_PASSPHRASE;
    }
    ptn_error_set(r->err, PTN_ERR_INVALID,
                  "it is encrypted: a passphrase is "
                  "needed");
    return PTN_TLS_PARSED_NEEDS_PASSPHRASE;
}

enum ptn_tls_parsed
ptn_x509_add_cert(struct ptn_x509_reading *r, struct ptn_slice der)
{
    struct ptn_x509_parts parts;
    struct ptn_der whole;
    /* A "trusted certificate" has what it is trusted for behind it. */
    if (!ptn_der_next(&der, &whole) || !ptn_x509_split(whole.whole, &parts))
        return ptn_x509_broken(r, "its certificate is truncated or damaged");
    ptn_x509_pem_add(&r->out->certs, "CERTIFICATE", whole.whole);
    r->found = true;
    return PTN_TLS_PARSED_GOOD;
}

/* The first counts: others are old ones, if anything. */
static enum ptn_tls_parsed
add_csr(struct ptn_x509_reading *r, struct ptn_slice der)
{
    struct ptn_slice rest = der, body;
    if (!ptn_der_get(&rest, DER_SEQUENCE, &body) || rest.len > 0)
        return ptn_x509_broken(r, "its request is truncated or damaged");
    if (r->out->csr.len == 0)
        ptn_x509_pem_add(&r->out->csr, "CERTIFICATE REQUEST", der);
    r->found = true;
    return PTN_TLS_PARSED_GOOD;
}

/* SignedData (RFC 5652 section 5.1), of which only the certificates matter.
 * What they are worth is not decided by who signed this. */
static enum ptn_tls_parsed
add_signed_data(struct ptn_x509_reading *r, struct ptn_slice content)
{
    struct ptn_slice body, certs;
    struct ptn_der der;
    uint32_t version;
    if (!ptn_der_get(&content, DER_SEQUENCE, &body) ||
        !ptn_der_number(&body, &version) || !ptn_der_next(&body, &der) ||
        !ptn_der_next(&body, &der))
        return ptn_x509_broken(r, "its PKCS#7 data is damaged");
    if (!ptn_der_get(&body, DER_CONTEXT_CONS, &certs))
        return ptn_x509_broken(r, "it is PKCS#7 without a certificate");
    while (certs.len > 0) {
        if (!ptn_der_next(&certs, &der))
            return ptn_x509_broken(r, "its PKCS#7 data is damaged");
        if (der.tag != DER_SEQUENCE) /* other kinds: section 10.2.2 */
            continue;
        enum ptn_tls_parsed got = ptn_x509_add_cert(r, der.whole);
        if (got != PTN_TLS_PARSED_GOOD)
            return got;
    }
    return PTN_TLS_PARSED_GOOD;
}

/* ContentInfo, RFC 5652 section 3. */
static enum ptn_tls_parsed
add_pkcs7(struct ptn_x509_reading *r, struct ptn_slice der)
{
    struct ptn_slice body, oid, content;
    if (!ptn_der_get(&der, DER_SEQUENCE, &body) ||
        !ptn_der_get(&body, DER_OID, &oid) ||
        !ptn_der_get(&body, DER_CONTEXT_CONS, &content))
        return ptn_x509_broken(r, "its PKCS#7 data is truncated or damaged");
    return ptn_oid_of(oid) == PTN_OID_SIGNED_DATA
               ? add_signed_data(r, content)
               : ptn_x509_unsupported(r, "PKCS#7 content", oid);
}

/* --- DER, told apart by what is in its outermost SEQUENCE --- */

typedef enum ptn_tls_parsed adder(struct ptn_x509_reading *r,
                                  struct ptn_slice der);

/* TBSCertificate begins with [0] or a serial number and an algorithm; what a
 * request signs, with a version and a name, behind which no dates are but a
 * public key. */
static adder *
signed_kind(struct ptn_slice tbs)
{
    struct ptn_slice first, second, inner;
    if (ptn_der_peek(tbs) == DER_CONTEXT_CONS)
        return ptn_x509_add_cert;
    if (!ptn_der_get(&tbs, DER_INTEGER, &first) ||
        !ptn_der_get(&tbs, DER_SEQUENCE, &second))
        return NULL;
    inner = second;
    return ptn_der_peek(inner) == DER_OID ? ptn_x509_add_cert : add_csr;
}

static adder *
kind_of(struct ptn_slice der)
{
    struct ptn_slice body, first;
    uint32_t version;
    if (!ptn_der_get(&der, DER_SEQUENCE, &body))
        return NULL;
    if (ptn_der_peek(body) == DER_OID)
        return add_pkcs7;
    if (ptn_der_peek(body) == DER_SEQUENCE) {
        if (!ptn_der_get(&body, DER_SEQUENCE, &first))
            return NULL;
        if (ptn_der_peek(first) == DER_OID)
            return ptn_der_peek(body) == DER_OCTETS ? ptn_x509_add_encrypted
                                                    : NULL;
        return signed_kind(first);
    }
    if (!ptn_der_number(&body, &version))
        return NULL;
    struct ptn_slice inner;
    if (version == 3 && ptn_der_get(&body, DER_SEQUENCE, &inner) &&
        ptn_der_peek(inner) == DER_OID)
        return ptn_x509_add_pkcs12;
    return ptn_x509_add_key;
}

static enum ptn_tls_parsed
add_der(struct ptn_x509_reading *r, struct ptn_slice file)
{
    struct ptn_buf der = PTN_BUF_INIT;
    enum ptn_tls_parsed got;
    if (!ptn_ber_to_der(file, &der)) {
        got = ptn_x509_broken(r, "it is truncated, or no file of keys and "
                                 "certificates");
    } else {
        adder *add = kind_of(ptn_buf_slice(&der));
        got = add ? add(r, ptn_buf_slice(&der))
                  : ptn_x509_broken(r, "it holds nothing that is known: no "
                                       "key, certificate or request");
    }
    ptn_x509_wipe(&der);
    return got;
}

/* --- PEM --- */

static enum ptn_tls_parsed
add_pem_key(struct ptn_x509_reading *r, const struct ptn_x509_pem *block,
            struct ptn_slice der)
{
    static const char mark[] = "ENCRYPTED";
    struct ptn_buf plain = PTN_BUF_INIT;
    struct ptn_slice h = block->headers, rest, inner;

    if (h.len == 0 || !memmem(h.data, h.len, mark, sizeof(mark) - 1))
        return ptn_x509_add_key(r, der);
    r->found = true;
    if (r->passphrase.len == 0)
        return ptn_x509_wrong(r);
    enum ptn_tls_parsed got = ptn_x509_decrypt_pem(r, h, der, &plain);
    rest = ptn_buf_slice(&plain);
    if (got == PTN_TLS_PARSED_GOOD &&
        (!ptn_der_get(&rest, DER_SEQUENCE, &inner) || rest.len > 0))
        got = ptn_x509_wrong(r);
    if (got == PTN_TLS_PARSED_GOOD)
        got = ptn_x509_add_key(r, ptn_buf_slice(&plain));
    ptn_x509_wipe(&plain);
    return got;
}

static enum ptn_tls_parsed
alien_key(struct ptn_x509_reading *r, struct ptn_slice label)
{
    ptn_error_set(r->err, PTN_ERR_TLS,
                  "its key is a block \"%.*s\", which is not supported: give "
                  "an RSA, ECDSA or Ed25519 key in PKCS#8, PKCS#1 or SEC1",
                  label.len < 40 ? (int)label.len : 40, label.data);
    return PTN_TLS_PARSED_UNSUPPORTED;
}

static bool
ends_with(struct ptn_slice text, const char *end)
{
    size_t len = strlen(end);
    return text.len >= len && memcmp(text.data + text.len - len, end, len) == 0;
}

static enum ptn_tls_parsed
add_decoded(struct ptn_x509_reading *r, const struct ptn_x509_pem *block,
            struct ptn_slice der)
{
    static const struct {
        const char *label;
        adder *add; /* NULL: a key that may have headers */
    } rows[] = {
        {"CERTIFICATE", ptn_x509_add_cert},
        {"X509 CERTIFICATE", ptn_x509_add_cert},
        {"TRUSTED CERTIFICATE", ptn_x509_add_cert},
        {"CERTIFICATE REQUEST", add_csr},
        {"NEW CERTIFICATE REQUEST", add_csr},
        {"PKCS7", add_der},
        {"CMS", add_der},
        {"PKCS #7 SIGNED DATA", add_der},
        {"PKCS12", add_der},
        {"ENCRYPTED PRIVATE KEY", ptn_x509_add_encrypted},
        {"PRIVATE KEY", NULL},
        {"RSA PRIVATE KEY", NULL},
        {"EC PRIVATE KEY", NULL},
    };
    for (size_t i = 0; i < PTN_COUNT(rows); i++)
        if (ptn_slice_eq(block->label, ptn_slice_of(rows[i].label)))
            return rows[i].add ? rows[i].add(r, der)
                               : add_pem_key(r, block, der);
    return ends_with(block->label, "PRIVATE KEY") ? alien_key(r, block->label)
                                                  : PTN_TLS_PARSED_GOOD;
}

static enum ptn_tls_parsed
add_block(struct ptn_x509_reading *r, const struct ptn_x509_pem *block)
{
    struct ptn_buf der = PTN_BUF_INIT;
    enum ptn_tls_parsed got;
    if (ptn_x509_pem_decode(block, &der)) {
        got = add_decoded(r, block, ptn_buf_slice(&der));
    } else {
        ptn_error_set(r->err, PTN_ERR_INVALID,
                      "its PEM block \"%.*s\" is damaged: not base64",
                      block->label.len < 40 ? (int)block->label.len : 40,
                      block->label.data);
        got = PTN_TLS_PARSED_BROKEN;
    }
    ptn_x509_wipe(&der);
    return got;
}

static enum ptn_tls_parsed
add_pem(struct ptn_x509_reading *r, struct ptn_slice file)
{
    struct ptn_x509_pem block;
    for (;;) {
        enum ptn_tls_parsed got;
        switch (ptn_x509_pem_next(&file, &block)) {
        case PTN_X509_PEM_END:
            return PTN_TLS_PARSED_GOOD;
        case PTN_X509_PEM_CUT:
            return ptn_x509_broken(r, "it is truncated: the line END of a "
                                      "PEM block is missing");
        case PTN_X509_PEM_BLOCK:
            got = add_block(r, &block);
            if (got != PTN_TLS_PARSED_GOOD)
                return got;
        }
    }
}

/* Text may begin with a digit 0, which is DER's SEQUENCE; DER may hold any
 * text. */
static bool
is_pem(struct ptn_slice file)
{
    static const char begin[] = "-----BEGIN ";
    struct ptn_slice rest = file, body;
    return memmem(file.data, file.len, begin, sizeof(begin) - 1) &&
           !(ptn_der_get(&rest, DER_SEQUENCE, &body) && rest.len == 0);
}

static enum ptn_tls_parsed
add_file(struct ptn_x509_reading *r, struct ptn_slice file)
{
    if (file.len == 0)
        return ptn_x509_broken(r, "it is empty");
    if (file.len > PTN_TLS_FILE_MAX)
        return ptn_x509_broken(r, "it is larger than any file of keys and "
                                  "certificates");
    if (r->passphrase.len > PTN_TLS_PASSPHRASE_MAX)
        return ptn_x509_wrong(r);
    return is_pem(file) ? add_pem(r, file) : add_der(r, file);
}

enum ptn_tls_parsed
ptn_x509_parse(struct ptn_x509 x, struct ptn_slice file,
               struct ptn_slice passphrase, struct ptn_tls_parsed_file *out,
               struct ptn_error *err)
{
    struct ptn_x509_reading r = {
        .x = x,
        .passphrase = passphrase,
        .rounds_left = PTN_TLS_ROUNDS_MAX,
        .out = out,
        .err = err,
    };
    enum ptn_tls_parsed got = add_file(&r, file);
    if (got == PTN_TLS_PARSED_GOOD && !r.found)
        got = ptn_x509_broken(&r, "it holds no key, certificate or request");
    ptn_x509_wipe(&r.bmp);
    ptn_buf_free(&r.public);
    return got;
}
