/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is signed and how it is written, with OpenSSL as the judge; and the
 * examples of the RFCs.
 */
#include "tests/unit/acme/fixture.h"
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <stdlib.h>

static void
test_base64url(void **state)
{
    struct ptn_buf text = PTN_BUF_INIT;

    (void)state;
    /* RFC 7515 appendix C. */
    acme_base64url((struct ptn_slice){"\x03\xec\xff\xe0\xc1", 5}, &text);
    assert_string_equal(ptn_buf_cstr(&text), "A-z_4ME");
    ptn_buf_free(&text);
}

/* RFC 7638 section 3.1 has an RSA key; ours is worked out from its text. */
static void
test_thumbprint(void **state)
{
    struct fixture *f = *state;
    struct acme_failure failure;
    struct ptn_buf text = PTN_BUF_INIT, digest = PTN_BUF_INIT;
    const char *x, *y;

    assert_int_equal(acme_jwk(f->client, &failure), 0);
    x = json_string_value(json_object_get(f->client->jwk, "x"));
    y = json_string_value(json_object_get(f->client->jwk, "y"));
    assert_int_equal(strlen(x), 43);
    assert_int_equal(strlen(y), 43);
    ptn_buf_printf(
        &text, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}",
        x, y);
    acme_digest(ptn_buf_slice(&text), &digest);
    assert_string_equal(f->client->thumbprint, ptn_buf_cstr(&digest));
    assert_int_equal(digest.len, 43);
    ptn_buf_free(&text);
    ptn_buf_free(&digest);
}

static void
decode(const char *text, struct ptn_buf *out)
{
    struct ptn_buf plain = PTN_BUF_INIT;

    for (; *text; text++)
        ptn_buf_addc(&plain, *text == '-' ? '+' : *text == '_' ? '/' : *text);
    while (plain.len % 4)
        ptn_buf_addc(&plain, '=');
    assert_true(ptn_base64_decode(out, ptn_buf_slice(&plain)));
    ptn_buf_free(&plain);
}

/* RFC 8555 section 7.3.4. */
static void
test_binding(void **state)
{
    struct fixture *f = *state;
    struct acme_failure failure;
    struct ptn_buf input = PTN_BUF_INIT, head = PTN_BUF_INIT,
                   mac = PTN_BUF_INIT;
    unsigned char expected[32];
    json_t *jws, *object;

    f->client->settings.eab_kid = "kid-1";
    f->client->settings.eab_key = "c2VjcmV0LXNlY3JldA"; /* secret-secret */
    assert_int_equal(acme_jwk(f->client, &failure), 0);
    jws = acme_binding(f->client, "https://a.test/new", &failure);
    assert_non_null(jws);
    ptn_buf_printf(&input, "%s.%s",
                   json_string_value(json_object_get(jws, "protected")),
                   json_string_value(json_object_get(jws, "payload")));
    HMAC(EVP_sha256(), "secret-secret", 13, (unsigned char *)input.data,
         input.len, expected, NULL);
    decode(json_string_value(json_object_get(jws, "signature")), &mac);
    assert_int_equal(mac.len, sizeof expected);
    assert_memory_equal(mac.data, expected, sizeof expected);
    decode(json_string_value(json_object_get(jws, "protected")), &head);
    object = json_loadb(head.data, head.len, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(object, "alg")),
                        "HS256");
    assert_string_equal(json_string_value(json_object_get(object, "kid")),
                        "kid-1");
    json_decref(object);
    json_decref(jws);
    ptn_buf_free(&input);
    ptn_buf_free(&head);
    ptn_buf_free(&mac);
    f->client->settings.eab_key = "not!base64";
    assert_null(acme_binding(f->client, "https://a.test/new", &failure));
    assert_non_null(strstr(failure.text, "eab_key_file"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64url),
        cmocka_unit_test_setup_teardown(test_thumbprint, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_binding, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
