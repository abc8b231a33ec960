/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Names of message flags. Pure functions; any thread.
 */
#include "chars.h"

#include <postern/mail/flags.h>

static const struct {
    uint32_t bit;
    const char *name;
} flag_names[] = {
    {PTN_FLAG_ANSWERED, "\\Answered"}, {PTN_FLAG_FLAGGED, "\\Flagged"},
    {PTN_FLAG_DELETED, "\\Deleted"},   {PTN_FLAG_SEEN, "\\Seen"},
    {PTN_FLAG_DRAFT, "\\Draft"},
};

uint32_t
ptn_flag_parse(struct ptn_slice name)
{
    for (size_t i = 0; i < PTN_COUNT(flag_names); i++) {
        if (ptn_slice_caseeq(name, ptn_slice_of(flag_names[i].name)))
            return flag_names[i].bit;
    }
    return 0;
}

const char *
ptn_flag_name(uint32_t bit)
{
    for (size_t i = 0; i < PTN_COUNT(flag_names); i++) {
        if (flag_names[i].bit == bit)
            return flag_names[i].name;
    }
    return NULL;
}

/* RFC 9051 section 9: flag-keyword = "$MDNSent" / ... / atom, and an atom
 * has none of the atom-specials. */
bool
ptn_keyword_valid(struct ptn_slice name)
{
    if (!name.len || name.len > PTN_KEYWORD_LEN_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.data[i];

        if (c <= ' ' || c >= 0x7f || strchr("(){%*\"\\]", c))
            return false;
    }
    return true;
}
