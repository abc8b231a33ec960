/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * posternctl module check: what a module's file says of itself, and whether
 * this server could load it. None of its code runs.
 */
#include "module/inspect.h"
#include "posternctl/ctl.h"

static void
print_contracts(const struct ptn_note *note, bool provided)
{
    const char *before = "";

    for (size_t i = 0; i < note->count; i++) {
        const struct ptn_note_contract *c = &note->contracts[i];

        if (c->provided != provided)
            continue;
        printf("%s%s %u", before, c->name, c->version);
        before = ", ";
    }
    puts(*before ? "" : "-");
}

static void
print_text(const char *path, const struct ptn_inspection *seen)
{
    const struct ptn_note *note = &seen->note;

    printf("file      %s\n", path);
    if (*seen->machine)
        printf("built for %s\n", seen->machine);
    if (seen->noted == PTN_NOTE_FOUND) {
        printf("name      %s\nversion   %s\nlicence   %s\n", note->name,
               note->version, note->license);
        printf("ABI       %u.%u\nneeds     ", note->abi_major, note->abi_minor);
        print_contracts(note, false);
        fputs("provides  ", stdout);
        print_contracts(note, true);
    } else if (seen->has_abi) {
        printf("name      %s\nABI       %u.%u\nnote      none: built from "
               "headers older than ABI 1.1\n",
               seen->name, seen->abi_major, seen->abi_minor);
    }
    if (seen->count == 0)
        printf("result    this server (ABI %u.%u) can load it\n", PTN_ABI_MAJOR,
               PTN_ABI_MINOR);
    for (size_t i = 0; i < seen->count; i++)
        printf("problem   %s\n", seen->problems[i].text);
}

static void
json_text(struct ptn_json *j, const char *key, const char *text)
{
    ptn_json_text(j, key, ptn_slice_of(text));
}

static void
json_contracts(struct ptn_json *j, const char *key, const struct ptn_note *note,
               bool provided)
{
    ptn_json_array(j, key);
    for (size_t i = 0; i < note->count; i++) {
        if (note->contracts[i].provided != provided)
            continue;
        ptn_json_object(j, NULL);
        json_text(j, "contract", note->contracts[i].name);
        ptn_json_number(j, "version", note->contracts[i].version);
        ptn_json_end_object(j);
    }
    ptn_json_end_array(j);
}

static void
json_abi(struct ptn_json *j, const char *key, unsigned major, unsigned minor)
{
    char text[24];

    snprintf(text, sizeof text, "%u.%u", major, minor);
    json_text(j, key, text);
}

static void
json_note(struct ptn_json *j, const struct ptn_note *note)
{
    json_text(j, "version", note->version);
    json_text(j, "license", note->license);
    json_abi(j, "abi", note->abi_major, note->abi_minor);
    json_contracts(j, "needs", note, false);
    json_contracts(j, "provides", note, true);
}

static void
print_json(const char *path, const struct ptn_inspection *seen)
{
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_json j = PTN_JSON_INIT(&out);

    ptn_json_object(&j, NULL);
    json_text(&j, "file", path);
    json_text(&j, "name", seen->name);
    if (*seen->machine)
        json_text(&j, "machine", seen->machine);
    ptn_json_bool(&j, "note", seen->noted == PTN_NOTE_FOUND);
    if (seen->noted == PTN_NOTE_FOUND)
        json_note(&j, &seen->note);
    else if (seen->has_abi)
        json_abi(&j, "abi", seen->abi_major, seen->abi_minor);
    json_abi(&j, "server_abi", PTN_ABI_MAJOR, PTN_ABI_MINOR);
    ptn_json_bool(&j, "loadable", seen->count == 0);
    ptn_json_array(&j, "problems");
    for (size_t i = 0; i < seen->count; i++)
        json_text(&j, NULL, seen->problems[i].text);
    ptn_json_end_array(&j);
    ptn_json_end_object(&j);
    ctl_json_print(&out);
}

static int
module_check(const struct ctl *ctl)
{
    struct ptn_inspection *seen = ptn_alloc(sizeof *seen);
    int status;

    ptn_inspect(ctl->words[0], true, seen);
    if (ctl->json)
        print_json(ctl->words[0], seen);
    else
        print_text(ctl->words[0], seen);
    status = seen->count == 0 ? CTL_OK : CTL_FAILED;
    ptn_free(seen);
    return status;
}

const struct ctl_command ctl_module_commands[] = {
    {.words = "module",
     .doc = "files of modules and plugins",
     .about = "For their authors, and for who installs one. The server need "
              "not run."},
    {.words = "module check",
     .fn = module_check,
     .arguments = "FILE",
     .doc = "what a module says of itself, and whether it can be loaded",
     .about = "Reads the file; none of its code runs.",
     .exits = (const struct ctl_exit[]){{1, "this server cannot load it"},
                                        {0, NULL}},
     .example = "posternctl module check ./echo.so"},
    {.words = NULL},
};
