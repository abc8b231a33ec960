/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the repository asks of whoever holds the private keys: the warden,
 * over a channel, or the store in the same process (warden/keys.h).
 */
#ifndef PTN_PKI_KEYRING_H
#define PTN_PKI_KEYRING_H

#include <postern/buf.h>
#include <postern/error.h>
#include <postern/tls.h>

#define PTN_FINGERPRINT_SIZE 32 /* SHA-256 of a leaf's DER, in octets */

enum ptn_keyring_result {
    PTN_KEYRING_GOOD,    /* the chain was checked, with its key */
    PTN_KEYRING_COMING,  /* it will be made when the server starts: a check */
    PTN_KEYRING_REFUSED, /* its files are of no use: `err` says why */
    PTN_KEYRING_AWAY,    /* nobody answers: `err` says why */
    PTN_KEYRING_LOCKED,  /* its key waits for a passphrase; in `err`, too */
};

/* Calls of one thread. */
struct ptn_keyring {
    /* The chain of the certificate that the config calls `name`, as it is to
     * be served now: appended to `chain`. */
    enum ptn_keyring_result (*load)(void *arg, const char *name,
                                    struct ptn_buf *chain,
                                    struct ptn_error *err);
    /* Appends a signature by the key that belongs to the leaf. -1: there is
     * none; whoever knows why has logged it. */
    int (*sign)(void *arg, const uint8_t fingerprint[PTN_FINGERPRINT_SIZE],
                const struct ptn_tls_to_sign *what, struct ptn_buf *signature);
    /* A round of loads is over. If `all`, no new handshake uses anything that
     * had been replaced by then, or by the round `most` (warden/keys.h), if
     * that was before; in a while such keys can be forgotten. */
    void (*settle)(void *arg, bool all, uint64_t most);
    /* The certificate that proves to an authority that `name` is ours (RFC
     * 8737), while it is shown; its key signs like any other. False: there is
     * none. */
    bool (*challenge)(void *arg, struct ptn_slice name, struct ptn_buf *chain);
    /* The OCSP response (DER) to staple to the certificate that the config
     * calls `name` and that `fingerprint` is the leaf of. False: there is
     * none that is good now. */
    bool (*staple)(void *arg, const char *name,
                   const uint8_t fingerprint[PTN_FINGERPRINT_SIZE],
                   struct ptn_buf *response);
    void *arg;
};

/* The octets of what struct ptn_tls_cert has as text. False: malformed. */
bool ptn_fingerprint_parse(const char *text, uint8_t out[PTN_FINGERPRINT_SIZE]);

#endif
