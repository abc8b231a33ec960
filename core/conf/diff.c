/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The changes between two sets of effective values, and the queries about
 * them. Whom a change concerns is concern.c. One thread.
 */
#include "conf/diff.h"
#include "base/map.h"
#include <postern/option.h>

void
ptn_diff_add(struct ptn_diff_changes *list,
             const struct ptn_diff_change *change)
{
    if ((list->count & (list->count - 1)) == 0) /* it doubles */
        list->items =
            ptn_realloc(list->items, (list->count ? list->count * 2 : 1) *
                                         sizeof *list->items);
    list->items[list->count++] = change;
}

struct ptn_diff_change *
ptn_diff_change(struct ptn_diff *d, const char *a, const char *b)
{
    struct ptn_diff_change *c = ptn_arena_alloc(&d->arena, sizeof *c);
    size_t len = strlen(a);
    char *path = ptn_arena_alloc(&d->arena, len + strlen(b) + 1);

    memcpy(path, a, len);
    memcpy(path + len, b, strlen(b));
    c->path = path;
    return c;
}

/* Two secrets look alike; their marks tell. */
static bool
is_same(const struct ptn_conf_value *a, const struct ptn_conf_value *b)
{
    const char *mark_a = a->mark ? a->mark : a->text;
    const char *mark_b = b->mark ? b->mark : b->text;

    return strcmp(mark_a, mark_b) == 0;
}

static void
compare_value(struct ptn_diff *d, const struct ptn_conf_value *old,
              const struct ptn_conf_value *now)
{
    struct ptn_diff_change *c;

    if (old && now && is_same(old, now))
        return;
    c = ptn_diff_change(d, now ? now->path : old->path, "");
    c->old = old ? old->text : NULL;
    c->now = now ? now->text : NULL;
    c->place = now ? now->place : old->place;
    c->flags = (now ? now->flags : 0) | (old ? old->flags : 0);
    /* A row that only one side has belongs to a block that came or went. */
    if (old && now && (c->flags & PTN_OPT_EXACT))
        d->refused++;
    ptn_diff_add(&d->changes, c);
}

static void
compare_values(struct ptn_diff *d)
{
    struct ptn_map before = PTN_MAP_INIT;

    for (size_t i = 0; i < d->old->value_count; i++)
        ptn_map_put(&before, ptn_slice_of(d->old->values[i].path),
                    &d->old->values[i]);
    for (size_t i = 0; i < d->now->value_count; i++) {
        const struct ptn_conf_value *now = &d->now->values[i];

        compare_value(d, ptn_map_remove(&before, ptn_slice_of(now->path)), now);
    }
    /* What is left is gone; in the order of the file. */
    for (size_t i = 0; i < d->old->value_count; i++) {
        const struct ptn_conf_value *old = &d->old->values[i];

        if (ptn_map_remove(&before, ptn_slice_of(old->path)))
            compare_value(d, old, NULL);
    }
    ptn_map_free(&before);
}

static void
compare_cert(struct ptn_diff *d, const struct ptn_effective_cert *old,
             const struct ptn_effective_cert *now)
{
    struct ptn_diff_change *c;

    /* One that was to be made is there by now: no news. */
    if (!*old->digest || !*now->digest || strcmp(old->digest, now->digest) == 0)
        return;
    c = ptn_diff_change(d, "certificates.", now->name);
    c->now = now->path;
    c->file = true;
    ptn_diff_add(&d->changes, c);
}

static void
compare_files(struct ptn_diff *d)
{
    struct ptn_map before = PTN_MAP_INIT;

    for (size_t i = 0; i < d->old->cert_count; i++)
        ptn_map_put(&before, ptn_slice_of(d->old->certs[i].name),
                    &d->old->certs[i]);
    for (size_t i = 0; i < d->now->cert_count; i++) {
        const struct ptn_effective_cert *now = &d->now->certs[i];
        const struct ptn_effective_cert *old =
            ptn_map_get(&before, ptn_slice_of(now->name));

        if (old)
            compare_cert(d, old, now);
    }
    ptn_map_free(&before);
}

struct ptn_diff *
ptn_diff_new(struct ptn_effective *old, struct ptn_effective *now)
{
    struct ptn_diff *d = ptn_alloc(sizeof *d);

    d->old = old;
    d->now = now;
    compare_values(d);
    compare_files(d);
    ptn_diff_judge(d);
    return d;
}

void
ptn_diff_free(struct ptn_diff *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->listener_count; i++)
        ptn_free(d->listeners[i].reasons.items);
    for (size_t i = 0; i < d->group_count; i++)
        ptn_free(d->groups[i].reasons.items);
    ptn_free(d->changes.items);
    ptn_free(d->listeners);
    ptn_free(d->groups);
    ptn_effective_free(d->old);
    ptn_effective_free(d->now);
    ptn_arena_reset(&d->arena);
    ptn_free(d);
}

bool
ptn_diff_has(const struct ptn_diff *d, const char *prefix)
{
    size_t len = strlen(prefix);

    for (size_t i = 0; i < d->changes.count; i++)
        if (!d->changes.items[i]->file &&
            strncmp(d->changes.items[i]->path, prefix, len) == 0)
            return true;
    return false;
}

bool
ptn_diff_has_files(const struct ptn_diff *d)
{
    for (size_t i = 0; i < d->changes.count; i++)
        if (d->changes.items[i]->file)
            return true;
    return false;
}

const struct ptn_diff_group *
ptn_diff_group(const struct ptn_diff *d, const char *name)
{
    for (size_t i = 0; i < d->group_count; i++)
        if (strcmp(d->groups[i].name, name) == 0)
            return &d->groups[i];
    return NULL;
}

const struct ptn_diff_listener *
ptn_diff_listener(const struct ptn_diff *d, const char *name)
{
    for (size_t i = 0; i < d->listener_count; i++)
        if (strcmp(d->listeners[i].name, name) == 0)
            return &d->listeners[i];
    return NULL;
}

const char *
ptn_diff_action_name(enum ptn_diff_action action)
{
    static const char *const names[] = {
        [PTN_DIFF_UNCHANGED] = "unchanged",
        [PTN_DIFF_CERTIFICATE] = "certificate",
        [PTN_DIFF_POLICY] = "policy",
        [PTN_DIFF_REBIND] = "rebind",
        [PTN_DIFF_DRAIN] = "drain",
        [PTN_DIFF_NEW] = "new",
    };

    return names[action];
}

const char *
ptn_diff_group_name(enum ptn_diff_group_action action)
{
    static const char *const names[] = {
        [PTN_GROUP_UNTOUCHED] = "untouched",
        [PTN_GROUP_CERTIFICATES] = "certificates",
        [PTN_GROUP_TOUCHED] = "touched",
        [PTN_GROUP_NEW] = "new",
        [PTN_GROUP_GONE] = "gone",
    };

    return names[action];
}
