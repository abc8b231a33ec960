/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Configurations without mistakes: every value where it belongs, defaults,
 * layers (policies, limits for all), included files, and what is printed.
 */
#include "conf/walk.h"
#include "tests/unit/conf/fixture.h"
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct ptn_conf *
read_text(const char *text, unsigned flags, const struct fixture_store **store)
{
    const char *path = fixture_write(text);
    struct ptn_conf *conf = fixture_read(path, flags, store);

    ptn_conf_print_notes(conf, stderr);
    assert_false(ptn_conf_failed(conf));
    fixture_remove(path);
    return conf;
}

static const char whole[] =
    "server: {\n"
    "  hostname = \"Mail.Example.ORG\"; domains = [ \"Example.org\", "
    "\"b.example\" ];\n"
    "  state = \"state\"; workers = 3; drain_timeout = \"5m\";\n"
    "  log_level = \"debug\"; processes = \"single\"; "
    "user = \"mail\"; warden_user = \"keys\";\n"
    "};\n"
    "load = ( \"store\" );\n"
    "limits: { max_errors = 7; max_line = 4096; };\n"
    "policies: { strict: { min_version = \"1.3\"; tickets = false; }; };\n"
    "certificates: { shop: { names = [ \"shop.example\" ]; key_type = "
    "\"rsa3072\"; }; };\n"
    "store: { path = \"data\"; size = \"5M\"; password = \"hidden\"; };\n"
    "listeners: {\n"
    "  a: { protocol = \"echo\"; listen = [ \"127.0.0.1:7000\", \"[::1]:7000\" "
    "];\n"
    "       shout = true; tls: { mode = \"none\"; };\n"
    "       limits: { max_errors = 9; }; };\n"
    "  b: { protocol = \"other\"; tls: { mode = \"explicit\"; policy = "
    "\"strict\";\n"
    "       require = \"always\"; certificates = [ \"shop\" ]; }; };\n"
    "  c: { protocol = \"other\"; tls: { mode = \"implicit\"; }; };\n"
    "};\n";

static void
server_values(void **state)
{
    struct ptn_conf *conf = read_text(whole, 0, NULL);
    const struct ptn_server_conf *s = &conf->server;

    (void)state;
    assert_string_equal(s->hostname, "mail.example.org");
    assert_int_equal(s->domains.count, 2);
    assert_string_equal(s->domains.items[0], "example.org");
    assert_int_equal(s->workers, 3);
    assert_int_equal(s->drain_timeout, 300000);
    assert_int_equal(s->log_level, 3);
    assert_int_equal(s->processes, PTN_PROCESSES_SINGLE);
    assert_string_equal(s->state, "/tmp/state");
    assert_string_equal(s->control, "/tmp/state/run/control");
    assert_int_equal(s->disk_threads, 4);
    assert_string_equal(s->user, "mail");
    assert_string_equal(s->warden_user, "mail"); /* a single process is one */
    assert_string_equal(conf->load.items[0], "store");
    ptn_conf_free(conf);
}

static void
listener_values(void **state)
{
    struct ptn_conf *conf = read_text(whole, 0, NULL);
    const struct ptn_listener_conf *a = &conf->listeners[0];
    const struct fixture_echo *echo = a->protocol_options;

    (void)state;
    assert_int_equal(conf->listener_count, 3);
    assert_string_equal(a->name, "a");
    assert_string_equal(a->protocol->name, "echo");
    assert_true(echo->shout);
    assert_string_equal(echo->prompt, "> ");
    assert_int_equal(a->address_count, 2);
    assert_string_equal(a->addresses[1].host, "::1");
    assert_int_equal(a->addresses[1].port, 7000);
    assert_int_equal(a->place.line, 12);
    /* Its own limit, then that of all, then the default. */
    assert_int_equal(a->limits.max_errors, 9);
    assert_int_equal(a->limits.max_line, 4096);
    assert_int_equal(a->limits.auth_attempts, 3);
    assert_int_equal(conf->listeners[1].limits.max_errors, 7);
    ptn_conf_free(conf);
}

static void
tls_values(void **state)
{
    struct ptn_conf *conf = read_text(whole, 0, NULL);
    const struct ptn_tls_conf *b = &conf->listeners[1].tls;
    const struct ptn_tls_conf *c = &conf->listeners[2].tls;

    (void)state;
    assert_int_equal(conf->listeners[0].tls.mode, PTN_TLS_NONE);
    assert_int_equal(b->mode, PTN_TLS_EXPLICIT);
    assert_int_equal(b->require, PTN_REQUIRE_ALWAYS);
    assert_int_equal(b->min_version, PTN_TLS_1_3);
    assert_int_equal(b->max_version, PTN_TLS_1_3);
    assert_false(b->tickets);
    assert_string_equal(b->certs[0]->name, "shop");
    assert_int_equal(b->certs[0]->key_type, PTN_KEY_RSA_3072);
    assert_int_equal(c->mode, PTN_TLS_IMPLICIT);
    assert_int_equal(c->min_version, PTN_TLS_1_2);
    assert_true(c->tickets);
    /* `default` is there without being described, for the server's name. */
    assert_string_equal(c->certs[0]->name, "default");
    assert_string_equal(c->certs[0]->names.items[0], "mail.example.org");
    assert_int_equal(conf->cert_count, 2);
    /* The protocol's own ports, by TLS mode. */
    assert_int_equal(conf->listeners[1].addresses[0].port, 7);
    assert_int_equal(conf->listeners[2].addresses[0].port, 77);
    assert_string_equal(conf->listeners[2].addresses[0].host, "*");
    ptn_conf_free(conf);
}

static char *
printed(const struct ptn_conf *conf)
{
    char *text;
    size_t size;
    FILE *to = open_memstream(&text, &size);

    ptn_conf_print_values(conf, to);
    fclose(to);
    return text;
}

/* Of a listener in the text, which must be good. */
static struct ptn_conf *
read_tls(const char *policies, const char *tls)
{
    char text[2000];

    snprintf(text, sizeof text,
             "load = [ \"store\" ]; server: { hostname = \"a.example\"; };\n"
             "store: { path = \"data\"; };\n%s\n"
             "listeners: { b: { protocol = \"other\"; tls: {\n"
             "mode = \"implicit\"; %s }; }; };\n",
             policies, tls);
    return read_text(text, PTN_CONF_RECORD, NULL);
}

#define AEAD                                                                   \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"               \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"               \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

/* Mozilla's lists, less what RFC 9325 section 4.1 speaks against. */
static void
built_in_policies(void **state)
{
    static const char suites[] = "TLS_AES_128_GCM_SHA256:"
                                 "TLS_AES_256_GCM_SHA384:"
                                 "TLS_CHACHA20_POLY1305_SHA256";
    static const char old[] =
        AEAD ":ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:"
             "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:"
             "ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:"
             "ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA";
    static const struct {
        const char *tls, *policy;
        int min;
        const char *ciphers;
    } cases[] = {
        {"", "intermediate", PTN_TLS_1_2, AEAD},
        {"policy = \"intermediate\";", "intermediate", PTN_TLS_1_2, AEAD},
        {"policy = \"modern\";", "modern", PTN_TLS_1_3, NULL},
        /* Not all of it: the fixture's library has no TLS 1.0. */
        {"policy = \"legacy\"; min_version = \"1.2\";", "legacy", PTN_TLS_1_2,
         old},
    };

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(cases); i++) {
        struct ptn_conf *conf = read_tls("", cases[i].tls);
        const struct ptn_tls_conf *tls = &conf->listeners[0].tls;

        assert_string_equal(tls->policy, cases[i].policy);
        assert_int_equal(tls->min_version, cases[i].min);
        assert_int_equal(tls->max_version, PTN_TLS_1_3);
        assert_string_equal(tls->suites, suites);
        assert_string_equal(tls->groups, "X25519:P-256:P-384");
        assert_int_equal(!tls->ciphers, !cases[i].ciphers);
        if (tls->ciphers)
            assert_string_equal(tls->ciphers, cases[i].ciphers);
        assert_null(tls->legacy);
        ptn_conf_free(conf);
    }
}

/* The listener's own words, then its policy's, then of what that is based
 * on. */
static void
layers_of_policies(void **state)
{
    struct ptn_conf *conf = read_tls(
        "policies: { strict: { based_on = \"modern\"; tickets = false; "
        "groups = \"X25519\"; }; };",
        "policy = \"strict\"; groups = \"P-384\";");
    const struct ptn_tls_conf *tls = &conf->listeners[0].tls;
    char *text;

    (void)state;
    text = printed(conf);
    assert_int_equal(tls->min_version, PTN_TLS_1_3);
    assert_false(tls->tickets);
    assert_string_equal(tls->groups, "P-384");
    assert_non_null(strstr(text, "b.tls.min_version = \"1.3\";  # policy "
                                 "modern\n"));
    assert_non_null(strstr(text, "b.tls.tickets = false;  # /"));
    assert_non_null(strstr(text, "b.tls.alpn_strict = false;  # default"));
    free(text);
    ptn_conf_free(conf);
}

static void
legacy_exception(void **state)
{
    struct ptn_conf *conf = read_tls(
        "", "policy = \"modern\"; legacy: { versions = [ \"TLSv1.2\" ]; "
            "networks = [ \"192.0.2.7\", \"2001:db8::/32\" ]; "
            "until = \"2999-01-31\"; };");
    const struct ptn_tls_conf *tls = &conf->listeners[0].tls;

    (void)state;
    assert_int_equal(tls->min_version, PTN_TLS_1_3);
    assert_int_equal(tls->legacy->min_version, PTN_TLS_1_2);
    assert_string_equal(tls->legacy->ciphers, AEAD);
    assert_int_equal(tls->legacy->cidrs[0].bits, 128);
    assert_int_equal(tls->legacy->cidrs[1].bits, 32);
    assert_int_equal(tls->legacy->ends, INT64_C(32474822400)); /* date -d */
    ptn_conf_free(conf);
    conf = read_tls("", "policy = \"modern\"; legacy: { versions = [ \"1.2\" ];"
                        "networks = [ \"::1\" ]; "
                        "until = \"2999-01-31T12:00:00Z\"; };");
    assert_int_equal(conf->listeners[0].tls.legacy->ends,
                     INT64_C(32474822400) - 43200);
    ptn_conf_free(conf);
}

static void
module_block(void **state)
{
    const struct fixture_store *store;
    struct ptn_conf *conf = read_text(whole, 0, &store);

    (void)state;
    assert_string_equal(store->path, "/tmp/data");
    assert_int_equal(store->size, 5 << 20);
    assert_string_equal(store->password, "hidden");
    ptn_conf_free(conf);
}

static void
shown_with_origin(void **state)
{
    struct ptn_conf *conf = read_text(whole, PTN_CONF_RECORD, NULL);
    char *text = printed(conf);

    (void)state;
    assert_non_null(strstr(text, "server.workers = 3;  # /tmp/"));
    assert_non_null(strstr(text, "server.disk_threads = 4;  # default\n"));
    assert_non_null(strstr(text, "store.size = \"5M\";"));
    assert_non_null(strstr(text, "store.password = (hidden);"));
    assert_null(strstr(text, "\"hidden\""));
    assert_non_null(strstr(text, "listeners.b.tls.min_version = \"1.3\";"));
    assert_non_null(strstr(text, "listeners.b.tls.mode = \"explicit\";"));
    assert_non_null(strstr(text, ":13\n")); /* the line of a.shout */
    free(text);
    ptn_conf_free(conf);
}

/* Paths in an included file are seen from that file's folder, and its lines
 * keep their numbers. */
/* A worker keeps the listeners of its group: what their protocols read is
 * theirs, not that of those which stood in their places. */
static void
one_group(void **state)
{
    const char *path = fixture_write(
        "load = [ ];\n"
        "groups: { lab: { }; };\n"
        "listeners: {\n"
        "  a: { protocol = \"echo\"; listen = [ \"127.0.0.1:7000\" ];\n"
        "       prompt = \"a\"; tls: { mode = \"none\"; }; };\n"
        "  b: { protocol = \"chat\"; listen = [ \"127.0.0.1:7001\" ];\n"
        "       tls: { mode = \"none\"; }; };\n"
        "  c: { protocol = \"echo\"; listen = [ \"127.0.0.1:7002\" ];\n"
        "       group = \"lab\"; prompt = \"c\"; shout = true;\n"
        "       tls: { mode = \"none\"; }; };\n"
        "};\n");
    struct ptn_conf *conf = ptn_conf_read(path, 0);
    const struct fixture_echo *echo;

    (void)state;
    ptn_conf_keep_group(conf, "lab");
    fixture_bind(conf);
    ptn_conf_print_notes(conf, stderr);
    assert_false(ptn_conf_failed(conf));
    assert_int_equal(conf->listener_count, 1);
    assert_string_equal(conf->listeners[0].name, "c");
    echo = conf->listeners[0].protocol_options;
    assert_string_equal(echo->prompt, "c");
    assert_true(echo->shout);
    ptn_conf_free(conf);
    fixture_remove(path);
}

static void
included(void **state)
{
    char folder[] = "/tmp/postern-conf-XXXXXX", path[PATH_MAX];
    const struct fixture_store *store;
    struct ptn_conf *conf;
    FILE *file;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/sub", folder);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/sub/store.inc", folder);
    file = fopen(path, "w");
    fputs("# one\nstore: {\n  path = \"here\";\n};\n", file);
    fclose(file);
    snprintf(path, sizeof path, "%s/main.conf", folder);
    file = fopen(path, "w");
    fputs("load = [ \"store\" ]; /* a comment\n@include \"not this\"\n*/\n"
          "  @include \"sub/store.inc\"\n"
          "listeners: { a: { protocol = \"other\"; tls: { mode = \"none\"; }; "
          "}; };\n",
          file);
    fclose(file);
    conf = fixture_read(path, 0, &store);
    ptn_conf_print_notes(conf, stderr);
    assert_false(ptn_conf_failed(conf));
    snprintf(path, sizeof path, "%s/sub/here", folder);
    assert_string_equal(store->path, path);
    assert_int_equal(conf->listeners[0].place.line, 5);
    ptn_conf_free(conf);
    snprintf(path, sizeof path, "rm -r %s", folder);
    assert_int_equal(system(path), 0);
}

/* A process that is started later reads what the first has read, and the
 * first can tell that the file is another one by now. */
static void
frozen(void **state)
{
    const char *path = fixture_write(whole);
    struct ptn_conf *first = ptn_conf_read(path, 0), *again;
    FILE *file;

    (void)state;
    assert_false(ptn_conf_has_changed(first));
    file = fopen(path, "w");
    fputs("nonsense", file);
    fclose(file);
    assert_true(ptn_conf_has_changed(first));
    again = ptn_conf_again(first, 0);
    assert_false(ptn_conf_failed(again));
    assert_int_equal(again->server.workers, 3);
    assert_int_equal(again->listeners[1].place.line, 15);
    ptn_conf_free(again);
    ptn_conf_free(first);
    fixture_remove(path);
}

/* The line map of long files: libconfig itself counts far enough. */
static void
far_lines(void **state)
{
    struct ptn_buf text = PTN_BUF_INIT;
    const char *path;
    char *notes;

    (void)state;
    for (int i = 0; i < 70000; i++)
        ptn_buf_addc(&text, '\n');
    ptn_buf_adds(&text, "load = [ ];\nlisteners: { a: { protocol = \"x\"; }; "
                        "};\n");
    path = fixture_write(ptn_buf_cstr(&text));
    notes = fixture_notes(path);
    assert_non_null(strstr(notes, ":70002: listeners.a.tls.mode: is required"));
    free(notes);
    fixture_remove(path);
    ptn_buf_free(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(server_values),
        cmocka_unit_test(listener_values),
        cmocka_unit_test(tls_values),
        cmocka_unit_test(built_in_policies),
        cmocka_unit_test(layers_of_policies),
        cmocka_unit_test(legacy_exception),
        cmocka_unit_test(module_block),
        cmocka_unit_test(shown_with_origin),
        cmocka_unit_test(one_group),
        cmocka_unit_test(included),
        cmocka_unit_test(frozen),
        cmocka_unit_test(far_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
