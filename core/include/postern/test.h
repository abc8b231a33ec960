/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A server for tests of modules, in the test's own process: libpostern-test.
 * It is core itself, with its real configuration, framing, limits, TLS policy
 * and dispatcher, but without sockets, threads, files and waiting:
 *
 *   octets      go in and come out of memory (ptn_test_say)
 *   time        stands still until ptn_test_sleep; ptn_host_timer and the
 *               timeouts of listeners count on it
 *   jobs        run one after the other in the test's thread; they can be
 *               refused, held, and cut off with their session
 *   TLS         is a provider that is spoken by hand (ptn_test_start_tls)
 *   directory   knows "user1" to "user9" with the password "secret", and
 *               answers what the test wants (struct ptn_test_directory)
 *
 * The same calls give the same answers, each time. One thread; several
 * servers may exist, and share the clock. What is wrong with the test ends
 * the process with a text.
 *
 *   struct ptn_test *t = ptn_test_new(&(struct ptn_test_params){
 *       .config = "listeners: { lab: { protocol = \"echo\";"
 *                 " listen = [ \"127.0.0.1:7000\" ];"
 *                 " tls: { mode = \"explicit\"; }; }; };",
 *       .modules = (const struct ptn_module *const[]){
 *           &echo_LTX_postern_module, NULL}});
 *   struct ptn_test_peer *peer = ptn_test_connect(t, "lab");
 *   assert(strcmp(ptn_test_say(peer, "hi\r\n"), "220 ...") == 0);
 *   ptn_test_free(t);
 *
 * Build with `pkg-config --cflags --libs postern-test` and the module's own
 * objects: the library is static, and has all that a module calls. Its
 * interface belongs to its version: tests are built again with a new one.
 */
#ifndef POSTERN_TEST_H
#define POSTERN_TEST_H

#include <postern/directory.h>
#include <postern/module.h>
#include <postern/session.h>
#include <postern/types.h>

struct ptn_test;
struct ptn_test_peer;

/* --- a server --- */

struct ptn_test_params {
    /* A configuration (postern.conf(5)) without `server` and `load`, which
     * are made: its host is mail.example.test, its domains example.test and
     * other.test. NULL: no listeners. */
    const char *config;
    /* What it loads, ends with NULL; besides them it has always the fake TLS
     * and the fake directory. Their start has been called. */
    const struct ptn_module *const *modules;
    enum ptn_role role; /* what ptn_host_role answers; 0: the worker's */
    bool no_directory;  /* nobody can authenticate */
};

/* NULL when the configuration is wrong or a module does not start: then
 * `problems` (may be NULL) has a line for each reason, as posternd --check
 * prints them; to be freed with ptn_buf_free. */
struct ptn_test *ptn_test_new(const struct ptn_test_params *params,
                              struct ptn_buf *problems);

/* Drains, cuts off who is left, stops the modules. Peers are gone with it. */
void ptn_test_free(struct ptn_test *test);

/* The provider of a contract that is loaded; false: there is none. */
bool ptn_test_find(struct ptn_test *test, const char *contract,
                   uint16_t version, const void **ops, void **instance);

/* --- clients --- */

/* Connects to a listener, from 192.0.2.1, .2 and so on. The greeting is in
 * the answer of the first say. */
struct ptn_test_peer *ptn_test_connect(struct ptn_test *test,
                                       const char *listener);
/* From an address: "192.0.2.1" or "2001:db8::1". */
struct ptn_test_peer *ptn_test_connect_from(struct ptn_test *test,
                                            const char *listener,
                                            const char *address);

/* Sends octets, lets the server do all that it can do now, and answers what
 * it has sent since the last call: terminated with a NUL, valid until the
 * next call on this peer. "" sends nothing. */
const char *ptn_test_say(struct ptn_test_peer *peer, const char *text);
const char *ptn_test_feed(struct ptn_test_peer *peer, const void *data,
                          size_t len);
/* How many octets the last answer had. */
size_t ptn_test_said(const struct ptn_test_peer *peer);

/* Whether the server has closed the connection. */
bool ptn_test_is_closed(const struct ptn_test_peer *peer);

/* Begins TLS and goes on with it: on a port with implicit TLS first of all,
 * else behind the server's go-ahead. False: the server does not answer the
 * handshake. From then on say and feed are in TLS. */
bool ptn_test_start_tls(struct ptn_test_peer *peer);

/* The client has finished sending; or its connection breaks, which a server
 * notices when it reads or writes, and not while a command is under way. */
void ptn_test_hang_up(struct ptn_test_peer *peer);
void ptn_test_reset(struct ptn_test_peer *peer);
/* The server cuts it off, as at the end of a drain, whatever is under way: jobs
 * come back cancelled. */
void ptn_test_cut(struct ptn_test_peer *peer);

/* The client reads no more than `octets` until the next call: what the
 * server sends beyond stays in its queue. SIZE_MAX, as at first: all. */
void ptn_test_window(struct ptn_test_peer *peer, size_t octets);

/* The session of the peer, to be looked at; NULL when it is gone. */
struct ptn_session *ptn_test_session(struct ptn_test_peer *peer);

/* Plays a whole dialogue three ways: whole, octet by octet, and cut in two at
 * every place. Each time `test` makes a new server and what comes back is the
 * same: the last of them, to be freed with ptn_buf_free; if they differ, the
 * process ends and says where. */
void ptn_test_replay(const struct ptn_test_params *params, const char *listener,
                     struct ptn_slice dialogue, struct ptn_buf *answer);

/* --- time --- */

/* Lets milliseconds pass; what is due in them happens in its order. */
void ptn_test_sleep(struct ptn_test *test, uint64_t milliseconds);

/* The server is going away: sessions are told, as at SIGTERM, and get this
 * long. */
void ptn_test_drain(struct ptn_test *test, uint64_t milliseconds);

/* Lets the server do what it can do now, such as what another thread of a
 * module has completed: waits for that, really, at most `milliseconds`. True
 * when something has come. */
bool ptn_test_wait(struct ptn_test *test, unsigned milliseconds);

/* --- jobs --- */

/* Of the jobs from now on, the first `after` are taken, the next `count`
 * refused: the lane is full. */
void ptn_test_refuse_jobs(struct ptn_test *test, unsigned after,
                          unsigned count);
/* Jobs wait, until it is called with false. So a session can end before. */
void ptn_test_hold_jobs(struct ptn_test *test, bool hold);
/* Jobs that were run since the server was made. */
unsigned ptn_test_jobs(const struct ptn_test *test);

/* --- the directory --- */

/* What it answers; change it at any time. */
struct ptn_test_directory {
    enum ptn_status status; /* other than OK: of every call */
    bool slow;              /* resolve_nowait cannot tell */
    uint64_t quota;         /* of user2 */
    /* The outcomes of the next authentications, one after the other;
     * PTN_AUTH_OK, the preset, looks at name and password. */
    enum ptn_auth outcomes[8];
    size_t outcome; /* the next of them */
};
/* user1 to user9, in example.test. team@example.test is user1 and user2,
 * many@example.test 600 others; user1 may send as team. */
struct ptn_test_directory *ptn_test_directory(struct ptn_test *test);

#endif
