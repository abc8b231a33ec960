/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a reload says: from the texts of two checkers to the records that
 * posternctl gets. Which value concerns whom is tests/unit/conf/diff.c.
 */
#include "proc/reload.h"
#include "log/log.h"
#include "proc/effective.h"
#include "proc/plan.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const char before[] =
    "value\tpath=server.state\ttext=\"/s\"\tflags=4\tfile=p.conf\tline=1\n"
    "value\tpath=server.watchdog\ttext=\"30s\"\tflags=8\n"
    "value\tpath=listeners.mx.shout\ttext=false\n"
    "listener\tname=mx\taddresses=*:25\n"
    "serves\tname=mx\tgroup=main\taddresses=*:25\tmodules=smtp\t"
    "certificates=default\tfile=p.conf\tline=4\n"
    "serves\tname=in\tgroup=lab\taddresses=*:143\tmodules=imap\t"
    "certificates=shop\tfile=p.conf\tline=5\n"
    "file\tname=default\tdigest=1\tpath=/c/default.crt\n"
    "file\tname=shop\tdigest=1\tpath=/c/shop.crt\n";

/* `text` with `from` replaced. */
static char *
edit(const char *text, const char *from, const char *to)
{
    struct ptn_buf out = PTN_BUF_INIT;
    const char *at = strstr(text, from);

    assert_non_null(at);
    ptn_buf_add(&out, text, (size_t)(at - text));
    ptn_buf_adds(&out, to);
    ptn_buf_adds(&out, at + strlen(from));
    (void)ptn_buf_cstr(&out);
    return out.data;
}

static void
expect(const char *now, const char *wanted)
{
    struct ptn_diff *diff =
        ptn_reload_compare(ptn_slice_of(before), ptn_slice_of(now));
    struct ptn_buf out = PTN_BUF_INIT;

    ptn_reload_write(diff, &out);
    assert_string_equal(ptn_buf_cstr(&out), wanted);
    ptn_buf_free(&out);
    ptn_diff_free(diff);
}

static void
unchanged(void **state)
{
    (void)state;
    expect(before, "plan\tlistener=mx\tgroup=main\taction=unchanged\n"
                   "plan\tlistener=in\tgroup=lab\taction=unchanged\n"
                   "group\tname=main\taction=untouched\n"
                   "group\tname=lab\taction=untouched\n");
}

static void
new_port(void **state)
{
    char *now = edit(before, "group=main\taddresses=*:25",
                     "group=main\taddresses=*:2525");

    (void)state;
    expect(now, "plan\tlistener=mx\tgroup=main\taction=rebind\n"
                "reason\tlistener=mx\tpath=listeners.mx.listen\told=*:25\t"
                "new=*:2525\tfile=p.conf\tline=4\n"
                "plan\tlistener=in\tgroup=lab\taction=unchanged\n"
                "group\tname=main\taction=touched\n"
                "group\tname=lab\taction=untouched\n");
    ptn_free(now);
}

static void
new_file(void **state)
{
    char *now = edit(before, "shop\tdigest=1", "shop\tdigest=2");

    (void)state;
    expect(now, "plan\tlistener=mx\tgroup=main\taction=unchanged\n"
                "plan\tlistener=in\tgroup=lab\taction=certificate\n"
                "reason\tlistener=in\tpath=certificates.shop\t"
                "file_changed=/c/shop.crt\n"
                "group\tname=main\taction=untouched\n"
                "group\tname=lab\taction=certificates\n");
    ptn_free(now);
}

static void
live_and_refused(void **state)
{
    char *first = edit(before, "\"30s\"", "\"50s\"");
    char *now = edit(first, "\"/s\"", "\"/t\"");

    (void)state;
    expect(now, "plan\tlistener=mx\tgroup=main\taction=unchanged\n"
                "plan\tlistener=in\tgroup=lab\taction=unchanged\n"
                "group\tname=main\taction=untouched\n"
                "group\tname=lab\taction=untouched\n"
                "live\tpath=server.watchdog\told=\"30s\"\tnew=\"50s\"\n"
                "refused\tpath=server.state\told=\"/s\"\tnew=\"/t\"\t"
                "file=p.conf\tline=1\n");
    ptn_free(first);
    ptn_free(now);
}

static void
refusal(void **state)
{
    char *now = edit(before, "\"/s\"", "\"/t\"");
    struct ptn_diff *diff =
        ptn_reload_compare(ptn_slice_of(before), ptn_slice_of(now));
    struct ptn_buf out = PTN_BUF_INIT;

    (void)state;
    ptn_reload_write_refusal(diff, &out);
    assert_non_null(strstr(ptn_buf_cstr(&out),
                           "result\toutcome=refused\ttext=nothing was changed: "
                           "1 change(s) need a restart"));
    ptn_buf_free(&out);
    ptn_diff_free(diff);
    ptn_free(now);
}

static void
notes(void **state)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_buf text = PTN_BUF_INIT, out = PTN_BUF_INIT;

    (void)state;
    ptn_log_set_level(PTN_LOG_ERROR);
    ptn_buf_adds(&text, "note\tseverity=warning\ttext=w\tfile=f\tline=3\n"
                        "value\tpath=a\ttext=b\n");
    ptn_error_set(&err, PTN_ERR_CONFIG, "no\tsuch user");
    err.file = "p.conf";
    err.line = 7;
    ptn_effective_write_error(&err, &text);
    assert_int_equal(ptn_reload_take_notes(ptn_buf_slice(&text), &out), 1);
    assert_string_equal(ptn_buf_cstr(&out),
                        "note\tseverity=warning\ttext=w\tfile=f\tline=3\n"
                        "note\tseverity=error\ttext=no\\tsuch user\t"
                        "file=p.conf\tline=7\n");
    ptn_buf_free(&text);
    ptn_buf_free(&out);
}

/* --- files of certificates --- */

struct folder {
    char path[64], chain[96], key[96];
    struct ptn_cert_conf cert;
    const struct ptn_cert_conf *shown[1];
    struct ptn_listener_conf listener;
    struct ptn_conf conf;
};

static void
put(const char *path, const char *text)
{
    FILE *to = fopen(path, "w");

    assert_non_null(to);
    fputs(text, to);
    fclose(to);
}

static void
set_up(struct folder *f)
{
    memset(f, 0, sizeof *f);
    strcpy(f->path, "/tmp/postern-reload-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    snprintf(f->chain, sizeof f->chain, "%s/a.crt", f->path);
    snprintf(f->key, sizeof f->key, "%s/a.key", f->path);
    f->cert.name = "a";
    f->cert.cert_file = f->chain;
    f->cert.key_file = f->key;
    f->shown[0] = &f->cert;
    f->listener.tls.certs = f->shown;
    f->listener.tls.certificates.count = 1;
    f->conf.certs = &f->cert;
    f->conf.cert_count = 1;
    f->conf.listeners = &f->listener;
    f->conf.listener_count = 1;
    f->conf.server.state = f->path;
}

static void
tear_down(struct folder *f)
{
    unlink(f->chain);
    unlink(f->key);
    rmdir(f->path);
}

static void
get_digest(const struct folder *f, char out[PTN_MARK_SIZE])
{
    struct ptn_buf text = PTN_BUF_INIT;
    struct ptn_effective *side;

    ptn_effective_write_files(&f->conf, &text);
    side = ptn_effective_read(ptn_buf_slice(&text));
    assert_int_equal(side->cert_count, 1);
    assert_string_equal(side->certs[0].name, "a");
    assert_string_equal(side->certs[0].path, f->chain);
    snprintf(out, PTN_MARK_SIZE, "%s", side->certs[0].digest);
    ptn_effective_free(side);
    ptn_buf_free(&text);
}

static void
files(void **state)
{
    char none[PTN_MARK_SIZE], first[PTN_MARK_SIZE], same[PTN_MARK_SIZE],
        second[PTN_MARK_SIZE], third[PTN_MARK_SIZE];
    struct folder f;

    (void)state;
    set_up(&f);
    get_digest(&f, none);
    assert_string_equal(none, "");
    put(f.chain, "chain");
    put(f.key, "key");
    get_digest(&f, first);
    get_digest(&f, same);
    assert_string_equal(first, same);
    put(f.chain, "other chain");
    get_digest(&f, second);
    assert_string_not_equal(first, second);
    put(f.key, "another key");
    get_digest(&f, third);
    assert_string_not_equal(second, third);
    /* One that no listener shows is not looked at. */
    f.listener.tls.certificates.count = 0;
    {
        struct ptn_buf text = PTN_BUF_INIT;

        ptn_effective_write_files(&f.conf, &text);
        assert_int_equal(text.len, 0);
    }
    tear_down(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unchanged),
        cmocka_unit_test(new_port),
        cmocka_unit_test(new_file),
        cmocka_unit_test(refusal),
        cmocka_unit_test(live_and_refused),
        cmocka_unit_test(notes),
        cmocka_unit_test(files),
    };

    return cmocka_run_group_tests_name("reload", tests, NULL, NULL);
}
