/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Taking in what others have made: an authority's answer finds its key.
 */
#include "pki/chain.h"
#include "pki/manage_inner.h"

static void
wipe_free(struct ptn_buf *b)
{
    if (b->cap)
        ptn_wipe(b->data, b->cap);
    ptn_buf_free(b);
}

/* The key among those of the name that belongs to the chain, into `key`. */
static bool
find_key(const struct ptn_manage *m, const char *name,
         const struct ptn_parts *parts, struct ptn_slice chain,
         struct ptn_buf *key)
{
    static const enum ptn_part own[] = {PTN_PART_NEXT_KEY, PTN_PART_KEY};
    unsigned versions[PTN_REPOSITORY_HISTORY];
    struct ptn_error ignored = PTN_ERROR_INIT;
    bool found = false;
    size_t count = 0;

    for (size_t i = 0; i < PTN_COUNT(own) && !found; i++) {
        struct ptn_slice one = ptn_buf_slice(&parts->part[own[i]]);

        found = one.len &&
                m->ops->pair_match(m->instance, chain, one, &ignored) == 0;
        if (found)
            ptn_buf_addslice(key, one);
    }
    ptn_repository_history(m->repository, name, versions, &count, &ignored);
    while (count-- > 0 && !found) {
        struct ptn_parts old;

        if (ptn_repository_read_version(m->repository, name, versions[count],
                                        &old, &ignored) != 0)
            continue;
        found = m->ops->pair_match(m->instance, chain,
                                   ptn_buf_slice(&old.part[PTN_PART_KEY]),
                                   &ignored) == 0;
        if (found)
            ptn_buf_addslice(key, ptn_buf_slice(&old.part[PTN_PART_KEY]));
        ptn_parts_free(&old);
    }
    return found;
}

/* Puts chain and key in place; what was asked for has been answered. */
static void
take_pair(struct ptn_parts *parts, struct ptn_slice chain, struct ptn_slice key)
{
    struct ptn_buf *part = parts->part;

    if (ptn_slice_eq(key, ptn_buf_slice(&part[PTN_PART_NEXT_KEY]))) {
        part[PTN_PART_CSR].len = 0;
        ptn_buf_addslice(&part[PTN_PART_CSR],
                         ptn_buf_slice(&part[PTN_PART_NEXT_CSR]));
        part[PTN_PART_NEXT_KEY].len = part[PTN_PART_NEXT_CSR].len = 0;
    } else if (!ptn_slice_eq(key, ptn_buf_slice(&part[PTN_PART_KEY]))) {
        part[PTN_PART_CSR].len = 0; /* a request for another key */
    }
    part[PTN_PART_KEY].len = part[PTN_PART_CRT].len = 0;
    ptn_buf_addslice(&part[PTN_PART_KEY], key);
    ptn_buf_addslice(&part[PTN_PART_CRT], chain);
}

enum ptn_cert_fault
ptn_manage_import(const struct ptn_manage *m, const char *name,
                  struct ptn_slice chain, struct ptn_slice key,
                  struct ptn_error *err)
{
    struct ptn_parts parts = {0};
    struct ptn_buf own = PTN_BUF_INIT, ordered = PTN_BUF_INIT;
    enum ptn_cert_fault result = ptn_manage_read(m, name, &parts, err);

    if (result == PTN_CERT_UNKNOWN && ptn_repository_is_name(name))
        result = PTN_CERT_GOOD; /* the first of its name */
    if (result == PTN_CERT_GOOD)
        result = ptn_chain_order(m, chain, key, &ordered, err);
    chain = ptn_buf_slice(&ordered);
    if (result == PTN_CERT_GOOD && key.len)
        ptn_buf_addslice(&own, key);
    else if (result == PTN_CERT_GOOD && !find_key(m, name, &parts, chain, &own))
        result = ptn_manage_fault(
            PTN_CERT_MISMATCH, err,
            "no key of \"%s\" belongs to this certificate: give "
            "its key, too, or the name that its request was made "
            "for",
            name);
    if (result == PTN_CERT_GOOD)
        result = ptn_manage_check(m, chain, ptn_buf_slice(&own), err);
    if (result == PTN_CERT_GOOD) {
        take_pair(&parts, chain, ptn_buf_slice(&own));
        ptn_manage_set_meta(&parts, "imported", NULL);
        result = ptn_manage_write(m, name, &parts, err);
    }
    wipe_free(&own);
    ptn_buf_free(&ordered);
    ptn_parts_free(&parts);
    return result;
}
