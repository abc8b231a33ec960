/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sections of a message: their syntax, their place, their header fields.
 * Pure functions.
 */
#include "section.h"

#include "format.h"

/* header-list = "(" header-fld-name *(SP header-fld-name) ")" */
static bool
parse_fields(struct imap_cursor *in, struct imap_section *section)
{
    section->fields =
        ptn_arena_alloc(in->arena, IMAP_FIELDS_MAX * sizeof(*section->fields));
    if (section->fields == NULL)
        return imap_parse_fail(in, "arguments too long");
    if (!imap_parse_space(in) || !imap_parse_char(in, '('))
        return false;
    do {
        if (section->field_count == IMAP_FIELDS_MAX)
            return imap_parse_fail(in, "too many header fields");
        if (!imap_parse_astring(in, &section->fields[section->field_count]))
            return false;
        section->field_count++;
    } while (imap_next_is(in, ' ') && imap_parse_space(in));
    return imap_parse_char(in, ')');
}

/* section-text; the longer words first. */
static bool
parse_text(struct imap_cursor *in, struct imap_section *section)
{
    static const struct {
        const char *word;
        enum imap_section_text text;
    } words[] = {
        {"HEADER.FIELDS.NOT", IMAP_TEXT_FIELDS_NOT},
        {"HEADER.FIELDS", IMAP_TEXT_FIELDS},
        {"HEADER", IMAP_TEXT_HEADER},
        {"TEXT", IMAP_TEXT_TEXT},
        {"MIME", IMAP_TEXT_MIME},
    };

    for (size_t i = 0; i < PTN_COUNT(words); i++) {
        if (!imap_skip_word(in, words[i].word))
            continue;
        section->text = words[i].text;
        if (section->text == IMAP_TEXT_MIME && section->depth == 0)
            return imap_parse_fail(in, "MIME needs a part number");
        if (section->text == IMAP_TEXT_FIELDS ||
            section->text == IMAP_TEXT_FIELDS_NOT)
            return parse_fields(in, section);
        return true;
    }
    return imap_parse_fail(in, "unknown section");
}

/* "1.2.3" and then perhaps "." and a text. */
static bool
parse_spec(struct imap_cursor *in, struct imap_section *section)
{
    if (imap_next_is(in, ']'))
        return true;
    while (in->p < in->end && *in->p >= '0' && *in->p <= '9') {
        if (section->depth == IMAP_SECTION_DEPTH)
            return imap_parse_fail(in, "section too deep");
        if (!imap_parse_nz_number(in, &section->numbers[section->depth++]))
            return false;
        if (!imap_next_is(in, '.'))
            return true;
        in->p++;
    }
    return parse_text(in, section);
}

static bool
parse_partial(struct imap_cursor *in, struct imap_section *section)
{
    if (!imap_next_is(in, '<'))
        return true;
    in->p++;
    section->partial = true;
    return imap_parse_number(in, &section->from) && imap_parse_char(in, '.') &&
           imap_parse_nz_number(in, &section->len) && imap_parse_char(in, '>');
}

static void
put_label(const struct imap_section *section, struct ptn_buf *out)
{
    static const char *const words[] = {
        "", "HEADER", "HEADER.FIELDS", "HEADER.FIELDS.NOT", "TEXT", "MIME",
    };

    ptn_buf_addc(out, '[');
    for (size_t i = 0; i < section->depth; i++) {
        if (i)
            ptn_buf_addc(out, '.');
        ptn_buf_addu64(out, section->numbers[i]);
    }
    if (section->depth && section->text != IMAP_TEXT_WHOLE)
        ptn_buf_addc(out, '.');
    ptn_buf_adds(out, words[section->text]);
    for (size_t i = 0; i < section->field_count; i++) {
        ptn_buf_adds(out, i ? " " : " (");
        imap_put_astring(out, section->fields[i]);
    }
    ptn_buf_adds(out, section->field_count ? ")]" : "]");
    if (section->partial) {
        ptn_buf_addc(out, '<');
        ptn_buf_addu64(out, section->from);
        ptn_buf_addc(out, '>');
    }
}

bool
imap_section_parse(struct imap_cursor *in, const char *name,
                   struct imap_section *out)
{
    struct ptn_buf label = PTN_BUF_INIT;
    char *copy;

    memset(out, 0, sizeof(*out));
    if (!imap_parse_char(in, '[') || !parse_spec(in, out) ||
        !imap_parse_char(in, ']') || !parse_partial(in, out))
        return false;
    ptn_buf_adds(&label, name);
    put_label(out, &label);
    copy = ptn_arena_dup(in->arena, ptn_buf_slice(&label));
    out->label = (struct ptn_slice){copy, label.len};
    ptn_buf_free(&label);
    return copy != NULL || imap_parse_fail(in, "arguments too long");
}

bool
imap_section_range(const struct imap_section *section, struct ptn_slice parts,
                   uint64_t size, uint64_t *from, uint64_t *len)
{
    struct ptn_part part;
    bool whole = section->depth == 0;

    *from = 0;
    *len = size;
    if (whole && section->text == IMAP_TEXT_WHOLE)
        return true;
    if (!ptn_part_find(parts, section->numbers, section->depth, &part))
        return false;
    if (section->text == IMAP_TEXT_WHOLE ||
        (whole && section->text == IMAP_TEXT_TEXT)) {
        *from = part.body;
        *len = part.body_len;
    } else if (section->text == IMAP_TEXT_MIME || whole) {
        *from = part.header;
        *len = part.header_len;
    } else if (!part.is_message) {
        return false;
    } else if (section->text == IMAP_TEXT_TEXT) {
        *from = part.inner_body;
        *len = part.inner_body_len;
    } else {
        *from = part.inner_header;
        *len = part.inner_header_len;
    }
    return true;
}

static bool
is_listed(const struct imap_section *section, struct ptn_slice name)
{
    for (size_t i = 0; i < section->field_count; i++)
        if (ptn_slice_caseeq(section->fields[i], name))
            return true;
    return false;
}

void
imap_section_filter(const struct imap_section *section, struct ptn_slice header,
                    struct ptn_buf *out)
{
    bool wanted = section->text == IMAP_TEXT_FIELDS;
    struct ptn_header_field field;
    size_t offset = 0;

    while (ptn_header_next(header, &offset, &field))
        if (is_listed(section, field.name) == wanted)
            ptn_buf_addslice(out, field.whole);
    ptn_buf_add(out, "\r\n", 2);
}

void
imap_section_cut(const struct imap_section *section, uint64_t *from,
                 uint64_t *len)
{
    if (!section->partial)
        return;
    if (section->from >= *len) {
        *len = 0;
        return;
    }
    *from += section->from;
    *len -= section->from;
    if (*len > section->len)
        *len = section->len;
}
