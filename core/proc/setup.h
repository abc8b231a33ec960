/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * All that a process knows before it does anything: the configuration, its
 * modules and the certificates. The checker, each worker, the single
 * process and the admin tool make it the same way.
 */
#ifndef PTN_PROC_SETUP_H
#define PTN_PROC_SETUP_H

#include "conf/conf.h"
#include "module/modules.h"
#include "pki/pki.h"
#include "warden/client.h"
#include "warden/errand_desk.h"
#include "warden/escrow.h"
#include "warden/keys.h"

struct ptn_setup {
    enum ptn_role role;
    struct ptn_conf *conf;
    struct ptn_modules *modules;
    struct ptn_pki *pki; /* NULL until ptn_setup_certificates, or no TLS */
    /* Who has the keys: one of both is NULL. */
    struct ptn_keys *keys;     /* we have; see ptn_setup_keys */
    struct ptn_escrow *escrow; /* borrowed, for ptn_setup_keys; or NULL */
    struct ptn_keys_user *user;
    struct ptn_warden_client *client; /* the warden has */
};

/* Loads the modules that `conf` names and binds both. What is wrong is in
 * its notes: look at ptn_conf_failed before anything else. Owns `conf`.
 * `only` as for ptn_modules_load: listeners whose protocol is of another
 * module stay without. */
void ptn_setup_load(struct ptn_setup *setup, struct ptn_conf *conf,
                    enum ptn_role role, const char *only);
void ptn_setup_free(struct ptn_setup *setup);

/* Before privileges are dropped: reads what the service manager has put into
 * its folder of credentials, NAME.passphrase for each certificate, into the
 * escrow, unless that has something for the name. */
void ptn_setup_credentials(const struct ptn_conf *conf,
                           struct ptn_escrow *escrow);

/* In a process that is to have the keys: makes and reads them. Nothing, when
 * no listener has TLS. Answers how many certificates were refused. */
unsigned ptn_setup_keys(struct ptn_setup *setup, enum ptn_keys_missing missing);

/* The same process, for the envoy's desk. */
struct ptn_errand_office ptn_setup_office(const struct ptn_setup *setup);

/* In a worker: the keys are behind `fd`, the end of a sign channel. -1: the
 * warden is not there now. Also later, when it has been replaced. */
void ptn_setup_connect(struct ptn_setup *setup, int fd);

/* Gets the certificates from where the keys are, one of the two above, and
 * makes what serves them. `quiet`: somebody else logs the same. */
void ptn_setup_certificates(struct ptn_setup *setup, bool quiet);

/* NULL when the listener may open its ports, else why not; or when nobody
 * has looked at the certificates yet. */
const struct ptn_error *
ptn_setup_problem(const struct ptn_setup *setup,
                  const struct ptn_listener_conf *listener);

/* Makes the state folder and state/run where they are missing. -1: it
 * cannot be, or cannot be written to. */
int ptn_setup_folders(const struct ptn_conf *conf, struct ptn_error *err);

/* What to say when `path` is the state folder, or in it, and errno says why
 * it cannot be written. Returns -1. */
int ptn_setup_not_writable(const struct ptn_conf *conf, const char *path,
                           struct ptn_error *err);

#endif
