/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which of a listener's certificates a handshake gets: by server name,
 * exact before wildcard, then by key type, then the first.
 */
#ifndef PTN_PKI_INDEX_H
#define PTN_PKI_INDEX_H

#include "base/map.h"
#include <postern/arena.h>
#include <postern/tls.h>

/* One certificate's context under one name. */
struct ptn_index_entry {
    struct ptn_index_entry *next; /* of the same name, in config order */
    struct ptn_tls_context *context;
    enum ptn_tls_key_type key_type;
    uint32_t number; /* the certificate's, as its caller counts */
};

/* Why a certificate was chosen. */
enum ptn_index_rule {
    PTN_INDEX_ONLY,     /* there is no other */
    PTN_INDEX_EXACT,    /* it has the name */
    PTN_INDEX_WILDCARD, /* it has a wildcard for the name */
    PTN_INDEX_FIRST,    /* no name was asked for, or none has it */
    PTN_INDEX_KEY_TYPE, /* of those, the client cannot check the ones before */
    PTN_INDEX_UNFIT,    /* the client can check none of those */
    PTN_INDEX_CHALLENGE /* none of them: an authority came to see another */
};

/* A word or two for the log. */
const char *ptn_index_rule_word(enum ptn_index_rule rule);

/* Built once, constant then. Contexts are borrowed. */
struct ptn_index {
    struct ptn_arena arena;
    struct ptn_map exact;         /* "mail.example.org" */
    struct ptn_map wildcard;      /* ".example.org" */
    struct ptn_index_entry *all;  /* in config order */
    struct ptn_index_entry *last; /* of these */
};

#define PTN_INDEX_INIT                                                         \
    ((struct ptn_index){PTN_ARENA_INIT, PTN_MAP_INIT, PTN_MAP_INIT, NULL, NULL})

/* Adds a certificate behind those that are there. */
void ptn_index_add(struct ptn_index *index, uint32_t number,
                   struct ptn_tls_context *context,
                   const struct ptn_tls_cert *facts);
void ptn_index_free(struct ptn_index *index);

/* NULL only when the index is empty. */
const struct ptn_index_entry *
ptn_index_choose(const struct ptn_index *index,
                 const struct ptn_tls_hello *hello, enum ptn_index_rule *rule);

#endif
