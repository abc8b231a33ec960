/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Blocks of the file against option rows. Only this folder sees libconfig.
 */
#ifndef PTN_CONF_WALK_H
#define PTN_CONF_WALK_H

#include "conf/conf.h"
#include "conf/source.h"
#include <libconfig.h>

/* What is kept between the steps of reading. */
struct ptn_conf_tree {
    config_t config;
    config_t built_in; /* policies, see policies.c */
    struct ptn_conf_source own;
    const struct ptn_conf_source *source; /* own, or that of another */
    bool parsed; /* config holds the file; else it is empty */
    bool record; /* PTN_CONF_RECORD */
    size_t value_cap;
    const char **blocks; /* top-level names that modules own */
    size_t block_count;
};

/* A block to be filled: where its settings are, and those that it shares
 * with others (a policy, the limits of all listeners), nearest first. */
struct ptn_conf_block {
    struct ptn_conf *conf;
    const char *path;            /* "listeners.lab.tls" */
    struct ptn_conf_place place; /* for what is missing */
    config_setting_t *layers[3]; /* each NULL or a group; [0] is its own */
};

/* Fills `out` from the block. A value that is wrong is a note, once, with
 * the block that it is written in; then the field keeps what it had. */
void ptn_conf_fill(const struct ptn_conf_block *block,
                   const struct ptn_option *rows, void *out);

/* Notes the keys of `group` that are in none of the tables (`count` of
 * them) and not in `extra`, which ends with NULL or is NULL. */
struct ptn_conf_known {
    const struct ptn_option *tables[3]; /* each may be NULL */
    const char *const *extra;
};
void ptn_conf_check_keys(struct ptn_conf *conf, const char *path,
                         config_setting_t *group,
                         const struct ptn_conf_known *known);

/* The group `name` inside `parent`; NULL when it is not there or is a note
 * because it is something else. `parent` may be NULL. */
config_setting_t *ptn_conf_group(struct ptn_conf *conf, const char *path,
                                 config_setting_t *parent, const char *name);

/* Of a policy that Postern has: "policy modern" for a file, and line 0. */
struct ptn_conf_place ptn_conf_setting_place(const struct ptn_conf *conf,
                                             const config_setting_t *setting);
/* Where the setting of that path stands, or the innermost group around it
 * that is there. Before ptn_conf_finish. */
struct ptn_conf_place ptn_conf_path_place(const struct ptn_conf *conf,
                                          const char *path);
/* An error about the setting: ptn_conf_error at its place, with its path
 * before the text. */
void ptn_conf_error_at(struct ptn_conf *conf, const char *path, const char *fmt,
                       ...) PTN_PRINTF(3, 4);
/* An error: there is no `what` of that name; what is close, or else what to
 * do. */
struct ptn_suggest;
void ptn_conf_error_name(struct ptn_conf *conf, const char *path,
                         const char *what, const struct ptn_suggest *name,
                         const char *remedy);
/* "a.b", in the arena; "b" when `a` is empty. */
const char *ptn_conf_path(struct ptn_conf *conf, const char *a, const char *b);

/* A lower-case copy of a host or domain name, in the arena; noted, as an
 * error at `place`, when it is none. */
const char *ptn_conf_host_name(struct ptn_conf *conf,
                               struct ptn_conf_place place, const char *path,
                               const char *text);

/* "STATE/name", in the arena. */
const char *ptn_conf_path_in_state(struct ptn_conf *conf, const char *name);

/* One value. `why` gets what is wrong with it, without path; false then. */
bool ptn_conf_value(struct ptn_conf *conf, const struct ptn_option *row,
                    config_setting_t *setting, void *field,
                    struct ptn_buf *why);
/* The row's preset; nothing when it has none. */
void ptn_conf_preset(struct ptn_conf *conf, const struct ptn_option *row,
                     void *field);
/* "none", "explicit" or "implicit" */
void ptn_conf_add_choices(const struct ptn_option *row, struct ptn_buf *out);
/* The value as the file would say it. */
void ptn_conf_value_text(const struct ptn_option *row, const void *field,
                         struct ptn_buf *out);

/* The steps of reading that are files of their own. */
extern const struct ptn_option ptn_conf_server_rows[];
extern const struct ptn_option ptn_conf_auth_rows[];
extern const struct ptn_option ptn_conf_envoy_rows[];
extern const struct ptn_option ptn_conf_limits_rows[];
extern const struct ptn_option ptn_conf_cert_rows[];
extern const struct ptn_option ptn_conf_listener_rows[];
extern const struct ptn_option ptn_conf_tls_rows[];
extern const struct ptn_option ptn_conf_policy_rows[];
extern const struct ptn_option ptn_conf_based_on_rows[];
extern const struct ptn_option ptn_conf_legacy_rows[];
extern const struct ptn_option ptn_conf_group_rows[];
extern const char *const ptn_conf_core_blocks[];

/* Names of syslog's facilities, and after server's rows were read: makes
 * conf->server.log of them. */
extern const char *const ptn_conf_facilities[];
void ptn_conf_read_log(struct ptn_conf *conf, config_setting_t *server);
void ptn_conf_read_certs(struct ptn_conf *conf, config_setting_t *root);
void ptn_conf_read_listeners(struct ptn_conf *conf, config_setting_t *root);
void ptn_conf_read_tls(struct ptn_conf *conf, struct ptn_listener_conf *l,
                       config_setting_t *listener, config_setting_t *root);

/* --- policies.c --- */

#define PTN_POLICY_DEFAULT "intermediate"

/* policies.NAME, beside what it says of TLS */
struct ptn_policy_conf {
    const char *based_on; /* a built-in one, or NULL for the default */
};

/* For TLS up to 1.2, as libraries name them: what the default policy has,
 * and what TLS 1.0 and 1.1 can be spoken with, too. */
extern const char ptn_conf_ciphers[], ptn_conf_old_ciphers[];

/* Reads the built-in policies into the tree. */
void ptn_conf_policies_init(struct ptn_conf_tree *tree);
/* "policy modern" of a setting of one of them, a constant; NULL of others. */
const char *ptn_conf_built_in_origin(const struct ptn_conf *conf,
                                     const config_setting_t *setting);
/* Notes what is wrong with the operator's own. */
void ptn_conf_read_policies(struct ptn_conf *conf, config_setting_t *root);
/* Lays what `policy` of the block names below the block: an operator's own
 * policy with what it is based on, or a built-in. A name that nobody knows is
 * an error, and the default policy stands in. `policies` may be NULL. */
void ptn_conf_use_policy(struct ptn_conf_block *block,
                         config_setting_t *policies);

/* --- legacy.c --- */

/* `legacy` of the group, when it is there, into tls->legacy; `parent` is the
 * group's path. Versions and ciphers of `tls` are final. */
void ptn_conf_read_legacy(struct ptn_conf *conf, const char *parent,
                          config_setting_t *tls_group,
                          struct ptn_tls_conf *tls);

void ptn_conf_read_groups(struct ptn_conf *conf, config_setting_t *root);
/* After it and the listeners: whether their groups are there. */
void ptn_conf_link_groups(struct ptn_conf *conf);
/* After both: the certificates that listeners name, and `default`. */
void ptn_conf_link_certs(struct ptn_conf *conf);

/* Parses conf->listeners[i].listen into addresses, with the protocol's
 * ports; notes what is wrong, and pairs that cannot both be bound. */
void ptn_conf_read_addresses(struct ptn_conf *conf);

#endif
