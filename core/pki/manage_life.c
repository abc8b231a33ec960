/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The rest of a life: renewals, the way back, other names, the end.
 */
#include "pki/manage_inner.h"

/* --- renewal --- */

static enum ptn_cert_fault
check_own(const struct ptn_manage *m, const struct ptn_change *change,
          struct ptn_error *err)
{
    struct ptn_slice crt = ptn_buf_slice(&change->parts.part[PTN_PART_CRT]);
    struct ptn_tls_cert facts = {.not_before = 0};

    if (!crt.len)
        return ptn_manage_fault(PTN_CERT_UNSUPPORTED, err,
                                "\"%s\" waits for the answer to its request: "
                                "have it signed, and import the answer",
                                change->name);
    if (m->ops->cert_parse(m->instance, crt, &facts, err) != 0)
        return PTN_CERT_TRUNCATED;
    if (facts.self_signed)
        return PTN_CERT_GOOD;
    return ptn_manage_fault(PTN_CERT_UNSUPPORTED, err,
                            "\"%s\" was signed by %s: run `posternctl cert "
                            "csr`, have that request signed, and import the "
                            "answer",
                            change->name, facts.issuer);
}

enum ptn_cert_fault
ptn_manage_renew(const struct ptn_manage *m, const char *name,
                 struct ptn_error *err)
{
    struct ptn_change change;
    enum ptn_cert_fault result = ptn_change_begin(m, name, &change, err);

    if (result == PTN_CERT_GOOD)
        result = check_own(m, &change, err);
    if (result == PTN_CERT_GOOD)
        result = ptn_manage_sign_anew(m, &change, err);
    ptn_change_free(&change);
    return result;
}

/* --- the way back --- */

/* The number of the version before. */
static enum ptn_cert_fault
find_last(const struct ptn_manage *m, const char *name, unsigned *version,
          struct ptn_error *err)
{
    unsigned versions[PTN_REPOSITORY_HISTORY];
    size_t count = 0;

    if (ptn_repository_history(m->repository, name, versions, &count, err) != 0)
        return PTN_CERT_FAILED;
    if (count == 0)
        return ptn_manage_fault(PTN_CERT_UNKNOWN, err,
                                "\"%s\" has no version before this one", name);
    *version = versions[count - 1];
    return PTN_CERT_GOOD;
}

/* What waits for an answer goes on waiting. */
static enum ptn_cert_fault
take_version(const struct ptn_manage *m, struct ptn_change *change,
             unsigned version, struct ptn_error *err)
{
    struct ptn_parts old = {0};
    struct ptn_buf mark = PTN_BUF_INIT;
    enum ptn_cert_fault result;

    if (ptn_repository_read_version(m->repository, change->name, version, &old,
                                    err) != 0) {
        ptn_error_prefix(err, "see `posternctl cert history %s`", change->name);
        return PTN_CERT_UNKNOWN;
    }
    result = ptn_manage_check_parts(m, &old, err);
    ptn_meta_get(&change->before, "next_public", &mark);
    for (size_t i = 0; i <= PTN_PART_META; i++)
        ptn_change_set(change, (enum ptn_part)i, ptn_buf_slice(&old.part[i]));
    ptn_meta_set(&change->parts, "next_public", ptn_buf_cstr(&mark));
    ptn_buf_free(&mark);
    ptn_parts_free(&old);
    return result;
}

enum ptn_cert_fault
ptn_manage_rollback(const struct ptn_manage *m, const char *name,
                    unsigned version, struct ptn_error *err)
{
    struct ptn_change change;
    enum ptn_cert_fault result = ptn_change_begin(m, name, &change, err);

    if (result == PTN_CERT_GOOD && version == 0)
        result = find_last(m, name, &version, err);
    if (result == PTN_CERT_GOOD)
        result = take_version(m, &change, version, err);
    if (result == PTN_CERT_GOOD)
        result = ptn_change_commit(m, &change, err);
    ptn_change_free(&change);
    return result;
}

/* --- other names, the end --- */

static enum ptn_cert_fault
check_unused(const struct ptn_manage *m, const char *name,
             struct ptn_error *err)
{
    struct ptn_buf users = PTN_BUF_INIT;
    enum ptn_cert_fault result = PTN_CERT_GOOD;

    ptn_manage_users(m, name, &users);
    if (users.len && !ptn_manage_elsewhere(m, name))
        result = ptn_manage_fault(PTN_CERT_IN_USE, err,
                                  "\"%s\" is shown by the listener(s) %s: "
                                  "give them another certificate first",
                                  name, ptn_buf_cstr(&users));
    ptn_buf_free(&users);
    return result;
}

enum ptn_cert_fault
ptn_manage_remove(const struct ptn_manage *m, const char *name,
                  struct ptn_error *err)
{
    struct ptn_parts parts;
    enum ptn_cert_fault result = ptn_manage_read(m, name, &parts, err);

    ptn_parts_free(&parts);
    if (result == PTN_CERT_GOOD)
        result = check_unused(m, name, err);
    if (result == PTN_CERT_GOOD &&
        ptn_repository_remove(m->repository, name, err) != 0)
        result = PTN_CERT_FAILED;
    return result;
}

enum ptn_cert_fault
ptn_manage_rename(const struct ptn_manage *m, const char *from, const char *to,
                  struct ptn_error *err)
{
    struct ptn_change fresh;
    struct ptn_parts parts;
    enum ptn_cert_fault result = ptn_manage_read(m, from, &parts, err);

    ptn_parts_free(&parts);
    if (result == PTN_CERT_GOOD) {
        result = ptn_change_begin_new(m, to, &fresh, err);
        ptn_change_free(&fresh);
    }
    if (result == PTN_CERT_GOOD)
        result = check_unused(m, from, err);
    if (result == PTN_CERT_GOOD &&
        ptn_repository_rename(m->repository, from, to, err) != 0)
        result = PTN_CERT_FAILED;
    return result;
}
