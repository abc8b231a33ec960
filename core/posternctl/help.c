/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * --help on every level, from the table.
 */
#include "posternctl/ctl.h"

enum {
    DOC_COLUMN = 24,
};

/* "  left     right", the right side on the next line when there is no room.
 */
static void
print_pair(const char *left, const char *right, FILE *to)
{
    if (strlen(left) + 3 > DOC_COLUMN)
        fprintf(to, "  %s\n%*s%s\n", left, DOC_COLUMN, "", right);
    else
        fprintf(to, "  %-*s%s\n", DOC_COLUMN - 2, left, right);
}

static void
print_commands(const char *group, FILE *to)
{
    const struct ctl_command *c = NULL;
    size_t skip = *group ? strlen(group) + 1 : 0;

    fputs("\nCommands:\n", to);
    while ((c = ctl_next(c))) {
        char left[128];

        if (!ctl_is_below(c, group) || (c->flags & CTL_UNLISTED))
            continue;
        snprintf(left, sizeof left, "%s%s%s", c->words + skip,
                 c->arguments ? " "
                 : c->fn      ? ""
                              : " ...",
                 c->arguments ? c->arguments : "");
        print_pair(left, c->doc, to);
    }
}

static void
print_option(const struct ctl_option *o, const char *letter, FILE *to)
{
    char left[128];

    snprintf(left, sizeof left, "%s--%s%s%s", letter, o->name,
             o->value ? " " : "", o->value ? o->value : "");
    print_pair(left, o->doc, to);
}

static void
print_globals(FILE *to)
{
    fputs("\nOptions of all commands:\n", to);
    for (const struct ctl_option *o = ctl_globals; o->name; o++)
        print_option(o,
                     strcmp(o->name, "config") == 0 ? "-c, "
                     : strcmp(o->name, "help") == 0 ? "-h, "
                                                    : "    ",
                     to);
    fprintf(to, "The default configuration is %s.\n",
            ptn_server_default_config());
}

static const char *
own_meaning(const struct ctl_command *command, int status)
{
    for (const struct ctl_exit *e = command->exits; e && e->doc; e++)
        if (e->status == status)
            return e->doc;
    return NULL;
}

static void
print_exits(const struct ctl_command *command, FILE *to)
{
    static const struct {
        int status;
        unsigned flags; /* which a command has to have, for this */
        const char *doc;
    } usual[] = {
        {CTL_OK, 0, "done"},
        {CTL_FAILED, 0, "it did not work"},
        {CTL_USAGE, 0, "the command line is wrong"},
        {CTL_UNAVAILABLE, CTL_ASKS, "no server answers"},
        {CTL_DENIED, CTL_ASKS, "this user may not ask the server"},
        {CTL_CONFIG, CTL_READS, "the configuration is wrong"},
    };
    size_t next = 0;

    fputs("\nExit status:\n", to);
    for (int status = 0; status <= CTL_CONFIG; status++) {
        const char *doc = own_meaning(command, status);
        char left[8];

        if (next < PTN_COUNT(usual) && usual[next].status == status) {
            unsigned flags = usual[next].flags;

            if (!doc && (command->flags & flags) == flags)
                doc = usual[next].doc;
            next++;
        }
        snprintf(left, sizeof left, "%d", status);
        if (doc)
            fprintf(to, "  %-4s%s\n", left, doc);
    }
}

/* "a" of lines begins each of them. */
static void
print_example(const char *text, FILE *to)
{
    fputs("\nExample:\n", to);
    while (*text) {
        size_t len = strcspn(text, "\n");

        fprintf(to, "  %.*s\n", (int)len, text);
        text += len + (text[len] != '\0');
    }
}

void
ctl_usage(const struct ctl_command *command, FILE *to)
{
    const struct ctl_option *o = command ? command->options : NULL;
    size_t column = strlen("Usage: posternctl ");

    fputs("Usage: posternctl", to);
    if (!command || !command->fn) {
        fprintf(to, "%s%s [OPTION]... COMMAND\n", command ? " " : "",
                command ? command->words : "");
        return;
    }
    column += strlen(command->words);
    fprintf(to, " %s", command->words);
    for (; o && o->name; o++) {
        size_t len = strlen(o->name) + 5 + (o->value ? strlen(o->value) : 0);

        if (column + len > 78) {
            fputs("\n         ", to);
            column = 9;
        }
        fprintf(to, " [--%s%s%s]", o->name, o->value ? " " : "",
                o->value ? o->value : "");
        column += len + 1;
    }
    if (command->arguments)
        fprintf(to, " %s", command->arguments);
    fputc('\n', to);
}

static void
help_group(const struct ctl_command *group, FILE *to)
{
    if (group)
        fprintf(to, "\n%s: %s.\n", group->words, group->doc);
    if (group && group->about)
        fprintf(to, "\n%s\n", group->about);
    print_commands(group ? group->words : "", to);
    if (!group)
        print_globals(to);
    if (group && group->exits)
        print_exits(group, to);
    fprintf(to, "\nEach has its own --help: posternctl %s%sCOMMAND --help.\n",
            group ? group->words : "", group ? " " : "");
}

void
ctl_help(const struct ctl_command *command, FILE *to)
{
    ctl_usage(command, to);
    if (!command || !command->fn) {
        help_group(command, to);
        return;
    }
    fprintf(to, "\n%s: %s.\n", command->words, command->doc);
    if (command->about)
        fprintf(to, "\n%s\n", command->about);
    if (command->options)
        fputs("\nOptions:\n", to);
    for (const struct ctl_option *o = command->options; o && o->name; o++)
        print_option(o, "", to);
    print_globals(to);
    print_exits(command, to);
    if (command->example)
        print_example(command->example, to);
}
