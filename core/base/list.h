/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An intrusive doubly linked ring. The head is a node that belongs to
 * nothing; an element embeds a node and is found with PTN_CONTAINER. A node
 * that is in no list points to itself, so removing twice is harmless.
 */
#ifndef PTN_BASE_LIST_H
#define PTN_BASE_LIST_H

#include <postern/types.h>

struct ptn_list {
    struct ptn_list *next, *prev;
};

static inline void
ptn_list_init(struct ptn_list *node)
{
    node->next = node->prev = node;
}

static inline bool
ptn_list_is_empty(const struct ptn_list *head)
{
    return head->next == head;
}

/* Puts `node`, which is in no list, at the end of the list. */
static inline void
ptn_list_add(struct ptn_list *head, struct ptn_list *node)
{
    node->next = head;
    node->prev = head->prev;
    head->prev->next = node;
    head->prev = node;
}

static inline void
ptn_list_remove(struct ptn_list *node)
{
    node->next->prev = node->prev;
    node->prev->next = node->next;
    ptn_list_init(node);
}

/* Takes the first node out; NULL from an empty list. */
static inline struct ptn_list *
ptn_list_take(struct ptn_list *head)
{
    struct ptn_list *node = head->next;

    if (node == head)
        return NULL;
    ptn_list_remove(node);
    return node;
}

/* Moves all nodes of `from` to the end of `to`. */
static inline void
ptn_list_move_all(struct ptn_list *from, struct ptn_list *to)
{
    if (ptn_list_is_empty(from))
        return;
    from->next->prev = to->prev;
    from->prev->next = to;
    to->prev->next = from->next;
    to->prev = from->prev;
    ptn_list_init(from);
}

#endif
