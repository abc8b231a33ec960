/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads what a FETCH asks for: macros, items, sections (RFC 3501 sections
 * 6.4.5 and 9). Results are in the command and its arena.
 */
#include "fetch.h"

static const unsigned store_items[] = {
    [IMAP_ITEM_UID] = PTN_FETCH_FLAGS,
    [IMAP_ITEM_FLAGS] = PTN_FETCH_FLAGS,
    [IMAP_ITEM_DATE] = PTN_FETCH_FLAGS,
    [IMAP_ITEM_SIZE] = PTN_FETCH_FLAGS,
    [IMAP_ITEM_MODSEQ] = PTN_FETCH_FLAGS,
    [IMAP_ITEM_ENVELOPE] = PTN_FETCH_ENVELOPE,
    [IMAP_ITEM_BODY] = PTN_FETCH_STRUCTURE,
    [IMAP_ITEM_STRUCTURE] = PTN_FETCH_STRUCTURE,
    [IMAP_ITEM_SECTION] = PTN_FETCH_PARTS,
};

void
imap_items_add(struct imap_items *items, enum imap_item_kind kind)
{
    items->store |= store_items[kind];
    items->has_flags |= kind == IMAP_ITEM_FLAGS;
    items->list[items->count++] = (struct imap_item){kind, NULL};
}

static bool
add_section(struct imap_items *items, const struct imap_section *section,
            bool peek)
{
    items->store |= store_items[IMAP_ITEM_SECTION];
    items->sections = true;
    items->sets_seen |= !peek;
    items->list[items->count++] =
        (struct imap_item){IMAP_ITEM_SECTION, section};
    return true;
}

/* RFC822 and its kin: names of old for sections. */
static bool
parse_rfc822(struct imap_cursor *in, struct imap_items *items)
{
    static const struct {
        const char *word;
        enum imap_section_text text;
        bool peek;
    } words[] = {
        {"RFC822.HEADER", IMAP_TEXT_HEADER, true},
        {"RFC822.TEXT", IMAP_TEXT_TEXT, false},
        {"RFC822", IMAP_TEXT_WHOLE, false},
    };
    struct imap_section *section;

    for (size_t i = 0; i < PTN_COUNT(words); i++) {
        if (!imap_skip_word(in, words[i].word))
            continue;
        section = ptn_arena_alloc(in->arena, sizeof(*section));
        if (section == NULL)
            return imap_parse_fail(in, "arguments too long");
        section->text = words[i].text;
        section->label = ptn_slice_of(words[i].word);
        return add_section(items, section, words[i].peek);
    }
    return imap_parse_fail(in, "unknown FETCH item");
}

/* BODY, BODY[...] and BODY.PEEK[...]; the cursor is behind "BODY". */
static bool
parse_body(struct imap_cursor *in, struct imap_items *items)
{
    bool peek = imap_skip_word(in, ".PEEK");
    struct imap_section *section;

    if (!peek && !imap_next_is(in, '[')) {
        imap_items_add(items, IMAP_ITEM_BODY);
        return true;
    }
    section = ptn_arena_alloc(in->arena, sizeof(*section));
    if (section == NULL)
        return imap_parse_fail(in, "arguments too long");
    return imap_section_parse(in, "BODY", section) &&
           add_section(items, section, peek);
}

static bool
parse_item(struct imap_cursor *in, struct imap_items *items)
{
    static const struct {
        const char *word;
        enum imap_item_kind kind;
    } words[] = {
        {"UID", IMAP_ITEM_UID},
        {"FLAGS", IMAP_ITEM_FLAGS},
        {"INTERNALDATE", IMAP_ITEM_DATE},
        {"RFC822.SIZE", IMAP_ITEM_SIZE},
        {"MODSEQ", IMAP_ITEM_MODSEQ},
        {"ENVELOPE", IMAP_ITEM_ENVELOPE},
        {"BODYSTRUCTURE", IMAP_ITEM_STRUCTURE},
    };

    /* Two places are kept for UID and MODSEQ that come by themselves. */
    if (items->count >= IMAP_ITEMS_MAX - 2)
        return imap_parse_fail(in, "too many items");
    for (size_t i = 0; i < PTN_COUNT(words); i++)
        if (imap_skip_word(in, words[i].word)) {
            imap_items_add(items, words[i].kind);
            return true;
        }
    return imap_skip_word(in, "BODY") ? parse_body(in, items)
                                      : parse_rfc822(in, items);
}

/* ALL, FULL and FAST stand alone (section 6.4.5). */
static bool
parse_macro(struct imap_cursor *in, struct imap_items *items)
{
    bool all = imap_skip_word(in, "ALL"),
         full = !all && imap_skip_word(in, "FULL");

    if (!all && !full && !imap_skip_word(in, "FAST"))
        return false;
    imap_items_add(items, IMAP_ITEM_FLAGS);
    imap_items_add(items, IMAP_ITEM_DATE);
    imap_items_add(items, IMAP_ITEM_SIZE);
    if (all || full)
        imap_items_add(items, IMAP_ITEM_ENVELOPE);
    if (full)
        imap_items_add(items, IMAP_ITEM_BODY);
    return true;
}

static bool
parse_list(struct imap_cursor *in, struct imap_items *items)
{
    in->p++;
    do {
        if (!parse_item(in, items))
            return false;
    } while (imap_next_is(in, ' ') && imap_parse_space(in));
    return imap_parse_char(in, ')');
}

/* RFC 7162 section 3.1.4.1: " (CHANGEDSINCE 12)". */
static bool
parse_modifier(struct imap_cursor *in, struct imap_items *out)
{
    if (in->p == in->end)
        return true;
    if (!imap_parse_space(in) || !imap_parse_char(in, '('))
        return false;
    if (!imap_skip_word(in, "CHANGEDSINCE "))
        return imap_parse_fail(in, "unknown modifier");
    return imap_parse_modseq(in, &out->changed_since) &&
           imap_parse_char(in, ')');
}

static bool
has_item(const struct imap_items *items, enum imap_item_kind kind)
{
    for (size_t i = 0; i < items->count; i++)
        if (items->list[i].kind == kind)
            return true;
    return false;
}

bool
imap_items_parse(struct imap_command *cmd, struct imap_items *out)
{
    struct imap_cursor *in = &cmd->in;
    const char *modifier;

    if (imap_next_is(in, '(')) {
        if (!parse_list(in, out))
            return false;
    } else if (!parse_macro(in, out) && !parse_item(in, out)) {
        return false;
    }
    modifier = in->p;
    if (!parse_modifier(in, out))
        return false;
    if (in->p > modifier && !has_item(out, IMAP_ITEM_MODSEQ))
        imap_items_add(out, IMAP_ITEM_MODSEQ);
    if (has_item(out, IMAP_ITEM_MODSEQ))
        imap_condstore_enable(cmd->session);
    if (cmd->uid && !has_item(out, IMAP_ITEM_UID)) /* section 6.4.8 */
        imap_items_add(out, IMAP_ITEM_UID);
    return true;
}
