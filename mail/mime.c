/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Finds the MIME parts of a message in one pass. Work is proportional to
 * the message's length on any input: each octet of a body is looked at once,
 * each line of a header twice, and a line that begins with "--" is compared
 * with at most PTN_MIME_DEPTH_MAX boundaries. Not thread-safe; a tree
 * belongs to its caller.
 *
 *   open_entity: header -> leaf, or push the multipart's boundary,
 *        |                 or on with the message inside
 *        v
 *   next_delimiter <---------------------------------------+
 *        |  found: close all that is open within its level |
 *        |     "--b"    open_entity, its next part --------+
 *        |     "--b--"  pop its boundary; an epilogue -----+
 *        v  none: close everything at the message's end
 */
#include "mime.h"

#include "chars.h"
#include "envelope.h"
#include "param.h"

#include <assert.h>
#include <postern/arena.h>

/* RFC 2046 section 5.1.1 allows 70; what is longer is no boundary. */
#define BOUNDARY_MAX 250
#define NODES_FIRST 4

struct level {
    uint32_t node;
    size_t len;
    char boundary[BOUNDARY_MAX];
};

struct scan {
    struct ptn_slice prefix, body;
    size_t pos;     /* in body, at the beginning of a line */
    uint64_t lines; /* line ends before pos */
    struct ptn_mime_tree *tree;
    uint32_t open;  /* the innermost node that has no end yet */
    uint32_t depth; /* of `open` */
    size_t level_count;
    struct level levels[PTN_MIME_DEPTH_MAX];
};

#ifdef PTN_MAIL_COUNT_WORK
uint64_t ptn_mime_work;
#define WORK(n) (ptn_mime_work += (n))
#else
#define WORK(n) ((void)0)
#endif

/* --- delimiter lines --- */

struct delimiter {
    size_t level;
    bool closing;
};

/* Whether the line at pos is a delimiter. RFC 2046 section 5.1.1: the
 * boundary is compared with the beginning of the line; the rest of it does
 * not matter. Of several that fit, the longest is meant. */
static bool
match_delimiter(const struct scan *s, struct delimiter *out)
{
    struct ptn_slice rest =
        ptn_slice_sub(s->body, s->pos, s->body.len - s->pos);
    size_t longest = 0;

    if (rest.len < 2 || rest.data[0] != '-' || rest.data[1] != '-')
        return false;
    rest = ptn_slice_sub(rest, 2, rest.len - 2);
    for (size_t i = s->level_count; i-- > 0;) {
        const struct level *level = &s->levels[i];

        WORK(1);
        if (level->len <= longest || level->len > rest.len ||
            memcmp(level->boundary, rest.data, level->len))
            continue;
        longest = level->len;
        out->level = i;
    }
    out->closing = longest && rest.len >= longest + 2 &&
                   rest.data[longest] == '-' && rest.data[longest + 1] == '-';
    return longest > 0;
}

static void
skip_line(struct scan *s)
{
    size_t len = ptn_line_length(s->body, s->pos);

    WORK(len);
    s->pos += len;
    s->lines += len && s->body.data[s->pos - 1] == '\n';
}

/* --- the search for lines, a word at a time --- */

#define ONES (~UINT64_C(0) / 255)

/* The high bit of each octet of `word` that is a line feed. */
static inline uint64_t
line_feeds(const char *at)
{
    uint64_t word, low;

    memcpy(&word, at, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    word ^= ONES * '\n';
    low = (word & ONES * 0x7f) + ONES * 0x7f;
    return ~(low | word) & ONES * 0x80;
}

/* The line end at `at` is passed. True when the line behind it begins with
 * "--" and is a delimiter. */
static inline bool
take_line_feed(struct scan *s, size_t at, struct delimiter *out)
{
    s->lines++;
    if (s->body.len - at < 4 || s->body.data[at + 1] != '-' ||
        s->body.data[at + 2] != '-')
        return false;
    s->pos = at + 1;
    return match_delimiter(s, out);
}

/* Moves to the next delimiter line, or to the end. */
static bool
next_delimiter(struct scan *s, struct delimiter *out)
{
    size_t at = s->pos;

    if (match_delimiter(s, out))
        return true;
    WORK(s->body.len - at);
    for (; s->body.len - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t found = line_feeds(s->body.data + at);

        for (; found; found &= found - 1) {
            size_t in_word = (size_t)__builtin_ctzll(found) / 8;

            if (take_line_feed(s, at + in_word, out)) {
                WORK(s->pos - s->body.len);
                return true;
            }
        }
    }
    for (; at < s->body.len; at++) {
        if (s->body.data[at] == '\n' && take_line_feed(s, at, out)) {
            WORK(s->pos - s->body.len);
            return true;
        }
    }
    s->pos = s->body.len;
    return false;
}

/* Moves to the end, where no boundary is to be found. */
static void
skip_to_end(struct scan *s)
{
    size_t at = s->pos;

    WORK(s->body.len - at);
    for (; s->body.len - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t found = line_feeds(s->body.data + at);

        s->lines += (found >> 7) * ONES >> 56;
    }
    for (; at < s->body.len; at++)
        s->lines += s->body.data[at] == '\n';
    s->pos = s->body.len;
}

/* --- nodes --- */

static struct ptn_mime_node *
open_node(const struct scan *s)
{
    return &s->tree->nodes[s->open];
}

static struct ptn_mime_node *
add_node(struct scan *s)
{
    struct ptn_mime_tree *tree = s->tree;
    struct ptn_mime_node *node;

    if (tree->count == tree->cap) {
        tree->cap = tree->cap ? tree->cap * 2 : NODES_FIRST;
        tree->nodes =
            ptn_realloc(tree->nodes, tree->cap * sizeof(*tree->nodes));
    }
    node = &tree->nodes[tree->count];
    *node = (struct ptn_mime_node){.kind = PTN_MIME_LEAF, .encoding = '7'};
    node->parent = s->open;
    if (tree->count) {
        open_node(s)->children++;
        s->depth++;
    }
    s->open = tree->count++;
    return node;
}

/* Ends nodes, from the innermost open one up to, not including, `until`. */
static void
close_nodes(struct scan *s, uint32_t until, size_t end, uint64_t lines)
{
    while (s->open != until) {
        struct ptn_mime_node *node = open_node(s);

        node->body_len = s->prefix.len + end - node->body;
        node->lines = lines - node->lines;
        s->open = node->parent;
        s->depth--;
    }
}

/* --- headers --- */

/* Moves behind the empty line, or to a delimiter line if one comes first:
 * a part that has no body at all. `*fields` is what has been read, as far
 * as it is looked at. */
static void
skip_header(struct scan *s, struct ptn_slice *fields)
{
    struct delimiter ignored;
    size_t start = s->pos;

    while (s->pos < s->body.len && !match_delimiter(s, &ignored)) {
        bool last = ptn_line_empty(s->body, s->pos);

        skip_line(s);
        if (last)
            break;
    }
    *fields = ptn_slice_sub(s->body, start, s->pos - start);
    if (fields->len > PTN_HEADER_SCAN_MAX)
        fields->len = PTN_HEADER_SCAN_MAX;
    WORK(fields->len);
}

static void
read_header(struct scan *s, struct ptn_mime_node *node, bool of_message)
{
    struct ptn_header header = {.repeated = 0};
    size_t start = s->pos;

    if (s->tree->count == 1) {
        header.source[0] = s->prefix;
        node->header_len = s->prefix.len;
    } else {
        node->header = s->prefix.len + start;
    }
    skip_header(s, &header.source[1]);
    node->header_len += s->pos - start;
    node->body = s->prefix.len + s->pos;
    node->lines = s->lines; /* until close_nodes takes the difference */
    ptn_header_collect(&header);
    memcpy(node->fields, header.value + PTN_FIELD_CONTENT_TYPE,
           sizeof(node->fields));
    if (!of_message)
        return;
    node->envelope = s->tree->envelopes.len;
    ptn_envelope_write(&header, &s->tree->scratch, &s->tree->envelopes);
    node->envelope_len = s->tree->envelopes.len - node->envelope;
}

/* --- what an entity is --- */

static char
encoding_of(struct ptn_slice value)
{
    static const struct {
        const char *name;
        char encoding;
    } known[] = {{"7bit", '7'},
                 {"8bit", '8'},
                 {"binary", 'b'},
                 {"quoted-printable", 'q'},
                 {"base64", '6'}};
    struct ptn_slice token = ptn_token_parse(value);

    if (!value.data)
        return '7';
    for (size_t i = 0; i < PTN_COUNT(known); i++) {
        if (ptn_slice_caseeq(token, ptn_slice_of(known[i].name)))
            return known[i].encoding;
    }
    return '?';
}

/* Puts the boundary of a multipart on the stack. Without one, its parts
 * cannot be found. */
static void
push_level(struct scan *s, const struct ptn_params *params)
{
    struct level *level = &s->levels[s->level_count];
    struct ptn_buf *value = &s->tree->scratch;

    assert(s->level_count < PTN_MIME_DEPTH_MAX);
    value->len = 0;
    if (!ptn_params_get(params, PTN_SLICE("boundary"), value))
        return;
    while (value->len &&
           ptn_is_blank((unsigned char)value->data[value->len - 1]))
        value->len--; /* RFC 2046 section 5.1.1: none at its end */
    if (!value->len || value->len > BOUNDARY_MAX)
        return;
    memcpy(level->boundary, value->data, value->len);
    level->len = value->len;
    level->node = s->open;
    s->level_count++;
}

static void
classify(struct scan *s, struct ptn_mime_node *node)
{
    struct ptn_slice value = PTN_MIME_FIELD(node, PTN_FIELD_CONTENT_TYPE);
    struct ptn_slice type, subtype;
    struct ptn_params params;

    node->encoding =
        encoding_of(PTN_MIME_FIELD(node, PTN_FIELD_CONTENT_ENCODING));
    if (!value.data && s->tree->nodes[node->parent].digest) {
        node->kind = PTN_MIME_MESSAGE; /* RFC 2046 section 5.1.5 */
    } else if (!ptn_content_type_parse(value, &type, &subtype, &params)) {
        node->text = true; /* RFC 2045 section 5.2 */
    } else if (ptn_slice_caseeq(type, PTN_SLICE("multipart"))) {
        node->kind = PTN_MIME_MULTIPART;
        node->digest = ptn_slice_caseeq(subtype, PTN_SLICE("digest"));
    } else if (ptn_slice_caseeq(type, PTN_SLICE("message")) &&
               ptn_slice_caseeq(subtype, PTN_SLICE("rfc822"))) {
        node->kind = PTN_MIME_MESSAGE;
    } else {
        node->text = ptn_slice_caseeq(type, PTN_SLICE("text"));
    }
    node->opaque =
        node->kind != PTN_MIME_LEAF && (s->depth + 1 >= PTN_MIME_DEPTH_MAX ||
                                        (node->kind == PTN_MIME_MESSAGE &&
                                         s->tree->count >= PTN_MIME_PARTS_MAX));
    if (node->opaque)
        node->kind = PTN_MIME_LEAF;
    if (node->kind == PTN_MIME_MULTIPART)
        push_level(s, &params);
}

/* An entity begins at pos: reads its header, and that of the message in it,
 * and so on. */
static void
open_entity(struct scan *s)
{
    bool of_message = s->tree->count == 0;

    for (;;) {
        struct ptn_mime_node *node = add_node(s);

        read_header(s, node, of_message);
        classify(s, node);
        if (node->kind != PTN_MIME_MESSAGE)
            return;
        of_message = true;
    }
}

/* The line end before a delimiter line belongs to it (RFC 2046 section
 * 5.1.1), unless it ends the header of a part without a body. */
static void
close_before_delimiter(struct scan *s, const struct delimiter *d)
{
    size_t start = (size_t)(open_node(s)->body - s->prefix.len);
    size_t end = s->pos;
    uint64_t lines = s->lines;

    if (end > start) {
        end--;
        lines--;
        end -= end > start && s->body.data[end - 1] == '\r';
    }
    close_nodes(s, s->levels[d->level].node, end, lines);
    s->level_count = d->level + 1;
}

static void
scan_body(struct scan *s)
{
    struct delimiter d;

    while (s->level_count && next_delimiter(s, &d)) {
        close_before_delimiter(s, &d);
        skip_line(s);
        if (d.closing)
            s->level_count--;
        else if (s->tree->count < PTN_MIME_PARTS_MAX)
            open_entity(s);
    }
    skip_to_end(s);
}

void
ptn_mime_scan(struct ptn_slice prefix, struct ptn_slice body,
              struct ptn_mime_tree *out)
{
    struct scan s;
    struct ptn_mime_node *root;

    *out = (struct ptn_mime_tree){.nodes = NULL};
    s.prefix = prefix;
    s.body = body.data ? body : PTN_SLICE("");
    s.pos = 0;
    s.lines = 0;
    s.tree = out;
    s.open = 0;
    s.depth = 0;
    s.level_count = 0;
    open_entity(&s);
    scan_body(&s);
    close_nodes(&s, 0, s.pos, s.lines);
    root = &out->nodes[0];
    root->body_len = prefix.len + s.pos - root->body;
    root->lines = s.lines - root->lines;
}

void
ptn_mime_free(struct ptn_mime_tree *tree)
{
    ptn_free(tree->nodes);
    ptn_buf_free(&tree->envelopes);
    ptn_buf_free(&tree->scratch);
}
