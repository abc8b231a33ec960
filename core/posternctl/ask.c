/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Asking the running server of a configuration.
 */
#include "posternctl/ctl.h"
#include "proc/admin.h"
#include "proc/control.h"
#include <errno.h>

/* The server's own refusals have no errno. */
static int
status_of(const struct ptn_error *err)
{
    if (err->number == EACCES || err->number == EPERM)
        return CTL_DENIED;
    return err->number ? CTL_UNAVAILABLE : CTL_FAILED;
}

/* What to do about it, where that is not plain. */
static void
advise(int status)
{
    if (status == CTL_CONFIG)
        fprintf(stderr, "posternctl: this file says where the server's control "
                        "socket is; mend it to ask the server\n");
    else if (status == CTL_UNAVAILABLE)
        fprintf(stderr, "posternctl: start posternd; if it runs, server.state "
                        "or server.control is not what it was started with\n");
}

int
ctl_ask(const struct ctl *ctl, const char *request, struct ptn_buf *answer)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_buf path = PTN_BUF_INIT;
    int status = CTL_OK;

    if (ptn_admin_control(ctl->config, &path, stderr) != 0) {
        status = CTL_CONFIG;
    } else if (ptn_control_ask(ptn_buf_cstr(&path), request, answer, &err) !=
               0) {
        fprintf(stderr, "posternctl: %s\n", err.text);
        status = status_of(&err);
    }
    advise(status);
    ptn_buf_free(&path);
    return status;
}
