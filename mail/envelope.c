/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The ENVELOPE of a message, written at delivery and read ever after. Of a
 * field that stands there twice the first counts; addresses are those of
 * all, so that no two readers of a message see different senders. Pure
 * functions; any thread.
 */
#include "envelope.h"

#include "address_list.h"
#include "chars.h"
#include "imap_text.h"

/* The addresses of the fields behind the first one of that name. */
static void
add_repeated(struct ptn_address_writer *w, const struct ptn_header *header,
             enum ptn_field known)
{
    for (size_t i = 0; i < PTN_COUNT(header->source); i++) {
        struct ptn_header_field field;

        for (size_t at = 0; ptn_header_next(header->source[i], &at, &field);) {
            if (field.name.len && ptn_field_of(field.name) == known &&
                field.value.data != header->value[known].data)
                ptn_address_list_add(w, field.value);
        }
    }
}

/* Returns how many addresses there were. */
static size_t
add_addresses(const struct ptn_header *header, enum ptn_field known,
              struct ptn_buf *scratch, struct ptn_buf *out)
{
    struct ptn_address_writer w = {out, scratch, 0};

    if (header->value[known].data)
        ptn_address_list_add(&w, header->value[known]);
    if (header->repeated >> known & 1)
        add_repeated(&w, header, known);
    ptn_address_list_end(&w);
    return w.count;
}

void
ptn_envelope_write(const struct ptn_header *header, struct ptn_buf *scratch,
                   struct ptn_buf *out)
{
    size_t from = 0, from_len = 0;

    ptn_buf_addc(out, '(');
    for (int i = PTN_FIELD_DATE; i <= PTN_FIELD_MESSAGE_ID; i++) {
        enum ptn_field known = (enum ptn_field)i;
        size_t start, count;

        if (i)
            ptn_buf_addc(out, ' ');
        if (i < PTN_FIELD_FROM || i > PTN_FIELD_BCC) {
            ptn_imap_add_nstring(out, header->value[i]);
            continue;
        }
        start = out->len;
        count = add_addresses(header, known, scratch, out);
        if (known == PTN_FIELD_FROM) {
            from = start;
            from_len = out->len - start;
        } else if (!count &&
                   (known == PTN_FIELD_SENDER || known == PTN_FIELD_REPLY_TO)) {
            /* RFC 3501 section 7.4.2: these two default to From. */
            out->len = start;
            ptn_buf_reserve(out, from_len);
            ptn_buf_add(out, out->data + from, from_len);
        }
    }
    ptn_buf_addc(out, ')');
}

struct ptn_slice
ptn_envelope_get(struct ptn_slice envelope, enum ptn_envelope_field field)
{
    struct ptn_imap_reader r = {envelope.data, ptn_slice_end(envelope)};
    struct ptn_slice value = {NULL, 0};

    if (!envelope.len || envelope.data[0] != '(')
        return PTN_SLICE("NIL");
    r.at++;
    for (int i = 0; i <= (int)field; i++) {
        if (!ptn_imap_read_value(&r, &value))
            return PTN_SLICE("NIL");
    }
    return value;
}
