/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * posternctl module check: what a module's file says of itself, and whether
 * this server could load it. None of its code runs.
 * posternctl module new: a copy of the starter, with another name.
 */
#include "module/inspect.h"
#include "posternctl/ctl.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#define STARTER "skeleton" /* the word that is replaced, in any file */
#define STARTER_FILE_MAX (1u << 20)

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

/* --- module new --- */

static bool
is_name(const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < len; i++)
        if (!islower((unsigned char)name[i]) && name[i] != '_' &&
            (i == 0 || !isdigit((unsigned char)name[i])))
            return false;
    return len > 0 && len <= PTN_NOTE_WORD_MAX;
}

/* Beside this program, wherever the prefix is now; else where it was meant
 * to be. */
static void
find_starter(char path[PATH_MAX])
{
    char own[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", own, sizeof own - 1);
    char *slash;

    own[n > 0 ? n : 0] = '\0';
    slash = strrchr(own, '/');
    if (slash)
        *slash = '\0';
    if (!slash ||
        snprintf(path, PATH_MAX, "%s/../share/postern/" STARTER, own) >=
            PATH_MAX ||
        access(path, R_OK | X_OK) != 0)
        snprintf(path, PATH_MAX, "%s/" STARTER, PTN_PKGDATADIR);
}

static void
replace_word(struct ptn_slice text, const char *name, struct ptn_buf *out)
{
    size_t len = strlen(STARTER), done = 0;

    for (size_t i = 0; i + len <= text.len; i++) {
        if (memcmp(text.data + i, STARTER, len) != 0)
            continue;
        ptn_buf_add(out, text.data + done, i - done);
        ptn_buf_adds(out, name);
        done = i + len;
        i = done - 1;
    }
    ptn_buf_add(out, text.data + done, text.len - done);
}

static int
read_file(const char *path, struct ptn_buf *out)
{
    FILE *file = fopen(path, "re");
    size_t n = 0;

    if (!file)
        return -1;
    do {
        out->len += n;
        n = fread(ptn_buf_reserve(out, 4096), 1, 4096, file);
    } while (n > 0 && out->len + n <= STARTER_FILE_MAX);
    fclose(file);
    return n == 0 ? 0 : -1;
}

/* Never over one that is there. */
static int
write_file(const char *path, struct ptn_slice text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    size_t n;

    if (!file)
        return -1;
    n = fwrite(text.data, 1, text.len, file);
    return fclose(file) == 0 && n == text.len ? 0 : -1;
}

static int
copy_file(const char *from, const char *file, const char *to, const char *name)
{
    struct ptn_buf text = PTN_BUF_INIT, made = PTN_BUF_INIT;
    struct ptn_buf path = PTN_BUF_INIT;
    int result;

    ptn_buf_printf(&path, "%s/%s", from, file);
    result = read_file(ptn_buf_cstr(&path), &text);
    path.len = 0;
    ptn_buf_printf(&path, "%s/", to);
    replace_word(ptn_slice_of(file), name, &path);
    replace_word(ptn_buf_slice(&text), name, &made);
    if (result == 0)
        result = write_file(ptn_buf_cstr(&path), ptn_buf_slice(&made));
    if (result != 0)
        fprintf(stderr, "posternctl: cannot write %s: %s\n",
                ptn_buf_cstr(&path), strerror(errno));
    else
        printf("%s\n", ptn_buf_cstr(&path));
    ptn_buf_free(&text);
    ptn_buf_free(&made);
    ptn_buf_free(&path);
    return result;
}

static int
copy_starter(const char *from, const char *to, const char *name)
{
    DIR *dir = opendir(from);
    struct dirent *entry;
    int result = 0, files = 0;

    if (dir && mkdir(to, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "posternctl: cannot make %s: %s\n", to,
                strerror(errno));
        result = -1;
    }
    while (dir && result == 0 && (entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        result = copy_file(from, entry->d_name, to, name);
        files++;
    }
    if (dir)
        closedir(dir);
    if (result == 0 && files == 0) {
        fprintf(stderr,
                "posternctl: the starter is not in %s; install the server's "
                "files for development\n",
                from);
        result = -1;
    }
    return result;
}

static int
module_new(const struct ctl *ctl)
{
    const char *name = ctl->words[0], *folder = ctl_option(ctl, "dir");
    char from[PATH_MAX];

    if (!is_name(name) || strcmp(name, STARTER) == 0) {
        fprintf(stderr,
                "posternctl: \"%s\" is no name for a module: lower-case "
                "letters, digits and \"_\", a letter first, and not "
                "\"" STARTER "\"\n",
                name);
        return CTL_USAGE;
    }
    if (!ctl_option(ctl, "protocol")) {
        fputs("posternctl: say what it is to be: --protocol\n", stderr);
        return CTL_USAGE;
    }
    find_starter(from);
    return copy_starter(from, folder ? folder : name, name) == 0 ? CTL_OK
                                                                 : CTL_FAILED;
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
    {.words = "module new",
     .fn = module_new,
     .flags = CTL_NO_JSON,
     .arguments = "NAME",
     .doc = "write the beginnings of a module, with its tests",
     .about = "A folder with the source of a module, a Makefile that needs "
              "nothing but pkg-config,\nand tests with and without a server. "
              "Nothing that is there is overwritten.",
     .options =
         (const struct ctl_option[]){
             {"protocol", NULL, "a protocol that listeners speak"},
             {"dir", "FOLDER", "where it is written [./NAME]"},
             {NULL, NULL, NULL}},
     .example = "posternctl module new echo --protocol\n"
                "make -C echo check"},
    {.words = NULL},
};
