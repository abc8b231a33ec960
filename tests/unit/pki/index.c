/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which certificate a handshake gets.
 */
#include "pki/index.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* Contexts are only told apart here. */
#define CONTEXT(n) ((struct ptn_tls_context *)(uintptr_t)(n))

static void
add(struct ptn_index *index, unsigned n, enum ptn_tls_key_type type,
    const char *names)
{
    struct ptn_tls_cert facts = {.key_type = type};

    snprintf(facts.names, sizeof facts.names, "%s", names);
    ptn_index_add(index, (uint32_t)n * 10, CONTEXT(n), &facts);
}

static int
setup(void **state)
{
    struct ptn_index *index = ptn_alloc(sizeof *index);

    *index = PTN_INDEX_INIT;
    add(index, 1, PTN_KEY_ECDSA_P256, "mail.example.org example.org");
    add(index, 2, PTN_KEY_RSA_2048, "mail.example.org");
    add(index, 3, PTN_KEY_ECDSA_P256, "*.shop.example  Big.Example");
    add(index, 4, PTN_KEY_ECDSA_P384, "eu.shop.example");
    add(index, 5, PTN_KEY_ED25519, "ed.example.org");
    *state = index;
    return 0;
}

static int
teardown(void **state)
{
    ptn_index_free(*state);
    ptn_free(*state);
    return 0;
}

enum {
    ECDSA = 1,
    RSA = 2,
    ED = 4
};

static const char *last_rule;

static unsigned
chosen(void **state, const char *name, unsigned accepts)
{
    struct ptn_tls_hello hello = {.server_name = ptn_slice_of(name),
                                  .accepts_ecdsa = (accepts & ECDSA) != 0,
                                  .accepts_rsa = (accepts & RSA) != 0,
                                  .accepts_ed25519 = (accepts & ED) != 0};

    enum ptn_index_rule rule;
    const struct ptn_index_entry *entry =
        ptn_index_choose(*state, &hello, &rule);

    last_rule = ptn_index_rule_word(rule);
    assert_int_equal(entry->number, (uintptr_t)entry->context * 10);
    return (unsigned)(uintptr_t)entry->context;
}

static void
by_name(void **state)
{
    assert_int_equal(chosen(state, "mail.example.org", ECDSA | RSA), 1);
    assert_int_equal(chosen(state, "example.org", ECDSA | RSA), 1);
    assert_int_equal(chosen(state, "big.example", ECDSA), 3);
    assert_int_equal(chosen(state, "mail.example.org.", ECDSA), 1);
}

/* RFC 6125 section 6.4.3: one label, the leftmost, and not none. */
static void
by_wildcard(void **state)
{
    assert_int_equal(chosen(state, "de.shop.example", ECDSA), 3);
    assert_int_equal(chosen(state, "eu.shop.example", ECDSA), 4);
    assert_int_equal(chosen(state, "a.de.shop.example", ECDSA), 1);
    assert_int_equal(chosen(state, "shop.example", ECDSA), 1);
}

static void
by_key_type(void **state)
{
    assert_int_equal(chosen(state, "mail.example.org", RSA), 2);
    assert_int_equal(chosen(state, "mail.example.org", ECDSA), 1);
    assert_int_equal(chosen(state, "ed.example.org", ED), 5);
    /* Nothing fits: the handshake fails by itself, with the right name. */
    assert_int_equal(chosen(state, "ed.example.org", RSA), 5);
}

static void
says_why(void **state)
{
    (void)chosen(state, "mail.example.org", ECDSA | RSA);
    assert_string_equal(last_rule, "exact name");
    (void)chosen(state, "mail.example.org", RSA);
    assert_string_equal(last_rule, "key type");
    (void)chosen(state, "de.shop.example", ECDSA);
    assert_string_equal(last_rule, "wildcard");
    (void)chosen(state, "", ECDSA);
    assert_string_equal(last_rule, "first");
    (void)chosen(state, "unknown.example", ECDSA);
    assert_string_equal(last_rule, "first");
    (void)chosen(state, "ed.example.org", RSA);
    assert_string_equal(last_rule, "none fits");
}

static void
without_name(void **state)
{
    assert_int_equal(chosen(state, "", ECDSA | RSA), 1);
    assert_int_equal(chosen(state, "", RSA), 2);
    assert_int_equal(chosen(state, "unknown.example", ED), 5);
    assert_int_equal(chosen(state, ".", ECDSA), 1);
    assert_int_equal(chosen(state, "unknown.example", 0), 1);
}

static void
when_empty(void **state)
{
    struct ptn_index empty = PTN_INDEX_INIT;
    struct ptn_tls_hello hello = {.server_name = PTN_SLICE("a.b")};

    (void)state;
    enum ptn_index_rule rule;

    assert_null(ptn_index_choose(&empty, &hello, &rule));
    ptn_index_free(&empty);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_name),     cmocka_unit_test(by_wildcard),
        cmocka_unit_test(by_key_type), cmocka_unit_test(without_name),
        cmocka_unit_test(when_empty),  cmocka_unit_test(says_why),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
