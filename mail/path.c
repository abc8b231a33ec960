/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Paths of SMTP's MAIL and RCPT commands (RFC 5321 section 4.1.2), with the
 * UTF-8 that RFC 6531 section 3.3 adds. Pure functions; any thread.
 *
 * Each reader takes the text and an offset, and answers the offset behind
 * what it has read, or 0 (nothing begins at 0: the "<" is there).
 */
#include "chars.h"
#include "utf8.h"

#include <arpa/inet.h>
#include <postern/mail/address.h>

#define LABEL_MAX 63    /* RFC 1035 section 2.3.4 */
#define LITERAL_MAX 128 /* octets between the brackets */

/* At an octet beyond ASCII: the length of its code point, else 0. */
static size_t
utf8_beyond_ascii(struct ptn_slice text, size_t at)
{
    uint32_t code;
    size_t n = ptn_utf8_read(text.data + at, text.len - at, &code);

    return n > 1 && code >= 0xa0 ? n : 0;
}

static size_t
read_atom(struct ptn_slice text, size_t at)
{
    size_t start = at;

    while (at < text.len) {
        unsigned char c = (unsigned char)text.data[at];
        size_t n = c < 0x80 ? ptn_is_atext(c) : utf8_beyond_ascii(text, at);

        if (!n)
            break;
        at += n;
    }
    return at > start ? at : 0;
}

/* Dot-string = Atom *("." Atom) */
static size_t
read_dot_string(struct ptn_slice text, size_t at)
{
    at = read_atom(text, at);
    while (at && at < text.len && text.data[at] == '.')
        at = read_atom(text, at + 1);
    return at;
}

/* Quoted-string = DQUOTE *QcontentSMTP DQUOTE: printable characters and
 * blanks, each of which may have a backslash before it. */
static size_t
read_quoted(struct ptn_slice text, size_t at)
{
    for (at++; at < text.len;) {
        unsigned char c = (unsigned char)text.data[at];
        size_t n = 1;

        if (c == '"')
            return at + 1;
        if (c == '\\' && ++at < text.len)
            c = (unsigned char)text.data[at];
        if (at == text.len)
            return 0;
        if (c >= 0x80)
            n = utf8_beyond_ascii(text, at);
        else if (c < ' ' || c == 0x7f)
            n = 0;
        if (!n)
            return 0;
        at += n;
    }
    return 0;
}

/* sub-domain = Let-dig [Ldh-str]. Underscores are not in that grammar, but
 * are in the names of mail hosts that exist. */
static size_t
read_label(struct ptn_slice text, size_t at)
{
    size_t start = at;

    while (at < text.len) {
        unsigned char c = (unsigned char)text.data[at];
        size_t n = ptn_is_alnum(c) || c == '-' || c == '_';

        if (c >= 0x80)
            n = utf8_beyond_ascii(text, at);
        if (!n)
            break;
        at += n;
    }
    if (at == start || at - start > LABEL_MAX || text.data[start] == '-' ||
        text.data[at - 1] == '-')
        return 0;
    return at;
}

/* RFC 5321 section 4.1.3: [192.0.2.1], [IPv6:2001:db8::1], and the general
 * form "tag:content" whose tags are yet to be registered. */
static bool
literal_valid(struct ptn_slice s)
{
    char text[LITERAL_MAX + 1];
    struct in6_addr address;
    const char *colon;

    if (!s.len || s.len > LITERAL_MAX)
        return false;
    memcpy(text, s.data, s.len);
    text[s.len] = '\0';
    colon = strchr(text, ':');
    if (!colon)
        return inet_pton(AF_INET, text, &address) == 1;
    if (ptn_slice_caseeq(ptn_slice_sub(s, 0, (size_t)(colon - text)),
                         PTN_SLICE("IPv6")))
        return inet_pton(AF_INET6, colon + 1, &address) == 1;
    return ptn_is_alnum((unsigned char)text[0]) && colon[1];
}

static size_t
read_literal(struct ptn_slice text, size_t at)
{
    size_t start = ++at;

    for (; at < text.len && text.data[at] != ']'; at++) {
        if (text.data[at] <= ' ' || text.data[at] > '~' ||
            text.data[at] == '[' || text.data[at] == '\\')
            return 0;
    }
    if (at == text.len ||
        !literal_valid(ptn_slice_sub(text, start, at - start)))
        return 0;
    return at + 1;
}

static size_t
read_domain(struct ptn_slice text, size_t at)
{
    if (at < text.len && text.data[at] == '[')
        return read_literal(text, at);
    at = read_label(text, at);
    while (at && at < text.len && text.data[at] == '.')
        at = read_label(text, at + 1);
    return at;
}

/* A-d-l ":": "@one.example,@two.example:"; where there is none, `at`. */
static size_t
skip_route(struct ptn_slice text, size_t at)
{
    while (at < text.len && text.data[at] == '@') {
        at = read_domain(text, at + 1);
        if (!at || at == text.len)
            return 0;
        if (text.data[at] == ':')
            return at + 1;
        if (text.data[at++] != ',' || at == text.len || text.data[at] != '@')
            return 0;
    }
    return at;
}

static size_t
read_mailbox(struct ptn_slice text, size_t at, struct ptn_path *out)
{
    size_t start = at;

    at = text.data[at] == '"' ? read_quoted(text, at)
                              : read_dot_string(text, at);
    if (!at || at - start > PTN_LOCAL_PART_MAX)
        return 0;
    out->local = ptn_slice_sub(text, start, at - start);
    if (at == text.len || text.data[at] != '@') {
        /* RFC 5321 section 4.5.1: the one name that needs no domain. */
        return ptn_slice_caseeq(out->local, PTN_SLICE("postmaster")) ? at : 0;
    }
    start = at + 1;
    at = read_domain(text, start);
    if (!at || at - start > PTN_DOMAIN_MAX)
        return 0;
    out->domain = ptn_slice_sub(text, start, at - start);
    return at;
}

static bool
is_ascii(struct ptn_slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.data[i] >= 0x80)
            return false;
    }
    return true;
}

bool
ptn_path_parse(struct ptn_slice text, struct ptn_path *out, size_t *used)
{
    size_t at;

    *out = (struct ptn_path){.null = false};
    if (text.len < 2 || text.data[0] != '<')
        return false;
    if (text.data[1] == '>') {
        out->null = true;
        *used = 2;
        return true;
    }
    at = skip_route(text, 1);
    if (!at || at == text.len)
        return false;
    at = read_mailbox(text, at, out);
    if (!at || at == text.len || text.data[at] != '>')
        return false;
    if (out->local.len + out->domain.len + 3 > PTN_PATH_MAX)
        return false;
    out->utf8 = !is_ascii(out->local) || !is_ascii(out->domain);
    *used = at + 1;
    return true;
}

/* RFC 5321 section 4.1.2: "joe" and joe are the same mailbox, and so are
 * "\joe" and "joe"; the shortest form is the one to compare. */
static void
format_local(struct ptn_slice local, struct ptn_buf *out)
{
    char plain[PTN_LOCAL_PART_MAX];
    struct ptn_slice content = {plain, 0};

    if (local.len < 2 || local.data[0] != '"' ||
        local.len > PTN_LOCAL_PART_MAX) {
        ptn_buf_addslice(out, local);
        return;
    }
    for (size_t i = 1; i < local.len - 1; i++) {
        if (local.data[i] == '\\')
            i++;
        plain[content.len++] = local.data[i];
    }
    if (content.len && read_dot_string(content, 0) == content.len) {
        ptn_buf_addslice(out, content);
        return;
    }
    ptn_buf_addc(out, '"');
    for (size_t i = 0; i < content.len; i++) {
        if (plain[i] == '"' || plain[i] == '\\')
            ptn_buf_addc(out, '\\');
        ptn_buf_addc(out, plain[i]);
    }
    ptn_buf_addc(out, '"');
}

void
ptn_path_format(const struct ptn_path *path, struct ptn_buf *out)
{
    if (path->null)
        return;
    format_local(path->local, out);
    if (!path->domain.len)
        return;
    ptn_buf_addc(out, '@');
    for (size_t i = 0; i < path->domain.len; i++)
        ptn_buf_addc(out, ptn_to_lower(path->domain.data[i]));
}
