/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Chains. An issuer has the right name, and its key has made the signature:
 * an authority that renews an intermediate keeps the name, not the key.
 */
#include "pki/chain.h"
#include "pki/manage_inner.h"
#include "pki/pem.h"
#include <postern/arena.h>
#include <stdio.h>

#define ROOTS "/etc/ssl/certs/ca-certificates.crt"
#define ROOTS_MAX (4u << 20) /* octets of such a file */

struct link {
    struct ptn_slice pem;
    struct ptn_tls_cert facts;
    bool used;
};

struct links {
    struct link items[PTN_CHAIN_MAX];
    size_t count;
};

void
ptn_chain_free(struct ptn_chain *chain)
{
    ptn_buf_free(&chain->pem);
    ptn_buf_free(&chain->top_pem);
}

/* --- what there is --- */

static bool
is_there(const struct links *links, const struct link *one)
{
    for (size_t i = 0; i < links->count; i++)
        if (strcmp(links->items[i].facts.fingerprint, one->facts.fingerprint) ==
            0)
            return true;
    return false;
}

static enum ptn_cert_fault
split(const struct ptn_manage *m, struct ptn_slice pem, struct links *links,
      struct ptn_error *err)
{
    struct ptn_slice one;

    while (ptn_pki_pem_next(&pem, &one)) {
        struct link *link = &links->items[links->count];

        if (links->count == PTN_CHAIN_MAX)
            return ptn_manage_fault(PTN_CERT_UNSUPPORTED, err,
                                    "more than %d certificates are no chain: "
                                    "give those of one alone",
                                    PTN_CHAIN_MAX);
        *link = (struct link){.pem = one};
        if (m->ops->cert_parse(m->instance, one, &link->facts, err) != 0) {
            ptn_error_prefix(err, "certificate %zu of the file",
                             links->count + 1);
            return PTN_CERT_TRUNCATED;
        }
        if (!is_there(links, link))
            links->count++;
    }
    if (ptn_pki_pem_is_begun(pem))
        return ptn_manage_fault(PTN_CERT_TRUNCATED, err,
                                "certificate %zu of the file has no end: get "
                                "all of the file",
                                links->count + 1);
    if (links->count > 0)
        return PTN_CERT_GOOD;
    return ptn_manage_fault(PTN_CERT_TRUNCATED, err,
                            "there is no certificate in it: is it the right "
                            "file, and all of it?");
}

/* --- who issued whom --- */

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

static bool
has_signed(const struct ptn_manage *m, struct ptn_slice issuer,
           struct ptn_slice cert)
{
    struct ptn_error ignored = PTN_ERROR_INIT;

    return !m->ops->cert_issued ||
           m->ops->cert_issued(m->instance, cert, issuer, &ignored) == 0;
}

/* Of two that have signed it, the root: where that is, the other is for
 * clients of another age. `namesake`: one of the name has not. */
static struct link *
find_issuer(const struct ptn_manage *m, struct links *links,
            const struct link *of, bool *namesake)
{
    struct link *found = NULL;

    *namesake = false;
    for (size_t i = 0; i < links->count; i++) {
        struct link *one = &links->items[i];

        if (one->used || strcmp(one->facts.subject, of->facts.issuer) != 0)
            continue;
        if (!has_signed(m, one->pem, of->pem))
            *namesake = true;
        else if (!found || one->facts.self_signed)
            found = one;
    }
    return found;
}

static void
add_link(struct link *link, struct ptn_chain *out)
{
    link->used = true;
    ptn_buf_addslice(&out->pem, link->pem);
    ptn_buf_addc(&out->pem, '\n');
    out->top = link->facts;
    out->top_pem.len = 0;
    ptn_buf_addslice(&out->top_pem, link->pem);
    out->rooted = link->facts.self_signed;
}

/* --- what is left over --- */

static enum ptn_cert_fault
judge_rest(const struct links *links, const struct link *leaf,
           struct ptn_buf *notes, struct ptn_error *err)
{
    for (size_t i = 0; i < links->count; i++) {
        const struct ptn_tls_cert *facts = &links->items[i].facts;

        if (links->items[i].used)
            continue;
        if (!facts->is_ca)
            return ptn_manage_fault(
                PTN_CERT_INCOMPLETE, err,
                "the certificate of %s is no part of the chain from %s: "
                "import it under a name of its own",
                facts->subject, leaf->facts.subject);
        ptn_buf_printf(notes,
                       "left out: the certificate of %s, which is no part of "
                       "the chain\n",
                       facts->subject);
    }
    return PTN_CERT_GOOD;
}

static enum ptn_cert_fault
join(const struct ptn_manage *m, struct links *links, struct link *leaf,
     struct ptn_chain *out, struct ptn_error *err)
{
    struct link *at = leaf, *next;
    bool namesake = false;

    add_link(leaf, out);
    while (!at->facts.self_signed &&
           (next = find_issuer(m, links, at, &namesake))) {
        if (next->facts.self_signed)
            next->used = out->rooted = true;
        else
            add_link(next, out);
        at = next;
    }
    if (!out->rooted && namesake)
        return ptn_manage_fault(
            PTN_CERT_INCOMPLETE, err,
            "the certificate of %s has the name of the one that issued %s, "
            "but another key: get the one that goes with it from the "
            "authority",
            at->facts.issuer, at->facts.subject);
    return PTN_CERT_GOOD;
}

/* The key belongs to none; unless it is of a kind that none can tell. */
static enum ptn_cert_fault
judge_strangers(const struct ptn_manage *m, struct links *links,
                struct ptn_error *err)
{
    const struct ptn_slice no_key = {NULL, 0};
    const struct link *leaf = find_leaf(m, links, no_key);
    enum ptn_cert_fault result =
        leaf ? ptn_manage_check_leaf(m, &leaf->facts, err) : PTN_CERT_GOOD;

    if (result != PTN_CERT_GOOD)
        return result;
    return ptn_manage_fault(
        PTN_CERT_MISMATCH, err,
        "the key belongs to none of the certificates: they are of different "
        "requests; give the key that the request was made with");
}

enum ptn_cert_fault
ptn_chain_order(const struct ptn_manage *m,
                const struct ptn_chain_source *source, struct ptn_chain *chain,
                struct ptn_error *err)
{
    struct links *links = ptn_alloc(sizeof *links);
    enum ptn_cert_fault result = split(m, source->pem, links, err);
    struct link *leaf =
        result == PTN_CERT_GOOD ? find_leaf(m, links, source->key) : NULL;

    if (leaf)
        result = join(m, links, leaf, chain, err);
    else if (result == PTN_CERT_GOOD)
        result = judge_strangers(m, links, err);
    if (result == PTN_CERT_GOOD)
        result = judge_rest(links, leaf, source->notes, err);
    ptn_free(links);
    return result;
}

/* --- roots --- */

static int
read_roots(const char *path, struct ptn_buf *out)
{
    FILE *file = fopen(path, "re");
    size_t n = 1;

    if (!file)
        return -1;
    while (n > 0 && out->len < ROOTS_MAX) {
        n = fread(ptn_buf_reserve(out, 65536), 1, 65536, file);
        out->len += n;
    }
    fclose(file);
    return 0;
}

static bool
is_among(const struct ptn_manage *m, const struct ptn_chain *chain,
         struct ptn_slice roots)
{
    struct ptn_error ignored = PTN_ERROR_INIT;
    struct ptn_slice one;

    while (ptn_pki_pem_next(&roots, &one)) {
        struct ptn_tls_cert facts = {.not_before = 0};

        if (m->ops->cert_parse(m->instance, one, &facts, &ignored) == 0 &&
            strcmp(facts.subject, chain->top.issuer) == 0 &&
            has_signed(m, one, ptn_buf_slice(&chain->top_pem)))
            return true;
    }
    return false;
}

enum ptn_cert_fault
ptn_chain_check_root(const struct ptn_manage *m, const struct ptn_chain *chain,
                     struct ptn_buf *notes, struct ptn_error *err)
{
    const char *path = m->roots ? m->roots : ROOTS;
    struct ptn_buf roots = PTN_BUF_INIT;
    bool found;

    if (chain->rooted)
        return PTN_CERT_GOOD;
    if (read_roots(path, &roots) != 0) {
        ptn_buf_printf(notes,
                       "nobody knows whether the chain is complete: there is "
                       "no list of roots, %s\n",
                       path);
        return PTN_CERT_GOOD;
    }
    found = is_among(m, chain, ptn_buf_slice(&roots));
    ptn_buf_free(&roots);
    if (found)
        return PTN_CERT_GOOD;
    return ptn_manage_fault(
        PTN_CERT_INCOMPLETE, err,
        "the chain ends at %s, which was issued by %s, and that is no root "
        "that this machine knows: add the intermediate certificates with "
        "--chain, or the root of an authority of your own",
        chain->top.subject, chain->top.issuer);
}
