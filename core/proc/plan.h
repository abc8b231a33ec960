/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the checker found out, as text: the supervisor, which never loads a
 * module, learns from it what to bind and what to show. A record a line,
 * fields with tabs between them, as the control socket has them too:
 *
 *   warden   modules=...,...
 *   address  listener=0 host=* port=25
 *   listener name=mx group=main protocol=... tls=explicit certificates=...
 *            addresses=...
 *   state    name=mx problem=...              (only when it may not open)
 *   certificate name=default not_after=... ...
 *
 * It also has the effective values (effective.h). What `state` and
 * `certificate` say is kept up to date by the workers.
 */
#ifndef PTN_PROC_PLAN_H
#define PTN_PROC_PLAN_H

#include "proc/setup.h"
#include <postern/buf.h>

/* --- records --- */

/* Appends "\tkey=value", with tab, newline and backslash escaped. */
PTN_API void ptn_record_add(struct ptn_buf *out, const char *key,
                            const char *value);
void ptn_record_addn(struct ptn_buf *out, const char *key, uint64_t value);

/* The value of `key` in a line, unescaped into `out`; false without it. */
PTN_API bool ptn_record_get(struct ptn_slice line, const char *key, char *out,
                            size_t size);
/* The next line of `text`, without its end; empty at the end. */
PTN_API struct ptn_slice ptn_record_next(struct ptn_slice *text);
/* Whether the line is a record of that kind. */
PTN_API bool ptn_record_is(struct ptn_slice line, const char *kind);

/* --- the plan --- */

/* "\taddresses=*:25,[::1]:25" */
void ptn_plan_add_addresses(struct ptn_buf *out,
                            const struct ptn_listener_conf *listener);

void ptn_plan_write(const struct ptn_setup *setup, struct ptn_buf *out);

/* The `state` and `certificate` records: what a worker reports of its own
 * listeners. */
void ptn_plan_write_state(const struct ptn_setup *setup, struct ptn_buf *out);

struct ptn_plan_listener {
    char *record;  /* the fields of the `listener` line, with leading tab */
    char *problem; /* why it is closed; NULL: it serves */
    bool locked;   /* it only waits for a passphrase */
    char *name, *group;
    char *certificates; /* by name, with commas; "" without TLS */
    char *modules;      /* whatever its sessions run through, with commas */
    struct ptn_address_conf *addresses;
    size_t address_count;
};

struct ptn_plan {
    struct ptn_plan_listener *listeners;
    size_t count;
    char *certificates;  /* the records as they are */
    char *warden;        /* its modules, with commas between them */
    char *envoy;         /* the same; "": there is nothing to do for it */
    struct ptn_buf text; /* all of it, as the checker wrote it */
};

void ptn_plan_read(struct ptn_plan *plan, struct ptn_slice text);
/* The modules that the workers of a group load, each once, with commas. */
void ptn_plan_modules(const struct ptn_plan *plan, const char *group,
                      struct ptn_buf *out);
/* Takes over what ptn_plan_write_state wrote later. */
void ptn_plan_update(struct ptn_plan *plan, struct ptn_slice state);
/* NULL: it has none of that name. */
const struct ptn_plan_listener *ptn_plan_find(const struct ptn_plan *plan,
                                              const char *name);
void ptn_plan_free(struct ptn_plan *plan);

#endif
