/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The admin tool's command line: finds the command, checks how many words
 * follow it, and calls it.
 */
#include "config.h"
#include "posternctl/ctl.h"
#include "proc/admin.h"
#include <getopt.h>
#include <stdio.h>

static int
config_check(const struct ctl *ctl)
{
    struct ptn_server_options options = {ctl->config, -1};

    return ptn_server_check(&options);
}

static int
config_show(const struct ctl *ctl)
{
    return ptn_admin_show(ctl->config, stdout, stderr) == 0 ? PTN_EXIT_OK
                                                            : PTN_EXIT_CONFIG;
}

/* A command is one word or two, then `count` arguments. */
static const struct command {
    const char *first, *second;
    int count;
    ctl_fn *fn;
    const char *arguments, *doc;
} commands[] = {
    {"status", NULL, 0, ctl_status, "", "all of the following"},
    {"listeners", NULL, 0, ctl_listeners, "",
     "what is served where, with which TLS, and if not, why"},
    {"certificates", NULL, 0, ctl_certificates, "",
     "certificates in use and when they expire"},
    {"workers", NULL, 0, ctl_workers, "", "processes and their sessions"},
    {"config", "check", 0, config_check, "",
     "say everything that is wrong with the configuration"},
    {"config", "show", 0, config_show, "",
     "the effective values and where each comes from"},
    {"user", "list", 0, ctl_user_list, "", "accounts and their quotas"},
    {"user", "add", 1, ctl_user_add, " NAME",
     "make an account (asks for the password; --quota SIZE)"},
    {"user", "password", 1, ctl_user_password, " NAME",
     "change a password (asks for it)"},
    {"user", "quota", 2, ctl_user_quota, " NAME SIZE",
     "change a quota; 0 for none"},
    {"user", "delete", 1, ctl_user_delete, " NAME",
     "remove an account; its mail stays"},
    {"reload", NULL, 0, ctl_reload, "", "read the certificates again"},
    {"stop", NULL, 0, ctl_stop, "", "let sessions end, then stop"},
};

static void
print_usage(FILE *to)
{
    fprintf(to,
            "Usage: posternctl [OPTION]... COMMAND\n"
            "\n"
            "  -c, --config FILE   the server's configuration [%s]\n"
            "      --json          print JSON, where a table would be printed\n"
            "      --version       print the version, and end\n"
            "  -h, --help          print this, and end\n"
            "\n"
            "Commands:\n",
            ptn_server_default_config());
    for (size_t i = 0; i < PTN_COUNT(commands); i++) {
        const struct command *c = &commands[i];
        char text[64];

        snprintf(text, sizeof text, "%s%s%s%s", c->first, c->second ? " " : "",
                 c->second ? c->second : "", c->arguments);
        fprintf(to, "  %-22s %s\n", text, c->doc);
    }
    fputs("\nA password is read from the terminal, or else from standard "
          "input.\n"
          "Exit status: 0 done; 1 it did not work, or no server answers;\n"
          "2 wrong command line; 78 wrong configuration.\n",
          to);
}

static const struct command *
find(int count, char **words)
{
    for (size_t i = 0; count > 0 && i < PTN_COUNT(commands); i++) {
        const struct command *c = &commands[i];

        if (strcmp(words[0], c->first) == 0 &&
            (!c->second || (count > 1 && strcmp(words[1], c->second) == 0)))
            return c;
    }
    return NULL;
}

/* Says what is wrong with the command, and which ones begin so. */
static void
complain(int count, char **words)
{
    const char *separator = "; say one of: ";

    if (count == 0)
        fputs("posternctl: a command is needed", stderr);
    else
        fprintf(stderr, "posternctl: there is no command \"%s%s%s\"", words[0],
                count > 1 ? " " : "", count > 1 ? words[1] : "");
    for (size_t i = 0; count > 0 && i < PTN_COUNT(commands); i++) {
        const struct command *c = &commands[i];

        if (strcmp(words[0], c->first) != 0)
            continue;
        fprintf(stderr, "%s%s %s", separator, c->first, c->second);
        separator = ", ";
    }
    fputs("\nTry posternctl --help.\n", stderr);
}

static int
dispatch(struct ctl *ctl, int count, char **words)
{
    const struct command *c = find(count, words);
    int own = c && c->second ? 2 : 1;

    if (!c) {
        complain(count, words);
        return PTN_EXIT_USAGE;
    }
    if (count - own != c->count) {
        fprintf(stderr, "Usage: posternctl %s%s%s%s\n", c->first,
                c->second ? " " : "", c->second ? c->second : "", c->arguments);
        return PTN_EXIT_USAGE;
    }
    ctl->words = words + own;
    ctl->count = c->count;
    return c->fn(ctl);
}

enum {
    OPTION_JSON = 256,
    OPTION_QUOTA,
    OPTION_VERSION,
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"json", no_argument, NULL, OPTION_JSON},
    {"quota", required_argument, NULL, OPTION_QUOTA},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

int
main(int argc, char **argv)
{
    struct ctl ctl = {.config = ptn_server_default_config()};
    int option;

    while ((option = getopt_long(argc, argv, "c:h", long_options, NULL)) !=
           -1) {
        switch (option) {
        case 'c':
            ctl.config = optarg;
            break;
        case OPTION_JSON:
            ctl.json = true;
            break;
        case OPTION_QUOTA:
            ctl.quota = optarg;
            break;
        case OPTION_VERSION:
            puts("posternctl (Postern) " PACKAGE_VERSION);
            return PTN_EXIT_OK;
        case 'h':
            print_usage(stdout);
            return PTN_EXIT_OK;
        default:
            fputs("Try posternctl --help.\n", stderr);
            return PTN_EXIT_USAGE;
        }
    }
    return dispatch(&ctl, argc - optind, argv + optind);
}
