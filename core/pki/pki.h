/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The certificate repository: which certificates there are, which of them a
 * listener may show, and which one a client gets.
 *
 *   keyring --load--> chain, facts --per listener--> context
 *   listener --> binding --hello--> index by name --> context
 *
 * A binding lives as long as the repository; what it points to is swapped
 * whole when certificates are re-read, and only for one that was checked
 * completely. Private keys are the keyring's alone. Loop thread only, except
 * where a function says otherwise.
 */
#ifndef PTN_PKI_PKI_H
#define PTN_PKI_PKI_H

#include "pki/keyring.h"
#include <postern/tls.h>

struct ptn_conf;
struct ptn_listener_conf;
struct ptn_tls_info;
struct ptn_pki;
struct ptn_pki_binding;

/* Makes nothing yet; see ptn_pki_load. `conf` must outlive the result. The
 * keyring is copied. */
struct ptn_pki *ptn_pki_new(const struct ptn_conf *conf,
                            const struct ptn_tls_ops *ops, void *instance,
                            const struct ptn_keyring *keyring);
void ptn_pki_free(struct ptn_pki *pki);

/* Gets every certificate that a listener names from the keyring, and makes
 * the contexts. What is wrong is kept with the bindings it concerns: a
 * listener whose first certificate is unusable has a problem; further ones
 * that are unusable are left out, and their names get the first. TLS settings
 * that are wrong are a problem of their listener alone. The keyring's owner
 * logs what it refuses; the rest is logged here. */
void ptn_pki_load(struct ptn_pki *pki);

/* Whether another process of this server logs what this one would log. */
void ptn_pki_set_quiet(struct ptn_pki *pki, bool quiet);

/* NULL for a listener without TLS. Constant while the repository lives. */
struct ptn_pki_binding *ptn_pki_binding(struct ptn_pki *pki,
                                        const struct ptn_listener_conf *conf);

/* Whether the listener's exception for old clients is for that address, and
 * lasts: then the client is served with ptn_pki_exception_of. */
bool ptn_pki_is_excepted(const struct ptn_pki_binding *binding,
                         const char *peer);
struct ptn_pki_binding *
ptn_pki_exception_of(const struct ptn_pki_binding *binding);

/* NULL when the listener may serve; else why it must not open its port. */
const struct ptn_error *ptn_pki_problem(const struct ptn_pki_binding *binding);

/* For each new TLS session: the context to begin with (SNI may choose
 * another inside the handshake), and the provider. The session made from
 * it keeps it alive. NULL while the binding has a problem. */
struct ptn_tls_context *ptn_pki_context(const struct ptn_pki_binding *binding,
                                        const struct ptn_tls_ops **ops,
                                        void **instance);

/* Which certificate a handshake of this binding was given, and by what rule.
 * `certificate` is its name in the config. */
struct ptn_pki_choice {
    uint32_t number;
    uint8_t rule; /* enum ptn_index_rule */
};

/* What the last handshake to read a ClientHello was given. Ask right after
 * the provider's call; the first context's, if none was read since. */
struct ptn_pki_choice ptn_pki_choice(struct ptn_pki_binding *binding);
const char *ptn_pki_choice_name(const struct ptn_pki_binding *binding,
                                struct ptn_pki_choice choice);

/* The user that the client's certificate stands for, or NULL. `info` of a
 * session of this binding; the answer lives as long as it, or until the next
 * refresh. */
const char *ptn_pki_user(const struct ptn_pki_binding *binding,
                         const struct ptn_tls_info *info);

/* The same again, after the keyring has read its files. A certificate that
 * is new and good replaces its predecessor for new sessions; what cannot be
 * used changes nothing. Answers how many the keyring found good, and that
 * were of no use here. */
unsigned ptn_pki_reload(struct ptn_pki *pki);

/* The same in steps, for a loop that has sessions to serve meanwhile: step,
 * which works for about so long, until it answers true. Nothing changes
 * before that; then everything does. To begin again in between is fine. */
void ptn_pki_refresh_begin(struct ptn_pki *pki);
bool ptn_pki_refresh_step(struct ptn_pki *pki, uint64_t microseconds);
/* The same for those that were wanted since the last one has ended, alone.
 * Whatever the keyring has replaced up to `round` was wanted by then. */
void ptn_pki_refresh_want(struct ptn_pki *pki, const char *name);
void ptn_pki_refresh_begin_wanted(struct ptn_pki *pki, uint64_t round);
/* What ptn_pki_reload answers, for the last refresh. */
unsigned ptn_pki_refused(const struct ptn_pki *pki);

/* Session ticket keys, newest first; `count` of PTN_TLS_TICKET_KEY_SIZE. */
void ptn_pki_set_tickets(struct ptn_pki *pki, const uint8_t *keys,
                         size_t count);

/* Calls fn for each certificate in use, for listings. `problem` is NULL for
 * a good one; `cert` is NULL when nothing could be read. */
void ptn_pki_each(const struct ptn_pki *pki,
                  void (*fn)(void *arg, const char *name,
                             const struct ptn_tls_cert *cert,
                             const struct ptn_error *problem),
                  void *arg);

/* Calls fn for each set of TLS settings that no context can be made with,
 * such as a group that the provider does not know. */
void ptn_pki_each_misfit(const struct ptn_pki *pki,
                         void (*fn)(void *arg, const struct ptn_error *problem),
                         void *arg);

#endif
