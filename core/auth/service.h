/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who checks credentials, as a session's side sees it: the engine in this
 * process, or the warden's behind a channel. Loop thread only.
 *
 *   start -> CHALLENGE -> step -> CHALLENGE -> step ... -> anything else
 *
 * Each start and step is answered once, or never after drop. Anything but a
 * challenge ends the exchange, and so does drop.
 */
#ifndef PTN_AUTH_SERVICE_H
#define PTN_AUTH_SERVICE_H

#include <postern/sasl.h>
#include <postern/session.h>

/* Limits that no peer can pass: over them an answer is malformed. */
#define PTN_SASL_RESPONSE_MAX 12288 /* base64 octets, RFC 4954 section 4 */
#define PTN_SASL_PASSWORD_MAX 1024
#define PTN_SASL_BINDING_MAX 64 /* octets */
/* An IPv6 address with a prefix length, and a NUL. */
#define PTN_SASL_NETWORK_MAX 50
#define PTN_SASL_MECHANISM_MAX 20 /* octets, RFC 4422 section 3.1 */
#define PTN_SASL_OFFERS 16

/* What an exchange begins with. Everything is copied. */
struct ptn_auth_start {
    struct ptn_slice mechanism;
    struct ptn_slice response; /* decoded; data NULL: none was sent */
    struct ptn_slice network;  /* whose failures are counted together */
    struct ptn_slice client;   /* the verified client certificate's name */
    struct ptn_slice bindings[PTN_BINDINGS]; /* empty: there is none */
    unsigned attempts; /* that have failed in this session before */
    bool command;      /* a login command made into PLAIN */
};

/* Slices and the user are valid during the call. */
struct ptn_auth_answer {
    enum ptn_auth outcome;
    struct ptn_slice data;       /* CHALLENGE: not yet in base64 */
    const struct ptn_user *user; /* OK */
    struct ptn_slice name;       /* who it wanted to be, for the log */
    struct ptn_slice why;        /* a few words, for the log */
};

/* The session's end of an exchange; in its owner's record, zeroed. */
struct ptn_auth_call {
    void (*answered)(struct ptn_auth_call *call,
                     const struct ptn_auth_answer *answer);
    void *exchange; /* the service's; NULL: none is under way */
    uint32_t id;    /* the service's */
    bool asked;     /* the service's: an answer is due */
};

/* A mechanism that can be used now, the policy of listeners aside. */
struct ptn_auth_offer {
    char name[PTN_SASL_MECHANISM_MAX + 1];
    unsigned bindings; /* one of these is needed; 0: none */
    bool client;       /* a verified client certificate is needed */
};

struct ptn_auth_service {
    void (*start)(struct ptn_auth_service *service, struct ptn_auth_call *call,
                  const struct ptn_auth_start *start);
    void (*step)(struct ptn_auth_service *service, struct ptn_auth_call *call,
                 struct ptn_slice response);
    void (*drop)(struct ptn_auth_service *service, struct ptn_auth_call *call);
    /* The strongest first; may change at any time. */
    struct ptn_auth_offer offers[PTN_SASL_OFFERS];
    size_t offer_count;
};

#endif
