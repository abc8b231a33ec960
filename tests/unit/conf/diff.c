/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a reload would change: a configuration, the same with one thing
 * edited, and what the comparison says of each listener and group. Loaded
 * modules are those of the fixture; listeners with the protocol "echo" run
 * through the module "store".
 */
#include "conf/diff.h"
#include "tests/unit/conf/fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const char base[] =
    "server: { hostname = \"mail.example.org\"; state = \"/tmp/s\"; };\n"
    "load = [ \"store\" ];\n"
    "policies: { old: { min_version = \"1.2\"; }; };\n"
    "certificates: {\n"
    "  shop: { cert_file = \"/s.crt\"; key_file = \"/s.key\"; };\n"
    "  spare: { days = 30; };\n"
    "};\n"
    "store: { size = \"5M\"; password = \"hidden\"; };\n"
    "listeners: {\n"
    "  a: { protocol = \"echo\"; listen = [ \"127.0.0.1:7000\" ];\n"
    "       tls: { mode = \"none\"; }; };\n"
    "  b: { protocol = \"other\"; tls: { mode = \"explicit\";\n"
    "       policy = \"old\"; certificates = [ \"shop\" ]; }; };\n"
    "  c: { protocol = \"other\"; tls: { mode = \"implicit\"; }; };\n"
    "};\n";

static const char *
copy(struct ptn_effective *side, const char *text)
{
    return text ? ptn_arena_dup(&side->arena, ptn_slice_of(text)) : NULL;
}

static void
take_values(struct ptn_effective *side, const struct ptn_conf *conf)
{
    for (size_t i = 0; i < conf->value_count; i++) {
        struct ptn_conf_value *v = ptn_effective_add_value(side);

        *v = conf->values[i];
        v->path = copy(side, v->path);
        v->text = copy(side, v->text);
        v->mark = copy(side, v->mark);
        v->place.file = copy(side, v->place.file);
    }
}

static const char *
join_addresses(struct ptn_effective *side, const struct ptn_listener_conf *l)
{
    struct ptn_buf text = PTN_BUF_INIT;
    const char *result;

    for (size_t i = 0; i < l->address_count; i++) {
        char one[80];

        ptn_conf_address_text(&l->addresses[i], one, sizeof one);
        ptn_buf_printf(&text, "%s%s", i ? "," : "", one);
    }
    result = copy(side, ptn_buf_cstr(&text));
    ptn_buf_free(&text);
    return result;
}

/* `digest` is that of each certificate's files. */
static struct ptn_effective *
effective(const char *text, const char *digest)
{
    const char *path = fixture_write(text);
    struct ptn_conf *conf = fixture_read(path, PTN_CONF_RECORD, NULL);
    struct ptn_effective *side = ptn_effective_new();

    ptn_conf_print_notes(conf, stderr);
    assert_false(ptn_conf_failed(conf));
    take_values(side, conf);
    for (size_t i = 0; i < conf->listener_count; i++) {
        const struct ptn_listener_conf *l = &conf->listeners[i];
        struct ptn_effective_listener *out = ptn_effective_add_listener(side);
        bool echo = strcmp(l->protocol_name, "echo") == 0;

        out->name = copy(side, l->name);
        out->group = copy(side, l->group ? l->group : PTN_GROUP_MAIN);
        out->addresses = join_addresses(side, l);
        out->modules = echo ? "echo,store" : "other";
        out->certificates = l->tls.mode == PTN_TLS_NONE
                                ? ""
                                : copy(side, l->tls.certificates.items[0]);
        out->place.line = l->place.line;
    }
    for (size_t i = 0; i < conf->cert_count; i++) {
        struct ptn_effective_cert *c = ptn_effective_add_cert(side);

        c->name = copy(side, conf->certs[i].name);
        c->digest = digest;
        c->path = "/s.crt";
    }
    ptn_conf_free(conf);
    fixture_remove(path);
    return side;
}

/* `base` with the first `from` replaced. */
static char *
edited(const char *from, const char *to)
{
    struct ptn_buf out = PTN_BUF_INIT;
    const char *at = strstr(base, from);

    assert_non_null(at);
    ptn_buf_add(&out, base, (size_t)(at - base));
    ptn_buf_adds(&out, to);
    ptn_buf_adds(&out, at + strlen(from));
    (void)ptn_buf_cstr(&out);
    return out.data;
}

static struct ptn_diff *
diff_of(const char *from, const char *to)
{
    char *text = edited(from, to);
    struct ptn_diff *d =
        ptn_diff_new(effective(base, "1"), effective(text, "1"));

    ptn_free(text);
    return d;
}

static void
print_changes(const struct ptn_diff_changes *list, struct ptn_buf *out)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct ptn_diff_change *c = list->items[i];

        ptn_buf_printf(out, "  %s: %s -> %s\n", c->path,
                       c->old ? c->old : "(none)", c->now ? c->now : "(none)");
    }
}

/* All that is not as it was, a line each. */
static char *
told(const struct ptn_diff *d)
{
    struct ptn_buf out = PTN_BUF_INIT;

    for (size_t i = 0; i < d->listener_count; i++) {
        const struct ptn_diff_listener *l = &d->listeners[i];

        if (l->action == PTN_DIFF_UNCHANGED) {
            assert_int_equal(l->reasons.count, 0);
            continue;
        }
        ptn_buf_printf(&out, "%s %s\n", l->name,
                       ptn_diff_action_name(l->action));
        print_changes(&l->reasons, &out);
    }
    for (size_t i = 0; i < d->group_count; i++) {
        const struct ptn_diff_group *g = &d->groups[i];

        if (g->action != PTN_GROUP_UNTOUCHED)
            ptn_buf_printf(&out, "[%s] %s\n", g->name,
                           ptn_diff_group_name(g->action));
        print_changes(&g->reasons, &out);
    }
    (void)ptn_buf_cstr(&out);
    return out.data;
}

static void
expect(const char *from, const char *to, const char *wanted)
{
    struct ptn_diff *d = diff_of(from, to);
    char *text = told(d);

    assert_string_equal(text, wanted);
    assert_int_equal(d->refused, 0);
    ptn_free(text);
    ptn_diff_free(d);
}

static void
nothing(void **state)
{
    (void)state;
    expect("load", "load", "");
    /* Written otherwise, and meant the same. */
    expect("\"5M\"", "\"5120k\"", "");
    expect("policy = \"old\"", "min_version = \"1.2\"", "");
    expect("protocol = \"other\"; tls: { mode = \"imp",
           "protocol = \"other\"; listen = [ \"*:77\" ]; tls: { mode = \"imp",
           "");
}

static void
own_values(void **state)
{
    (void)state;
    expect("protocol = \"echo\";", "protocol = \"echo\"; shout = true;",
           "a policy\n  listeners.a.shout: false -> true\n"
           "[main] touched\n");
    expect("protocol = \"echo\";", "protocol = \"chat\";",
           "a policy\n"
           "  listeners.a.protocol: \"echo\" -> \"chat\"\n"
           "  listeners.a.shout: false -> (none)\n"
           "  listeners.a.prompt: \"> \" -> (none)\n"
           "  load: echo,store -> other\n"
           "[main] touched\n");
}

static void
addresses(void **state)
{
    (void)state;
    expect("127.0.0.1:7000", "127.0.0.1:7001",
           "a rebind\n"
           "  listeners.a.listen: 127.0.0.1:7000 -> 127.0.0.1:7001\n"
           "[main] touched\n");
    expect("protocol = \"other\"; tls: { mode = \"implicit\"",
           "protocol = \"other\"; listen = [ \"*:8\" ]; tls: { mode = "
           "\"explicit\"",
           "c rebind\n"
           "  listeners.c.listen: *:77 -> *:8\n"
           "  listeners.c.tls.mode: \"implicit\" -> \"explicit\"\n"
           "[main] touched\n");
}

static void
shared_blocks(void **state)
{
    (void)state;
    expect("min_version = \"1.2\"", "min_version = \"1.3\"",
           "b policy\n  listeners.b.tls.min_version: \"1.2\" -> \"1.3\"\n"
           "[main] touched\n");
    expect("\"5M\"", "\"6M\"",
           "a policy\n  store.size: \"5M\" -> \"6M\"\n[main] touched\n");
    expect("listeners:", "limits: { max_errors = 3; };\nlisteners:",
           "a policy\n  listeners.a.limits.max_errors: 20 -> 3\n"
           "b policy\n  listeners.b.limits.max_errors: 20 -> 3\n"
           "c policy\n  listeners.c.limits.max_errors: 20 -> 3\n"
           "[main] touched\n");
    expect("mail.example.org", "mx.example.org",
           "a policy\n  server.hostname: \"mail.example.org\" -> "
           "\"mx.example.org\"\n"
           "b policy\n  server.hostname: \"mail.example.org\" -> "
           "\"mx.example.org\"\n"
           "c policy\n  server.hostname: \"mail.example.org\" -> "
           "\"mx.example.org\"\n"
           "[main] touched\n  server.hostname: \"mail.example.org\" -> "
           "\"mx.example.org\"\n");
}

/* Who authenticates, and how, is said to every session. */
static void
authentication(void **state)
{
    struct ptn_diff *d =
        diff_of("listeners:", "auth: { delay = \"1s\"; };\nlisteners:");

    (void)state;
    for (size_t i = 0; i < d->listener_count; i++)
        assert_int_equal(d->listeners[i].action, PTN_DIFF_POLICY);
    assert_int_equal(ptn_diff_group(d, "main")->action, PTN_GROUP_TOUCHED);
    assert_true(ptn_diff_has(d, "auth."));
    ptn_diff_free(d);
}

static void
a_secret(void **state)
{
    struct ptn_diff *d = diff_of("\"hidden\"", "\"guessed\"");
    char *text = told(d);

    (void)state;
    assert_string_equal(text, "a policy\n"
                              "  store.password: (hidden) -> (hidden)\n"
                              "[main] touched\n");
    assert_null(strstr(d->changes.items[0]->now, "guessed"));
    ptn_free(text);
    ptn_diff_free(d);
}

static void
come_and_gone(void **state)
{
    (void)state;
    expect("\n  c: {", "\n  d: {",
           "d new\n  listeners.d.listen:  -> *:77\n"
           "c drain\n  listeners.c.listen: *:77 -> \n"
           "[main] touched\n");
}

static void
certificates(void **state)
{
    struct ptn_diff *d;
    char *text;

    (void)state;
    expect("/s.crt", "/t.crt",
           "b policy\n"
           "  certificates.shop.cert_file: \"/s.crt\" -> \"/t.crt\"\n"
           "[main] touched\n");
    /* Nobody shows it. */
    expect("days = 30", "days = 31", "");
    d = ptn_diff_new(effective(base, "1"), effective(base, "2"));
    text = told(d);
    assert_string_equal(
        text, "b certificate\n  certificates.shop: (none) -> /s.crt\n"
              "c certificate\n  certificates.default: (none) -> /s.crt\n"
              "[main] certificates\n");
    assert_true(ptn_diff_has_files(d));
    assert_false(ptn_diff_has(d, "certificates."));
    ptn_free(text);
    ptn_diff_free(d);
}

/* What was to be made when the server started is no change later. */
static void
made_meanwhile(void **state)
{
    struct ptn_diff *d =
        ptn_diff_new(effective(base, ""), effective(base, "1"));

    (void)state;
    assert_int_equal(d->changes.count, 0);
    ptn_diff_free(d);
}

static void
restart_needed(void **state)
{
    struct ptn_diff *d = diff_of("state = \"/tmp/s\"", "state = \"/tmp/t\"");

    (void)state;
    /* The control socket is in that folder. */
    assert_int_equal(d->refused, 1);
    assert_string_equal(d->changes.items[0]->path, "server.state");
    assert_true(d->changes.items[0]->flags & PTN_OPT_EXACT);
    assert_int_equal(d->changes.items[0]->place.line, 1);
    assert_int_equal(d->listeners[0].action, PTN_DIFF_UNCHANGED);
    ptn_diff_free(d);
}

/* A value that a reload takes over without new workers. */
static void
live(void **state)
{
    struct ptn_diff *d = diff_of("server: {", "server: { watchdog = \"50s\"; ");

    (void)state;
    assert_int_equal(d->changes.count, 1);
    assert_true(ptn_diff_has(d, "server.watchdog"));
    assert_int_equal(d->refused, 0);
    assert_int_equal(ptn_diff_group(d, "main")->action, PTN_GROUP_UNTOUCHED);
    ptn_diff_free(d);
}

/* --- groups, without a file --- */

static void
put_listener(struct ptn_effective *side, const char *name, const char *group)
{
    struct ptn_effective_listener *l = ptn_effective_add_listener(side);
    struct ptn_conf_value *v = ptn_effective_add_value(side);
    char path[64];

    *l = (struct ptn_effective_listener){.name = name,
                                         .group = group,
                                         .addresses = name,
                                         .modules = "m",
                                         .certificates = ""};
    snprintf(path, sizeof path, "listeners.%s.group", name);
    v->path = copy(side, path);
    v->text = group;
}

static void
put_value(struct ptn_effective *side, const char *path, const char *text)
{
    struct ptn_conf_value *v = ptn_effective_add_value(side);

    v->path = path;
    v->text = text;
}

static void
groups(void **state)
{
    struct ptn_effective *old = ptn_effective_new();
    struct ptn_effective *now = ptn_effective_new();
    struct ptn_diff *d;
    char *text;

    (void)state;
    put_listener(old, "a", "main");
    put_listener(old, "b", "lab");
    put_listener(old, "c", "old");
    put_value(old, "groups.lab.memory", "1");
    put_value(old, "server.workers", "2");
    put_listener(now, "a", "main");
    put_listener(now, "b", "lab");
    put_listener(now, "c", "fresh");
    put_value(now, "groups.lab.memory", "2");
    put_value(now, "server.workers", "2");
    d = ptn_diff_new(old, now);
    text = told(d);
    assert_string_equal(text, "b policy\n  groups.lab.memory: 1 -> 2\n"
                              "c policy\n  listeners.c.group: old -> fresh\n"
                              "[lab] touched\n  groups.lab.memory: 1 -> 2\n"
                              "[fresh] new\n[old] gone\n");
    assert_string_equal(ptn_diff_listener(d, "c")->old_group, "old");
    assert_null(ptn_diff_group(d, "none"));
    assert_null(ptn_diff_listener(d, "none"));
    ptn_free(text);
    ptn_diff_free(d);
}

static void
more_workers(void **state)
{
    struct ptn_effective *old = ptn_effective_new();
    struct ptn_effective *now = ptn_effective_new();
    struct ptn_diff *d;
    char *text;

    (void)state;
    put_listener(old, "a", "main");
    put_listener(old, "b", "lab");
    put_value(old, "server.workers", "2");
    put_listener(now, "a", "main");
    put_listener(now, "b", "lab");
    put_value(now, "server.workers", "4");
    d = ptn_diff_new(old, now);
    text = told(d);
    assert_string_equal(text, "a policy\n  server.workers: 2 -> 4\n"
                              "[main] touched\n  server.workers: 2 -> 4\n");
    ptn_free(text);
    ptn_diff_free(d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing),        cmocka_unit_test(own_values),
        cmocka_unit_test(addresses),      cmocka_unit_test(shared_blocks),
        cmocka_unit_test(a_secret),       cmocka_unit_test(come_and_gone),
        cmocka_unit_test(certificates),   cmocka_unit_test(made_meanwhile),
        cmocka_unit_test(restart_needed), cmocka_unit_test(live),
        cmocka_unit_test(authentication), cmocka_unit_test(groups),
        cmocka_unit_test(more_workers),
    };

    return cmocka_run_group_tests_name("diff", tests, NULL, NULL);
}
