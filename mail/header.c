/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Header fields (RFC 5322 section 2.2). A line without a colon is kept as a
 * field without a name, so that a header can be told as it stands. Pure
 * functions; any thread.
 */
#include "header.h"

#include "chars.h"

size_t
ptn_line_length(struct ptn_slice text, size_t at)
{
    const char *start = text.data + at;
    const char *end = memchr(start, '\n', text.len - at);

    return end ? (size_t)(end - start) + 1 : text.len - at;
}

bool
ptn_line_empty(struct ptn_slice text, size_t at)
{
    if (at < text.len && text.data[at] == '\r')
        at++;
    return at < text.len && text.data[at] == '\n';
}

size_t
ptn_header_length(struct ptn_slice message)
{
    size_t at = 0;

    while (at < message.len && !ptn_line_empty(message, at))
        at += ptn_line_length(message, at);
    return at < message.len ? at + ptn_line_length(message, at) : at;
}

/* field-name = 1*%d33-57 / %d59-126; blanks before the colon are obsolete
 * (RFC 5322 section 4.5) and allowed. */
static struct ptn_slice
field_name(struct ptn_slice line)
{
    const char *colon = memchr(line.data, ':', line.len);
    struct ptn_slice name = {line.data, 0};
    size_t len = colon ? (size_t)(colon - line.data) : 0;

    while (len && ptn_is_blank((unsigned char)line.data[len - 1]))
        len--;
    for (size_t i = 0; i < len; i++) {
        if (line.data[i] <= ' ' || line.data[i] > '~')
            return name;
    }
    name.len = len;
    return name;
}

bool
ptn_header_next(struct ptn_slice header, size_t *offset,
                struct ptn_header_field *out)
{
    size_t at = *offset, end, first;
    const char *colon;

    if (at >= header.len || ptn_line_empty(header, at))
        return false;
    first = ptn_line_length(header, at);
    for (end = at + first; end < header.len && (header.data[end] == ' ' ||
                                                header.data[end] == '\t');)
        end += ptn_line_length(header, end);
    *offset = end;
    out->whole = ptn_slice_sub(header, at, end - at);
    out->name = field_name(ptn_slice_sub(header, at, first));
    out->value = out->whole;
    if (out->name.len) {
        colon = memchr(out->whole.data + out->name.len, ':', first);
        at = (size_t)(colon - out->whole.data) + 1;
        out->value = ptn_slice_sub(out->whole, at, out->whole.len - at);
    }
    if (out->value.len && out->value.data[out->value.len - 1] == '\n')
        out->value.len--;
    if (out->value.len && out->value.data[out->value.len - 1] == '\r')
        out->value.len--;
    return true;
}

/* --- the fields known --- */

#define NAME(literal)                                                          \
    {                                                                          \
        literal, sizeof(literal) - 1                                           \
    }

static const struct ptn_slice field_names[PTN_FIELD_COUNT] = {
    [PTN_FIELD_DATE] = NAME("Date"),
    [PTN_FIELD_SUBJECT] = NAME("Subject"),
    [PTN_FIELD_FROM] = NAME("From"),
    [PTN_FIELD_SENDER] = NAME("Sender"),
    [PTN_FIELD_REPLY_TO] = NAME("Reply-To"),
    [PTN_FIELD_TO] = NAME("To"),
    [PTN_FIELD_CC] = NAME("Cc"),
    [PTN_FIELD_BCC] = NAME("Bcc"),
    [PTN_FIELD_IN_REPLY_TO] = NAME("In-Reply-To"),
    [PTN_FIELD_MESSAGE_ID] = NAME("Message-ID"),
    [PTN_FIELD_CONTENT_TYPE] = NAME("Content-Type"),
    [PTN_FIELD_CONTENT_ENCODING] = NAME("Content-Transfer-Encoding"),
    [PTN_FIELD_CONTENT_ID] = NAME("Content-ID"),
    [PTN_FIELD_CONTENT_DESCRIPTION] = NAME("Content-Description"),
    [PTN_FIELD_CONTENT_MD5] = NAME("Content-MD5"),
    [PTN_FIELD_CONTENT_DISPOSITION] = NAME("Content-Disposition"),
    [PTN_FIELD_CONTENT_LANGUAGE] = NAME("Content-Language"),
    [PTN_FIELD_CONTENT_LOCATION] = NAME("Content-Location"),
};

enum ptn_field
ptn_field_of(struct ptn_slice name)
{
    for (int i = 0; i < PTN_FIELD_COUNT; i++) {
        const struct ptn_slice *known = &field_names[i];

        /* The letters' case is one bit; most names differ here already. */
        if (known->len == name.len &&
            !((known->data[0] ^ name.data[0]) & ~0x20) &&
            ptn_slice_caseeq(*known, name))
            return (enum ptn_field)i;
    }
    return PTN_FIELD_OTHER;
}

static void
collect_from(struct ptn_header *header, struct ptn_slice source)
{
    struct ptn_header_field field;

    for (size_t at = 0; ptn_header_next(source, &at, &field);) {
        enum ptn_field known;

        if (!field.name.len)
            continue;
        known = ptn_field_of(field.name);
        if (known == PTN_FIELD_OTHER)
            continue;
        if (header->value[known].data)
            header->repeated |= 1u << known;
        else
            header->value[known] = field.value;
    }
}

void
ptn_header_collect(struct ptn_header *header)
{
    for (size_t i = 0; i < PTN_COUNT(header->source); i++)
        collect_from(header, header->source[i]);
}
