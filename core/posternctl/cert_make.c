/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `posternctl cert create` and `csr`: keys, requests and certificates of our
 * own making.
 */
#include "posternctl/cert.h"
#include <stdlib.h>

#define NAMES_MAX 100  /* of one certificate, as authorities have it */
#define DAYS_MAX 36500 /* as in the configuration */

/* --- arguments --- */

static const struct {
    const char *word;
    enum ptn_tls_key_type type;
} types[] = {
    {"ecdsa-p256", PTN_KEY_ECDSA_P256}, {"ecdsa-p384", PTN_KEY_ECDSA_P384},
    {"rsa-2048", PTN_KEY_RSA_2048},     {"rsa-3072", PTN_KEY_RSA_3072},
    {"rsa-4096", PTN_KEY_RSA_4096},     {"ed25519", PTN_KEY_ED25519},
};

static int
parse_type(const struct ctl *ctl, enum ptn_tls_key_type *out)
{
    const char *word = ctl_option(ctl, "type");

    for (size_t i = 0; word && i < PTN_COUNT(types); i++)
        if (strcmp(types[i].word, word) == 0) {
            *out = types[i].type;
            return CTL_OK;
        }
    if (!word)
        return CTL_OK;
    if (strncmp(word, "rsa-", 4) == 0 && atoi(word + 4) < 2048)
        return cert_refuse(ctl, PTN_CERT_WEAK,
                           "RSA below 2048 bits can be broken, and clients "
                           "refuse it; choose rsa-2048 or more, or ecdsa-p256");
    return cert_refuse(ctl, CTL_USAGE,
                       "--type is ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072, "
                       "rsa-4096 or ed25519");
}

/* "a,b" into `items`, cut in place. */
static int
parse_names(const struct ctl *ctl, char *text, const char **items,
            struct ptn_strings *out)
{
    char *save = NULL;
    size_t count = 0;

    if (!text)
        return CTL_OK;
    for (char *one = strtok_r(text, ", ", &save); one;
         one = strtok_r(NULL, ", ", &save)) {
        if (count == NAMES_MAX)
            return cert_refuse(ctl, CTL_USAGE,
                               "no authority signs more than %d names; make "
                               "several certificates, or use a wildcard",
                               NAMES_MAX);
        items[count++] = one;
    }
    *out = (struct ptn_strings){items, count};
    return count > 0
               ? CTL_OK
               : cert_refuse(ctl, CTL_USAGE, "--names needs at least one name");
}

static int
parse_days(const struct ctl *ctl, uint32_t *out)
{
    const char *text = ctl_option(ctl, "days");
    uint64_t days;

    if (!text)
        return CTL_OK;
    if (!ptn_slice_to_u64(ptn_slice_of(text), DAYS_MAX, &days) || days == 0)
        return cert_refuse(ctl, CTL_USAGE,
                           "--days is a number from 1 to %d, a hundred years",
                           DAYS_MAX);
    *out = (uint32_t)days;
    return CTL_OK;
}

/* --- the commands --- */

static int
create(struct cert_office *o, char *names)
{
    const struct ctl *ctl = o->ctl;
    const char *items[NAMES_MAX], *name = ctl->words[0];
    struct ptn_cert_order order = ptn_manage_preset(&o->manage, name);
    struct ptn_error err = PTN_ERROR_INIT;
    int result = parse_names(ctl, names, items, &order.names);

    if (result == CTL_OK)
        result = parse_type(ctl, &order.type);
    if (result == CTL_OK)
        result = parse_days(ctl, &order.days);
    if (result == CTL_OK)
        result = cert_conclude(
            ctl, ptn_manage_create(&o->manage, name, &order, &err), &err);
    return result == CTL_OK ? cert_changed(o, name, true) : result;
}

int
cert_create(const struct ctl *ctl)
{
    const char *given = ctl_option(ctl, "names");
    char *names = given ? ptn_strdup(given) : NULL;
    struct cert_office o;
    int result = cert_open(ctl, &o);

    if (result == CTL_OK) {
        result = create(&o, names);
        cert_close(&o);
    }
    ptn_free(names);
    return result;
}

static void
print_request(const struct ctl *ctl, struct ptn_buf *csr)
{
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_json json = PTN_JSON_INIT(&out);

    if (!ctl->json) {
        fwrite(csr->data, 1, csr->len, stdout);
        return;
    }
    ptn_json_object(&json, NULL);
    ptn_json_text(&json, "name", ptn_slice_of(ctl->words[0]));
    ptn_json_text(&json, "request", ptn_buf_slice(csr));
    ptn_json_bool(&json, "new_key", ctl_option(ctl, "new-key") != NULL);
    ptn_json_end_object(&json);
    ctl_json_print(&out);
}

int
cert_csr(const struct ctl *ctl)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_buf csr = PTN_BUF_INIT;
    struct cert_office o;
    int result = cert_open(ctl, &o);

    if (result != CTL_OK)
        return result;
    result = cert_conclude(
        ctl,
        ptn_manage_request(&o.manage, ctl->words[0],
                           ctl_option(ctl, "new-key") != NULL, &csr, &err),
        &err);
    if (result == CTL_OK)
        print_request(ctl, &csr);
    ptn_buf_free(&csr);
    cert_close(&o);
    return result;
}
