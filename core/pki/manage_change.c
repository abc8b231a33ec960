/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One change of a name, from reading to writing, and the lines of its meta
 * part. Keys are wiped from every buffer.
 */
#include "base/clock.h"
#include "pki/manage_inner.h"
#include <stdio.h>

static bool
is_empty(const struct ptn_parts *parts)
{
    for (size_t i = 0; i < PTN_PARTS; i++)
        if (parts->part[i].len)
            return false;
    return true;
}

static bool
is_same(const struct ptn_parts *a, const struct ptn_parts *b)
{
    for (size_t i = 0; i < PTN_PARTS; i++)
        if (!ptn_slice_eq(ptn_buf_slice(&a->part[i]),
                          ptn_buf_slice(&b->part[i])))
            return false;
    return true;
}

enum ptn_cert_fault
ptn_manage_read(const struct ptn_manage *m, const char *name,
                struct ptn_parts *parts, struct ptn_error *err)
{
    *parts = (struct ptn_parts){0};
    if (!ptn_repository_is_name(name))
        return ptn_manage_fault(
            PTN_CERT_UNKNOWN, err,
            "\"%s\" cannot be a certificate's name: at most %d letters, "
            "digits, \"-\" and \"_\", a letter first",
            name, PTN_REPOSITORY_NAME_MAX);
    if (ptn_repository_read(m->repository, name, parts, err) != 0)
        return PTN_CERT_FAILED;
    if (is_empty(parts))
        return ptn_manage_fault(
            PTN_CERT_UNKNOWN, err,
            "there is no certificate \"%s\"; `posternctl cert list` shows "
            "those that are",
            name);
    return PTN_CERT_GOOD;
}

enum ptn_cert_fault
ptn_change_begin(const struct ptn_manage *m, const char *name,
                 struct ptn_change *change, struct ptn_error *err)
{
    const struct ptn_cert_conf *conf = ptn_manage_elsewhere(m, name);
    enum ptn_cert_fault result;

    *change = (struct ptn_change){.name = name};
    if (conf)
        return ptn_manage_fault(
            PTN_CERT_DUPLICATE, err,
            "the files of \"%s\" are %.120s and %.120s, which others manage: "
            "choose another name, or take them out of certificates.%s",
            name, conf->cert_file, conf->key_file, name);
    result = ptn_manage_read(m, name, &change->before, err);
    for (size_t i = 0; i < PTN_PARTS; i++)
        ptn_change_set(change, (enum ptn_part)i,
                       ptn_buf_slice(&change->before.part[i]));
    return result;
}

enum ptn_cert_fault
ptn_change_begin_new(const struct ptn_manage *m, const char *name,
                     struct ptn_change *change, struct ptn_error *err)
{
    enum ptn_cert_fault result = ptn_change_begin(m, name, change, err);

    if (result == PTN_CERT_GOOD)
        return ptn_manage_fault(PTN_CERT_DUPLICATE, err,
                                "there is a certificate \"%s\" already; choose "
                                "another name, or renew or remove it",
                                name);
    if (result == PTN_CERT_UNKNOWN && ptn_repository_is_name(name))
        return PTN_CERT_GOOD;
    return result;
}

static enum ptn_cert_fault
write_held(const struct ptn_manage *m, const struct ptn_change *change,
           struct ptn_error *err)
{
    struct ptn_parts now = {0};
    enum ptn_cert_fault result = PTN_CERT_FAILED;

    if (ptn_repository_read(m->repository, change->name, &now, err) != 0)
        return PTN_CERT_FAILED;
    if (!is_same(&now, &change->before))
        ptn_error_set(err, PTN_ERR_TLS,
                      "\"%s\" has been changed by somebody else meanwhile; "
                      "look at it, and try again",
                      change->name);
    else if (ptn_repository_write(m->repository, change->name, &change->parts,
                                  err) == 0)
        result = PTN_CERT_GOOD;
    ptn_parts_free(&now);
    return result;
}

enum ptn_cert_fault
ptn_change_commit(const struct ptn_manage *m, const struct ptn_change *change,
                  struct ptn_error *err)
{
    enum ptn_cert_fault result;

    if (ptn_repository_hold(m->repository, err) != 0)
        return PTN_CERT_FAILED;
    result = write_held(m, change, err);
    ptn_repository_release(m->repository);
    return result;
}

void
ptn_change_free(struct ptn_change *change)
{
    ptn_parts_free(&change->before);
    ptn_parts_free(&change->parts);
}

void
ptn_change_set(struct ptn_change *change, enum ptn_part part,
               struct ptn_slice with)
{
    struct ptn_buf *b = &change->parts.part[part], fresh = PTN_BUF_INIT;

    ptn_buf_addslice(&fresh, with);
    if (b->cap)
        ptn_wipe(b->data, b->cap);
    ptn_buf_free(b);
    *b = fresh;
}

/* --- meta --- */

/* The next line of `rest`, without its end. */
static struct ptn_slice
next_line(struct ptn_slice *rest)
{
    const char *end = memchr(rest->data, '\n', rest->len);
    size_t len = end ? (size_t)(end - rest->data) : rest->len;
    struct ptn_slice line = ptn_slice_sub(*rest, 0, len);

    len += end != NULL;
    *rest = ptn_slice_sub(*rest, len, rest->len - len);
    return line;
}

static bool
is_of(struct ptn_slice line, const char *key)
{
    size_t len = strlen(key);

    return line.len > len && memcmp(line.data, key, len) == 0 &&
           line.data[len] == '=';
}

void
ptn_meta_get(const struct ptn_parts *parts, const char *key,
             struct ptn_buf *out)
{
    struct ptn_slice rest = ptn_buf_slice(&parts->part[PTN_PART_META]);

    out->len = 0;
    while (rest.len) {
        struct ptn_slice line = next_line(&rest);
        size_t skip = strlen(key) + 1;

        if (!is_of(line, key))
            continue;
        if (out->len)
            ptn_buf_addc(out, ' ');
        ptn_buf_addslice(out, ptn_slice_sub(line, skip, line.len - skip));
    }
}

/* All lines but those of `key`. */
static void
drop(struct ptn_parts *parts, const char *key)
{
    struct ptn_buf *meta = &parts->part[PTN_PART_META], kept = PTN_BUF_INIT;
    struct ptn_slice rest = ptn_buf_slice(meta);

    while (rest.len) {
        struct ptn_slice line = next_line(&rest);

        if (is_of(line, key))
            continue;
        ptn_buf_addslice(&kept, line);
        ptn_buf_addc(&kept, '\n');
    }
    ptn_buf_free(meta);
    *meta = kept;
}

void
ptn_meta_set(struct ptn_parts *parts, const char *key, const char *value)
{
    drop(parts, key);
    if (value && *value)
        ptn_buf_printf(&parts->part[PTN_PART_META], "%s=%s\n", key, value);
}

void
ptn_meta_set_names(struct ptn_parts *parts, const struct ptn_strings *names)
{
    drop(parts, "name");
    for (size_t i = 0; names && i < names->count; i++)
        ptn_buf_printf(&parts->part[PTN_PART_META], "name=%s\n",
                       names->items[i]);
}

void
ptn_meta_begin(struct ptn_parts *parts, const char *source)
{
    char now[32];

    snprintf(now, sizeof now, "%lld", (long long)(ptn_clock_wall_ms() / 1000));
    ptn_meta_set(parts, "source", source);
    ptn_meta_set(parts, "created", now);
}
