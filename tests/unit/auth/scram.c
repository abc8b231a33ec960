/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The provider of SCRAM by itself, and passwd's side of it: what is made of
 * a password against RFC 5802 section 5 and RFC 7677 section 3, whose
 * verifiers were computed by Python's hashlib, and names that nobody has.
 */
#include "plugins/passwd/scram.h"
#include "tests/unit/passwd/fixture.h"
#include <postern/sasl.h>

extern const struct ptn_module sasl_gsasl_LTX_postern_module;

struct rig {
    struct fixture f;
    struct ptn_host sasl_host;
    const struct ptn_sasl_ops *sasl;
    void *sasl_instance;
};

static int
setup(void **state)
{
    struct rig *r = ptn_alloc(sizeof *r);
    struct ptn_error err = PTN_ERROR_INIT;

    fixture_open(&r->f, NULL, NULL);
    r->sasl_host.all = &r->f.modules;
    r->sasl_host.module = &sasl_gsasl_LTX_postern_module;
    assert_int_equal(sasl_gsasl_LTX_postern_module.init(
                         &r->sasl_host, NULL, &r->sasl_instance, &err),
                     0);
    r->sasl = fixture_find(&r->f, PTN_SASL_CONTRACT);
    assert_non_null(r->sasl);
    *state = r;
    return 0;
}

static int
teardown(void **state)
{
    struct rig *r = *state;

    sasl_gsasl_LTX_postern_module.stop(r->sasl_instance);
    fixture_close(&r->f);
    ptn_free(r);
    return 0;
}

static void
known_verifiers(void **state)
{
    static const struct {
        enum ptn_scram_hash hash;
        const char *salt, *text;
    } cases[] = {
        {PTN_SCRAM_SHA1, "QSXCR+Q6sek8bf92",
         "4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,"
         "D+CSWLOshSulAsxiupA+qs2/fTE="},
        {PTN_SCRAM_SHA256, "W22ZaJ0SNY7soEsUEjb6gQ==",
         "4096,W22ZaJ0SNY7soEsUEjb6gQ==,"
         "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"
         "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="},
    };
    struct rig *r = *state;
    struct ptn_error err = PTN_ERROR_INIT;

    for (size_t i = 0; i < PTN_COUNT(cases); i++) {
        struct ptn_scram_verifier v = {.iterations = 4096}, again;
        struct ptn_buf salt = PTN_BUF_INIT, text = PTN_BUF_INIT;

        assert_true(ptn_base64_decode(&salt, ptn_slice_of(cases[i].salt)));
        memcpy(v.salt, salt.data, salt.len);
        v.salt_len = (uint32_t)salt.len;
        assert_int_equal(r->sasl->scram_make(r->sasl_instance, cases[i].hash,
                                             S("pencil"), &v, &err),
                         0);
        passwd_verifier_write(&v, &text);
        assert_string_equal(ptn_buf_cstr(&text), cases[i].text);
        assert_true(
            passwd_verifier_parse(ptn_buf_slice(&text), cases[i].hash, &again));
        assert_int_equal(again.iterations, 4096);
        assert_int_equal(again.salt_len, v.salt_len);
        assert_memory_equal(again.stored_key, v.stored_key, v.key_len);
        assert_memory_equal(again.server_key, v.server_key, v.key_len);
        ptn_buf_free(&salt);
        ptn_buf_free(&text);
    }
}

/* RFC 4013 section 3: these are one password, and that is none. */
static void
prepared(void **state)
{
    struct rig *r = *state;
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_scram_verifier a = {.iterations = 1, .salt_len = 4}, b = a;

    assert_int_equal(r->sasl->scram_make(r->sasl_instance, PTN_SCRAM_SHA256,
                                         S("I\xc2\xadX"), &a, &err),
                     0);
    assert_int_equal(r->sasl->scram_make(r->sasl_instance, PTN_SCRAM_SHA256,
                                         S("\xe2\x85\xa8"), &b, &err),
                     0);
    assert_memory_equal(a.stored_key, b.stored_key, 32);
    assert_int_equal(r->sasl->scram_make(r->sasl_instance, PTN_SCRAM_SHA256,
                                         S("\x07"), &a, &err),
                     -1);
    assert_int_equal(r->sasl->scram_make(r->sasl_instance, PTN_SCRAM_SHA256,
                                         S("a\0b"), &a, &err),
                     -1);
}

static void
malformed_verifiers(void **state)
{
    static const char *const texts[] = {
        "",
        "4096",
        "0,c2FsdA==,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,"
        "D+CSWLOshSulAsxiupA+qs2/fTE=",
        "x,c2FsdA==,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,"
        "D+CSWLOshSulAsxiupA+qs2/fTE=",
        "4096,,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=",
        "4096,c2FsdA==,c2hvcnQ=,D+CSWLOshSulAsxiupA+qs2/fTE=",
        "4096,c2FsdA==,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,!",
        "4096,c2FsdA==,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,"
        "D+CSWLOshSulAsxiupA+qs2/fTE=,more",
    };
    struct ptn_scram_verifier v;

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(texts); i++)
        assert_false(
            passwd_verifier_parse(ptn_slice_of(texts[i]), PTN_SCRAM_SHA1, &v));
}

static enum ptn_status
ask(struct rig *r, const char *name, struct ptn_scram_verifier *out)
{
    struct ptn_user user;

    memset(out, 0, sizeof *out);
    return r->f.directory->scram(r->f.passwd, ptn_slice_of(name),
                                 PTN_SCRAM_SHA256, out, &user);
}

/* An edit makes both verifiers; the account is found under all its names,
 * and nobody else's verifier is the same. */
static void
of_the_directory(void **state)
{
    struct rig *r = *state;
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_scram_verifier v, again;

    assert_int_equal(r->f.directory->scram_hashes(r->f.passwd), 3);
    assert_int_equal(
        r->f.edit->add(r->f.passwd, S("dora"), S("pencil"), 0, &err), PTN_OK);
    fixture_due(&r->f);
    assert_int_equal(ask(r, "dora", &v), PTN_OK);
    assert_int_equal(ask(r, "Dora@example.TEST", &again), PTN_OK);
    assert_memory_equal(&v, &again, sizeof v);
    assert_int_equal(v.iterations, PASSWD_ITERATIONS_MIN);
    again = v;
    assert_int_equal(r->sasl->scram_make(r->sasl_instance, PTN_SCRAM_SHA256,
                                         S("pencil"), &again, &err),
                     0);
    assert_memory_equal(&v, &again, sizeof v);
    assert_int_equal(r->f.directory->scram_hashes(r->f.passwd), 3);
    fixture_write(r->f.users, "dora:!x\n");
    fixture_due(&r->f);
    assert_int_equal(ask(r, "dora", &again), PTN_DENIED);
    assert_memory_not_equal(&v.salt, &again.salt, 16);
}

static void
nobody(void **state)
{
    struct rig *r = *state;
    struct ptn_scram_verifier v, again, other;

    assert_int_equal(ask(r, "nobody", &v), PTN_NOTFOUND);
    assert_int_equal(v.iterations, PASSWD_ITERATIONS_MIN);
    assert_int_equal(v.salt_len, 16);
    assert_int_equal(v.key_len, 32);
    assert_int_equal(ask(r, "Nobody@example.test", &again), PTN_NOTFOUND);
    assert_memory_equal(&v, &again, sizeof v);
    assert_int_equal(ask(r, "nobody2", &other), PTN_NOTFOUND);
    assert_memory_not_equal(v.salt, other.salt, 16);
    assert_int_equal(ask(r, "no:body", &other), PTN_NOTFOUND);
    assert_int_equal(other.salt_len, 16);
    /* Those that cannot: without a verifier, and disabled. */
    fixture_write(r->f.users, "emil:x\nzoe:!x\n");
    fixture_write(r->f.secrets, "emil:::{PLAIN}a\nzoe:::{PLAIN}a\n");
    fixture_due(&r->f);
    assert_int_equal(ask(r, "emil", &other), PTN_DENIED);
    assert_int_equal(other.salt_len, 16);
    assert_int_equal(ask(r, "zoe", &again), PTN_DENIED);
    assert_int_equal(r->f.directory->scram_hashes(r->f.passwd), 0);
    /* The next process says the same. */
    fixture_stop(&r->f);
    fixture_start(&r->f);
    ptn_host_provide(&r->sasl_host, PTN_SASL_CONTRACT, PTN_SASL_VERSION,
                     r->sasl, r->sasl_instance);
    assert_int_equal(ask(r, "nobody", &again), PTN_NOTFOUND);
    assert_memory_equal(&v, &again, sizeof v);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(known_verifiers),  CASE(prepared), CASE(malformed_verifiers),
        CASE(of_the_directory), CASE(nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
