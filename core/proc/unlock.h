/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Passphrases on their way to the warden: `posternctl cert unlock`, which
 * waits for the warden's verdict, and passphrase_command, whose output the
 * warden reads itself. The supervisor keeps none. Its one thread; or the
 * main thread of the single process, which has the first half alone.
 *
 * The answer to a request is a record "unlock verdict= text=".
 */
#ifndef PTN_PROC_UNLOCK_H
#define PTN_PROC_UNLOCK_H

#include "proc/control.h"
#include "proc/keeper.h"
#include "warden/keys.h"
#include <sys/types.h>

#define PTN_UNLOCK_MS 60000    /* what the warden gets to judge one */
#define PTN_UNLOCK_COMMANDS 64 /* that run at once */

struct ptn_unlocks {
    struct {
        struct ptn_control_call *call; /* NULL: a free place */
        unsigned tag;
        uint64_t due; /* ptn_clock_ms */
    } calls[PTN_CONTROL_CLIENTS];
    struct {
        pid_t pid; /* 0: a free place */
        uint64_t due;
    } commands[PTN_UNLOCK_COMMANDS];
    unsigned last_tag;
};

/* What a request says: both texts into room of the caller's, who wipes the
 * passphrase (PTN_TLS_PASSPHRASE_MAX + 1 octets); the request's own copy of
 * it is wiped. -1 with `err`. */
int ptn_unlock_parse(struct ptn_control_call *call, char name[256],
                     char *passphrase, struct ptn_error *err);
/* Keeps a call until its verdict comes; its tag. */
unsigned ptn_unlocks_keep(struct ptn_unlocks *unlocks,
                          struct ptn_control_call *call);
void ptn_unlocks_conclude(struct ptn_unlocks *unlocks, unsigned tag,
                          enum ptn_keys_verdict verdict, const char *text);

/* Hands a passphrase on to the wardens. As a control verb. */
int ptn_unlocks_ask(struct ptn_unlocks *unlocks, struct ptn_keepers *keepers,
                    struct ptn_control_call *call, struct ptn_error *err);
/* PTN_WARDEN_VERDICT, and PTN_WARDEN_COMMAND: which certificate's. */
void ptn_unlocks_take(struct ptn_unlocks *unlocks, struct ptn_slice verdict);
void ptn_unlocks_run(struct ptn_unlocks *unlocks, struct ptn_keeper *keeper,
                     struct ptn_slice name);
/* True: it was a command that has died. */
bool ptn_unlocks_bury(struct ptn_unlocks *unlocks, pid_t pid, int status);
/* When something is due (0: never), and doing that. */
uint64_t ptn_unlocks_due(const struct ptn_unlocks *unlocks);
void ptn_unlocks_do_due(struct ptn_unlocks *unlocks);
/* The server stops: ends the commands. */
void ptn_unlocks_end(struct ptn_unlocks *unlocks);

#endif
