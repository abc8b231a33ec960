/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files that others replace, watched: in place, by renaming another over
 * them, by a symbolic link anywhere along their path that is made to point
 * elsewhere, by a folder that vanishes and comes back.
 *
 *   add --> look --(events: read)--> look --> changed(file) ...
 *
 * inotify(7) tells of the folders along each path; where it does not, a look
 * at all files every now and then does. One thread at a time; looking blocks
 * as file systems do.
 */
#ifndef PTN_PKI_WATCH_H
#define PTN_PKI_WATCH_H

#include <postern/error.h>
#include <postern/types.h>

/* Folders that are watched at once. The kernel has a kilobyte for each. */
#define PTN_FILE_WATCH_FOLDERS 16384

struct ptn_file_watch;

/* Nothing yet. `folders`: no more than so many are watched. */
struct ptn_file_watch *ptn_file_watch_new(size_t folders);
void ptn_file_watch_free(struct ptn_file_watch *watch);

/* Readable when something has happened; -1: the kernel tells nothing. */
int ptn_file_watch_fd(const struct ptn_file_watch *watch);

/* An absolute path, of a file that need not be there, and its owner's
 * number. The next look does not take it for changed. */
void ptn_file_watch_add(struct ptn_file_watch *watch, const char *path,
                        size_t owner);

/* Takes what the kernel has told: whether it concerns a file. Never blocks. */
bool ptn_file_watch_read(struct ptn_file_watch *watch);

/* Looks at the files that may have changed, or at `all`, and calls `changed`
 * with the owner of each that has: it is another one, has another content or
 * mode, has come or gone. Answers how many had. */
size_t ptn_file_watch_look(struct ptn_file_watch *watch, bool all,
                           void (*changed)(void *arg, size_t owner), void *arg);

/* How many folders are watched; and how many could not be, and one of the
 * reasons. What is in those is found by looking at all. */
size_t ptn_file_watch_folders(const struct ptn_file_watch *watch);
size_t ptn_file_watch_unwatched(const struct ptn_file_watch *watch,
                                const char **why);

#endif
