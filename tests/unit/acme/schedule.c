/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * When to renew, how long to wait after failures, and what of it outlives a
 * restart.
 */
#include "tests/unit/acme/fixture.h"
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define DAY 86400

static const struct acme_schedule plain = {66, false};

static int64_t
due(struct fixture *f, int days, unsigned percent)
{
    struct acme_schedule how = {percent, true}; /* nobody answers */
    struct ptn_buf pem = PTN_BUF_INIT;
    struct acme_failure failure;
    int64_t now = (int64_t)time(NULL), moment, look;

    fixture_certificate("mx.example.test", now, days, false, &pem);
    assert_int_equal(acme_renewal(f->client, ptn_buf_slice(&pem), &how, &moment,
                                  &look, &failure),
                     0);
    assert_in_range(look, now + 60, now + DAY + 60);
    ptn_buf_free(&pem);
    return moment - now;
}

static void
test_part_of_life(void **state)
{
    assert_in_range(due(*state, 90, 66), 57 * DAY - 1, 60 * DAY);
    assert_in_range(due(*state, 6, 66), 6 * DAY * 63 / 100, 4 * DAY);
    assert_in_range(due(*state, 90, 50), 42 * DAY, 45 * DAY);
}

/* The same at each start; another for another certificate. */
static void
test_spread(void **state)
{
    struct fixture *f = *state;
    struct acme_failure failure;
    int64_t now = (int64_t)time(NULL), first = 0, look, moment;
    bool differs = false;

    for (int i = 0; i < 8; i++) {
        struct ptn_buf pem = PTN_BUF_INIT;
        int64_t again;

        fixture_certificate("mx.example.test", now, 90, false, &pem);
        acme_renewal(f->client, ptn_buf_slice(&pem), &plain, &moment, &look,
                     &failure);
        acme_renewal(f->client, ptn_buf_slice(&pem), &plain, &again, &look,
                     &failure);
        assert_int_equal(moment, again);
        differs = differs || (first && moment != first);
        first = moment;
        ptn_buf_free(&pem);
    }
    assert_true(differs);
    assert_int_equal(acme_renewal(f->client, PTN_SLICE("no PEM"), &plain,
                                  &moment, &look, &failure),
                     -1);
}

/* RFC 9773 section 4.1: a serial whose first bit is set has an octet more. */
static void
test_id(void **state)
{
    struct ptn_buf pem = PTN_BUF_INIT, id = PTN_BUF_INIT;
    const char *dot;

    (void)state;
    fixture_certificate("mx.example.test", 0, 1, false, &pem);
    assert_true(acme_certificate_id(ptn_buf_slice(&pem), &id));
    dot = strchr(ptn_buf_cstr(&id), '.');
    assert_non_null(dot);
    assert_string_equal(dot + 1, "AIdlQyGHZUMh");
    id.len = pem.len = 0;
    fixture_certificate("mx.example.test", 0, 1, true, &pem);
    assert_false(acme_certificate_id(ptn_buf_slice(&pem), &id));
    ptn_buf_free(&pem);
    ptn_buf_free(&id);
}

static void
test_serves(void **state)
{
    const char *one[] = {"MX.example.test"},
               *two[] = {"mx.example.test", "pop.example.test"},
               *wild[] = {"*.example.test"};
    struct ptn_strings names = {one, 1};
    struct ptn_buf pem = PTN_BUF_INIT;

    (void)state;
    fixture_certificate("mx.example.test", 0, 1, false, &pem);
    assert_true(acme_certificate_serves(ptn_buf_slice(&pem), &names));
    names = (struct ptn_strings){two, 2};
    assert_false(acme_certificate_serves(ptn_buf_slice(&pem), &names));
    names = (struct ptn_strings){wild, 1};
    assert_false(acme_certificate_serves(ptn_buf_slice(&pem), &names));
    pem.len = 0;
    fixture_certificate("mx.example.test", 0, 1, true, &pem);
    names = (struct ptn_strings){one, 1};
    assert_false(acme_certificate_serves(ptn_buf_slice(&pem), &names));
    assert_false(acme_certificate_serves(PTN_SLICE(""), &names));
    ptn_buf_free(&pem);
}

/* No more than five failures an hour for a name, whatever happens: that is
 * the narrowest limit of the authorities that we know. */
static void
test_backoff(void **state)
{
    int64_t sum = 0;
    unsigned in_an_hour = 0;

    (void)state;
    for (unsigned n = 1; n < 50; n++) {
        assert_true(acme_backoff(n) >= acme_backoff(n > 1 ? n - 1 : 1));
        assert_true(acme_backoff(n) <= 12 * 3600);
        sum += acme_backoff(n);
        in_an_hour += sum < 3600;
    }
    assert_int_equal(acme_backoff(1), 60);
    assert_true(in_an_hour < 5);
    assert_int_equal(acme_backoff(UINT32_MAX), 12 * 3600);
}

static void
test_state(void **state)
{
    struct fixture *f = *state;
    struct acme_state s = {.last = 1, .next = 1LL << 40, .failures = 3}, back;
    char path[128];
    FILE *file;

    strcpy(s.problem, "\"quoted\" \\ and \x7f");
    strcpy(s.order, "https://a.test/order/1");
    strcpy(s.directory, "https://a.test/dir");
    assert_int_equal(acme_state_write(f->folder, "public", &s), 0);
    acme_state_read(f->folder, "public", "https://a.test/dir", &back);
    assert_memory_equal(&s, &back, sizeof s);
    /* Another authority has nothing to do with it. */
    acme_state_read(f->folder, "public", "https://b.test/dir", &back);
    assert_int_equal(back.failures, 0);
    assert_string_equal(back.order, "");
    /* A file that a crash, or an editor, has left. */
    snprintf(path, sizeof path, "%s/public.json", f->folder);
    file = fopen(path, "w");
    fputs("{\"failures\": \"x\", \"order\": 7", file);
    fclose(file);
    acme_state_read(f->folder, "public", "https://a.test/dir", &back);
    assert_int_equal(back.failures, 0);
    assert_int_equal(acme_state_write("/nonexistent", "public", &s), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_part_of_life, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_spread, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test(test_id),
        cmocka_unit_test(test_serves),
        cmocka_unit_test(test_backoff),
        cmocka_unit_test_setup_teardown(test_state, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
