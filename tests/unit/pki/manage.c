/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The management of certificates on a real repository, over a stand-in for a
 * TLS library. There a key is "KEY number", one behind a passphrase has it in
 * clear beside its mark, and a certificate is one line within PEM's marks:
 * subject, issuer, its key's number, that of the key that signed it, names
 * with commas, and letters: c an authority's, x not for servers, w signed
 * weakly, e expired, y not valid yet, r RSA of 1024 bits, o another curve.
 */
#include "pki/manage.h"
#include "base/clock.h"
#include "pki/chain.h"
#include "pki/intake.h"
#include "pki/manage_inner.h"
#include "pki/pem.h"
#include "tests/unit/base/test.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define S(text) PTN_SLICE(text)
#define CERT(words)                                                            \
    "-----BEGIN CERTIFICATE-----\n" words "\n-----END CERTIFICATE-----\n"
#define ROOT CERT("root root 1 1 - c")
#define SUB CERT("sub root 2 1 - c")
#define LEAF CERT("leaf sub 3 2 a.example -")

/* --- the stand-in --- */

struct fake_cert {
    char subject[16], issuer[16], names[128], letters[16];
    int key, signer;
};

static int
read_cert(struct ptn_slice pem, struct fake_cert *out)
{
    struct ptn_slice one;
    char text[512];

    if (!ptn_pki_pem_next(&pem, &one))
        return -1;
    snprintf(text, sizeof text, "%.*s", (int)one.len, one.data);
    return sscanf(text,
                  "-----BEGIN CERTIFICATE-----\n%15s %15s %d %d %127s %15s",
                  out->subject, out->issuer, &out->key, &out->signer,
                  out->names, out->letters) == 6
               ? 0
               : -1;
}

static int
number_of(struct ptn_slice key)
{
    char text[256];
    const char *at;

    snprintf(text, sizeof text, "%.*s", (int)key.len, key.data);
    at = strstr(text, "KEY ");
    return at ? atoi(at + 4) : -1;
}

static int
fake_cert_parse(void *instance, struct ptn_slice pem, struct ptn_tls_cert *out,
                struct ptn_error *err)
{
    int64_t now = ptn_clock_wall_ms() / 1000;
    struct fake_cert cert;

    (void)instance;
    if (read_cert(pem, &cert) != 0)
        return ptn_error_set(err, PTN_ERR_TLS, "not a certificate");
    *out = (struct ptn_tls_cert){.not_before = now - 60,
                                 .not_after = now + 60,
                                 .key_type = PTN_KEY_ECDSA_P256,
                                 .key_bits = 256};
    if (strchr(cert.letters, 'y'))
        out->not_before = now + 30;
    if (strchr(cert.letters, 'e'))
        out->not_after = now - 30;
    if (strchr(cert.letters, 'r') || strchr(cert.letters, 'o')) {
        out->key_type = PTN_KEY_OTHER;
        out->key_bits = strchr(cert.letters, 'r') ? 1024 : 521;
    }
    out->is_ca = strchr(cert.letters, 'c') != NULL;
    out->serves = !strchr(cert.letters, 'x');
    out->weak_signature = strchr(cert.letters, 'w') != NULL;
    out->self_signed = strcmp(cert.subject, cert.issuer) == 0;
    snprintf(out->subject, sizeof out->subject, "%s", cert.subject);
    snprintf(out->issuer, sizeof out->issuer, "%s", cert.issuer);
    snprintf(out->fingerprint, sizeof out->fingerprint, "%s/%s/%d/%d",
             cert.subject, cert.issuer, cert.key, cert.signer);
    snprintf(out->names, sizeof out->names, "%s", cert.names);
    for (char *c = out->names; *c; c++)
        *c = (char)(*c == ',' ? ' ' : *c);
    return 0;
}

static int
fake_pair(void *instance, struct ptn_slice pem, struct ptn_slice key,
          struct ptn_error *err)
{
    struct fake_cert cert;

    (void)instance;
    if (read_cert(pem, &cert) == 0 && number_of(key) == cert.key)
        return 0;
    return ptn_error_set(err, PTN_ERR_TLS, "no pair");
}

static int
fake_issued(void *instance, struct ptn_slice pem, struct ptn_slice issuer,
            struct ptn_error *err)
{
    struct fake_cert cert, by;

    (void)instance;
    if (read_cert(pem, &cert) == 0 && read_cert(issuer, &by) == 0 &&
        cert.signer == by.key)
        return 0;
    return ptn_error_set(err, PTN_ERR_TLS, "not issued by it");
}

static int next_number;

static int
fake_key(void *instance, enum ptn_tls_key_type type, struct ptn_buf *key,
         struct ptn_error *err)
{
    (void)instance;
    (void)type;
    (void)err;
    ptn_buf_printf(key, "KEY %d", next_number++);
    return 0;
}

static int
fake_request(void *instance, struct ptn_slice key,
             const struct ptn_tls_subject *subject, struct ptn_buf *csr,
             struct ptn_error *err)
{
    (void)instance;
    (void)err;
    ptn_buf_printf(csr, "CSR %d %s", number_of(key),
                   subject->subject ? subject->subject : "-");
    for (size_t i = 0; i < subject->names.count; i++)
        ptn_buf_printf(csr, " %s", subject->names.items[i]);
    return 0;
}

static int
fake_sign(void *instance, struct ptn_slice key,
          const struct ptn_tls_subject *subject, struct ptn_buf *cert,
          struct ptn_error *err)
{
    (void)instance;
    if (number_of(key) == 13)
        return ptn_error_set(err, PTN_ERR_LIMIT, "too weak");
    ptn_buf_printf(cert, "-----BEGIN CERTIFICATE-----\nown own %d %d ",
                   number_of(key), number_of(key));
    for (size_t i = 0; i < subject->names.count; i++)
        ptn_buf_printf(cert, "%s%s", i ? "," : "", subject->names.items[i]);
    ptn_buf_adds(cert, " -\n-----END CERTIFICATE-----\n");
    return 0;
}

/* A text has what it names. "LOCKED word" needs that passphrase. */
static enum ptn_tls_parsed
fake_parse(void *instance, struct ptn_slice file, struct ptn_slice passphrase,
           struct ptn_tls_parsed_file *out, struct ptn_error *err)
{
    char text[2048], word[64] = "";
    const char *at;

    (void)instance;
    snprintf(text, sizeof text, "%.*s", (int)file.len, file.data);
    at = strstr(text, "LOCKED ");
    if (at)
        sscanf(at + 7, "%63s", word);
    ptn_error_set(err, PTN_ERR_TLS, "%s", at ? "locked" : "nothing known");
    if (at && !passphrase.len)
        return PTN_TLS_PARSED_NEEDS_PASSPHRASE;
    if (at && !ptn_slice_eq(passphrase, ptn_slice_of(word)))
        return PTN_TLS_PARSED_WRONG_PASSPHRASE;
    if (strstr(text, "ODD"))
        return PTN_TLS_PARSED_UNSUPPORTED;
    if ((at = strstr(text, "KEY ")))
        ptn_buf_printf(&out->key, "KEY %d", atoi(at + 4));
    if ((at = strstr(text, "-----BEGIN CERTIFICATE")))
        ptn_buf_adds(&out->certs, at);
    if ((at = strstr(text, "CSR")))
        ptn_buf_adds(&out->csr, at);
    return out->key.len || out->certs.len || out->csr.len
               ? PTN_TLS_PARSED_GOOD
               : PTN_TLS_PARSED_BROKEN;
}

static int
fake_encrypt(void *instance, struct ptn_slice key, struct ptn_slice passphrase,
             struct ptn_buf *out, struct ptn_error *err)
{
    (void)instance;
    (void)err;
    ptn_buf_printf(out,
                   "-----BEGIN ENCRYPTED PRIVATE KEY-----\nLOCKED %.*s KEY %d",
                   (int)passphrase.len, passphrase.data, number_of(key));
    return 0;
}

static int
fake_key_public(void *instance, struct ptn_slice key, struct ptn_buf *out,
                struct ptn_error *err)
{
    (void)instance;
    (void)err;
    ptn_buf_printf(out, "PUBLIC %d", number_of(key));
    return 0;
}

static int
fake_cert_public(void *instance, struct ptn_slice pem, struct ptn_buf *out,
                 struct ptn_error *err)
{
    struct fake_cert cert;

    (void)instance;
    if (read_cert(pem, &cert) != 0)
        return ptn_error_set(err, PTN_ERR_TLS, "not a certificate");
    ptn_buf_printf(out, "PUBLIC %d", cert.key);
    return 0;
}

static const struct ptn_tls_ops fake = {.size = sizeof fake,
                                        .name = "fake",
                                        .key_make = fake_key,
                                        .csr_make = fake_request,
                                        .self_sign = fake_sign,
                                        .cert_parse = fake_cert_parse,
                                        .pair_match = fake_pair,
                                        .parse = fake_parse,
                                        .key_encrypt = fake_encrypt,
                                        .key_public = fake_key_public,
                                        .cert_public = fake_cert_public,
                                        .cert_issued = fake_issued};

/* --- a house: `shop` is described, and shown by `front` --- */

struct house {
    char folder[64], roots[96];
    struct ptn_conf conf;
    struct ptn_cert_conf certs[1];
    struct ptn_listener_conf listeners[1];
    struct ptn_manage m;
    struct ptn_error err;
    struct ptn_buf notes;
    const char *answers[4]; /* to questions for a passphrase, in turn */
    size_t asked;
    const char *meddle; /* a name that changes while one is asked for */
};

static const char *const shop_names[] = {"shop.example"};
static const char *const front_shows[] = {"shop"};

static int
answer(void *arg, const char *what, struct ptn_buf *out)
{
    struct house *h = arg;
    struct ptn_parts parts = {0};

    (void)what;
    if (h->meddle) {
        ptn_buf_adds(&parts.part[PTN_PART_KEY], "KEY 77");
        assert_int_equal(
            ptn_repository_write(h->m.repository, h->meddle, &parts, &h->err),
            0);
        ptn_parts_free(&parts);
    }
    if (!h->answers[h->asked])
        return -1;
    ptn_buf_adds(out, h->answers[h->asked++]);
    return 0;
}

static int
enter(void **state)
{
    struct house *h = test_calloc(1, sizeof *h);
    FILE *roots;

    snprintf(h->folder, sizeof h->folder, "manage.XXXXXX");
    assert_non_null(mkdtemp(h->folder));
    snprintf(h->roots, sizeof h->roots, "%s/roots", h->folder);
    roots = fopen(h->roots, "we");
    assert_non_null(roots);
    fputs(CERT("other other 8 8 - c") ROOT, roots);
    fclose(roots);
    h->conf.server.hostname = "host.example";
    h->conf.certs = h->certs;
    h->conf.cert_count = 1;
    h->certs[0] = (struct ptn_cert_conf){
        .name = "shop", .names = {(const char **)shop_names, 1}, .days = 90};
    h->conf.listeners = h->listeners;
    h->conf.listener_count = 1;
    h->listeners[0].name = "front";
    h->listeners[0].tls.mode = PTN_TLS_IMPLICIT;
    h->listeners[0].tls.certificates =
        (struct ptn_strings){(const char **)front_shows, 1};
    h->m = (struct ptn_manage){.conf = &h->conf,
                               .ops = &fake,
                               .ask = answer,
                               .ask_arg = h,
                               .roots = h->roots};
    h->m.repository =
        ptn_repository_open(h->folder, (uid_t)-1, (gid_t)-1, &h->err);
    assert_non_null(h->m.repository);
    next_number = 100;
    *state = h;
    return 0;
}

static int
leave(void **state)
{
    struct house *h = *state;
    char command[128];

    ptn_repository_close(h->m.repository);
    ptn_buf_free(&h->notes);
    snprintf(command, sizeof command, "rm -r %s", h->folder);
    assert_int_equal(system(command), 0);
    test_free(h);
    return 0;
}

static enum ptn_cert_fault
take(struct house *h, const char *name, struct ptn_cert_import what)
{
    h->notes.len = 0;
    return ptn_manage_take(&h->m, name, &what, &h->notes, &h->err);
}

static void
expect_part(struct house *h, const char *name, enum ptn_part part,
            const char *text)
{
    struct ptn_parts parts;

    assert_int_equal(ptn_manage_read(&h->m, name, &parts, &h->err),
                     PTN_CERT_GOOD);
    assert_string_equal(ptn_buf_cstr(&parts.part[part]), text);
    ptn_parts_free(&parts);
}

static bool
is_told(struct ptn_buf *notes, const char *text)
{
    return strstr(ptn_buf_cstr(notes), text) != NULL;
}

/* --- chains --- */

static void
expect_chain(struct house *h, const char *pem, const char *ordered)
{
    struct ptn_chain chain = PTN_CHAIN_INIT;
    const struct ptn_chain_source source = {ptn_slice_of(pem), S("KEY 3"),
                                            &h->notes};

    assert_int_equal(ptn_chain_order(&h->m, &source, &chain, &h->err),
                     PTN_CERT_GOOD);
    assert_string_equal(ptn_buf_cstr(&chain.pem), ordered);
    ptn_chain_free(&chain);
}

static void
chain_order(void **state)
{
    struct house *h = *state;

    expect_chain(h, LEAF SUB ROOT, LEAF SUB);
    expect_chain(h, ROOT SUB LEAF, LEAF SUB);
    expect_chain(h, "text\n" SUB "text\n" LEAF "text\n", LEAF SUB);
    expect_chain(h, LEAF LEAF SUB SUB, LEAF SUB);
    assert_int_equal(h->notes.len, 0);
    /* A root that another has signed, too, is the end. */
    expect_chain(h, LEAF CERT("root elder 1 9 - c") SUB ROOT, LEAF SUB);
    assert_true(is_told(&h->notes, "root"));
    h->notes.len = 0;
    /* Of two of a name the one that has signed. */
    expect_chain(h, LEAF CERT("sub root 4 1 - c") SUB, LEAF SUB);
    assert_true(is_told(&h->notes, "sub"));
}

static void
expect_no_chain(struct house *h, const char *pem, const char *key,
                enum ptn_cert_fault fault, const char *word)
{
    const struct ptn_cert_import what = {.chain = ptn_slice_of(pem),
                                         .key = ptn_slice_of(key)};

    assert_int_equal(take(h, "new", what), fault);
    assert_non_null(strstr(h->err.text, word));
    assert_int_equal(ptn_manage_renew(&h->m, "new", &h->err), PTN_CERT_UNKNOWN);
}

static void
chain_faults(void **state)
{
    struct house *h = *state;
    struct ptn_buf many = PTN_BUF_INIT;

    expect_no_chain(h, "", "KEY 3", PTN_CERT_TRUNCATED, "right file");
    expect_no_chain(h, LEAF "-----BEGIN CERTIFICATE-----\nsub root 2", "KEY 3",
                    PTN_CERT_TRUNCATED, "certificate 2");
    expect_no_chain(h, LEAF CERT("nonsense"), "KEY 3", PTN_CERT_TRUNCATED,
                    "certificate 2");
    expect_no_chain(h, LEAF SUB, "KEY 4", PTN_CERT_MISMATCH, "different");
    expect_no_chain(h, LEAF CERT("sub root 4 1 - c"), "KEY 3",
                    PTN_CERT_INCOMPLETE, "another key");
    expect_no_chain(h, LEAF SUB CERT("b sub 5 2 b -"), "KEY 3",
                    PTN_CERT_INCOMPLETE, "of b is no part");
    expect_no_chain(h, LEAF, "KEY 3", PTN_CERT_INCOMPLETE, "--chain");
    expect_no_chain(h, LEAF CERT("sub nobody 2 7 - c"), "KEY 3",
                    PTN_CERT_INCOMPLETE, "nobody");
    for (int i = 0; i <= PTN_CHAIN_MAX; i++)
        ptn_buf_printf(&many, CERT("c%d x %d 1 - c"), i, i);
    expect_no_chain(h, ptn_buf_cstr(&many), "KEY 3", PTN_CERT_UNSUPPORTED,
                    "more than 16");
    ptn_buf_free(&many);
}

static void
roots(void **state)
{
    struct house *h = *state;
    const struct ptn_cert_import known = {.chain = S(LEAF SUB),
                                          .key = S("KEY 3")};
    struct ptn_cert_import own = {.chain = S(CERT("leaf house 3 9 a -")),
                                  .key = S("KEY 3")};

    assert_int_equal(take(h, "a", known), PTN_CERT_GOOD);
    assert_int_equal(take(h, "b", own), PTN_CERT_INCOMPLETE);
    own.trusted = true;
    assert_int_equal(take(h, "b", own), PTN_CERT_GOOD);
    own.trusted = false;
    own.chain = S(CERT("house house 9 9 - c") CERT("leaf house 3 9 a -"));
    assert_int_equal(take(h, "c", own), PTN_CERT_GOOD);
    assert_int_equal(h->notes.len, 0);
    h->m.roots = "/nowhere";
    assert_int_equal(take(h, "d", known), PTN_CERT_GOOD);
    assert_true(is_told(&h->notes, "no list of roots"));
}

/* --- checks --- */

static void
checks(void **state)
{
    static const struct {
        const char *chain;
        enum ptn_cert_fault fault;
    } cases[] = {
        {LEAF SUB, PTN_CERT_GOOD},
        {CERT("leaf sub 3 2 a x") SUB, PTN_CERT_PURPOSE},
        {CERT("leaf sub 3 2 a w") SUB, PTN_CERT_WEAK},
        {CERT("leaf sub 3 2 a r") SUB, PTN_CERT_WEAK},
        {CERT("leaf sub 3 2 a o") SUB, PTN_CERT_UNSUPPORTED},
        {CERT("leaf sub 3 2 a e") SUB, PTN_CERT_EXPIRED},
        {CERT("leaf sub 3 2 a y") SUB, PTN_CERT_NOT_YET_VALID},
        {CERT("leaf sub 4 2 a -") SUB, PTN_CERT_MISMATCH},
        {LEAF CERT("sub root 2 1 - ce"), PTN_CERT_EXPIRED},
        {LEAF CERT("sub root 2 1 - cw"), PTN_CERT_WEAK},
        {LEAF CERT("sub root 2 1 - cr"), PTN_CERT_WEAK},
        {LEAF CERT("sub"), PTN_CERT_TRUNCATED},
        {"", PTN_CERT_TRUNCATED},
        /* Of its own signature nobody asks. */
        {CERT("own own 3 3 a w"), PTN_CERT_GOOD},
    };
    struct house *h = *state;

    for (size_t i = 0; i < PTN_COUNT(cases); i++)
        assert_int_equal(ptn_manage_check(&h->m, ptn_slice_of(cases[i].chain),
                                          S("KEY 3"), &h->err),
                         cases[i].fault);
    /* A key that none can read is told by its kind, not as a stranger's. */
    expect_no_chain(h, CERT("leaf sub 3 2 a o") SUB, "KEY 4",
                    PTN_CERT_UNSUPPORTED, "P-256");
}

static void
names(void **state)
{
    static const char *const good[] = {
        "a.example",   "*.a.example",    "A-1.example",
        "x_y.example", "localhost",      "192.0.2.1",
        "2001:db8::1", "post@a.example", "1.a"};
    static const char *const bad[] = {"",
                                      ".",
                                      "a..b",
                                      "-a.example",
                                      "a-.example",
                                      "a.*.b",
                                      "10.0.0.1x.",
                                      "10.0.0.256",
                                      "a b",
                                      "@a.example",
                                      "b\xc3\xbc.example",
                                      "a/b"};
    struct ptn_error err;

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(good); i++)
        assert_int_equal(ptn_manage_check_name(good[i], &err), 0);
    for (size_t i = 0; i < PTN_COUNT(bad); i++)
        assert_int_equal(ptn_manage_check_name(bad[i], &err), -1);
}

static void
names_of_listeners(void **state)
{
    struct house *h = *state;
    struct ptn_tls_cert facts = {.names = "www.example shop.example"};

    ptn_manage_note_names(&h->m, "shop", &facts, &h->notes);
    ptn_manage_note_names(&h->m, "nobody", &facts, &h->notes);
    assert_int_equal(h->notes.len, 0);
    snprintf(facts.names, sizeof facts.names, "www.example");
    ptn_manage_note_names(&h->m, "shop", &facts, &h->notes);
    assert_true(is_told(&h->notes, "front"));
    assert_true(is_told(&h->notes, "shop.example"));
    /* One that says no names is for the server's. */
    h->notes.len = 0;
    h->certs[0].names = (struct ptn_strings){&h->conf.server.hostname, 1};
    ptn_manage_note_names(&h->m, "shop", &facts, &h->notes);
    assert_true(is_told(&h->notes, "host.example"));
}

/* --- keys --- */

static void
an_answer_finds_its_key(void **state)
{
    struct house *h = *state;
    const struct ptn_cert_order order = {
        .names = {(const char **)shop_names, 1}, .passphrase = S("dark")};
    struct ptn_cert_import answers = {.chain = S(CERT("x sub 101 2 a -") SUB)};
    struct ptn_buf csr = PTN_BUF_INIT;

    assert_int_equal(ptn_manage_create(&h->m, "new", &order, &h->err),
                     PTN_CERT_GOOD);
    h->answers[0] = "dark";
    assert_int_equal(ptn_manage_request(&h->m, "new", true, &csr, &h->err),
                     PTN_CERT_GOOD);
    assert_string_equal(ptn_buf_cstr(&csr), "CSR 101 - shop.example");
    ptn_buf_free(&csr);
    /* No question: the public half is enough. */
    assert_int_equal(take(h, "new", answers), PTN_CERT_GOOD);
    assert_int_equal(h->asked, 1);
    expect_part(h, "new", PTN_PART_KEY,
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\nLOCKED dark KEY 101");
    expect_part(h, "new", PTN_PART_NEXT_KEY, "");
    answers.chain = S(CERT("x sub 100 2 a -") SUB); /* of the version before */
    assert_int_equal(take(h, "new", answers), PTN_CERT_GOOD);
    expect_part(h, "new", PTN_PART_KEY,
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\nLOCKED dark KEY 100");
    assert_int_equal(ptn_manage_rollback(&h->m, "new", 0, &h->err),
                     PTN_CERT_GOOD);
    answers.chain = S(CERT("x sub 55 2 a -") SUB);
    assert_int_equal(take(h, "new", answers), PTN_CERT_MISMATCH);
    /* A key that is given, where another had the name. */
    answers.key = S("KEY 55");
    answers.chain = S(CERT("x sub 55 2 b -") SUB);
    assert_int_equal(take(h, "new", answers), PTN_CERT_DUPLICATE);
    answers.replace = true;
    answers.passphrase = S("night");
    assert_int_equal(take(h, "new", answers), PTN_CERT_GOOD);
    expect_part(h, "new", PTN_PART_KEY,
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\nLOCKED night KEY 55");
}

static void
passphrases(void **state)
{
    struct house *h = *state;
    const struct ptn_cert_order order = {
        .names = {(const char **)shop_names, 1}, .passphrase = S("dark")};

    assert_int_equal(ptn_manage_create(&h->m, "new", &order, &h->err),
                     PTN_CERT_GOOD);
    h->answers[0] = "light";
    assert_int_equal(ptn_manage_renew(&h->m, "new", &h->err),
                     PTN_CERT_PASSPHRASE);
    assert_int_equal(ptn_manage_renew(&h->m, "new", &h->err),
                     PTN_CERT_PASSPHRASE); /* nobody answers */
    h->m.ask = NULL;
    assert_int_equal(ptn_manage_renew(&h->m, "new", &h->err),
                     PTN_CERT_PASSPHRASE); /* nobody is there */
    h->m.ask = answer;
    h->answers[1] = "dark";
    assert_int_equal(ptn_manage_renew(&h->m, "new", &h->err), PTN_CERT_GOOD);
}

/* Somebody else changes the name while a passphrase is asked for. */
static void
two_changes_at_once(void **state)
{
    struct house *h = *state;
    const struct ptn_cert_order order = {
        .names = {(const char **)shop_names, 1}, .passphrase = S("dark")};

    assert_int_equal(ptn_manage_create(&h->m, "new", &order, &h->err),
                     PTN_CERT_GOOD);
    h->answers[0] = "dark";
    h->meddle = "new";
    assert_int_equal(ptn_manage_renew(&h->m, "new", &h->err), PTN_CERT_FAILED);
    assert_non_null(strstr(h->err.text, "somebody else"));
    expect_part(h, "new", PTN_PART_KEY, "KEY 77");
}

static void
a_key_alone(void **state)
{
    struct house *h = *state;
    const struct ptn_slice none = {NULL, 0};

    assert_int_equal(
        ptn_manage_take_key(&h->m, "new", S("KEY 5"), none, &h->err),
        PTN_CERT_GOOD);
    expect_part(h, "new", PTN_PART_CSR, "CSR 5 - host.example");
    assert_int_equal(
        ptn_manage_take_key(&h->m, "new", S("KEY 5"), none, &h->err),
        PTN_CERT_GOOD); /* it is the one in use */
    expect_part(h, "new", PTN_PART_NEXT_KEY, "");
    assert_int_equal(
        ptn_manage_take_key(&h->m, "new", S("KEY 6"), none, &h->err),
        PTN_CERT_GOOD);
    expect_part(h, "new", PTN_PART_KEY, "KEY 5");
    expect_part(h, "new", PTN_PART_NEXT_KEY, "KEY 6");
    assert_int_equal(
        ptn_manage_take_key(&h->m, "new", S("KEY 13"), none, &h->err),
        PTN_CERT_WEAK);
    assert_int_equal(
        ptn_manage_take_key(&h->m, "../x", S("KEY 5"), none, &h->err),
        PTN_CERT_UNKNOWN);
}

/* What a name was made with is said again, unless the config says more. */
static void
recalls(void **state)
{
    static const char *const given[] = {"a.example", "b.example"};
    struct house *h = *state;
    const struct ptn_cert_order order = {.names = {(const char **)given, 2},
                                         .subject = "O=Example"};
    struct ptn_buf csr = PTN_BUF_INIT;

    assert_int_equal(ptn_manage_create(&h->m, "new", &order, &h->err),
                     PTN_CERT_GOOD);
    assert_int_equal(ptn_manage_request(&h->m, "new", false, &csr, &h->err),
                     PTN_CERT_GOOD);
    assert_string_equal(ptn_buf_cstr(&csr),
                        "CSR 100 O=Example a.example b.example");
    csr.len = 0;
    assert_int_equal(ptn_manage_create(&h->m, "shop", &order, &h->err),
                     PTN_CERT_GOOD);
    assert_int_equal(ptn_manage_request(&h->m, "shop", true, &csr, &h->err),
                     PTN_CERT_GOOD);
    assert_string_equal(ptn_buf_cstr(&csr), "CSR 102 O=Example shop.example");
    ptn_buf_free(&csr);
}

/* --- files --- */

static void
files(void **state)
{
    struct house *h = *state;
    struct ptn_intake in = PTN_INTAKE_INIT;

    assert_int_equal(ptn_intake_add(&h->m, "f", S(LEAF), &in, &h->err),
                     PTN_CERT_GOOD);
    assert_int_equal(ptn_intake_add(&h->m, "f", S("KEY 3"), &in, &h->err),
                     PTN_CERT_GOOD);
    assert_int_equal(ptn_intake_add(&h->m, "f", S("KEY 3 " SUB), &in, &h->err),
                     PTN_CERT_GOOD);
    assert_string_equal(ptn_buf_cstr(&in.certs), LEAF "\n" SUB "\n");
    assert_string_equal(ptn_buf_cstr(&in.key), "KEY 3");
    assert_int_equal(ptn_intake_add(&h->m, "f", S("KEY 4"), &in, &h->err),
                     PTN_CERT_MISMATCH);
    assert_int_equal(ptn_intake_add(&h->m, "f", S("?"), &in, &h->err),
                     PTN_CERT_TRUNCATED);
    assert_int_equal(ptn_intake_add(&h->m, "f", S("ODD"), &in, &h->err),
                     PTN_CERT_UNSUPPORTED);
    assert_int_equal(h->asked, 0);
    h->answers[0] = "one";
    h->answers[1] = "two";
    h->answers[2] = "no";
    assert_int_equal(
        ptn_intake_add(&h->m, "f", S("LOCKED one KEY 3"), &in, &h->err),
        PTN_CERT_GOOD);
    /* The same opens the next one; where not, another is asked for. */
    assert_int_equal(
        ptn_intake_add(&h->m, "f", S("LOCKED one KEY 3"), &in, &h->err),
        PTN_CERT_GOOD);
    assert_int_equal(h->asked, 1);
    assert_int_equal(
        ptn_intake_add(&h->m, "f", S("LOCKED two KEY 3"), &in, &h->err),
        PTN_CERT_GOOD);
    assert_int_equal(
        ptn_intake_add(&h->m, "f", S("LOCKED three KEY 3"), &in, &h->err),
        PTN_CERT_PASSPHRASE);
    assert_int_equal(
        ptn_intake_add(&h->m, "f", S("LOCKED four KEY 3"), &in, &h->err),
        PTN_CERT_PASSPHRASE);
    ptn_intake_free(&in);
}

static void
pem(void **state)
{
    struct ptn_buf der = PTN_BUF_INIT;

    (void)state;
    assert_true(ptn_pki_pem_decode(
        S("text\n-----BEGIN X-----\naGVs\nbG8=\n-----END X-----\n"), &der));
    assert_string_equal(ptn_buf_cstr(&der), "hello");
    assert_false(ptn_pki_pem_decode(S("aGVsbG8="), &der));
    assert_false(ptn_pki_pem_decode(S("-----BEGIN X-----\naGVs"), &der));
    assert_false(
        ptn_pki_pem_decode(S("-----BEGIN X-----\n!\n-----END X-----\n"), &der));
    assert_int_equal(der.len, 5);
    ptn_buf_free(&der);
    assert_false(ptn_pki_pem_is_locked(S("-----BEGIN PRIVATE KEY-----")));
    assert_true(
        ptn_pki_pem_is_locked(S("-----BEGIN ENCRYPTED PRIVATE KEY-----")));
}

static void
expect_kept(const char *text, bool whole, const char *kept)
{
    struct ptn_buf pem = PTN_BUF_INIT;

    ptn_buf_adds(&pem, text);
    assert_int_equal(ptn_pki_pem_keep_certs(&pem), whole);
    assert_string_equal(ptn_buf_cstr(&pem), kept);
    ptn_buf_free(&pem);
}

#define A_CERT(x)                                                              \
    "-----BEGIN CERTIFICATE-----\n" x "\n-----END CERTIFICATE-----"
#define A_KEY(x) "-----BEGIN PRIVATE KEY-----\n" x "\n-----END PRIVATE KEY-----"

/* Key and chain in one file, in every order: the chain is what is public. */
static void
chain_without_key(void **state)
{
    (void)state;
    expect_kept(A_KEY("k") "\n" A_CERT("a") "\n" A_CERT("b") "\n", true,
                A_CERT("a") "\n" A_CERT("b") "\n");
    expect_kept("text\n" A_CERT("a") A_CERT("b") "\n" A_KEY("k") "text", true,
                A_CERT("a") "\n" A_CERT("b") "\n");
    expect_kept(A_KEY("k"), true, "");
    expect_kept("CERT 1", true, "CERT 1");
    expect_kept(A_CERT("a") "-----BEGIN CERTIFICATE-----\nb\n" A_KEY("k"),
                false, "");
    expect_kept("-----BEGIN CERTIFICATE-----\na\n" A_KEY("k") A_CERT("b"),
                false, "");
}

#define IN_HOUSE(test) cmocka_unit_test_setup_teardown(test, enter, leave)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_HOUSE(chain_order),
        IN_HOUSE(chain_faults),
        IN_HOUSE(roots),
        IN_HOUSE(checks),
        cmocka_unit_test(names),
        IN_HOUSE(names_of_listeners),
        IN_HOUSE(an_answer_finds_its_key),
        IN_HOUSE(passphrases),
        IN_HOUSE(two_changes_at_once),
        IN_HOUSE(a_key_alone),
        IN_HOUSE(recalls),
        IN_HOUSE(files),
        cmocka_unit_test(pem),
        cmocka_unit_test(chain_without_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
