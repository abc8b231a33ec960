/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Options: a module declares rows, core walks the config file against them
 * and fills the module's own struct. Unknown keys, wrong types and values
 * out of range are core's errors, with file, line and a suggestion; a
 * module only checks what one row cannot say.
 *
 * The man pages' option tables are printed from these rows.
 */
#ifndef POSTERN_OPTION_H
#define POSTERN_OPTION_H

#include <postern/types.h>

enum ptn_option_type {
    PTN_OPT_BOOL,     /* bool */
    PTN_OPT_INT,      /* int64_t, within min..max */
    PTN_OPT_SIZE,     /* uint64_t octets, written "35M", "4k", "512" */
    PTN_OPT_DURATION, /* uint64_t milliseconds, written "5m", "30s", "1h" */
    PTN_OPT_STRING,   /* const char *, UTF-8 without NUL; NULL when absent */
    PTN_OPT_PATH,    /* const char *, made absolute against the file's folder */
    PTN_OPT_CHOICE,  /* int: the index into `choices` */
    PTN_OPT_STRINGS, /* struct ptn_strings: a list of strings */
};

enum ptn_option_flag {
    PTN_OPT_REQUIRED = 1 << 0,
    PTN_OPT_SECRET = 1 << 1, /* never printed, never dumped */
    PTN_OPT_EXACT = 1 << 2,  /* a reload refuses to change it: restart */
    PTN_OPT_LIVE = 1 << 3,   /* a reload changes it without new workers;
                                rows of core alone */
};

/* A list of strings, owned by the config generation. */
struct ptn_strings {
    const char *const *items;
    size_t count;
};

/* One row. A table ends with a row whose `name` is NULL. */
struct ptn_option {
    const char *name;
    enum ptn_option_type type;
    unsigned flags;
    size_t offset; /* of the field in the module's struct */
    /* The default as file text: "25M", "true", "auth"; of STRINGS the words
     * with blanks between them. NULL: the field stays zeroed, which for a
     * CHOICE is the first one. */
    const char *preset;
    /* For INT, SIZE, DURATION, in the field's unit; both 0 = unbounded, so
     * whoever gives one gives the other. The preset lies within. */
    int64_t min, max;
    const char *const *choices; /* for CHOICE: NULL-terminated */
    const char *doc;            /* one line, for the man page and --help */
};

#define PTN_OPTION(struct_type, field, ...)                                    \
    {                                                                          \
        .name = #field, .offset = offsetof(struct_type, field), __VA_ARGS__    \
    }
#define PTN_OPTION_END                                                         \
    {                                                                          \
        .name = NULL                                                           \
    }

#endif
