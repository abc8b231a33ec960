/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The certificates in use, for the files that they are made of.
 *
 *   pki.c      bindings, from beginning to end, and what they answer
 *   refresh.c  contexts: made of what the keyring has, and swapped
 *   challenge.c  what an authority comes to see
 */
#ifndef PTN_PKI_PKI_INNER_H
#define PTN_PKI_PKI_INNER_H

#include "base/map.h"
#include "conf/conf.h"
#include "pki/clients.h"
#include "pki/identity.h"
#include "pki/index.h"
#include "pki/pki.h"

/* Listeners with equal TLS settings share one. */
struct ptn_pki_binding {
    struct ptn_pki_binding *next;
    struct ptn_pki *pki;
    const struct ptn_listener_conf *listener; /* the first of them */
    const struct ptn_tls_conf *tls;
    const char *alpn;
    struct ptn_pki_used **used;        /* tls->certificates.count of them */
    struct ptn_tls_context **contexts; /* as many, of these */
    size_t base; /* the one that handshakes begin with: 0, unless that one is
                    locked and there is another */
    struct ptn_index index; /* of those that are not NULL */
    struct ptn_clients clients, read_clients;
    struct ptn_error clients_problem; /* with the files of the above */
    bool changed;                     /* since the index was made */
    bool clients_new;                 /* read_clients is to replace clients */
    struct ptn_pki_choice choice;     /* of the last handshake */
    struct ptn_error problem;
    struct ptn_error misfit; /* its settings fit no context; or no error */
    /* For the clients of tls->legacy, or NULL; it is in the list, too. */
    struct ptn_pki_binding *exception;
    struct ptn_tls_conf own_tls; /* what `tls` of an exception points to */
    struct ptn_tls_context *challenge; /* the last that was shown, or NULL */
};

/* Where a binding has the context of a certificate. */
struct ptn_pki_place {
    struct ptn_pki_place *next;
    struct ptn_pki_binding *binding;
    size_t index;
};

/* What a context signs with: it names the key, and lives as long as a
 * handshake may go on that has begun with the context. */
struct ptn_pki_seal {
    struct ptn_pki_seal *next; /* of those that are retired */
    struct ptn_pki *pki;
    uint64_t retired; /* ptn_clock_ms */
    uint8_t fingerprint[PTN_FINGERPRINT_SIZE];
};

/* A certificate that some listener names. */
struct ptn_pki_used {
    struct ptn_identity now;            /* what is served; good, or never was */
    struct ptn_identity read;           /* what is about to replace it */
    struct ptn_buf staple, read_staple; /* OCSP responses, or empty */
    struct ptn_pki_seal *seal, *read_seal;
    struct ptn_tls_context **made; /* of `read`, as many as places, or NULL */
    struct ptn_pki_place *places;
    size_t place_count;
    bool wanted;    /* the refresh in hand comes to it */
    bool unsettled; /* it was not as the keyring has it */
};

struct ptn_pki {
    const struct ptn_tls_ops *ops;
    void *instance;
    struct ptn_keyring keyring;
    const struct ptn_conf *conf;
    struct ptn_pki_used *used;
    size_t count;
    struct ptn_map by_name; /* of the certificate -> struct ptn_pki_used */
    struct ptn_pki_binding *bindings;
    uint8_t tickets[3 * PTN_TLS_TICKET_KEY_SIZE];
    size_t ticket_count;
    bool quiet;    /* another process logs the same */
    size_t next;   /* the certificate that the refresh in hand comes to */
    uint64_t most; /* the keyring's round that it is about */
    unsigned refused;
    struct ptn_pki_seal *retired;
    uint64_t patience; /* ms that a handshake may take */
    bool challenges;   /* there may be some: authorities are to come */
};

/* --- challenge.c --- */

/* Whether the client has come to see a challenge, and nothing else. */
static inline bool
ptn_pki_wants_challenge(const struct ptn_pki *pki,
                        const struct ptn_tls_hello *hello)
{
    return pki->challenges &&
           ptn_tls_hello_offers(hello, PTN_TLS_ALPN_CHALLENGE, true);
}
/* The context for such a client; NULL: it cannot be made. It is good until
 * the next call: the handshake takes a reference. */
struct ptn_tls_context *
ptn_pki_choose_challenge(struct ptn_pki_binding *b,
                         const struct ptn_tls_hello *hello);
void ptn_pki_drop_challenge(struct ptn_pki_binding *b);

/* --- refresh.c --- */

/* ptn_tls_params.sign; `seal` is a struct ptn_pki_seal. */
int ptn_pki_sign(void *seal, const struct ptn_tls_to_sign *what,
                 struct ptn_buf *signature);
/* Has it freed once no handshake can use it any more. */
void ptn_pki_retire_seal(struct ptn_pki *pki, struct ptn_pki_seal *seal);
/* Those of which that can be said. */
void ptn_pki_free_old_seals(struct ptn_pki *pki);

/* Contexts that will not be used after all. */
void ptn_pki_drop_made(struct ptn_pki *pki, struct ptn_pki_used *u);
/* Frees what was retired before `moment`. */
void ptn_pki_free_seals(struct ptn_pki *pki, uint64_t moment);

#endif
