/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a reload changes: two sets of effective values, the running ones and
 * those of the new configuration, compared. A pure function: it opens
 * nothing, asks nobody and changes nothing. One thread.
 *
 *   value changed          -> who is concerned
 *   server.KEY             -> all listeners; nobody when the row is LIVE; an
 *                             error when it is EXACT (also rows of modules)
 *   auth.KEY               -> all listeners
 *   groups.NAME.KEY        -> the listeners of the group
 *   certificates.NAME.KEY  -> the listeners that show it
 *   listeners.NAME.KEY     -> that listener
 *   limits.KEY             -> nobody: each listener's own values say it
 *   MODULE.KEY             -> the listeners that use the module
 */
#ifndef PTN_CONF_DIFF_H
#define PTN_CONF_DIFF_H

#include "conf/conf.h"

/* --- one side --- */

/* Texts are in the arena. Lists are words with "," between them. */
struct ptn_effective_listener {
    const char *name;
    const char *group;        /* never NULL */
    const char *addresses;    /* as bound: "*:25,[::1]:25" */
    const char *modules;      /* whatever its sessions run through */
    const char *certificates; /* names; "" without TLS */
    struct ptn_conf_place place;
};

/* `digest` is of the files as they are; "" when nothing was there yet. */
struct ptn_effective_cert {
    const char *name, *digest, *path;
};

struct ptn_effective {
    struct ptn_arena arena;
    struct ptn_conf_value *values;
    size_t value_count;
    struct ptn_effective_listener *listeners;
    size_t listener_count;
    struct ptn_effective_cert *certs;
    size_t cert_count;
};

struct ptn_effective *ptn_effective_new(void);
void ptn_effective_free(struct ptn_effective *side);
/* Each answers the new, zeroed entry. */
struct ptn_conf_value *ptn_effective_add_value(struct ptn_effective *side);
struct ptn_effective_listener *
ptn_effective_add_listener(struct ptn_effective *side);
struct ptn_effective_cert *ptn_effective_add_cert(struct ptn_effective *side);

/* A keyed hash, as text: equal for equal data, and nothing else can be told
 * from it. The key is one that a program's forked children share; a program
 * that it executes has to be given it. */
#define PTN_MARK_SIZE 17
#define PTN_MARK_KEY_SIZE 16
void ptn_effective_mark(struct ptn_slice data, char out[PTN_MARK_SIZE]);
void ptn_effective_mark_key(uint8_t out[PTN_MARK_KEY_SIZE]);
void ptn_effective_set_mark_key(const uint8_t key[PTN_MARK_KEY_SIZE]);

/* --- the difference --- */

enum ptn_diff_action {
    PTN_DIFF_UNCHANGED,
    PTN_DIFF_CERTIFICATE, /* files of certificates alone: swapped in place */
    PTN_DIFF_POLICY,      /* the same sockets, other settings */
    PTN_DIFF_REBIND,      /* other addresses */
    PTN_DIFF_DRAIN,       /* it is gone: closed, its sessions run out */
    PTN_DIFF_NEW,
};

enum ptn_diff_group_action {
    PTN_GROUP_UNTOUCHED,    /* its workers stay */
    PTN_GROUP_CERTIFICATES, /* its workers stay and read certificates again */
    PTN_GROUP_TOUCHED,      /* new workers take over */
    PTN_GROUP_NEW,          /* the first workers */
    PTN_GROUP_GONE,         /* its workers run out */
};

struct ptn_diff_change {
    const char *path;
    const char *old, *now;       /* as the file would say it; NULL: not there */
    struct ptn_conf_place place; /* of the new value, or of the one gone */
    unsigned flags;              /* enum ptn_option_flag */
    bool file; /* not a value: `now` is a path whose content is new */
};

struct ptn_diff_changes {
    const struct ptn_diff_change **items;
    size_t count;
};

struct ptn_diff_listener {
    const char *name;
    enum ptn_diff_action action;
    const char *group;     /* where it is served from now on; NULL: drained */
    const char *old_group; /* NULL: new */
    struct ptn_conf_place place;
    struct ptn_diff_changes reasons;
};

struct ptn_diff_group {
    const char *name;
    enum ptn_diff_group_action action;
    struct ptn_diff_changes reasons; /* beside those of its listeners */
};

struct ptn_diff {
    struct ptn_arena arena;
    struct ptn_effective *old, *now;     /* owned; texts point into them */
    struct ptn_diff_changes changes;     /* values and files */
    struct ptn_diff_listener *listeners; /* as the new file has them, then
                                            those that are gone */
    size_t listener_count;
    struct ptn_diff_group *groups;
    size_t group_count;
    /* Changes that need a restart. Unless it is 0, nothing may be applied. */
    size_t refused;
};

/* Takes over both sides. */
struct ptn_diff *ptn_diff_new(struct ptn_effective *old,
                              struct ptn_effective *now);
void ptn_diff_free(struct ptn_diff *diff);

/* Whether a value has changed whose path begins so: "certificates.",
 * "passwd.", "server.watchdog". */
bool ptn_diff_has(const struct ptn_diff *diff, const char *prefix);
/* Whether the content of a certificate's file has changed. */
bool ptn_diff_has_files(const struct ptn_diff *diff);
/* NULL when there is no such group or listener, before and after. */
const struct ptn_diff_group *ptn_diff_group(const struct ptn_diff *diff,
                                            const char *name);
const struct ptn_diff_listener *ptn_diff_listener(const struct ptn_diff *diff,
                                                  const char *name);
/* "unchanged", "certificate", "policy", ... and "untouched", ... */
const char *ptn_diff_action_name(enum ptn_diff_action action);
const char *ptn_diff_group_name(enum ptn_diff_group_action action);

/* --- inside: how a change concerns somebody; see concern.c --- */

void ptn_diff_add(struct ptn_diff_changes *list,
                  const struct ptn_diff_change *change);
/* A new one, of the diff's arena; `a` and `b` make its path. */
struct ptn_diff_change *ptn_diff_change(struct ptn_diff *diff, const char *a,
                                        const char *b);
/* Fills listeners and groups from the changes and both sides. */
void ptn_diff_judge(struct ptn_diff *diff);

#endif
