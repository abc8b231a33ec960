/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The log of the running server.
 */
#include "posternctl/ctl.h"
#include "proc/plan.h"

static int
print_level(const struct ctl *ctl, struct ptn_slice answer)
{
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_json json = PTN_JSON_INIT(&out);
    char level[16] = "";

    (void)ptn_record_get(ptn_record_next(&answer), "level", level,
                         sizeof level);
    if (!ctl->json) {
        puts(level);
        return CTL_OK;
    }
    ptn_json_object(&json, NULL);
    ptn_json_text(&json, "level", ptn_slice_of(level));
    ptn_json_end_object(&json);
    ctl_json_print(&out);
    return CTL_OK;
}

static int
level(const struct ctl *ctl)
{
    struct ptn_buf request = PTN_BUF_INIT, answer = PTN_BUF_INIT;
    int status;

    ptn_buf_adds(&request, "log");
    if (ctl->count > 0)
        ptn_record_add(&request, "level", ctl->words[0]);
    status = ctl_ask(ctl, ptn_buf_cstr(&request), &answer);
    if (status == CTL_OK)
        status = print_level(ctl, ptn_buf_slice(&answer));
    ptn_buf_free(&request);
    ptn_buf_free(&answer);
    return status;
}

static int
reopen(const struct ctl *ctl)
{
    struct ptn_buf answer = PTN_BUF_INIT;
    int status = ctl_ask(ctl, "log\treopen=yes", &answer);

    ptn_buf_free(&answer);
    return status;
}

const struct ctl_command ctl_log_commands[] = {
    {.words = "log", .doc = "the server's log"},
    {.words = "log level",
     .fn = level,
     .flags = CTL_ASKS,
     .arguments = "[error|warning|info|debug]",
     .doc = "show or set what is logged at the least",
     .about = "It holds for all processes at once, until the server is "
              "started anew or a\nreload finds another log_level in the "
              "file.",
     .exits = (const struct ctl_exit[]){{CTL_FAILED, "there is no such level"},
                                        {0, NULL}},
     .example = "posternctl log level debug"},
    {.words = "log reopen",
     .fn = reopen,
     .flags = CTL_ASKS | CTL_NO_JSON,
     .doc = "open the log file anew, after it was renamed",
     .about = "The same as the signal SIGUSR1.",
     .example = "posternctl log reopen"},
    {.words = NULL},
};
