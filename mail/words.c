/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Encoded words in header fields (RFC 2047), to UTF-8. Lenient: they are
 * looked for anywhere, and what is not one stays as it stands. Pure
 * functions; any thread.
 */
#include "chars.h"
#include "charset.h"
#include "transfer.h"
#include "utf8.h"

#include <postern/mail/message.h>

/* RFC 2047 section 2 allows 75 octets; writers are less careful. */
#define WORD_MAX 1024

struct word {
    struct ptn_slice charset, text;
    char encoding; /* 'q' or '6' */
    size_t len;    /* of the whole */
};

/* The octets from `at` to the next question mark. */
static bool
read_section(struct ptn_slice value, size_t *at, struct ptn_slice *out)
{
    size_t most = value.len - *at;
    const char *end;

    if (most > WORD_MAX)
        most = WORD_MAX;
    end = memchr(value.data + *at, '?', most);
    if (!end)
        return false;
    *out = ptn_slice_sub(value, *at, (size_t)(end - value.data) - *at);
    *at += out->len + 1;
    return true;
}

/* encoded-word = "=?" charset "?" encoding "?" encoded-text "?=" */
static bool
read_word(struct ptn_slice value, size_t start, struct word *out)
{
    size_t at = start + 2;
    struct ptn_slice encoding;
    const char *star;

    if (value.len - start < 2 || value.data[start + 1] != '?' ||
        !read_section(value, &at, &out->charset) ||
        !read_section(value, &at, &encoding) || encoding.len != 1 ||
        !read_section(value, &at, &out->text) || at == value.len ||
        value.data[at] != '=')
        return false;
    if (ptn_to_lower(encoding.data[0]) == 'q')
        out->encoding = 'q';
    else if (ptn_to_lower(encoding.data[0]) == 'b')
        out->encoding = '6';
    else
        return false;
    /* RFC 2231 section 5: charset*language */
    star = memchr(out->charset.data, '*', out->charset.len);
    if (star)
        out->charset.len = (size_t)(star - out->charset.data);
    out->len = at + 1 - start;
    return true;
}

/* RFC 2047 section 4.2: "_" is a blank, the rest is quoted-printable. */
static void
decode_octets(const struct word *word, struct ptn_buf *octets)
{
    struct ptn_transfer t = {.encoding = word->encoding};
    struct ptn_slice text = word->text;

    while (word->encoding == 'q' && text.len) {
        const char *blank = memchr(text.data, '_', text.len);
        size_t len = blank ? (size_t)(blank - text.data) : text.len;

        ptn_transfer_decode(&t, ptn_slice_sub(text, 0, len), octets);
        if (blank)
            ptn_transfer_decode(&t, PTN_SLICE(" "), octets);
        len += blank != NULL;
        text = ptn_slice_sub(text, len, text.len - len);
    }
    ptn_transfer_decode(&t, text, octets);
}

/* The words of one charset that follow each other, as one text: characters
 * may lie across their borders, although RFC 2047 section 5 forbids it. */
struct run {
    struct ptn_buf octets;
    struct ptn_slice charset;
};

static void
end_run(struct run *run, struct ptn_buf *out)
{
    struct ptn_charset charset;

    if (!run->octets.len)
        return;
    ptn_charset_open(&charset, run->charset);
    ptn_charset_convert(&charset, ptn_buf_slice(&run->octets), out);
    ptn_charset_close(&charset);
    run->octets.len = 0;
}

static void
add_word(struct run *run, const struct word *word, struct ptn_buf *out)
{
    if (!ptn_slice_caseeq(run->charset, word->charset))
        end_run(run, out);
    run->charset = word->charset;
    decode_octets(word, &run->octets);
}

static size_t
count_blanks(struct ptn_slice value, size_t at)
{
    size_t start = at;

    while (at < value.len && ptn_is_blank((unsigned char)value.data[at]))
        at++;
    return at - start;
}

/* Unfolds: line ends go, the blanks behind them stay. */
static void
add_plain(struct ptn_buf *out, struct ptn_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != '\r' && text.data[i] != '\n')
            ptn_buf_addc(out, text.data[i]);
    }
}

void
ptn_header_decode(struct ptn_slice value, struct ptn_buf *out)
{
    struct run run = {PTN_BUF_INIT, {NULL, 0}};
    size_t at = 0;

    value = ptn_slice_trim(value);
    while (at < value.len) {
        const char *sign = memchr(value.data + at, '=', value.len - at);
        size_t next = sign ? (size_t)(sign - value.data) : value.len;
        size_t blanks = count_blanks(value, at);
        struct word word;

        if (next == value.len || !read_word(value, next, &word)) {
            end_run(&run, out);
            next += next < value.len;
            add_plain(out, ptn_slice_sub(value, at, next - at));
            at = next;
            continue;
        }
        /* Blanks between two words mean nothing (section 6.2). */
        if (next != at && !(run.octets.len && blanks == next - at)) {
            end_run(&run, out);
            add_plain(out, ptn_slice_sub(value, at, next - at));
        }
        add_word(&run, &word, out);
        at = next + word.len;
    }
    end_run(&run, out);
    ptn_buf_free(&run.octets);
}
