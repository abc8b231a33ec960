/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The certificate repository: a folder of its own (state/certs, 0700) with,
 * for each name, up to six files. It knows files, versions and locks; what
 * is in them is the caller's.
 *
 *   NAME.key  NAME.crt  NAME.csr  NAME.meta      the version in use
 *   NAME.next.key  NAME.next.csr                 asked for, not yet answered
 *   history/NAME/N/{key,crt,csr,meta}            versions before, newest last
 *   pending/NAME/                                a change that was promised
 *
 * A change is promised with one rename and then carried out; who finds a
 * promise that a crash has left carries it out first. So a key and a
 * certificate change together, and whoever reads under the lock never sees
 * the one without the other.
 *
 * Any process that may write the folder; each call blocks.
 */
#ifndef PTN_PKI_REPOSITORY_H
#define PTN_PKI_REPOSITORY_H

#include <postern/buf.h>
#include <postern/error.h>
#include <sys/types.h>

#define PTN_REPOSITORY_NAME_MAX 64
#define PTN_REPOSITORY_FILE_MAX (256u << 10) /* octets of one file */
#define PTN_REPOSITORY_HISTORY 10            /* versions that are kept */

enum ptn_part {
    PTN_PART_KEY,
    PTN_PART_CRT, /* chain included, leaf first */
    PTN_PART_CSR,
    PTN_PART_META, /* lines "key=value" */
    PTN_PART_NEXT_KEY,
    PTN_PART_NEXT_CSR,
};
#define PTN_PARTS 6

/* The files of a name. One that is empty is not there. */
struct ptn_parts {
    struct ptn_buf part[PTN_PARTS];
};
/* Wipes before it frees: keys are among them. */
PTN_API void ptn_parts_free(struct ptn_parts *parts);

struct ptn_repository;

/* Opens `STATE/certs`, and makes it if it is missing. What is made belongs
 * to `uid` and `gid` if we are root and they are not (uid_t)-1. NULL with
 * `err`. */
PTN_API struct ptn_repository *ptn_repository_open(const char *state, uid_t uid,
                                                   gid_t gid,
                                                   struct ptn_error *err);
PTN_API void ptn_repository_close(struct ptn_repository *r);

/* Letters, digits, "-" and "_", a letter first: what the config can name. */
PTN_API bool ptn_repository_is_name(const char *name);

/* All there is of a name into `out`, which is freed by the caller; 0 with
 * nothing in it when there is nothing. -1 with `err`. */
PTN_API int ptn_repository_read(struct ptn_repository *r, const char *name,
                                struct ptn_parts *out, struct ptn_error *err);

/* The same of a few parts alone: those of `mask`, 1 << PTN_PART_... */
PTN_API int ptn_repository_read_some(struct ptn_repository *r, const char *name,
                                     unsigned mask, struct ptn_parts *out,
                                     struct ptn_error *err);

/* Nobody else reads or writes until ptn_repository_release: what is written
 * follows from what was read. Every call does so for itself. -1 with `err`,
 * and nothing is held. */
PTN_API int ptn_repository_hold(struct ptn_repository *r,
                                struct ptn_error *err);
PTN_API void ptn_repository_release(struct ptn_repository *r);

/* Makes `parts` all there is of the name, durably, all or nothing. What had
 * another key or certificate goes into the history. */
PTN_API int ptn_repository_write(struct ptn_repository *r, const char *name,
                                 const struct ptn_parts *parts,
                                 struct ptn_error *err);

/* Forgets the name, its history included: keys are overwritten first. */
PTN_API int ptn_repository_remove(struct ptn_repository *r, const char *name,
                                  struct ptn_error *err);

/* With history. -1 also where `to` exists. */
PTN_API int ptn_repository_rename(struct ptn_repository *r, const char *from,
                                  const char *to, struct ptn_error *err);

/* Calls fn once a name, in alphabetical order. Inside it the repository may
 * be read. */
PTN_API int ptn_repository_each(struct ptn_repository *r,
                                void (*fn)(void *arg, const char *name),
                                void *arg, struct ptn_error *err);

/* The versions before the one in use, oldest first: their numbers. */
PTN_API int ptn_repository_history(struct ptn_repository *r, const char *name,
                                   unsigned out[PTN_REPOSITORY_HISTORY],
                                   size_t *count, struct ptn_error *err);
/* One of them, as ptn_repository_read. */
PTN_API int ptn_repository_read_version(struct ptn_repository *r,
                                        const char *name, unsigned version,
                                        struct ptn_parts *out,
                                        struct ptn_error *err);

#endif
