/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Address lists (RFC 5322 section 3.4, with the obsolete forms of section
 * 4.4), read in one pass and written as IMAP's address structures (RFC 3501
 * section 7.4.2). Pure functions; any thread.
 *
 * An address is read word by word into the scratch buffer, before it is
 * known what the words are:
 *
 *   words "<" ...       they were the display name
 *   words "@" ...       they were the local part
 *   words ":" ...       they were the name of a group
 *   words "," or end    a local part without a domain
 */
#include "address_list.h"

#include "cfws.h"
#include "chars.h"
#include "imap_text.h"

#include <postern/mail/message.h>

struct parser {
    const char *at, *end;
    struct ptn_address_writer *w;
    struct ptn_slice comment; /* the last one's content, as it stands */
    bool in_group;
};

/* --- words --- */

/* A comment, from its "(" on; its content is kept. */
static void
skip_comment(struct parser *p)
{
    const char *start = p->at + 1;
    const char *end = p->at = ptn_comment_end(p->at, p->end);

    if (end > start && end[-1] == ')')
        end--;
    p->comment = (struct ptn_slice){start, (size_t)(end - start)};
}

/* True when there was anything to skip. */
static bool
skip_blanks(struct parser *p)
{
    const char *start = p->at;

    while (p->at < p->end) {
        if (*p->at == '(')
            skip_comment(p);
        else if (ptn_is_blank((unsigned char)*p->at))
            p->at++;
        else
            break;
    }
    return p->at > start;
}

static void
add_char(struct parser *p, char c)
{
    ptn_buf_addc(p->w->scratch, c);
}

/* Content of a quoted string, without quotes, escapes and folds. */
static void
read_quoted(struct parser *p)
{
    for (p->at++; p->at < p->end && *p->at != '"'; p->at++) {
        if (*p->at == '\\' && p->end - p->at > 1)
            p->at++;
        if (*p->at != '\r' && *p->at != '\n')
            add_char(p, *p->at);
    }
    if (p->at < p->end)
        p->at++;
}

/* Characters that end a word of a phrase or a local part: blanks and
 * ()<>,;:@" . Dots do not: in display names they are usual (section 4.1
 * "obs-phrase"). */
static const struct ptn_char_set ends_word = {{0x2600, 0x5c001305, 0x1, 0}};

/* Blanks, ( and ", and with them what ends a local part in angle brackets,
 * a domain, and a route. */
static const struct ptn_char_set ends_local = {
    {0x2600, 0x58001105, 0x1, 0}}; /* @<>,; */
static const struct ptn_char_set ends_domain = {
    {0x2600, 0x58001105, 0, 0}}; /* <>,; */
static const struct ptn_char_set ends_route = {
    {0x2600, 0x44000105, 0, 0}}; /* :> */

/* Copies characters up to one of `set`. */
static void
add_until(struct parser *p, const struct ptn_char_set *set)
{
    const char *start = p->at;

    while (p->at < p->end && !ptn_char_set_has(set, (unsigned char)*p->at))
        p->at++;
    ptn_buf_add(p->w->scratch, start, (size_t)(p->at - start));
}

/* Words, with one blank where blanks or comments are between them. */
static void
read_words(struct parser *p)
{
    size_t start = p->w->scratch->len;
    bool space = false;

    while (p->at < p->end) {
        if (skip_blanks(p)) {
            space = true;
            continue;
        }
        if (*p->at != '"' &&
            ptn_char_set_has(&ends_word, (unsigned char)*p->at))
            return;
        if (space && p->w->scratch->len > start)
            add_char(p, ' ');
        space = false;
        if (*p->at == '"')
            read_quoted(p);
        else
            add_until(p, &ends_word);
    }
}

/* Inside of angle brackets, and in domains: blanks and comments between the
 * tokens mean nothing. */
static void
read_joined(struct parser *p, const struct ptn_char_set *ends)
{
    for (;;) {
        add_until(p, ends);
        if (skip_blanks(p))
            continue;
        if (p->at == p->end || *p->at != '"')
            return;
        read_quoted(p);
    }
}

/* --- addresses --- */

static struct ptn_slice
scratch_from(const struct parser *p, size_t from, size_t to)
{
    return (struct ptn_slice){p->w->scratch->data + from, to - from};
}

static void
begin_address(struct parser *p)
{
    ptn_buf_add(p->w->out, "((", p->w->count ? 1 : 2);
    /* the first one opens the list, too; see ptn_address_list_end */
    p->w->count++;
}

static void
add_group_mark(struct parser *p, struct ptn_slice name)
{
    begin_address(p);
    ptn_buf_adds(p->w->out, "NIL NIL ");
    ptn_imap_add_nstring(p->w->out, name);
    ptn_buf_adds(p->w->out, " NIL)");
}

/* Without a display name, a comment is what people put there: "joe@x (Joe)"
 * (RFC 5322 appendix A.5 tells of it). */
static void
add_name(struct parser *p, struct ptn_slice name)
{
    size_t from = p->w->scratch->len;

    if (name.len) {
        ptn_imap_add_string(p->w->out, name);
        return;
    }
    p->comment = ptn_slice_trim(p->comment);
    if (!p->comment.len) {
        ptn_buf_add(p->w->out, "NIL", 3);
        return;
    }
    for (size_t i = 0; i < p->comment.len; i++) {
        if (p->comment.data[i] == '\\' && i + 1 < p->comment.len)
            i++;
        add_char(p, p->comment.data[i]);
    }
    ptn_imap_add_string(p->w->out, scratch_from(p, from, p->w->scratch->len));
}

/* Scratch: the name up to `name`, the mailbox up to `mailbox`, the host. */
static void
add_address(struct parser *p, size_t name, size_t mailbox)
{
    size_t host = p->w->scratch->len;

    begin_address(p);
    add_name(p, scratch_from(p, 0, name));
    ptn_buf_add(p->w->out, " NIL ", 5);
    ptn_imap_add_string(p->w->out, scratch_from(p, name, mailbox));
    ptn_buf_addc(p->w->out, ' ');
    ptn_imap_add_string(p->w->out, scratch_from(p, mailbox, host));
    ptn_buf_addc(p->w->out, ')');
}

/* "<" [ obs-route ] addr-spec ">"; the display name is in scratch. */
static void
read_angle(struct parser *p)
{
    size_t name = p->w->scratch->len, mailbox;

    p->at++;
    skip_blanks(p);
    if (p->at < p->end && *p->at == '@') { /* a route: not told */
        read_joined(p, &ends_route);
        p->at += p->at < p->end && *p->at == ':';
        p->w->scratch->len = name;
    }
    read_joined(p, &ends_local);
    mailbox = p->w->scratch->len;
    if (p->at < p->end && *p->at == '@') {
        p->at++;
        read_joined(p, &ends_domain);
    }
    p->at += p->at < p->end && *p->at == '>';
    skip_blanks(p);
    if (name || p->w->scratch->len > name)
        add_address(p, name, mailbox);
}

/* Local part in scratch, then "@" domain. */
static void
read_bare(struct parser *p)
{
    size_t mailbox = p->w->scratch->len;

    p->at++;
    read_joined(p, &ends_domain);
    add_address(p, 0, mailbox);
}

static void
read_address(struct parser *p)
{
    p->w->scratch->len = 0;
    p->comment.len = 0;
    read_words(p);
    if (p->at < p->end && *p->at == '<') {
        read_angle(p);
    } else if (p->at < p->end && *p->at == '@') {
        read_bare(p);
    } else if (p->at < p->end && *p->at == ':' && !p->in_group) {
        p->in_group = true;
        p->at++;
        add_group_mark(p, scratch_from(p, 0, p->w->scratch->len));
    } else if (p->w->scratch->len) {
        add_address(p, 0, p->w->scratch->len);
    }
}

/* What divides addresses, and what cannot stand between them. */
static void
skip_dividers(struct parser *p)
{
    while (p->at < p->end && strchr(",;:>)", *p->at) && *p->at) {
        if (*p->at == ';' && p->in_group) {
            p->in_group = false;
            add_group_mark(p, (struct ptn_slice){NULL, 0});
        }
        p->at++;
        skip_blanks(p);
    }
}

void
ptn_address_list_add(struct ptn_address_writer *w, struct ptn_slice value)
{
    struct parser p = {.at = value.data, .w = w};

    p.end = ptn_slice_end(value);
    ptn_buf_reserve(w->scratch, 1); /* so that its data is never NULL */
    while (w->count < PTN_ADDRESSES_MAX) {
        skip_blanks(&p);
        skip_dividers(&p);
        if (p.at == p.end)
            break;
        read_address(&p);
    }
    if (p.in_group)
        add_group_mark(&p, (struct ptn_slice){NULL, 0});
}

void
ptn_address_list_end(struct ptn_address_writer *w)
{
    if (w->count)
        ptn_buf_addc(w->out, ')');
    else
        ptn_buf_add(w->out, "NIL", 3);
}
