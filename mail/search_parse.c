/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SEARCH programs out of the command's arguments (RFC 3501 section 6.4.4,
 * grammar in section 9). Allocates from the caller's arena alone.
 */
#include "chars.h"
#include "charset.h"
#include "fold.h"
#include "imap_text.h"
#include "search_program.h"

#include <postern/mail/date.h>
#include <time.h>

struct parser {
    struct ptn_imap_reader reader;
    struct ptn_arena *arena;
    const struct ptn_search_mailbox *mailbox;
    struct ptn_search *search;
    struct ptn_charset charset; /* of the strings */
    struct ptn_buf scratch, folded;
    size_t keys, envelope_keys;
    unsigned depth;
    enum ptn_search_parse outcome;
};

/* What follows a key's name. */
enum argument {
    ARG_NONE,
    ARG_TEXT,
    ARG_HEADER, /* a field name and a text */
    ARG_DATE,
    ARG_NUMBER,
    ARG_AGE,    /* seconds */
    ARG_MODSEQ, /* perhaps an entry's name and type, and a number */
    ARG_KEYWORD,
    ARG_UID_SET,
    ARG_KEY,
    ARG_TWO_KEYS,
    ARG_NEW, /* RECENT UNSEEN */
};

struct key_name {
    const char *name;
    enum ptn_key_kind kind;
    enum argument argument;
    bool negate;
    uint32_t detail; /* flag bit, envelope field, or `sent` */
};

static const struct key_name key_names[] = {
    {"ALL", PTN_KEY_ALL, ARG_NONE, false, 0},
    {"ANSWERED", PTN_KEY_SYSTEM, ARG_NONE, false, PTN_FLAG_ANSWERED},
    {"BCC", PTN_KEY_ENVELOPE, ARG_TEXT, false, PTN_ENV_BCC},
    {"BEFORE", PTN_KEY_BEFORE, ARG_DATE, false, false},
    {"BODY", PTN_KEY_BODY, ARG_TEXT, false, 0},
    {"CC", PTN_KEY_ENVELOPE, ARG_TEXT, false, PTN_ENV_CC},
    {"DELETED", PTN_KEY_SYSTEM, ARG_NONE, false, PTN_FLAG_DELETED},
    {"DRAFT", PTN_KEY_SYSTEM, ARG_NONE, false, PTN_FLAG_DRAFT},
    {"FLAGGED", PTN_KEY_SYSTEM, ARG_NONE, false, PTN_FLAG_FLAGGED},
    {"FROM", PTN_KEY_ENVELOPE, ARG_TEXT, false, PTN_ENV_FROM},
    {"HEADER", PTN_KEY_HEADER, ARG_HEADER, false, 0},
    {"KEYWORD", PTN_KEY_KEYWORD, ARG_KEYWORD, false, 0},
    {"LARGER", PTN_KEY_LARGER, ARG_NUMBER, false, 0},
    {"MODSEQ", PTN_KEY_MODSEQ, ARG_MODSEQ, false, 0},
    {"NEW", PTN_KEY_AND, ARG_NEW, false, 0},
    {"NOT", PTN_KEY_AND, ARG_KEY, true, 0},
    {"OLD", PTN_KEY_RECENT, ARG_NONE, true, 0},
    {"OLDER", PTN_KEY_OLDER, ARG_AGE, false, 0},
    {"ON", PTN_KEY_ON, ARG_DATE, false, false},
    {"OR", PTN_KEY_OR, ARG_TWO_KEYS, false, 0},
    {"RECENT", PTN_KEY_RECENT, ARG_NONE, false, 0},
    {"SEEN", PTN_KEY_SYSTEM, ARG_NONE, false, PTN_FLAG_SEEN},
    {"SENTBEFORE", PTN_KEY_BEFORE, ARG_DATE, false, true},
    {"SENTON", PTN_KEY_ON, ARG_DATE, false, true},
    {"SENTSINCE", PTN_KEY_SINCE, ARG_DATE, false, true},
    {"SINCE", PTN_KEY_SINCE, ARG_DATE, false, false},
    {"SMALLER", PTN_KEY_SMALLER, ARG_NUMBER, false, 0},
    {"SUBJECT", PTN_KEY_ENVELOPE, ARG_TEXT, false, PTN_ENV_SUBJECT},
    {"TEXT", PTN_KEY_TEXT, ARG_TEXT, false, 0},
    {"TO", PTN_KEY_ENVELOPE, ARG_TEXT, false, PTN_ENV_TO},
    {"UID", PTN_KEY_UID, ARG_UID_SET, false, 0},
    {"UNANSWERED", PTN_KEY_SYSTEM, ARG_NONE, true, PTN_FLAG_ANSWERED},
    {"UNDELETED", PTN_KEY_SYSTEM, ARG_NONE, true, PTN_FLAG_DELETED},
    {"UNDRAFT", PTN_KEY_SYSTEM, ARG_NONE, true, PTN_FLAG_DRAFT},
    {"UNFLAGGED", PTN_KEY_SYSTEM, ARG_NONE, true, PTN_FLAG_FLAGGED},
    {"UNKEYWORD", PTN_KEY_KEYWORD, ARG_KEYWORD, true, 0},
    {"UNSEEN", PTN_KEY_SYSTEM, ARG_NONE, true, PTN_FLAG_SEEN},
    {"YOUNGER", PTN_KEY_YOUNGER, ARG_AGE, false, 0},
};

static const struct key_name *
find_key(struct ptn_slice name)
{
    for (size_t i = 0; i < PTN_COUNT(key_names); i++) {
        if (ptn_slice_caseeq(name, ptn_slice_of(key_names[i].name)))
            return &key_names[i];
    }
    return NULL;
}

/* --- failing: the first reason counts, and every reader then stops --- */

static bool
fail(struct parser *p, enum ptn_search_parse outcome)
{
    if (p->outcome == PTN_SEARCH_PARSED)
        p->outcome = outcome;
    return false;
}

static void *
allocate(struct parser *p, size_t size)
{
    void *memory = ptn_arena_alloc(p->arena, size);

    if (!memory)
        fail(p, PTN_SEARCH_TOO_LARGE);
    return memory;
}

static struct ptn_search_key *
new_key(struct parser *p, enum ptn_key_kind kind)
{
    struct ptn_search_key *key = NULL;

    if (++p->keys > PTN_SEARCH_KEYS_MAX)
        fail(p, PTN_SEARCH_TOO_LARGE);
    else
        key = allocate(p, sizeof(*key));
    if (key)
        key->kind = kind;
    return key;
}

/* --- arguments --- */

static bool
copy(struct parser *p, struct ptn_slice text, struct ptn_slice *out)
{
    char *memory = ptn_arena_dup(p->arena, text);

    *out = (struct ptn_slice){memory, text.len};
    return memory || fail(p, PTN_SEARCH_TOO_LARGE);
}

/* An astring's content is appended to scratch, which is empty before. */
static bool
read_string(struct parser *p)
{
    struct ptn_slice text;
    enum ptn_imap_token token = ptn_imap_read(&p->reader, &text);

    p->scratch.len = 0;
    if (token == PTN_IMAP_ATOM)
        ptn_buf_addslice(&p->scratch, text);
    else if (token == PTN_IMAP_QUOTED || token == PTN_IMAP_LITERAL)
        ptn_imap_add_content(&p->scratch, token, text);
    else
        return fail(p, PTN_SEARCH_BAD);
    return p->scratch.len <= PTN_SEARCH_TEXT_MAX ||
           fail(p, PTN_SEARCH_TOO_LARGE);
}

/* A string to look for: to UTF-8, and folded. */
static bool
read_text(struct parser *p, struct ptn_slice *out)
{
    struct ptn_buf utf8 = PTN_BUF_INIT;

    if (!read_string(p))
        return false;
    ptn_charset_convert(&p->charset, ptn_buf_slice(&p->scratch), &utf8);
    p->folded.len = 0;
    ptn_fold_add(&p->folded, ptn_buf_slice(&utf8), true);
    ptn_buf_free(&utf8);
    return copy(p, ptn_buf_slice(&p->folded), out);
}

static bool
read_date(struct parser *p, int32_t *days)
{
    return read_string(p) &&
           (ptn_imap_date_parse(ptn_buf_slice(&p->scratch), days) ||
            fail(p, PTN_SEARCH_BAD));
}

static bool
read_number(struct parser *p, uint64_t most, uint64_t *out)
{
    struct ptn_slice text;

    return (ptn_imap_read(&p->reader, &text) == PTN_IMAP_ATOM &&
            ptn_slice_to_u64(text, most, out)) ||
           fail(p, PTN_SEARCH_BAD);
}

/* RFC 5032 section 3: nz-number, an age in seconds. */
static bool
read_age(struct parser *p, struct ptn_search_key *key)
{
    int64_t now = p->mailbox->now ? p->mailbox->now : (int64_t)time(NULL);
    uint64_t age;

    if (!read_number(p, UINT32_MAX, &age))
        return false;
    key->since = now - (int64_t)age;
    return age || fail(p, PTN_SEARCH_BAD);
}

/* RFC 7162 section 3.1.5: [entry-name SP entry-type-req SP] number. Modseqs
 * are a message's, not a flag's, so the entry is to be ignored. */
static bool
read_modseq(struct parser *p, struct ptn_search_key *key)
{
    struct ptn_imap_reader peek = p->reader;
    struct ptn_slice text;

    p->search->has_modseq = true;
    if (ptn_imap_read(&peek, &text) == PTN_IMAP_QUOTED) {
        p->reader = peek;
        if (ptn_imap_read(&p->reader, &text) != PTN_IMAP_ATOM ||
            (!ptn_slice_caseeq(text, PTN_SLICE("all")) &&
             !ptn_slice_caseeq(text, PTN_SLICE("priv")) &&
             !ptn_slice_caseeq(text, PTN_SLICE("shared"))))
            return fail(p, PTN_SEARCH_BAD);
    }
    return read_number(p, INT64_MAX, &key->number);
}

/* A keyword that the mailbox does not have is no error: no message has it. */
static bool
read_keyword(struct parser *p, struct ptn_search_key *key)
{
    struct ptn_slice text;

    if (ptn_imap_read(&p->reader, &text) != PTN_IMAP_ATOM ||
        !ptn_keyword_valid(text))
        return fail(p, PTN_SEARCH_BAD);
    for (size_t i = 0; i < p->mailbox->keyword_count; i++) {
        if (ptn_slice_caseeq(text, p->mailbox->keywords[i]))
            key->keywords |= UINT64_C(1) << i;
    }
    return true;
}

static bool
read_set(struct parser *p, struct ptn_slice text, uint32_t star,
         struct ptn_set *out)
{
    size_t used;

    if (!ptn_set_parse(text, p->arena, out, &used) || used != text.len)
        return fail(p, PTN_SEARCH_BAD);
    ptn_set_resolve(out, star);
    return true;
}

/* Some fields are in the envelope, as they stand in the header. */
static void
header_in_envelope(struct ptn_search_key *key)
{
    static const struct {
        const char *name;
        enum ptn_envelope_field field;
    } known[] = {{"subject", PTN_ENV_SUBJECT},
                 {"date", PTN_ENV_DATE},
                 {"in-reply-to", PTN_ENV_IN_REPLY_TO},
                 {"message-id", PTN_ENV_MESSAGE_ID}};

    for (size_t i = 0; i < PTN_COUNT(known); i++) {
        if (!ptn_slice_caseeq(key->name, ptn_slice_of(known[i].name)))
            continue;
        key->kind = PTN_KEY_ENVELOPE;
        key->field = known[i].field;
    }
}

static bool
read_header(struct parser *p, struct ptn_search_key *key)
{
    if (!read_string(p) || !copy(p, ptn_buf_slice(&p->scratch), &key->name))
        return false;
    header_in_envelope(key);
    return read_text(p, &key->text);
}

static bool
read_uid_set(struct parser *p, struct ptn_search_key *key)
{
    struct ptn_slice text;

    return ptn_imap_read(&p->reader, &text) == PTN_IMAP_ATOM
               ? read_set(p, text, p->mailbox->last_uid, &key->set)
               : fail(p, PTN_SEARCH_BAD);
}

/* --- keys --- */

static struct ptn_search_key *parse_key(struct parser *p);

/* `count` keys as children. */
static bool
read_children(struct parser *p, struct ptn_search_key *key, int count)
{
    struct ptn_search_key **end = &key->child;

    for (int i = 0; i < count; i++) {
        *end = parse_key(p);
        if (!*end)
            return false;
        end = &(*end)->next;
    }
    return true;
}

static bool
add_new(struct parser *p, struct ptn_search_key *key)
{
    struct ptn_search_key *seen = new_key(p, PTN_KEY_SYSTEM);
    struct ptn_search_key *recent = new_key(p, PTN_KEY_RECENT);

    if (!seen || !recent)
        return false;
    seen->bit = PTN_FLAG_SEEN;
    seen->negate = true;
    seen->next = recent;
    key->child = seen;
    return true;
}

static bool
read_argument(struct parser *p, const struct key_name *name,
              struct ptn_search_key *key)
{
    switch (name->argument) {
    case ARG_NONE:
        return true;
    case ARG_TEXT:
        return read_text(p, &key->text);
    case ARG_HEADER:
        return read_header(p, key);
    case ARG_DATE:
        return read_date(p, &key->days);
    case ARG_NUMBER:
        return read_number(p, INT64_MAX, &key->number);
    case ARG_AGE:
        return read_age(p, key);
    case ARG_MODSEQ:
        return read_modseq(p, key);
    case ARG_KEYWORD:
        return read_keyword(p, key);
    case ARG_UID_SET:
        return read_uid_set(p, key);
    case ARG_KEY:
        return read_children(p, key, 1);
    case ARG_TWO_KEYS:
        return read_children(p, key, 2);
    case ARG_NEW:
        return add_new(p, key);
    }
    return false;
}

/* Notes what the evaluation of this key will need. */
static bool
note_needs(struct parser *p, struct ptn_search_key *key)
{
    struct ptn_search *search = p->search;

    if (key->kind == PTN_KEY_ENVELOPE || key->sent)
        search->items |= PTN_FETCH_ENVELOPE;
    if (key->kind == PTN_KEY_ENVELOPE &&
        ++p->envelope_keys > PTN_SEARCH_ENVELOPE_MAX)
        return fail(p, PTN_SEARCH_TOO_LARGE);
    if (key->kind != PTN_KEY_HEADER && key->kind != PTN_KEY_BODY &&
        key->kind != PTN_KEY_TEXT)
        return true;
    if (search->content_count == PTN_SEARCH_CONTENT_MAX)
        return fail(p, PTN_SEARCH_TOO_LARGE);
    key->content = search->content_count;
    search->content[search->content_count++] = key;
    return true;
}

static struct ptn_search_key *
parse_named(struct parser *p, const struct key_name *name)
{
    struct ptn_search_key *key = new_key(p, name->kind);

    if (!key)
        return NULL;
    key->negate = name->negate;
    if (key->kind == PTN_KEY_SYSTEM)
        key->bit = name->detail;
    else if (key->kind == PTN_KEY_ENVELOPE)
        key->field = (enum ptn_envelope_field)name->detail;
    else if (name->argument == ARG_DATE)
        key->sent = name->detail;
    return read_argument(p, name, key) && note_needs(p, key) ? key : NULL;
}

/* Keys up to the end of the text, or of the parenthesis. */
static struct ptn_search_key *
parse_list(struct parser *p, bool in_parenthesis)
{
    struct ptn_search_key *list = new_key(p, PTN_KEY_AND), **end;
    struct ptn_slice text;

    if (!list)
        return NULL;
    end = &list->child;
    do {
        struct ptn_imap_reader peek;

        *end = parse_key(p);
        if (!*end)
            return NULL;
        end = &(*end)->next;
        peek = p->reader;
        if (in_parenthesis && ptn_imap_read(&peek, &text) == PTN_IMAP_CLOSE) {
            p->reader = peek;
            return list;
        }
    } while (p->reader.at < p->reader.end);
    if (!in_parenthesis)
        return list;
    fail(p, PTN_SEARCH_BAD);
    return NULL;
}

static struct ptn_search_key *
parse_set(struct parser *p, struct ptn_slice text)
{
    struct ptn_search_key *key = new_key(p, PTN_KEY_SEQ);

    if (!key || !read_set(p, text, p->mailbox->last_seq, &key->set))
        return NULL;
    return key;
}

static struct ptn_search_key *
parse_inner(struct parser *p)
{
    const struct key_name *name;
    struct ptn_slice text;
    enum ptn_imap_token token = ptn_imap_read(&p->reader, &text);

    if (token == PTN_IMAP_OPEN)
        return parse_list(p, true);
    if (token == PTN_IMAP_ATOM &&
        (ptn_is_digit((unsigned char)text.data[0]) || text.data[0] == '*'))
        return parse_set(p, text);
    name = token == PTN_IMAP_ATOM ? find_key(text) : NULL;
    if (name)
        return parse_named(p, name);
    fail(p, PTN_SEARCH_BAD);
    return NULL;
}

static struct ptn_search_key *
parse_key(struct parser *p)
{
    struct ptn_search_key *key = NULL;

    if (++p->depth > PTN_SEARCH_DEPTH_MAX)
        fail(p, PTN_SEARCH_TOO_LARGE);
    else
        key = parse_inner(p);
    p->depth--;
    return key;
}

/* [ "CHARSET" SP astring SP ]: without it UTF-8 is understood, as RFC 9051
 * has it. */
static bool
read_charset(struct parser *p)
{
    struct ptn_imap_reader peek = p->reader;
    struct ptn_slice text;
    struct ptn_slice name = PTN_SLICE("UTF-8");

    if (ptn_imap_read(&peek, &text) == PTN_IMAP_ATOM &&
        ptn_slice_caseeq(text, PTN_SLICE("CHARSET"))) {
        p->reader = peek;
        if (!read_string(p))
            return false;
        name = ptn_buf_slice(&p->scratch);
    }
    return ptn_charset_open(&p->charset, name) ||
           fail(p, PTN_SEARCH_BAD_CHARSET);
}

enum ptn_search_parse
ptn_search_parse(struct ptn_slice args, struct ptn_arena *arena,
                 const struct ptn_search_mailbox *mailbox,
                 struct ptn_search **out)
{
    struct parser p = {.arena = arena, .mailbox = mailbox};

    if (!args.len)
        return PTN_SEARCH_BAD;
    p.reader = (struct ptn_imap_reader){args.data, args.data + args.len};
    p.search = allocate(&p, sizeof(*p.search));
    if (p.search && read_charset(&p)) {
        p.search->items = PTN_FETCH_FLAGS;
        p.search->root = parse_list(&p, false);
    }
    ptn_charset_close(&p.charset);
    ptn_buf_free(&p.scratch);
    ptn_buf_free(&p.folded);
    *out = p.search;
    return p.outcome;
}

const char *
ptn_search_charsets(void)
{
    return "UTF-8 US-ASCII ISO-8859-1 ISO-8859-15 WINDOWS-1252 KOI8-R";
}
