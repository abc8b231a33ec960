/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Session tickets (RFC 5077, RFC 8446 section 4.6.1), sealed by AES-256-CBC
 * and HMAC-SHA-256 with keys that core gives to all workers, so that any of
 * them resumes what another began. Their age is OpenSSL's to check. Keys are
 * read under the context's lock.
 */
#include "tls_openssl.h"

#include <openssl/core_names.h>
#include <openssl/rand.h>

enum {
    IV = 16 /* of AES-CBC */
};

void
tls_openssl_context_tickets(void *instance, struct ptn_tls_context *context,
                            const uint8_t *keys, size_t count)
{
    (void)instance;
    _Static_assert(sizeof(struct tls_openssl_ticket_key) ==
                       PTN_TLS_TICKET_KEY_SIZE,
                   "the material is used up exactly");
    if (count > TLS_OPENSSL_TICKET_KEYS)
        count = TLS_OPENSSL_TICKET_KEYS;
    pthread_mutex_lock(&context->lock);
    ptn_wipe(context->keys, sizeof(context->keys));
    memcpy(context->keys, keys, count * PTN_TLS_TICKET_KEY_SIZE);
    context->key_count = count;
    pthread_mutex_unlock(&context->lock);
}

/* The newest key, or with `name` the one so called. Its place, from 1; 0 if
 * there is none. */
static int
find_key(struct ptn_tls_context *context, const uint8_t *name,
         struct tls_openssl_ticket_key *out)
{
    int place = 0;
    pthread_mutex_lock(&context->lock);
    for (size_t i = 0; i < context->key_count && place == 0; i++) {
        if (name && memcmp(context->keys[i].name, name, sizeof(out->name)) != 0)
            continue;
        *out = context->keys[i];
        place = (int)i + 1;
    }
    pthread_mutex_unlock(&context->lock);
    return place;
}

static bool
set_mac(EVP_MAC_CTX *mac, struct tls_openssl_ticket_key *key)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac,
                                          sizeof(key->mac)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

int
tls_openssl_ticket_crypt(SSL *ssl, unsigned char *name, unsigned char *iv,
                         EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seal)
{
    const struct ptn_tls_session *session = SSL_get_app_data(ssl);
    struct tls_openssl_ticket_key key;

    int place = find_key(session->context, seal ? NULL : name, &key);
    if (place == 0)
        return 0; /* no ticket, or a full handshake */
    /* 2: good, and make a new one: the key is old, or it is TLS 1.3, where
     * one serves once (RFC 8446 appendix C.4). */
    int rc = place > 1 || SSL_version(ssl) >= TLS1_3_VERSION ? 2 : 1;
    if (seal) {
        memcpy(name, key.name, sizeof(key.name));
        if (RAND_bytes(iv, IV) != 1)
            rc = -1;
    }
    if (rc > 0 && (!set_mac(mac, &key) ||
                   EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.aes,
                                     iv, seal) != 1))
        rc = -1;
    ptn_wipe(&key, sizeof(key));
    return rc;
}
