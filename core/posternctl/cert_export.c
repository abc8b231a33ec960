/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `posternctl cert export`: what other programs are to have.
 */
#include "posternctl/cert.h"

static void
print_json(const struct ctl *ctl, const struct ptn_parts *parts)
{
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_json json = PTN_JSON_INIT(&out);

    ptn_json_object(&json, NULL);
    ptn_json_text(&json, "name", ptn_slice_of(ctl->words[0]));
    if (ctl_option(ctl, "key"))
        ptn_json_text(&json, "key", ptn_buf_slice(&parts->part[PTN_PART_KEY]));
    ptn_json_text(&json, "chain", ptn_buf_slice(&parts->part[PTN_PART_CRT]));
    ptn_json_end_object(&json);
    ctl_json_print(&out);
}

int
cert_export(const struct ctl *ctl)
{
    struct ptn_parts parts = {0};
    struct cert_office o;
    int result = cert_open(ctl, &o);

    if (result != CTL_OK)
        return result;
    result = cert_read(&o, ctl->words[0], &parts);
    if (result == CTL_OK && parts.part[PTN_PART_CRT].len == 0)
        result = cert_refuse(ctl, PTN_CERT_UNKNOWN,
                             "\"%s\" has no certificate yet; it waits for the "
                             "answer to its signing request",
                             ctl->words[0]);
    if (result == CTL_OK && ctl->json) {
        print_json(ctl, &parts);
    } else if (result == CTL_OK) {
        if (ctl_option(ctl, "key"))
            fputs(ptn_buf_cstr(&parts.part[PTN_PART_KEY]), stdout);
        fputs(ptn_buf_cstr(&parts.part[PTN_PART_CRT]), stdout);
    }
    ptn_parts_free(&parts);
    cert_close(&o);
    return result;
}
