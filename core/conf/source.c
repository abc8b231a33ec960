/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading the file and what it includes. One thread.
 */
#include "conf/source.h"
#include <errno.h>
#include <sys/stat.h>

/* What surrounds the next octet of a file. */
enum state {
    IN_TEXT,
    IN_STRING,
    IN_COMMENT, /* slash and star */
};

/* A file that is being read, and the one that includes it. */
struct reading {
    const struct reading *outer;
    const char *file;
    int line; /* of the current line */
    unsigned depth;
};

struct ptn_conf_place
ptn_conf_source_place(const struct ptn_conf_source *src, int line)
{
    size_t low = 0, high = src->run_count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (src->runs[middle].from <= line)
            low = middle;
        else
            high = middle;
    }
    if (src->run_count == 0)
        return (struct ptn_conf_place){NULL, 0};
    return (struct ptn_conf_place){
        src->runs[low].file, src->runs[low].line + line - src->runs[low].from};
}

void
ptn_conf_source_free(struct ptn_conf_source *src)
{
    ptn_buf_free(&src->text);
    ptn_free(src->runs);
    src->runs = NULL;
    src->run_count = src->run_cap = 0;
}

static void
begin_run(struct ptn_conf_source *src, const struct reading *r)
{
    if (src->run_count == src->run_cap) {
        src->run_cap = src->run_cap ? src->run_cap * 2 : 8;
        src->runs = ptn_realloc(src->runs, src->run_cap * sizeof *src->runs);
    }
    src->runs[src->run_count++] =
        (struct ptn_conf_run){src->lines + 1, r->file, r->line};
}

const char *
ptn_conf_resolve(struct ptn_conf *conf, const char *file, const char *path)
{
    const char *slash = strrchr(file, '/');
    struct ptn_buf joined = PTN_BUF_INIT;
    const char *result;

    if (path[0] != '/' && slash)
        ptn_buf_add(&joined, file, (size_t)(slash + 1 - file));
    ptn_buf_adds(&joined, path);
    result = ptn_arena_dup(&conf->arena, ptn_buf_slice(&joined));
    ptn_buf_free(&joined);
    return result;
}

/* Where the line that includes `r` stands: what a reader must mend. */
static struct ptn_conf_place
place_of_include(const struct reading *r)
{
    if (!r->outer)
        return (struct ptn_conf_place){r->file, 0};
    return (struct ptn_conf_place){r->outer->file, r->outer->line};
}

static bool
slurp(struct ptn_conf *conf, const struct reading *r, struct ptn_buf *out)
{
    struct ptn_conf_place place = place_of_include(r);
    const char *what = r->outer ? r->file : "the configuration";
    FILE *file = fopen(r->file, "re");
    struct stat st;
    size_t n = 0;

    if (!file) {
        ptn_conf_error(conf, place, "cannot read %s: %s", what,
                       strerror(errno));
        return false;
    }
    if (fstat(fileno(file), &st) != 0 || S_ISDIR(st.st_mode) ||
        (r->outer && !S_ISREG(st.st_mode))) {
        ptn_conf_error(conf, place, "%s is not a file", what);
        fclose(file);
        return false;
    }
    do {
        out->len += n;
        n = fread(ptn_buf_reserve(out, 65536), 1, 65536, file);
    } while (n > 0 && out->len + n <= PTN_CONF_FILE_MAX);
    fclose(file);
    if (n > 0)
        ptn_conf_error(conf, place, "%s is larger than 16 MiB", what);
    else if (out->len > 0 && memchr(out->data, 0, out->len))
        ptn_conf_error(conf, place, "%s holds a NUL: it is not a text", what);
    else
        return true;
    return false;
}

/* The state after `line`, given the one before it. */
static enum state
advance(enum state state, struct ptn_slice line)
{
    for (size_t i = 0; i < line.len; i++) {
        char c = line.data[i];
        char next = i + 1 < line.len ? line.data[i + 1] : '\0';

        if (state == IN_STRING) {
            if (c == '\\')
                i++;
            else if (c == '"')
                state = IN_TEXT;
        } else if (state == IN_COMMENT) {
            if (c == '*' && next == '/') {
                state = IN_TEXT;
                i++;
            }
        } else if (c == '#' || (c == '/' && next == '/')) {
            return state;
        } else if (c == '/' && next == '*') {
            state = IN_COMMENT;
            i++;
        } else if (c == '"') {
            state = IN_STRING;
        }
    }
    return state;
}

/* If the line is an @include, its path; else an empty slice. */
static struct ptn_slice
include_path(struct ptn_slice line)
{
    static const char word[] = "@include";
    size_t at = 0, end;

    while (at < line.len && (line.data[at] == ' ' || line.data[at] == '\t'))
        at++;
    if (line.len - at < sizeof word || memcmp(line.data + at, word, 8) != 0)
        return PTN_SLICE("");
    at += 8;
    while (at < line.len && (line.data[at] == ' ' || line.data[at] == '\t'))
        at++;
    if (at == line.len || line.data[at] != '"')
        return PTN_SLICE("");
    end = ++at;
    while (end < line.len && line.data[end] != '"')
        end++;
    return ptn_slice_sub(line, at, end < line.len ? end - at : 0);
}

static bool
is_open(const struct reading *r, const char *file)
{
    for (; r; r = r->outer)
        if (strcmp(r->file, file) == 0)
            return true;
    return false;
}

static bool expand(struct ptn_conf *conf, struct ptn_conf_source *src,
                   struct reading *r);

static bool
include(struct ptn_conf *conf, struct ptn_conf_source *src, struct reading *r,
        struct ptn_slice path)
{
    char *name = ptn_arena_dup(&conf->arena, path);
    struct reading inner = {r, ptn_conf_resolve(conf, r->file, name), 1,
                            r->depth + 1};
    struct ptn_conf_place place = {r->file, r->line};

    if (is_open(r, inner.file))
        ptn_conf_error(conf, place, "%s includes itself", inner.file);
    else if (inner.depth > PTN_CONF_DEPTH_MAX)
        ptn_conf_error(conf, place, "files are included more than %d deep",
                       PTN_CONF_DEPTH_MAX);
    else
        return expand(conf, src, &inner);
    return false;
}

static void
add_line(struct ptn_conf_source *src, struct ptn_slice line)
{
    ptn_buf_addslice(&src->text, line);
    ptn_buf_addc(&src->text, '\n');
    src->lines++;
}

static bool
expand(struct ptn_conf *conf, struct ptn_conf_source *src, struct reading *r)
{
    struct ptn_buf file = PTN_BUF_INIT;
    enum state state = IN_TEXT;
    bool good = slurp(conf, r, &file);

    begin_run(src, r);
    for (size_t at = 0; good && at < file.len; r->line++) {
        const char *from = file.data + at;
        const char *lf = memchr(from, '\n', file.len - at);
        size_t len = lf ? (size_t)(lf - from) : file.len - at;
        struct ptn_slice line = {from, len};
        struct ptn_slice path =
            state == IN_TEXT ? include_path(line) : PTN_SLICE("");

        at += len + (lf ? 1 : 0);
        if (path.len == 0) {
            add_line(src, line);
            state = advance(state, line);
            continue;
        }
        good = include(conf, src, r, path);
        r->line++;
        begin_run(src, r);
        r->line--;
        if (src->text.len > PTN_CONF_FILE_MAX) {
            ptn_conf_error(conf, (struct ptn_conf_place){r->file, r->line},
                           "all files together are larger than 16 MiB");
            good = false;
        }
    }
    ptn_buf_free(&file);
    return good;
}

bool
ptn_conf_source_read(struct ptn_conf *conf, struct ptn_conf_source *src)
{
    struct reading r = {NULL, conf->file, 1, 0};

    *src = (struct ptn_conf_source){.text = PTN_BUF_INIT};
    if (!expand(conf, src, &r))
        return false;
    (void)ptn_buf_cstr(&src->text); /* terminated, for libconfig */
    return true;
}

void
ptn_conf_source_set(struct ptn_conf_source *src, const char *file,
                    struct ptn_slice text)
{
    struct reading r = {NULL, file, 1, 0};

    *src = (struct ptn_conf_source){.text = PTN_BUF_INIT};
    begin_run(src, &r);
    ptn_buf_addslice(&src->text, text);
    for (size_t i = 0; i < text.len; i++)
        src->lines += text.data[i] == '\n';
    (void)ptn_buf_cstr(&src->text);
}
