/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The operator's program that publishes a DNS record as proof of a name
 * (dns-01, RFC 8555 section 8.4). The envoy asks; what is run, and as whom,
 * the configuration alone says, and what it is told is checked against the
 * configuration: a name that is there, a record that has one form.
 *
 *   hook            in a folder and with a user of the configuration's
 *   ACTION          present or cleanup
 *   NAME            mail.example.org
 *   RECORD          _acme-challenge.mail.example.org
 *   VALUE           the text of its TXT record
 *
 * No shell is involved. What it prints is logged, its exit status is the
 * answer, and after a time limit it is killed, with its children. One at a
 * time. The supervisor's one thread.
 */
#ifndef PTN_PROC_HOOK_H
#define PTN_PROC_HOOK_H

#include "conf/conf.h"
#include <poll.h>
#include <sys/types.h>

#define PTN_HOOK_LINES 64 /* of output that are logged */

struct ptn_hook {
    pid_t pid;  /* 0: none runs */
    int output; /* -1: closed */
    uint64_t due;
    bool late;
    unsigned lines;
    struct ptn_buf line;
};

#define PTN_HOOK_INIT ((struct ptn_hook){.output = -1})

/* Starts it. `request` is the envoy's: fields action, name, value. -1 with
 * `err`: it may not, or cannot be run. */
int ptn_hook_begin(struct ptn_hook *hook, const struct ptn_conf *conf,
                   struct ptn_slice request, struct ptn_error *err);
/* When its output is readable. */
void ptn_hook_read(struct ptn_hook *hook);
/* Kills it when its time is over. */
void ptn_hook_do_due(struct ptn_hook *hook);
/* True: it was this one that has died, and `err` says how if that was no
 * success. */
bool ptn_hook_bury(struct ptn_hook *hook, pid_t pid, int status,
                   struct ptn_error *err);
/* Kills it; who was waiting is gone. */
void ptn_hook_end(struct ptn_hook *hook);

#endif
