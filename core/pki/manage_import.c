/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Taking in what others have made: an authority's answer finds its key, a
 * pair of the operator's gets a name.
 */
#include "pki/chain.h"
#include "pki/manage_inner.h"
#include "pki/pem.h"

/* Where a key was found. */
enum found {
    FOUND_NEXT,  /* the one that was asked for last */
    FOUND_NOW,   /* the one in use */
    FOUND_OLD,   /* of a version before */
    FOUND_GIVEN, /* it came with the certificate */
};

struct taking {
    const struct ptn_manage *m;
    const struct ptn_cert_import *what;
    struct ptn_change change;
    struct ptn_chain chain;
    struct ptn_tls_cert facts;
    struct ptn_parts old; /* the version that has the key */
    enum found found;
};

/* --- the key --- */

static bool
find_old(struct taking *t)
{
    unsigned versions[PTN_REPOSITORY_HISTORY];
    struct ptn_error ignored = PTN_ERROR_INIT;
    struct ptn_repository *r = t->m->repository;
    size_t count = 0;

    ptn_repository_history(r, t->change.name, versions, &count, &ignored);
    while (count-- > 0) {
        if (ptn_repository_read_version(r, t->change.name, versions[count],
                                        &t->old, &ignored) != 0)
            continue;
        if (ptn_manage_fits(t->m, &t->old, PTN_PART_KEY,
                            ptn_buf_slice(&t->chain.pem)))
            return true;
        ptn_parts_free(&t->old);
    }
    return false;
}

/* One that is here is taken as it is kept, also where it is given again. */
static enum ptn_cert_fault
find_key(struct taking *t, struct ptn_error *err)
{
    struct ptn_slice chain = ptn_buf_slice(&t->chain.pem);

    if (ptn_manage_fits(t->m, &t->change.before, PTN_PART_NEXT_KEY, chain))
        t->found = FOUND_NEXT;
    else if (ptn_manage_fits(t->m, &t->change.before, PTN_PART_KEY, chain))
        t->found = FOUND_NOW;
    else if (find_old(t))
        t->found = FOUND_OLD;
    else if (t->what->key.len)
        t->found = FOUND_GIVEN;
    else
        return ptn_manage_fault(
            PTN_CERT_MISMATCH, err,
            "no key of \"%s\" belongs to this certificate: give its key, too, "
            "or the name that its request was made for",
            t->change.name);
    return PTN_CERT_GOOD;
}

/* Of a key that another part or version has, with what tells its pair. */
static void
move_key(struct taking *t, const struct ptn_parts *from, enum ptn_part part,
         const char *mark)
{
    struct ptn_buf public = PTN_BUF_INIT;

    ptn_meta_get(from, mark, &public);
    ptn_change_set(&t->change, PTN_PART_KEY, ptn_buf_slice(&from->part[part]));
    ptn_meta_set(&t->change.parts, "public", ptn_buf_cstr(&public));
    ptn_buf_free(&public);
}

/* A key that was here is put behind a passphrase, if one is given now. */
static enum ptn_cert_fault
lock_found(struct taking *t, struct ptn_error *err)
{
    struct ptn_slice key = ptn_buf_slice(&t->change.parts.part[PTN_PART_KEY]);
    struct ptn_buf clear = PTN_BUF_INIT; /* a copy: keep replaces `key` */
    enum ptn_cert_fault result;

    if (!t->what->passphrase.len || ptn_pki_pem_is_locked(key))
        return PTN_CERT_GOOD;
    ptn_buf_addslice(&clear, key);
    result = ptn_manage_keep(t->m, &t->change, PTN_PART_KEY,
                             ptn_buf_slice(&clear), t->what->passphrase, err);
    ptn_wipe(clear.data, clear.cap);
    ptn_buf_free(&clear);
    return result;
}

static enum ptn_cert_fault
place_key(struct taking *t, struct ptn_error *err)
{
    const struct ptn_slice none = {NULL, 0};
    const struct ptn_parts *before = &t->change.before;
    struct ptn_change *c = &t->change;

    if (t->found == FOUND_NEXT) {
        move_key(t, before, PTN_PART_NEXT_KEY, "next_public");
        ptn_change_set(c, PTN_PART_CSR,
                       ptn_buf_slice(&before->part[PTN_PART_NEXT_CSR]));
        ptn_change_set(c, PTN_PART_NEXT_KEY, none);
        ptn_change_set(c, PTN_PART_NEXT_CSR, none);
        ptn_meta_set(&c->parts, "next_public", NULL);
    } else if (t->found == FOUND_OLD) {
        move_key(t, &t->old, PTN_PART_KEY, "public");
        ptn_change_set(c, PTN_PART_CSR,
                       ptn_buf_slice(&t->old.part[PTN_PART_CSR]));
    } else if (t->found == FOUND_GIVEN) {
        ptn_change_set(c, PTN_PART_CSR, none); /* was for another key */
        return ptn_manage_keep(t->m, c, PTN_PART_KEY, t->what->key,
                               t->what->passphrase, err);
    }
    return lock_found(t, err);
}

/* --- the name --- */

static bool
share_a_name(const struct ptn_tls_cert *a, const struct ptn_tls_cert *b)
{
    const char *at = a->names;

    while (*at) {
        struct ptn_slice one = {at, strcspn(at, " ")}, other;

        for (const char *p = b->names; *p; p += strspn(p, " ")) {
            other = (struct ptn_slice){p, strcspn(p, " ")};
            if (ptn_slice_caseeq(one, other))
                return true;
            p += other.len;
        }
        at += one.len + strspn(at + one.len, " ");
    }
    return false;
}

/* An authority's certificate of other names is not replaced by accident: one
 * that is renewed keeps its key or a name. Our own is a stand-in. */
static enum ptn_cert_fault
check_name(const struct taking *t, struct ptn_error *err)
{
    const struct ptn_manage *m = t->m;
    struct ptn_slice now = ptn_buf_slice(&t->change.before.part[PTN_PART_CRT]);
    struct ptn_tls_cert facts = {.not_before = 0};

    if (t->what->replace || t->found != FOUND_GIVEN || !now.len ||
        m->ops->cert_parse(m->instance, now, &facts, err) != 0 ||
        facts.self_signed || share_a_name(&facts, &t->facts))
        return PTN_CERT_GOOD;
    return ptn_manage_fault(
        PTN_CERT_DUPLICATE, err,
        "\"%s\" is the certificate of %.100s, and this one is of %.100s: "
        "choose another name, or say --replace",
        t->change.name, facts.names, t->facts.names);
}

/* --- all of it --- */

static enum ptn_cert_fault
check(struct taking *t, struct ptn_buf *notes, struct ptn_error *err)
{
    const struct ptn_manage *m = t->m;
    struct ptn_parts *parts = &t->change.parts;
    enum ptn_cert_fault result;

    if (m->ops->cert_parse(m->instance, ptn_buf_slice(&t->chain.pem), &t->facts,
                           err) != 0)
        return PTN_CERT_TRUNCATED;
    result = find_key(t, err);
    if (result == PTN_CERT_GOOD)
        result = place_key(t, err);
    if (result == PTN_CERT_GOOD) {
        ptn_change_set(&t->change, PTN_PART_CRT, ptn_buf_slice(&t->chain.pem));
        result = ptn_manage_check_parts(m, parts, err);
    }
    if (result == PTN_CERT_GOOD)
        result = check_name(t, err);
    if (result == PTN_CERT_GOOD && !t->what->trusted)
        result = ptn_chain_check_root(m, &t->chain, notes, err);
    return result;
}

static enum ptn_cert_fault
take(struct taking *t, struct ptn_buf *notes, struct ptn_error *err)
{
    const struct ptn_chain_source source = {t->what->chain, t->what->key,
                                            notes};
    enum ptn_cert_fault result = ptn_chain_order(t->m, &source, &t->chain, err);

    if (result == PTN_CERT_GOOD)
        result = check(t, notes, err);
    if (result != PTN_CERT_GOOD)
        return result;
    ptn_meta_begin(&t->change.parts, "imported");
    ptn_meta_set_names(&t->change.parts, NULL);
    ptn_manage_note_names(t->m, t->change.name, &t->facts, notes);
    return ptn_change_commit(t->m, &t->change, err);
}

enum ptn_cert_fault
ptn_manage_take(const struct ptn_manage *m, const char *name,
                const struct ptn_cert_import *what, struct ptn_buf *notes,
                struct ptn_error *err)
{
    struct taking t = {.m = m, .what = what, .chain = PTN_CHAIN_INIT};
    enum ptn_cert_fault result = ptn_change_begin(m, name, &t.change, err);

    if (result == PTN_CERT_UNKNOWN && ptn_repository_is_name(name))
        result = PTN_CERT_GOOD; /* the first of its name */
    if (result == PTN_CERT_GOOD)
        result = take(&t, notes, err);
    ptn_chain_free(&t.chain);
    ptn_parts_free(&t.old);
    ptn_change_free(&t.change);
    return result;
}

enum ptn_cert_fault
ptn_manage_import(const struct ptn_manage *m, const char *name,
                  struct ptn_slice chain, struct ptn_slice key,
                  struct ptn_error *err)
{
    const struct ptn_cert_import what = {
        .chain = chain, .key = key, .trusted = true};
    struct ptn_buf notes = PTN_BUF_INIT;
    enum ptn_cert_fault result = ptn_manage_take(m, name, &what, &notes, err);

    ptn_buf_free(&notes);
    return result;
}
