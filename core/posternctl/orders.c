/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a running server is told to do as a whole.
 */
#include "posternctl/ctl.h"
#include "proc/admin.h"
#include "proc/control.h"
#include <unistd.h>

enum {
    STOP_WAIT_MS = 120000,
    STOP_POLL_MS = 50,
};

static bool
is_answering(const char *path)
{
    struct ptn_error ignored = PTN_ERROR_INIT;
    struct ptn_buf answer = PTN_BUF_INIT;
    int result = ptn_control_ask(path, "status", &answer, &ignored);

    ptn_buf_free(&answer);
    return result == 0;
}

/* Returns when the server does not answer any more. */
static int
await_end(const char *path)
{
    for (int waited = 0; is_answering(path); waited += STOP_POLL_MS) {
        if (waited > STOP_WAIT_MS) {
            fputs("posternctl: the server still lets sessions end\n", stderr);
            return CTL_FAILED;
        }
        usleep(STOP_POLL_MS * 1000);
    }
    return CTL_OK;
}

static int
stop(const struct ctl *ctl)
{
    struct ptn_buf answer = PTN_BUF_INIT, path = PTN_BUF_INIT;
    int status = ctl_ask(ctl, "stop", &answer);

    if (status == CTL_OK && ptn_admin_control(ctl->config, &path, stderr) != 0)
        status = CTL_CONFIG;
    if (status == CTL_OK)
        status = await_end(ptn_buf_cstr(&path));
    ptn_buf_free(&answer);
    ptn_buf_free(&path);
    return status;
}

const struct ctl_command ctl_order_commands[] = {
    {.words = "stop",
     .fn = stop,
     .flags = CTL_ASKS | CTL_NO_JSON,
     .doc = "let sessions end, then stop; returns when it has",
     .exits =
         (const struct ctl_exit[]){
             {CTL_FAILED, "after two minutes it still runs"}, {0, NULL}},
     .example = "posternctl stop"},
    {.words = NULL},
};
