/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads certificates, for listings. Any thread.
 */
#include "cert.h"

#include <arpa/inet.h>
#include <time.h>
#include <wolfssl/wolfcrypt/sha256.h>

enum {
    NAMES_MAX = 256 /* of which `names` can hold about 100 */
};

void
tls_wolfssl_hex(char *to, size_t room, const byte *from, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;
    for (size_t i = 0; i < len && n + 2 < room; i++) {
        to[n++] = digits[from[i] >> 4];
        to[n++] = digits[from[i] & 15];
    }
    to[n] = '\0';
}

/* UTCTime or GeneralizedTime, RFC 5280 section 4.1.2.5. */
static int64_t
seconds_of(const byte *asn, int len)
{
    const byte *date;
    byte format;
    struct tm tm = {0};
    if (wc_GetDateInfo(asn, len, &date, &format, &len) != 0 ||
        wc_GetDateAsCalendarTime(date, len, format, &tm) != 0)
        return 0;
    return timegm(&tm);
}

static enum ptn_tls_key_type
rsa_type(const DecodedCert *c)
{
    RsaKey key;
    word32 at = 0;
    int bits = 0;
    if (wc_InitRsaKey(&key, NULL) != 0)
        return PTN_KEY_OTHER;
    if (wc_RsaPublicKeyDecode(c->publicKey, &at, &key, c->pubKeySize) == 0)
        bits = wc_RsaEncryptSize(&key) * 8;
    wc_FreeRsaKey(&key);
    switch (bits) {
    case 2048:
        return PTN_KEY_RSA_2048;
    case 3072:
        return PTN_KEY_RSA_3072;
    case 4096:
        return PTN_KEY_RSA_4096;
    default:
        return PTN_KEY_OTHER;
    }
}

static enum ptn_tls_key_type
key_type_of(const DecodedCert *c)
{
    if (c->keyOID == RSAk)
        return rsa_type(c);
    if (c->keyOID == ED25519k)
        return PTN_KEY_ED25519;
    if (c->keyOID == ECDSAk && c->pkCurveOID == ECC_SECP256R1_OID)
        return PTN_KEY_ECDSA_P256;
    if (c->keyOID == ECDSAk && c->pkCurveOID == ECC_SECP384R1_OID)
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
add_name(struct ptn_tls_cert *out, const DNS_entry *entry)
{
    char ip[INET6_ADDRSTRLEN];
    const char *name = entry->name;
    size_t used = strlen(out->names), len = (size_t)entry->len;

    if (entry->type == ASN_IP_TYPE && (entry->len == 4 || entry->len == 16)) {
        inet_ntop(entry->len == 4 ? AF_INET : AF_INET6, name, ip, sizeof(ip));
        name = ip;
        len = strlen(ip);
    } else if (entry->type != ASN_DNS_TYPE) {
        return;
    }
    if (!is_name(name, len) || used + 1 + len >= sizeof(out->names))
        return;
    if (used > 0)
        out->names[used++] = ' ';
    memcpy(out->names + used, name, len);
    out->names[used + len] = '\0';
}

/* In the certificate's order. The library's list has the last one first,
 * unless it was built with its OpenSSL layer. */
static void
add_names(struct ptn_tls_cert *out, const DNS_entry *entry)
{
    const DNS_entry *list[NAMES_MAX];
    size_t n = 0;
    for (; entry && n < NAMES_MAX; entry = entry->next)
        list[n++] = entry;
    for (size_t i = 0; i < n; i++) {
#ifdef OPENSSL_EXTRA
        add_name(out, list[i]);
#else
        add_name(out, list[n - 1 - i]);
#endif
    }
}

/* It is shown on terminals. */
static void
set_text(char *to, size_t room, const char *from)
{
    size_t len = strnlen(from, room - 1);
    for (size_t i = 0; i < len; i++)
        to[i] = (unsigned char)from[i] < ' ' || from[i] == 127 ? '?' : from[i];
    to[len] = '\0';
}

static void
facts_of(DecodedCert *c, struct ptn_tls_cert *out)
{
    out->not_before = seconds_of(c->beforeDate, c->beforeDateLen);
    out->not_after = seconds_of(c->afterDate, c->afterDateLen);
    out->key_type = key_type_of(c);
    out->self_signed = c->selfSigned;
    out->is_ca = c->isCA;
    set_text(out->subject, sizeof(out->subject), c->subject);
    set_text(out->issuer, sizeof(out->issuer), c->issuer);
    tls_wolfssl_hex(out->serial, sizeof(out->serial), c->serial,
                    (size_t)c->serialSz);
    add_names(out, c->altNames);
}

int
tls_wolfssl_cert_decode(struct ptn_slice pem, struct tls_wolfssl_cert *cert,
                        struct ptn_error *err)
{
    cert->der = PTN_BUF_INIT;
    if (tls_wolfssl_pem_cert(pem, &cert->der, err) < 0) {
        ptn_buf_free(&cert->der);
        return -1;
    }
    wc_InitDecodedCert(&cert->facts, (const byte *)cert->der.data,
                       (word32)cert->der.len, NULL);
    int rc = wc_ParseCert(&cert->facts, CERT_TYPE, NO_VERIFY, NULL);
    /* All of it was read, and a critical extension that is not known matters
     * to who verifies (RFC 5280 section 4.2): that of RFC 8737 is one. */
    if (rc == 0 || rc == ASN_CRIT_EXT_E)
        return 0;
    tls_wolfssl_cert_deinit(cert);
    return tls_wolfssl_error(err, "not a certificate", rc);
}

void
tls_wolfssl_cert_deinit(struct tls_wolfssl_cert *cert)
{
    wc_FreeDecodedCert(&cert->facts);
    ptn_buf_free(&cert->der);
}

int
tls_wolfssl_cert_parse(void *instance, struct ptn_slice pem,
                       struct ptn_tls_cert *out, struct ptn_error *err)
{
    byte digest[WC_SHA256_DIGEST_SIZE];
    struct tls_wolfssl_cert cert;
    (void)instance;

    memset(out, 0, sizeof(*out));
    if (tls_wolfssl_cert_decode(pem, &cert, err) < 0)
        return -1;
    facts_of(&cert.facts, out);
    (void)ptn_x509_cert_facts(
        (struct ptn_slice){cert.der.data, cert.facts.maxIdx}, out,
        sizeof(*out));
    wc_Sha256Hash((const byte *)cert.der.data, cert.facts.maxIdx, digest);
    tls_wolfssl_hex(out->fingerprint, sizeof(out->fingerprint), digest,
                    sizeof(digest));
    tls_wolfssl_cert_deinit(&cert);
    return 0;
}
