/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Edit distance between short words (Damerau's, restricted to neighbours).
 * Pure functions, any thread.
 */
#include "conf/suggest.h"

enum {
    WORD_MAX = 48
};

static char
fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static unsigned
least(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;

    return ab < c ? ab : c;
}

unsigned
ptn_suggest_distance(const char *a, const char *b)
{
    unsigned rows[3][WORD_MAX + 1];
    size_t la = strlen(a), lb = strlen(b);

    if (la > WORD_MAX || lb > WORD_MAX)
        return PTN_SUGGEST_FAR;
    for (size_t j = 0; j <= lb; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= la; i++) {
        unsigned *now = rows[i % 3], *last = rows[(i + 2) % 3];
        const unsigned *older = rows[(i + 1) % 3];

        now[0] = (unsigned)i;
        for (size_t j = 1; j <= lb; j++) {
            unsigned cost = fold(a[i - 1]) == fold(b[j - 1]) ? 0 : 1;

            now[j] = least(last[j] + 1, now[j - 1] + 1, last[j - 1] + cost);
            if (cost && i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
                fold(a[i - 2]) == fold(b[j - 1]))
                now[j] = least(now[j], older[j - 2] + 1, PTN_SUGGEST_FAR);
        }
    }
    return rows[la % 3][lb];
}

struct ptn_suggest
ptn_suggest_begin(const char *word)
{
    return (struct ptn_suggest){word, NULL, PTN_SUGGEST_FAR, false};
}

/* A word is close when at most a third of it has to change, and its first
 * letter stays if it is more than one; the beginning of a longer word is
 * close, too. */
void
ptn_suggest_try(struct ptn_suggest *s, const char *candidate)
{
    size_t len = strlen(s->word);
    unsigned d = ptn_suggest_distance(s->word, candidate);
    unsigned bound = (unsigned)(len + 2) / 3;

    if (len >= 3 && strncmp(s->word, candidate, len) == 0)
        d = 1;
    if (d > 1 && fold(s->word[0]) != fold(candidate[0]))
        return;
    if (d > bound || d >= len || d > s->distance)
        return;
    s->tied = d == s->distance;
    if (s->tied)
        return;
    s->best = candidate;
    s->distance = d;
}
