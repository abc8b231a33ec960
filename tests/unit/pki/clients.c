/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is read of client certificates, and which user one is.
 */
#include "pki/clients.h"
#include "conf/conf.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define PRINT "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char folder[] = "/tmp/postern-clients-XXXXXX";
static char map_path[64], ca_path[64];

static int
setup(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(map_path, sizeof map_path, "%s/map", folder);
    snprintf(ca_path, sizeof ca_path, "%s/ca", folder);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    unlink(map_path);
    unlink(ca_path);
    return rmdir(folder);
}

static void
put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static struct ptn_tls_conf
conf_with(bool map)
{
    return (struct ptn_tls_conf){.client = PTN_TLS_PEER_REQUESTED,
                                 .client_ca = ca_path,
                                 .client_map = map ? map_path : NULL};
}

static const char *
user_of(const struct ptn_clients *c, const struct ptn_tls_conf *tls,
        const char *name, const char *print)
{
    struct ptn_tls_info info = {.peer_name = name, .peer_fingerprint = print};

    return ptn_clients_user(c, tls, &info);
}

static void
by_its_own_name(void **state)
{
    struct ptn_tls_conf tls = conf_with(false);
    struct ptn_clients c;
    struct ptn_error err = PTN_ERROR_INIT;

    (void)state;
    put(ca_path, "authorities\n");
    assert_int_equal(ptn_clients_read(&tls, &c, &err), 0);
    assert_true(ptn_slice_eq(ptn_buf_slice(&c.ca), PTN_SLICE("authorities\n")));
    assert_string_equal(user_of(&c, &tls, "ann@example.org", PRINT),
                        "ann@example.org");
    assert_null(user_of(&c, &tls, "", PRINT));
    assert_null(user_of(&c, &tls, NULL, PRINT));
    ptn_clients_free(&c);
}

static void
by_the_map(void **state)
{
    struct ptn_tls_conf tls = conf_with(true);
    struct ptn_clients c;
    struct ptn_error err = PTN_ERROR_INIT;

    (void)state;
    put(map_path, "# name user\n\nAnn@Example.ORG  ann \r\n"
                  "\tjoe\tjoseph@example.org\n"
                  "sha256:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:"
                  "23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF boss");
    assert_int_equal(ptn_clients_read(&tls, &c, &err), 0);
    assert_string_equal(user_of(&c, &tls, "ann@example.org", "77"), "ann");
    assert_string_equal(user_of(&c, &tls, "ANN@example.org", "77"), "ann");
    assert_string_equal(user_of(&c, &tls, "joe", "77"), "joseph@example.org");
    assert_string_equal(user_of(&c, &tls, "joe", PRINT), "boss");
    assert_string_equal(user_of(&c, &tls, "", PRINT), "boss");
    assert_null(user_of(&c, &tls, "jim", "77"));
    assert_null(user_of(&c, &tls, "sha256:" PRINT, "77"));
    ptn_clients_free(&c);
}

static void
fails(const char *map, const char *words)
{
    struct ptn_tls_conf tls = conf_with(map != NULL);
    struct ptn_clients c;
    struct ptn_error err = PTN_ERROR_INIT;

    if (map)
        put(map_path, map);
    assert_int_equal(ptn_clients_read(&tls, &c, &err), -1);
    if (!strstr(err.text, words))
        fail_msg("%s", err.text);
}

static void
fails_closed(void **state)
{
    (void)state;
    fails("ann\n", "map:1: a name and a user are needed");
    fails("\nann a b\n", "map:2: a name and a user are needed");
    fails("ann a\nANN b\n", "map:2: \"ann\" is there twice");
    fails("sha256:0123 a\n", "map:1: sha256: and 64 hexadecimal digits");
    fails("sha256:" PRINT "g a\n", "map:1: sha256: and 64");
    unlink(ca_path);
    fails(NULL, "client_ca: /tmp/postern-clients-");
    fails(NULL, "cannot be read: No such file");
}

static void
nothing_without_client(void **state)
{
    struct ptn_tls_conf tls = conf_with(true);
    struct ptn_clients c;

    (void)state;
    tls.client = PTN_TLS_PEER_IGNORED;
    assert_int_equal(ptn_clients_read(&tls, &c, NULL), 0);
    assert_int_equal(c.ca.len + c.map.len, 0);
    ptn_clients_free(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_its_own_name),
        cmocka_unit_test(by_the_map),
        cmocka_unit_test(fails_closed),
        cmocka_unit_test(nothing_without_client),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
