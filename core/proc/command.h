/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * certificates.NAME.passphrase_command: a program of the operator's that
 * prints a passphrase. It runs as server.warden_user, without a shell, with
 * PATH and POSTERN_CERTIFICATE as its environment, no descriptor of the
 * server's, and no way to gain rights. Whoever starts it does not read what
 * it prints: that is for who has the keys.
 */
#ifndef PTN_PROC_COMMAND_H
#define PTN_PROC_COMMAND_H

#include "conf/conf.h"
#include <postern/tls.h>
#include <sys/types.h>

#define PTN_COMMAND_MS 30000 /* that it may take */
#define PTN_COMMAND_LINES 20 /* of its standard error that are logged */

struct ptn_command {
    pid_t pid;   /* leads a group of its own */
    int ends[2]; /* to read from: standard output, standard error */
};

/* Starts it; `ends` and the process are the caller's to close and to bury. */
int ptn_command_start(const struct ptn_conf *conf,
                      const struct ptn_cert_conf *cert,
                      struct ptn_command *command, struct ptn_error *err);

/* Ends it with all that it has started. */
void ptn_command_kill(pid_t pid);

/* Reads both to their ends, PTN_COMMAND_MS at most, and closes them. The
 * first line of its output into `out`, PTN_TLS_PASSPHRASE_MAX octets, which
 * the caller wipes; what it complains of goes to the log. Answers how long
 * the line is; 0: there is none, which is logged. Waits. */
size_t ptn_command_read(const char *name, const int ends[2], char *out);

#endif
