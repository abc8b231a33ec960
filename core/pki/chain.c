/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Chains. Certificates are told apart by subject and issuer as the provider
 * writes them; their signatures are checked by whoever trusts them.
 */
#include "pki/chain.h"
#include <postern/arena.h>

static const char begin_mark[] = "-----BEGIN CERTIFICATE-----";
static const char end_mark[] = "-----END CERTIFICATE-----";

struct link {
    struct ptn_slice pem;
    struct ptn_tls_cert facts;
    bool used;
};

struct links {
    struct link items[PTN_CHAIN_MAX];
    size_t count;
};

/* The next certificate's text; empty when there is none. */
static struct ptn_slice
next_pem(struct ptn_slice *rest)
{
    const char *from =
        memmem(rest->data, rest->len, begin_mark, sizeof begin_mark - 1);
    size_t skip = from ? (size_t)(from - rest->data) : 0;
    const char *to =
        from ? memmem(from, rest->len - skip, end_mark, sizeof end_mark - 1)
             : NULL;
    struct ptn_slice one = {from, 0};
    size_t used;

    if (!to)
        return (struct ptn_slice){NULL, 0};
    one.len = (size_t)(to - from) + sizeof end_mark - 1;
    used = skip + one.len;
    *rest = ptn_slice_sub(*rest, used, rest->len - used);
    return one;
}

static enum ptn_cert_fault
split(const struct ptn_manage *m, struct ptn_slice pem, struct links *links,
      struct ptn_error *err)
{
    struct ptn_slice one;

    while ((one = next_pem(&pem)).len) {
        struct link *link = &links->items[links->count];

        if (links->count == PTN_CHAIN_MAX) {
            ptn_error_set(err, PTN_ERR_LIMIT,
                          "more than %d certificates are no chain",
                          PTN_CHAIN_MAX);
            return PTN_CERT_UNSUPPORTED;
        }
        link->pem = one;
        if (m->ops->cert_parse(m->instance, one, &link->facts, err) != 0) {
            ptn_error_prefix(err, "certificate %zu of the file",
                             links->count + 1);
            return PTN_CERT_TRUNCATED;
        }
        links->count++;
    }
    if (links->count > 0)
        return PTN_CERT_GOOD;
    ptn_error_set(err, PTN_ERR_TLS,
                  "there is no certificate in it: is it the right file, and "
                  "all of it?");
    return PTN_CERT_TRUNCATED;
}

static bool
is_issuer_of_another(const struct links *links, const struct link *one)
{
    for (size_t i = 0; i < links->count; i++)
        if (&links->items[i] != one &&
            strcmp(links->items[i].facts.issuer, one->facts.subject) == 0)
            return true;
    return false;
}

static struct link *
find_leaf(const struct ptn_manage *m, struct links *links, struct ptn_slice key)
{
    struct ptn_error ignored = PTN_ERROR_INIT;

    for (size_t i = 0; i < links->count; i++) {
        struct link *one = &links->items[i];

        if (key.len
                ? m->ops->pair_match(m->instance, one->pem, key, &ignored) == 0
                : !is_issuer_of_another(links, one))
            return one;
    }
    return NULL;
}

static struct link *
find_issuer(struct links *links, const struct link *of)
{
    for (size_t i = 0; i < links->count; i++)
        if (!links->items[i].used &&
            strcmp(links->items[i].facts.subject, of->facts.issuer) == 0)
            return &links->items[i];
    return NULL;
}

static void
add_link(struct link *link, struct ptn_buf *out)
{
    link->used = true;
    ptn_buf_addslice(out, link->pem);
    ptn_buf_addc(out, '\n');
}

static enum ptn_cert_fault
join(struct links *links, struct link *leaf, struct ptn_buf *out,
     struct ptn_error *err)
{
    struct link *at = leaf;

    add_link(leaf, out);
    while (!at->facts.self_signed && (at = find_issuer(links, at))) {
        if (at->facts.self_signed)
            at->used = true; /* the root */
        else
            add_link(at, out);
    }
    for (size_t i = 0; i < links->count; i++)
        if (!links->items[i].used) {
            ptn_error_set(err, PTN_ERR_TLS,
                          "the certificate of %s is no part of the chain from "
                          "%s: leave it out, or add what is between them",
                          links->items[i].facts.subject, leaf->facts.subject);
            return PTN_CERT_INCOMPLETE;
        }
    return PTN_CERT_GOOD;
}

enum ptn_cert_fault
ptn_chain_order(const struct ptn_manage *m, struct ptn_slice pem,
                struct ptn_slice key, struct ptn_buf *out,
                struct ptn_error *err)
{
    struct links *links = ptn_alloc(sizeof *links);
    enum ptn_cert_fault result = split(m, pem, links, err);
    struct link *leaf =
        result == PTN_CERT_GOOD ? find_leaf(m, links, key) : NULL;

    if (leaf) {
        result = join(links, leaf, out, err);
    } else if (result == PTN_CERT_GOOD) {
        ptn_error_set(err, PTN_ERR_TLS,
                      "the key belongs to none of the certificates: they are "
                      "of different requests");
        result = PTN_CERT_MISMATCH;
    }
    ptn_free(links);
    return result;
}
