/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Groups for the key exchange by the names that people write. Constant.
 */
#include "tls_wolfssl.h"

/* The library's own limit, WOLFSSL_MAX_GROUP_COUNT, is 10. */
enum {
    GROUPS_MAX = 8
};

static const struct group {
    struct ptn_slice name;
    int id;
} groups[] = {
    {{"X25519", 6}, WOLFSSL_ECC_X25519},
    {{"P-256", 5}, WOLFSSL_ECC_SECP256R1},
    {{"prime256v1", 10}, WOLFSSL_ECC_SECP256R1},
    {{"secp256r1", 9}, WOLFSSL_ECC_SECP256R1},
    {{"P-384", 5}, WOLFSSL_ECC_SECP384R1},
    {{"secp384r1", 9}, WOLFSSL_ECC_SECP384R1},
};

static int
group_of(struct ptn_slice name)
{
    for (size_t i = 0; i < PTN_COUNT(groups); i++)
        if (ptn_slice_caseeq(groups[i].name, name))
            return groups[i].id;
    return 0;
}

int
tls_wolfssl_set_groups(WOLFSSL_CTX *ctx, const struct ptn_tls_params *p,
                       struct ptn_error *err)
{
    const char *at = p->groups ? p->groups : "X25519:P-256:P-384";
    int ids[GROUPS_MAX], count = 0;

    while (*at != '\0') {
        size_t len = strcspn(at, ":, ");
        int id = group_of((struct ptn_slice){at, len});
        if (len > 0 && id == 0)
            return ptn_error_set(err, PTN_ERR_TLS,
                                 "no group \"%.*s\": there are X25519, P-256 "
                                 "and P-384",
                                 (int)len, at);
        if (len > 0 && count == GROUPS_MAX)
            return ptn_error_set(err, PTN_ERR_TLS, "more than %d groups",
                                 GROUPS_MAX);
        if (len > 0)
            ids[count++] = id;
        at += len + (at[len] != '\0');
    }
    if (count == 0)
        return ptn_error_set(err, PTN_ERR_TLS, "no group is named");
    for (int i = 0; i < count; i++) /* for TLS 1.2 */
        wolfSSL_CTX_UseSupportedCurve(ctx, (word16)ids[i]);
    int rc = WOLFSSL_SUCCESS;
    if (p->max_version >= PTN_TLS_1_3)
        rc = wolfSSL_CTX_set_groups(ctx, ids, count);
    if (rc != WOLFSSL_SUCCESS)
        return tls_wolfssl_error(err, "the groups", rc);
    return 0;
}
