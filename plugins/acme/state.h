/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is remembered of a certificate over restarts, in STATE/acme/NAME.json.
 */
#ifndef ACME_STATE_H
#define ACME_STATE_H

#include "acme.h"

struct acme_state {
    int64_t last;      /* attempt, seconds since 1970; 0: none */
    int64_t next;      /* not before this moment, after a failure */
    int64_t limited;   /* the authority's own limit ends; 0: there is none */
    unsigned failures; /* in a row */
    char problem[ACME_TEXT_MAX]; /* of the last attempt; "": none */
    char order[ACME_URL_MAX];    /* that is not at its end, or "" */
    /* Of the certificate with this id: */
    char id[256];
    int64_t due, look_again;
    char directory[ACME_URL_MAX]; /* whose all this is */
};

/* What was kept, if it is of this directory; else as new. */
void acme_state_read(const char *folder, const char *name,
                     const char *directory, struct acme_state *out);
/* -1 with errno. */
int acme_state_write(const char *folder, const char *name,
                     const struct acme_state *state);

#endif
