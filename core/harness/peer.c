/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The clients of a test (postern/test.h): octets in, what comes of them out.
 */
#include "harness/server.h"
#include "net/inner.h"
#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <postern/arena.h>
#include <stdio.h>
#include <stdlib.h>

struct ptn_test_peer {
    struct ptn_list link;
    struct ptn_test *test;
    int fd;
    bool tls;
    struct ptn_buf cipher; /* of a record that is not whole yet */
    struct ptn_buf answer;
};

static void
read_address(const char *text, struct sockaddr_storage *out)
{
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};

    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, text, &four.sin_addr) == 1) {
        memcpy(out, &four, sizeof four);
        return;
    }
    int rc = inet_pton(AF_INET6, text, &six.sin6_addr);
    assert(rc == 1); /* else it is no address */
    memcpy(out, &six, sizeof six);
}

static int
socket_of(const struct ptn_test *t, const char *listener)
{
    for (size_t i = 0; i < t->conf->listener_count; i++)
        if (strcmp(t->conf->listeners[i].name, listener) == 0)
            return t->sockets[i];
    fprintf(stderr, "ptn_test_connect: there is no listener \"%s\"\n",
            listener);
    abort();
}

struct ptn_test_peer *
ptn_test_connect_from(struct ptn_test *t, const char *listener,
                      const char *address)
{
    struct ptn_test_peer *peer = ptn_alloc(sizeof *peer);
    struct sockaddr_storage from;

    read_address(address, &from);
    peer->test = t;
    peer->fd = ptn_wire_dial(socket_of(t, listener), &from);
    ptn_list_add(&t->peers, &peer->link);
    ptn_harness_settle(t);
    return peer;
}

struct ptn_test_peer *
ptn_test_connect(struct ptn_test *t, const char *listener)
{
    char address[32];
    unsigned n = t->dialled++;

    snprintf(address, sizeof address, "192.0.%u.%u", 2 + n / 254 % 100,
             n % 254 + 1);
    return ptn_test_connect_from(t, listener, address);
}

static void
collect(struct ptn_test_peer *peer)
{
    struct ptn_wire *w = ptn_wire_of(peer->fd);

    if (peer->tls) {
        ptn_buf_addslice(&peer->cipher, ptn_buf_slice(&w->out));
        ptn_harness_open(&peer->cipher, &peer->answer);
    } else {
        ptn_buf_addslice(&peer->answer, ptn_buf_slice(&w->out));
    }
    w->out.len = 0;
}

static void
deliver(struct ptn_test_peer *peer, struct ptn_slice data)
{
    struct ptn_wire *w = ptn_wire_of(peer->fd);

    if (w->closed)
        return;
    if (peer->tls)
        ptn_harness_seal(data, &w->in);
    else
        ptn_buf_addslice(&w->in, data);
}

const char *
ptn_test_feed(struct ptn_test_peer *peer, const void *data, size_t len)
{
    peer->answer.len = 0;
    deliver(peer, (struct ptn_slice){data, len});
    ptn_harness_settle(peer->test);
    collect(peer);
    return ptn_buf_cstr(&peer->answer);
}

const char *
ptn_test_say(struct ptn_test_peer *peer, const char *text)
{
    return ptn_test_feed(peer, text, strlen(text));
}

size_t
ptn_test_said(const struct ptn_test_peer *peer)
{
    return peer->answer.len;
}

bool
ptn_test_is_closed(const struct ptn_test_peer *peer)
{
    const struct ptn_wire *w = ptn_wire_of(peer->fd);

    return w->closed || w->ended;
}

bool
ptn_test_start_tls(struct ptn_test_peer *peer)
{
    struct ptn_wire *w = ptn_wire_of(peer->fd);
    struct ptn_slice want = PTN_SLICE(PTN_HARNESS_ANSWER);

    assert(!peer->tls);
    peer->answer.len = 0;
    deliver(peer, PTN_SLICE(PTN_HARNESS_HELLO));
    ptn_harness_settle(peer->test);
    if (w->out.len < want.len || memcmp(w->out.data, want.data, want.len) != 0)
        return false;
    ptn_buf_consume(&w->out, want.len);
    peer->tls = true;
    return true;
}

void
ptn_test_hang_up(struct ptn_test_peer *peer)
{
    ptn_wire_of(peer->fd)->eof = true;
    ptn_harness_settle(peer->test);
}

void
ptn_test_reset(struct ptn_test_peer *peer)
{
    ptn_wire_of(peer->fd)->reset = true;
    ptn_harness_settle(peer->test);
}

void
ptn_test_cut(struct ptn_test_peer *peer)
{
    struct ptn_session *s = ptn_test_session(peer);

    if (s)
        ptn_session_kill(s, "cut off");
    ptn_harness_settle(peer->test);
}

void
ptn_test_window(struct ptn_test_peer *peer, size_t octets)
{
    ptn_wire_of(peer->fd)->window = octets;
}

struct ptn_session *
ptn_test_session(struct ptn_test_peer *peer)
{
    struct ptn_list *all = &peer->test->net->sessions, *link = all->next;

    for (; link != all; link = link->next) {
        struct ptn_session *s = PTN_CONTAINER(link, struct ptn_session, link);

        if (s->fd == peer->fd && s->phase != PTN_PHASE_DEAD)
            return s;
    }
    return NULL;
}

void
ptn_harness_free_peers(struct ptn_test *t)
{
    struct ptn_list *link;

    while ((link = ptn_list_take(&t->peers))) {
        struct ptn_test_peer *peer =
            PTN_CONTAINER(link, struct ptn_test_peer, link);

        ptn_wire_free(peer->fd);
        ptn_buf_free(&peer->cipher);
        ptn_buf_free(&peer->answer);
        ptn_free(peer);
    }
}

/* --- dialogues --- */

/* In pieces of `first` octets and then `then`. */
static void
play(const struct ptn_test_params *params, const char *listener,
     struct ptn_slice in, const size_t pieces[2], struct ptn_buf *out)
{
    struct ptn_test *t = ptn_test_new(params, NULL);
    struct ptn_test_peer *peer;
    size_t piece = pieces[0];

    assert(t); /* else its configuration is wrong: see ptn_test_new */
    peer = ptn_test_connect(t, listener);
    out->len = 0;
    do {
        size_t n = piece < in.len ? piece : in.len;

        ptn_test_feed(peer, in.data, n);
        ptn_buf_addslice(out, ptn_buf_slice(&peer->answer));
        in = ptn_slice_sub(in, n, in.len - n);
        piece = pieces[1];
    } while (in.len > 0);
    ptn_test_free(t);
}

static void
compare(const char *how, size_t at, const struct ptn_buf *want,
        const struct ptn_buf *got)
{
    if (ptn_slice_eq(ptn_buf_slice(want), ptn_buf_slice(got)))
        return;
    fprintf(stderr,
            "ptn_test_replay: %s %zu the answer differs\n--- whole:\n%.*s\n"
            "--- now:\n%.*s\n",
            how, at, (int)want->len, want->data, (int)got->len, got->data);
    abort();
}

void
ptn_test_replay(const struct ptn_test_params *params, const char *listener,
                struct ptn_slice dialogue, struct ptn_buf *answer)
{
    struct ptn_buf again = PTN_BUF_INIT;

    play(params, listener, dialogue, (size_t[]){SIZE_MAX, SIZE_MAX}, answer);
    play(params, listener, dialogue, (size_t[]){1, 1}, &again);
    compare("in pieces of", 1, answer, &again);
    for (size_t cut = 1; cut < dialogue.len; cut++) {
        play(params, listener, dialogue, (size_t[]){cut, SIZE_MAX}, &again);
        compare("cut after octet", cut, answer, &again);
    }
    ptn_buf_free(&again);
}
