/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of `posternctl cert` share.
 */
#ifndef PTN_POSTERNCTL_CERT_H
#define PTN_POSTERNCTL_CERT_H

#include "pki/manage.h"
#include "posternctl/ctl.h"
#include "proc/admin.h"

/* The configuration, its TLS provider and the repository. */
struct cert_office {
    struct ptn_admin *admin;
    struct ptn_manage manage;
};

/* Opens all three; CTL_OK, or what to exit with: why was printed. */
int cert_open(const struct ctl *ctl, struct cert_office *office);
void cert_close(struct cert_office *office);

/* Prints what went wrong; answers the exit status. */
int cert_conclude(enum ptn_cert_fault fault, const struct ptn_error *err);

/* After a change of a certificate that listeners show: has a running server
 * take it over, and says whether it did. */
int cert_put_live(const struct ctl *ctl, struct cert_office *office,
                  const char *name);

/* cert_show.c */
ctl_fn cert_list, cert_show, cert_history;
/* cert_bind.c */
ctl_fn cert_bind;

#endif
