/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The note that a module carries (PTN_MODULE_NOTE): from a file's octets to
 * its facts, without running anything of it. Any thread.
 */
#ifndef PTN_MODULE_NOTE_H
#define PTN_MODULE_NOTE_H

#include "module/elf.h"
#include <postern/module.h>

#define PTN_NOTE_WORD_MAX 63
#define PTN_NOTE_CONTRACTS_MAX 32

struct ptn_note_contract {
    char name[PTN_NOTE_WORD_MAX + 1];
    uint16_t version;
    bool provided; /* else it is needed */
};

struct ptn_note {
    bool has_abi;
    uint16_t abi_major, abi_minor;
    char name[PTN_NOTE_WORD_MAX + 1];
    char version[PTN_NOTE_WORD_MAX + 1];
    char license[PTN_NOTE_WORD_MAX + 1];
    struct ptn_note_contract contracts[PTN_NOTE_CONTRACTS_MAX];
    size_t count;
};

enum ptn_note_found {
    PTN_NOTE_NONE, /* as in modules of ABI 1.0 */
    PTN_NOTE_FOUND,
    PTN_NOTE_MALFORMED, /* there is one, and it cannot be read */
};

/* The note of the module `name` in the file. */
enum ptn_note_found ptn_note_find(struct ptn_elf *elf, const char *name,
                                  struct ptn_note *out);

/* Reads the text of a note; keys that it does not know are passed over. */
bool ptn_note_parse(struct ptn_slice text, struct ptn_note *out);

/* Whether the descriptor says the same: NULL, or which word differs. */
const char *ptn_note_differs(const struct ptn_note *note,
                             const struct ptn_module *module);

#endif
