/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The mechanisms that need no library: PLAIN (RFC 4616); LOGIN, which has no
 * RFC beyond a draft (draft-murchison-sasl-login) and is what some clients
 * still choose; EXTERNAL (RFC 4422 appendix A). The first two carry the
 * password itself, so core offers them only where the listener allows it.
 */
#include "auth/exchange.h"

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
static enum ptn_plain_step
plain(struct ptn_exchange *x, struct ptn_slice response)
{
    struct ptn_slice authzid, name;

    if (!up_to_nul(&response, &authzid) || !up_to_nul(&response, &name))
        return PTN_PLAIN_MALFORMED;
    if (name.len == 0 || response.len == 0 ||
        memchr(response.data, '\0', response.len))
        return PTN_PLAIN_MALFORMED;
    ptn_buf_addslice(&x->authzid, authzid);
    ptn_buf_addslice(&x->name, name);
    ptn_buf_addslice(&x->password, response);
    return PTN_PLAIN_COMPLETE;
}

/* Two questions; a name may come as initial response. */
static enum ptn_plain_step
login(struct ptn_exchange *x, struct ptn_slice response, const char **challenge)
{
    if (response.len == 0 || memchr(response.data, '\0', response.len))
        return PTN_PLAIN_MALFORMED;
    if (x->steps == 0) {
        ptn_buf_addslice(&x->name, response);
        *challenge = "Password:";
        return PTN_PLAIN_CHALLENGE;
    }
    ptn_buf_addslice(&x->password, response);
    return PTN_PLAIN_COMPLETE;
}

/* RFC 4422 appendix A.1: the response is the authzid, or nothing. */
static enum ptn_plain_step
external(struct ptn_exchange *x, struct ptn_slice response)
{
    if (response.len > 0 && memchr(response.data, '\0', response.len))
        return PTN_PLAIN_MALFORMED;
    ptn_buf_addslice(&x->authzid, response);
    ptn_buf_adds(&x->name, x->client);
    return PTN_PLAIN_COMPLETE;
}

enum ptn_plain_step
ptn_plain_response(struct ptn_exchange *x, struct ptn_slice response,
                   const char **challenge)
{
    *challenge = x->mechanism->kind == PTN_MECHANISM_LOGIN ? "Username:" : "";
    if (!response.data)
        return PTN_PLAIN_CHALLENGE;
    if (x->mechanism->kind == PTN_MECHANISM_LOGIN)
        return login(x, response, challenge);
    if (x->mechanism->kind == PTN_MECHANISM_EXTERNAL)
        return external(x, response);
    return plain(x, response);
}
