/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Looks at a module's file as a file: may it be loaded, and if not, why. None
 * of its code runs. The loader refuses by what is found here before it opens
 * anything; `posternctl module check` prints it. Any thread.
 */
#ifndef PTN_MODULE_INSPECT_H
#define PTN_MODULE_INSPECT_H

#include "module/note.h"

#define PTN_MODULE_FILE_MAX (256u << 20) /* octets of a module's file */
#define PTN_INSPECT_PROBLEMS_MAX 16

struct ptn_inspection {
    char name[PTN_NOTE_WORD_MAX + 1]; /* by the file's name */
    char machine[64];
    enum ptn_note_found noted;
    struct ptn_note note; /* with PTN_NOTE_FOUND */
    /* What the descriptor's first words say, where there is no note. */
    bool has_abi;
    uint16_t abi_major, abi_minor;
    /* Each a sentence that begins with the file's path; errno of a file
     * that cannot be read. */
    struct ptn_error problems[PTN_INSPECT_PROBLEMS_MAX];
    size_t count;
};

/* Everything that keeps this server from loading the file. The first problem
 * is what the loader would say; those that would only follow from one before
 * are left out. `imports`: also what the system's loader finds by itself,
 * libraries that are not there and functions that this server lacks. */
PTN_API void ptn_inspect(const char *path, bool imports,
                         struct ptn_inspection *out);

/* The same for octets that are in memory already, `path` being their name:
 * nothing of the file system is looked at. */
void ptn_inspect_octets(const char *path, const void *data, size_t size,
                        struct ptn_inspection *out);

/* Adds a problem: a sentence that goes on from the file's path. */
void ptn_inspect_add(struct ptn_inspection *out, const char *fmt, ...)
    PTN_PRINTF(2, 3);

/* imports.c: the libraries and functions that the file asks for. */
void ptn_inspect_imports(const char *path, struct ptn_elf *elf,
                         struct ptn_inspection *out);

/* Neither the file nor what it points to nor their folders may be writable by
 * everybody, or anybody could choose what the server runs. -1 with `err`;
 * its `number` is ENOENT when there is no such file. */
int ptn_inspect_modes(const char *path, struct ptn_error *err);

/* Whether an ABI is one that this server can host; else -1 with `err`. */
int ptn_inspect_abi(const char *name, unsigned major, unsigned minor,
                    struct ptn_error *err);

#endif
