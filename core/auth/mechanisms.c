/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The mechanisms: PLAIN (RFC 4616) and LOGIN, which has no RFC beyond a
 * draft (draft-murchison-sasl-login) and is what some clients still choose.
 * Both carry the password itself, so policy.c lets them be offered only
 * where the listener allows it.
 */
#include "auth/sasl.h"

/* The octets up to a NUL, which is skipped; false without one. */
static bool
up_to_nul(struct ptn_slice *rest, struct ptn_slice *out)
{
    const char *nul = rest->len ? memchr(rest->data, '\0', rest->len) : NULL;

    if (!nul)
        return false;
    out->data = rest->data;
    out->len = (size_t)(nul - rest->data);
    *rest = ptn_slice_sub(*rest, out->len + 1, rest->len - out->len - 1);
    return true;
}

/* RFC 4616 section 2: [authzid] NUL authcid NUL passwd. */
static enum ptn_sasl_step
plain_step(struct ptn_sasl *x, struct ptn_slice response,
           struct ptn_buf *challenge)
{
    struct ptn_slice authzid, name;

    (void)challenge; /* an empty one asks for the response */
    if (!response.data)
        return PTN_SASL_CHALLENGE;
    if (!up_to_nul(&response, &authzid) || !up_to_nul(&response, &name))
        return PTN_SASL_MALFORMED;
    if (name.len == 0 || response.len == 0 ||
        memchr(response.data, '\0', response.len))
        return PTN_SASL_MALFORMED;
    ptn_buf_addslice(&x->authzid, authzid);
    ptn_buf_addslice(&x->name, name);
    ptn_buf_addslice(&x->password, response);
    return PTN_SASL_VERIFY;
}

/* Two questions; a name may come as initial response. */
static enum ptn_sasl_step
login_step(struct ptn_sasl *x, struct ptn_slice response,
           struct ptn_buf *challenge)
{
    if (!response.data) {
        ptn_buf_adds(challenge, "Username:");
        return PTN_SASL_CHALLENGE;
    }
    if (response.len == 0 || memchr(response.data, '\0', response.len))
        return PTN_SASL_MALFORMED;
    if (x->stage++ == 0) {
        ptn_buf_addslice(&x->name, response);
        ptn_buf_adds(challenge, "Password:");
        return PTN_SASL_CHALLENGE;
    }
    ptn_buf_addslice(&x->password, response);
    return PTN_SASL_VERIFY;
}

const struct ptn_sasl_mechanism ptn_sasl_mechanisms[] = {
    {"PLAIN", plain_step},
    {"LOGIN", login_step},
    {NULL, NULL},
};
