/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * OCSP responses (RFC 6960) for certificates that are held. Any thread.
 */
#include "base/clock.h"
#include "warden/keys_inner.h"

bool
ptn_keys_staple(struct ptn_keys_user *user, struct ptn_slice name,
                const uint8_t fingerprint[PTN_FINGERPRINT_SIZE],
                struct ptn_buf *response)
{
    struct ptn_keys *keys = user->keys;
    struct ptn_held *h = ptn_map_get(&keys->by_name, name);
    int64_t now = ptn_clock_wall_ms() / 1000;
    bool found = false;

    if (!h)
        return false;
    pthread_mutex_lock(&keys->lock);
    if (h->staple.len > 0 && h->key && now >= h->staple_from &&
        now < h->staple_until &&
        memcmp(h->key->fingerprint, fingerprint, PTN_FINGERPRINT_SIZE) == 0) {
        ptn_buf_addslice(response, ptn_buf_slice(&h->staple));
        found = true;
    }
    pthread_mutex_unlock(&keys->lock);
    return found;
}
