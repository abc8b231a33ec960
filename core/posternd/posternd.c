/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The daemon's command line. Everything else is core/proc.
 */
#include "config.h"
#include "proc/server.h"
#include <getopt.h>
#include <stdlib.h>

static const char usage[] =
    "Usage: posternd [OPTION]...\n"
    "Serves what the configuration file says.\n"
    "\n"
    "  -c, --config FILE   the configuration [%s]\n"
    "      --check         say everything that is wrong with it, and end\n"
    "  -f, --foreground    stay in the foreground (this is the default)\n"
    "  -w, --workers N     worker processes, whatever the file says; 0: one a\n"
    "                      core\n"
    "      --version       print the version, and end\n"
    "  -h, --help          print this, and end\n"
    "\n"
    "SIGTERM: let sessions end, then stop. SIGHUP: take over the "
    "configuration.\n"
    "SIGUSR1: open the log file anew. SIGUSR2: take over the program that\n"
    "is installed by now.\n"
    "Exit status: 0 well ended; 1 the system said no (a port, a file);\n"
    "2 wrong command line; 78 wrong configuration, module or certificate.\n"
    "posternd(8), postern.conf(5) and posternctl(8) say more.\n";

enum {
    OPTION_CHECK = 256,
    OPTION_VERSION,
    OPTION_PRINT_OPTIONS,
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"check", no_argument, NULL, OPTION_CHECK},
    {"foreground", no_argument, NULL, 'f'},
    {"workers", required_argument, NULL, 'w'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"print-options", no_argument, NULL, OPTION_PRINT_OPTIONS},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

enum action {
    RUN,
    CHECK,
    PRINT_OPTIONS,
    DONE,
    MISUSED,
};

static int
parse_workers(const char *text, int *out)
{
    uint64_t value;

    if (!ptn_slice_to_u64(ptn_slice_of(text), 256, &value)) {
        fprintf(stderr,
                "posternd: --workers takes a number up to 256, not "
                "\"%s\"\n",
                text);
        return -1;
    }
    *out = (int)value;
    return 0;
}

static enum action
take(int option, struct ptn_server_options *o)
{
    switch (option) {
    case 'c':
        o->config = optarg;
        return RUN;
    case 'f':
        return RUN;
    case 'w':
        return parse_workers(optarg, &o->workers) == 0 ? RUN : MISUSED;
    case OPTION_CHECK:
        return CHECK;
    case OPTION_PRINT_OPTIONS:
        return PRINT_OPTIONS;
    case OPTION_VERSION:
        puts("posternd (Postern) " PACKAGE_VERSION);
        return DONE;
    case 'h':
        printf(usage, ptn_server_default_config());
        return DONE;
    default:
        return MISUSED;
    }
}

static enum action
parse(int argc, char **argv, struct ptn_server_options *o)
{
    enum action action = RUN;
    int option;

    while ((option = getopt_long(argc, argv, "c:fw:h", long_options, NULL)) !=
           -1) {
        enum action next = take(option, o);

        if (next != RUN)
            action = next;
        if (next == DONE || next == MISUSED)
            break;
    }
    if (action != DONE && action != MISUSED && optind < argc) {
        fprintf(stderr, "posternd: \"%s\" is not expected here\n",
                argv[optind]);
        action = MISUSED;
    }
    return action;
}

int
main(int argc, char **argv)
{
    struct ptn_server_options options = {.workers = -1, .argv = argv};
    enum action action = parse(argc, argv, &options);

    if (action == PRINT_OPTIONS)
        return ptn_server_print_options(&options, stdout);
    if (!options.config)
        options.config = ptn_server_default_config();
    switch (action) {
    case RUN:
        return ptn_server_run(&options);
    case CHECK:
        return ptn_server_check(&options);
    case DONE:
        return PTN_EXIT_OK;
    default:
        fputs("Try posternd --help.\n", stderr);
        return PTN_EXIT_USAGE;
    }
}
