/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The client as a plugin of the server: its options, and its run.
 */
#ifndef ACME_PLUGIN_H
#define ACME_PLUGIN_H

#include "state.h"
#include <postern/errand.h>

#define ACME_ERRAND "acme"

struct acme_options {
    const char *directory;
    struct ptn_strings contact;
    bool terms;
    const char *eab_kid, *eab_key_file;
    struct ptn_strings challenges;
    const char *preferred_chain;
    const char *ca_file;
    bool ari;
    int64_t renew_at;  /* percent of a life */
    uint64_t patience; /* ms */
};

struct acme_plugin {
    struct ptn_host *host;
    const struct acme_options *options;
    const char *directory;                      /* its address */
    enum acme_challenge order[ACME_CHALLENGES]; /* as the operator wants */
    size_t order_count;
    char *folder;  /* STATE/acme */
    char *eab_key; /* NULL: none; wiped */
    struct acme *client;
    const struct ptn_errand_certificate *certificate; /* in hand */
};

/* --- links.c: what the client asks of the server --- */

struct acme_warden acme_link_warden(struct acme_plugin *p);
struct acme_responder acme_link_responder(struct acme_plugin *p);

/* --- run.c --- */

int acme_run(void *instance, const struct ptn_errand_wish *wish, int64_t *next,
             struct ptn_error *err);

#endif
