/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Makes PKCS #12 files (RFC 7292): one safe with the certificates, one with
 * the key, both encrypted, and a MAC over them. Copies of the key are wiped.
 */
#include "inner.h"

#include <sys/random.h>

enum {
    MAC_ROUNDS = PTN_X509_PKCS12_ROUNDS,
    VERSION = 3 /* RFC 7292 section 4 */
};

/* What is being made. */
struct draft {
    struct ptn_x509_seal seal;
    const char *name;
    uint8_t key_id[PTN_X509_HASH_MAX]; /* ties the key to its certificate */
};

/* PKCS12Attribute, RFC 7292 section 4.2. */
static void
add_attribute(struct ptn_buf *out, enum ptn_oid oid, uint8_t tag,
              struct ptn_slice value)
{
    size_t from = out->len;
    ptn_der_add(out, DER_OID, ptn_oid_body(oid));
    size_t set = out->len;
    ptn_der_add(out, tag, value);
    ptn_der_close(out, set, DER_SET);
    ptn_der_close(out, from, DER_SEQUENCE);
}

/* In DER's order (X.690 section 11.6): the shorter one first, and of two of a
 * length the one with the lower identifier. */
static void
add_attributes(const struct draft *d, struct ptn_buf *out)
{
    struct ptn_buf name = PTN_BUF_INIT, bmp = PTN_BUF_INIT;
    size_t set = out->len;
    if (d->name) {
        ptn_x509_bmp(&bmp, ptn_slice_of(d->name), false);
        add_attribute(&name, PTN_OID_FRIENDLY_NAME, DER_BMP,
                      ptn_buf_slice(&bmp));
    }
    add_attribute(out, PTN_OID_LOCAL_KEY_ID, DER_OCTETS,
                  (struct ptn_slice){(const char *)d->key_id,
                                     ptn_x509_hash_size(PTN_X509_SHA1)});
    if (name.len <= out->len - set) {
        ptn_buf_addslice(&name,
                         (struct ptn_slice){out->data + set, out->len - set});
        out->len = set;
    }
    ptn_buf_addslice(out, ptn_buf_slice(&name));
    ptn_der_close(out, set, DER_SET);
    ptn_buf_free(&bmp);
    ptn_buf_free(&name);
}

/* Closes a ContentInfo whose content is all since `content`. */
static void
end_info(struct ptn_buf *out, size_t from, size_t content)
{
    ptn_der_close(out, content, DER_CONTEXT_CONS);
    ptn_der_close(out, from, DER_SEQUENCE);
}

static void
add_cert_bag(const struct draft *d, struct ptn_slice der, bool leaf,
             struct ptn_buf *out)
{
    size_t from = out->len;
    ptn_der_add(out, DER_OID, ptn_oid_body(PTN_OID_CERT_BAG));
    size_t value = out->len;
    ptn_der_add(out, DER_OID, ptn_oid_body(PTN_OID_X509_CERT));
    size_t cert = out->len;
    ptn_der_add(out, DER_OCTETS, der);
    ptn_der_close(out, cert, DER_CONTEXT_CONS);
    ptn_der_close(out, value, DER_SEQUENCE);
    ptn_der_close(out, value, DER_CONTEXT_CONS);
    if (leaf)
        add_attributes(d, out);
    ptn_der_close(out, from, DER_SEQUENCE);
}

/* SafeContents of the chain; false for what is none. */
static bool
add_certs(struct draft *d, struct ptn_slice chain, struct ptn_buf *out)
{
    struct ptn_buf der = PTN_BUF_INIT;
    struct ptn_x509_pem block;
    bool ok = true, leaf = true;
    while (ok && ptn_x509_pem_next(&chain, &block) == PTN_X509_PEM_BLOCK) {
        if (!ptn_slice_eq(block.label, PTN_SLICE("CERTIFICATE")))
            continue;
        der.len = 0;
        ok = ptn_x509_pem_decode(&block, &der) &&
             (!leaf || d->seal.x.library->digest(
                           PTN_X509_SHA1, ptn_buf_slice(&der), d->key_id) == 0);
        if (ok)
            add_cert_bag(d, ptn_buf_slice(&der), leaf, out);
        leaf = false;
    }
    ptn_buf_free(&der);
    ptn_der_close(out, 0, DER_SEQUENCE);
    return ok && !leaf;
}

/* EncryptedData in its ContentInfo (RFC 5652 section 8). */
static int
add_cert_safe(const struct draft *d, struct ptn_slice certs,
              struct ptn_buf *out)
{
    size_t from = out->len;
    ptn_der_add(out, DER_OID, ptn_oid_body(PTN_OID_ENCRYPTED_DATA));
    size_t content = out->len;
    ptn_der_add_number(out, 0);
    size_t info = out->len;
    ptn_der_add(out, DER_OID, ptn_oid_body(PTN_OID_DATA));
    if (ptn_x509_encrypt(&d->seal, certs, DER_CONTEXT, out) != 0)
        return -1;
    ptn_der_close(out, info, DER_SEQUENCE);
    ptn_der_close(out, content, DER_SEQUENCE);
    end_info(out, from, content);
    return 0;
}

static int
add_key_safe(const struct draft *d, struct ptn_slice key, struct ptn_buf *out)
{
    size_t from = out->len;
    ptn_der_add(out, DER_OID, ptn_oid_body(PTN_OID_DATA));
    size_t content = out->len;
    ptn_der_add(out, DER_OID, ptn_oid_body(PTN_OID_SHROUDED_BAG));
    size_t value = out->len;
    if (ptn_x509_encrypt(&d->seal, key, DER_OCTETS, out) != 0)
        return -1;
    ptn_der_close(out, value, DER_SEQUENCE);
    ptn_der_close(out, value, DER_CONTEXT_CONS);
    add_attributes(d, out);
    ptn_der_close(out, content, DER_SEQUENCE); /* the bag */
    ptn_der_close(out, content, DER_SEQUENCE); /* SafeContents */
    ptn_der_close(out, content, DER_OCTETS);
    end_info(out, from, content);
    return 0;
}

/* MacData, RFC 7292 section 4 and appendix B. */
static int
add_mac(const struct draft *d, struct ptn_slice safes, struct ptn_buf *out)
{
    uint8_t salt[PTN_X509_SALT], key[PTN_X509_HASH_MAX], mac[PTN_X509_HASH_MAX];
    const struct ptn_x509_library *library = d->seal.x.library;
    size_t len = ptn_x509_hash_size(PTN_X509_SHA256);
    struct ptn_buf bmp = PTN_BUF_INIT;

    if (getentropy(salt, sizeof(salt)) != 0)
        return -1;
    ptn_x509_bmp(&bmp, d->seal.passphrase, true);
    const struct ptn_x509_derivation how = {
        PTN_X509_PKCS12,     PTN_X509_SHA256,
        ptn_buf_slice(&bmp), {(char *)salt, sizeof(salt)},
        MAC_ROUNDS,          3};
    int rc = library->derive(&how, key, len);
    if (rc == 0)
        rc = library->hmac(PTN_X509_SHA256,
                           (struct ptn_slice){(char *)key, len}, safes, mac);
    ptn_wipe(key, sizeof(key));
    ptn_x509_wipe(&bmp);
    size_t from = out->len;
    ptn_der_add(out, DER_OID, ptn_oid_body(PTN_OID_SHA256));
    ptn_der_add(out, DER_NULL, (struct ptn_slice){NULL, 0});
    ptn_der_close(out, from, DER_SEQUENCE);
    ptn_der_add(out, DER_OCTETS, (struct ptn_slice){(char *)mac, len});
    ptn_der_close(out, from, DER_SEQUENCE);
    ptn_der_add(out, DER_OCTETS,
                (struct ptn_slice){(char *)salt, sizeof(salt)});
    ptn_der_add_number(out, MAC_ROUNDS);
    ptn_der_close(out, from, DER_SEQUENCE);
    return rc;
}

/* PFX, RFC 7292 section 4, around the safes. */
static int
add_pfx(const struct draft *d, struct ptn_slice safes, struct ptn_buf *out)
{
    size_t from = out->len;
    ptn_der_add_number(out, VERSION);
    size_t info = out->len;
    ptn_der_add(out, DER_OID, ptn_oid_body(PTN_OID_DATA));
    size_t content = out->len;
    ptn_der_add(out, DER_OCTETS, safes);
    end_info(out, info, content);
    if (add_mac(d, safes, out) != 0)
        return -1;
    ptn_der_close(out, from, DER_SEQUENCE);
    return 0;
}

/* The key must be that of the first certificate. */
static int
check_pair(const struct ptn_x509_bundle *b, struct ptn_x509 x,
           struct ptn_error *err)
{
    struct ptn_buf key = PTN_BUF_INIT, cert = PTN_BUF_INIT;
    int rc = x.library->ops->key_public(x.instance, b->key, &key, err);
    if (rc == 0)
        rc = ptn_x509_cert_public(b->chain, &cert, err);
    if (rc == 0 && !ptn_slice_eq(ptn_buf_slice(&key), ptn_buf_slice(&cert)))
        rc = ptn_error_set(err, PTN_ERR_TLS,
                           "the private key and the certificate do not match");
    ptn_buf_free(&key);
    ptn_buf_free(&cert);
    return rc;
}

int
ptn_x509_pkcs12_make(struct ptn_x509 x, const struct ptn_x509_bundle *bundle,
                     struct ptn_buf *out, struct ptn_error *err)
{
    struct draft d = {.seal = {x, bundle->passphrase, PTN_X509_PKCS12_ROUNDS},
                      .name = bundle->name};
    struct ptn_buf key = PTN_BUF_INIT, certs = PTN_BUF_INIT,
                   safes = PTN_BUF_INIT;

    if (ptn_x509_check_passphrase(bundle->passphrase, err) < 0 ||
        check_pair(bundle, x, err) < 0)
        return -1;
    int rc = ptn_x509_key_der(x, bundle->key, &key, err);
    if (rc == 0) {
        bool ok = add_certs(&d, bundle->chain, &certs) &&
                  add_cert_safe(&d, ptn_buf_slice(&certs), &safes) == 0 &&
                  add_key_safe(&d, ptn_buf_slice(&key), &safes) == 0;
        if (ok) {
            ptn_der_close(&safes, 0, DER_SEQUENCE);
            ok = add_pfx(&d, ptn_buf_slice(&safes), out) == 0;
        }
        if (!ok)
            rc = ptn_error_set(err, PTN_ERR_TLS, "%s cannot make PKCS#12",
                               x.library->ops->name);
    }
    ptn_buf_free(&safes);
    ptn_buf_free(&certs);
    ptn_x509_wipe(&key);
    return rc;
}
