/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The grammar of "envelope" and "body" (RFC 3501 section 9), read literally
 * and apart from the library's own reader: what fits it is what a client
 * can read. For tests.
 */
#ifndef TEST_IMAP_GRAMMAR_H
#define TEST_IMAP_GRAMMAR_H

#include <postern/types.h>

struct grammar {
    const char *at, *end;
    unsigned parts; /* bodies seen */
};

static inline bool
g_char(struct grammar *g, char c)
{
    if (g->at == g->end || *g->at != c)
        return false;
    g->at++;
    return true;
}

static inline bool
g_word(struct grammar *g, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(g->end - g->at) < len || memcmp(g->at, word, len))
        return false;
    g->at += len;
    return true;
}

static inline bool
g_number(struct grammar *g, uint64_t *value)
{
    const char *start = g->at;

    for (*value = 0; g->at < g->end && *g->at >= '0' && *g->at <= '9'; g->at++)
        *value = *value * 10 + (uint64_t)(*g->at - '0');
    return g->at > start && g->at - start < 20;
}

/* DQUOTE *QUOTED-CHAR DQUOTE: no CR, LF or octets beyond ASCII. */
static inline bool
g_quoted(struct grammar *g)
{
    if (!g_char(g, '"'))
        return false;
    for (; g->at < g->end && *g->at != '"'; g->at++) {
        if (*g->at == '\\') {
            g->at++;
            if (g->at == g->end || (*g->at != '"' && *g->at != '\\'))
                return false;
        } else if (*g->at == '\r' || *g->at == '\n' || *g->at == '\0' ||
                   (unsigned char)*g->at >= 0x80) {
            return false;
        }
    }
    return g_char(g, '"');
}

/* "{" number "}" CRLF *CHAR8: any octet but NUL. */
static inline bool
g_literal(struct grammar *g)
{
    uint64_t len;

    if (!g_char(g, '{') || !g_number(g, &len) || !g_word(g, "}\r\n") ||
        len > (uint64_t)(g->end - g->at) || memchr(g->at, '\0', len))
        return false;
    g->at += len;
    return true;
}

static inline bool
g_string(struct grammar *g)
{
    return g->at < g->end && *g->at == '{' ? g_literal(g) : g_quoted(g);
}

static inline bool
g_nstring(struct grammar *g)
{
    return g_word(g, "NIL") || g_string(g);
}

/* "(" 1*address ")" / nil */
static inline bool
g_addresses(struct grammar *g)
{
    if (g_word(g, "NIL"))
        return true;
    if (!g_char(g, '('))
        return false;
    do {
        if (!g_char(g, '('))
            return false;
        for (int i = 0; i < 4; i++) {
            if ((i && !g_char(g, ' ')) || !g_nstring(g))
                return false;
        }
        if (!g_char(g, ')'))
            return false;
    } while (!g_char(g, ')'));
    return true;
}

static inline bool
g_envelope(struct grammar *g)
{
    if (!g_char(g, '('))
        return false;
    for (int i = 0; i < 10; i++) {
        bool addresses = i >= 2 && i < 8;

        if ((i && !g_char(g, ' ')) ||
            !(addresses ? g_addresses(g) : g_nstring(g)))
            return false;
    }
    return g_char(g, ')');
}

/* body-fld-param = "(" string SP string *(SP string SP string) ")" / nil */
static inline bool
g_params(struct grammar *g)
{
    if (g_word(g, "NIL"))
        return true;
    if (!g_char(g, '('))
        return false;
    do {
        if (!g_string(g) || !g_char(g, ' ') || !g_string(g))
            return false;
    } while (g_char(g, ' '));
    return g_char(g, ')');
}

static inline bool
g_disposition(struct grammar *g)
{
    return g_word(g, "NIL") ||
           (g_char(g, '(') && g_string(g) && g_char(g, ' ') && g_params(g) &&
            g_char(g, ')'));
}

static inline bool
g_language(struct grammar *g)
{
    if (!g_char(g, '('))
        return g_nstring(g);
    do {
        if (!g_string(g))
            return false;
    } while (g_char(g, ' '));
    return g_char(g, ')');
}

/* SP body-fld-dsp SP body-fld-lang SP body-fld-loc */
static inline bool
g_extension(struct grammar *g)
{
    return g_char(g, ' ') && g_disposition(g) && g_char(g, ' ') &&
           g_language(g) && g_char(g, ' ') && g_nstring(g);
}

static inline bool g_body(struct grammar *g, bool extensible);

static inline bool
g_one_part(struct grammar *g, bool extensible)
{
    bool text = g->end - g->at > 6 && !strncasecmp(g->at, "\"text\"", 6);
    bool message = g->end - g->at > 18 &&
                   !strncasecmp(g->at, "\"message\" \"rfc822\"", 18);
    uint64_t number;

    if (!g_string(g) || !g_char(g, ' ') || !g_string(g) || !g_char(g, ' ') ||
        !g_params(g) || !g_char(g, ' ') || !g_nstring(g) || !g_char(g, ' ') ||
        !g_nstring(g) || !g_char(g, ' ') || !g_string(g) || !g_char(g, ' ') ||
        !g_number(g, &number))
        return false;
    if (message && (!g_char(g, ' ') || !g_envelope(g) || !g_char(g, ' ') ||
                    !g_body(g, extensible)))
        return false;
    if ((text || message) && (!g_char(g, ' ') || !g_number(g, &number)))
        return false;
    return !extensible || (g_char(g, ' ') && g_nstring(g) && g_extension(g));
}

static inline bool
g_multipart(struct grammar *g, bool extensible)
{
    do {
        if (!g_body(g, extensible))
            return false;
    } while (g->at < g->end && *g->at == '(');
    return g_char(g, ' ') && g_string(g) &&
           (!extensible || (g_char(g, ' ') && g_params(g) && g_extension(g)));
}

static inline bool
g_body(struct grammar *g, bool extensible)
{
    g->parts++;
    return g_char(g, '(') &&
           (g->at < g->end && *g->at == '(' ? g_multipart(g, extensible)
                                            : g_one_part(g, extensible)) &&
           g_char(g, ')');
}

static inline bool
grammar_is_envelope(struct ptn_slice text)
{
    struct grammar g = {text.data, text.data + text.len, 0};

    return g_envelope(&g) && g.at == g.end;
}

static inline bool
grammar_is_body(struct ptn_slice text, bool extensible)
{
    struct grammar g = {text.data, text.data + text.len, 0};

    return g_body(&g, extensible) && g.at == g.end;
}

#endif
