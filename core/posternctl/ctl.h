/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The parts of posternctl(8): one table of commands, from which the command
 * line, the help on every level and the completion of bash are made.
 *
 * To add a command: write a row with its function into the table of its file
 * (a new file: its table into commands.c, too), and tell it in
 * posternctl.8; tests compare the page with the table.
 */
#ifndef PTN_POSTERNCTL_CTL_H
#define PTN_POSTERNCTL_CTL_H

#include "base/json.h"
#include "proc/server.h"
#include <postern/arena.h>
#include <postern/buf.h>
#include <stdio.h>

/* Exit statuses; those over 63 as in sysexits.h. A command may have others
 * of its own, 3 to 63, which it tells in `exits`. */
enum ctl_status {
    CTL_OK = PTN_EXIT_OK,
    CTL_FAILED = PTN_EXIT_FAILED,
    CTL_USAGE = PTN_EXIT_USAGE,
    CTL_UNAVAILABLE = 69, /* no server answers */
    CTL_DENIED = 77,      /* there is one, but not for this user */
    CTL_CONFIG = PTN_EXIT_CONFIG,
};

struct ctl;

/* Does the command's work, prints its answer, and returns an enum
 * ctl_status. What went wrong is on stderr by then. */
typedef int ctl_fn(const struct ctl *ctl);

/* An option of one command. Tables end with name NULL. */
struct ctl_option {
    const char *name;  /* without its dashes */
    const char *value; /* what it takes: "SIZE", a choice "a|b|c", or a name
                          of ctl_completions (complete.c); NULL: a switch */
    const char *doc;   /* half a line, no capital, no full stop */
};

/* What an exit status means for one command. Tables end with doc NULL. */
struct ctl_exit {
    int status;
    const char *doc;
};

enum {
    CTL_READS = 1,    /* the configuration */
    CTL_ASKS = 3,     /* the running server, and reads for its place */
    CTL_NO_JSON = 4,  /* prints nothing, or no data */
    CTL_UNLISTED = 8, /* for programs; only its own --help tells of it */
};

/* A command, or a group of commands: "user" before "user add". Tables end
 * with words NULL. */
struct ctl_command {
    const char *words;
    ctl_fn *fn;            /* NULL: a group */
    unsigned flags;        /* CTL_... */
    const char *arguments; /* "NAME SIZE", "[LISTENER]", "ID..."; or NULL.
                              Words are named as the values of options are */
    const char *doc;       /* half a line, no capital, no full stop */
    const char *about;     /* more for --help, whole lines; or NULL */
    const struct ctl_option *options; /* or NULL */
    const struct ctl_exit *exits;     /* beyond the usual; or NULL */
    const char *example;              /* lines to type; or NULL */
};

/* All tables; ends with NULL. */
extern const struct ctl_command *const ctl_tables[];

/* Every command in the order of the tables: begin with NULL, ends with NULL.
 */
const struct ctl_command *ctl_next(const struct ctl_command *after);
/* The command or group with exactly these words, or NULL. */
const struct ctl_command *ctl_find(const char *words);
/* Whether `command` is one level below the group `words` ("": the top). */
bool ctl_is_below(const struct ctl_command *command, const char *words);

/* Puts a word after those of a command; false: there is none so long. */
#define CTL_WORDS_MAX 64
bool ctl_add_word(char words[CTL_WORDS_MAX], const char *word);

/* The options that every command has. */
extern const struct ctl_option ctl_globals[];

/* What was on the command line. */
struct ctl {
    const char *config;
    bool json;
    char **words; /* the arguments: as many as the command's row says */
    int count;
    const struct ctl_command *command;
    const char **values; /* of the command's options; NULL: not given */
};

/* The value of an option of the command, "" of a switch; NULL: not given. */
const char *ctl_option(const struct ctl *ctl, const char *name);

/* --help of a command, of a group, or (NULL) of all. */
void ctl_help(const struct ctl_command *command, FILE *to);
/* The one line "Usage: ...". */
void ctl_usage(const struct ctl_command *command, FILE *to);

/* A table on stdout whose columns are as wide as their widest cell. Cells
 * are copied; a row is added with one call. */
struct ctl_table {
    size_t columns;
    char **cells;
    size_t count, cap;
};
void ctl_table_row(struct ctl_table *table, const char *const *cells);
void ctl_table_print(const struct ctl_table *table);
void ctl_table_free(struct ctl_table *table);

/* Prints what was written into `out`, with a line end, and frees it. */
void ctl_json_print(struct ptn_buf *out);

/* How records of one kind (proc/plan.h) become a table. */
#define CTL_COLUMNS_MAX 10
struct ctl_view {
    const char *kind;
    const char *titles[CTL_COLUMNS_MAX], *keys[CTL_COLUMNS_MAX];
    size_t columns;
    void (*more)(struct ptn_slice records); /* what follows it; or NULL */
};
void ctl_view_print(const struct ctl_view *view, struct ptn_slice records);

/* All records of a kind as an array of objects, and one record as an object.
 * Which fields are numbers, lists and truths, record.c knows by name. */
void ctl_json_records(struct ptn_json *j, const char *key, const char *kind,
                      struct ptn_slice records);
void ctl_json_record(struct ptn_json *j, const char *key,
                     struct ptn_slice record);

/* A field for people: "-" when it is not there, times and sizes in their
 * units. Answers `into`. */
#define CTL_CELL_MAX 4096
const char *ctl_field(struct ptn_slice record, const char *key, char *into);

/* Asks `request` and prints what comes as a table, or as an array. */
int ctl_show(const struct ctl *ctl, const char *request,
             const struct ctl_view *view);

/* Asks the running server. The exit status: unless it is CTL_OK, why not was
 * printed. */
int ctl_ask(const struct ctl *ctl, const char *request, struct ptn_buf *answer);

/* The password, from the terminal (twice, with `confirm`) or else the first
 * line of standard input. -1: none was given, why was printed. The caller
 * wipes it. */
#define CTL_PASSWORD_MAX 1024
int ctl_read_password(bool confirm, char *out);
/* "WHAT: " on the terminal, whatever the standard files are; without an
 * echo, and twice with `confirm`. -1: there is no terminal, or the answers
 * differ, which was told. */
int ctl_ask_secret(const char *what, bool confirm, char *out);

/* The tables, a file each. */
/* clang-format off: one a line, so that adding one touches one. */
extern const struct ctl_command ctl_state_commands[], ctl_session_commands[],
    ctl_inspect_commands[], ctl_metrics_commands[], ctl_log_commands[],
    ctl_sandbox_commands[], ctl_reload_commands[], ctl_order_commands[],
    ctl_config_commands[], ctl_user_commands[], ctl_cert_commands[],
    ctl_module_commands[], ctl_completion_commands[];
/* clang-format on */

#endif
