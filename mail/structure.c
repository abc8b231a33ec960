/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * BODYSTRUCTURE out of a tree of MIME parts, and BODY out of BODYSTRUCTURE.
 * Pure functions; any thread.
 */
#include "structure.h"

#include "chars.h"
#include "imap_text.h"
#include "param.h"

/* Lists within lists of a stored structure: parts, and what each has. */
#define LIST_DEPTH_MAX (2 * PTN_MIME_DEPTH_MAX)

/* --- writing --- */

static void
add_field(const struct ptn_mime_node *node, enum ptn_field field,
          struct ptn_buf *out)
{
    ptn_buf_addc(out, ' ');
    ptn_imap_add_nstring(out, PTN_MIME_FIELD(node, field));
}

/* body-fld-dsp */
static void
add_disposition(struct ptn_mime_tree *tree, const struct ptn_mime_node *node,
                struct ptn_buf *out)
{
    struct ptn_slice value =
        PTN_MIME_FIELD(node, PTN_FIELD_CONTENT_DISPOSITION);
    struct ptn_slice disposition;
    struct ptn_params params;

    if (!value.data || !ptn_disposition_parse(value, &disposition, &params)) {
        ptn_buf_adds(out, " NIL");
        return;
    }
    ptn_buf_adds(out, " (");
    ptn_imap_add_string(out, disposition);
    ptn_buf_addc(out, ' ');
    ptn_params_write(&params, &tree->scratch, out);
    ptn_buf_addc(out, ')');
}

/* body-fld-lang: NIL, a string, or a list of them (RFC 3282). */
static void
add_language(const struct ptn_mime_node *node, struct ptn_buf *out)
{
    struct ptn_slice value = PTN_MIME_FIELD(node, PTN_FIELD_CONTENT_LANGUAGE);
    size_t start = out->len, count = 0;

    ptn_buf_adds(out, " (");
    while (value.len) {
        const char *comma = memchr(value.data, ',', value.len);
        size_t len = comma ? (size_t)(comma - value.data) : value.len;
        struct ptn_slice tag = ptn_token_parse(ptn_slice_sub(value, 0, len));

        if (tag.len) {
            if (count++)
                ptn_buf_addc(out, ' ');
            ptn_imap_add_string(out, tag);
        }
        len += comma != NULL;
        value = ptn_slice_sub(value, len, value.len - len);
    }
    if (count) {
        ptn_buf_addc(out, ')');
        return;
    }
    out->len = start;
    ptn_buf_adds(out, " NIL");
}

/* The last three of both kinds of extension data. */
static void
add_extension(struct ptn_mime_tree *tree, const struct ptn_mime_node *node,
              struct ptn_buf *out)
{
    add_disposition(tree, node, out);
    add_language(node, out);
    add_field(node, PTN_FIELD_CONTENT_LOCATION, out);
}

/* RFC 2046 section 4.1.2: text without a charset is ASCII. Clients like to
 * be told. Goes into the list that was just written. */
static void
add_default_charset(const struct ptn_params *params, struct ptn_buf *out)
{
    for (size_t i = 0; i < params->count; i++) {
        if (ptn_slice_caseeq(params->list[i].name, PTN_SLICE("charset")))
            return;
    }
    if (params->count) {
        out->len--; /* the parenthesis */
        ptn_buf_addc(out, ' ');
    } else {
        out->len -= 3; /* NIL */
        ptn_buf_addc(out, '(');
    }
    ptn_buf_adds(out, "\"charset\" \"us-ascii\")");
}

/* media type, and body-fld-param */
static void
add_type(struct ptn_mime_tree *tree, const struct ptn_mime_node *node,
         struct ptn_buf *out)
{
    struct ptn_slice type, subtype;
    struct ptn_params params;

    if (node->opaque) {
        ptn_buf_adds(out, "\"application\" \"octet-stream\" NIL");
    } else if (ptn_content_type_parse(
                   PTN_MIME_FIELD(node, PTN_FIELD_CONTENT_TYPE), &type,
                   &subtype, &params)) {
        ptn_imap_add_string(out, type);
        ptn_buf_addc(out, ' ');
        ptn_imap_add_string(out, subtype);
        ptn_buf_addc(out, ' ');
        ptn_params_write(&params, &tree->scratch, out);
        if (node->text)
            add_default_charset(&params, out);
    } else if (node->kind == PTN_MIME_MESSAGE) { /* a digest's default */
        ptn_buf_adds(out, "\"message\" \"rfc822\" NIL");
    } else { /* RFC 2045 section 5.2 */
        ptn_buf_adds(out, "\"text\" \"plain\" (\"charset\" \"us-ascii\")");
    }
}

static void
add_encoding(const struct ptn_mime_node *node, struct ptn_buf *out)
{
    struct ptn_slice token =
        ptn_token_parse(PTN_MIME_FIELD(node, PTN_FIELD_CONTENT_ENCODING));

    ptn_buf_addc(out, ' ');
    ptn_imap_add_string(out, token.len ? token : PTN_SLICE("7bit"));
}

static uint32_t write_node(struct ptn_mime_tree *tree, uint32_t at,
                           struct ptn_buf *out);

/* body-type-1part. Returns the node behind it. */
static uint32_t
write_part(struct ptn_mime_tree *tree, uint32_t at, struct ptn_buf *out)
{
    const struct ptn_mime_node *node = &tree->nodes[at++];

    add_type(tree, node, out);
    add_field(node, PTN_FIELD_CONTENT_ID, out);
    add_field(node, PTN_FIELD_CONTENT_DESCRIPTION, out);
    add_encoding(node, out);
    ptn_buf_addc(out, ' ');
    ptn_buf_addu64(out, node->body_len);
    if (node->kind == PTN_MIME_MESSAGE) {
        const struct ptn_mime_node *inner = &tree->nodes[at];

        ptn_buf_addc(out, ' ');
        ptn_buf_add(out, tree->envelopes.data + inner->envelope,
                    inner->envelope_len);
        ptn_buf_addc(out, ' ');
        at = write_node(tree, at, out);
    }
    if (node->kind == PTN_MIME_MESSAGE || node->text) {
        ptn_buf_addc(out, ' ');
        ptn_buf_addu64(out, node->lines);
    }
    add_field(node, PTN_FIELD_CONTENT_MD5, out);
    add_extension(tree, node, out);
    return at;
}

/* body-type-mpart. There is no form for a multipart without parts: it is
 * told with one that is empty. */
static uint32_t
write_multipart(struct ptn_mime_tree *tree, uint32_t at, struct ptn_buf *out)
{
    const struct ptn_mime_node *node = &tree->nodes[at++];
    struct ptn_slice type, subtype = PTN_SLICE("mixed");
    struct ptn_params params;

    for (uint32_t i = 0; i < node->children; i++)
        at = write_node(tree, at, out);
    if (!node->children)
        ptn_buf_adds(out, "(\"text\" \"plain\" (\"charset\" \"us-ascii\") "
                          "NIL NIL \"7bit\" 0 0 NIL NIL NIL NIL)");
    ptn_content_type_parse(PTN_MIME_FIELD(node, PTN_FIELD_CONTENT_TYPE), &type,
                           &subtype, &params);
    ptn_buf_addc(out, ' ');
    ptn_imap_add_string(out, subtype);
    ptn_buf_addc(out, ' ');
    ptn_params_write(&params, &tree->scratch, out);
    add_extension(tree, node, out);
    return at;
}

static uint32_t
write_node(struct ptn_mime_tree *tree, uint32_t at, struct ptn_buf *out)
{
    bool multipart = tree->nodes[at].kind == PTN_MIME_MULTIPART;

    ptn_buf_addc(out, '(');
    at = multipart ? write_multipart(tree, at, out) : write_part(tree, at, out);
    ptn_buf_addc(out, ')');
    return at;
}

void
ptn_structure_write(struct ptn_mime_tree *tree, struct ptn_buf *out)
{
    write_node(tree, 0, out);
}

/* --- BODY out of BODYSTRUCTURE --- */

/* Copies `count` values, with a blank before each but the first. */
static bool
copy_values(struct ptn_imap_reader *r, int count, struct ptn_buf *out)
{
    struct ptn_slice value;

    for (int i = 0; i < count; i++) {
        if (!ptn_imap_read_value(r, &value))
            return false;
        if (i)
            ptn_buf_addc(out, ' ');
        ptn_buf_addslice(out, value);
    }
    return true;
}

static bool copy_body(struct ptn_imap_reader *r, int depth,
                      struct ptn_buf *out);

/* What a part of this type has behind its seven basic fields. */
static bool
copy_special(struct ptn_imap_reader *r, struct ptn_slice type,
             struct ptn_slice subtype, int depth, struct ptn_buf *out)
{
    if (ptn_slice_caseeq(type, PTN_SLICE("\"text\""))) {
        ptn_buf_addc(out, ' ');
        return copy_values(r, 1, out);
    }
    if (!ptn_slice_caseeq(type, PTN_SLICE("\"message\"")) ||
        !ptn_slice_caseeq(subtype, PTN_SLICE("\"rfc822\"")))
        return true;
    ptn_buf_addc(out, ' ');
    if (!copy_values(r, 1, out))
        return false;
    ptn_buf_addc(out, ' ');
    if (!copy_body(r, depth + 1, out))
        return false;
    ptn_buf_addc(out, ' ');
    return copy_values(r, 1, out);
}

static bool
copy_part(struct ptn_imap_reader *r, int depth, struct ptn_buf *out)
{
    struct ptn_imap_reader peek = *r;
    struct ptn_slice type, subtype;

    return ptn_imap_read_value(&peek, &type) &&
           ptn_imap_read_value(&peek, &subtype) && copy_values(r, 7, out) &&
           copy_special(r, type, subtype, depth, out);
}

static bool
copy_multipart(struct ptn_imap_reader *r, int depth, struct ptn_buf *out)
{
    while (r->at < r->end && *r->at == '(') {
        if (!copy_body(r, depth + 1, out))
            return false;
    }
    ptn_buf_addc(out, ' ');
    return copy_values(r, 1, out);
}

/* Passes over the extension data up to the list's end. */
static bool
skip_rest(struct ptn_imap_reader *r)
{
    struct ptn_slice text;

    while (ptn_imap_read_value(r, &text))
        continue;
    return ptn_imap_read(r, &text) == PTN_IMAP_CLOSE;
}

static bool
copy_body(struct ptn_imap_reader *r, int depth, struct ptn_buf *out)
{
    struct ptn_slice text;
    bool ok;

    if (depth > LIST_DEPTH_MAX || ptn_imap_read(r, &text) != PTN_IMAP_OPEN)
        return false;
    ptn_buf_addc(out, '(');
    ok = r->at < r->end && *r->at == '(' ? copy_multipart(r, depth, out)
                                         : copy_part(r, depth, out);
    ptn_buf_addc(out, ')');
    return ok && skip_rest(r);
}

void
ptn_structure_to_body(struct ptn_slice structure, struct ptn_buf *out)
{
    struct ptn_imap_reader r = {structure.data, ptn_slice_end(structure)};
    size_t start = out->len;

    if (structure.len && copy_body(&r, 0, out))
        return;
    out->len = start; /* not what ptn_message_scan wrote */
    ptn_buf_adds(out, "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 0 0)");
}
