/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One config generation: the file, walked against the schema rows of core
 * and of every loaded module, as plain structs. It is built whole or not at
 * all; all its memory is one arena; once built it is not changed, so that
 * any thread may read it.
 */
#ifndef PTN_CONF_CONF_H
#define PTN_CONF_CONF_H

#include <postern/arena.h>
#include <postern/error.h>
#include <postern/option.h>
#include <postern/protocol.h>
#include <postern/tls.h>

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

/* listeners.NAME.tls */
struct ptn_tls_conf {
    int mode;    /* enum ptn_tls_mode; there is no default: it is required */
    int require; /* enum ptn_tls_require; explicit only */
    struct ptn_strings certificates;       /* names; empty means "default" */
    int min_version, max_version;          /* enum ptn_tls_version */
    const char *ciphers, *suites, *groups; /* NULL = the provider's */
    bool alpn_strict;
    bool tickets;
};

/* Every size that a peer can choose, for one listener. */
struct ptn_limits_conf {
    int64_t connections;              /* held at once by one worker */
    int64_t connections_per_address;  /* the same, from one address */
    uint64_t max_line;                /* octets of a line, without its end */
    int64_t max_errors;               /* then the session is closed */
    uint64_t idle_timeout;            /* ms of silence */
    uint64_t login_timeout;           /* ms until authenticated, if it must */
    uint64_t handshake_timeout;       /* ms for a TLS handshake */
    uint64_t output_high, output_low; /* octets: back-pressure marks */
    int64_t auth_attempts;            /* a session; then it is closed */
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
    const char *group; /* worker group, NULL = the default one */
    struct ptn_tls_conf tls;
    struct ptn_limits_conf limits;

    /* Bound once the modules are loaded. */
    const struct ptn_protocol *protocol;
    void *protocol_instance;
    struct ptn_host *host;        /* of the protocol's module */
    const void *protocol_options; /* the struct of protocol->options */
};

/* certificates.NAME; a certificate without files is self-signed, made on
 * first start under state/certs. */
struct ptn_cert_conf {
    const char *name;
    struct ptn_conf_place place;
    struct ptn_strings names;
    const char *cert_file, *key_file; /* NULL: state/certs/NAME.crt, .key */
    int key_type;                     /* enum ptn_tls_key_type */
    int64_t days;
};

enum ptn_processes {
    PTN_PROCESSES_WORKERS,
    PTN_PROCESSES_SINGLE
};

/* server */
struct ptn_server_conf {
    const char *hostname;
    struct ptn_strings domains;
    const char *state;
    int processes;        /* enum ptn_processes */
    int64_t workers;      /* 0 = one a core */
    const char *user;     /* to become after binding; NULL = stay */
    const char *log_file; /* NULL = stderr */
    int log_level;        /* enum ptn_log_level */
    int64_t disk_threads, slow_threads; /* lanes */
    int64_t lane_depth;                 /* jobs that may wait in a lane */
    uint64_t drain_timeout;             /* ms that sessions get after SIGTERM */
    const char *module_path;            /* NULL = the installed folder */
};

struct ptn_conf {
    struct ptn_arena arena;
    const char *file;
    struct ptn_server_conf server;
    struct ptn_strings load;
    struct ptn_cert_conf *certs;
    size_t cert_count;
    struct ptn_listener_conf *listeners;
    size_t listener_count;
};

#endif
