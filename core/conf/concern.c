/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whom a change concerns: from changed values to what happens to listeners
 * and to groups of workers. See the table on top of diff.h. One thread.
 */
#include "base/map.h"
#include "conf/diff.h"

/* A path in its parts: "listeners", "mx", "tls.mode". */
struct path {
    struct ptn_slice block, name, key;
};

/* Words of a list that both sides have, for a listener that both have. */
struct uses {
    struct ptn_map modules, certificates;
};

static bool
is(struct ptn_slice word, const char *text)
{
    return ptn_slice_eq(word, ptn_slice_of(text));
}

static struct ptn_slice
cut(struct ptn_slice *rest, char at)
{
    const char *end = rest->len > 0 ? memchr(rest->data, at, rest->len) : NULL;
    size_t len = end ? (size_t)(end - rest->data) : rest->len;
    struct ptn_slice part = {rest->data, len};

    *rest = ptn_slice_sub(*rest, end ? len + 1 : len,
                          rest->len - (end ? len + 1 : len));
    return part;
}

static struct path
split(const char *text)
{
    struct ptn_slice rest = ptn_slice_of(text);
    struct path path;

    path.block = cut(&rest, '.');
    path.name = cut(&rest, '.');
    path.key = rest;
    return path;
}

static void
add_common(struct ptn_map *out, const char *old, const char *now)
{
    struct ptn_slice rest = ptn_slice_of(old), word;
    struct ptn_map before = PTN_MAP_INIT;
    static char yes;

    while (rest.len > 0) {
        word = cut(&rest, ',');
        ptn_map_put(&before, word, &yes);
    }
    rest = ptn_slice_of(now);
    while (rest.len > 0) {
        word = cut(&rest, ',');
        if (ptn_map_get(&before, word))
            ptn_map_put(out, word, &yes);
    }
    ptn_map_free(&before);
}

/* --- listeners --- */

/* Values that are compared in what comes of them: addresses as they are
 * bound, a policy's settings as the listener has them. */
static bool
is_indirect(struct ptn_slice key)
{
    return is(key, "listen") || is(key, "tls.policy");
}

/* Whether the value concerns a listener that was there before, and still
 * is. */
static bool
concerns(const struct ptn_diff_change *c, const struct ptn_diff_listener *l,
         const struct uses *uses)
{
    struct path path = split(c->path);

    if (c->flags & (PTN_OPT_EXACT | PTN_OPT_LIVE))
        return false;
    if (is(path.block, "certificates"))
        return ptn_map_get(&uses->certificates, path.name) != NULL;
    if (is(path.block, "listeners"))
        return is(path.name, l->name) && !is_indirect(path.key);
    if (is(path.block, "groups"))
        return is(path.name, l->group) && strcmp(l->group, l->old_group) == 0;
    if (is(path.block, "server") && is(path.name, "workers"))
        return strcmp(l->group, PTN_GROUP_MAIN) == 0;
    return is(path.block, "server") || is(path.block, "auth") ||
           ptn_map_get(&uses->modules, path.block) != NULL;
}

static void
raise(struct ptn_diff_listener *l, enum ptn_diff_action action)
{
    if (l->action < action)
        l->action = action;
}

static void
add_values(struct ptn_diff *d, struct ptn_diff_listener *l,
           const struct uses *uses)
{
    for (size_t i = 0; i < d->changes.count; i++) {
        const struct ptn_diff_change *c = d->changes.items[i];

        if (!concerns(c, l, uses))
            continue;
        ptn_diff_add(&l->reasons, c);
        raise(l, c->file ? PTN_DIFF_CERTIFICATE : PTN_DIFF_POLICY);
    }
}

/* What was worked out from several values. */
static struct ptn_diff_change *
add_texts(struct ptn_diff *d, struct ptn_diff_listener *l, const char *old,
          const char *now)
{
    struct ptn_diff_change *c;

    if (strcmp(old, now) == 0)
        return NULL;
    c = ptn_diff_change(d, "listeners.", l->name);
    c->old = old;
    c->now = now;
    c->place = l->place;
    ptn_diff_add(&l->reasons, c);
    return c;
}

static void
add_addresses(struct ptn_diff *d, struct ptn_diff_listener *l, const char *old,
              const char *now)
{
    struct ptn_diff_change *c = add_texts(d, l, old, now);

    if (!c)
        return;
    c->path = ptn_diff_change(d, c->path, ".listen")->path;
    raise(l, PTN_DIFF_REBIND);
}

static void
add_modules(struct ptn_diff *d, struct ptn_diff_listener *l, const char *old,
            const char *now)
{
    struct ptn_diff_change *c = add_texts(d, l, old, now);

    if (!c)
        return;
    c->path = "load";
    raise(l, PTN_DIFF_POLICY);
}

static void
compare_listener(struct ptn_diff *d, struct ptn_diff_listener *l,
                 const struct ptn_effective_listener *old,
                 const struct ptn_effective_listener *now)
{
    struct uses uses = {PTN_MAP_INIT, PTN_MAP_INIT};

    add_common(&uses.modules, old->modules, now->modules);
    add_common(&uses.certificates, old->certificates, now->certificates);
    add_addresses(d, l, old->addresses, now->addresses);
    add_values(d, l, &uses);
    add_modules(d, l, old->modules, now->modules);
    ptn_map_free(&uses.modules);
    ptn_map_free(&uses.certificates);
}

static struct ptn_diff_listener *
add_listener(struct ptn_diff *d, const struct ptn_effective_listener *old,
             const struct ptn_effective_listener *now)
{
    const struct ptn_effective_listener *one = now ? now : old;
    struct ptn_diff_listener *l = &d->listeners[d->listener_count++];

    l->name = one->name;
    l->place = one->place;
    l->group = now ? now->group : NULL;
    l->old_group = old ? old->group : NULL;
    if (old && now)
        compare_listener(d, l, old, now);
    else
        add_addresses(d, l, old ? old->addresses : "",
                      now ? now->addresses : "");
    if (!old || !now)
        l->action = now ? PTN_DIFF_NEW : PTN_DIFF_DRAIN;
    return l;
}

static void
judge_listeners(struct ptn_diff *d)
{
    const struct ptn_effective *old = d->old, *now = d->now;
    struct ptn_map before = PTN_MAP_INIT;

    d->listeners = ptn_alloc((old->listener_count + now->listener_count + 1) *
                             sizeof *d->listeners);
    for (size_t i = 0; i < old->listener_count; i++)
        ptn_map_put(&before, ptn_slice_of(old->listeners[i].name),
                    &old->listeners[i]);
    for (size_t i = 0; i < now->listener_count; i++)
        add_listener(
            d, ptn_map_remove(&before, ptn_slice_of(now->listeners[i].name)),
            &now->listeners[i]);
    for (size_t i = 0; i < old->listener_count; i++)
        if (ptn_map_get(&before, ptn_slice_of(old->listeners[i].name)))
            add_listener(d, &old->listeners[i], NULL);
    ptn_map_free(&before);
}

/* --- groups --- */

static struct ptn_diff_group *
group_at(struct ptn_diff *d, const char *name)
{
    struct ptn_diff_group *g;

    for (size_t i = 0; i < d->group_count; i++)
        if (strcmp(d->groups[i].name, name) == 0)
            return &d->groups[i];
    d->groups =
        ptn_realloc(d->groups, (d->group_count + 1) * sizeof *d->groups);
    g = &d->groups[d->group_count++];
    *g = (struct ptn_diff_group){.name = name};
    return g;
}

static bool
has_group(const struct ptn_effective *side, const char *name)
{
    for (size_t i = 0; i < side->listener_count; i++)
        if (strcmp(side->listeners[i].group, name) == 0)
            return true;
    return strcmp(name, PTN_GROUP_MAIN) == 0;
}

static void
touch(struct ptn_diff *d, const char *name, enum ptn_diff_action action)
{
    struct ptn_diff_group *g;

    if (!name)
        return;
    g = group_at(d, name);
    if (action > PTN_DIFF_CERTIFICATE)
        g->action = PTN_GROUP_TOUCHED;
    else if (action == PTN_DIFF_CERTIFICATE && g->action == PTN_GROUP_UNTOUCHED)
        g->action = PTN_GROUP_CERTIFICATES;
}

/* What concerns the group's processes, whoever listens there. */
static void
judge_group(struct ptn_diff *d, struct ptn_diff_group *g)
{
    bool before = has_group(d->old, g->name),
         after = has_group(d->now, g->name);
    bool main = strcmp(g->name, PTN_GROUP_MAIN) == 0;

    for (size_t i = 0; i < d->changes.count; i++) {
        const struct ptn_diff_change *c = d->changes.items[i];
        struct path path = split(c->path);
        bool own = is(path.block, "groups") && is(path.name, g->name);

        if (is(path.block, "auth"))
            own = true;
        else if (is(path.block, "server"))
            own = main || !is(path.name, "workers");
        if (!own || (c->flags & (PTN_OPT_EXACT | PTN_OPT_LIVE)))
            continue;
        ptn_diff_add(&g->reasons, c);
        g->action = PTN_GROUP_TOUCHED;
    }
    if (!before || !after)
        g->action = after ? PTN_GROUP_NEW : PTN_GROUP_GONE;
}

void
ptn_diff_judge(struct ptn_diff *d)
{
    judge_listeners(d);
    group_at(d, PTN_GROUP_MAIN);
    for (size_t i = 0; i < d->listener_count; i++) {
        const struct ptn_diff_listener *l = &d->listeners[i];

        touch(d, l->group, l->action);
        touch(d, l->old_group, l->action);
    }
    for (size_t i = 0; i < d->group_count; i++)
        judge_group(d, &d->groups[i]);
}
