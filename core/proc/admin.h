/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What posternctl(8) does with a configuration in its own process, beside
 * asking a running server.
 */
#ifndef PTN_PROC_ADMIN_H
#define PTN_PROC_ADMIN_H

#include <postern/buf.h>
#include <postern/error.h>
#include <stdio.h>

struct ptn_admin;

/* Reads the file and loads its modules, without starting them. NULL: it has
 * errors, which were printed. */
PTN_API struct ptn_admin *ptn_admin_open(const char *config, FILE *errors);
/* The same, with ptn_conf.values: every value in effect, and its origin. */
PTN_API struct ptn_admin *ptn_admin_open_values(const char *config,
                                                FILE *errors);
PTN_API void ptn_admin_print_values(const struct ptn_admin *admin, FILE *to);
PTN_API void ptn_admin_close(struct ptn_admin *admin);

/* Makes the state folder, as the server's own start does; an account may be
 * made before that. -1: why not was printed. */
PTN_API int ptn_admin_make_folders(const struct ptn_admin *admin);

/* A contract that one of the modules provides. */
PTN_API bool ptn_admin_find(const struct ptn_admin *admin, const char *contract,
                            uint16_t version, const void **ops,
                            void **instance);

/* What was read, for as long as `admin` is open. */
struct ptn_conf;
PTN_API const struct ptn_conf *ptn_admin_conf(const struct ptn_admin *admin);

/* Records of its modules, and of its listeners' TLS (proc/inspect.h). */
PTN_API void ptn_admin_modules(const struct ptn_admin *admin,
                               struct ptn_buf *out);
PTN_API int ptn_admin_tls(struct ptn_admin *admin, const char *listener,
                          bool online, struct ptn_buf *out);

/* Calls fn with each name that the file says, also of one with mistakes.
 * Nothing is printed, and no module is loaded. */
enum ptn_admin_kind {
    PTN_ADMIN_LISTENERS,
    PTN_ADMIN_CERTIFICATES,
    PTN_ADMIN_MODULES
};
PTN_API void ptn_admin_each_name(const char *config, enum ptn_admin_kind kind,
                                 void (*fn)(void *arg, const char *name),
                                 void *arg);

/* Where the server of this configuration answers. -1: the file cannot be
 * read; why was printed. */
PTN_API int ptn_admin_control(const char *config, struct ptn_buf *path,
                              FILE *errors);

#endif
