/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One config generation: the file, walked against the schema rows of core
 * and of every loaded module, as plain structs. It is built whole or not at
 * all; all its memory is one arena; once built it is not changed, so that
 * any thread may read it.
 */
#ifndef PTN_CONF_CONF_H
#define PTN_CONF_CONF_H

#include "base/cidr.h"
#include "log/log.h"
#include <postern/arena.h>
#include <postern/error.h>
#include <postern/option.h>
#include <postern/protocol.h>
#include <postern/tls.h>
#include <stdio.h>

/* Where a value came from, for error texts and `config show`. */
struct ptn_conf_place {
    const char *file;
    int line;
};

enum ptn_tls_mode {
    PTN_TLS_NONE,
    PTN_TLS_EXPLICIT,
    PTN_TLS_IMPLICIT
};
enum ptn_tls_require {
    PTN_REQUIRE_NEVER,
    PTN_REQUIRE_AUTH,
    PTN_REQUIRE_ALWAYS
};

/* listeners.NAME.tls.legacy: who may use older versions, and how long. */
struct ptn_tls_legacy_conf {
    struct ptn_strings versions, networks; /* as written */
    const char *until;
    int min_version;     /* enum ptn_tls_version; below the listener's */
    const char *ciphers; /* the listener's, and what they need */
    const struct ptn_cidr *cidrs; /* as many as networks */
    int64_t ends;                 /* seconds since 1970: it is over from then */
};

/* listeners.NAME.tls */
struct ptn_tls_conf {
    int mode;    /* enum ptn_tls_mode; there is no default: it is required */
    int require; /* enum ptn_tls_require; explicit only */
    struct ptn_strings certificates;       /* names; never empty with TLS */
    int min_version, max_version;          /* enum ptn_tls_version */
    const char *ciphers, *suites, *groups; /* NULL = the provider's */
    bool alpn_strict;
    bool tickets;
    int client; /* enum ptn_tls_peer: whether clients show certificates */
    const char *client_ca, *client_crl, *client_map; /* files, or NULL */
    const char *policy; /* the named policy it was taken from */
    const struct ptn_tls_legacy_conf *legacy; /* NULL: no exception */
    const struct ptn_cert_conf **certs; /* what `certificates` names, as many */
};

/* Every size that a peer can choose, for one listener. */
struct ptn_limits_conf {
    int64_t connections;              /* held at once by one worker */
    int64_t connections_per_address;  /* the same, from one address */
    int64_t connections_per_network;  /* from its network; 0: ten times that */
    uint64_t max_line;                /* octets of a line, without its end */
    int64_t max_errors;               /* then the session is closed */
    uint64_t idle_timeout;            /* ms of silence */
    uint64_t login_timeout;           /* ms until authenticated, if it must */
    uint64_t handshake_timeout;       /* ms for a TLS handshake */
    uint64_t command_timeout;         /* ms for a line, once begun */
    uint64_t output_high, output_low; /* octets: back-pressure marks */
    int64_t auth_attempts;            /* a session; then it is closed */
};

/* auth: who may try passwords, and how often, for all listeners together. */
struct ptn_auth_conf {
    struct ptn_strings mechanisms; /* empty = all that there are */
    int64_t free_failures;         /* of a network or a user */
    uint64_t delay, max_delay;     /* ms after one more */
    uint64_t forget;               /* ms after the last attempt */
    int64_t remember;              /* networks, and users */
};

struct ptn_address_conf {
    char host[64]; /* numeric, or "*" for all of IPv6 and IPv4 */
    uint16_t port;
};

/* listeners.NAME */
struct ptn_listener_conf {
    const char *name;
    struct ptn_conf_place place;
    const char *protocol_name;
    const struct ptn_address_conf *addresses;
    size_t address_count;
    const char *group; /* the workers that serve it; PTN_GROUP_MAIN */
    struct ptn_tls_conf tls;
    struct ptn_limits_conf limits;
    uint64_t memory; /* octets that its sessions hold in all; 0 = no bound */

    /* Bound once the modules are loaded. */
    const struct ptn_protocol *protocol;
    void *protocol_instance;
    struct ptn_host *host;        /* of the protocol's module */
    const void *protocol_options; /* the struct of protocol->options */

    struct ptn_strings listen;      /* the addresses as written */
    struct ptn_strings proxy_from;  /* networks, as written */
    const struct ptn_cidr *proxies; /* as many; they send PROXY headers */
    bool broken;                    /* not even a group; noted */
};

enum ptn_ocsp_source {
    PTN_OCSP_OFF,
    PTN_OCSP_FILE,
    PTN_OCSP_FETCH
};

/* certificates.NAME; a certificate without files is self-signed, made on
 * first start under state/certs. */
struct ptn_cert_conf {
    const char *name;
    struct ptn_conf_place place;
    struct ptn_strings names;
    const char *cert_file, *key_file; /* NULL: state/certs/NAME.crt, .key */
    const char *passphrase_file;      /* of an encrypted key; or NULL */
    struct ptn_strings passphrase_command; /* and its arguments; or none */
    int key_type;                          /* enum ptn_tls_key_type */
    int64_t days;
    struct ptn_strings expiry_warnings; /* as written; never empty */
    const int64_t *distances;           /* the same in seconds, as many */
    const char *source;    /* as the file says; NULL: as the files are */
    bool reuse_key;        /* of what an errand renews */
    int ocsp;              /* enum ptn_ocsp_source */
    const char *ocsp_file; /* where its response is; NULL with PTN_OCSP_OFF */
};

/* Whether a module obtains it, by the name that `source` says. */
PTN_API bool ptn_cert_is_fetched(const struct ptn_cert_conf *cert);

/* envoy: what the supervisor runs for it, and as whom. */
struct ptn_envoy_conf {
    const char *hook, *hook_user; /* NULL: none; server.user */
    uint64_t hook_timeout;        /* ms */
};

/* groups.NAME: workers that serve some of the listeners. */
#define PTN_GROUP_MAIN "main"
struct ptn_group_conf {
    const char *name;
    struct ptn_conf_place place;
    int64_t workers;  /* 0 = one a core; of `main`: see server.workers */
    uint64_t memory;  /* octets of each worker's data; 0 = no limit */
    int64_t niceness; /* as nice(1) */
};

enum ptn_processes {
    PTN_PROCESSES_WORKERS,
    PTN_PROCESSES_SINGLE
};

enum ptn_sandbox_choice {
    PTN_SANDBOX_ON,
    PTN_SANDBOX_OFF
};

/* server */
struct ptn_server_conf {
    const char *hostname;
    struct ptn_strings domains;
    const char *state;
    int processes;        /* enum ptn_processes */
    int64_t workers;      /* 0 = one a core */
    int64_t connections;  /* of all listeners and workers; 0 = no bound */
    const char *user;     /* to become after binding; NULL = stay */
    const char *log_file; /* NULL = stderr */
    int log_level;        /* enum ptn_log_level */
    int64_t disk_threads, slow_threads; /* lanes */
    int64_t lane_depth;                 /* jobs that may wait in a lane */
    uint64_t drain_timeout;             /* ms that sessions get after SIGTERM */
    const char *module_path;            /* the folder of NAME.so */
    const char *pid_file;               /* NULL = none */
    const char *control;                /* the socket of posternctl */
    struct ptn_conf_place place;        /* of the block */
    struct ptn_log_sink log;            /* where the log goes */
    int log_to, log_format, log_facility; /* as the file says; see `log` */
    const char *log_socket;
    const char *warden_user; /* whom the warden becomes; preset: user */
    int sandbox;             /* enum ptn_sandbox_choice */
    struct ptn_strings expiry_warnings; /* of certificates */
    uint64_t watchdog; /* ms that a worker's loop may stand still; 0 = any */
    uint64_t reload_timeout; /* ms of the sessions of replaced workers */
};

/* One effective value, for `config show`. */
struct ptn_conf_value {
    const char *path; /* "listeners.lab.tls.mode" */
    const char *text; /* as the file would say it */
    /* File NULL: it is the default. Line 0: it is of a built-in policy, which
     * "policy modern" instead of a file names. */
    struct ptn_conf_place place;
    unsigned flags; /* enum ptn_option_flag */
    /* Of a secret: the same for the same value, in all processes that one
     * program has forked; NULL: `text` tells values apart. */
    const char *mark;
};

struct ptn_conf_tree;  /* what was read, until ptn_conf_finish */
struct ptn_conf_notes; /* errors and warnings */

struct ptn_conf {
    struct ptn_arena arena;
    const char *file;
    struct ptn_server_conf server;
    struct ptn_auth_conf auth;
    struct ptn_envoy_conf envoy;
    struct ptn_limits_conf limits; /* for listeners that say nothing else */
    struct ptn_strings load;
    struct ptn_conf_place load_place;
    struct ptn_cert_conf *certs;
    size_t cert_count;
    struct ptn_listener_conf *listeners;
    size_t listener_count;
    struct ptn_group_conf *groups; /* `main` is the first */
    size_t group_count;

    struct ptn_conf_value *values; /* when recorded, as they were read */
    size_t value_count;
    char text_mark[24]; /* of the file and all that it includes */
    struct ptn_conf_tree *tree;
    struct ptn_conf_notes *notes;
};

/* Reading is in steps, since only loaded modules know their own rows; each
 * step adds what it finds wrong to the notes, and none stops the next:
 *
 *   ptn_conf_read      syntax, core's own blocks, certificates, listeners
 *   ptn_conf_block     once a module: its top-level block
 *   ptn_conf_bind      protocols, addresses, TLS against what is loaded
 *   ptn_conf_finish    blocks that nobody owns; the tree is released
 */

enum ptn_conf_flags {
    PTN_CONF_RECORD = 1 << 0, /* keep each effective value and its origin */
};

/* Never NULL: a file that cannot be read is a note. */
struct ptn_conf *ptn_conf_read(const char *file, unsigned flags);
/* The same file as it was then, from memory: what a process reads that is
 * started later. `first` is as ptn_conf_read made it, and outlives it. */
struct ptn_conf *ptn_conf_again(const struct ptn_conf *first, unsigned flags);
/* A text that is in memory; `name` is what errors call it. */
struct ptn_conf *ptn_conf_read_text(const char *name, struct ptn_slice text,
                                    unsigned flags);
/* Whether a module has work to do in the envoy. */
bool ptn_conf_has_errands(const struct ptn_conf *conf);
/* Whether something is to be stapled to some certificate. */
bool ptn_conf_staples(const struct ptn_conf *conf);
/* Whether the file, or one that it includes, has another text by now. */
bool ptn_conf_has_changed(const struct ptn_conf *first);
void ptn_conf_free(struct ptn_conf *conf);

/* The struct of `size` octets that `rows` fill from the block `name`, in
 * the arena. Rows that are wrong leave the preset and a note. */
void *ptn_conf_block(struct ptn_conf *conf, const char *name,
                     const struct ptn_option *rows, size_t size);

/* What the listeners can be bound to. */
struct ptn_conf_protocol {
    const struct ptn_protocol *ops;
    void *instance;
    struct ptn_host *host;
};
struct ptn_conf_services {
    const struct ptn_conf_protocol *protocols;
    size_t protocol_count;
    bool incomplete; /* a module failed: an unknown protocol is not news */
    bool has_tls;    /* some module provides postern.tls */
    /* Of the modules that obtain certificates: names, and what one says of a
     * certificate; -1 with `err`: not with its options. */
    struct ptn_strings errands;
    int (*check_errand)(void *arg, size_t errand,
                        const struct ptn_cert_conf *cert,
                        struct ptn_error *err);
    void *errand_arg;
    bool has_ocsp;       /* some module provides postern.ocsp */
    unsigned capability; /* of the TLS provider */
    const char *tls_name;
};
void ptn_conf_bind(struct ptn_conf *conf,
                   const struct ptn_conf_services *services);
void ptn_conf_finish(struct ptn_conf *conf);

/* NULL: there is none of that name. */
const struct ptn_group_conf *ptn_conf_find_group(const struct ptn_conf *conf,
                                                 const char *name);
/* How many workers a group has where this is called. */
unsigned ptn_conf_group_workers(const struct ptn_conf *conf,
                                const struct ptn_group_conf *group);
/* After ptn_conf_read or ptn_conf_again, in a worker: forgets the listeners
 * of other groups. */
void ptn_conf_keep_group(struct ptn_conf *conf, const char *name);

/* "[::1]:25" */
void ptn_conf_address_text(const struct ptn_address_conf *address, char *out,
                           size_t size);

/* Adds an error about `place`, or about the file as a whole where its file
 * is NULL. The text begins with the path of the setting. */
void ptn_conf_error(struct ptn_conf *conf, struct ptn_conf_place place,
                    const char *fmt, ...) PTN_PRINTF(3, 4);
void ptn_conf_warn(struct ptn_conf *conf, struct ptn_conf_place place,
                   const char *fmt, ...) PTN_PRINTF(3, 4);
/* Whether the line has an error about the setting `path` already. */
bool ptn_conf_is_noted(const struct ptn_conf *conf, struct ptn_conf_place place,
                       const char *path);

/* How many errors there are so far; and whether there are any. */
size_t ptn_conf_errors(const struct ptn_conf *conf);
bool ptn_conf_failed(const struct ptn_conf *conf);
/* Calls fn for each error and warning, in the order of the file. */
void ptn_conf_each_note(const struct ptn_conf *conf,
                        void (*fn)(void *arg, struct ptn_conf_place place,
                                   bool warning, const char *text),
                        void *arg);
/* Prints errors and warnings, a line each, in the order of the file. */
void ptn_conf_print_notes(const struct ptn_conf *conf, FILE *to);
/* Prints every effective value with its origin. Needs PTN_CONF_RECORD. */
void ptn_conf_print_values(const struct ptn_conf *conf, FILE *to);
/* Prints core's option rows, or a module's, as the man pages have them. */
void ptn_conf_print_rows(const char *path, const struct ptn_option *rows,
                         FILE *to);
void ptn_conf_print_core_rows(FILE *to);
/* Where the top-level block `name` begins; line 0 when it is not there.
 * Before ptn_conf_finish. */
struct ptn_conf_place ptn_conf_block_place(const struct ptn_conf *conf,
                                           const char *name);

#endif
