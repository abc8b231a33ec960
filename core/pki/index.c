/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A hash of names to contexts. Built and read on the loop's thread.
 */
#include "pki/index.h"

static struct ptn_index_entry *
copy(struct ptn_index *index, const struct ptn_index_entry *from)
{
    struct ptn_index_entry *entry =
        ptn_arena_alloc(&index->arena, sizeof *entry);

    *entry = *from;
    return entry;
}

/* Behind those of the same name, which are few. */
static void
append(struct ptn_index *index, struct ptn_index_entry **list,
       const struct ptn_index_entry *from)
{
    while (*list)
        list = &(*list)->next;
    *list = copy(index, from);
}

/* Behind all there are, which may be thousands. */
static void
append_to_all(struct ptn_index *index, const struct ptn_index_entry *from)
{
    struct ptn_index_entry *entry = copy(index, from);

    if (index->last)
        index->last->next = entry;
    else
        index->all = entry;
    index->last = entry;
}

static void
add_name(struct ptn_index *index, struct ptn_slice name,
         const struct ptn_index_entry *from)
{
    bool is_wildcard = name.len > 2 && name.data[0] == '*';
    struct ptn_map *map = is_wildcard ? &index->wildcard : &index->exact;
    struct ptn_index_entry *list;
    char *key = ptn_arena_dup(&index->arena,
                              is_wildcard ? ptn_slice_sub(name, 1, name.len - 1)
                                          : name);

    for (char *p = key; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    list = ptn_map_get(map, ptn_slice_of(key));
    if (list) {
        append(index, &list, from);
        return;
    }
    append(index, &list, from);
    ptn_map_put(map, ptn_slice_of(key), list);
}

void
ptn_index_add(struct ptn_index *index, uint32_t number,
              struct ptn_tls_context *context, const struct ptn_tls_cert *facts)
{
    const struct ptn_index_entry from = {NULL, context, facts->key_type,
                                         number};
    const char *p = facts->names;

    append_to_all(index, &from);
    while (*p) {
        struct ptn_slice name = {p, strcspn(p, " ")};

        if (name.len > 0)
            add_name(index, name, &from);
        p += name.len + strspn(p + name.len, " ");
    }
}

void
ptn_index_free(struct ptn_index *index)
{
    ptn_map_free(&index->exact);
    ptn_map_free(&index->wildcard);
    ptn_arena_reset(&index->arena);
    index->all = index->last = NULL;
}

static bool
is_accepted(enum ptn_tls_key_type type, const struct ptn_tls_hello *hello)
{
    switch (type) {
    case PTN_KEY_ECDSA_P256:
    case PTN_KEY_ECDSA_P384:
        return hello->accepts_ecdsa;
    case PTN_KEY_RSA_2048:
    case PTN_KEY_RSA_3072:
    case PTN_KEY_RSA_4096:
        return hello->accepts_rsa;
    case PTN_KEY_ED25519:
        return hello->accepts_ed25519;
    default:
        return false;
    }
}

const char *
ptn_index_rule_word(enum ptn_index_rule rule)
{
    static const char *const words[] = {
        [PTN_INDEX_ONLY] = "only one",       [PTN_INDEX_EXACT] = "exact name",
        [PTN_INDEX_WILDCARD] = "wildcard",   [PTN_INDEX_FIRST] = "first",
        [PTN_INDEX_KEY_TYPE] = "key type",   [PTN_INDEX_UNFIT] = "none fits",
        [PTN_INDEX_CHALLENGE] = "challenge",
    };

    return words[rule];
}

/* RFC 6066 section 3 for the name; RFC 6125 section 6.4.3: a wildcard
 * stands for one whole label, the leftmost. */
static const struct ptn_index_entry *
find(const struct ptn_index *index, struct ptn_slice name,
     enum ptn_index_rule *rule)
{
    const struct ptn_index_entry *list = NULL;
    const char *dot;

    if (name.len > 0 && name.data[name.len - 1] == '.')
        name.len--;
    *rule = PTN_INDEX_FIRST;
    if (name.len == 0)
        return index->all;
    list = ptn_map_get(&index->exact, name);
    if (list)
        *rule = PTN_INDEX_EXACT;
    dot = memchr(name.data, '.', name.len);
    if (!list && dot) {
        list = ptn_map_get(
            &index->wildcard,
            (struct ptn_slice){dot, name.len - (size_t)(dot - name.data)});
        if (list)
            *rule = PTN_INDEX_WILDCARD;
    }
    return list ? list : index->all;
}

const struct ptn_index_entry *
ptn_index_choose(const struct ptn_index *index,
                 const struct ptn_tls_hello *hello, enum ptn_index_rule *rule)
{
    const struct ptn_index_entry *list = find(index, hello->server_name, rule);

    for (const struct ptn_index_entry *e = list; e; e = e->next) {
        if (is_accepted(e->key_type, hello))
            return e;
        *rule = PTN_INDEX_KEY_TYPE;
    }
    *rule = PTN_INDEX_UNFIT;
    return list;
}
