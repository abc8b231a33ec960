/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The files that outlive a restart. A file that is broken is one that is not
 * there: what it held can be found out again. One thread.
 */
#include "state.h"
#include <stdio.h>

#define PATH_SIZE 4096

static int64_t
number(const json_t *from, const char *key)
{
    return (int64_t)json_integer_value(json_object_get(from, key));
}

static void
text(const json_t *from, const char *key, char *out, size_t size)
{
    const char *value = json_string_value(json_object_get(from, key));

    snprintf(out, size, "%s", value ? value : "");
}

static void
paths_of(const char *folder, const char *name, char path[PATH_SIZE],
         char fresh[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%s/%s.json", folder, name);
    snprintf(fresh, PATH_SIZE, "%s/%s.json.new", folder, name);
}

void
acme_state_read(const char *folder, const char *name, const char *directory,
                struct acme_state *out)
{
    char path[PATH_SIZE], fresh[PATH_SIZE];
    json_t *kept;

    paths_of(folder, name, path, fresh);
    kept = json_load_file(path, 0, NULL);
    *out = (struct acme_state){.last = number(kept, "last")};
    text(kept, "directory", out->directory, sizeof out->directory);
    if (strcmp(out->directory, directory) == 0) {
        out->next = number(kept, "next");
        out->limited = number(kept, "limited");
        out->failures = (unsigned)number(kept, "failures");
        out->due = number(kept, "due");
        out->look_again = number(kept, "look_again");
        text(kept, "problem", out->problem, sizeof out->problem);
        text(kept, "order", out->order, sizeof out->order);
        text(kept, "id", out->id, sizeof out->id);
    }
    snprintf(out->directory, sizeof out->directory, "%s", directory);
    json_decref(kept);
}

int
acme_state_write(const char *folder, const char *name,
                 const struct acme_state *s)
{
    char path[PATH_SIZE], fresh[PATH_SIZE];
    json_t *kept = json_pack(
        "{s:s, s:I, s:I, s:I, s:i, s:s, s:s, s:s, s:I, s:I}", "directory",
        s->directory, "last", (json_int_t)s->last, "next", (json_int_t)s->next,
        "limited", (json_int_t)s->limited, "failures", (int)s->failures,
        "problem", s->problem, "order", s->order, "id", s->id, "due",
        (json_int_t)s->due, "look_again", (json_int_t)s->look_again);
    int result;

    paths_of(folder, name, path, fresh);
    result = kept ? json_dump_file(kept, fresh, JSON_INDENT(2)) : -1;
    json_decref(kept);
    return result == 0 ? rename(fresh, path) : -1;
}
