/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A module's file looked at from outside: what stands in its note, and what
 * is said about files that are damaged, foreign, or written by others.
 */
#include "module/inspect.h"
#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <postern/arena.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct ptn_inspection seen;

/* A fixture's octets, to be freed. */
static uint8_t *
read_fixture(const char *name, size_t *size)
{
    const char *top = getenv("top_builddir");
    uint8_t *data = ptn_alloc(1 << 20);
    char path[PATH_MAX];
    FILE *file;

    snprintf(path, sizeof path, "%s/tests/unit/module/.libs/%s.so",
             top ? top : ".", name);
    file = fopen(path, "rb");
    assert_non_null(file);
    *size = fread(data, 1, 1 << 20, file);
    fclose(file);
    return data;
}

static void
assert_problem(const char *text)
{
    if (seen.count == 0)
        fail_msg("no problem is found; \"%s\" was expected", text);
    if (!strstr(seen.problems[0].text, text))
        fail_msg("\"%s\" does not say \"%s\"", seen.problems[0].text, text);
}

static void
inspect(const uint8_t *data, size_t size)
{
    ptn_inspect_octets("fixnote.so", data, size, &seen);
}

static void
whole(void **state)
{
    size_t size;
    uint8_t *data = read_fixture("fixnote", &size);

    (void)state;
    inspect(data, size);
    if (seen.count)
        fail_msg("%s", seen.problems[0].text);
    assert_int_equal(seen.noted, PTN_NOTE_FOUND);
    assert_string_equal(seen.note.name, "fixnote");
    assert_string_equal(seen.note.version, "1");
    assert_string_equal(seen.note.license, "LGPL-2.1-or-later");
    assert_int_equal(seen.note.abi_major, PTN_ABI_MAJOR);
    assert_int_equal(seen.note.abi_minor, PTN_ABI_MINOR);
    assert_int_equal(seen.note.count, 1);
    assert_string_equal(seen.note.contracts[0].name, "fix.store");
    assert_true(seen.note.contracts[0].provided);
    ptn_free(data);
}

/* Nothing is read outside of the octets (ASan watches), and what is cut off
 * is never called good. */
static void
cut_anywhere(void **state)
{
    size_t size;
    uint8_t *data = read_fixture("fixnote", &size);
    size_t step = size / 2000 + 1;

    (void)state;
    for (size_t cut = 0; cut < 2000 && cut < size;
         cut += cut < 1200 ? 1 : step) {
        uint8_t *part = ptn_alloc(cut + 1);

        memcpy(part, data, cut);
        inspect(part, cut);
        assert_true(seen.count > 0);
        ptn_free(part);
    }
    ptn_free(data);
}

/* Every octet of the first pages is wrong once. */
static void
damaged_anywhere(void **state)
{
    static const uint8_t values[] = {0x00, 0xff, 0x80, 0x7f};
    size_t size;
    uint8_t *data = read_fixture("fixnote", &size);

    (void)state;
    for (size_t i = 0; i < size && i < 4096; i++) {
        uint8_t was = data[i];

        for (size_t j = 0; j < PTN_COUNT(values); j++) {
            data[i] = values[j];
            inspect(data, size);
        }
        data[i] = was;
    }
    inspect(data, size);
    assert_int_equal(seen.count, 0);
    ptn_free(data);
}

static void
foreign(void **state)
{
    size_t size;
    uint8_t *data = read_fixture("fixnote", &size);
    Elf64_Ehdr *head = (void *)data;
    Elf64_Half type = head->e_type, machine = head->e_machine;

    (void)state;
    if (data[EI_CLASS] != ELFCLASS64)
        skip();
    head->e_machine = machine == EM_AARCH64 ? EM_S390 : EM_AARCH64;
    inspect(data, size);
    assert_problem("fixnote.so was built for ");
    assert_problem(" 64 bit, and this server for ");
    head->e_machine = machine;
    head->e_type = ET_EXEC;
    inspect(data, size);
    assert_problem("no shared object; link it with -shared");
    head->e_type = type;
    data[EI_CLASS] = ELFCLASS32;
    inspect(data, size);
    assert_true(seen.count > 0);
    data[EI_CLASS] = 9;
    inspect(data, size);
    assert_problem("of a class of ELF files that nobody knows");
    inspect((const uint8_t *)"#!/bin/sh\necho no module here\n", 30);
    assert_problem("does not begin as an ELF file does; install it again");
    ptn_free(data);
}

static void
other_names(void **state)
{
    size_t size;
    uint8_t *data = read_fixture("fixnote", &size);

    (void)state;
    ptn_inspect_octets("/x/other.so", data, size, &seen);
    assert_problem("holds a module that calls itself \"fixnote\"; give the "
                   "file that name");
    ptn_inspect_octets("/x/fixnote", data, size, &seen);
    assert_problem("is not the name of a module");
    ptn_free(data);
}

/* --- notes --- */

static bool
parses(const char *text, size_t size)
{
    return ptn_note_parse((struct ptn_slice){text, size}, &seen.note);
}
#define PARSES(text) parses(text, sizeof(text))
#define HEAD "abi=1.0\nname=a\nversion=1\nlicense=X\n"

static void
notes(void **state)
{
    (void)state;
    assert_true(PARSES(HEAD));
    assert_true(PARSES(HEAD "new=thing\nneeds=mail.store/2\n\0\0"));
    assert_int_equal(seen.note.contracts[0].version, 2);
    assert_false(seen.note.contracts[0].provided);
    assert_false(parses(HEAD, sizeof HEAD - 1)); /* no NUL */
    assert_false(parses("", 0));
    assert_false(PARSES(""));
    assert_false(PARSES("name=a\nversion=1\nlicense=X\n"));
    assert_false(PARSES("abi=1\nname=a\nversion=1\nlicense=X\n"));
    assert_false(PARSES("abi=1.65536\nname=a\nversion=1\nlicense=X\n"));
    assert_false(PARSES(HEAD "needs=mail.store\n"));
    assert_false(PARSES(HEAD "needs=/1\n"));
    assert_false(PARSES(HEAD "provides=a\033[2J/1\n"));
    assert_false(PARSES(HEAD "no line end"));
    assert_false(PARSES(HEAD "no key\n"));
}

static void
note_limits(void **state)
{
    char text[4096] = HEAD;

    (void)state;
    for (int i = 0; i < PTN_NOTE_CONTRACTS_MAX; i++)
        strcat(text, "needs=a/1\n");
    assert_true(parses(text, sizeof text));
    strcat(text, "needs=a/1\n");
    assert_false(parses(text, sizeof text));
    snprintf(text, sizeof text, "%sprovides=%064d/1\n", HEAD, 1);
    assert_false(parses(text, sizeof text));
}

/* --- files --- */

static void
links(void **state)
{
    char own[] = "/tmp/postern-module-XXXXXX", file[64], link[64], open[64];
    struct ptn_error err = PTN_ERROR_INIT;
    FILE *f;

    (void)state;
    assert_non_null(mkdtemp(own));
    snprintf(open, sizeof open, "%s/open", own);
    snprintf(file, sizeof file, "%s/open/real.so", own);
    snprintf(link, sizeof link, "%s/a.so", own);
    mkdir(open, 0700);
    f = fopen(file, "w");
    assert_non_null(f);
    fclose(f);
    assert_int_equal(symlink(file, link), 0);
    assert_int_equal(ptn_inspect_modes(link, &err), 0);
    chmod(file, 0666);
    assert_int_equal(ptn_inspect_modes(link, &err), -1);
    assert_non_null(strstr(err.text, "writable by everybody"));
    assert_non_null(strstr(err.text, " points to "));
    chmod(file, 0600);
    chmod(open, 0777);
    assert_int_equal(ptn_inspect_modes(link, &err), -1);
    assert_non_null(strstr(err.text, "the folder "));
    unlink(link);
    unlink(file);
    rmdir(open);
    ptn_inspect(link, false, &seen);
    assert_int_equal(seen.problems[0].number, ENOENT);
    mkdir(link, 0700);
    ptn_inspect(link, false, &seen);
    assert_problem("not a regular file");
    rmdir(link);
    rmdir(own);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole),       cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(foreign),     cmocka_unit_test(damaged_anywhere),
        cmocka_unit_test(other_names), cmocka_unit_test(notes),
        cmocka_unit_test(note_limits), cmocka_unit_test(links),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
