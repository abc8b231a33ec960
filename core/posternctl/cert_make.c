/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `posternctl cert create` and `csr`: keys, requests and certificates of our
 * own making.
 */
#include "pki/pem.h"
#include "posternctl/cert.h"
#include <stdlib.h>

#define DAYS_MAX 36500 /* as in the configuration */
#define DAYS_TAKEN 825 /* what some clients take at most */

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
    struct ptn_error err = PTN_ERROR_INIT;
    char *save = NULL;
    size_t count = 0;

    if (!text)
        return CTL_OK;
    for (char *one = strtok_r(text, ", ", &save); one;
         one = strtok_r(NULL, ", ", &save)) {
        if (ptn_manage_check_name(one, &err) != 0)
            return cert_refuse(ctl, CTL_USAGE, "--names: %s", err.text);
        if (count == PTN_CERT_NAMES_MAX)
            return cert_refuse(ctl, CTL_USAGE,
                               "no authority signs more than %d names; make "
                               "several certificates, or use a wildcard",
                               PTN_CERT_NAMES_MAX);
        items[count++] = one;
    }
    *out = (struct ptn_strings){items, count};
    return count > 0
               ? CTL_OK
               : cert_refuse(ctl, CTL_USAGE, "--names needs at least one name");
}

static int
parse_days(struct cert_office *o, uint32_t *out)
{
    const char *text = ctl_option(o->ctl, "days");
    uint64_t days;

    if (!text)
        return CTL_OK;
    if (!ptn_slice_to_u64(ptn_slice_of(text), DAYS_MAX, &days) || days == 0)
        return cert_refuse(o->ctl, CTL_USAGE,
                           "--days is a number from 1 to %d, a hundred years",
                           DAYS_MAX);
    if (days > DAYS_TAKEN)
        ptn_buf_printf(&o->notes,
                       "some clients take no certificate of more than %d "
                       "days, not even one that they were told to trust\n",
                       DAYS_TAKEN);
    *out = (uint32_t)days;
    return CTL_OK;
}

/* It is kept as a line of the meta file. */
static int
parse_subject(const struct ctl *ctl, const char **out)
{
    const char *text = ctl_option(ctl, "subject");

    for (const char *c = text; c && *c; c++)
        if ((unsigned char)*c < ' ')
            return cert_refuse(ctl, CTL_USAGE,
                               "--subject is one line, such as \"O=Example, "
                               "C=DE\"");
    *out = text && *text ? text : NULL;
    return CTL_OK;
}

/* --- the commands --- */

static int
parse_order(struct cert_office *o, char *names, const char **items,
            struct ptn_cert_order *order)
{
    int result = parse_names(o->ctl, names, items, &order->names);

    if (result == CTL_OK)
        result = parse_type(o->ctl, &order->type);
    if (result == CTL_OK)
        result = parse_days(o, &order->days);
    if (result == CTL_OK)
        result = parse_subject(o->ctl, &order->subject);
    return result;
}

static int
create(struct cert_office *o, char *names)
{
    const char *items[PTN_CERT_NAMES_MAX], *name = o->ctl->words[0];
    struct ptn_cert_order order = ptn_manage_preset(&o->manage, name);
    struct ptn_buf passphrase = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    int result = parse_order(o, names, items, &order);

    if (result == CTL_OK && ctl_option(o->ctl, "encrypt"))
        result = cert_ask_new(o, name, &passphrase);
    order.passphrase = ptn_buf_slice(&passphrase);
    if (result == CTL_OK)
        result = cert_conclude(
            o->ctl, ptn_manage_create(&o->manage, name, &order, &err), &err);
    cert_wipe(&passphrase);
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
print_json(const struct ctl *ctl, const struct ptn_buf *csr)
{
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_json json = PTN_JSON_INIT(&out);

    ptn_json_object(&json, NULL);
    ptn_json_text(&json, "name", ptn_slice_of(ctl->words[0]));
    ptn_json_text(&json, "request", ptn_buf_slice(csr));
    ptn_json_bool(&json, "new_key", ctl_option(ctl, "new-key") != NULL);
    ptn_json_end_object(&json);
    ctl_json_print(&out);
}

static int
print_request(const struct ctl *ctl, const struct ptn_buf *csr)
{
    struct ptn_buf der = PTN_BUF_INIT;
    int result = CTL_OK;

    if (ctl->json)
        print_json(ctl, csr);
    else if (!ctl_option(ctl, "der"))
        fwrite(csr->data, 1, csr->len, stdout);
    else if (ptn_pki_pem_decode(ptn_buf_slice(csr), &der))
        result = cert_print_binary(ctl, &der);
    ptn_buf_free(&der);
    return result;
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
        result = print_request(ctl, &csr);
    ptn_buf_free(&csr);
    cert_close(&o);
    return result;
}
