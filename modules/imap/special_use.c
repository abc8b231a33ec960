/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Special-use attributes as words; see special_use.h.
 */
#include "special_use.h"

#include <postern/mail/store.h>

static const struct {
    unsigned bit;
    const char *name;
} uses[] = {
    {PTN_USE_ARCHIVE, "\\Archive"}, {PTN_USE_DRAFTS, "\\Drafts"},
    {PTN_USE_JUNK, "\\Junk"},       {PTN_USE_SENT, "\\Sent"},
    {PTN_USE_TRASH, "\\Trash"},
};

bool
imap_special_use_parse(struct imap_cursor *in, unsigned *bit)
{
    const char *from = in->p;
    struct ptn_slice name;

    if (!imap_parse_char(in, '\\') || !imap_parse_atom(in, &name)) {
        in->error = "expected an attribute";
        return false;
    }
    name = (struct ptn_slice){from, (size_t)(in->p - from)};
    for (size_t i = 0; i < PTN_COUNT(uses); i++) {
        if (!ptn_slice_caseeq(name, ptn_slice_of(uses[i].name)))
            continue;
        *bit = uses[i].bit;
        return true;
    }
    in->refused = true; /* \All, \Flagged and the unknown (section 3) */
    return imap_parse_fail(in, "[USEATTR] no mailbox of that use is made");
}

void
imap_put_special_use(struct ptn_buf *out, unsigned use)
{
    for (size_t i = 0; i < PTN_COUNT(uses); i++) {
        if (!(use & uses[i].bit))
            continue;
        ptn_buf_addc(out, ' ');
        ptn_buf_adds(out, uses[i].name);
    }
}
