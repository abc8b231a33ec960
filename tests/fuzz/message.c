/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Fuzz target: a message is scanned. Whatever it is, the results fit IMAP's
 * grammar, all parts lie within the message and within their parents, and
 * where the message is cut into prefix and body makes no difference.
 */
#include "mime.h"
#include "parts.h"
#include "tests/fuzz/imap_grammar.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_texts(const struct ptn_message_scan *scan)
{
    struct ptn_buf body = PTN_BUF_INIT;

    assert(grammar_is_envelope(ptn_buf_slice(&scan->envelope)));
    assert(grammar_is_body(ptn_buf_slice(&scan->structure), true));
    ptn_structure_to_body(ptn_buf_slice(&scan->structure), &body);
    assert(grammar_is_body(ptn_buf_slice(&body), false));
    ptn_buf_free(&body);
    for (int i = PTN_ENV_DATE; i <= PTN_ENV_MESSAGE_ID; i++) {
        struct ptn_slice field = ptn_envelope_get(
            ptn_buf_slice(&scan->envelope), (enum ptn_envelope_field)i);

        assert(field.len >= 2);
    }
}

static void
check_bounds(const struct ptn_message_scan *scan, size_t size)
{
    struct ptn_slice parts = ptn_buf_slice(&scan->parts);
    struct ptn_parts_entity entity;
    size_t offset = 0, count = 0;
    uint64_t last = 0;

    while (ptn_parts_next(parts, &offset, &entity)) {
        assert(entity.header >= last);
        assert(entity.body + entity.body_len <= size);
        last = entity.body;
        if (!count++)
            assert(!entity.header &&
                   entity.header_len + entity.body_len == size);
    }
    assert(offset == parts.len && count >= 1);
    assert(count <= PTN_MIME_PARTS_MAX + PTN_MIME_DEPTH_MAX);
}

/* Finds parts by number, as far as they go. */
static void
check_numbers(struct ptn_slice parts, uint32_t *numbers, size_t depth,
              const struct ptn_part *parent)
{
    for (uint32_t n = 1; n <= 4; n++) {
        struct ptn_part part;

        numbers[depth] = n;
        if (!ptn_part_find(parts, numbers, depth + 1, &part))
            break;
        assert(part.header >= parent->header);
        assert(part.body + part.body_len <= parent->body + parent->body_len);
        if (part.is_message)
            assert(part.inner_header == part.body &&
                   part.inner_header_len + part.inner_body_len ==
                       part.body_len);
        if (depth < 4)
            check_numbers(parts, numbers, depth + 1, &part);
    }
}

static bool
same(const struct ptn_buf *a, const struct ptn_buf *b)
{
    return ptn_slice_eq(ptn_buf_slice(a), ptn_buf_slice(b));
}

static void
check_cut(struct ptn_slice message, size_t at,
          const struct ptn_message_scan *whole)
{
    struct ptn_message_scan cut;

    ptn_message_scan(ptn_slice_sub(message, 0, at),
                     ptn_slice_sub(message, at, message.len - at), &cut);
    assert(same(&cut.envelope, &whole->envelope));
    assert(same(&cut.structure, &whole->structure));
    assert(same(&cut.parts, &whole->parts));
    ptn_message_scan_free(&cut);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ptn_slice message = {(const char *)data, size};
    struct ptn_message_scan scan;
    struct ptn_part root;
    uint32_t numbers[8];

    ptn_message_scan((struct ptn_slice){NULL, 0}, message, &scan);
    check_texts(&scan);
    check_bounds(&scan, size);
    assert(ptn_part_find(ptn_buf_slice(&scan.parts), NULL, 0, &root));
    check_numbers(ptn_buf_slice(&scan.parts), numbers, 0, &root);
    if (size) {
        check_cut(message, ptn_line_length(message, 0), &scan);
        check_cut(message, size / 3, &scan);
    }
    ptn_message_scan_free(&scan);
    return 0;
}
