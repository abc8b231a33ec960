/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The verbs: in which states each is allowed, and what else is true of it.
 * The dispatcher asks this table and nothing else.
 */
#include "imap.h"

#define ANY (IMAP_NOT_AUTHENTICATED | IMAP_AUTHENTICATED | IMAP_SELECTED)
#define NOBODY IMAP_NOT_AUTHENTICATED
#define USER (IMAP_AUTHENTICATED | IMAP_SELECTED)
#define BOX IMAP_SELECTED

static const struct imap_verb verbs[] = {
    /* Frequent ones first. */
    {"NOOP", ANY, IMAP_BEFORE_TLS, imap_cmd_noop},
    {"FETCH", BOX, IMAP_HAS_UID | IMAP_KEEPS_SEQ, imap_cmd_fetch},
    {"STORE", BOX, IMAP_HAS_UID | IMAP_KEEPS_SEQ | IMAP_WRITES, imap_cmd_store},
    {"SEARCH", BOX, IMAP_HAS_UID | IMAP_KEEPS_SEQ, imap_cmd_search},
    {"IDLE", USER, 0, imap_cmd_idle},
    {"SELECT", USER, 0, imap_cmd_select},
    {"STATUS", USER, 0, imap_cmd_status},
    {"APPEND", USER, IMAP_HAS_CONTENT, imap_cmd_append},
    {"COPY", BOX, IMAP_HAS_UID | IMAP_KEEPS_SEQ, imap_cmd_copy},
    {"MOVE", BOX, IMAP_HAS_UID | IMAP_WRITES, imap_cmd_move},
    {"EXPUNGE", BOX, IMAP_HAS_UID | IMAP_WRITES, imap_cmd_expunge},
    {"CLOSE", BOX, 0, imap_cmd_close},
    {"UNSELECT", BOX, 0, imap_cmd_unselect},
    {"CHECK", BOX, 0, imap_cmd_check},
    {"EXAMINE", USER, 0, imap_cmd_examine},
    {"LIST", USER, 0, imap_cmd_list},
    {"LSUB", USER, 0, imap_cmd_lsub},
    {"CREATE", USER, 0, imap_cmd_create},
    {"DELETE", USER, 0, imap_cmd_delete},
    {"RENAME", USER, 0, imap_cmd_rename},
    {"SUBSCRIBE", USER, 0, imap_cmd_subscribe},
    {"UNSUBSCRIBE", USER, 0, imap_cmd_unsubscribe},
    {"NAMESPACE", USER, 0, imap_cmd_namespace},
    {"GETQUOTA", USER, 0, imap_cmd_getquota},
    {"GETQUOTAROOT", USER, 0, imap_cmd_getquotaroot},
    {"SETQUOTA", USER, 0, imap_cmd_setquota},
    {"ENABLE", USER, 0, imap_cmd_enable},
    {"ID", ANY, 0, imap_cmd_id},
    {"CAPABILITY", ANY, IMAP_BEFORE_TLS, imap_cmd_capability},
    {"LOGIN", NOBODY, IMAP_SECRET | IMAP_BEFORE_TLS, imap_cmd_login},
    {"AUTHENTICATE", NOBODY, IMAP_SECRET | IMAP_BEFORE_TLS,
     imap_cmd_authenticate},
    {"STARTTLS", NOBODY, IMAP_BEFORE_TLS, imap_cmd_starttls},
    {"LOGOUT", ANY, IMAP_BEFORE_TLS, imap_cmd_logout},
};

const struct ptn_words imap_verbs = PTN_WORDS(verbs, name);

unsigned
imap_verb_index(const struct imap_verb *verb)
{
    return verb ? (unsigned)(verb - verbs) : (unsigned)PTN_COUNT(verbs);
}

const struct imap_verb *
imap_verb_find(struct ptn_slice name)
{
    for (size_t i = 0; i < PTN_COUNT(verbs); i++)
        if (ptn_slice_caseeq(name, ptn_slice_of(verbs[i].name)))
            return &verbs[i];
    return NULL;
}
