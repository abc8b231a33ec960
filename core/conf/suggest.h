/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * "did you mean": which of several words is closest to a mistyped one.
 */
#ifndef PTN_CONF_SUGGEST_H
#define PTN_CONF_SUGGEST_H

#include <postern/types.h>

/* Gather with ptn_suggest_try, then read `best`: NULL when nothing was
 * close enough to be worth saying. */
struct ptn_suggest {
    const char *word;
    const char *best;
    unsigned distance;
    bool tied; /* another word is as close */
};

PTN_API struct ptn_suggest ptn_suggest_begin(const char *word);
PTN_API void ptn_suggest_try(struct ptn_suggest *s, const char *candidate);

/* Edits (insert, delete, replace, swap of neighbours) between two words,
 * letter case ignored; PTN_SUGGEST_FAR for words that are too long. */
#define PTN_SUGGEST_FAR 1000u
unsigned ptn_suggest_distance(const char *a, const char *b);

#endif
