/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The server side of SASL (RFC 4422): exchanges, the check of credentials on
 * a lane, throttling. One for all sessions, in the warden or in the single
 * process, where it is the service itself. Loop thread only.
 */
#ifndef PTN_AUTH_ENGINE_H
#define PTN_AUTH_ENGINE_H

#include "auth/service.h"
#include "conf/conf.h"
#include "loop/loop.h"

struct ptn_modules;
struct ptn_engine;

#define PTN_ENGINE_EXCHANGES 8192 /* at once; one more is out of order */

struct ptn_engine_params {
    struct ptn_loop *loop;
    const struct ptn_conf *conf;
    const struct ptn_directory_ops *directory;
    void *directory_instance;
    const struct ptn_sasl_ops *sasl; /* NULL: none beyond core's own */
    void *sasl_instance;
};

struct ptn_engine *ptn_engine_new(const struct ptn_engine_params *params);
/* Fills `params` with what the modules provide, and makes one; NULL when
 * there is no directory. */
struct ptn_engine *ptn_engine_of(const struct ptn_modules *modules,
                                 const struct ptn_conf *conf,
                                 struct ptn_loop *loop);
/* Tells those who watch it; then all exchanges have ended or were dropped.
 * Waits for those of the latter
 * that a lane has. */
void ptn_engine_free(struct ptn_engine *engine);

struct ptn_auth_service *ptn_engine_service(struct ptn_engine *engine);

struct ptn_loop *ptn_engine_loop(const struct ptn_engine *engine);

/* In its owner's record: whoever wants to know that the offers have changed,
 * which follows the directory's accounts, and that the engine ends. */
struct ptn_engine_watch {
    struct ptn_list link;
    void (*changed)(struct ptn_engine_watch *watch);
    void (*ending)(struct ptn_engine_watch *watch); /* ends with unwatch */
};
void ptn_engine_watch(struct ptn_engine *engine,
                      struct ptn_engine_watch *watch);
void ptn_engine_unwatch(struct ptn_engine_watch *watch);

#endif
