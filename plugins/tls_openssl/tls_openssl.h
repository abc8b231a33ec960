/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of this plugin share. Its only instance is constant after
 * init; contexts and sessions are values that core
 * owns. OpenSSL's headers are included here and nowhere else outside of
 * this folder.
 */
#ifndef TLS_OPENSSL_H
#define TLS_OPENSSL_H

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <postern/x509.h>
#include <pthread.h>
#include <stdatomic.h>

#define TLS_OPENSSL_TICKET_KEYS 3
/* How long a ticket may be used, in seconds. RFC 8446 section 4.6.1 allows
 * seven days; two hours is what most clients keep one for. */
#define TLS_OPENSSL_TICKET_LIFE 7200

/* A reason of ours, in OpenSSL's error queue under ERR_LIB_USER. */
#define TLS_OPENSSL_R_NO_SIGNATURE 101

struct tls_openssl {
    BIO_METHOD *method;
    OSSL_LIB_CTX *remote; /* where keys that are elsewhere come from */
};

/* One ticket key, cut from the material that core gives. */
struct tls_openssl_ticket_key {
    uint8_t name[16];
    uint8_t aes[32];
    uint8_t mac[16];
};

/* Shared by its owner and its sessions; the last one frees it. All but the
 * ticket keys is constant once it is made. */
struct ptn_tls_context {
    atomic_uint refs;
    const struct tls_openssl *instance;
    SSL_CTX *ctx;
    struct ptn_tls_context *(*choose)(void *arg,
                                      const struct ptn_tls_hello *hello);
    void *choose_arg;
    bool is_client;
    enum ptn_tls_peer peer;
    char *alpn; /* or NULL */
    bool alpn_strict;
    struct ptn_buf staple; /* a DER OCSPResponse, or empty */
    pthread_mutex_t lock;  /* guards the ticket keys */
    size_t key_count;
    struct tls_openssl_ticket_key keys[TLS_OPENSSL_TICKET_KEYS];
};

/* hello: octets are gathered until the ClientHello is whole
 *   -> shaking: OpenSSL reads them again, then the transport
 *     -> open -> closed (we sent close_notify)
 * Any state goes to failed, once and for ever. */
enum tls_openssl_state {
    TLS_OPENSSL_HELLO,
    TLS_OPENSSL_SHAKING,
    TLS_OPENSSL_OPEN,
    TLS_OPENSSL_CLOSED,
    TLS_OPENSSL_FAILED,
};

/* What was seen of a peer's certificate. */
struct tls_openssl_peer {
    enum ptn_tls_cause problem;
    char fingerprint[65]; /* SHA-256, hexadecimal */
    char *name;           /* of a good one, or NULL */
};

struct ptn_tls_session {
    SSL *ssl; /* NULL while the ClientHello is gathered */
    struct ptn_tls_context *context;
    const struct ptn_tls_transport *transport;
    void *transport_arg;
    struct ptn_buf hello; /* gathered, and not yet read again by OpenSSL */
    char *server_name;    /* or NULL */
    struct tls_openssl_peer *peer;      /* that showed a certificate, or NULL */
    enum ptn_tls_cause cause;           /* of its failure */
    uint8_t alert_sent, alert_received; /* 0 = none */
    enum tls_openssl_state state;
};

/* ops.c */
extern const struct ptn_tls_ops tls_openssl_ops;

/* context.c */
int tls_openssl_context_new(void *instance, const struct ptn_tls_params *params,
                            struct ptn_tls_context **out,
                            struct ptn_error *err);
void tls_openssl_context_free(void *instance, struct ptn_tls_context *context);
struct ptn_tls_context *
tls_openssl_context_ref(struct ptn_tls_context *context);

/* tickets.c */
void tls_openssl_context_tickets(void *instance,
                                 struct ptn_tls_context *context,
                                 const uint8_t *keys, size_t count);
int tls_openssl_ticket_crypt(SSL *ssl, unsigned char *name, unsigned char *iv,
                             EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                             int seal);

/* session.c */
struct ptn_tls_session *
tls_openssl_session_new(void *instance, struct ptn_tls_context *context,
                        const struct ptn_tls_transport *transport,
                        void *transport_arg);
void tls_openssl_session_free(struct ptn_tls_session *session);
enum ptn_tls_io tls_openssl_handshake(struct ptn_tls_session *session);
void tls_openssl_info(struct ptn_tls_session *session,
                      struct ptn_tls_info *out);

/* hello.c: gathers the ClientHello, chooses the context, makes the SSL. */
enum ptn_tls_io tls_openssl_hello(struct ptn_tls_session *session);
struct ptn_tls_session *
tls_openssl_connect(void *instance, struct ptn_tls_context *context,
                    const struct ptn_tls_transport *transport,
                    void *transport_arg, const char *server_name);

/* io.c. The instance; NULL without memory. It is never freed. */
struct tls_openssl *tls_openssl_new(void);
enum ptn_tls_io tls_openssl_read(struct ptn_tls_session *session, uint8_t *into,
                                 size_t len, size_t *n);
enum ptn_tls_io tls_openssl_write(struct ptn_tls_session *session,
                                  const uint8_t *from, size_t len, size_t *n);
enum ptn_tls_io tls_openssl_shutdown(struct ptn_tls_session *session);

/* error.c: what an SSL_ call that returned `rc` <= 0 means. Its error queue
 * was empty before the call. On an error the session fails. */
enum ptn_tls_io tls_openssl_result(struct ptn_tls_session *session, int rc);
enum ptn_tls_io tls_openssl_fail(struct ptn_tls_session *session,
                                 enum ptn_tls_cause cause);
/* Fills `err` with "what: OpenSSL's words", empties the queue; -1. */
int tls_openssl_error(struct ptn_error *err, const char *what);

/* key.c: NULL with `err` for what is no key, encrypted or weak. */
EVP_PKEY *tls_openssl_key_read(struct ptn_slice pem, struct ptn_error *err);
EVP_PKEY *tls_openssl_key_read_any(struct ptn_slice pem, /* weak or not */
                                   struct ptn_error *err);
int tls_openssl_key_make(void *instance, enum ptn_tls_key_type type,
                         struct ptn_buf *out, struct ptn_error *err);
/* Appends what a memory BIO holds; it is wiped and freed. */
void tls_openssl_take_bio(struct ptn_buf *out, BIO *bio);

/* cert.c */
/* Lower case, terminated, as much as has room. */
void tls_openssl_hex(char *to, size_t room, const unsigned char *from,
                     size_t len);
X509 *tls_openssl_cert_read(struct ptn_slice pem, struct ptn_error *err);
int tls_openssl_cert_parse(void *instance, struct ptn_slice pem,
                           struct ptn_tls_cert *out, struct ptn_error *err);
int tls_openssl_pair_match(void *instance, struct ptn_slice cert,
                           struct ptn_slice key, struct ptn_error *err);

/* library.c: how this library computes, for <postern/x509.h>. */
extern const struct ptn_x509_library tls_openssl_library;

/* file.c */
enum ptn_tls_parsed tls_openssl_parse(void *instance, struct ptn_slice file,
                                      struct ptn_slice passphrase,
                                      struct ptn_tls_parsed_file *out,
                                      struct ptn_error *err);
int tls_openssl_key_encrypt(void *instance, struct ptn_slice key,
                            struct ptn_slice passphrase, struct ptn_buf *out,
                            struct ptn_error *err);
int tls_openssl_pkcs12_make(void *instance, struct ptn_slice chain,
                            struct ptn_slice key, struct ptn_slice passphrase,
                            const char *name, struct ptn_buf *out,
                            struct ptn_error *err);
int tls_openssl_key_public(void *instance, struct ptn_slice pem,
                           struct ptn_buf *out, struct ptn_error *err);
int tls_openssl_cert_public(void *instance, struct ptn_slice cert,
                            struct ptn_buf *out, struct ptn_error *err);
int tls_openssl_cert_issued(void *instance, struct ptn_slice cert,
                            struct ptn_slice issuer, struct ptn_error *err);
int tls_openssl_csr_make(void *instance, struct ptn_slice key,
                         const struct ptn_tls_subject *subject,
                         struct ptn_buf *csr, struct ptn_error *err);
int tls_openssl_self_sign(void *instance, struct ptn_slice key,
                          const struct ptn_tls_subject *subject,
                          struct ptn_buf *cert, struct ptn_error *err);
int tls_openssl_alpn_cert(void *instance, struct ptn_slice key,
                          const char *name, const uint8_t digest[32],
                          struct ptn_buf *cert, struct ptn_error *err);

/* peer.c: asks for certificates as the parameters say, and looks at them. */
int tls_openssl_use_peer(struct ptn_tls_context *context,
                         const struct ptn_tls_params *params,
                         struct ptn_error *err);
/* Right after the handshake. */
void tls_openssl_note_peer(struct ptn_tls_session *session);
enum ptn_tls_cause
tls_openssl_peer_cause(const struct ptn_tls_session *session);
void tls_openssl_peer_info(const struct ptn_tls_session *session,
                           struct ptn_tls_info *out);
void tls_openssl_peer_free(struct tls_openssl_peer *peer);
int tls_openssl_peer_chain(struct ptn_tls_session *session,
                           struct ptn_buf *pem);

/* binding.c */
size_t tls_openssl_binding(struct ptn_tls_session *session,
                           enum ptn_binding binding, uint8_t *out);

/* remote.c */
OSSL_LIB_CTX *tls_openssl_remote_new(void);
/* A key whose private half is where the parameters' `sign` is; NULL if
 * there can be none for this public key. */
EVP_PKEY *tls_openssl_remote_key(const struct tls_openssl *self,
                                 EVP_PKEY *public,
                                 const struct ptn_tls_params *params);

/* The scheme of a signature, by OpenSSL's numbers; 0 if we have none. */
enum ptn_tls_scheme tls_openssl_scheme(int kind, int digest);

/* sign.c */
bool tls_openssl_verify(EVP_PKEY *public, const struct ptn_tls_to_sign *what,
                        struct ptn_slice signature);
int tls_openssl_sign(void *instance, struct ptn_slice key,
                     const struct ptn_tls_to_sign *what,
                     struct ptn_buf *signature, struct ptn_error *err);
int tls_openssl_key_open(void *instance, struct ptn_slice pem,
                         struct ptn_tls_key **out, struct ptn_error *err);
int tls_openssl_key_sign(struct ptn_tls_key *key,
                         const struct ptn_tls_to_sign *what,
                         struct ptn_buf *signature, struct ptn_error *err);
void tls_openssl_key_close(struct ptn_tls_key *key);

#endif
