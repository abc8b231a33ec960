/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Session tickets (RFC 5077, RFC 8446 section 4.6.1), sealed by AES-256-GCM
 * with keys that core gives to all workers, so that any of them resumes what
 * another began. The 16 octets that wolfSSL calls the IV hold a random nonce
 * of 12 and the time of issue; with the key's name and the server name they
 * are authenticated, so a ticket dies in time and opens no other name's
 * session (RFC 6066 section 3). Keys are read under the context's lock.
 */
#include "tls_wolfssl.h"

#include <time.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/random.h>

enum {
    NONCE = 12,
    TAG = 16
};

/* What of the ticket is authenticated but not hidden. */
struct header {
    uint8_t name[WOLFSSL_TICKET_NAME_SZ];
    uint8_t iv[WOLFSSL_TICKET_IV_SZ];
    char server_name[PTN_TLS_NAME_MAX];
};

void
tls_wolfssl_context_tickets(void *instance, struct ptn_tls_context *context,
                            const uint8_t *keys, size_t count)
{
    (void)instance;
    if (count > TLS_WOLFSSL_TICKET_KEYS)
        count = TLS_WOLFSSL_TICKET_KEYS;
    pthread_mutex_lock(&context->lock);
    ptn_wipe(context->keys, sizeof(context->keys));
    for (size_t i = 0; i < count; i++) {
        const uint8_t *material = keys + i * PTN_TLS_TICKET_KEY_SIZE;
        struct tls_wolfssl_ticket_key *key = &context->keys[i];
        memcpy(key->name, material, sizeof(key->name));
        memcpy(key->key, material + sizeof(key->name), sizeof(key->key));
    }
    context->key_count = count;
    pthread_mutex_unlock(&context->lock);
}

/* The newest key, or with `name` the one so called. */
static bool
find_key(struct ptn_tls_context *context, const uint8_t *name,
         struct tls_wolfssl_ticket_key *out)
{
    bool found = false;
    pthread_mutex_lock(&context->lock);
    for (size_t i = 0; i < context->key_count && !found; i++) {
        if (name && memcmp(context->keys[i].name, name, sizeof(out->name)) != 0)
            continue;
        *out = context->keys[i];
        found = true;
    }
    pthread_mutex_unlock(&context->lock);
    return found;
}

static size_t
fill_header(struct header *h, WOLFSSL *ssl, const uint8_t *name,
            const uint8_t *iv)
{
    const struct ptn_tls_session *session = wolfSSL_GetIOReadCtx(ssl);
    size_t len = session->server_name ? strlen(session->server_name) : 0;
    memcpy(h->name, name, sizeof(h->name));
    memcpy(h->iv, iv, sizeof(h->iv));
    if (len > 0)
        memcpy(h->server_name, session->server_name, len);
    return offsetof(struct header, server_name) + len;
}

static uint32_t
now(void)
{
    return (uint32_t)time(NULL);
}

static bool
make_iv(uint8_t *iv)
{
    WC_RNG rng;
    if (wc_InitRng(&rng) != 0)
        return false;
    int rc = wc_RNG_GenerateBlock(&rng, iv, NONCE);
    wc_FreeRng(&rng);
    uint32_t issued = now();
    memcpy(iv + NONCE, &issued, sizeof(issued));
    return rc == 0;
}

static bool
is_fresh(const uint8_t *iv)
{
    uint32_t issued;
    memcpy(&issued, iv + NONCE, sizeof(issued));
    return now() - issued <= TLS_WOLFSSL_TICKET_LIFE;
}

int
tls_wolfssl_ticket_crypt(WOLFSSL *ssl, unsigned char *name, unsigned char *iv,
                         unsigned char *mac, int seal, unsigned char *ticket,
                         int len, int *out_len, void *context)
{
    struct tls_wolfssl_ticket_key key;
    struct header header;
    Aes aes;

    if (!find_key(context, seal ? NULL : name, &key) ||
        (!seal && !is_fresh(iv)))
        return WOLFSSL_TICKET_RET_REJECT;
    if (seal) {
        memcpy(name, key.name, sizeof(key.name));
        memset(mac, 0, WOLFSSL_TICKET_MAC_SZ);
        if (!make_iv(iv))
            return WOLFSSL_TICKET_RET_REJECT;
    }
    word32 header_len = (word32)fill_header(&header, ssl, name, iv);
    word32 size = (word32)len;
    int rc = wc_AesInit(&aes, NULL, INVALID_DEVID);
    if (rc == 0)
        rc = wc_AesGcmSetKey(&aes, key.key, sizeof(key.key));
    if (rc == 0 && seal)
        rc = wc_AesGcmEncrypt(&aes, ticket, ticket, size, iv, NONCE, mac, TAG,
                              (const byte *)&header, header_len);
    else if (rc == 0)
        rc = wc_AesGcmDecrypt(&aes, ticket, ticket, size, iv, NONCE, mac, TAG,
                              (const byte *)&header, header_len);
    wc_AesFree(&aes);
    ptn_wipe(&key, sizeof(key));
    *out_len = len;
    return rc == 0 ? WOLFSSL_TICKET_RET_OK : WOLFSSL_TICKET_RET_REJECT;
}
