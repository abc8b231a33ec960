/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A server for tests: one listener on a loopback port, a protocol that does
 * what its commands say, a directory with one user, and a TLS provider that
 * is plain enough to be spoken by hand. It runs on a thread of its own; the
 * test is the client, with blocking sockets.
 *
 * The protocol's commands, each answered with one line:
 *   PING           PONG
 *   PEER           "PEER peer local", the addresses
 *   HOLD n         counts octets: "HELD" or "FULL"
 *   RELEASE n      gives them back: "RELEASED"
 *   BLOCK n        then n octets: "BLOCK n sum"
 *   TEXT max       then a text: "TEXT n sum faults"
 *   JOB ms         on a lane: "JOB ok", "JOB full"
 *   FLOOD n        n octets in lines of 64, as the peer reads them
 *   STARTTLS       "GO" and a handshake; "NO" when not offered
 *   AUTH m [r]     SASL: "+challenge", "AUTH n"
 *   LOGIN n p      "AUTH n" with the number of the outcome
 *   RUDE n         n octets at once, whatever the queue holds
 *   POST           "POSTED", as an event
 *   STUCK          PTN_PENDING without a reason
 *   QUIT           "BYE", and the end
 * Anything else is an error: "ERR". Refused lines: "FAULT n head tail".
 * Events: "TLS", "TIMEOUT", "SHUTDOWN", "ERRORS".
 */
#ifndef TESTS_UNIT_NET_FIXTURE_H
#define TESTS_UNIT_NET_FIXTURE_H

#include "auth/engine.h"
#include "net/net.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct fixture {
    struct ptn_listener_conf conf;
    struct ptn_counters counters;
    struct ptn_net *net;
    struct ptn_loop *loop;
    int listening, port;
    int command[2]; /* a pipe to the server's thread */
    struct ptn_fd_watch *watch;
    pthread_t thread;
    _Atomic int closed;    /* sessions whose protocol->close was called */
    _Atomic int cancelled; /* jobs that came back so */
    _Atomic int drained;
    bool draining, no_directory;
    struct ptn_directory_ops directory;
    const struct ptn_sasl_ops *sasl; /* NULL: none */
    void *sasl_instance;
    struct ptn_conf server; /* of which the engine reads auth and domains */
    struct ptn_engine *engine;
    bool far; /* the engine is at the other end of a channel */
    struct ptn_auth_service *remote;
};

/* A listener with generous limits; change f->conf before the start. */
void fixture_init(struct fixture *f);
void fixture_start(struct fixture *f);
/* Drains for `milliseconds` at most, in the background. */
void fixture_drain(struct fixture *f, int milliseconds);
/* Retires the net, in the background; a drain may follow. */
void fixture_retire(struct fixture *f);
/* Drains if nobody has, ends the thread, and frees everything. */
void fixture_stop(struct fixture *f);

int client_connect(struct fixture *f);
/* A socket that is there already. */
void client_connect_as(struct fixture *f, int fd);
/* With a small receive buffer, which fills soon when it is not read. */
int client_connect_narrow(struct fixture *f);
void client_send(int fd, const char *data, size_t len);
void client_say(int fd, const char *text);
/* Exactly this comes next, within five seconds. */
void client_expect(int fd, const char *text);
/* The end comes next: no octet more. */
void client_expect_end(int fd);
/* Reads up to the end, or until nothing comes for `ms`; how much it was. */
size_t client_read_all(int fd, char *into, size_t room, int ms);

/* Waits until a counter has reached `value`, or five seconds are over. */
void wait_counter(_Atomic uint64_t *counter, uint64_t value);

/* Plays `in` on fresh connections, whole, octet by octet, and cut in two at
 * every place: each time `out` comes back, and then the end. */
void play(struct fixture *f, const char *in, size_t len, const char *out);
#define PLAY(f, in, out) play((f), (in), sizeof(in) - 1, (out))

/* The fake TLS: a handshake is "HELLO\n" answered with "hello\n"; then
 * records of a 2-octet length and that many octets, each XOR 0x55. */
#define FAKE_TLS_HELLO "HELLO\n"
#define FAKE_TLS_ANSWER "hello\n"
size_t fake_tls_record(const char *plain, size_t len, char *out);
/* How often a session was told to give back what it can. */
unsigned fake_tls_trims(void);
void client_say_tls(int fd, const char *text);
void client_expect_tls(int fd, const char *text);

#endif
