/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The session record and what the files of net/ and auth/ share about it.
 * Everything here is the loop thread's.
 *
 *  accept -> [PROXY] -> [HANDSHAKE] -> OPEN -> CLOSING -> [LINGER] -> DEAD
 *                            ^           |                            -> freed
 *                            '-start_tls-'
 *                                      any phase -> DEAD when the socket fails
 *
 *  PROXY      a proxy's header is being read (net/proxied.c)
 *  HANDSHAKE  only the TLS driver sees input
 *  OPEN       frames go to the protocol
 *  CLOSING    it said PTN_CLOSE: what is queued is being sent
 *  LINGER     sent; what the peer still sends is thrown away for a moment,
 *             since closing on unread input would destroy our last words
 *  DEAD       the socket is closed; the record waits for its jobs and for
 *             the loop to let go of it
 */
#ifndef PTN_NET_INNER_H
#define PTN_NET_INNER_H

#include "base/list.h"
#include "base/map.h"
#include "loop/wheel.h"
#include "net/framing.h"
#include "net/meter.h"
#include "net/net.h"
#include <postern/sasl.h>
#include <postern/session.h>
#include <postern/tls.h>
#include <sys/socket.h>

/* An IPv6 address with a prefix length, and a NUL. */
#define PTN_ADDRESS_TEXT 50

/* Limits that no listener can change. */
#define PTN_NET_CHUNK (64u * 1024u)     /* octets read at once */
#define PTN_NET_PLAIN (16u * 1024u)     /* plaintext of one TLS record */
#define PTN_NET_ACCEPT_BATCH 32         /* connections taken in one turn */
#define PTN_NET_CLOSING_MS 30000u       /* a peer may take to read the rest */
#define PTN_NET_LINGER_MS 2000u         /* it may go on sending */
#define PTN_NET_LINGER_MAX (1u << 18)   /* octets of that */
#define PTN_NET_SPARE_MAX (64u * 1024u) /* a kept output buffer */

struct ptn_tls_link; /* net/tls.c */
struct ptn_sasl;     /* auth/sasl.c */

struct ptn_net {
    struct ptn_net_params params;
    struct ptn_counters own_counters;
    struct ptn_list listeners, sessions;
    struct ptn_loop_wheel *wheel;
    uint64_t next_id;
    uint64_t since; /* ptn_loop_now when it was made */
    char id_prefix[6];

    /* Of the session that is being served now; empty between turns. */
    struct ptn_slice cipher_in; /* received and not yet decrypted */
    struct ptn_buf cipher_out;  /* encrypted and not yet sent */
    struct ptn_buf spare;       /* lent as output queue for a turn */
    char *chunk, *plain;        /* what was read, and decrypted */
    /* How far either was written to since it was last wiped: a password may
     * have come in pieces. */
    size_t chunk_used, plain_used;

    bool secrets; /* a password passed through them in this turn */

    bool draining;
    bool retired;
    struct ptn_timer *drain_timer;
    struct ptn_soon drain_soon;
    void (*drain_done)(void *arg);
    void *drain_arg;
};

/* Who has connections to a listener: an IPv4 address, or an IPv6 network of
 * 64 bits, of which one customer has all addresses; and the network around
 * it, of 24 or 48 bits. */
struct ptn_network {
    int64_t count;
    struct ptn_network *around;  /* NULL of that itself, or "local" */
    char text[PTN_ADDRESS_TEXT]; /* "192.0.2.1", "2001:db8::/64" */
};

#define PTN_VISITORS "activation"

struct ptn_listener {
    struct ptn_list link;
    struct ptn_net *net;
    const struct ptn_listener_conf *conf;
    const struct ptn_protocol *protocol;
    struct ptn_meter *meter;
    struct ptn_pki_binding *binding; /* NULL without TLS */
    struct ptn_map networks;         /* text -> struct ptn_network */
    struct ptn_network visitors;     /* the server's own, in no limit */
    int64_t count;                   /* sessions, but theirs */
    uint64_t memory;                 /* octets that they hold */
    uint64_t budget;                 /* this worker's share; 0 = no bound */
    uint64_t refused;                /* since it was last logged */
    uint64_t refused_logged;         /* when that was */
    struct ptn_timer *pause;         /* out of descriptors: try again */
    uint64_t pause_logged;           /* when that was */
    size_t sockets_open;
    struct ptn_accept *sockets;
    bool left; /* it has no sockets any more */
};

enum ptn_phase {
    PTN_PHASE_PROXY,
    PTN_PHASE_HANDSHAKE,
    PTN_PHASE_OPEN,
    PTN_PHASE_CLOSING,
    PTN_PHASE_LINGER,
    PTN_PHASE_DEAD,
};

struct ptn_session {
    struct ptn_watch watch;
    struct ptn_list link; /* in net->sessions */
    struct ptn_deadline deadline;
    struct ptn_soon soon;
    struct ptn_net *net;
    struct ptn_listener *listener;
    struct ptn_network *network;
    char *peer;               /* its address; network->text where equal */
    struct ptn_tls_link *tls; /* NULL in clear */
    struct ptn_sasl *sasl;    /* while an exchange is under way */

    struct ptn_framer framer;
    struct ptn_buf in;  /* plaintext that waits: a cut line, a backlog */
    struct ptn_buf out; /* of which out_sent octets are sent */
    size_t out_sent;
    enum ptn_result (*on_drain)(struct ptn_session *s);
    struct ptn_job *drain_job;   /* counted in jobs */
    struct ptn_slice fault_tail; /* inside `fault` */

    uint64_t since;   /* when the phase began */
    uint64_t active;  /* when the peer last did something */
    uint64_t timeout; /* ptn_session_timeout; 0 = the listener's */
    uint64_t octets_in, octets_out;
    size_t weight, held; /* in listener->memory: by core, by the module */
    const char *reason;  /* why it ends, for the log */

    char *user; /* NULL until authenticated */
    uint64_t quota;
    char *local; /* our address, once it was asked for */

    int fd;
    uint32_t jobs;     /* announced and not completed */
    uint32_t errors;   /* of the peer */
    uint32_t lingered; /* octets thrown away in PTN_PHASE_LINGER */
    uint32_t born;     /* seconds since the net was made */
    uint16_t attempts;
    uint8_t phase;    /* enum ptn_phase */
    bool opened : 1;  /* protocol->open was called */
    bool pending : 1; /* a command is under way */
    bool posted : 1;
    bool tls_wanted : 1; /* start_tls was called */
    bool eof : 1;        /* the peer has finished sending */
    bool shutdown_due : 1;
    bool kicked : 1; /* that is the operator's wish for this session alone */
    bool errors_told : 1;
    bool unread : 1;   /* input was thrown away at the end */
    bool watching : 1; /* the loop has the record */
    bool finished : 1; /* protocol->close was called */
    bool excepted : 1; /* by tls.legacy; decided as TLS begins */
    char id[16];

    _Alignas(max_align_t) unsigned char state[];
};

/* --- session.c: its life --- */

/* Takes over `fd`, also on failure. `proxied`: a header comes first. */
void ptn_session_new(struct ptn_listener *listener, int fd,
                     struct ptn_network *network, const char *peer,
                     bool proxied);
/* Its first phase, or the first after a proxy's header: TLS or a greeting.
 * May end in PTN_PHASE_DEAD. */
void ptn_session_begin(struct ptn_session *s);
/* Closes the socket at once, in any phase; the record follows when it may.
 * `reason` is a constant for the log. */
void ptn_session_kill(struct ptn_session *s, const char *reason);
void ptn_session_set_phase(struct ptn_session *s, enum ptn_phase phase);
/* Brings the deadline forward if it should be earlier. */
void ptn_session_rearm(struct ptn_session *s);
void ptn_session_on_deadline(struct ptn_deadline *deadline);
void ptn_session_on_job(struct ptn_job *job);

/* --- dispatch.c: input to the protocol --- */

/* Plaintext has come; what cannot be used now is kept. */
void ptn_session_feed(struct ptn_session *s, struct ptn_slice data);
/* What a handler answered. */
void ptn_session_apply(struct ptn_session *s, enum ptn_result result);
/* Ends a turn in which something happened to the session: goes on with what
 * can go on, and sends. May end in PTN_PHASE_DEAD. */
void ptn_session_pump(struct ptn_session *s);
void ptn_session_raise(struct ptn_session *s, enum ptn_event event);
/* The protocol's first word: the greeting. */
void ptn_session_greet(struct ptn_session *s);

/* --- transfer.c: the socket --- */

void ptn_session_on_ready(struct ptn_watch *watch, unsigned readiness);
/* One send. What it took, which is 0 when the socket is full; -1: the
 * session has died. */
ssize_t ptn_session_send(struct ptn_session *s, const char *data, size_t len);
/* Sends of the output queue what the socket takes. -1: it has died. */
int ptn_session_flush(struct ptn_session *s);
/* Octets queued and not yet given to TLS or the socket. */
size_t ptn_session_unsent(const struct ptn_session *s);
/* `n` of them have gone. */
void ptn_session_sent(struct ptn_session *s, size_t n);
/* Whether anything, encrypted or not, waits for the socket. */
bool ptn_session_is_blocked(const struct ptn_session *s);
/* Says that no more comes (SHUT_WR), and lets the peer finish. */
int ptn_session_linger(struct ptn_session *s);
/* Watches for what the session can use now. */
void ptn_session_watch(struct ptn_session *s);

/* --- tls.c: the driver of postern/tls.h --- */

/* Begins the handshake. -1: no context or no memory; the session must not
 * go on in clear. */
int ptn_session_tls_begin(struct ptn_session *s);
void ptn_session_tls_free(struct ptn_session *s);
/* Ciphertext came: goes on with the handshake, or feeds the session. */
void ptn_session_tls_input(struct ptn_session *s, struct ptn_slice cipher);
/* Encrypts and sends. -1: the session has died. */
int ptn_session_tls_output(struct ptn_session *s);
/* Says close_notify (RFC 8446 section 6.1), if the socket takes it. */
void ptn_session_tls_goodbye(struct ptn_session *s);
bool ptn_session_tls_is_blocked(const struct ptn_session *s);
/* The peer's turn: the provider may give back memory. */
void ptn_session_tls_rest(struct ptn_session *s);
/* The handshake cannot go on: logs why, and kills the session. */
void ptn_session_tls_failed(struct ptn_session *s, const char *why);

/* Octets of a binding of the session's TLS into `out`, which has room for
 * PTN_BINDING_MAX; how many, 0: it has none. */
size_t ptn_session_tls_binding(struct ptn_session *s, enum ptn_binding binding,
                               uint8_t *out);
/* The name of the client's verified certificate, or empty. */
struct ptn_slice ptn_session_tls_client(struct ptn_session *s);

/* --- address.c --- */

/* "192.0.2.1", "2001:db8::1", or "local" for other families. An IPv4 address
 * that came as IPv6 (RFC 4291 section 2.5.5.2) is written as itself. */
void ptn_address_text(const struct sockaddr_storage *address,
                      char text[PTN_ADDRESS_TEXT]);
/* What connections are counted by: see struct ptn_network. */
void ptn_network_text(const struct sockaddr_storage *address,
                      char text[PTN_ADDRESS_TEXT]);
/* The network around it; false when there is none. */
bool ptn_network_around(const struct sockaddr_storage *address,
                        char text[PTN_ADDRESS_TEXT]);

/* --- listener.c --- */

void ptn_listener_free(struct ptn_listener *l);
/* Serves who waits, and leaves the sockets. */
void ptn_listener_retire(struct ptn_listener *l);
/* Counts a connection of that peer, which is over no limit because of it. */
struct ptn_network *ptn_listener_enter(struct ptn_listener *l,
                                       const struct sockaddr_storage *peer);
void ptn_listener_leave(struct ptn_listener *l, struct ptn_network *network);
/* Whether its address, or the network around it, has more than it may. */
bool ptn_listener_is_over(const struct ptn_listener *l,
                          const struct ptn_network *network);
/* Counts a refusal, and logs it if none was logged a moment ago. */
void ptn_listener_log_refused(struct ptn_listener *l, const char *peer,
                              const char *why);

/* --- proxied.c --- */

/* Octets in PTN_PHASE_PROXY: reads on in the header; with its end the
 * session becomes the client's, and what follows is its input. */
void ptn_session_proxy_input(struct ptn_session *s, struct ptn_slice data);
/* The header did not come: logs why, and kills the session. */
void ptn_session_proxy_failed(struct ptn_session *s, const char *why);

/* --- memory.c --- */

/* Tells the meter what sessions there are, and what they hold. */
void ptn_listener_measure(struct ptn_listener *l);
/* Brings the listener's count up to date with what the session has now. */
void ptn_session_weigh(struct ptn_session *s);
/* The session has gone. */
void ptn_session_unweigh(struct ptn_session *s);
/* Whether the listener's sessions hold all that they may. */
bool ptn_listener_is_full(const struct ptn_listener *l);
/* Queued octets over which a session's commands wait. */
size_t ptn_session_output_high(const struct ptn_session *s);

/* --- net.c --- */

/* A session is gone from the list. */
void ptn_net_on_gone(struct ptn_net *net);

/* --- auth/sasl.c --- */

/* The session dies or forgets: ends a delay, wipes what is kept. */
void ptn_sasl_drop(struct ptn_session *s);

#endif
