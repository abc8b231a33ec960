/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The second stage of a search: reads a message's header, and its body if
 * that is still needed, and notes which strings are there. The stored index
 * of parts says where to look. Runs on a lane's thread; touches nothing but
 * its own memory and the program, which it does not change.
 *
 *   octets -> transfer encoding -> charset -> folding -> window of text,
 *                                   in which all strings are looked for
 */
#include "chars.h"
#include "charset.h"
#include "fold.h"
#include "param.h"
#include "parts.h"
#include "search_program.h"
#include "transfer.h"

#define CHUNK (16u * 1024)
#define PART_HEADER_MAX                                                        \
    (64u * 1024) /* octets looked at, of a part's header                       \
                  */

struct content {
    const struct ptn_search *search;
    ptn_search_read_fn read;
    void *arg;
    struct ptn_search_found found;
    struct ptn_buf header;  /* raw */
    struct ptn_buf decoded; /* UTF-8 that is not folded yet */
    struct ptn_buf window;  /* folded */
    size_t overlap;         /* octets of the window that are kept */
};

/* --- looking --- */

/* Looks for one key's string in folded text. */
static void
look_for(struct content *c, const struct ptn_search_key *key,
         struct ptn_slice folded)
{
    if (!c->found.hit[key->content] && ptn_fold_has(folded, key->text))
        c->found.hit[key->content] = true;
}

/* What is in `decoded`, folded into an empty window. */
static void
fold_decoded(struct content *c)
{
    c->window.len = 0;
    ptn_fold_add(&c->window, ptn_buf_slice(&c->decoded), true);
}

/* A field of the message's own header, or, `in_body`, of a part's. */
static void
look_in_field(struct content *c, const struct ptn_header_field *field,
              bool in_body)
{
    const struct ptn_search *search = c->search;
    struct ptn_slice value;
    size_t start;

    c->decoded.len = 0;
    ptn_buf_addslice(&c->decoded, field->name);
    ptn_buf_adds(&c->decoded, ": ");
    start = c->decoded.len;
    ptn_header_decode(field->value, &c->decoded);
    fold_decoded(c);
    /* Names are ASCII: folding has not moved the value. */
    value =
        ptn_slice_sub(ptn_buf_slice(&c->window), start, c->window.len - start);
    for (size_t i = 0; i < search->content_count; i++) {
        const struct ptn_search_key *key = search->content[i];

        if (key->kind == PTN_KEY_TEXT || (in_body && key->kind == PTN_KEY_BODY))
            look_for(c, key, ptn_buf_slice(&c->window));
        else if (!in_body && key->kind == PTN_KEY_HEADER &&
                 ptn_slice_caseeq(key->name, field->name))
            look_for(c, key, value);
    }
}

static void
look_in_header(struct content *c, struct ptn_slice header, bool in_body)
{
    struct ptn_header_field field;

    for (size_t at = 0; ptn_header_next(header, &at, &field);) {
        if (field.name.len)
            look_in_field(c, &field, in_body);
    }
}

/* The window has more text: looks for what was not found yet, and keeps
 * what a string could begin in. */
static void
look_in_window(struct content *c)
{
    size_t keep = c->window.len < c->overlap ? c->window.len : c->overlap;

    for (size_t i = 0; i < c->search->content_count; i++) {
        if (c->search->content[i]->kind != PTN_KEY_HEADER)
            look_for(c, c->search->content[i], ptn_buf_slice(&c->window));
    }
    ptn_buf_consume(&c->window, c->window.len - keep);
}

/* --- reading --- */

/* Fills `out` with octets from..from+len of the message; fewer at its end.
 * False after an I/O error. */
static bool
read_octets(struct content *c, uint64_t from, size_t len, struct ptn_buf *out)
{
    out->len = 0;
    while (out->len < len) {
        char *into = ptn_buf_reserve(out, len - out->len);
        ptrdiff_t n = c->read(c->arg, from + out->len, into, len - out->len);

        if (n < 0)
            return false;
        if (!n)
            break;
        out->len += (size_t)n;
    }
    return true;
}

static size_t
at_most(uint64_t len, size_t most)
{
    return len < most ? (size_t)len : most;
}

/* The header of the message itself. */
static bool
search_header(struct content *c, const struct ptn_parts_entity *root)
{
    if (!read_octets(c, root->header,
                     at_most(root->header_len, PTN_HEADER_SCAN_MAX),
                     &c->header))
        return false;
    look_in_header(c, ptn_buf_slice(&c->header), false);
    c->found.header_known = true;
    return true;
}

/* The charset of a text, from the header that was read last. */
static void
open_charset(struct content *c, struct ptn_charset *charset)
{
    struct ptn_header header = {.source = {ptn_buf_slice(&c->header)}};
    struct ptn_slice type, subtype;
    struct ptn_params params;
    struct ptn_buf name = PTN_BUF_INIT;

    ptn_header_collect(&header);
    if (ptn_content_type_parse(header.value[PTN_FIELD_CONTENT_TYPE], &type,
                               &subtype, &params))
        ptn_params_get(&params, PTN_SLICE("charset"), &name);
    if (!name.len)
        ptn_buf_adds(&name, "us-ascii");
    ptn_charset_open(charset, ptn_buf_slice(&name));
    ptn_buf_free(&name);
}

/* A text part's content, chunk by chunk. */
static bool
search_text(struct content *c, const struct ptn_parts_entity *part)
{
    struct ptn_transfer transfer = {.encoding = part->encoding};
    struct ptn_buf raw = PTN_BUF_INIT, octets = PTN_BUF_INIT;
    struct ptn_charset charset;
    uint64_t at = 0;
    bool ok = true;

    open_charset(c, &charset);
    c->decoded.len = c->window.len = 0;
    while (ok && at < part->body_len) {
        ok = read_octets(c, part->body + at,
                         at_most(part->body_len - at, CHUNK), &raw);
        if (!ok || !raw.len)
            break;
        at += raw.len;
        octets.len = 0;
        ptn_transfer_decode(&transfer, ptn_buf_slice(&raw), &octets);
        ptn_charset_convert(&charset, ptn_buf_slice(&octets), &c->decoded);
        ptn_buf_consume(&c->decoded,
                        ptn_fold_add(&c->window, ptn_buf_slice(&c->decoded),
                                     at == part->body_len));
        look_in_window(c);
    }
    look_in_window(c);
    ptn_charset_close(&charset);
    ptn_buf_free(&raw);
    ptn_buf_free(&octets);
    return ok;
}

/* One entity of the body: its header, unless that is the message's own, and
 * its text. */
static bool
search_entity(struct content *c, const struct ptn_parts_entity *entity,
              bool root)
{
    if (!read_octets(c, entity->header,
                     at_most(entity->header_len, PART_HEADER_MAX), &c->header))
        return false;
    if (!root)
        look_in_header(c, ptn_buf_slice(&c->header), true);
    return entity->kind != PTN_MIME_LEAF || !entity->text ||
           search_text(c, entity);
}

/* Whether the program could still say something else. */
static bool
is_undecided(const struct content *c, const struct ptn_search_message *message)
{
    return ptn_search_evaluate(c->search, message, &c->found) ==
           PTN_SEARCH_UNKNOWN;
}

static bool
search_message(struct content *c, const struct ptn_search_message *message)
{
    struct ptn_slice parts = message->message->parts;
    struct ptn_parts_entity entity = {.kind = PTN_MIME_LEAF};
    size_t offset = 0;
    bool root = true;

    if (!ptn_parts_next(parts, &offset, &entity)) {
        /* No index: the whole of it is looked at as one plain text. */
        entity = (struct ptn_parts_entity){.text = true, .encoding = '7'};
        entity.header_len = entity.body_len = message->message->size;
    }
    if (!search_header(c, &entity))
        return false;
    do {
        if (!is_undecided(c, message))
            return true;
        if (!search_entity(c, &entity, root))
            return false;
        root = false;
    } while (ptn_parts_next(parts, &offset, &entity));
    c->found.body_known = true;
    return true;
}

enum ptn_search_verdict
ptn_search_content(const struct ptn_search *search,
                   const struct ptn_search_message *message,
                   ptn_search_read_fn read, void *arg)
{
    struct content c = {.search = search, .read = read, .arg = arg};
    enum ptn_search_verdict result = PTN_SEARCH_UNKNOWN;

    for (size_t i = 0; i < search->content_count; i++) {
        size_t len = search->content[i]->text.len;

        c.overlap = len > c.overlap ? len : c.overlap;
    }
    if (search_message(&c, message))
        result = ptn_search_evaluate(search, message, &c.found);
    ptn_buf_free(&c.header);
    ptn_buf_free(&c.decoded);
    ptn_buf_free(&c.window);
    return result;
}
