/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The parts of posternctl(8).
 */
#ifndef PTN_POSTERNCTL_CTL_H
#define PTN_POSTERNCTL_CTL_H

#include "proc/server.h"
#include <postern/arena.h>
#include <postern/buf.h>

struct ctl {
    const char *config;
    bool json;
    const char *quota; /* --quota, or NULL */
    char **words;      /* what follows the command's own words */
    int count;
};

/* A command; answers an exit status. */
typedef int ctl_fn(const struct ctl *ctl);

ctl_fn ctl_status, ctl_listeners, ctl_workers, ctl_certificates;
ctl_fn ctl_stop, ctl_reload;
ctl_fn ctl_user_add, ctl_user_list, ctl_user_delete, ctl_user_password,
    ctl_user_quota;

/* A table on stdout whose columns are as wide as their widest cell. Cells
 * are copied; a row is added with one call. */
struct ctl_table {
    size_t columns;
    char **cells;
    size_t count, cap;
};
void ctl_table_row(struct ctl_table *table, const char *const *cells);
void ctl_table_print(const struct ctl_table *table);
void ctl_table_free(struct ctl_table *table);

/* Asks the running server. The exit status: unless it is PTN_EXIT_OK, why not
 * was printed. */
int ctl_ask(const struct ctl *ctl, const char *request, struct ptn_buf *answer);

/* The password, from the terminal (twice, with `confirm`) or else the first
 * line of standard input. -1: none was given, why was printed. The caller
 * wipes it. */
#define CTL_PASSWORD_MAX 1024
int ctl_read_password(bool confirm, char *out);

#endif
