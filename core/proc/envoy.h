/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The supervisor's side of the envoy (postern/errand.h): the process that
 * does slow work outside. It is forked when there is something to do, says
 * when it wants to be forked next, and ends; so it costs nothing while it has
 * nothing to do, and always begins with the configuration of today, the name
 * servers of today and a warden that is there. One that dies is forked again,
 * with back-off.
 *
 *   due --fork--> running --NEXT, exit--> sleeping until then
 *    ^               | dies                  |
 *    +---back-off----+    <--wish, reload----+
 *
 * The supervisor's one thread; or that of a spawner (spawner.h).
 */
#ifndef PTN_PROC_ENVOY_H
#define PTN_PROC_ENVOY_H

#include "proc/hook.h"
#include <poll.h>

/* Over a pair of sockets that keep message boundaries; one octet, and a
 * text. */
enum ptn_envoy_message {
    /* to the supervisor */
    PTN_ENVOY_NEXT = 'N',   /* when to fork it: seconds since 1970, or 0 */
    PTN_ENVOY_REPORT = 'S', /* a record `errand`: how it stands */
    PTN_ENVOY_HOOK = 'K',   /* a record: run the operator's program */
    PTN_ENVOY_WISH = 'A',   /* the wish's outcome: "", or why not */
    /* to the envoy */
    PTN_ENVOY_HOOKED = 'H', /* the program's outcome: "", or why not */
};

enum {
    PTN_ENVOY_MESSAGE_MAX = 4096,
    PTN_ENVOY_FDS = 2, /* that are polled */
};

struct ptn_reports;

struct ptn_envoy_wish {
    bool wanted;
    char name[80];
    bool force;
};

struct ptn_envoy {
    struct ptn_conf *conf;       /* borrowed */
    const char *modules;         /* as ptn_modules_load has `only` */
    struct ptn_reports *reports; /* of crashes */
    pid_t pid;                   /* 0: there is none */
    int channel;                 /* -1: there is none */
    bool told;                   /* it has said when it wants to be next */
    bool dismissed;              /* it is not needed any more, as it is */
    uint64_t due;                /* ptn_clock_ms to look; 0: never */
    int64_t next;                /* seconds since 1970; 0: only when asked */
    uint64_t started, restarts;
    unsigned quick_deaths;
    struct ptn_buf records; /* lines `errand`, one a certificate */
    struct ptn_hook hook;
    struct ptn_envoy_wish wish;
    /* A wish's end: "", or why it was not granted. */
    void (*concluded)(void *arg, const char *problem);
    /* A record that was said; may be NULL. */
    void (*reported)(void *arg, struct ptn_slice record);
    /* Hands the warden its end of the envoy's channel. -1: not now. */
    int (*meet)(void *arg, int fd, struct ptn_error *err);
    /* In the child, after a fork: closes what is the supervisor's alone. */
    void (*let_go)(void *arg);
    void *arg;
};

/* It is not due yet. */
void ptn_envoy_init(struct ptn_envoy *envoy, struct ptn_reports *reports);
/* Ends it, and whom it has sent for. */
void ptn_envoy_free(struct ptn_envoy *envoy);

/* From here on, this is what is to be done: begins at once, if there is
 * anything. `modules` NULL or "": there is not. */
void ptn_envoy_employ(struct ptn_envoy *envoy, struct ptn_conf *conf,
                      const char *modules);
/* The server stops. */
void ptn_envoy_dismiss(struct ptn_envoy *envoy);

/* An operator wants a certificate now: fields name, force. 0: `concluded` is
 * called, later; or -1. */
int ptn_envoy_wish(struct ptn_envoy *envoy, struct ptn_slice fields,
                   struct ptn_error *err);

void ptn_envoy_do_due(struct ptn_envoy *envoy);
uint64_t ptn_envoy_due(const struct ptn_envoy *envoy); /* 0: never */

void ptn_envoy_poll(const struct ptn_envoy *envoy, struct pollfd *polls);
void ptn_envoy_receive(struct ptn_envoy *envoy, const struct pollfd *polls);
/* False: it was another process that has died. */
bool ptn_envoy_bury(struct ptn_envoy *envoy, pid_t pid, int status);

/* Puts a record `errand` in place of what was there of its certificate, if
 * it is one. */
void ptn_envoy_keep_report(struct ptn_buf *records, const struct ptn_conf *conf,
                           struct ptn_slice record);

/* Appends the records `process` and `errand` for `posternctl status`. */
void ptn_envoy_write(const struct ptn_envoy *envoy, struct ptn_buf *out);

#endif
