/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of mail/search_*.c and mail/fold.c: RFC 3501 section 6.4.4.
 */
#include "tests/unit/mail/test.h"

#include "fold.h"
#include <postern/mail/message.h>
#include <postern/mail/search.h>

static const struct ptn_slice keywords[] = {
    {"$Forwarded", 10},
    {"Junk", 4},
};

static const struct ptn_search_mailbox mailbox = {
    .last_seq = 20,
    .last_uid = 120,
    .keywords = keywords,
    .keyword_count = 2,
    .now = 1153170100, /* 100 s after the message came */
};

static const char plain[] =
    "From: =?utf-8?q?J=C3=B6rg?= Meier <joerg@x.example>\r\n"
    "To: list: a@b.example, \"Quoted \\\" Name\" <c@d.example>;\r\n"
    "Cc: Copy <copy@x.example> (a comment)\r\n"
    "Subject: =?iso-8859-1?Q?Gr=FC=DFe?= from \"far\" away\r\n"
    "Date: Mon, 17 Jul 2006 23:30:00 -0800\r\n"
    "Message-ID: <one@x.example>\r\n"
    "X-Folded: first\r\n second\r\n"
    "X-Empty:\r\n"
    "Content-Type: text/plain; charset=iso-8859-1\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n"
    "\r\n"
    "Ein sch=F6ner, sehr lan=\r\nger Satz =C4ndert nichts.\r\n";

static const char nested[] =
    "Subject: outer\r\n"
    "Content-Type: multipart/mixed; boundary=b\r\n"
    "\r\n"
    "not looked at\r\n"
    "--b\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "Content-Transfer-Encoding: base64\r\n"
    "\r\n"
    /* "Привет, мир: in base64\n" */
    "0J/RgNC40LLQtdGCLCDQvNC40YA6IGlu\r\nIGJhc2U2NAo=\r\n"
    "--b\r\n"
    "Content-Type: message/rfc822\r\n"
    "\r\n"
    "Subject: within\r\n"
    "\r\n"
    "inner text\r\n"
    "--b\r\n"
    "Content-Type: application/pdf; name=report.pdf\r\n"
    "\r\n"
    "binarytext\r\n"
    "--b--\r\n";

struct source {
    struct ptn_slice text;
    size_t piece; /* octets of one read */
    bool broken;
};

static ptrdiff_t
read_source(void *arg, uint64_t offset, void *into, size_t len)
{
    struct source *s = arg;

    if (s->broken)
        return -1;
    if (offset >= s->text.len)
        return 0;
    if (len > s->text.len - offset)
        len = s->text.len - (size_t)offset;
    if (len > s->piece)
        len = s->piece;
    memcpy(into, s->text.data + offset, len);
    return (ptrdiff_t)len;
}

/* The message in `text`, UID 107, number 7, flagged and with "Junk". */
struct subject {
    struct ptn_message_scan scan;
    struct ptn_message message;
    struct ptn_search_message asked;
    struct source source;
};

static void
make_subject(struct subject *s, const char *text)
{
    *s = (struct subject){.source = {ptn_slice_of(text), 7, false}};
    ptn_message_scan((struct ptn_slice){NULL, 0}, s->source.text, &s->scan);
    s->message = (struct ptn_message){
        .uid = 107,
        .flags = {.keywords = 2, .system = PTN_FLAG_FLAGGED},
        .internal_date = 1153170000, /* 17-Jul-2006 21:00:00 +0000 */
        .modseq = 4711,
        .internal_zone = 240, /* which is the 18th there */
        .size = 1000,
        .envelope = ptn_buf_slice(&s->scan.envelope),
        .structure = ptn_buf_slice(&s->scan.structure),
        .parts = ptn_buf_slice(&s->scan.parts),
    };
    s->asked = (struct ptn_search_message){&s->message, 7, true};
}

/* The verdict on a message: of the first stage if that can tell, else of
 * the second one, of which it is checked that it was asked for rightly. */
static enum ptn_search_verdict
search(const char *args, const char *text)
{
    struct ptn_arena arena = PTN_ARENA_INIT;
    struct ptn_search *program;
    struct subject s;
    enum ptn_search_verdict verdict;

    make_subject(&s, text);
    assert_int_equal(
        ptn_search_parse(ptn_slice_of(args), &arena, &mailbox, &program),
        PTN_SEARCH_PARSED);
    verdict = ptn_search_metadata(program, &s.asked);
    if (verdict == PTN_SEARCH_UNKNOWN) {
        assert_true(ptn_search_content_items(program) & PTN_FETCH_PARTS);
        s.source.broken = true;
        assert_int_equal(
            ptn_search_content(program, &s.asked, read_source, &s.source),
            PTN_SEARCH_UNKNOWN);
        s.source.broken = false;
        verdict = ptn_search_content(program, &s.asked, read_source, &s.source);
    }
    ptn_message_scan_free(&s.scan);
    ptn_arena_reset(&arena);
    return verdict;
}

#define assert_hit(args, text)                                                 \
    assert_int_equal(search(args, text), PTN_SEARCH_YES)
#define assert_miss(args, text)                                                \
    assert_int_equal(search(args, text), PTN_SEARCH_NO)

static void
flags_and_numbers(void **state)
{
    (void)state;
    assert_hit("ALL", plain);
    assert_hit("FLAGGED", plain);
    assert_miss("UNFLAGGED", plain);
    assert_miss("seen", plain);
    assert_hit("UNSEEN UNANSWERED UNDELETED UNDRAFT", plain);
    assert_miss("ANSWERED", plain);
    assert_miss("DELETED", plain);
    assert_miss("DRAFT", plain);
    assert_hit("KEYWORD junk", plain);
    assert_miss("KEYWORD $Forwarded", plain);
    assert_miss("KEYWORD nobody-has-it", plain);
    assert_hit("UNKEYWORD nobody-has-it", plain);
    assert_miss("UNKEYWORD Junk", plain);
    assert_hit("RECENT NEW", plain);
    assert_miss("OLD", plain);
    assert_hit("LARGER 999 SMALLER 1001", plain);
    assert_miss("LARGER 1000", plain);
    assert_miss("SMALLER 1000", plain);
}

static void
sets_of_numbers(void **state)
{
    (void)state;
    assert_hit("7", plain);
    assert_hit("1:*", plain);
    assert_miss("8:*", plain);
    assert_hit("UID 100:110", plain);
    assert_miss("UID 108:*", plain);
    assert_hit("NOT UID 108:*", plain);
    assert_hit("1,3,5:9 UID 107", plain);
}

/* The 17th where it was sent, and the 18th where it arrived. */
static void
dates(void **state)
{
    (void)state;
    assert_hit("ON 18-Jul-2006", plain);
    assert_miss("ON \"17-Jul-2006\"", plain);
    assert_hit("BEFORE 19-Jul-2006", plain);
    assert_miss("BEFORE 18-Jul-2006", plain);
    assert_hit("SINCE 18-Jul-2006", plain);
    assert_miss("SINCE 19-Jul-2006", plain);
    assert_hit("SENTON 17-Jul-2006", plain);
    assert_hit("SENTBEFORE 18-Jul-2006", plain);
    assert_miss("SENTSINCE 18-Jul-2006", plain);
    assert_miss("SENTSINCE 1-Jan-1990", nested);
    assert_miss("SENTBEFORE 1-Jan-2030", nested);
}

/* RFC 5032 section 3. */
static void
ages(void **state)
{
    (void)state;
    assert_hit("OLDER 99", plain);
    assert_hit("OLDER 100 YOUNGER 100", plain);
    assert_miss("OLDER 101", plain);
    assert_hit("YOUNGER 4294967295", plain);
    assert_miss("YOUNGER 99", plain);
}

/* RFC 7162 section 3.1.5. */
static void
modseqs(void **state)
{
    struct ptn_arena arena = PTN_ARENA_INIT;
    struct ptn_search *program;

    (void)state;
    assert_hit("MODSEQ 4711", plain);
    assert_miss("MODSEQ 4712", plain);
    assert_hit("MODSEQ 0 FLAGGED", plain);
    assert_hit("MODSEQ \"/flags/\\\\draft\" all 4711", plain);
    assert_miss("MODSEQ \"/flags/x\" SHARED 9223372036854775807", plain);
    ptn_search_parse(S("OR SEEN NOT MODSEQ 1"), &arena, &mailbox, &program);
    assert_true(ptn_search_has_modseq(program));
    ptn_search_parse(S("SEEN"), &arena, &mailbox, &program);
    assert_false(ptn_search_has_modseq(program));
    ptn_arena_reset(&arena);
}

static void
trees(void **state)
{
    (void)state;
    assert_miss("NOT FLAGGED", plain);
    assert_hit("NOT NOT FLAGGED", plain);
    assert_hit("OR SEEN FLAGGED", plain);
    assert_miss("OR SEEN DELETED", plain);
    assert_hit("NOT (SEEN FLAGGED)", plain);
    assert_hit("(FLAGGED (7 NOT (SEEN)))", plain);
    assert_hit("OR OR SEEN DELETED OR DRAFT (FLAGGED 7)", plain);
    assert_miss("NOT OR (FLAGGED SEEN) (7 FLAGGED)", plain);
}

static void
envelope_strings(void **state)
{
    (void)state;
    assert_hit("SUBJECT gr\xc3\xbc\xc3\x9f\x65", plain);
    assert_hit("SUBJECT GR\xc3\x9c\xc3\x9f\x45", plain);
    assert_hit("SUBJECT \"\\\"FAR\\\" aw\"", plain);
    assert_miss("SUBJECT nowhere", plain);
    assert_hit("SUBJECT OUT", nested);
    assert_hit("SUBJECT \"\"", nested);
    assert_hit("FROM {6}\r\nJ\xc3\x96RG SUBJECT {4+}\r\nfrom", plain);
    assert_hit("FROM joerg@x.EXAMPLE", plain);
    assert_hit("FROM \"<joerg@x\"", plain);
    assert_hit("TO \"list:\"", plain);
    assert_hit("TO \"quoted \\\" name\"", plain);
    assert_hit("TO a@b.example CC copy", plain);
    assert_miss("BCC copy", plain);
    assert_miss("FROM x", nested);
    assert_hit("HEADER message-id one@x", plain);
    assert_miss("HEADER Message-ID two@x", plain);
    assert_hit("HEADER Date \"\"", plain);
    assert_miss("HEADER Date \"\"", nested);
}

static void
other_header_fields(void **state)
{
    (void)state;
    assert_hit("HEADER x-folded \"first second\"", plain);
    assert_hit("HEADER X-Empty \"\"", plain);
    assert_miss("HEADER X-Absent \"\"", plain);
    assert_miss("HEADER X-Empty second", plain);
    assert_hit("NOT HEADER X-Absent \"\"", plain);
    assert_hit("HEADER Cc comment", plain);
    /* a part's fields are not the message's */
    assert_miss("HEADER Content-Transfer-Encoding base64", nested);
}

static void
bodies_are_decoded(void **state)
{
    (void)state;
    assert_hit("BODY \"SCH\xc3\x96NER, sehr langer\"", plain);
    assert_hit("BODY \"\xc3\xa4ndert\"", plain);
    assert_miss("BODY Meier", plain);
    assert_hit("TEXT Meier", plain);
    assert_hit("TEXT \"x-folded: FIRST\"", plain);
    assert_miss("TEXT \"satz  \xc3\xa4ndert\"", plain);
    assert_hit("BODY \"\xd0\xbf\xd0\xa0\xd0\x98\xd0\xb2\xd0\xb5\xd1\x82\"",
               nested);
    assert_hit("BODY \"in base64\"", nested);
    assert_miss("BODY \"not looked at\"", nested);
    assert_miss("BODY binarytext", nested);
    assert_hit("BODY \"inner text\"", nested);
    assert_hit("BODY \"subject: within\"", nested);
    assert_hit("TEXT report.pdf", nested);
    assert_hit("OR BODY nothing BODY inner", nested);
    assert_hit("NOT BODY nothing", nested);
}

/* What the first stage can decide needs no reading. */
static void
first_stage_decides_what_it_can(void **state)
{
    struct ptn_arena arena = PTN_ARENA_INIT;
    struct ptn_search *program;
    struct subject s;

    (void)state;
    make_subject(&s, plain);
    assert_int_equal(
        ptn_search_parse(S("BODY x SEEN"), &arena, &mailbox, &program),
        PTN_SEARCH_PARSED);
    assert_int_equal(ptn_search_metadata(program, &s.asked), PTN_SEARCH_NO);
    assert_int_equal(
        ptn_search_parse(S("OR BODY x FLAGGED"), &arena, &mailbox, &program),
        PTN_SEARCH_PARSED);
    assert_int_equal(ptn_search_metadata(program, &s.asked), PTN_SEARCH_YES);
    assert_int_equal(ptn_search_parse(S("BODY x"), &arena, &mailbox, &program),
                     PTN_SEARCH_PARSED);
    assert_int_equal(ptn_search_metadata(program, &s.asked),
                     PTN_SEARCH_UNKNOWN);
    assert_int_equal(ptn_search_metadata_items(program), PTN_FETCH_FLAGS);
    assert_int_equal(
        ptn_search_parse(S("UID 5:9 3:* NOT 4"), &arena, &mailbox, &program),
        PTN_SEARCH_PARSED);
    assert_true(ptn_search_may_match(program, 5, 4));
    assert_false(ptn_search_may_match(program, 4, 4));
    assert_false(ptn_search_may_match(program, 5, 2));
    ptn_message_scan_free(&s.scan);
    ptn_arena_reset(&arena);
}

/* A damaged index of parts may give wrong answers, but no accidents. */
static void
missing_index_is_survived(void **state)
{
    struct ptn_arena arena = PTN_ARENA_INIT;
    struct ptn_search *program;
    struct subject s;

    (void)state;
    make_subject(&s, plain);
    assert_int_equal(
        ptn_search_parse(S("TEXT lan"), &arena, &mailbox, &program),
        PTN_SEARCH_PARSED);
    s.message.parts.len = 0;
    assert_int_equal(
        ptn_search_content(program, &s.asked, read_source, &s.source),
        PTN_SEARCH_YES);
    s.message.parts = S("\1\2\377\377\377\377\377\377\377\377\377\1");
    ptn_search_content(program, &s.asked, read_source, &s.source);
    ptn_message_scan_free(&s.scan);
    ptn_arena_reset(&arena);
}

static enum ptn_search_parse
parse(struct ptn_slice args)
{
    struct ptn_arena arena = PTN_ARENA_INIT;
    struct ptn_search *program;
    enum ptn_search_parse outcome =
        ptn_search_parse(args, &arena, &mailbox, &program);

    ptn_arena_reset(&arena);
    return outcome;
}

static void
malformed_programs_are_bad(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "NONSENSE",
        "(ALL",
        "ALL)",
        "()",
        "NOT",
        "OR ALL",
        "SUBJECT",
        "SUBJECT (x)",
        "SUBJECT \"x",
        "SUBJECT {5}\r\nabc",
        "SUBJECT {5}abcde",
        "SUBJECT {99999999999999999999}\r\nx",
        "ON yesterday",
        "ON 32-Jan-2000",
        "LARGER x",
        "LARGER -1",
        "LARGER \"1\"",
        "UID",
        "UID x",
        "UID 0",
        "1:",
        "1,ALL",
        "0",
        "OLDER 0",
        "YOUNGER 4294967296",
        "OLDER -1",
        "MODSEQ",
        "MODSEQ 9223372036854775808",
        "MODSEQ \"/flags/x\" 5",
        "MODSEQ \"/flags/x\" mine 5",
        "KEYWORD \\Seen",
        "KEYWORD (x)",
        "HEADER x",
        "CHARSET",
        "CHARSET UTF-8",
        "CHARSET (UTF-8) ALL",
        "\"ALL\"",
        "ALL \x01",
    };

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(bad); i++)
        assert_int_equal(parse(ptn_slice_of(bad[i])), PTN_SEARCH_BAD);
}

static void
charsets(void **state)
{
    (void)state;
    assert_hit("CHARSET UTF-8 SUBJECT gr\xc3\xbc", plain);
    assert_hit("CHARSET \"iso-8859-1\" SUBJECT gr\xfc\xdf", plain);
    assert_hit("charset us-ascii SUBJECT away", plain);
    assert_hit("CHARSET KOI8-R BODY {3}\r\n\xcd\xc9\xd2", nested);
    assert_int_equal(parse(S("CHARSET X-NONE ALL")), PTN_SEARCH_BAD_CHARSET);
    assert_int_equal(parse(S("CHARSET UTF-8//TRANSLIT ALL")),
                     PTN_SEARCH_BAD_CHARSET);
    assert_non_null(strstr(ptn_search_charsets(), "UTF-8"));
}

/* `one` as often as it takes, then `end`. */
static enum ptn_search_parse
parse_many(const char *one, size_t count, const char *end)
{
    struct ptn_buf text = PTN_BUF_INIT;
    enum ptn_search_parse outcome;

    for (size_t i = 0; i < count; i++)
        ptn_buf_adds(&text, one);
    ptn_buf_adds(&text, end);
    outcome = parse(ptn_buf_slice(&text));
    ptn_buf_free(&text);
    return outcome;
}

static void
programs_have_limits(void **state)
{
    (void)state;
    assert_int_equal(parse_many("NOT ", PTN_SEARCH_DEPTH_MAX - 1, "ALL"),
                     PTN_SEARCH_PARSED);
    assert_int_equal(parse_many("NOT ", PTN_SEARCH_DEPTH_MAX, "ALL"),
                     PTN_SEARCH_TOO_LARGE);
    assert_int_equal(parse_many("(", 100000, "ALL"), PTN_SEARCH_TOO_LARGE);
    assert_int_equal(parse_many("ALL ", PTN_SEARCH_KEYS_MAX - 2, "ALL"),
                     PTN_SEARCH_PARSED);
    assert_int_equal(parse_many("ALL ", PTN_SEARCH_KEYS_MAX, "ALL"),
                     PTN_SEARCH_TOO_LARGE);
    assert_int_equal(parse_many("FROM x ", 64, "ALL"), PTN_SEARCH_PARSED);
    assert_int_equal(parse_many("FROM x ", 65, "ALL"), PTN_SEARCH_TOO_LARGE);
    assert_int_equal(parse_many("BODY x ", 64, "ALL"), PTN_SEARCH_PARSED);
    assert_int_equal(parse_many("BODY x ", 65, "ALL"), PTN_SEARCH_TOO_LARGE);
}

static void
long_strings_are_refused(void **state)
{
    struct ptn_buf text = PTN_BUF_INIT;

    (void)state;
    ptn_buf_adds(&text, "SUBJECT ");
    for (int i = 0; i < PTN_SEARCH_TEXT_MAX; i++)
        ptn_buf_addc(&text, 'x');
    assert_int_equal(parse(ptn_buf_slice(&text)), PTN_SEARCH_PARSED);
    ptn_buf_addc(&text, 'x');
    assert_int_equal(parse(ptn_buf_slice(&text)), PTN_SEARCH_TOO_LARGE);
    ptn_buf_free(&text);
}

/* A string that lies across the borders of all pieces that are read. */
static void
borders_do_not_matter(void **state)
{
    struct ptn_buf text = PTN_BUF_INIT;

    (void)state;
    ptn_buf_adds(&text, "Content-Type: text/plain; charset=utf-8\r\n\r\n");
    while (text.len < 16 * 1024 + 64)
        ptn_buf_addc(&text, 'x');
    ptn_buf_adds(&text, "NEEDLE \xc3\x89");
    while (text.len < 40 * 1024)
        ptn_buf_addc(&text, 'y');
    for (int i = 0; i < 40; i++) {
        assert_hit("BODY \"needle \xc3\xa9yyy\" BODY yyyy BODY xxneed",
                   ptn_buf_cstr(&text));
        memmove(text.data + 60, text.data + 61, text.len - 61);
        text.len--;
    }
    ptn_buf_free(&text);
}

static void
letters_are_folded(void **state)
{
    static const struct {
        const char *text, *folded;
    } pairs[] = {
        {"ABC xyz 09[]", "abc xyz 09[]"},
        {"\xc3\x80\xc3\x96\xc3\x97\xc3\x98\xc3\x9e\xc3\x9f",
         "\xc3\xa0\xc3\xb6\xc3\x97\xc3\xb8\xc3\xbe\xc3\x9f"},
        {"\xc4\x80\xc4\x81\xc4\xb9\xc5\xbb",
         "\xc4\x81\xc4\x81\xc4\xba\xc5\xbc"},
        {"\xc5\xb8", "\xc3\xbf"},
        {"\xce\xa3\xcf\x82\xcf\x83", "\xcf\x83\xcf\x83\xcf\x83"},
        {"\xce\x86\xce\x89\xce\x8c\xce\x8f",
         "\xce\xac\xce\xae\xcf\x8c\xcf\x8e"},
        {"\xd0\x81\xd0\x90\xd0\xaf", "\xd1\x91\xd0\xb0\xd1\x8f"},
        {"\xe1\xba\x9e", "\xc3\x9f"},
        {"\xe6\x97\xa5\xf0\x9f\x93\xac", "\xe6\x97\xa5\xf0\x9f\x93\xac"},
        {"\xff\xc3(\x80", "\xff\xc3(\x80"},
    };

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(pairs); i++) {
        struct ptn_buf out = PTN_BUF_INIT;

        ptn_fold_add(&out, ptn_slice_of(pairs[i].text), true);
        assert_buf(&out, pairs[i].folded);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_and_numbers),
        cmocka_unit_test(sets_of_numbers),
        cmocka_unit_test(dates),
        cmocka_unit_test(ages),
        cmocka_unit_test(modseqs),
        cmocka_unit_test(trees),
        cmocka_unit_test(envelope_strings),
        cmocka_unit_test(other_header_fields),
        cmocka_unit_test(bodies_are_decoded),
        cmocka_unit_test(first_stage_decides_what_it_can),
        cmocka_unit_test(missing_index_is_survived),
        cmocka_unit_test(malformed_programs_are_bad),
        cmocka_unit_test(charsets),
        cmocka_unit_test(programs_have_limits),
        cmocka_unit_test(long_strings_are_refused),
        cmocka_unit_test(borders_do_not_matter),
        cmocka_unit_test(letters_are_folded),
    };

    return cmocka_run_group_tests_name("mail/search", tests, NULL, NULL);
}
