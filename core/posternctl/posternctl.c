/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The admin tool's command line:
 *
 *   posternctl [GLOBAL]... GROUP [GLOBAL]... COMMAND [OPTION|ARGUMENT]...
 *
 * Words lead down the table of commands until one has a function; what
 * follows is its own.
 */
#include "conf/suggest.h"
#include "config.h"
#include "posternctl/ctl.h"
#include <assert.h>
#include <getopt.h>

const struct ctl_option ctl_globals[] = {
    {"config", "FILE", "the server's configuration"},
    {"json", NULL, "print JSON, where a table would be printed"},
    {"version", NULL, "print the version, and end"},
    {"help", NULL, "tell about the command, and end"},
    {NULL, NULL, NULL},
};

enum {
    OPTIONS_MAX = 32,
    OWN = 256, /* getopt's value of a command's first option */
    OWN_JSON = OWN + OPTIONS_MAX,
    OWN_VERSION,
};

struct line {
    struct ctl ctl;
    const char *values[OPTIONS_MAX];
    char words[CTL_WORDS_MAX]; /* so far */
    bool help;
    bool done; /* --version: no more */
};

const char *
ctl_option(const struct ctl *ctl, const char *name)
{
    const struct ctl_option *o = ctl->command->options;

    for (size_t i = 0; o && o[i].name; i++)
        if (strcmp(o[i].name, name) == 0)
            return ctl->values[i];
    return NULL;
}

static void
fill_options(const struct ctl_command *command, struct option *out)
{
    const struct ctl_option *o = command ? command->options : NULL;
    size_t n = 0;

    for (; o && o->name; o++, n++) {
        assert(n < OPTIONS_MAX);
        out[n] = (struct option){o->name, o->value ? 1 : 0, NULL, OWN + (int)n};
    }
    out[n++] = (struct option){"config", 1, NULL, 'c'};
    out[n++] = (struct option){"json", 0, NULL, OWN_JSON};
    out[n++] = (struct option){"version", 0, NULL, OWN_VERSION};
    out[n++] = (struct option){"help", 0, NULL, 'h'};
    out[n] = (struct option){NULL, 0, NULL, 0};
}

static void
take_option(struct line *line, int option)
{
    if (option == 'c')
        line->ctl.config = optarg;
    else if (option == 'h')
        line->help = true;
    else if (option == OWN_JSON)
        line->ctl.json = true;
    else if (option == OWN_VERSION)
        line->done = true;
    else
        line->values[option - OWN] = optarg ? optarg : "";
}

/* Takes the options from argv[1] on: all, or without a command those before
 * the first word. Answers where what is left begins; -1: a wrong one, which
 * was told. */
static int
take_options(struct line *line, int argc, char **argv)
{
    static char self[] = "posternctl"; /* getopt puts it before what it says */
    const struct ctl_command *command = line->ctl.command;
    struct option options[OPTIONS_MAX + 5];
    int option;

    fill_options(command, options);
    argv[0] = self;
    optind = 0; /* begin anew */
    while ((option = getopt_long(argc, argv, command ? "c:h" : "+c:h", options,
                                 NULL)) != -1) {
        if (option == '?')
            return -1;
        take_option(line, option);
    }
    return optind;
}

/* "there is no command ...", and which there are, or which was meant. */
static int
complain(const char *group, const char *word)
{
    struct ptn_suggest meant = ptn_suggest_begin(word);
    const struct ctl_command *c = NULL;
    const char *separator = "; say one of: ";
    size_t skip = *group ? strlen(group) + 1 : 0;

    fprintf(stderr, "posternctl: there is no command \"%s%s%s\"", group,
            *group ? " " : "", word);
    while ((c = ctl_next(c)))
        if (ctl_is_below(c, group))
            ptn_suggest_try(&meant, c->words + skip);
    if (meant.best)
        fprintf(stderr, "; did you mean \"%s\"?", meant.best);
    while (!meant.best && *group && (c = ctl_next(c)))
        if (ctl_is_below(c, group)) {
            fprintf(stderr, "%s%s", separator, c->words + skip);
            separator = ", ";
        }
    fprintf(stderr, "\nTry posternctl%s%s --help.\n", *group ? " " : "", group);
    return CTL_USAGE;
}

/* How many arguments the row allows: "A [B]" is one to two. */
static void
count_arguments(const char *text, int *least, int *most)
{
    *least = *most = 0;
    for (const char *at = text; at && *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");

        *least += *at != '[';
        *most += *most < INT16_MAX;
        if (len > 3 && strncmp(at + len - 3, "...", 3) == 0)
            *most = INT16_MAX;
        at += len;
    }
}

static int
run(struct line *line, int argc, char **argv)
{
    struct ctl *ctl = &line->ctl;
    int at = take_options(line, argc, argv), least, most;

    if (at < 0) {
        fprintf(stderr, "Try posternctl %s --help.\n", line->words);
        return CTL_USAGE;
    }
    ctl->words = argv + at;
    ctl->count = argc - at;
    ctl->values = line->values;
    if (line->help) {
        ctl_help(ctl->command, stdout);
        return CTL_OK;
    }
    count_arguments(ctl->command->arguments, &least, &most);
    if (ctl->count < least || ctl->count > most) {
        ctl_usage(ctl->command, stderr);
        return CTL_USAGE;
    }
    return ctl->command->fn(ctl);
}

/* No word follows: that is right only with an option that says so. */
static int
end_early(const struct line *line)
{
    const struct ctl_command *group = ctl_find(line->words);

    if (line->done) {
        puts("posternctl (Postern) " PACKAGE_VERSION);
        return CTL_OK;
    }
    if (line->help) {
        ctl_help(group, stdout);
        return CTL_OK;
    }
    fprintf(stderr, "posternctl: a command is needed%s%s\n",
            group ? " after " : "", line->words);
    fprintf(stderr, "Try posternctl%s%s --help.\n", group ? " " : "",
            line->words);
    return CTL_USAGE;
}

int
main(int argc, char **argv)
{
    struct line line = {.ctl = {.config = ptn_server_default_config()}};

    for (;;) {
        int at = take_options(&line, argc, argv);
        char group[CTL_WORDS_MAX];
        const struct ctl_command *next;

        if (at < 0) {
            fputs("Try posternctl --help.\n", stderr);
            return CTL_USAGE;
        }
        if (at == argc || line.done)
            return end_early(&line);
        memcpy(group, line.words, sizeof group);
        next = ctl_add_word(line.words, argv[at]) ? ctl_find(line.words) : NULL;
        if (!next)
            return complain(group, argv[at]);
        argc -= at;
        argv += at;
        if (!next->fn)
            continue;
        line.ctl.command = next;
        return run(&line, argc, argv);
    }
}
