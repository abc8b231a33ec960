/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What reading found wrong, collected so that an operator sees all of it at
 * once. See ptn_conf_error and its neighbours in conf.h.
 */
#ifndef PTN_CONF_NOTES_H
#define PTN_CONF_NOTES_H

#include "conf/conf.h"

struct ptn_conf_note {
    struct ptn_conf_place place;
    size_t order; /* of finding; keeps the sort stable */
    bool warning;
    char *text; /* owned */
};

struct ptn_conf_notes {
    struct ptn_conf_note *items;
    size_t count, cap;
    size_t errors;
};

struct ptn_conf_notes *ptn_conf_notes_new(void);
void ptn_conf_notes_free(struct ptn_conf_notes *notes);

#endif
