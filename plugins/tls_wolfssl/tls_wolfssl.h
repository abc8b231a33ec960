/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of this plugin share. The plugin has no state of its own:
 * contexts and sessions are values that core owns. wolfSSL's headers are
 * included here and nowhere else outside of this folder.
 */
#ifndef TLS_WOLFSSL_H
#define TLS_WOLFSSL_H

#include <postern/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/ed25519.h>
#include <wolfssl/wolfcrypt/rsa.h>

#define TLS_WOLFSSL_TICKET_KEYS 3
#define TLS_WOLFSSL_EXPORTER 32 /* octets, RFC 9266 section 2 */
/* The lowest version that this build of the library has, below TLS 1.2. */
#if !defined(NO_OLD_TLS) && defined(WOLFSSL_ALLOW_TLSV10)
#define TLS_WOLFSSL_OLD PTN_TLS_1_0
#elif !defined(NO_OLD_TLS)
#define TLS_WOLFSSL_OLD PTN_TLS_1_1
#endif
/* Alerts that the library leaves to us, RFC 8446 section 6.2. */
#define TLS_WOLFSSL_HANDSHAKE_FAILURE 40
#define TLS_WOLFSSL_INTERNAL_ERROR 80
/* How long a ticket may be used, in seconds. RFC 8446 section 4.6.1 allows
 * seven days; two hours is what most clients keep one for. */
#define TLS_WOLFSSL_TICKET_LIFE 7200

/* One ticket key, cut from the material that core gives: a name that the
 * ticket carries, and the key of AES-256-GCM. */
struct tls_wolfssl_ticket_key {
    uint8_t name[16];
    uint8_t key[32];
};

/* Shared by its owner and its sessions; the last one frees it. All but the
 * ticket keys is constant once it is made. */
struct ptn_tls_context {
    atomic_uint refs;
    WOLFSSL_CTX *ctx;
    struct ptn_tls_context *(*choose)(void *arg,
                                      const struct ptn_tls_hello *hello);
    void *choose_arg;
    bool is_client;
    enum ptn_tls_peer peer;
    char *alpn; /* or NULL */
    bool alpn_strict;
    struct ptn_buf staple; /* a DER OCSPResponse, or empty */
    enum ptn_tls_version min_version, max_version;
    int (*sign)(void *arg, const struct ptn_tls_to_sign *what,
                struct ptn_buf *signature); /* or NULL: the key is in ctx */
    void *sign_arg;
    uint8_t end_point[PTN_BINDING_MAX]; /* RFC 5929 section 4 */
    size_t end_point_len;               /* 0: there is none */
    pthread_mutex_t lock;               /* guards the ticket keys */
    size_t key_count;
    struct tls_wolfssl_ticket_key keys[TLS_WOLFSSL_TICKET_KEYS];
};

/* hello: octets are gathered until the ClientHello is whole
 *   -> shaking: wolfSSL reads them again, then the transport
 *     -> open -> closed (we sent close_notify)
 * Any state goes to failed, once and for ever. */
enum tls_wolfssl_state {
    TLS_WOLFSSL_HELLO,
    TLS_WOLFSSL_SHAKING,
    TLS_WOLFSSL_OPEN,
    TLS_WOLFSSL_CLOSED,
    TLS_WOLFSSL_FAILED,
};

/* What was seen of a peer's certificate. */
struct tls_wolfssl_peer {
    enum ptn_tls_cause problem;
    char fingerprint[65]; /* SHA-256, hexadecimal */
    char *name;           /* of a good one, or NULL */
    struct ptn_buf chain; /* PEM; of a server's */
};

/* Small on purpose: one for each connection, wolfSSL's state apart. */
struct ptn_tls_session {
    WOLFSSL *ssl; /* NULL while the ClientHello is gathered */
    struct ptn_tls_context *context;
    const struct ptn_tls_transport *transport;
    void *transport_arg;
    struct ptn_buf hello; /* gathered, and not yet read again by wolfSSL */
    char *server_name;    /* or NULL */
    struct tls_wolfssl_peer *peer; /* that showed a certificate, or NULL */
    enum ptn_tls_cause cause;      /* of its failure */
    enum tls_wolfssl_state state;
    uint8_t alert_sent, alert_received; /* in clear, by us; 0 = none */
    uint16_t scheme; /* of our signature, if it was made elsewhere; or 0 */
    bool blocked;    /* the transport took nothing when it was last asked */
    bool has_ems;    /* RFC 7627 */
    bool has_exporter;
    uint8_t exporter[TLS_WOLFSSL_EXPORTER]; /* kept: what it is made of, is
                                               much more, and freed */
    bool alerted; /* what comes next is the body of an alert in clear */
};

/* ops.c */
extern const struct ptn_tls_ops tls_wolfssl_ops;

/* context.c */
int tls_wolfssl_context_new(void *instance, const struct ptn_tls_params *params,
                            struct ptn_tls_context **out,
                            struct ptn_error *err);
void tls_wolfssl_context_free(void *instance, struct ptn_tls_context *context);
struct ptn_tls_context *
tls_wolfssl_context_ref(struct ptn_tls_context *context);

/* groups.c: reads "X25519:P-256"; NULL is the default. */
int tls_wolfssl_set_groups(WOLFSSL_CTX *ctx,
                           const struct ptn_tls_params *params,
                           struct ptn_error *err);

/* tickets.c */
void tls_wolfssl_context_tickets(void *instance,
                                 struct ptn_tls_context *context,
                                 const uint8_t *keys, size_t count);
int tls_wolfssl_ticket_crypt(WOLFSSL *ssl, unsigned char *name,
                             unsigned char *iv, unsigned char *mac, int seal,
                             unsigned char *ticket, int len, int *out_len,
                             void *context);

/* session.c */
struct ptn_tls_session *
tls_wolfssl_session_new(void *instance, struct ptn_tls_context *context,
                        const struct ptn_tls_transport *transport,
                        void *transport_arg);
void tls_wolfssl_session_free(struct ptn_tls_session *session);
enum ptn_tls_io tls_wolfssl_handshake(struct ptn_tls_session *session);
void tls_wolfssl_info(struct ptn_tls_session *session,
                      struct ptn_tls_info *out);

/* hello.c: gathers the ClientHello, chooses the context, makes the SSL. */
enum ptn_tls_io tls_wolfssl_hello(struct ptn_tls_session *session);
/* Fails with an alert in clear, for as long as wolfSSL has sent nothing. It
 * goes out whole or not at all. */
enum ptn_tls_io tls_wolfssl_refuse(struct ptn_tls_session *session,
                                   uint8_t alert, enum ptn_tls_cause cause);
struct ptn_tls_session *
tls_wolfssl_connect(void *instance, struct ptn_tls_context *context,
                    const struct ptn_tls_transport *transport,
                    void *transport_arg, const char *server_name);

/* io.c */
int tls_wolfssl_receive(WOLFSSL *ssl, char *into, int len, void *session);
int tls_wolfssl_send(WOLFSSL *ssl, char *from, int len, void *session);
enum ptn_tls_io tls_wolfssl_read(struct ptn_tls_session *session, uint8_t *into,
                                 size_t len, size_t *n);
enum ptn_tls_io tls_wolfssl_write(struct ptn_tls_session *session,
                                  const uint8_t *from, size_t len, size_t *n);
enum ptn_tls_io tls_wolfssl_shutdown(struct ptn_tls_session *session);

/* error.c: what a wolfSSL call that returned `rc` <= 0 means. On an error
 * the session fails. */
enum ptn_tls_io tls_wolfssl_result(struct ptn_tls_session *session, int rc);
enum ptn_tls_io tls_wolfssl_fail(struct ptn_tls_session *session,
                                 enum ptn_tls_cause cause);
enum ptn_tls_cause tls_wolfssl_cause(int code);
/* Fills `err` with "what: wolfSSL's words for code"; returns -1. */
int tls_wolfssl_error(struct ptn_error *err, const char *what, int code);

/* pem.c: DER out of PEM, replacing what `der` held. */
int tls_wolfssl_pem_cert(struct ptn_slice pem, struct ptn_buf *der,
                         struct ptn_error *err);
int tls_wolfssl_pem_key(struct ptn_slice pem, struct ptn_buf *der,
                        struct ptn_error *err);
/* Appends `der` as PEM with a label such as "CERTIFICATE". */
void tls_wolfssl_pem_add(struct ptn_buf *out, const char *label,
                         struct ptn_slice der);
/* Wipes, then frees. */
void tls_wolfssl_wipe(struct ptn_buf *b);

/* key.c: a private key of any kind that we know. */
enum tls_wolfssl_kind {
    TLS_WOLFSSL_RSA,
    TLS_WOLFSSL_ECC,
    TLS_WOLFSSL_ED25519,
};
struct tls_wolfssl_key {
    enum tls_wolfssl_kind kind;
    union {
        RsaKey rsa;
        ecc_key ecc;
        ed25519_key ed25519;
    } u;
};
/* 0 and a key to deinit, or -1 and nothing. */
int tls_wolfssl_key_read(struct tls_wolfssl_key *key, struct ptn_slice pem,
                         struct ptn_error *err);
int tls_wolfssl_key_read_any(struct tls_wolfssl_key *key, /* weak or not */
                             struct ptn_slice pem, struct ptn_error *err);
void tls_wolfssl_key_deinit(struct tls_wolfssl_key *key);
int tls_wolfssl_key_make(void *instance, enum ptn_tls_key_type type,
                         struct ptn_buf *out, struct ptn_error *err);

/* cert.c */
int tls_wolfssl_cert_parse(void *instance, struct ptn_slice pem,
                           struct ptn_tls_cert *out, struct ptn_error *err);

/* pair.c */
int tls_wolfssl_pair_match(void *instance, struct ptn_slice cert,
                           struct ptn_slice key, struct ptn_error *err);

/* library.c: how this library computes, for <postern/x509.h>. */
extern const struct ptn_x509_library tls_wolfssl_library;

/* file.c */
enum ptn_tls_parsed tls_wolfssl_parse(void *instance, struct ptn_slice file,
                                      struct ptn_slice passphrase,
                                      struct ptn_tls_parsed_file *out,
                                      struct ptn_error *err);
int tls_wolfssl_key_encrypt(void *instance, struct ptn_slice key,
                            struct ptn_slice passphrase, struct ptn_buf *out,
                            struct ptn_error *err);
int tls_wolfssl_pkcs12_make(void *instance, struct ptn_slice chain,
                            struct ptn_slice key, struct ptn_slice passphrase,
                            const char *name, struct ptn_buf *out,
                            struct ptn_error *err);
int tls_wolfssl_key_public(void *instance, struct ptn_slice pem,
                           struct ptn_buf *out, struct ptn_error *err);
int tls_wolfssl_cert_public(void *instance, struct ptn_slice cert,
                            struct ptn_buf *out, struct ptn_error *err);
int tls_wolfssl_cert_issued(void *instance, struct ptn_slice cert,
                            struct ptn_slice issuer, struct ptn_error *err);
int tls_wolfssl_csr_make(void *instance, struct ptn_slice key,
                         const struct ptn_tls_subject *subject,
                         struct ptn_buf *csr, struct ptn_error *err);
int tls_wolfssl_self_sign(void *instance, struct ptn_slice key,
                          const struct ptn_tls_subject *subject,
                          struct ptn_buf *cert, struct ptn_error *err);
int tls_wolfssl_alpn_cert(void *instance, struct ptn_slice key,
                          const char *name, const uint8_t digest[32],
                          struct ptn_buf *cert, struct ptn_error *err);

/* peer.c: asks for certificates as the parameters say, and looks at them. */
int tls_wolfssl_use_peer(struct ptn_tls_context *context,
                         const struct ptn_tls_params *params,
                         struct ptn_error *err);
void tls_wolfssl_peer_info(const struct ptn_tls_session *session,
                           struct ptn_tls_info *out);
void tls_wolfssl_peer_free(struct tls_wolfssl_peer *peer);
int tls_wolfssl_peer_chain(struct ptn_tls_session *session,
                           struct ptn_buf *pem);

/* binding.c */
size_t tls_wolfssl_binding(struct ptn_tls_session *session,
                           enum ptn_binding binding, uint8_t *out);
/* Right after the handshake, and for the context's certificate. */
void tls_wolfssl_keep_exporter(struct ptn_tls_session *session);
void tls_wolfssl_set_end_point(struct ptn_tls_context *context,
                               struct ptn_slice chain);

/* remote.c: the context's `sign` makes its signatures. */
void tls_wolfssl_use_remote_key(WOLFSSL_CTX *ctx);

/* sign.c */
int tls_wolfssl_sign(void *instance, struct ptn_slice key,
                     const struct ptn_tls_to_sign *what,
                     struct ptn_buf *signature, struct ptn_error *err);
int tls_wolfssl_key_open(void *instance, struct ptn_slice pem,
                         struct ptn_tls_key **out, struct ptn_error *err);
int tls_wolfssl_key_sign(struct ptn_tls_key *key,
                         const struct ptn_tls_to_sign *what,
                         struct ptn_buf *signature, struct ptn_error *err);
void tls_wolfssl_key_close(struct ptn_tls_key *key);

#endif
