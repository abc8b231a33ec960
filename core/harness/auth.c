/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who checks credentials in place of the server's engine (auth/service.h):
 * PLAIN and LOGIN against the directory of the test, or the outcomes that it
 * wants. Each answer comes on the next turn, as it does in the server.
 */
#include "auth/service.h"
#include "harness/inner.h"
#include <assert.h>
#include <postern/arena.h>

struct service {
    struct ptn_auth_service base;
    struct ptn_loop *loop;
    const struct ptn_directory_ops *ops;
    struct ptn_test_directory *directory;
};

struct exchange {
    struct ptn_soon soon;
    struct service *service;
    struct ptn_auth_call *call;
    bool login;       /* LOGIN, else PLAIN */
    unsigned answers; /* of the peer so far */
    struct ptn_buf name;
    enum ptn_auth outcome;
    struct ptn_user user;
};

static void
free_exchange(struct exchange *x)
{
    x->call->exchange = NULL;
    ptn_soon_cancel(&x->soon);
    ptn_buf_free(&x->name);
    ptn_free(x);
}

static struct ptn_slice
challenge_of(const struct exchange *x)
{
    if (!x->login)
        return PTN_SLICE("");
    return x->answers == 0 ? PTN_SLICE("Username:") : PTN_SLICE("Password:");
}

static void
answer(struct ptn_soon *soon)
{
    struct exchange *x = PTN_CONTAINER(soon, struct exchange, soon);
    struct ptn_auth_call *call = x->call;
    struct ptn_user user = x->user;
    char name[64] = "";
    struct ptn_auth_answer a = {.outcome = x->outcome, .user = &user};

    if (a.outcome == PTN_AUTH_CHALLENGE) {
        a.data = challenge_of(x);
    } else {
        memcpy(name, x->name.len ? x->name.data : "",
               x->name.len < sizeof name ? x->name.len : 0);
        a.name = ptn_slice_of(name);
        a.why = PTN_SLICE("the test wants it");
        free_exchange(x);
    }
    call->answered(call, &a);
}

static enum ptn_auth
verify(struct exchange *x, struct ptn_slice name, struct ptn_slice password)
{
    ptn_buf_addslice(&x->name, name);
    switch (x->service->ops->verify(x->service->directory, name, password,
                                    &x->user)) {
    case PTN_OK:
        return PTN_AUTH_OK;
    case PTN_NOTFOUND:
    case PTN_DENIED:
        return PTN_AUTH_FAILED;
    default:
        return PTN_AUTH_TEMPFAIL;
    }
}

/* authzid NUL name NUL password (RFC 4616 section 2) */
static enum ptn_auth
plain(struct exchange *x, struct ptn_slice response)
{
    const char *first = memchr(response.data, 0, response.len), *second;
    size_t rest;

    if (!first)
        return PTN_AUTH_MALFORMED;
    rest = response.len - (size_t)(first + 1 - response.data);
    second = memchr(first + 1, 0, rest);
    if (!second || second == first + 1)
        return PTN_AUTH_MALFORMED;
    return verify(
        x, (struct ptn_slice){first + 1, (size_t)(second - first - 1)},
        (struct ptn_slice){second + 1, rest - (size_t)(second - first)});
}

static enum ptn_auth
login(struct exchange *x, struct ptn_slice response)
{
    struct ptn_buf name = x->name;
    enum ptn_auth outcome;

    if (x->answers == 1) {
        ptn_buf_addslice(&x->name, response);
        return PTN_AUTH_CHALLENGE;
    }
    x->name = PTN_BUF_INIT;
    outcome = verify(x, ptn_buf_slice(&name), response);
    ptn_buf_free(&name);
    return outcome;
}

/* What the test has put into `outcomes` comes before all else. */
static enum ptn_auth
outcome_of(struct exchange *x, struct ptn_slice response)
{
    struct ptn_test_directory *d = x->service->directory;
    enum ptn_auth wanted = d->outcomes[d->outcome % PTN_COUNT(d->outcomes)];

    if (!response.data)
        return PTN_AUTH_CHALLENGE;
    x->answers++;
    d->outcome++;
    if (wanted != PTN_AUTH_OK)
        return wanted;
    return x->login ? login(x, response) : plain(x, response);
}

static void
step(struct ptn_auth_service *service, struct ptn_auth_call *call,
     struct ptn_slice response)
{
    struct exchange *x = call->exchange;

    (void)service;
    assert(x);
    x->outcome = outcome_of(x, response);
    ptn_soon_call(x->service->loop, &x->soon);
}

static void
start(struct ptn_auth_service *service, struct ptn_auth_call *call,
      const struct ptn_auth_start *begin)
{
    struct exchange *x = ptn_alloc(sizeof *x);

    ptn_soon_init(&x->soon, answer);
    x->service = PTN_CONTAINER(service, struct service, base);
    x->call = call;
    x->login = ptn_slice_caseeq(begin->mechanism, PTN_SLICE("LOGIN"));
    call->exchange = x;
    if (x->login || ptn_slice_caseeq(begin->mechanism, PTN_SLICE("PLAIN")))
        x->outcome = outcome_of(x, begin->response);
    else
        x->outcome = PTN_AUTH_NO_MECHANISM;
    ptn_soon_call(x->service->loop, &x->soon);
}

static void
drop(struct ptn_auth_service *service, struct ptn_auth_call *call)
{
    (void)service;
    if (call->exchange)
        free_exchange(call->exchange);
}

struct ptn_auth_service *
ptn_harness_auth_new(struct ptn_loop *loop, const struct ptn_directory_ops *ops,
                     struct ptn_test_directory *directory)
{
    struct service *s = ptn_alloc(sizeof *s);

    s->base = (struct ptn_auth_service){
        .start = start,
        .step = step,
        .drop = drop,
        .offers = {{.name = "PLAIN"}, {.name = "LOGIN"}},
        .offer_count = 2,
    };
    s->loop = loop;
    s->ops = ops;
    s->directory = directory;
    return &s->base;
}

void
ptn_harness_auth_free(struct ptn_auth_service *service)
{
    if (service)
        ptn_free(PTN_CONTAINER(service, struct service, base));
}
