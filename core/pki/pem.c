/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where PEM blocks begin and end; what is in them is the provider's to read.
 */
#include "pki/pem.h"

static const char begin_mark[] = "-----BEGIN CERTIFICATE-----";
static const char end_mark[] = "-----END CERTIFICATE-----";

static const char *
find(struct ptn_slice in, const char *what)
{
    return in.len ? memmem(in.data, in.len, what, strlen(what)) : NULL;
}

/* What of `in` begins at `at`. */
static struct ptn_slice
from(struct ptn_slice in, const char *at)
{
    size_t skip = (size_t)(at - in.data);

    return ptn_slice_sub(in, skip, in.len - skip);
}

bool
ptn_pki_pem_next(struct ptn_slice *rest, struct ptn_slice *one)
{
    const char *begin = find(*rest, begin_mark), *end;

    if (!begin)
        return false;
    *rest = from(*rest, begin);
    end = find(*rest, end_mark);
    if (!end)
        return false;
    *one = ptn_slice_sub(*rest, 0, (size_t)(end - begin) + sizeof end_mark - 1);
    *rest = from(*rest, begin + one->len);
    return true;
}

bool
ptn_pki_pem_is_begun(struct ptn_slice rest)
{
    return find(rest, begin_mark) != NULL;
}

/* A block within a block: the first of them has no end. */
static bool
is_whole(struct ptn_slice one)
{
    return !find(ptn_slice_sub(one, 1, one.len - 1), "-----BEGIN ");
}

bool
ptn_pki_pem_keep_certs(struct ptn_buf *pem)
{
    struct ptn_slice rest = ptn_buf_slice(pem), one;
    struct ptn_buf kept = PTN_BUF_INIT;
    bool whole = true;

    if (!find(rest, begin_mark) && !find(rest, "PRIVATE KEY-----"))
        return true;
    while (whole && ptn_pki_pem_next(&rest, &one)) {
        whole = is_whole(one);
        ptn_buf_addslice(&kept, one);
        ptn_buf_addc(&kept, '\n');
    }
    whole = whole && !ptn_pki_pem_is_begun(rest);
    ptn_wipe(pem->data, pem->cap);
    pem->len = 0;
    if (whole)
        ptn_buf_addslice(pem, ptn_buf_slice(&kept));
    if (kept.cap)
        ptn_wipe(kept.data, kept.cap);
    ptn_buf_free(&kept);
    return whole;
}

bool
ptn_pki_pem_decode(struct ptn_slice pem, struct ptn_buf *der)
{
    const char *begin = find(pem, "-----BEGIN "), *end;
    struct ptn_buf text = PTN_BUF_INIT;
    bool good;

    begin = begin ? find(from(pem, begin), "\n") : NULL;
    end = begin ? find(from(pem, begin), "-----END ") : NULL;
    for (; end && begin < end; begin++)
        if (*begin != '\n' && *begin != '\r' && *begin != ' ')
            ptn_buf_addc(&text, *begin);
    good = text.len > 0 && ptn_base64_decode(der, ptn_buf_slice(&text));
    ptn_buf_free(&text);
    return good;
}

bool
ptn_pki_pem_is_locked(struct ptn_slice pem)
{
    return find(pem, "-----BEGIN ENCRYPTED PRIVATE KEY-----") ||
           find(pem, "Proc-Type: 4,ENCRYPTED");
}
