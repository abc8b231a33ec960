/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Fuzz target: up to the first NUL a SEARCH program, behind it the message
 * that it is asked about. The second stage never contradicts the first, and
 * a sequence set is the same when it is written and read again.
 */
#include <assert.h>
#include <postern/mail/message.h>
#include <postern/mail/search.h>
#include <postern/mail/set.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ptrdiff_t
read_message(void *arg, uint64_t offset, void *into, size_t len)
{
    const struct ptn_slice *message = arg;

    if (offset >= message->len)
        return 0;
    if (len > message->len - offset)
        len = (size_t)(message->len - offset);
    memcpy(into, message->data + offset, len);
    return (ptrdiff_t)len;
}

static void
ask(const struct ptn_search *search, struct ptn_slice text)
{
    struct ptn_message_scan scan;
    struct ptn_message message = {.uid = 5, .size = text.len};
    struct ptn_search_message asked = {&message, 3, true};
    enum ptn_search_verdict first, second;

    ptn_message_scan((struct ptn_slice){NULL, 0}, text, &scan);
    message.envelope = ptn_buf_slice(&scan.envelope);
    message.parts = ptn_buf_slice(&scan.parts);
    first = ptn_search_metadata(search, &asked);
    second = ptn_search_content(search, &asked, read_message, &text);
    assert(second != PTN_SEARCH_UNKNOWN);
    assert(first == PTN_SEARCH_UNKNOWN || first == second);
    if (!ptn_search_may_match(search, message.uid, asked.seq))
        assert(first == PTN_SEARCH_NO);
    ptn_message_scan_free(&scan);
    /* a damaged index: anything but an accident */
    message.parts = message.envelope = text;
    ptn_search_content(search, &asked, read_message, &text);
}

static void
check_set(struct ptn_slice text, struct ptn_arena *arena)
{
    struct ptn_buf one = PTN_BUF_INIT, two = PTN_BUF_INIT;
    struct ptn_set set;
    size_t used;

    if (!ptn_set_parse(text, arena, &set, &used))
        return;
    assert(used > 0 && used <= text.len);
    ptn_set_resolve(&set, 9);
    ptn_set_format(&set, &one);
    assert(ptn_set_parse(ptn_buf_slice(&one), arena, &set, &used));
    assert(used == one.len);
    ptn_set_resolve(&set, 9);
    ptn_set_format(&set, &two);
    assert(ptn_slice_eq(ptn_buf_slice(&one), ptn_buf_slice(&two)));
    for (size_t i = 0; i < set.count; i++) {
        assert(set.ranges[i].first &&
               set.ranges[i].first <= set.ranges[i].last);
        assert(ptn_set_has(&set, set.ranges[i].last));
    }
    ptn_buf_free(&one);
    ptn_buf_free(&two);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ptn_slice keywords[] = {{"a", 1}, {"b", 1}};
    struct ptn_search_mailbox mailbox = {.last_seq = 9,
                                         .last_uid = 19,
                                         .keywords = keywords,
                                         .keyword_count = 2,
                                         .now = 1767225600};
    struct ptn_slice args = {(const char *)data, size}, text;
    const char *nul = size ? memchr(data, '\0', size) : NULL;
    struct ptn_arena arena = {NULL, 0, 1 << 20};
    struct ptn_search *search;

    args.len = nul ? (size_t)(nul - args.data) : size;
    text = ptn_slice_sub(args, args.len + (nul != NULL),
                         size - args.len - (nul != NULL));
    check_set(args, &arena);
    if (ptn_search_parse(args, &arena, &mailbox, &search) == PTN_SEARCH_PARSED)
        ask(search, text);
    ptn_arena_reset(&arena);
    return 0;
}
