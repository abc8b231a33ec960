/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Decryption with a passphrase: PBES2 and the PBES1 of PKCS #12 (RFC 8018
 * section 6.2, RFC 7292 appendix C), and PEM's own way (RFC 1423). Keys and
 * plaintext that are made here are wiped here, but for what is handed out.
 */
#include "inner.h"

#include <stdio.h>

/* What the algorithms need, put together from their parameters. */
struct scheme {
    struct ptn_x509_derivation derive;
    enum ptn_x509_cipher cipher;
    uint8_t iv[PTN_X509_BLOCK];
};

static const struct {
    size_t key, block;
} sizes[] = {
    [PTN_X509_AES_128] = {16, 16}, [PTN_X509_AES_192] = {24, 16},
    [PTN_X509_AES_256] = {32, 16}, [PTN_X509_DES_EDE3] = {24, 8},
    [PTN_X509_RC2_40] = {5, 8},    [PTN_X509_RC2_128] = {16, 8},
};

bool
ptn_x509_hash_of(enum ptn_oid oid, enum ptn_x509_hash *hash)
{
    switch (oid) {
    case PTN_OID_SHA1:
    case PTN_OID_HMAC_SHA1:
        *hash = PTN_X509_SHA1;
        return true;
    case PTN_OID_SHA224:
    case PTN_OID_HMAC_SHA224:
        *hash = PTN_X509_SHA224;
        return true;
    case PTN_OID_SHA256:
    case PTN_OID_HMAC_SHA256:
        *hash = PTN_X509_SHA256;
        return true;
    case PTN_OID_SHA384:
    case PTN_OID_HMAC_SHA384:
        *hash = PTN_X509_SHA384;
        return true;
    case PTN_OID_SHA512:
    case PTN_OID_HMAC_SHA512:
        *hash = PTN_X509_SHA512;
        return true;
    default:
        return false;
    }
}

size_t
ptn_x509_hash_size(enum ptn_x509_hash hash)
{
    static const size_t octets[] = {16, 20, 28, 32, 48, 64};
    return octets[hash];
}

enum ptn_tls_parsed
ptn_x509_spend(struct ptn_x509_reading *r, uint32_t rounds)
{
    if (rounds == 0)
        return ptn_x509_broken(r, "its key derivation has no rounds");
    if (rounds > r->rounds_left) {
        ptn_error_set(r->err, PTN_ERR_LIMIT,
                      "it asks for more than %d rounds of key derivation: "
                      "encrypt it again with fewer",
                      PTN_TLS_ROUNDS_MAX);
        return PTN_TLS_PARSED_UNSUPPORTED;
    }
    r->rounds_left -= rounds;
    return PTN_TLS_PARSED_GOOD;
}

/* RFC 7292 appendix B.1: big-endian UTF-16 and a NUL. What is no UTF-8 counts
 * as Latin-1. */
static size_t
next_char(const uint8_t *s, size_t left, uint32_t *out)
{
    static const uint8_t least[] = {0, 0, 2, 8, 16}; /* no longer than needed */
    size_t n = s[0] < 0xc0 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    *out = s[0];
    if (n == 1 || n > left || s[0] > 0xf4)
        return 1;
    uint32_t value = s[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 1;
        value = value << 6 | (s[i] & 0x3f);
    }
    if (value < (uint32_t)least[n] << (n == 2 ? 6 : n == 3 ? 8 : 12))
        return 1;
    *out = value;
    return n;
}

static void
add_unit(struct ptn_buf *out, uint32_t unit)
{
    ptn_buf_addc(out, (char)(unit >> 8));
    ptn_buf_addc(out, (char)unit);
}

void
ptn_x509_bmp(struct ptn_buf *out, struct ptn_slice utf8, bool terminated)
{
    (void)ptn_buf_reserve(out, utf8.len * 2 + 2);
    for (size_t at = 0; at < utf8.len;) {
        uint32_t c;
        at += next_char((const uint8_t *)utf8.data + at, utf8.len - at, &c);
        if (c > 0xffff) {
            add_unit(out, 0xd800 | (c - 0x10000) >> 10);
            c = 0xdc00 | ((c - 0x10000) & 0x3ff);
        }
        add_unit(out, c);
    }
    if (terminated)
        add_unit(out, 0);
}

/* --- parameters --- */

static bool
cipher_of(enum ptn_oid oid, enum ptn_x509_cipher *cipher)
{
    switch (oid) {
    case PTN_OID_AES_128:
        *cipher = PTN_X509_AES_128;
        return true;
    case PTN_OID_AES_192:
        *cipher = PTN_X509_AES_192;
        return true;
    case PTN_OID_AES_256:
        *cipher = PTN_X509_AES_256;
        return true;
    case PTN_OID_DES_EDE3:
        *cipher = PTN_X509_DES_EDE3;
        return true;
    default:
        return false;
    }
}

static enum ptn_tls_parsed
malformed(struct ptn_x509_reading *r)
{
    return ptn_x509_broken(r, "the parameters of its encryption are damaged");
}

/* PBKDF2-params, RFC 8018 appendix A.2. */
static enum ptn_tls_parsed
read_pbkdf2(struct ptn_x509_reading *r, struct ptn_slice kdf,
            struct ptn_x509_derivation *out)
{
    struct ptn_slice oid, params, prf, prf_oid;
    if (!ptn_der_get(&kdf, DER_OID, &oid))
        return malformed(r);
    if (ptn_oid_of(oid) != PTN_OID_PBKDF2)
        return ptn_x509_unsupported(r, "key derivation", oid);
    if (!ptn_der_get(&kdf, DER_SEQUENCE, &params) ||
        !ptn_der_get(&params, DER_OCTETS, &out->salt) ||
        !ptn_der_number(&params, &out->rounds))
        return malformed(r);
    out->kdf = PTN_X509_PBKDF2;
    out->hash = PTN_X509_SHA1;
    ptn_der_skip(&params, DER_INTEGER);
    if (!ptn_der_get(&params, DER_SEQUENCE, &prf))
        return PTN_TLS_PARSED_GOOD;
    if (!ptn_der_get(&prf, DER_OID, &prf_oid))
        return malformed(r);
    return ptn_x509_hash_of(ptn_oid_of(prf_oid), &out->hash)
               ? PTN_TLS_PARSED_GOOD
               : ptn_x509_unsupported(r, "pseudorandom function", prf_oid);
}

/* PBES2-params, RFC 8018 appendix A.4. */
static enum ptn_tls_parsed
read_pbes2(struct ptn_x509_reading *r, struct ptn_slice algorithm,
           struct scheme *out)
{
    struct ptn_slice params, kdf, cipher, oid, iv;
    if (!ptn_der_get(&algorithm, DER_SEQUENCE, &params) ||
        !ptn_der_get(&params, DER_SEQUENCE, &kdf) ||
        !ptn_der_get(&params, DER_SEQUENCE, &cipher) ||
        !ptn_der_get(&cipher, DER_OID, &oid))
        return malformed(r);
    if (!cipher_of(ptn_oid_of(oid), &out->cipher))
        return ptn_x509_unsupported(r, "cipher", oid);
    if (!ptn_der_get(&cipher, DER_OCTETS, &iv) ||
        iv.len != sizes[out->cipher].block)
        return malformed(r);
    memcpy(out->iv, iv.data, iv.len);
    out->derive.passphrase = r->passphrase;
    return read_pbkdf2(r, kdf, &out->derive);
}

/* pkcs-12PbeParams, RFC 7292 appendix C. */
static enum ptn_tls_parsed
read_pbes1(struct ptn_x509_reading *r, struct ptn_slice algorithm,
           struct scheme *out)
{
    struct ptn_slice params;
    if (!ptn_der_get(&algorithm, DER_SEQUENCE, &params) ||
        !ptn_der_get(&params, DER_OCTETS, &out->derive.salt) ||
        !ptn_der_number(&params, &out->derive.rounds))
        return malformed(r);
    out->derive.kdf = PTN_X509_PKCS12;
    out->derive.hash = PTN_X509_SHA1;
    if (r->bmp.len == 0 && !r->opened)
        ptn_x509_bmp(&r->bmp, r->passphrase, true);
    out->derive.passphrase = ptn_buf_slice(&r->bmp);
    return PTN_TLS_PARSED_GOOD;
}

/* --- decryption --- */

static enum ptn_tls_parsed
lacks(struct ptn_x509_reading *r)
{
    ptn_error_set(r->err, PTN_ERR_TLS,
                  "%s cannot decrypt it: encrypt it again with AES",
                  r->x.library->ops->name);
    return PTN_TLS_PARSED_UNSUPPORTED;
}

/* RFC 8018 section 6.1.1. What has no padding was decrypted with a wrong key,
 * unless a MAC has proved that it is the right one. */
static enum ptn_tls_parsed
remove_padding(struct ptn_x509_reading *r, size_t block, struct ptn_buf *plain)
{
    uint8_t n = plain->len > 0 ? (uint8_t)plain->data[plain->len - 1] : 0;
    bool bad = n == 0 || n > block || n > plain->len;
    for (size_t i = 0; !bad && i < n; i++)
        bad = (uint8_t)plain->data[plain->len - 1 - i] != n;
    if (bad)
        return r->opened ? ptn_x509_broken(r, "what it encrypts is damaged")
                         : ptn_x509_wrong(r);
    plain->len -= n;
    return PTN_TLS_PARSED_GOOD;
}

static bool
run_cbc(struct ptn_x509_reading *r, const struct scheme *s, const uint8_t *key,
        struct ptn_slice data, struct ptn_buf *plain)
{
    const struct ptn_x509_cbc how = {s->cipher, false, key, s->iv};
    uint8_t *to = (uint8_t *)ptn_buf_reserve(plain, data.len);
    if (r->x.library->cbc(&how, data, to) != 0)
        return false;
    plain->len += data.len;
    return true;
}

static enum ptn_tls_parsed
decrypt(struct ptn_x509_reading *r, const struct scheme *s, size_t key_len,
        struct ptn_slice data, struct ptn_buf *plain)
{
    uint8_t key[PTN_X509_KEY];
    size_t block = sizes[s->cipher].block;
    if (data.len == 0 || data.len % block != 0)
        return ptn_x509_broken(r, "what it encrypts is truncated");
    enum ptn_tls_parsed got = ptn_x509_spend(r, s->derive.rounds);
    if (got != PTN_TLS_PARSED_GOOD)
        return got;
    bool ok = r->x.library->derive(&s->derive, key, key_len) == 0;
    if (key_len < sizes[s->cipher].key) /* two keys: the first is the third */
        memcpy(key + 16, key, 8);
    ok = ok && run_cbc(r, s, key, data, plain);
    ptn_wipe(key, sizeof(key));
    return ok ? remove_padding(r, block, plain) : lacks(r);
}

static enum ptn_tls_parsed
decrypt_pbes1(struct ptn_x509_reading *r, struct scheme *s, size_t key_len,
              struct ptn_slice data, struct ptn_buf *plain)
{
    enum ptn_tls_parsed got = ptn_x509_spend(r, s->derive.rounds);
    if (got != PTN_TLS_PARSED_GOOD)
        return got;
    s->derive.purpose = 2;
    if (r->x.library->derive(&s->derive, s->iv, sizes[s->cipher].block) != 0)
        return lacks(r);
    s->derive.purpose = 1;
    return decrypt(r, s, key_len, data, plain);
}

enum ptn_tls_parsed
ptn_x509_decrypt(struct ptn_x509_reading *r, struct ptn_slice algorithm,
                 struct ptn_slice data, struct ptn_buf *plain)
{
    static const struct {
        enum ptn_oid oid;
        enum ptn_x509_cipher cipher;
        size_t key;
    } old[] = {
        {PTN_OID_PBE_3DES, PTN_X509_DES_EDE3, 24},
        {PTN_OID_PBE_2DES, PTN_X509_DES_EDE3, 16},
        {PTN_OID_PBE_RC2_128, PTN_X509_RC2_128, 16},
        {PTN_OID_PBE_RC2_40, PTN_X509_RC2_40, 5},
    };
    struct scheme s = {.cipher = PTN_X509_AES_128};
    struct ptn_slice oid;
    enum ptn_tls_parsed got;

    if (!ptn_der_get(&algorithm, DER_OID, &oid))
        return malformed(r);
    enum ptn_oid id = ptn_oid_of(oid);
    if (id == PTN_OID_PBES2) {
        got = read_pbes2(r, algorithm, &s);
        return got == PTN_TLS_PARSED_GOOD
                   ? decrypt(r, &s, sizes[s.cipher].key, data, plain)
                   : got;
    }
    for (size_t i = 0; i < PTN_COUNT(old); i++) {
        if (old[i].oid != id)
            continue;
        s.cipher = old[i].cipher;
        got = read_pbes1(r, algorithm, &s);
        return got == PTN_TLS_PARSED_GOOD
                   ? decrypt_pbes1(r, &s, old[i].key, data, plain)
                   : got;
    }
    return ptn_x509_unsupported(r, "encryption", oid);
}

/* --- PEM's own encryption: RFC 1423 section 1.1, with newer ciphers --- */

static bool
from_hex(struct ptn_slice text, uint8_t *out, size_t len)
{
    if (text.len < len * 2)
        return false;
    for (size_t i = 0; i < len * 2; i++) {
        char c = text.data[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                           : -1;
        if (digit < 0)
            return false;
        out[i / 2] = (uint8_t)(i % 2 == 0 ? digit << 4 : out[i / 2] | digit);
    }
    return true;
}

/* "DEK-Info: AES-256-CBC,0123...": the cipher and its vector, of which eight
 * octets are the salt. */
static bool
read_dek(struct ptn_slice headers, struct scheme *s)
{
    static const struct {
        const char *name;
        enum ptn_x509_cipher cipher;
    } rows[] = {
        {"DEK-Info: AES-128-CBC,", PTN_X509_AES_128},
        {"DEK-Info: AES-192-CBC,", PTN_X509_AES_192},
        {"DEK-Info: AES-256-CBC,", PTN_X509_AES_256},
        {"DEK-Info: DES-EDE3-CBC,", PTN_X509_DES_EDE3},
    };
    for (size_t i = 0; i < PTN_COUNT(rows); i++) {
        size_t len = strlen(rows[i].name);
        const char *at = memmem(headers.data, headers.len, rows[i].name, len);
        if (!at)
            continue;
        size_t from = (size_t)(at - headers.data) + len;
        s->cipher = rows[i].cipher;
        return from_hex(ptn_slice_sub(headers, from, headers.len - from), s->iv,
                        sizes[s->cipher].block);
    }
    return false;
}

enum ptn_tls_parsed
ptn_x509_decrypt_pem(struct ptn_x509_reading *r, struct ptn_slice headers,
                     struct ptn_slice data, struct ptn_buf *plain)
{
    struct scheme s = {.derive = {.kdf = PTN_X509_BYTES_TO_KEY,
                                  .hash = PTN_X509_MD5,
                                  .passphrase = r->passphrase,
                                  .rounds = 1}};
    if (!read_dek(headers, &s)) {
        ptn_error_set(r->err, PTN_ERR_TLS,
                      "the key is encrypted in a way that is not known: its "
                      "DEK-Info names none of AES-CBC and DES-EDE3-CBC");
        return PTN_TLS_PARSED_UNSUPPORTED;
    }
    s.derive.salt = (struct ptn_slice){(const char *)s.iv, 8};
    return decrypt(r, &s, sizes[s.cipher].key, data, plain);
}
