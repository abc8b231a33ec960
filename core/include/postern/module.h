/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a shared object is to the loader. Each exports one symbol,
 * NAME_LTX_postern_module, a constant `struct ptn_module`. NAME is the word
 * that the config's `load` list says and the file's name without ".so".
 *
 * Life of a module, in this order, each at most once a process:
 *   init   main thread, before any other thread exists and before the
 *          process is a worker; offers what it provides. No files, no
 *          sockets, no threads: it also runs under `posternd --check`, and
 *          there even when options are wrong, with their defaults in place
 *          (not when one of the rows is required), to see what else is.
 *   start  in each worker (or the single process), main thread, before
 *          the first session. May open files and start threads.
 *   stop   after the last session has ended and all jobs completed; only
 *          if start has succeeded or is NULL. It frees the instance. A start
 *          that fails undoes what it did, and the process ends.
 * A module is never unloaded. It keeps no mutable file-scope variables: its
 * state is the instance that init returns.
 */
#ifndef POSTERN_MODULE_H
#define POSTERN_MODULE_H

#include <postern/error.h>
#include <postern/option.h>
#include <postern/types.h>

#define PTN_MODULE_MAGIC 0x504f5354u /* "POST" */
/* The minor number grows by one with each release that adds a function, a
 * member or a constant to these headers; the major one if ever something that
 * was there changes. A module runs on every server of its major number whose
 * minor number is that of its headers or higher; others refuse it by name.
 *   1.0  the first
 *   1.1  the note below, roles, and what else says "since 1.1" */
#define PTN_ABI_MAJOR 1
#define PTN_ABI_MINOR 1

/* The host as one module sees it: its name, its options, the services. */
struct ptn_host;

/* A contract by name and version. A table ends with name NULL. */
struct ptn_contract {
    const char *name; /* "mail.store", "postern.tls" */
    uint16_t version;
};

/* The first four fields are fixed for ever; the loader reads nothing else
 * before it has compared them with its own. */
struct ptn_module {
    uint32_t magic;
    uint16_t abi_major;
    uint16_t abi_minor;
    uint32_t size; /* sizeof(struct ptn_module) where it was compiled */

    const char *name;
    const char *version; /* the module's own */
    const char *license; /* SPDX expression */
    const char *doc;     /* one line */

    /* The load order is computed from these. `needs` of a contract that
     * nothing in `load` provides is a config error that names it. */
    const struct ptn_contract *needs;
    const struct ptn_contract *provides;

    /* The top-level block `NAME: { ... }` and the struct it fills; NULL and
     * 0 when there is nothing to set. The block may always be absent. */
    const struct ptn_option *options;
    size_t options_size;

    /* Returns 0, or -1 with `err`. `options` is the filled struct, owned by
     * the config, valid until stop has returned. `*instance` is handed to
     * the other two. */
    int (*init)(struct ptn_host *host, const void *options, void **instance,
                struct ptn_error *err);
    int (*start)(void *instance, struct ptn_error *err); /* may be NULL */
    void (*stop)(void *instance);                        /* may be NULL */
};

#define PTN_MODULE_HEAD                                                        \
    .magic = PTN_MODULE_MAGIC, .abi_major = PTN_ABI_MAJOR,                     \
    .abi_minor = PTN_ABI_MINOR, .size = sizeof(struct ptn_module)

/* What a module says of itself in an ELF note, which the server and
 * `posternctl module check` read before any of its code has run. Once a
 * module, at file scope, with the same words as in its descriptor:
 *
 *   PTN_MODULE_NOTE(echo, "1.0", "LGPL-2.1-or-later",
 *                   PTN_NOTE_NEEDS("mail.store", 1)
 *                   PTN_NOTE_PROVIDES(PTN_PROTOCOL_CONTRACT,
 *                                     PTN_PROTOCOL_VERSION));
 *
 * The last argument is "" for a module without contracts. Versions and
 * contracts are literals, or macros that are. */
#define PTN_MODULE_NOTE(module, version, license, contracts)                   \
    static const struct {                                                      \
        struct ptn_module_note head;                                           \
        char text[PTN_NOTE_ROOM(                                               \
            PTN_NOTE_TEXT(#module, version, license, contracts))];             \
    } module##_note __attribute__((used, section(".note.postern"),             \
                                   aligned(4))) = {                            \
        {sizeof PTN_NOTE_OWNER,                                                \
         PTN_NOTE_ROOM(PTN_NOTE_TEXT(#module, version, license, contracts)),   \
         PTN_NOTE_TYPE, PTN_NOTE_OWNER},                                       \
        PTN_NOTE_TEXT(#module, version, license, contracts)}
#define PTN_NOTE_NEEDS(contract, version)                                      \
    "needs=" contract "/" PTN_NOTE_NUMBER(version) "\n"
#define PTN_NOTE_PROVIDES(contract, version)                                   \
    "provides=" contract "/" PTN_NOTE_NUMBER(version) "\n"

/* How the note is laid out (the ELF specification's "Note Section"): lines
 * KEY=VALUE, padded with NUL to a multiple of four octets. */
#define PTN_NOTE_OWNER "Postern"
#define PTN_NOTE_TYPE 1
struct ptn_module_note {
    uint32_t owner_size, text_size, type;
    char owner[sizeof PTN_NOTE_OWNER];
};
#define PTN_NOTE_TEXT(name, version, license, contracts)                       \
    "abi=" PTN_NOTE_NUMBER(PTN_ABI_MAJOR) "." PTN_NOTE_NUMBER(                 \
        PTN_ABI_MINOR) "\nname=" name "\nversion=" version                     \
                       "\nlicense=" license "\n" contracts
#define PTN_NOTE_ROOM(text) ((sizeof(text) + 3u) & ~(size_t)3u)
#define PTN_NOTE_NUMBER(value) PTN_NOTE_DIGITS(value)
#define PTN_NOTE_DIGITS(value) #value

/* Inside init: offers `ops` (a contract's struct, constant, first field its
 * size) and the instance that its calls get. What is offered has to stand in
 * `provides`. Two providers of a contract may be loaded: the first in `load`
 * is the one that ptn_host_find returns. A module may offer several
 * protocols, under different names. */
PTN_API void ptn_host_provide(struct ptn_host *host, const char *contract,
                              uint16_t version, const void *ops,
                              void *instance);

/* Inside init or start, for contracts in `needs`: the provider's ops and
 * instance. False when it is missing or has another version. */
PTN_API bool ptn_host_find(struct ptn_host *host, const char *contract,
                           uint16_t version, const void **ops, void **instance);

/* What a module does with a path, for ptn_host_allow_path. */
enum ptn_access {
    PTN_ACCESS_READ = 1,   /* read the file; list the folder, and read what is
                              in it and below */
    PTN_ACCESS_WRITE = 2,  /* write the file; in the folder and below it, make,
                              write, rename and remove */
    PTN_ACCESS_FOLDER = 4, /* it is a folder: core makes it (0700) if it is
                              not there */
};

/* Inside init: from start on, the module will open files here. Once all
 * modules are initialised the process is confined to what they have asked
 * for: whatever else a module opens fails with EACCES, and is logged. A
 * file that others replace by renaming has to be asked for by its folder.
 * What is not there, without PTN_ACCESS_FOLDER, is passed over. The path is
 * copied. Nothing in a worker can execute a program, connect to anywhere
 * or send a signal, and there is no way to ask for it. */
PTN_API void ptn_host_allow_path(struct ptn_host *host, const char *path,
                                 unsigned access);

/* Facts of the server, valid as long as the host. */
PTN_API const char *ptn_host_hostname(struct ptn_host *host);
PTN_API const char *ptn_host_state_dir(struct ptn_host *host);
/* The domains that are local, lower case. */
PTN_API const struct ptn_strings *ptn_host_domains(struct ptn_host *host);
PTN_API bool ptn_host_is_local_domain(struct ptn_host *host,
                                      struct ptn_slice domain);
/* 0-based number of this worker, and how many there are (1 if single). */
PTN_API unsigned ptn_host_worker(struct ptn_host *host);
PTN_API unsigned ptn_host_workers(struct ptn_host *host);

/* What the process is that a module finds itself in. A module runs only in
 * those that it is of use to, and never needs to ask; a provider that holds
 * secrets opens them where they are to be, and nowhere else. */
enum ptn_role {
    PTN_ROLE_CHECKER, /* checks the configuration, and ends */
    PTN_ROLE_WARDEN,  /* private keys and secrets; no network */
    PTN_ROLE_WORKER,  /* the network, and no secrets */
    PTN_ROLE_SINGLE,  /* worker and warden in one process */
    PTN_ROLE_TOOL,    /* a program that the operator has called */
    PTN_ROLE_ENVOY,   /* slow work outside: postern/errand.h */
};
/* Constant from init on. */
PTN_API enum ptn_role ptn_host_role(struct ptn_host *host);

/* Calls fn(arg) on the loop whenever `fd` is readable, until removed. From
 * start on, on the loop's thread only. The fd stays the caller's. */
struct ptn_fd_watch;
PTN_API struct ptn_fd_watch *ptn_host_watch_fd(struct ptn_host *host, int fd,
                                               void (*fn)(void *arg),
                                               void *arg);
PTN_API void ptn_host_unwatch_fd(struct ptn_fd_watch *watch);

/* Calls fn(arg) on the loop once, `milliseconds` from now, or never if
 * cancelled before. On the loop's thread only. The handle is gone when fn
 * starts or when cancel returns. */
struct ptn_timer;
PTN_API struct ptn_timer *ptn_host_timer(struct ptn_host *host,
                                         uint64_t milliseconds,
                                         void (*fn)(void *arg), void *arg);
PTN_API void ptn_timer_cancel(struct ptn_timer *timer);

#endif
