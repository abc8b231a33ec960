/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What may follow on a command line that is being typed. The shell's part,
 * posternctl.bash, asks this at each TAB: what the tool can do and what it
 * proposes are the same table.
 */
#include "posternctl/ctl.h"
#include "proc/admin.h"

struct proposal {
    const char *begin;  /* what is being typed */
    const char *config; /* the file to find names in */
    const struct ctl_command *command;
    char path[64];     /* words of commands so far */
    const char *value; /* the option before wants this; NULL: none does */
    bool is_config;    /* and its value is that file */
    int arguments;
};

/* Words of options and arguments that stand for names of the file. */
static const struct {
    const char *word;
    enum ptn_admin_kind kind;
} named[] = {{"LISTENER", PTN_ADMIN_LISTENERS},
             {"CERTIFICATE", PTN_ADMIN_CERTIFICATES},
             {"MODULE", PTN_ADMIN_MODULES}};

static void
propose(const struct proposal *p, const char *word, size_t len)
{
    size_t n = strlen(p->begin);

    if (n <= len && strncmp(word, p->begin, n) == 0)
        printf("%.*s\n", (int)len, word);
}

static void
propose_name(void *arg, const char *name)
{
    propose(arg, name, strlen(name));
}

/* A choice "a|b|c" is spelt out; names come from the file; FILE is left to the
 * shell, which is told so by a word that no command has. */
static void
propose_value(struct proposal *p, const char *what)
{
    if (strncmp(what, "FILE", 4) == 0 || strncmp(what, "FOLDER", 6) == 0) {
        puts("/");
        return;
    }
    for (size_t i = 0; i < PTN_COUNT(named); i++)
        if (strcmp(what, named[i].word) == 0)
            ptn_admin_each_name(p->config, named[i].kind, propose_name, p);
    if (!strchr(what, '|'))
        return;
    while (*what) {
        size_t len = strcspn(what, "|");

        propose(p, what, len);
        what += len + (what[len] != '\0');
    }
}

static void
propose_options(const struct proposal *p, const struct ctl_option *o)
{
    char word[64];

    for (; o && o->name; o++) {
        snprintf(word, sizeof word, "--%s", o->name);
        propose(p, word, strlen(word));
    }
}

static void
propose_commands(const struct proposal *p)
{
    const struct ctl_command *c = NULL;
    size_t skip = *p->path ? strlen(p->path) + 1 : 0;

    while ((c = ctl_next(c)))
        if (ctl_is_below(c, p->path) && !(c->flags & CTL_UNLISTED))
            propose(p, c->words + skip, strlen(c->words + skip));
}

/* The argument's word of the row, without its brackets and dots. */
static void
propose_argument(struct proposal *p)
{
    const char *at = p->command->arguments;
    char word[64];
    size_t len = 0;

    for (int i = 0; at && *at && i < p->arguments; i++) {
        size_t n = strcspn(at, " ");

        if (!at[n] && n > 3 && strncmp(at + n - 3, "...", 3) == 0)
            break;
        at += n + strspn(at + n, " ");
    }
    for (; at && *at && *at != ' ' && len + 1 < sizeof word; at++)
        if (*at != '[' && *at != ']' && *at != '.')
            word[len++] = *at;
    word[len] = '\0';
    if (len > 0)
        propose_value(p, word);
}

static const struct ctl_option *
find_option(const struct ctl_option *o, const char *word)
{
    for (; o && o->name; o++)
        if (strcmp(o->name, word + 2) == 0)
            return o;
    return NULL;
}

static void
take_option(struct proposal *p, const char *word)
{
    const struct ctl_option *o = NULL;

    if (strcmp(word, "-c") == 0)
        word = "--config";
    if (strncmp(word, "--", 2) != 0 || strchr(word, '='))
        return;
    o = find_option(ctl_globals, word);
    if (!o && p->command)
        o = find_option(p->command->options, word);
    p->value = o ? o->value : NULL;
    p->is_config = o && strcmp(o->name, "config") == 0;
}

/* A word that is complete. */
static void
take(struct proposal *p, const char *word)
{
    const struct ctl_command *found;

    if (p->value) {
        if (strcmp(word, "=") == 0) /* bash takes --option=value apart */
            return;
        if (p->is_config)
            p->config = word;
        p->value = NULL;
        return;
    }
    if (*word == '-') {
        take_option(p, word);
        return;
    }
    if (p->command) {
        p->arguments++;
        return;
    }
    found = ctl_add_word(p->path, word) ? ctl_find(p->path) : NULL;
    p->command = found && found->fn ? found : NULL;
}

static int
complete(const struct ctl *ctl)
{
    struct proposal p = {.begin = "", .config = ctl->config};

    for (int i = 0; i < ctl->count - 1; i++)
        take(&p, ctl->words[i]);
    p.begin = ctl->words[ctl->count - 1];
    if (p.value) {
        propose_value(&p, p.value);
    } else if (*p.begin == '-') {
        propose_options(&p, ctl_globals);
        if (p.command)
            propose_options(&p, p.command->options);
    } else if (p.command) {
        propose_argument(&p);
    } else {
        propose_commands(&p);
    }
    return CTL_OK;
}

const struct ctl_command ctl_completion_commands[] = {
    {.words = "complete",
     .fn = complete,
     .flags = CTL_NO_JSON | CTL_UNLISTED,
     .arguments = "WORD...",
     .doc = "what can follow these words, for the shell's completion",
     .about = "The last word is the one being typed, and may be \"\". A line "
              "\"/\" stands for\nthe names of files.",
     .example = "posternctl complete -- user \"\""},
    {.words = NULL},
};
