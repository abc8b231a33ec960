/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads a ClientHello before a TLS library sees it: the server name and the
 * kinds of certificate that the client can check. Every length that the
 * peer gives is checked against what is there; nothing is kept between two
 * calls. Any thread.
 *
 *   record header(5) | record header(5) ...      RFC 8446 section 5.1
 *   '-> handshake header(4) | ClientHello        sections 4, 4.1.2
 */
#include <postern/buf.h>
#include <postern/tls.h>

enum {
    RECORD_HANDSHAKE = 22,
    RECORD_HEADER = 5,
    RECORD_MAX = 16384, /* RFC 8446 section 5.1 */
    HANDSHAKE_CLIENT_HELLO = 1,
    HANDSHAKE_HEADER = 4,
    EXT_SERVER_NAME = 0,           /* RFC 6066 section 3 */
    EXT_SIGNATURE_ALGORITHMS = 13, /* RFC 8446 section 4.2.3 */
    EXT_ALPN = 16,                 /* RFC 7301 section 3.1 */
    EXT_MASTER_SECRET = 23,        /* RFC 7627 section 5.1 */
    EXT_SUPPORTED_VERSIONS = 43,   /* RFC 8446 section 4.2.1 */
};

/* Providers of the first version give memory of this size. */
enum {
    FIRST_SIZE = offsetof(struct ptn_tls_hello, offers_ems) + sizeof(bool)
};
_Static_assert(FIRST_SIZE == sizeof(struct ptn_slice) + 8,
               "what the first version had may not move");
_Static_assert(PTN_TLS_ALPN_LIST_MAX <= UINT8_MAX, "alpn_len counts it");

/* A reading position. After an attempt to read past the end `bad` is set
 * and everything read is 0 or empty. */
struct reader {
    const uint8_t *at;
    size_t left;
    bool bad;
};

static struct reader
reader_of(struct ptn_slice s)
{
    return (struct reader){(const uint8_t *)s.data, s.len, false};
}

static struct ptn_slice
take(struct reader *r, size_t len)
{
    struct ptn_slice none = {NULL, 0};
    if (len > r->left) {
        r->bad = true;
        r->left = 0;
    }
    if (len == 0 || r->bad)
        return none;
    r->at += len;
    r->left -= len;
    return (struct ptn_slice){(const char *)r->at - len, len};
}

/* A big-endian number of `octets` octets. */
static size_t
number(struct reader *r, size_t octets)
{
    struct ptn_slice s = take(r, octets);
    size_t value = 0;
    for (size_t i = 0; i < s.len; i++)
        value = value << 8 | (uint8_t)s.data[i];
    return value;
}

/* A vector whose length is in the `octets` octets before it. */
static struct ptn_slice
vector(struct reader *r, size_t octets)
{
    return take(r, number(r, octets));
}

/* The next whole record's payload. */
static enum ptn_tls_scan
record(struct reader *r, struct ptn_slice *payload)
{
    if ((r->left > 0 && r->at[0] != RECORD_HANDSHAKE) ||
        (r->left > 1 && r->at[1] != 3))
        return PTN_TLS_SCAN_NOT_TLS;
    if (r->left < RECORD_HEADER)
        return PTN_TLS_SCAN_MORE;
    (void)take(r, 3);
    size_t len = number(r, 2);
    if (len == 0 || len > RECORD_MAX)
        return PTN_TLS_SCAN_NOT_TLS;
    if (len > r->left)
        return PTN_TLS_SCAN_MORE;
    *payload = take(r, len);
    return PTN_TLS_SCAN_DONE;
}

/* The body's length as the handshake header says. */
static size_t
body_length(struct ptn_slice message)
{
    struct reader r = reader_of(message);
    (void)take(&r, 1);
    return number(&r, 3);
}

/* The handshake message out of its records. `joined` is used only when it
 * spans several of them. */
static enum ptn_tls_scan
gather(struct ptn_slice octets, struct ptn_slice *message,
       struct ptn_buf *joined)
{
    struct reader r = reader_of(octets);
    *message = (struct ptn_slice){NULL, 0};
    for (;;) {
        struct ptn_slice payload = {NULL, 0};
        enum ptn_tls_scan got = record(&r, &payload);
        if (got != PTN_TLS_SCAN_DONE)
            return got;
        if (message->len > 0) {
            if (joined->len == 0)
                ptn_buf_addslice(joined, *message);
            ptn_buf_addslice(joined, payload);
            payload = ptn_buf_slice(joined);
        }
        *message = payload;
        if (message->data[0] != HANDSHAKE_CLIENT_HELLO)
            return PTN_TLS_SCAN_BAD;
        if (message->len < HANDSHAKE_HEADER)
            continue;
        size_t whole = HANDSHAKE_HEADER + body_length(*message);
        if (whole > PTN_TLS_HELLO_MAX)
            return PTN_TLS_SCAN_LONG;
        if (message->len >= whole) {
            message->len = whole;
            return PTN_TLS_SCAN_DONE;
        }
    }
}

/* RFC 6066 section 3: the host name, in lower case. One that cannot be a
 * name (too long, or with a NUL in it) counts as none. */
static void
read_server_name(struct ptn_slice data, struct ptn_tls_hello *out, char *name)
{
    struct reader r = reader_of(data);
    struct reader list = reader_of(vector(&r, 2));
    while (!list.bad && list.left > 0) {
        size_t type = number(&list, 1);
        struct ptn_slice host = vector(&list, 2);
        if (type != 0 || host.len == 0 || host.len > PTN_TLS_NAME_MAX ||
            memchr(host.data, '\0', host.len) != NULL)
            continue;
        for (size_t i = 0; i < host.len; i++) {
            char c = host.data[i];
            name[i] = c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
        }
        name[host.len] = '\0';
        out->server_name = (struct ptn_slice){name, host.len};
        return;
    }
}

/* RFC 8446 section 4.2.3, and the meaning that RFC 5246 section 7.4.1.4.1
 * gave the same numbers: hash, then signature (1 RSA, 3 ECDSA). */
static void
read_schemes(struct ptn_slice data, struct ptn_tls_hello *out)
{
    struct reader r = reader_of(data);
    struct reader list = reader_of(vector(&r, 2));
    while (!list.bad && list.left > 1) {
        size_t scheme = number(&list, 2);
        if (scheme == PTN_SIGN_ED25519)
            out->accepts_ed25519 = true;
        else if (scheme >> 8 == 8) /* RSA-PSS, but for the EdDSA numbers */
            out->accepts_rsa |= scheme != 0x0808;
        else if ((scheme & 0xff) == 1)
            out->accepts_rsa = true;
        else if ((scheme & 0xff) == 3)
            out->accepts_ecdsa = true;
    }
}

static void
read_versions(struct ptn_slice data, struct ptn_tls_hello *out)
{
    struct reader r = reader_of(data);
    struct reader list = reader_of(vector(&r, 1));
    /* This list is what counts. */
    out->offers_1_2 = out->offers_1_1 = out->offers_1_0 = false;
    while (!list.bad && list.left > 1) {
        size_t version = number(&list, 2);
        out->offers_1_0 |= version == PTN_TLS_1_0;
        out->offers_1_1 |= version == PTN_TLS_1_1;
        out->offers_1_2 |= version == PTN_TLS_1_2;
        out->offers_1_3 |= version == PTN_TLS_1_3;
    }
}

/* RFC 7301 section 3.1. A name that has no room is left out, as is all that
 * comes after it: the order stays. */
static void
read_alpn(struct ptn_slice data, struct ptn_tls_hello *out)
{
    struct reader r = reader_of(data);
    struct reader list = reader_of(vector(&r, 2));
    out->offers_alpn = true;
    while (!list.bad && list.left > 0) {
        struct ptn_slice name = vector(&list, 1);
        if (name.len == 0 || out->alpn_len + 1 + name.len > sizeof(out->alpn))
            return;
        out->alpn[out->alpn_len++] = (char)name.len;
        memcpy(out->alpn + out->alpn_len, name.data, name.len);
        out->alpn_len = (uint8_t)(out->alpn_len + name.len);
    }
}

/* Below TLS 1.3 the cipher suite names the kind of certificate. These are
 * the ECDHE_ECDSA suites of RFC 5289, RFC 7905, RFC 7251 and RFC 8422. */
static bool
is_ecdsa_suite(size_t suite)
{
    return suite == 0xc02b || suite == 0xc02c || suite == 0xcca9 ||
           suite == 0xc023 || suite == 0xc024 || suite == 0xc009 ||
           suite == 0xc00a || (suite >= 0xc0ac && suite <= 0xc0af);
}

static void
limit_by_suites(struct ptn_slice suites, struct ptn_tls_hello *out)
{
    struct reader r = reader_of(suites);
    bool ecdsa = false, other = false;
    while (!r.bad && r.left > 1) {
        size_t suite = number(&r, 2);
        if (is_ecdsa_suite(suite))
            ecdsa = true;
        else if (suite != 0x00ff && suite != 0x5600) /* not suites: SCSVs */
            other = true;
    }
    out->accepts_ecdsa &= ecdsa;
    out->accepts_ed25519 &= ecdsa; /* RFC 8422 section 5.10 */
    out->accepts_rsa &= other;
}

static bool
read_extensions(struct reader *r, struct ptn_tls_hello *out, char *name)
{
    bool schemes = false;
    struct reader list = reader_of(vector(r, 2));
    while (!list.bad && list.left > 0) {
        size_t type = number(&list, 2);
        struct ptn_slice data = vector(&list, 2);
        if (type == EXT_SERVER_NAME)
            read_server_name(data, out, name);
        else if (type == EXT_SUPPORTED_VERSIONS)
            read_versions(data, out);
        else if (type == EXT_ALPN)
            read_alpn(data, out);
        else if (type == EXT_MASTER_SECRET)
            out->offers_ems = true;
        else if (type == EXT_SIGNATURE_ALGORITHMS) {
            read_schemes(data, out);
            schemes = true;
        }
    }
    /* RFC 5246 section 7.4.1.4.1: who sends none is held to know these. */
    if (!schemes)
        out->accepts_rsa = out->accepts_ecdsa = true;
    return !list.bad;
}

/* RFC 8446 section 4.1.2, from legacy_version to the extensions. */
static bool
read_hello(struct ptn_slice body, struct ptn_tls_hello *out, char *name)
{
    struct reader r = reader_of(body);
    size_t version = number(&r, 2); /* the highest, before supported_versions */
    out->offers_1_2 = version >= PTN_TLS_1_2;
    out->offers_1_1 = version >= PTN_TLS_1_1;
    out->offers_1_0 = version >= PTN_TLS_1_0;
    (void)take(&r, 32);  /* random */
    (void)vector(&r, 1); /* legacy_session_id */
    struct ptn_slice suites = vector(&r, 2);
    (void)vector(&r, 1); /* legacy_compression_methods */
    if (r.bad || suites.len == 0)
        return false;
    if (r.left == 0)
        out->accepts_rsa = out->accepts_ecdsa = true;
    else if (!read_extensions(&r, out, name) || r.bad)
        return false;
    out->offers_old = out->offers_1_0 || out->offers_1_1;
    if (!out->offers_1_3)
        limit_by_suites(suites, out);
    return true;
}

enum ptn_tls_scan
ptn_tls_hello_read(struct ptn_slice octets, struct ptn_tls_hello *out,
                   size_t size, char name[PTN_TLS_NAME_MAX + 1])
{
    struct ptn_tls_hello hello = {.offers_alpn = false};
    struct ptn_buf joined = PTN_BUF_INIT;
    struct ptn_slice message;

    name[0] = '\0';
    enum ptn_tls_scan got = gather(octets, &message, &joined);
    if (got == PTN_TLS_SCAN_MORE && octets.len >= PTN_TLS_HELLO_MAX)
        got = PTN_TLS_SCAN_LONG;
    if (got == PTN_TLS_SCAN_DONE &&
        !read_hello(ptn_slice_sub(message, HANDSHAKE_HEADER,
                                  message.len - HANDSHAKE_HEADER),
                    &hello, name))
        got = PTN_TLS_SCAN_BAD;
    ptn_buf_free(&joined);
    memset(out, 0, size);
    memcpy(out, &hello, size < sizeof(hello) ? size : sizeof(hello));
    return got;
}

enum ptn_tls_scan
ptn_tls_hello_scan(struct ptn_slice octets, struct ptn_tls_hello *out,
                   char name[PTN_TLS_NAME_MAX + 1])
{
    return ptn_tls_hello_read(octets, out, FIRST_SIZE, name);
}

bool
ptn_tls_hello_offers(const struct ptn_tls_hello *hello, const char *protocol,
                     bool only)
{
    struct reader list = {(const uint8_t *)hello->alpn, hello->alpn_len, false};
    bool found = false, others = false;
    while (list.left > 0) {
        if (ptn_slice_eq(vector(&list, 1), ptn_slice_of(protocol)))
            found = true;
        else
            others = true;
    }
    return found && !(only && others);
}
