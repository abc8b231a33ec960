/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a search program says about one message, from what the store keeps
 * beside it. Three values: a key that needs the message's text is UNKNOWN
 * until that was read. Programs are not changed; any thread.
 */
#include "chars.h"
#include "fold.h"
#include "imap_text.h"
#include "search_program.h"

#include <postern/mail/date.h>

#define DAY_SECONDS 86400

static enum ptn_search_verdict
verdict(bool yes)
{
    return yes ? PTN_SEARCH_YES : PTN_SEARCH_NO;
}

/* --- strings and addresses of the envelope --- */

/* Text that decoding and folding would not change, but for ASCII letters. */
static bool
is_plain(struct ptn_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c >= 0x80 || c == '\\' ||
            (c == '=' && i + 1 < text.len && text.data[i + 1] == '?'))
            return false;
    }
    return true;
}

/* Decodes `text` (raw, as in a header) and looks for `needle`. */
static bool
decoded_has(struct ptn_slice text, struct ptn_slice needle)
{
    struct ptn_buf decoded = PTN_BUF_INIT, folded = PTN_BUF_INIT;
    bool has;

    ptn_header_decode(text, &decoded);
    ptn_fold_add(&folded, ptn_buf_slice(&decoded), true);
    has = ptn_fold_has(ptn_buf_slice(&folded), needle);
    ptn_buf_free(&decoded);
    ptn_buf_free(&folded);
    return has;
}

static bool
string_has(struct ptn_slice value, struct ptn_slice needle)
{
    struct ptn_imap_reader r = {value.data, ptn_slice_end(value)};
    struct ptn_buf content = PTN_BUF_INIT;
    struct ptn_slice text;
    enum ptn_imap_token token = ptn_imap_read(&r, &text);
    bool has;

    if (token != PTN_IMAP_QUOTED && token != PTN_IMAP_LITERAL)
        return false; /* NIL: there is no such field */
    if (is_plain(text))
        return ptn_fold_ascii_has(text, needle);
    ptn_imap_add_content(&content, token, text);
    has = decoded_has(ptn_buf_slice(&content), needle);
    ptn_buf_free(&content);
    return has;
}

/* Appends the next string of an address and tells whether it is NIL. */
static bool
add_next(struct ptn_imap_reader *r, struct ptn_buf *out)
{
    struct ptn_slice text;
    enum ptn_imap_token token = ptn_imap_read(r, &text);

    ptn_imap_add_content(out, token, text);
    return token != PTN_IMAP_ATOM;
}

/* (name route mailbox host) becomes "name <mailbox@host>", and the marks of
 * a group "name:" and ";". */
static void
add_address(struct ptn_imap_reader *r, struct ptn_buf *out)
{
    struct ptn_buf ignored = PTN_BUF_INIT;
    size_t start;

    add_next(r, out);
    add_next(r, &ignored);
    ptn_buf_free(&ignored);
    start = out->len;
    ptn_buf_adds(out, " <");
    if (!add_next(r, out)) {
        out->len = start;
        ptn_buf_addc(out, ';');
        add_next(r, out);
        return;
    }
    ptn_buf_addc(out, '@');
    if (!add_next(r, out))
        out->data[out->len - 1] = ':';
    else
        ptn_buf_addc(out, '>');
}

/* The longest piece of `needle` that has none of what stands between the
 * strings of an address when it is put together. */
static struct ptn_slice
longest_word(struct ptn_slice needle)
{
    struct ptn_slice longest = {needle.data, 0};

    for (size_t at = 0, start = 0; at <= needle.len; at++) {
        if (at < needle.len && !memchr(" <@>:,;", needle.data[at], 7))
            continue;
        if (at - start > longest.len)
            longest = ptn_slice_sub(needle, start, at - start);
        start = at + 1;
    }
    return longest;
}

static bool
addresses_have(struct ptn_slice list, struct ptn_slice needle)
{
    struct ptn_imap_reader r = {list.data, ptn_slice_end(list)};
    struct ptn_buf text = PTN_BUF_INIT;
    struct ptn_slice ignored;
    bool has;

    if (ptn_imap_read(&r, &ignored) != PTN_IMAP_OPEN)
        return false; /* NIL: there is no such field */
    if (is_plain(list) && !ptn_fold_ascii_has(list, longest_word(needle)))
        return false; /* most messages, without putting them together */
    while (ptn_imap_read(&r, &ignored) == PTN_IMAP_OPEN) {
        if (text.len)
            ptn_buf_adds(&text, ", ");
        add_address(&r, &text);
        if (ptn_imap_read(&r, &ignored) != PTN_IMAP_CLOSE)
            break;
    }
    has = is_plain(ptn_buf_slice(&text))
              ? ptn_fold_ascii_has(ptn_buf_slice(&text), needle)
              : decoded_has(ptn_buf_slice(&text), needle);
    ptn_buf_free(&text);
    return has;
}

static bool
envelope_has(const struct ptn_search_key *key, const struct ptn_message *m)
{
    struct ptn_slice value = ptn_envelope_get(m->envelope, key->field);

    return key->field >= PTN_ENV_FROM && key->field <= PTN_ENV_BCC
               ? addresses_have(value, key->text)
               : string_has(value, key->text);
}

/* --- dates: the day where it was written, whatever the zone --- */

static int64_t
local_day(int64_t seconds, int32_t zone)
{
    int64_t local = seconds + (int64_t)zone * 60;

    return local / DAY_SECONDS - (local % DAY_SECONDS < 0);
}

static bool
sent_day(const struct ptn_message *m, int64_t *day)
{
    struct ptn_slice value = ptn_envelope_get(m->envelope, PTN_ENV_DATE);
    struct ptn_imap_reader r = {value.data, ptn_slice_end(value)};
    struct ptn_slice text;
    int64_t seconds;
    int32_t zone;

    ptn_imap_read(&r, &text);
    if (!ptn_date_parse(text, &seconds, &zone))
        return false;
    *day = local_day(seconds, zone);
    return true;
}

static enum ptn_search_verdict
date_matches(const struct ptn_search_key *key, const struct ptn_message *m)
{
    int64_t day = local_day(m->internal_date, m->internal_zone);

    if (key->sent && !sent_day(m, &day))
        return PTN_SEARCH_NO;
    if (key->kind == PTN_KEY_BEFORE)
        return verdict(day < key->days);
    if (key->kind == PTN_KEY_SINCE)
        return verdict(day >= key->days);
    return verdict(day == key->days);
}

/* --- the tree --- */

struct evaluation {
    const struct ptn_search_message *message;
    const struct ptn_search_found *found; /* NULL: nothing is known yet */
};

static enum ptn_search_verdict evaluate(const struct evaluation *e,
                                        const struct ptn_search_key *key);

/* The first child that says `decisive` decides. */
static enum ptn_search_verdict
evaluate_children(const struct evaluation *e, const struct ptn_search_key *key,
                  enum ptn_search_verdict decisive)
{
    enum ptn_search_verdict all =
        decisive == PTN_SEARCH_NO ? PTN_SEARCH_YES : PTN_SEARCH_NO;

    for (key = key->child; key; key = key->next) {
        enum ptn_search_verdict one = evaluate(e, key);

        if (one == decisive)
            return one;
        if (one == PTN_SEARCH_UNKNOWN)
            all = one;
    }
    return all;
}

static enum ptn_search_verdict
content_matches(const struct evaluation *e, const struct ptn_search_key *key)
{
    if (!e->found)
        return PTN_SEARCH_UNKNOWN;
    if (e->found->hit[key->content])
        return PTN_SEARCH_YES;
    return (key->kind == PTN_KEY_HEADER ? e->found->header_known
                                        : e->found->body_known)
               ? PTN_SEARCH_NO
               : PTN_SEARCH_UNKNOWN;
}

static enum ptn_search_verdict
evaluate_plain(const struct evaluation *e, const struct ptn_search_key *key)
{
    const struct ptn_message *m = e->message->message;

    switch (key->kind) {
    case PTN_KEY_ALL:
        return PTN_SEARCH_YES;
    case PTN_KEY_AND:
        return evaluate_children(e, key, PTN_SEARCH_NO);
    case PTN_KEY_OR:
        return evaluate_children(e, key, PTN_SEARCH_YES);
    case PTN_KEY_SYSTEM:
        return verdict(m->flags.system & key->bit);
    case PTN_KEY_KEYWORD:
        return verdict(m->flags.keywords & key->keywords);
    case PTN_KEY_RECENT:
        return verdict(e->message->recent);
    case PTN_KEY_LARGER:
        return verdict(m->size > key->number);
    case PTN_KEY_SMALLER:
        return verdict(m->size < key->number);
    case PTN_KEY_OLDER:
        return verdict(m->internal_date <= key->since);
    case PTN_KEY_YOUNGER:
        return verdict(m->internal_date >= key->since);
    case PTN_KEY_MODSEQ:
        return verdict(m->modseq >= key->number);
    case PTN_KEY_BEFORE:
    case PTN_KEY_ON:
    case PTN_KEY_SINCE:
        return date_matches(key, m);
    case PTN_KEY_SEQ:
        return verdict(ptn_set_has(&key->set, e->message->seq));
    case PTN_KEY_UID:
        return verdict(ptn_set_has(&key->set, m->uid));
    case PTN_KEY_ENVELOPE:
        return verdict(envelope_has(key, m));
    case PTN_KEY_HEADER:
    case PTN_KEY_BODY:
    case PTN_KEY_TEXT:
        return content_matches(e, key);
    }
    return PTN_SEARCH_NO;
}

static enum ptn_search_verdict
evaluate(const struct evaluation *e, const struct ptn_search_key *key)
{
    enum ptn_search_verdict result = evaluate_plain(e, key);

    if (!key->negate || result == PTN_SEARCH_UNKNOWN)
        return result;
    return verdict(result == PTN_SEARCH_NO);
}

enum ptn_search_verdict
ptn_search_evaluate(const struct ptn_search *search,
                    const struct ptn_search_message *message,
                    const struct ptn_search_found *found)
{
    return evaluate(&(struct evaluation){message, found}, search->root);
}

enum ptn_search_verdict
ptn_search_metadata(const struct ptn_search *search,
                    const struct ptn_search_message *message)
{
    return ptn_search_evaluate(search, message, NULL);
}

unsigned
ptn_search_metadata_items(const struct ptn_search *search)
{
    return search->items;
}

unsigned
ptn_search_content_items(const struct ptn_search *search)
{
    return search->items | (search->content_count ? PTN_FETCH_PARTS : 0);
}

bool
ptn_search_has_modseq(const struct ptn_search *search)
{
    return search->has_modseq;
}

bool
ptn_search_may_match(const struct ptn_search *search, uint32_t uid,
                     uint32_t seq)
{
    const struct ptn_search_key *key;

    for (key = search->root->child; key; key = key->next) {
        if (key->kind == PTN_KEY_SEQ && !key->negate &&
            !ptn_set_has(&key->set, seq))
            return false;
        if (key->kind == PTN_KEY_UID && !key->negate &&
            !ptn_set_has(&key->set, uid))
            return false;
    }
    return true;
}
