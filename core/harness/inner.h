/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of the harness share (postern/test.h). They define, without
 * system calls, what core calls at its lower end: the loop and the clock
 * (loop.c), sockets (wire.c), files of modules (loader.c), certificates
 * (tls.c). Archives are searched for what is missing alone, so those of core
 * are never linked beside them.
 */
#ifndef PTN_HARNESS_INNER_H
#define PTN_HARNESS_INNER_H

#include "loop/loop.h"
#include "module/modules.h"
#include "net/net.h"
#include <postern/buf.h>
#include <postern/test.h>

/* --- loop.c --- */

/* One thing that is due now; false when nothing is. */
bool ptn_harness_turn(struct ptn_loop *loop);
/* The time of the next alarm, at most `limit`; the clock goes there. */
void ptn_harness_advance(struct ptn_loop *loop, uint64_t limit);
void ptn_harness_refuse(struct ptn_loop *loop, unsigned after, unsigned count);
void ptn_harness_hold(struct ptn_loop *loop, bool hold);
unsigned ptn_harness_jobs(const struct ptn_loop *loop);
/* Waits, really, for a completion by another thread. */
bool ptn_harness_wait(struct ptn_loop *loop, unsigned milliseconds);

/* --- wire.c: numbers from PTN_WIRE_FIRST on are no descriptors --- */

#define PTN_WIRE_FIRST (1 << 24)

/* A connection as its client has it. */
struct ptn_wire {
    struct ptn_buf in, out; /* to the server, from the server */
    size_t window;          /* of `out`, so many octets more */
    bool eof, reset;        /* what the client did */
    bool ended, closed;     /* what the server did */
    struct sockaddr_storage peer;
};

int ptn_wire_listener(void);
/* Waits in the listener's queue to be accepted; answers its number. */
int ptn_wire_dial(int listener, const struct sockaddr_storage *peer);
struct ptn_wire *ptn_wire_of(int fd);
unsigned ptn_wire_readiness(int fd); /* enum ptn_readiness */
/* Forgets a connection or a listener. */
void ptn_wire_free(int fd);

/* --- loader.c --- */

/* What ptn_loader_open finds: those modules, ends with NULL. */
void ptn_harness_set_modules(const struct ptn_module *const *modules);

/* --- tls.c, directory.c: providers --- */

extern const struct ptn_module ptn_harness_tls, ptn_harness_directory;

#define PTN_HARNESS_HELLO "HELLO\n"
#define PTN_HARNESS_ANSWER "hello\n"
/* Makes records of octets; takes whole records off `from`. */
void ptn_harness_seal(struct ptn_slice plain, struct ptn_buf *out);
void ptn_harness_open(struct ptn_buf *from, struct ptn_buf *plain);

/* --- auth.c: who checks credentials, in place of core/auth's engine --- */

struct ptn_auth_service *
ptn_harness_auth_new(struct ptn_loop *loop, const struct ptn_directory_ops *ops,
                     struct ptn_test_directory *directory);
void ptn_harness_auth_free(struct ptn_auth_service *service);

#endif
