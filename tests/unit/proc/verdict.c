/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is known of certificates, and what an activation makes of it.
 */
#include "proc/activation.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define OLD "1111111111111111111111111111111111111111111111111111111111111111"
#define NEW "2222222222222222222222222222222222222222222222222222222222222222"

struct scene {
    struct ptn_ledger ledger;
    unsigned confirmed, restored;
};

static int
setup(void **state)
{
    struct scene *s = ptn_alloc(sizeof *s);

    s->ledger = PTN_LEDGER_INIT;
    *state = s;
    return 0;
}

static int
teardown(void **state)
{
    struct scene *s = *state;

    ptn_ledger_free(&s->ledger);
    ptn_free(s);
    return 0;
}

static bool
tell(struct scene *s, const char *fingerprint, const char *refused, bool first)
{
    struct ptn_keys_word word = {.name = "shop",
                                 .not_after = INT64_C(4000000000),
                                 .since = 5,
                                 .refused = refused};
    struct ptn_buf line = PTN_BUF_INIT;
    bool changed;

    snprintf(word.fingerprint, sizeof word.fingerprint, "%s", fingerprint);
    ptn_ledger_write_word(&word, &line);
    changed = ptn_ledger_take(&s->ledger, ptn_buf_slice(&line), first);
    ptn_buf_free(&line);
    return changed;
}

static struct ptn_ledger_entry *
shop(const struct scene *s)
{
    return ptn_ledger_find(&s->ledger, "shop");
}

static void
confirm(void *arg, const struct ptn_ledger_entry *e)
{
    struct scene *s = arg;

    assert_string_equal(e->name, "shop");
    s->confirmed++;
}

static void
restore(void *arg, const struct ptn_ledger_entry *e)
{
    struct scene *s = arg;

    assert_string_equal(e->name, "shop");
    s->restored++;
}

static void
check(struct scene *s)
{
    struct ptn_buf names = PTN_BUF_INIT;

    assert_int_equal(ptn_ledger_check(&s->ledger, &names), 1);
    assert_string_equal(ptn_buf_cstr(&names), "certificate\tname=shop\n");
    ptn_buf_free(&names);
}

static void
judge(struct scene *s, const char *served, const char *seen)
{
    const struct ptn_verdicts v = {&s->ledger, confirm, restore, s};

    ptn_activation_judge(&v, ptn_slice_of(served), ptn_slice_of(seen));
}

#define SERVES(fingerprint)                                                    \
    "serves\tcertificate=shop\tfingerprint=" fingerprint "\tworker=0\n"
#define SEEN(listener, outcome)                                                \
    "seen\tcertificate=shop\tmeant=" NEW "\tlistener=" listener                \
    "\toutcome=" outcome "\n"

static void
all_agree(void **state)
{
    struct scene *s = *state;

    assert_false(tell(s, OLD, NULL, true));
    assert_string_equal(ptn_ledger_word(shop(s)), "");
    assert_true(tell(s, NEW, NULL, false));
    assert_string_equal(ptn_ledger_word(shop(s)), "new");
    check(s);
    judge(s, SERVES(NEW),
          SEEN("imap", "same") SEEN("imaps", "same") SEEN("imap", "same"));
    assert_int_equal(shop(s)->state, PTN_LEDGER_LIVE);
    assert_string_equal(shop(s)->where, "imap, imaps");
    assert_int_equal(s->confirmed, 1);
    assert_int_equal(s->ledger.changes, 1);
    assert_false(tell(s, NEW, NULL, false));
}

static void
one_differs(void **state)
{
    struct scene *s = *state;

    (void)tell(s, OLD, NULL, true);
    (void)tell(s, NEW, NULL, false);
    check(s);
    judge(s, SERVES(NEW), SEEN("imap", "same") SEEN("imaps", "other"));
    assert_int_equal(shop(s)->state, PTN_LEDGER_ALARM);
    assert_non_null(strstr(shop(s)->why, "imaps"));
    assert_int_equal(s->restored, 1);
    assert_int_equal(s->confirmed, 0);
    /* The one before is seen: the alarm stays. */
    assert_true(tell(s, OLD, "not served", false));
    check(s);
    judge(s, SERVES(OLD), "");
    assert_int_equal(shop(s)->state, PTN_LEDGER_ALARM);
    assert_string_equal(shop(s)->alarm_of, NEW);
    assert_int_equal(s->confirmed, 1);
    /* Its files are back, too. */
    assert_true(tell(s, OLD, NULL, false));
    check(s);
    judge(s, SERVES(OLD), "");
    assert_int_equal(shop(s)->state, PTN_LEDGER_LIVE);
}

static void
the_one_before_differs_too(void **state)
{
    struct scene *s = *state;

    (void)tell(s, OLD, NULL, true);
    (void)tell(s, NEW, NULL, false);
    check(s);
    judge(s, "", SEEN("imaps", "failed"));
    (void)tell(s, OLD, "not served", false);
    check(s);
    judge(s, SERVES(NEW), "");
    assert_int_equal(shop(s)->state, PTN_LEDGER_ALARM);
    assert_string_equal(shop(s)->alarm_of, NEW); /* that was first */
    assert_int_equal(s->restored, 1);            /* and no more */
}

static void
a_worker_did_not_take_it(void **state)
{
    struct scene *s = *state;

    (void)tell(s, OLD, NULL, true);
    (void)tell(s, NEW, NULL, false);
    check(s);
    assert_false(ptn_activation_is_good(&s->ledger, PTN_SLICE(SERVES(OLD)),
                                        PTN_SLICE(SEEN("imap", "same"))));
    judge(s, SERVES(NEW) SERVES(OLD), SEEN("imap", "same"));
    assert_int_equal(shop(s)->state, PTN_LEDGER_ALARM);
}

static void
nobody_could_look(void **state)
{
    struct scene *s = *state;

    (void)tell(s, OLD, NULL, true);
    (void)tell(s, NEW, NULL, false);
    check(s);
    judge(s, SERVES(NEW), SEEN("imap", "away"));
    assert_int_equal(shop(s)->state, PTN_LEDGER_UNSEEN);
    assert_int_equal(s->confirmed, 1);
    assert_int_equal(s->restored, 0);
}

static void
it_changes_meanwhile(void **state)
{
    struct scene *s = *state;

    (void)tell(s, OLD, NULL, true);
    (void)tell(s, NEW, NULL, false);
    check(s);
    (void)tell(s, OLD, NULL, false);
    judge(s, SERVES(NEW), SEEN("imap", "other"));
    assert_int_equal(shop(s)->state, PTN_LEDGER_TAKEN);
    assert_true(shop(s)->changed); /* the next round's */
    assert_int_equal(s->restored + s->confirmed, 0);
}

static void
a_refusal_changes_nothing(void **state)
{
    struct scene *s = *state;
    struct ptn_buf out = PTN_BUF_INIT;

    (void)tell(s, OLD, NULL, true);
    assert_false(tell(s, OLD, "no PEM", false));
    ptn_ledger_annotate(&s->ledger, PTN_SLICE("certificate\tname=shop\n"),
                        &out);
    assert_non_null(strstr(ptn_buf_cstr(&out), "\trefusal=no PEM"));
    ptn_buf_free(&out);
    assert_false(tell(s, OLD, NULL, false));
    ptn_ledger_answer(&s->ledger, PTN_SLICE("name=shop"), &out);
    assert_null(strstr(ptn_buf_cstr(&out), "refusal"));
    assert_non_null(strstr(ptn_buf_cstr(&out), "\tmeant=" OLD));
    ptn_buf_free(&out);
}

static void
what_is_not_used_any_more_is_forgotten(void **state)
{
    struct scene *s = *state;

    (void)tell(s, OLD, NULL, true);
    (void)ptn_ledger_take(
        &s->ledger, PTN_SLICE("certificate\tname=gone\tfingerprint=" OLD "\n"),
        true);
    assert_int_equal(s->ledger.count, 2);
    ptn_ledger_keep(&s->ledger, PTN_SLICE("certificate\tname=shop\n"));
    assert_int_equal(s->ledger.count, 1);
    assert_non_null(shop(s));
    assert_null(ptn_ledger_find(&s->ledger, "gone"));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(all_agree),
        TEST(one_differs),
        TEST(the_one_before_differs_too),
        TEST(a_worker_did_not_take_it),
        TEST(nobody_could_look),
        TEST(it_changes_meanwhile),
        TEST(a_refusal_changes_nothing),
        TEST(what_is_not_used_any_more_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
