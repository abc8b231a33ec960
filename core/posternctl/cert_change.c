/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `posternctl cert renew`, `rollback`, `rename` and `remove`.
 */
#include "posternctl/cert.h"

int
cert_renew(const struct ctl *ctl)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct cert_office o;
    int result = cert_open(ctl, &o);

    if (result != CTL_OK)
        return result;
    if (cert_errand_source(&o, ctl->words[0]))
        result = cert_errand_renew(&o, ctl->words[0],
                                   ctl_option(ctl, "force") != NULL);
    else
        result = cert_conclude(
            ctl, ptn_manage_renew(&o.manage, ctl->words[0], &err), &err);
    if (result == CTL_OK)
        result = cert_changed(&o, ctl->words[0], true);
    cert_close(&o);
    return result;
}

int
cert_rollback(const struct ctl *ctl)
{
    const char *text = ctl_option(ctl, "version");
    struct ptn_error err = PTN_ERROR_INIT;
    uint64_t version = 0; /* the one before */
    struct cert_office o;
    int result;

    if (text && !ptn_slice_to_u64(ptn_slice_of(text), UINT32_MAX, &version))
        return cert_refuse(ctl, CTL_USAGE,
                           "--version is a number of `posternctl cert "
                           "history`");
    result = cert_open(ctl, &o);
    if (result != CTL_OK)
        return result;
    result = cert_conclude(
        ctl,
        ptn_manage_rollback(&o.manage, ctl->words[0], (unsigned)version, &err),
        &err);
    if (result == CTL_OK)
        result = cert_changed(&o, ctl->words[0], true);
    cert_close(&o);
    return result;
}

int
cert_rename(const struct ctl *ctl)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct cert_office o;
    int result = cert_open(ctl, &o);

    if (result != CTL_OK)
        return result;
    result = cert_conclude(
        ctl, ptn_manage_rename(&o.manage, ctl->words[0], ctl->words[1], &err),
        &err);
    if (result == CTL_OK)
        result = cert_changed(&o, ctl->words[1], false);
    cert_close(&o);
    return result;
}

int
cert_remove(const struct ctl *ctl)
{
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_json json = PTN_JSON_INIT(&out);
    struct ptn_error err = PTN_ERROR_INIT;
    struct cert_office o;
    int result = cert_open(ctl, &o);

    if (result != CTL_OK)
        return result;
    result = cert_conclude(
        ctl, ptn_manage_remove(&o.manage, ctl->words[0], &err), &err);
    if (result == CTL_OK && ctl->json) {
        ptn_json_object(&json, NULL);
        ptn_json_text(&json, "name", ptn_slice_of(ctl->words[0]));
        ptn_json_bool(&json, "removed", true);
        ptn_json_end_object(&json);
        ctl_json_print(&out);
    }
    cert_close(&o);
    return result;
}
