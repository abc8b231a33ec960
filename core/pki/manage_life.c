/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The rest of a life: renewals, the way back, other names, the end.
 */
#include "pki/manage_inner.h"

enum ptn_cert_fault
ptn_manage_renew(const struct ptn_manage *m, const char *name,
                 struct ptn_error *err)
{
    struct ptn_cert_order order = ptn_manage_preset(m, name);
    struct ptn_parts parts = {0};
    struct ptn_tls_cert facts = {.self_signed = false};
    enum ptn_cert_fault result = ptn_manage_read(m, name, &parts, err);

    if (result == PTN_CERT_GOOD &&
        m->ops->cert_parse(m->instance,
                           ptn_buf_slice(&parts.part[PTN_PART_CRT]), &facts,
                           err) != 0)
        result = PTN_CERT_TRUNCATED;
    if (result == PTN_CERT_GOOD && !facts.self_signed)
        result = ptn_manage_fault(
            PTN_CERT_UNSUPPORTED, err,
            "\"%s\" was signed by %s: run `posternctl cert csr`, "
            "have that request signed, and import the answer",
            name, facts.issuer);
    if (result == PTN_CERT_GOOD)
        result = ptn_manage_make(m, &order, &parts, err);
    if (result == PTN_CERT_GOOD)
        result = ptn_manage_write(m, name, &parts, err);
    ptn_parts_free(&parts);
    return result;
}

enum ptn_cert_fault
ptn_manage_rollback(const struct ptn_manage *m, const char *name,
                    unsigned version, struct ptn_error *err)
{
    struct ptn_parts parts = {0}, old = {0};
    unsigned versions[PTN_REPOSITORY_HISTORY];
    size_t count = 0;
    enum ptn_cert_fault result = ptn_manage_read(m, name, &parts, err);

    if (result == PTN_CERT_GOOD && version == 0) {
        ptn_repository_history(m->repository, name, versions, &count, err);
        if (count == 0)
            result =
                ptn_manage_fault(PTN_CERT_UNKNOWN, err,
                                 "\"%s\" has no version before this one", name);
        else
            version = versions[count - 1];
    }
    if (result == PTN_CERT_GOOD &&
        ptn_repository_read_version(m->repository, name, version, &old, err) !=
            0)
        result = PTN_CERT_UNKNOWN;
    if (result == PTN_CERT_GOOD)
        result = ptn_manage_check(m, ptn_buf_slice(&old.part[PTN_PART_CRT]),
                                  ptn_buf_slice(&old.part[PTN_PART_KEY]), err);
    for (int i = PTN_PART_NEXT_KEY;
         i <= PTN_PART_NEXT_CSR && result == PTN_CERT_GOOD; i++)
        ptn_buf_addslice(&old.part[i], ptn_buf_slice(&parts.part[i]));
    if (result == PTN_CERT_GOOD)
        result = ptn_manage_write(m, name, &old, err);
    ptn_parts_free(&parts);
    ptn_parts_free(&old);
    return result;
}

void
ptn_manage_users(const struct ptn_manage *m, const char *name,
                 struct ptn_buf *out)
{
    for (size_t i = 0; i < m->conf->listener_count; i++) {
        const struct ptn_listener_conf *l = &m->conf->listeners[i];

        for (size_t j = 0; j < l->tls.certificates.count; j++)
            if (l->tls.mode != PTN_TLS_NONE &&
                strcmp(l->tls.certificates.items[j], name) == 0) {
                ptn_buf_adds(out, out->len ? ", " : "");
                ptn_buf_adds(out, l->name);
                break;
            }
    }
}

static enum ptn_cert_fault
check_unused(const struct ptn_manage *m, const char *name,
             struct ptn_error *err)
{
    struct ptn_buf users = PTN_BUF_INIT;
    enum ptn_cert_fault result = PTN_CERT_GOOD;

    ptn_manage_users(m, name, &users);
    if (users.len)
        result =
            ptn_manage_fault(PTN_CERT_IN_USE, err,
                             "\"%s\" is shown by the listener(s) %s: give them "
                             "another certificate first",
                             name, ptn_buf_cstr(&users));
    ptn_buf_free(&users);
    return result;
}

enum ptn_cert_fault
ptn_manage_remove(const struct ptn_manage *m, const char *name,
                  struct ptn_error *err)
{
    struct ptn_parts parts = {0};
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
    struct ptn_parts parts = {0};
    enum ptn_cert_fault result = ptn_manage_read(m, from, &parts, err);

    ptn_parts_free(&parts);
    if (result == PTN_CERT_GOOD)
        result = ptn_manage_check_new(m, to, err);
    if (result == PTN_CERT_GOOD)
        result = check_unused(m, from, err);
    if (result == PTN_CERT_GOOD &&
        ptn_repository_rename(m->repository, from, to, err) != 0)
        result = PTN_CERT_FAILED;
    return result;
}
