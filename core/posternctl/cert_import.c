/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `posternctl cert import`: files of others become a pair of the repository.
 */
#include "posternctl/cert.h"

/* The files of the options, one behind the other: a chain may be in two. */
static int
read_options(const struct ctl *ctl, struct ptn_buf *chain, struct ptn_buf *key)
{
    const char *files[] = {ctl_option(ctl, "cert"), ctl_option(ctl, "chain")};
    const char *key_file = ctl_option(ctl, "key");
    int result = CTL_OK;

    if (!files[0])
        return cert_refuse(ctl, CTL_USAGE, "--cert FILE is needed");
    for (size_t i = 0; i < PTN_COUNT(files) && result == CTL_OK; i++) {
        if (files[i])
            result = cert_read_file(ctl, files[i], chain);
        ptn_buf_addc(chain, '\n');
    }
    if (result == CTL_OK && key_file)
        result = cert_read_file(ctl, key_file, key);
    return result;
}

/* A combined file has the key beside the certificates: its block alone. */
static void
take_combined_key(struct ptn_buf *chain, struct ptn_buf *key)
{
    static const char begin_mark[] = "-----BEGIN ", end_mark[] = "-----END ";
    static const char key_mark[] = "PRIVATE KEY-----";
    const char *text = ptn_buf_cstr(chain), *begin = text, *label, *end;

    while (key->len == 0 && (begin = strstr(begin, begin_mark))) {
        label = strstr(begin, key_mark);
        end = strstr(begin, end_mark);
        if (!end)
            return;
        if (label && label < end && (label = strstr(end, key_mark))) {
            ptn_buf_add(key, begin,
                        (size_t)(label - begin) + sizeof key_mark - 1);
            ptn_buf_addc(key, '\n');
        }
        begin = end + 1;
    }
}

int
cert_import(const struct ctl *ctl)
{
    struct ptn_buf chain = PTN_BUF_INIT, key = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    struct cert_office o;
    int result = cert_open(ctl, &o);

    if (result != CTL_OK)
        return result;
    result = read_options(ctl, &chain, &key);
    if (result == CTL_OK) {
        take_combined_key(&chain, &key);
        result = cert_conclude(ctl,
                               ptn_manage_import(&o.manage, ctl->words[0],
                                                 ptn_buf_slice(&chain),
                                                 ptn_buf_slice(&key), &err),
                               &err);
    }
    if (result == CTL_OK)
        result = cert_changed(&o, ctl->words[0], true);
    cert_wipe(&key);
    cert_wipe(&chain);
    cert_close(&o);
    return result;
}
