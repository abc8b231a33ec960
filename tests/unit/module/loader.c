/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Opening modules, and everything that makes the loader refuse one.
 */
#include "module/loader.h"
#include "module/registry.h"
#include <limits.h>
#include <postern/arena.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* The modules call it, and nothing else in this program does, so it has to
 * be asked for. */
void (*const volatile loader_exports)(struct ptn_host *, const char *, uint16_t,
                                      const void *, void *) = ptn_host_provide;

static char folder[PATH_MAX];

static const struct ptn_module *
try_open(const char *name, struct ptn_error *err)
{
    *err = PTN_ERROR_INIT;
    return ptn_loader_open(folder, name, err);
}

static void
refused(const char *name, const char *why)
{
    struct ptn_error err;

    assert_null(try_open(name, &err));
    if (!strstr(err.text, why))
        fail_msg("\"%s\" does not say \"%s\"", err.text, why);
}

static void
opens(void **state)
{
    struct ptn_error err;
    const struct ptn_module *module = try_open("fixgood", &err);

    (void)state;
    if (!module)
        fail_msg("%s", err.text);
    assert_string_equal(module->name, "fixgood");
    assert_ptr_equal(try_open("fixgood", &err), module);
}

static void
wrong_abi(void **state)
{
    (void)state;
    refused("fixmajor", "module fixmajor was built for ABI 2.0 and this server "
                        "has 1.1; install a build of it for ABI 1");
    refused("fixminor", "module fixminor was built for ABI 1.9 and this server "
                        "has 1.1; upgrade the server");
    refused("fixmagic", "does not begin with the magic number");
    refused("fixsmall", "is too small for ABI 1.0");
}

static void
wrong_contents(void **state)
{
    (void)state;
    refused("fixnosym", "it has no symbol fixnosym_LTX_postern_module");
    refused("fixname", "calls itself \"somebody\"");
    /* libltdl says "file not found" here. */
    refused("fixunresolved", "undefined symbol: a_function_that_nobody_has");
}

static void
not_there(void **state)
{
    (void)state;
    refused("fixgod", "did you mean \"fixgood\"?");
    refused("nothing_like_it", "install it, or set server.module_path");
}

/* Whether opening `name` has run a constructor of it. */
static bool
has_run(const char *name)
{
    char own[] = "/tmp/postern-module-XXXXXX", trace[PATH_MAX];
    struct ptn_error err;
    bool run;

    assert_non_null(mkdtemp(own));
    snprintf(trace, sizeof trace, "%s/trace", own);
    setenv("FIXTURE_TRACE", trace, 1);
    try_open(name, &err);
    unsetenv("FIXTURE_TRACE");
    run = access(trace, F_OK) == 0;
    unlink(trace);
    rmdir(own);
    return run;
}

/* With a note, and without one, when its descriptor is read from the file. */
static void
refused_before_it_runs(void **state)
{
    (void)state;
    assert_true(has_run("fixnote"));
    refused("fixnotemajor", "module fixnotemajor was built for ABI 3.1 and "
                            "this server has 1.1; install a build");
    assert_false(has_run("fixnotemajor"));
    assert_false(has_run("fixmajor"));
    assert_false(has_run("fixminor"));
    assert_false(has_run("fixnosym"));
}

static void
note_and_descriptor(void **state)
{
    struct ptn_error err;

    (void)state;
    assert_non_null(try_open("fixnote", &err));
    refused("fixnotelies", "the note and the descriptor of module fixnotelies "
                           "do not agree about its provides");
}

/* Copies fixgood into a folder of its own, with these modes. */
static void
with_modes(mode_t file_mode, mode_t folder_mode, const char *why)
{
    char own[] = "/tmp/postern-module-XXXXXX", command[3 * PATH_MAX];
    struct ptn_error err = PTN_ERROR_INIT;

    assert_non_null(mkdtemp(own));
    snprintf(command, sizeof command, "cp %s/fixgood.so %s/fixgood.so", folder,
             own);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof command, "%s/fixgood.so", own);
    assert_int_equal(chmod(command, file_mode), 0);
    assert_int_equal(chmod(own, folder_mode), 0);
    assert_null(ptn_loader_open(own, "fixgood", &err));
    assert_non_null(strstr(err.text, why));
    unlink(command);
    rmdir(own);
}

static void
writable_by_all(void **state)
{
    (void)state;
    with_modes(0646, 0755, "fixgood.so is writable by everybody");
    with_modes(0644, 0757, "is writable by everybody, so nothing is loaded");
}

/* --- order and life --- */

/* Loads what `load` says; answers what is wrong, to be freed. */
static struct ptn_modules *
load_only(const char *list, const char *only, struct ptn_conf **conf,
          char **notes)
{
    char path[] = "/tmp/postern-module-XXXXXX";
    struct ptn_modules *modules;
    size_t size;
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");

    fprintf(file,
            "server: { module_path = \"%s\"; };\nload = [ %s ];\n"
            "listeners: { };\n",
            folder, list);
    fclose(file);
    *conf = ptn_conf_read(path, 0);
    modules = ptn_modules_load(*conf, PTN_ROLE_TOOL, only);
    file = open_memstream(notes, &size);
    ptn_conf_print_notes(*conf, file);
    fclose(file);
    unlink(path);
    return modules;
}

static struct ptn_modules *
load(const char *list, struct ptn_conf **conf, char **notes)
{
    return load_only(list, NULL, conf, notes);
}

static void
unload(struct ptn_modules *modules, struct ptn_conf *conf, char *notes)
{
    ptn_modules_free(modules);
    ptn_conf_free(conf);
    free(notes);
}

static void
add_name(void *arg, const struct ptn_module *module)
{
    strcat(arg, module->name);
    strcat(arg, " ");
}

static void
providers_first(void **state)
{
    char order[256] = "", *notes;
    struct ptn_conf *conf;
    struct ptn_modules *m =
        load("\"fixneeds\", \"fixplain\", \"fixgood\"", &conf, &notes);
    const void *ops;
    void *instance;

    (void)state;
    ptn_modules_each(m, add_name, order);
    assert_string_equal(order, "fixplain fixgood fixneeds ");
    assert_true(ptn_modules_find(m, "fix.store", 1, &ops, &instance));
    assert_false(ptn_modules_find(m, "fix.store", 2, &ops, &instance));
    assert_false(ptn_modules_find(m, "fix.other", 1, &ops, &instance));
    assert_null(strstr(notes, "load:"));
    unload(m, conf, notes);
}

static void
loads_some(void **state)
{
    char order[256] = "", *notes;
    struct ptn_conf *conf;
    struct ptn_modules *m =
        load_only("\"fixneeds\", \"fixplain\", \"fixgood\", \"fixmajor\"",
                  "fixneeds,fixgoo,fixplain", &conf, &notes);

    (void)state;
    ptn_modules_each(m, add_name, order);
    assert_string_equal(order, "fixneeds fixplain ");
    assert_null(strstr(notes, "load:"));
    unload(m, conf, notes);
}

static void
closures(void **state)
{
    static const char *const store[] = {"fix.store", NULL},
                             *const b[] = {"fix.other", "fix.a", NULL},
                             *const none[] = {NULL};
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_conf *conf;
    char *notes;
    struct ptn_modules *m = load("\"fixneeds\", \"fixplain\", \"fixgood\", "
                                 "\"fixcirclea\", \"fixcircleb\"",
                                 &conf, &notes);

    (void)state;
    ptn_modules_closure(m, store, NULL, &out);
    assert_string_equal(ptn_buf_cstr(&out), "fixgood");
    out.len = 0;
    ptn_modules_closure(m, none, &m->hosts[0], &out);
    assert_string_equal(ptn_buf_cstr(&out), "fixneeds,fixgood");
    out.len = 0;
    ptn_modules_closure(m, b, &m->hosts[1], &out);
    assert_string_equal(ptn_buf_cstr(&out), "fixplain,fixcirclea,fixcircleb");
    ptn_buf_free(&out);
    unload(m, conf, notes);
}

static void
notes_of(const char *list, const char *expected)
{
    struct ptn_conf *conf;
    char *notes;
    struct ptn_modules *m = load(list, &conf, &notes);

    if (!strstr(notes, expected))
        fail_msg("\"%s\" lacks \"%s\"", notes, expected);
    unload(m, conf, notes);
}

static void
needs_unmet(void **state)
{
    (void)state;
    notes_of("\"fixneeds\"", ":2: load: module fixneeds needs fix.store, which "
                             "nothing in \"load\" provides");
    notes_of("\"fixgood\", \"fixnewer\"",
             "module fixnewer needs fix.store version 2, and fixgood provides "
             "version 1");
    notes_of("\"fixcirclea\", \"fixcircleb\"",
             "need each other in a circle: fixcirclea, fixcircleb");
}

static void
faults_of_modules(void **state)
{
    (void)state;
    notes_of("\"fixliar\"", "declares fix.nothing and does not provide it");
    notes_of("\"fixundeclared\"", "provides fix.secret without declaring it");
    notes_of("\"fixfails\"", "fixfails: does not like role 4"); /* TOOL */
}

/* One that cannot be opened does not make news of what others miss. */
static void
no_cascade(void **state)
{
    struct ptn_conf *conf;
    char *notes;
    struct ptn_modules *m = load("\"fixmajor\", \"fixneeds\"", &conf, &notes);

    (void)state;
    assert_non_null(strstr(notes, "fixmajor was built for ABI 2.0"));
    assert_null(strstr(notes, "fixneeds"));
    unload(m, conf, notes);
}

static void
start_fails(void **state)
{
    struct ptn_modules_place place = {NULL, 1, 2};
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_conf *conf;
    char *notes;
    struct ptn_modules *m = load("\"fixgood\", \"fixstart\"", &conf, &notes);

    (void)state;
    assert_int_equal(ptn_modules_start(m, &place, &err), -1);
    assert_string_equal(err.text, "module fixstart: cannot start");
    assert_string_equal(err.file, conf->file);
    unload(m, conf, notes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens),
        cmocka_unit_test(wrong_abi),
        cmocka_unit_test(wrong_contents),
        cmocka_unit_test(not_there),
        cmocka_unit_test(writable_by_all),
        cmocka_unit_test(refused_before_it_runs),
        cmocka_unit_test(note_and_descriptor),
        cmocka_unit_test(providers_first),
        cmocka_unit_test(loads_some),
        cmocka_unit_test(closures),
        cmocka_unit_test(needs_unmet),
        cmocka_unit_test(faults_of_modules),
        cmocka_unit_test(no_cascade),
        cmocka_unit_test(start_fails),
    };
    const char *top = getenv("top_builddir");

    snprintf(folder, sizeof folder, "%s/tests/unit/module/.libs",
             top ? top : ".");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
