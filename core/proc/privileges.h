/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Becoming an ordinary user. All of it does nothing when the process was
 * not started by root, or `user` is NULL.
 */
#ifndef PTN_PROC_PRIVILEGES_H
#define PTN_PROC_PRIVILEGES_H

#include <postern/error.h>

/* Whether the system has such a user. */
bool ptn_privileges_known(const char *user);

/* For good, with its groups; and no program that is executed later can
 * gain rights (no_new_privs, which is set in any case). */
int ptn_privileges_drop(const char *user, struct ptn_error *err);

/* For a while: files that are made meanwhile belong to the user. */
int ptn_privileges_borrow(const char *user, struct ptn_error *err);
void ptn_privileges_return(void);

/* Gives the folder to the user, if it is root's. */
int ptn_privileges_give(const char *path, const char *user,
                        struct ptn_error *err);

#endif
