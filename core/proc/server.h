/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The server as its main program sees it.
 */
#ifndef PTN_PROC_SERVER_H
#define PTN_PROC_SERVER_H

#include <postern/buf.h>
#include <postern/error.h>
#include <stdio.h>

/* What posternd(8) promises as exit status. */
enum ptn_exit {
    PTN_EXIT_OK = 0,
    PTN_EXIT_FAILED = 1,  /* the system said no: a port, a file, memory */
    PTN_EXIT_USAGE = 2,   /* the command line */
    PTN_EXIT_CONFIG = 78, /* the configuration, a module, a certificate */
};

struct ptn_server_options {
    const char *config; /* the file */
    int workers;        /* -1: as the file says */
    char **argv;        /* main's, for ptn_server_run: how to execute the
                           program again */
};

/* What the command line says, whatever the file says. */
struct ptn_conf;
void ptn_server_override(const struct ptn_server_options *options,
                         struct ptn_conf *conf);

/* Runs until told to stop; answers the exit status. */
PTN_API int ptn_server_run(const struct ptn_server_options *options);

/* Prints all that is wrong to stderr, changes nothing, opens nothing. */
PTN_API int ptn_server_check(const struct ptn_server_options *options);
/* The same, as records `note` (effective.h). */
PTN_API int ptn_server_judge(const struct ptn_server_options *options,
                             struct ptn_buf *notes);

/* The default of `config`. */
PTN_API const char *ptn_server_default_config(void);

/* Prints the option rows of core, and of the modules that the file loads,
 * for the man pages. */
PTN_API int ptn_server_print_options(const struct ptn_server_options *options,
                                     FILE *to);

#endif
