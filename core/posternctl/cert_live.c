/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What becomes of a changed certificate in a running server.
 */
#include "posternctl/cert.h"
#include "proc/control.h"
#include <unistd.h>

int
cert_put_live(const struct cert_office *o, const char *name,
              struct ptn_buf *said)
{
    struct ptn_buf users = PTN_BUF_INIT, path = PTN_BUF_INIT,
                   answer = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    int result = CTL_OK;

    ptn_manage_users(&o->manage, name, &users);
    if (users.len == 0) {
        ptn_buf_printf(said,
                       "no listener shows \"%s\" yet; see `posternctl cert "
                       "bind`",
                       name);
    } else if (ptn_admin_control(o->ctl->config, &path, stderr) != 0 ||
               access(ptn_buf_cstr(&path), F_OK) != 0) {
        ptn_buf_adds(said,
                     "the server does not run; it will show it when it does");
    } else if (ptn_control_ask(ptn_buf_cstr(&path), "reload", &answer, &err) !=
               0) {
        ptn_buf_printf(said, "the server did not take it over: %s", err.text);
        result = CTL_FAILED;
    } else {
        ptn_buf_printf(said, "the running server shows it (%s)",
                       ptn_buf_cstr(&users));
    }
    ptn_buf_free(&users);
    ptn_buf_free(&path);
    ptn_buf_free(&answer);
    return result;
}
