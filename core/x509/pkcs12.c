/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads PKCS #12 (RFC 7292): safes, some encrypted, of bags, under a MAC that
 * proves the passphrase. What was decrypted is wiped.
 *
 *   PFX -> AuthenticatedSafe -> safes -> SafeContents -> bags
 */
#include "inner.h"

enum {
    SAFES_NESTED = 4 /* safe bags within safe bags; nobody writes any */
};

static enum ptn_tls_parsed
damaged(struct ptn_x509_reading *r)
{
    return ptn_x509_broken(r, "its PKCS#12 data is truncated or damaged");
}

static enum ptn_tls_parsed add_bags(struct ptn_x509_reading *r,
                                    struct ptn_slice contents, int depth);

/* CertBag, RFC 7292 section 4.2.3. */
static enum ptn_tls_parsed
add_cert_bag(struct ptn_x509_reading *r, struct ptn_slice value)
{
    struct ptn_slice body, oid, wrapped, cert;
    if (!ptn_der_get(&value, DER_SEQUENCE, &body) ||
        !ptn_der_get(&body, DER_OID, &oid) ||
        !ptn_der_get(&body, DER_CONTEXT_CONS, &wrapped))
        return damaged(r);
    if (ptn_oid_of(oid) != PTN_OID_X509_CERT)
        return PTN_TLS_PARSED_GOOD; /* SDSI */
    return ptn_der_get(&wrapped, DER_OCTETS, &cert) ? ptn_x509_add_cert(r, cert)
                                                    : damaged(r);
}

/* SafeBag, RFC 7292 section 4.2. */
static enum ptn_tls_parsed
add_bag(struct ptn_x509_reading *r, struct ptn_slice bag, int depth)
{
    struct ptn_slice oid, value;
    if (!ptn_der_get(&bag, DER_OID, &oid) ||
        !ptn_der_get(&bag, DER_CONTEXT_CONS, &value))
        return damaged(r);
    switch (ptn_oid_of(oid)) {
    case PTN_OID_KEY_BAG:
        return ptn_x509_add_key(r, value);
    case PTN_OID_SHROUDED_BAG:
        return ptn_x509_add_encrypted(r, value);
    case PTN_OID_CERT_BAG:
        return add_cert_bag(r, value);
    case PTN_OID_SAFE_BAG:
        return depth < SAFES_NESTED ? add_bags(r, value, depth + 1)
                                    : damaged(r);
    default:
        return PTN_TLS_PARSED_GOOD; /* revocation lists, secrets */
    }
}

static enum ptn_tls_parsed
add_bags(struct ptn_x509_reading *r, struct ptn_slice contents, int depth)
{
    struct ptn_slice list, bag;
    if (!ptn_der_get(&contents, DER_SEQUENCE, &list))
        return damaged(r);
    while (list.len > 0) {
        if (!ptn_der_get(&list, DER_SEQUENCE, &bag))
            return damaged(r);
        enum ptn_tls_parsed got = add_bag(r, bag, depth);
        if (got != PTN_TLS_PARSED_GOOD)
            return got;
    }
    return PTN_TLS_PARSED_GOOD;
}

/* SafeContents as a program wrote it. */
static enum ptn_tls_parsed
add_contents(struct ptn_x509_reading *r, struct ptn_slice ber, bool proved)
{
    struct ptn_buf der = PTN_BUF_INIT;
    enum ptn_tls_parsed got;
    if (ptn_ber_to_der(ber, &der))
        got = add_bags(r, ptn_buf_slice(&der), 0);
    else
        got = proved ? damaged(r) : ptn_x509_wrong(r);
    ptn_x509_wipe(&der);
    return got;
}

/* The pieces of a string whose tag is [0], in BER. */
static bool
join_pieces(struct ptn_slice pieces, struct ptn_buf *out)
{
    struct ptn_slice piece;
    while (pieces.len > 0) {
        if (!ptn_der_get(&pieces, DER_OCTETS, &piece))
            return false;
        ptn_buf_addslice(out, piece);
    }
    return true;
}

/* EncryptedData, RFC 5652 sections 8 and 6.1. */
static enum ptn_tls_parsed
add_encrypted_safe(struct ptn_x509_reading *r, struct ptn_slice content)
{
    struct ptn_buf data = PTN_BUF_INIT, plain = PTN_BUF_INIT;
    struct ptn_slice body, info, oid, algorithm;
    struct ptn_der sealed;
    uint32_t version;

    if (!ptn_der_get(&content, DER_SEQUENCE, &body) ||
        !ptn_der_number(&body, &version) ||
        !ptn_der_get(&body, DER_SEQUENCE, &info) ||
        !ptn_der_get(&info, DER_OID, &oid) ||
        !ptn_der_get(&info, DER_SEQUENCE, &algorithm) ||
        !ptn_der_next(&info, &sealed))
        return damaged(r);
    if (sealed.tag == DER_CONTEXT)
        ptn_buf_addslice(&data, sealed.body);
    else if (sealed.tag != DER_CONTEXT_CONS || !join_pieces(sealed.body, &data))
        data.len = 0;
    enum ptn_tls_parsed got =
        ptn_x509_decrypt(r, algorithm, ptn_buf_slice(&data), &plain);
    if (got == PTN_TLS_PARSED_GOOD)
        got = add_contents(r, ptn_buf_slice(&plain), r->opened);
    ptn_x509_wipe(&plain);
    ptn_buf_free(&data);
    return got;
}

static enum ptn_tls_parsed
add_safe(struct ptn_x509_reading *r, struct ptn_slice info)
{
    struct ptn_slice oid, content, octets;
    if (!ptn_der_get(&info, DER_OID, &oid) ||
        !ptn_der_get(&info, DER_CONTEXT_CONS, &content))
        return damaged(r);
    switch (ptn_oid_of(oid)) {
    case PTN_OID_DATA:
        return ptn_der_get(&content, DER_OCTETS, &octets)
                   ? add_contents(r, octets, true)
                   : damaged(r);
    case PTN_OID_ENCRYPTED_DATA:
        return add_encrypted_safe(r, content);
    default:
        return ptn_x509_unsupported(r, "PKCS#12 content", oid);
    }
}

static enum ptn_tls_parsed
add_each_safe(struct ptn_x509_reading *r, struct ptn_slice der)
{
    struct ptn_slice list, info;
    if (!ptn_der_get(&der, DER_SEQUENCE, &list))
        return damaged(r);
    while (list.len > 0) {
        if (!ptn_der_get(&list, DER_SEQUENCE, &info))
            return damaged(r);
        enum ptn_tls_parsed got = add_safe(r, info);
        if (got != PTN_TLS_PARSED_GOOD)
            return got;
    }
    return PTN_TLS_PARSED_GOOD;
}

static enum ptn_tls_parsed
add_safes(struct ptn_x509_reading *r, struct ptn_slice safes)
{
    struct ptn_buf der = PTN_BUF_INIT;
    enum ptn_tls_parsed got = ptn_ber_to_der(safes, &der)
                                  ? add_each_safe(r, ptn_buf_slice(&der))
                                  : damaged(r);
    ptn_x509_wipe(&der);
    return got;
}

/* --- the MAC, RFC 7292 appendix B --- */

struct mac {
    enum ptn_x509_hash hash;
    struct ptn_slice salt, value;
    uint32_t rounds;
};

static enum ptn_tls_parsed
read_mac(struct ptn_x509_reading *r, struct ptn_slice data, struct mac *out)
{
    struct ptn_slice info, algorithm, oid;
    if (!ptn_der_get(&data, DER_SEQUENCE, &info) ||
        !ptn_der_get(&info, DER_SEQUENCE, &algorithm) ||
        !ptn_der_get(&algorithm, DER_OID, &oid) ||
        !ptn_der_get(&info, DER_OCTETS, &out->value) ||
        !ptn_der_get(&data, DER_OCTETS, &out->salt))
        return damaged(r);
    out->rounds = 1;
    if (data.len > 0 && !ptn_der_number(&data, &out->rounds))
        return damaged(r);
    if (!ptn_x509_hash_of(ptn_oid_of(oid), &out->hash))
        return ptn_x509_unsupported(r, "MAC", oid);
    return out->value.len == ptn_x509_hash_size(out->hash)
               ? ptn_x509_spend(r, out->rounds)
               : damaged(r);
}

/* Whether the passphrase in r->bmp made it. */
static bool
fits(struct ptn_x509_reading *r, const struct mac *mac, struct ptn_slice safes)
{
    uint8_t key[PTN_X509_HASH_MAX], value[PTN_X509_HASH_MAX];
    const struct ptn_x509_derivation how = {
        .kdf = PTN_X509_PKCS12,
        .hash = mac->hash,
        .passphrase = ptn_buf_slice(&r->bmp),
        .salt = mac->salt,
        .rounds = mac->rounds,
        .purpose = 3,
    };
    size_t len = mac->value.len;
    bool same =
        r->x.library->derive(&how, key, len) == 0 &&
        r->x.library->hmac(mac->hash, (struct ptn_slice){(char *)key, len},
                           safes, value) == 0 &&
        memcmp(value, mac->value.data, len) == 0;
    ptn_wipe(key, sizeof(key));
    return same;
}

/* An empty passphrase is either a NUL or nothing: programs differ. */
static enum ptn_tls_parsed
check_mac(struct ptn_x509_reading *r, struct ptn_slice data,
          struct ptn_slice safes)
{
    struct mac mac;
    enum ptn_tls_parsed got = read_mac(r, data, &mac);
    if (got != PTN_TLS_PARSED_GOOD)
        return got;
    r->opened = fits(r, &mac, safes);
    if (!r->opened && r->passphrase.len == 0) {
        got = ptn_x509_spend(r, mac.rounds);
        if (got != PTN_TLS_PARSED_GOOD)
            return got;
        r->bmp.len = 0;
        r->opened = fits(r, &mac, safes);
    }
    return r->opened ? PTN_TLS_PARSED_GOOD : ptn_x509_wrong(r);
}

/* PFX, RFC 7292 section 4. Without a MAC the padding has to tell whether the
 * passphrase is right. */
enum ptn_tls_parsed
ptn_x509_add_pkcs12(struct ptn_x509_reading *r, struct ptn_slice der)
{
    struct ptn_slice body, info, oid, content, safes, mac;
    uint32_t version;

    if (!ptn_der_get(&der, DER_SEQUENCE, &body) ||
        !ptn_der_number(&body, &version) ||
        !ptn_der_get(&body, DER_SEQUENCE, &info) ||
        !ptn_der_get(&info, DER_OID, &oid) ||
        !ptn_der_get(&info, DER_CONTEXT_CONS, &content))
        return damaged(r);
    if (ptn_oid_of(oid) != PTN_OID_DATA)
        return ptn_x509_unsupported(r, "PKCS#12 content", oid);
    if (!ptn_der_get(&content, DER_OCTETS, &safes))
        return damaged(r);
    r->bmp.len = 0; /* of the file's PKCS #12 before it */
    r->opened = false;
    ptn_x509_bmp(&r->bmp, r->passphrase, true);
    enum ptn_tls_parsed got = PTN_TLS_PARSED_GOOD;
    if (body.len > 0)
        got = ptn_der_get(&body, DER_SEQUENCE, &mac) ? check_mac(r, mac, safes)
                                                     : damaged(r);
    return got == PTN_TLS_PARSED_GOOD ? add_safes(r, safes) : got;
}
