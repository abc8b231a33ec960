/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of the repository share.
 */
#ifndef PTN_PKI_REPOSITORY_INNER_H
#define PTN_PKI_REPOSITORY_INNER_H

#include "pki/repository.h"

struct ptn_repository {
    int folder, lock;
    uid_t uid;
    gid_t gid;
    unsigned locked; /* how often */
};

#define PATH_SIZE (PTN_REPOSITORY_NAME_MAX + 64)

/* --- repository_files.c --- */

extern const char *const ptn_repository_extensions[PTN_PARTS];

/* Fills `err` from errno: "cannot WHAT PATH". Returns -1. */
int ptn_repository_failed(struct ptn_error *err, const char *what,
                          const char *path);
/* Gives what was made to the repository's owner. */
void ptn_repository_give(const struct ptn_repository *r, int fd);
/* A folder that is there or, with `make`, made; -1. */
int ptn_repository_folder(const struct ptn_repository *r, int at,
                          const char *path, bool make);
/* 0; also, with nothing in `out`, when the file is not there. */
int ptn_repository_read_file(int at, const char *path, struct ptn_buf *out,
                             struct ptn_error *err);
/* A new file, synced. -1 with errno. */
int ptn_repository_write_file(const struct ptn_repository *r, int at,
                              const char *path, struct ptn_slice data);
/* Removes a file, overwritten where no other name has it. */
void ptn_repository_shred(int at, const char *path);
/* Calls fn for each entry of a folder; `fd` stays the caller's. */
void ptn_repository_entries(int fd, void (*fn)(void *arg, const char *name),
                            void *arg);
/* Removes a folder of files. */
void ptn_repository_remove_folder(int at, const char *path);
/* "NAME.key" */
void ptn_repository_path(const char *name, size_t part, char out[PATH_SIZE]);

/* --- repository_promise.c --- */

/* All version numbers in the history, sorted; as an array of unsigned. */
struct ptn_buf ptn_repository_versions(const struct ptn_repository *r,
                                       const char *name);
/* The folder of a version in the history; -1. */
int ptn_repository_open_version(const struct ptn_repository *r,
                                const char *name, uint64_t version, bool make);
void ptn_repository_remove_version(const struct ptn_repository *r,
                                   const char *name, unsigned version);
/* Promises that `parts` will be all there is of a name that has `now`. -1
 * with errno. */
int ptn_repository_promise(const struct ptn_repository *r, const char *name,
                           const struct ptn_parts *now,
                           const struct ptn_parts *parts);
/* Carries out what is promised of one name, or of all. */
int ptn_repository_finish_one(const struct ptn_repository *r, const char *name,
                              struct ptn_error *err);
int ptn_repository_finish(const struct ptn_repository *r,
                          struct ptn_error *err);

#endif
