/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Contract "postern.tls", version 1: what a TLS library's plugin provides.
 * It is cut low. Core decides policy, which certificate a name gets, where
 * keys live, when to shake hands and when to stop reading; a provider turns
 * records into plaintext and makes and reads keys and certificates. So two
 * providers share no logic.
 *
 *   policy + identity -> context (shared by sessions, all loop threads)
 *   context + transport -> session -> handshake -> read/write -> shutdown
 */
#ifndef POSTERN_TLS_H
#define POSTERN_TLS_H

#include <postern/buf.h>
#include <postern/error.h>
#include <postern/option.h>
#include <postern/types.h>

#define PTN_TLS_CONTRACT "postern.tls"
#define PTN_TLS_VERSION 1

/* Capabilities; a policy that needs a missing one is a config error. */
enum ptn_tls_capability {
    PTN_TLS_CAP_1_0 = 1 << 0,
    PTN_TLS_CAP_1_1 = 1 << 1,
    PTN_TLS_CAP_1_2 = 1 << 2,
    PTN_TLS_CAP_1_3 = 1 << 3,
    PTN_TLS_CAP_SNI = 1 << 4,
    PTN_TLS_CAP_ALPN = 1 << 5,
    PTN_TLS_CAP_TICKETS = 1 << 6,
    PTN_TLS_CAP_CLIENT_CERTS = 1 << 7,
    PTN_TLS_CAP_REMOTE_SIGN = 1 << 8, /* ptn_tls_params.sign */
    PTN_TLS_CAP_ED25519 = 1 << 9,
    PTN_TLS_CAP_CLIENT = 1 << 10, /* ptn_tls_ops.connect */
    PTN_TLS_CAP_CRL = 1 << 11,    /* ptn_tls_params.crl */
    PTN_TLS_CAP_STAPLE = 1 << 12, /* ptn_tls_params.ocsp */
    /* The hello given to `choose` has what comes after offers_ems. */
    PTN_TLS_CAP_ALPN_NAMES = 1 << 13,
};

enum ptn_tls_version {
    PTN_TLS_1_0 = 0x0301,
    PTN_TLS_1_1 = 0x0302,
    PTN_TLS_1_2 = 0x0303,
    PTN_TLS_1_3 = 0x0304,
};

enum ptn_tls_key_type {
    PTN_KEY_ECDSA_P256,
    PTN_KEY_ECDSA_P384,
    PTN_KEY_RSA_2048,
    PTN_KEY_RSA_3072,
    PTN_KEY_RSA_4096,
    PTN_KEY_ED25519,
    PTN_KEY_OTHER, /* read, but not one that we make */
};

enum ptn_tls_io {
    PTN_TLS_IO_OK,         /* done; the byte count is in *n */
    PTN_TLS_IO_WANT_READ,  /* call again when the transport has input */
    PTN_TLS_IO_WANT_WRITE, /* call again when the transport took output */
    PTN_TLS_IO_CLOSED,     /* close_notify came */
    PTN_TLS_IO_ERROR,      /* see `info` for the cause */
};

/* The encrypted side, provided by core. Both move up to `len` octets and
 * return how many (> 0), or 0 for "not now". Errors and end of file are
 * core's business: it stops calling. A provider may ask for a few octets at
 * a time, and give what it sends in pieces: `receive` reads from a buffer,
 * `send` appends to one, and core's loop makes the system calls. */
struct ptn_tls_transport {
    size_t (*receive)(void *arg, uint8_t *into, size_t len);
    size_t (*send)(void *arg, const uint8_t *from, size_t len);
};

/* The longest list of protocols that is kept of a hello, in octets. */
#define PTN_TLS_ALPN_LIST_MAX 128
/* What a client offers, and nothing else, that comes to see a challenge of a
 * certificate authority (RFC 8737 section 3). */
#define PTN_TLS_ALPN_CHALLENGE "acme-tls/1"

/* What a handshake asked for, given to `choose`. Slices are valid during
 * the call. */
struct ptn_tls_hello {
    struct ptn_slice server_name; /* SNI, lower case; empty if none */
    bool accepts_ecdsa;           /* from signature_algorithms / suites */
    bool accepts_rsa;
    bool accepts_ed25519;
    bool offers_1_2;
    bool offers_1_3; /* in supported_versions */
    bool offers_alpn;
    bool offers_old; /* TLS 1.0 or 1.1 */
    bool offers_ems; /* the extended master secret, RFC 7627 */
    /* Providers own the memory: what follows is there to be read only with
     * PTN_TLS_CAP_ALPN_NAMES in ptn_tls_ops.capability. */
    bool offers_1_0, offers_1_1;
    uint8_t alpn_len;
    /* As offered, in the client's order, each after an octet with its length
     * (RFC 7301 section 3.1); those that fit whole. */
    char alpn[PTN_TLS_ALPN_LIST_MAX];
};

/* A ClientHello that is longer, its record headers counted, is refused. */
#define PTN_TLS_HELLO_MAX 16384
/* What RFC 1035 section 2.3.4 allows a name, written with dots. */
#define PTN_TLS_NAME_MAX 253

enum ptn_tls_scan {
    PTN_TLS_SCAN_MORE,    /* the beginning of a ClientHello: read on */
    PTN_TLS_SCAN_DONE,    /* all of it is there */
    PTN_TLS_SCAN_NOT_TLS, /* whatever this is, it is no TLS record */
    PTN_TLS_SCAN_BAD,     /* a ClientHello that breaks its own syntax */
    PTN_TLS_SCAN_LONG,    /* over PTN_TLS_HELLO_MAX */
};

/* For providers: reads a ClientHello (RFC 8446 section 4.1.2) from the first
 * octets of a connection, before a library's session exists. So a context
 * is chosen before memory is spent, and a peer that says nothing costs
 * nothing. `name` gets the server name; `out->server_name` points to it.
 * Fills `out` up to offers_ems. */
PTN_API enum ptn_tls_scan ptn_tls_hello_scan(struct ptn_slice octets,
                                             struct ptn_tls_hello *out,
                                             char name[PTN_TLS_NAME_MAX + 1]);
/* The same; fills the `size` octets of `out`, sizeof(*out) of the provider's
 * day. For those with PTN_TLS_CAP_ALPN_NAMES. */
PTN_API enum ptn_tls_scan ptn_tls_hello_read(struct ptn_slice octets,
                                             struct ptn_tls_hello *out,
                                             size_t size,
                                             char name[PTN_TLS_NAME_MAX + 1]);
/* Whether the client offers `protocol`; `only`: and no other. Reads what is
 * there only with PTN_TLS_CAP_ALPN_NAMES. */
PTN_API bool ptn_tls_hello_offers(const struct ptn_tls_hello *hello,
                                  const char *protocol, bool only);

struct ptn_tls_context;
struct ptn_tls_session;
struct ptn_tls_key;

#define PTN_TLS_TICKET_KEY_SIZE 64 /* octets of key material */

/* Signature schemes by their number in RFC 8446 section 4.2.3. */
enum ptn_tls_scheme {
    PTN_SIGN_RSA_PKCS1_SHA256 = 0x0401,
    PTN_SIGN_RSA_PKCS1_SHA384 = 0x0501,
    PTN_SIGN_ECDSA_SHA256 = 0x0403, /* DER, RFC 3279 section 2.2.3 */
    PTN_SIGN_ECDSA_SHA384 = 0x0503,
    PTN_SIGN_RSA_PSS_SHA256 = 0x0804, /* salt as long as the digest */
    PTN_SIGN_RSA_PSS_SHA384 = 0x0805,
    PTN_SIGN_ED25519 = 0x0807,
    PTN_SIGN_RSA_PKCS1_SHA512 = 0x0601,
    PTN_SIGN_ECDSA_SHA512 = 0x0603,
    PTN_SIGN_RSA_PSS_SHA512 = 0x0806,
    PTN_SIGN_RSA_PKCS1_SHA1 = 0x0201,
    PTN_SIGN_ECDSA_SHA1 = 0x0203,
    /* TLS before 1.2 (RFC 4346 section 7.4.3): both digests, 36 octets. It
     * has no number there; this one is of the private range. */
    PTN_SIGN_RSA_PKCS1_MD5_SHA1 = 0xff01,
};

struct ptn_tls_to_sign {
    enum ptn_tls_scheme scheme;
    struct ptn_slice input; /* the digest; for Ed25519 the message */
};

/* Whether a peer has to prove who it is, with a certificate. */
enum ptn_tls_peer {
    PTN_TLS_PEER_IGNORED,   /* a server does not ask; a client takes any */
    PTN_TLS_PEER_REQUESTED, /* of one that is good, the name is known */
    PTN_TLS_PEER_REQUIRED,  /* no handshake without a good one */
};

/* Why a handshake failed. Grows at its end. */
enum ptn_tls_cause {
    PTN_TLS_CAUSE_NONE,  /* it did not */
    PTN_TLS_CAUSE_OTHER, /* none of these */
    PTN_TLS_CAUSE_ALERT, /* the peer said so: see alert_received */
    PTN_TLS_CAUSE_NOT_TLS,
    PTN_TLS_CAUSE_MALFORMED_HELLO,
    PTN_TLS_CAUSE_LONG_HELLO,
    PTN_TLS_CAUSE_CLOSED, /* close_notify in the handshake */
    PTN_TLS_CAUSE_VERSION,
    PTN_TLS_CAUSE_CIPHER, /* none shared; or no key that the peer can check */
    PTN_TLS_CAUSE_GROUP,
    PTN_TLS_CAUSE_ALPN,
    PTN_TLS_CAUSE_KEY_SHARE,
    PTN_TLS_CAUSE_UNEXPECTED, /* message, here and now */
    PTN_TLS_CAUSE_MALFORMED,
    PTN_TLS_CAUSE_TOO_LONG,
    PTN_TLS_CAUSE_ILLEGAL, /* parameter */
    PTN_TLS_CAUSE_MISSING, /* extension */
    PTN_TLS_CAUSE_RECORD_MAC,
    PTN_TLS_CAUSE_RECORD_SIZE,
    PTN_TLS_CAUSE_FINISHED,
    PTN_TLS_CAUSE_ALERTS, /* too many of them */
    PTN_TLS_CAUSE_RENEGOTIATION,
    PTN_TLS_CAUSE_MEMORY,
    PTN_TLS_CAUSE_NO_SIGNATURE, /* our own key is away */
    /* The peer's certificate: */
    PTN_TLS_CAUSE_NO_CERTIFICATE,
    PTN_TLS_CAUSE_UNKNOWN_CA,
    PTN_TLS_CAUSE_EXPIRED, /* or not valid yet */
    PTN_TLS_CAUSE_REVOKED,
    PTN_TLS_CAUSE_NO_CRL, /* none that is of its issuer and of today */
    PTN_TLS_CAUSE_WRONG_NAME,
    PTN_TLS_CAUSE_BAD_CERTIFICATE, /* its signature, its purpose, ... */
    PTN_TLS_CAUSES
};

/* For the log and for counters: a word or two, "no shared cipher". NULL for
 * PTN_TLS_CAUSE_NONE. */
PTN_API const char *ptn_tls_cause_word(enum ptn_tls_cause cause);
/* "unknown ca alert", by its number in RFC 8446 section 6; "unknown alert"
 * for one that is not there. */
PTN_API const char *ptn_tls_alert_word(unsigned alert);
/* "ecdsa_sha256"; NULL for a number that is none of enum ptn_tls_scheme. */
PTN_API const char *ptn_tls_scheme_word(unsigned scheme);

#define PTN_TLS_STAPLE_MAX 8192

/* What a context is made of. Everything is copied. PEM texts. */
struct ptn_tls_params {
    uint32_t size;
    struct ptn_slice chain; /* certificate and intermediates, leaf first */
    struct ptn_slice key;   /* PKCS#8, SEC1 or PKCS#1, not encrypted */
    /* Below 1.2 (RFC 8996) only with PTN_TLS_CAP_1_0 or PTN_TLS_CAP_1_1 and
     * for a server; else 1.2 is taken for what is lower. NULL `ciphers` then
     * have ECDHE with CBC and SHA-1, too. */
    enum ptn_tls_version min_version, max_version;
    const char *ciphers; /* library's list for <= 1.2; NULL = default */
    const char *suites;  /* TLS 1.3 suites; NULL = default */
    const char *groups;  /* NULL = default, X25519 and P-256 first */
    const char *alpn;    /* one protocol name to agree to, or NULL */
    bool alpn_strict;    /* refuse a client that offers only others */
    bool tickets;
    /* Chooses the context for a handshake, from core's index; NULL result
     * keeps the context in hand. Called in the handshake, on its thread. */
    struct ptn_tls_context *(*choose)(void *arg,
                                      const struct ptn_tls_hello *hello);
    void *choose_arg;
    /* The private key is elsewhere, and `key` empty: this signs with it, in
     * the handshake and on its thread, which it may block. 0 with the
     * signature appended, or -1: the handshake fails with an alert, and
     * "no signature" for its failure. The chain is taken at its word; a key
     * that does not belong to it shows in each handshake. Needs
     * PTN_TLS_CAP_REMOTE_SIGN. */
    int (*sign)(void *arg, const struct ptn_tls_to_sign *what,
                struct ptn_buf *signature);
    void *sign_arg;
    /* Its sessions connect (ptn_tls_ops.connect). Chain and key are then the
     * client's own, or both empty. */
    bool is_client;
    /* What is asked of the peer. PTN_TLS_PEER_REQUIRED without `ca`: nobody
     * is good enough. A context that asks for client certificates neither
     * makes nor takes tickets, since one would stand for a certificate that
     * may be revoked by now. */
    enum ptn_tls_peer peer;
    struct ptn_slice ca;  /* who may have signed for the peer, or empty */
    struct ptn_slice crl; /* empty, or of every authority in the chain */
    /* A DER OCSPResponse (RFC 6960 section 4.2.1) for the leaf, shown to the
     * clients that ask for one (RFC 6066 section 8, RFC 8446 section
     * 4.4.2.1); or empty. At most PTN_TLS_STAPLE_MAX octets; taken at its
     * word: core checks it. Needs PTN_TLS_CAP_STAPLE. */
    struct ptn_slice ocsp;
};

/* What is known of a session once it has shaken hands or failed. Strings
 * are constants or live as long as the session. */
struct ptn_tls_info {
    enum ptn_tls_version version;
    const char *version_name; /* "TLSv1.3" */
    const char *cipher;       /* IANA name */
    struct ptn_slice server_name;
    const char *alpn; /* agreed, or NULL */
    bool resumed;
    const char *failure; /* one word or two for the log: "unknown ca alert",
                            "no shared cipher", "not tls"; NULL if none */
    enum ptn_tls_cause cause; /* the same, to be counted */
    /* RFC 8446 section 6; 0 = none. close_notify does not count. */
    uint8_t alert_sent, alert_received;
    uint16_t scheme;   /* our signature's, enum ptn_tls_scheme; 0 = none */
    const char *group; /* of the key exchange, "X25519"; NULL if none */
    /* Of the certificate that the peer showed: its SHA-256 in hexadecimal.
     * When it passed every check, its name: the first rfc822Name of it (RFC
     * 5280 section 4.2.1.6), else its common name, else "". When not: why.
     * Each is NULL otherwise. */
    const char *peer_fingerprint;
    const char *peer_name;
    const char *peer_problem;
};

/* What both ends know of the TLS session between them, and nobody else
 * (RFC 5056). Values are also their bits: 1 << PTN_BINDING_... */
enum ptn_binding {
    PTN_BINDING_TLS_EXPORTER,         /* RFC 9266 */
    PTN_BINDING_TLS_UNIQUE,           /* RFC 5929 section 3 */
    PTN_BINDING_TLS_SERVER_END_POINT, /* RFC 5929 section 4 */
    PTN_BINDINGS,
};

#define PTN_BINDING_MAX 64 /* octets of the longest */

/* A certificate's public facts, for listings and checks. Callers clear it
 * first: a provider of another age fills less. */
struct ptn_tls_cert {
    int64_t not_before, not_after; /* seconds since 1970 */
    enum ptn_tls_key_type key_type;
    bool self_signed;
    bool is_ca;
    char subject[256], issuer[256];
    char serial[65];      /* hexadecimal, lower case */
    char fingerprint[65]; /* SHA-256 of the DER, hexadecimal, lower case */
    char names[2048];     /* DNS names and IP addresses, blank separated */
    /* Of the RSA modulus or the curve (Ed25519: 256); 0 for a key that is
     * neither. */
    uint32_t key_bits;
    /* keyUsage and extendedKeyUsage (RFC 5280 section 4.2.1.3 and .12) leave
     * it the work of a TLS server: both are absent or say so. */
    bool serves;
    bool must_staple;    /* the TLS feature status_request, RFC 7633 */
    bool weak_signature; /* by its issuer, with MD2, MD5 or SHA-1; says
                            nothing of one that is self_signed */
    /* Where its authority answers OCSP (RFC 5280 section 4.2.2.1): the first
     * http URL; "" if there is none or it is longer. */
    char ocsp[256];
    /* RFC 5280 section 4.2.1.2 and .1: hexadecimal, lower case; "" if absent
     * or over 32 octets. */
    char subject_key_id[65], authority_key_id[65];
};

/* What a new certificate or signing request says. */
struct ptn_tls_subject {
    /* The subjectAltName (RFC 5280 section 4.2.1.6), each by its form: an IP
     * address, a mail address (with an "@"), a DNS name. */
    struct ptn_strings names;
    uint32_t days; /* validity from now */
    /* "O=Example, C=DE": RFC 4514, the attributes in the order in which they
     * are written here; C, ST, L, O, OU, CN, STREET, DC, UID, serialNumber,
     * emailAddress, or a dotted OID. Without a CN the first name of at most
     * 64 octets becomes it, as the last attribute. NULL: that alone. */
    const char *subject;
};

/* What became of a file that may hold keys and certificates. */
enum ptn_tls_parsed {
    PTN_TLS_PARSED_GOOD,
    PTN_TLS_PARSED_NEEDS_PASSPHRASE, /* and none, or an empty one, was given */
    PTN_TLS_PARSED_WRONG_PASSPHRASE,
    PTN_TLS_PARSED_BROKEN,      /* truncated, or nothing that is known */
    PTN_TLS_PARSED_UNSUPPORTED, /* an algorithm, or two different keys */
};

/* A longer file is BROKEN, a longer passphrase wrong. */
#define PTN_TLS_FILE_MAX 1048576
#define PTN_TLS_PASSPHRASE_MAX 1024
/* Rounds of key derivation that one file may ask for, all in all, before it
 * is UNSUPPORTED: some seconds of work. */
#define PTN_TLS_ROUNDS_MAX 10000000

/* What was in it: PEM, each empty if there is none. The caller sets `size`
 * and PTN_BUF_INIT before, and frees all after, and wipes `key`. */
struct ptn_tls_parsed_file {
    uint32_t size;
    struct ptn_buf key;   /* one, PKCS#8, not encrypted */
    struct ptn_buf certs; /* in the file's order */
    struct ptn_buf csr;   /* the first */
};

struct ptn_tls_ops {
    uint32_t size;
    const char *name;    /* the library and its version */
    unsigned capability; /* enum ptn_tls_capability */

    /* Contexts. 0, or -1 with `err` (pair mismatch, no PEM, weak, ...).
     * free drops the owner's reference: sessions keep theirs. */
    int (*context_new)(void *instance, const struct ptn_tls_params *params,
                       struct ptn_tls_context **out, struct ptn_error *err);
    void (*context_free)(void *instance, struct ptn_tls_context *context);
    /* Ticket keys, newest first, shared by all workers: the first seals,
     * all open. `count` <= 3, each PTN_TLS_TICKET_KEY_SIZE octets. */
    void (*context_tickets)(void *instance, struct ptn_tls_context *context,
                            const uint8_t *keys, size_t count);

    /* Sessions: server side. NULL when memory or a limit says no. One
     * thread at a time; IO_ERROR is final: only info and free follow. A
     * failing handshake sends its alert through the transport first. */
    struct ptn_tls_session *(*session_new)(
        void *instance, struct ptn_tls_context *context,
        const struct ptn_tls_transport *transport, void *transport_arg);
    void (*session_free)(struct ptn_tls_session *session);
    enum ptn_tls_io (*handshake)(struct ptn_tls_session *session);
    enum ptn_tls_io (*read)(struct ptn_tls_session *session, uint8_t *into,
                            size_t len, size_t *n);
    /* May take less than `len`. After WANT_WRITE or WANT_READ nothing is
     * taken: call again with the same octets (they may have moved; there
     * may be more behind them). */
    enum ptn_tls_io (*write)(struct ptn_tls_session *session,
                             const uint8_t *from, size_t len, size_t *n);
    /* Sends close_notify; does not wait for the peer's. Before or after a
     * failed handshake it sends nothing and says OK. */
    enum ptn_tls_io (*shutdown)(struct ptn_tls_session *session);
    void (*info)(struct ptn_tls_session *session, struct ptn_tls_info *out);
    /* The session will be idle: give back buffers that can be rebuilt.
     * NULL if the library has nothing to give. */
    void (*trim)(struct ptn_tls_session *session);

    /* Keys and certificates. PEM in and out; outputs are appended. The
     * caller wipes buffers that held keys. A key that is too weak to sign
     * with is PTN_ERR_LIMIT. */
    int (*key_make)(void *instance, enum ptn_tls_key_type type,
                    struct ptn_buf *key, struct ptn_error *err);
    int (*csr_make)(void *instance, struct ptn_slice key,
                    const struct ptn_tls_subject *subject, struct ptn_buf *csr,
                    struct ptn_error *err);
    int (*self_sign)(void *instance, struct ptn_slice key,
                     const struct ptn_tls_subject *subject,
                     struct ptn_buf *cert, struct ptn_error *err);
    /* The facts of the first certificate of `pem`. */
    int (*cert_parse)(void *instance, struct ptn_slice pem,
                      struct ptn_tls_cert *out, struct ptn_error *err);
    /* 0 when the key belongs to the first certificate, -1 with a text that
     * says which of "not a key", "not a certificate", "do not match". */
    int (*pair_match)(void *instance, struct ptn_slice cert,
                      struct ptn_slice key, struct ptn_error *err);
    /* Signs for a handshake that runs elsewhere. */
    int (*sign)(void *instance, struct ptn_slice key,
                const struct ptn_tls_to_sign *what, struct ptn_buf *signature,
                struct ptn_error *err);

    /* The same for a key that signs often: it is read once. Each handle is
     * for one thread at a time; close wipes what it held. All three, or
     * NULL. */
    int (*key_open)(void *instance, struct ptn_slice pem,
                    struct ptn_tls_key **out, struct ptn_error *err);
    int (*key_sign)(struct ptn_tls_key *key, const struct ptn_tls_to_sign *what,
                    struct ptn_buf *signature, struct ptn_error *err);
    void (*key_close)(struct ptn_tls_key *key);

    /* A channel binding of a session that has shaken hands, into `out`,
     * which has room for PTN_BINDING_MAX octets. How many; 0 if this session
     * has none of the kind: tls-unique needs TLS 1.2, this and tls-exporter
     * the extended master secret (RFC 7627), which TLS 1.3 always has. */
    size_t (*binding)(struct ptn_tls_session *session, enum ptn_binding binding,
                      uint8_t *out);

    /* Sessions, client side, of a context that is_client. `server_name` is
     * sent (unless it is an address) and, with PTN_TLS_PEER_REQUIRED, must be
     * in the certificate; NULL: neither. All else is as with session_new. */
    struct ptn_tls_session *(*connect)(
        void *instance, struct ptn_tls_context *context,
        const struct ptn_tls_transport *transport, void *transport_arg,
        const char *server_name);
    /* Appends what the server of a client's session showed, leaf first, PEM.
     * 0, or -1 when there is nothing (yet). */
    int (*peer_chain)(struct ptn_tls_session *session, struct ptn_buf *pem);

    /* Files of keys and certificates. These block, some for a second; one
     * thread at a time each; outputs are appended, and the caller wipes those
     * that held keys. NULL: this provider cannot.
     *
     * Whatever a file has: PEM with text between its blocks; a certificate, a
     * request or a key in DER; PKCS#7 (signedData with certificates, PEM or
     * DER); PKCS#12; keys as PKCS#8, PKCS#1 or SEC1, and encrypted, as PKCS#8
     * (PBES1 of PKCS#12, PBES2) or as PEM had it before (RFC 1423, with CBC of
     * AES or DES-EDE3). A passphrase that nothing asks for is passed over.
     * `err` has words for all but GOOD; `out` then holds nothing that counts.
     * That a key is weak or a certificate expired is no matter here. */
    enum ptn_tls_parsed (*parse)(void *instance, struct ptn_slice file,
                                 struct ptn_slice passphrase,
                                 struct ptn_tls_parsed_file *out,
                                 struct ptn_error *err);
    /* The key (PEM, not encrypted) behind a passphrase: PKCS#8
     * EncryptedPrivateKeyInfo in PEM, PBES2 with PBKDF2-HMAC-SHA256 of
     * 600,000 rounds and AES-256-CBC (RFC 8018 section 6.2). */
    int (*key_encrypt)(void *instance, struct ptn_slice key,
                       struct ptn_slice passphrase, struct ptn_buf *out,
                       struct ptn_error *err);
    /* PKCS#12 (RFC 7292), DER: the chain (PEM, leaf first) and its key, both
     * encrypted as above and under a MAC of HMAC-SHA256, with 250,000 rounds
     * each, since other programs refuse more; `name` is the friendly name or
     * NULL. */
    int (*pkcs12_make)(void *instance, struct ptn_slice chain,
                       struct ptn_slice key, struct ptn_slice passphrase,
                       const char *name, struct ptn_buf *out,
                       struct ptn_error *err);
    /* The SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7), DER, of a key
     * (PEM, not encrypted) and of the first certificate of `cert`. */
    int (*key_public)(void *instance, struct ptn_slice key, struct ptn_buf *out,
                      struct ptn_error *err);
    int (*cert_public)(void *instance, struct ptn_slice cert,
                       struct ptn_buf *out, struct ptn_error *err);
    /* The certificate of RFC 8737 section 3 for one name and the SHA-256 of
     * the key authorization, self-signed, PEM. */
    int (*alpn_cert)(void *instance, struct ptn_slice key, const char *name,
                     const uint8_t digest[32], struct ptn_buf *out,
                     struct ptn_error *err);
    /* 0 when the key of the first certificate of `issuer` made the signature
     * of the first one of `cert`; dates and names are not looked at. -1 with
     * words: not a certificate, a kind of signature that is not known, or
     * not issued by it. */
    int (*cert_issued)(void *instance, struct ptn_slice cert,
                       struct ptn_slice issuer, struct ptn_error *err);
};

#endif
