/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Fuzz target: names. A modified UTF-7 name that is read is the one that
 * would be written; a path that is read is the same when it is written and
 * read again; a pattern without wildcards matches itself alone.
 */
#include <assert.h>
#include <postern/mail/address.h>
#include <postern/mail/flags.h>
#include <postern/mail/store.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_mutf7(struct ptn_slice text)
{
    struct ptn_buf utf8 = PTN_BUF_INIT, back = PTN_BUF_INIT;

    if (ptn_mutf7_decode(text, &utf8)) {
        assert(ptn_utf8_valid(ptn_buf_slice(&utf8)));
        ptn_mutf7_encode(ptn_buf_slice(&utf8), &back);
        assert(ptn_slice_eq(text, ptn_buf_slice(&back)));
    }
    back.len = utf8.len = 0;
    ptn_mutf7_encode(text, &back);
    assert(ptn_mutf7_decode(ptn_buf_slice(&back), &utf8));
    if (ptn_utf8_valid(text))
        assert(ptn_slice_eq(text, ptn_buf_slice(&utf8)));
    ptn_buf_free(&utf8);
    ptn_buf_free(&back);
}

static void
check_path(struct ptn_slice text)
{
    struct ptn_buf one = PTN_BUF_INIT, two = PTN_BUF_INIT;
    struct ptn_path path;
    size_t used;

    if (!ptn_path_parse(text, &path, &used))
        return;
    assert(used <= text.len && text.data[used - 1] == '>');
    ptn_buf_addc(&one, '<');
    ptn_path_format(&path, &one);
    ptn_buf_addc(&one, '>');
    assert(ptn_path_parse(ptn_buf_slice(&one), &path, &used));
    assert(used == one.len);
    ptn_buf_addc(&two, '<');
    ptn_path_format(&path, &two);
    ptn_buf_addc(&two, '>');
    assert(ptn_slice_eq(ptn_buf_slice(&one), ptn_buf_slice(&two)));
    ptn_buf_free(&one);
    ptn_buf_free(&two);
}

/* The first line is a pattern, the rest a name. */
static void
check_match(struct ptn_slice text)
{
    const char *feed = text.len ? memchr(text.data, '\n', text.len) : NULL;
    size_t len = feed ? (size_t)(feed - text.data) : 0;

    if (feed)
        ptn_mailbox_name_match(
            ptn_slice_sub(text, 0, len),
            ptn_slice_sub(text, len + 1, text.len - len - 1));
    if (ptn_mailbox_name_valid(text)) {
        assert(ptn_utf8_valid(text) && text.len <= PTN_MAILBOX_NAME_MAX);
        assert(ptn_mailbox_name_match(text, text));
        assert(ptn_mailbox_name_match(PTN_SLICE("*"), text));
        assert(ptn_mailbox_name_match(PTN_SLICE("%"), text) ==
               !memchr(text.data, '/', text.len));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ptn_slice text = {(const char *)data, size};

    check_mutf7(text);
    check_path(text);
    check_match(text);
    if (ptn_flag_parse(text))
        assert(!ptn_keyword_valid(text));
    return 0;
}
