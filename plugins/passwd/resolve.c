/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From an address to the accounts that its mail goes to. In this order, the
 * first that is there counts:
 *   1. an alias "local@domain", then an alias "local" (of every domain)
 *   2. the account "local@domain"
 *   3. both again without the subaddress ("user+tag", RFC 5233)
 *   4. "postmaster" of a local domain (RFC 5321 section 4.5.1)
 *   5. an alias "@domain", which catches everything else
 * An alias is followed once, so "bob: bob, alice" means bob's own mailbox
 * and alice's, and circles end. Any thread; all state is on the stack.
 */
#include "entry.h"
#include "passwd.h"
#include <postern/arena.h>

#define DEPTH_MAX 16     /* aliases of aliases */
#define TARGETS_MAX 1000 /* accounts behind one address */
#define VISITS_MAX 2000  /* names looked at for one address */

struct walk {
    struct passwd *p;
    const struct passwd_table *users, *aliases;
    bool block;
    struct ptn_buf *found;  /* struct ptn_user[] */
    struct ptn_buf visited; /* alias keys already followed, each with NUL */
    unsigned visits;
};

static enum ptn_status expand(struct walk *w, struct ptn_slice address,
                              unsigned depth);

size_t
passwd_canonical(const struct passwd *p, struct ptn_slice name, char *out)
{
    const struct ptn_strings *domains = ptn_host_domains(p->host);
    return passwd_name_fold(name, domains->count ? domains->items[0] : NULL,
                            false, out);
}

enum ptn_status
passwd_account(const struct passwd_table *users, struct ptn_slice name,
               bool block, struct ptn_user *out, struct ptn_buf *state)
{
    struct ptn_buf line = PTN_BUF_INIT;
    struct passwd_entry entry;
    enum ptn_status status = passwd_table_find(users, name, block, &line);
    if (status == PTN_OK &&
        passwd_entry_parse(ptn_buf_slice(&line), &entry) != NULL)
        status = PTN_PERMFAIL;
    if (status == PTN_OK) {
        memcpy(out->name, name.data, name.len);
        out->name[name.len] = '\0';
        out->quota = entry.quota;
        if (state)
            ptn_buf_addslice(state, entry.state);
    }
    if (line.data)
        ptn_wipe(line.data, line.cap);
    ptn_buf_free(&line);
    return status;
}

static enum ptn_status
add_found(struct walk *w, const struct ptn_user *user)
{
    const struct ptn_user *have = (const void *)w->found->data;
    size_t count = w->found->len / sizeof(*user);
    for (size_t i = 0; i < count; i++)
        if (strcmp(have[i].name, user->name) == 0)
            return PTN_OK;
    if (count >= TARGETS_MAX)
        return PTN_PERMFAIL;
    ptn_buf_add(w->found, user, sizeof(*user));
    return PTN_OK;
}

static enum ptn_status
try_account(struct walk *w, struct ptn_slice name)
{
    struct ptn_user user;
    enum ptn_status status =
        passwd_account(w->users, name, w->block, &user, NULL);
    return status == PTN_OK ? add_found(w, &user) : status;
}

/* Remembers that an alias was followed; false when it was before. */
static bool
visit(struct walk *w, struct ptn_slice key)
{
    const char *at = w->visited.data;
    const char *end = at ? at + w->visited.len : NULL;
    for (; at != end; at += strlen(at) + 1)
        if (strlen(at) == key.len && memcmp(at, key.data, key.len) == 0)
            return false;
    ptn_buf_addslice(&w->visited, key);
    ptn_buf_addc(&w->visited, '\0');
    return true;
}

/* All targets; the first trouble ends it. NOTFOUND of some is passed over:
 * a dead target does not stop the others. */
static enum ptn_status
follow(struct walk *w, struct ptn_slice targets, unsigned depth)
{
    struct ptn_slice one;
    bool any = false;
    while (passwd_target_next(&targets, &one)) {
        enum ptn_status status = expand(w, one, depth + 1);
        if (status != PTN_OK && status != PTN_NOTFOUND)
            return status;
        any = any || status == PTN_OK;
    }
    return any ? PTN_OK : PTN_NOTFOUND;
}

static enum ptn_status
try_alias(struct walk *w, struct ptn_slice key, unsigned depth)
{
    struct ptn_buf line = PTN_BUF_INIT;
    struct ptn_slice name, targets;
    enum ptn_status status =
        passwd_table_find(w->aliases, key, w->block, &line);
    if (status == PTN_OK && depth >= DEPTH_MAX)
        status = PTN_PERMFAIL;
    else if (status == PTN_OK && !visit(w, key))
        status = PTN_NOTFOUND;
    else if (status == PTN_OK &&
             passwd_alias_parse(ptn_buf_slice(&line), &name, &targets))
        status = PTN_PERMFAIL;
    if (status == PTN_OK)
        status = follow(w, targets, depth);
    ptn_buf_free(&line);
    return status;
}

/* Steps 1 and 2 for one spelling of the address. */
static enum ptn_status
try_name(struct walk *w, struct ptn_slice name, unsigned depth)
{
    const char *at = memchr(name.data, '@', name.len);
    enum ptn_status status = try_alias(w, name, depth);
    if (status == PTN_NOTFOUND && at)
        status = try_alias(w, ptn_slice_sub(name, 0, (size_t)(at - name.data)),
                           depth);
    if (status == PTN_NOTFOUND)
        status = try_account(w, name);
    return status;
}

/* "user+tag@domain" to "user@domain" in `out`; its length, 0 if no tag. */
static size_t
without_tag(const struct passwd *p, struct ptn_slice name, char *out)
{
    const char *mark = p->options->delimiter;
    const char *at = memchr(name.data, '@', name.len);
    size_t local = at ? (size_t)(at - name.data) : name.len;
    const char *tag = *mark ? memchr(name.data, *mark, local) : NULL;
    if (!tag || tag == name.data)
        return 0;
    size_t head = (size_t)(tag - name.data), tail = name.len - local;
    memcpy(out, name.data, head);
    memcpy(out + head, name.data + local, tail);
    out[head + tail] = '\0';
    return head + tail;
}

static enum ptn_status
try_postmaster(struct walk *w, unsigned depth)
{
    struct ptn_buf line = PTN_BUF_INIT;
    struct passwd_entry entry;
    char name[PTN_USER_NAME_MAX + 1];
    if (w->p->options->postmaster)
        return expand(w, ptn_slice_of(w->p->options->postmaster), depth + 1);
    if (w->users->count == 0)
        return PTN_NOTFOUND;
    enum ptn_status status =
        passwd_table_line(w->users, w->users->first, w->block, &line);
    size_t n = 0;
    if (status == PTN_OK && !passwd_entry_parse(ptn_buf_slice(&line), &entry))
        n = passwd_canonical(w->p, entry.name, name);
    if (line.data)
        ptn_wipe(line.data, line.cap);
    ptn_buf_free(&line);
    if (status == PTN_OK)
        status = n ? try_account(w, (struct ptn_slice){name, n}) : PTN_TEMPFAIL;
    return status;
}

/* Steps 4 and 5. */
static enum ptn_status
try_rest(struct walk *w, struct ptn_slice name, unsigned depth)
{
    const char *at = memchr(name.data, '@', name.len);
    if (!at)
        return PTN_NOTFOUND;
    size_t local = (size_t)(at - name.data);
    struct ptn_slice domain =
        ptn_slice_sub(name, local + 1, name.len - local - 1);
    enum ptn_status status = PTN_NOTFOUND;
    if (depth < DEPTH_MAX &&
        ptn_slice_eq(ptn_slice_sub(name, 0, local), PTN_SLICE("postmaster")) &&
        ptn_host_is_local_domain(w->p->host, domain))
        status = try_postmaster(w, depth);
    if (status == PTN_NOTFOUND)
        status =
            try_alias(w, ptn_slice_sub(name, local, name.len - local), depth);
    return status;
}

static enum ptn_status
expand(struct walk *w, struct ptn_slice address, unsigned depth)
{
    char name[PTN_USER_NAME_MAX + 1], bare[PTN_USER_NAME_MAX + 1];
    size_t n = passwd_canonical(w->p, address, name), m;
    if (n == 0)
        return PTN_NOTFOUND;
    if (++w->visits > VISITS_MAX)
        return PTN_PERMFAIL;
    struct ptn_slice whole = {name, n};
    enum ptn_status status = try_name(w, whole, depth);
    if (status == PTN_NOTFOUND && (m = without_tag(w->p, whole, bare)) > 0)
        status = try_name(w, (struct ptn_slice){bare, m}, depth);
    if (status == PTN_NOTFOUND)
        status = try_rest(w, whole, depth);
    return status;
}

enum ptn_status
passwd_resolve(struct passwd *p, struct ptn_slice address, bool block,
               struct ptn_buf *found)
{
    struct passwd_table *users, *aliases;
    enum ptn_status status = passwd_file_get(&p->users, block, &users);
    if (status != PTN_OK)
        return status;
    status = passwd_file_get(&p->aliases, block, &aliases);
    if (status == PTN_OK) {
        struct walk w = {.p = p,
                         .users = users,
                         .aliases = aliases,
                         .block = block,
                         .found = found,
                         .visited = PTN_BUF_INIT};
        status = expand(&w, address, 0);
        ptn_buf_free(&w.visited);
        passwd_table_unref(aliases);
    }
    passwd_table_unref(users);
    return status;
}
