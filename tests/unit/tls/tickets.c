/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Session tickets: what one context seals, another with the same keys opens,
 * as two workers do; and nothing else opens it.
 */
#include "fixture.h"

#include <openssl/rand.h>

static const char host[] = "mail.example.org";

struct scene {
    const struct provider *p;
    struct identity id;
    struct ptn_tls_context *first, *second; /* two workers' contexts */
    SSL_CTX *client;
    uint8_t keys[3 * PTN_TLS_TICKET_KEY_SIZE]; /* newest first */
    struct talk talk;
};

static SSL_SESSION *ticket_of(SSL *client, SSL_SESSION **slot);

static void
set_keys(struct scene *s, struct ptn_tls_context *context, size_t from,
         size_t count)
{
    s->p->ops->context_tickets(s->p->instance, context,
                               s->keys + from * PTN_TLS_TICKET_KEY_SIZE, count);
}

static void
scene_open(struct scene *s, const struct provider *p, int version, bool tickets)
{
    memset(s, 0, sizeof(*s));
    s->p = p;
    s->id = identity_make(PTN_KEY_ECDSA_P256, host);
    struct ptn_tls_params params = params_for(&s->id);
    params.tickets = tickets;
    s->first = context_make(p, &params);
    s->second = context_make(p, &params);
    RAND_bytes(s->keys, sizeof(s->keys));
    set_keys(s, s->first, 0, 1);
    set_keys(s, s->second, 0, 1);
    s->client = client_ctx();
    SSL_CTX_set_max_proto_version(s->client, version);
}

static void
scene_close(struct scene *s)
{
    s->p->ops->context_free(s->p->instance, s->first);
    s->p->ops->context_free(s->p->instance, s->second);
    SSL_CTX_free(s->client);
    identity_free(&s->id);
}

/* A whole conversation; the session to resume, or NULL if none came. */
static SSL_SESSION *
visit(struct scene *s, struct ptn_tls_context *context, SSL_SESSION *ticket,
      const char *name, bool *resumed)
{
    SSL_SESSION *next = NULL;
    char c = 0;

    talk_open(&s->talk, s->p, context, s->client);
    if (ticket)
        SSL_set_session(s->talk.client, ticket);
    if (name)
        SSL_set_tlsext_host_name(s->talk.client, name);
    if (!talk_shake(&s->talk))
        fail_msg("%s", server_info(&s->talk).failure);
    server_write(&s->talk, "x", 1);
    assert_int_equal(client_read(&s->talk, &c, 1), 1);
    assert_int_equal(server_info(&s->talk).resumed,
                     SSL_session_reused(s->talk.client));
    if (resumed)
        *resumed = server_info(&s->talk).resumed;
    (void)ticket_of(s->talk.client, &next);
    SSL_set_shutdown(s->talk.client, SSL_SENT_SHUTDOWN);
    talk_close(&s->talk);
    return next;
}

static SSL_SESSION *
ticket_of(SSL *client, SSL_SESSION **slot)
{
    SSL_SESSION *session = SSL_get1_session(client);
    if (session && SSL_SESSION_is_resumable(session) &&
        SSL_SESSION_has_ticket(session))
        return *slot = session;
    SSL_SESSION_free(session);
    return *slot = NULL;
}

static bool
resumes(struct scene *s, struct ptn_tls_context *context, SSL_SESSION *ticket,
        const char *name)
{
    bool resumed = false;
    SSL_SESSION *next = visit(s, context, ticket, name, &resumed);
    SSL_SESSION_free(next);
    return resumed;
}

static SSL_SESSION *
first_visit(struct scene *s)
{
    bool resumed = true;
    SSL_SESSION *ticket = visit(s, s->first, NULL, host, &resumed);
    assert_false(resumed);
    assert_non_null(ticket);
    return ticket;
}

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static void
another_worker_resumes(void **state)
{
    for (size_t v = 0; v < 2; v++) {
        struct scene s;
        scene_open(&s, *state, versions[v], true);
        SSL_SESSION *ticket = first_visit(&s);
        assert_true(resumes(&s, s.second, ticket, host));
        SSL_SESSION_free(ticket);
        scene_close(&s);
    }
}

/* Resumed, and given a new ticket, and again. */
static void
resumption_goes_on(void **state)
{
    struct scene s;
    scene_open(&s, *state, TLS1_3_VERSION, true);
    SSL_SESSION *ticket = first_visit(&s);
    for (int i = 0; i < 4; i++) {
        bool resumed = false;
        SSL_SESSION *next =
            visit(&s, i % 2 ? s.first : s.second, ticket, host, &resumed);
        assert_true(resumed);
        assert_non_null(next);
        SSL_SESSION_free(ticket);
        ticket = next;
    }
    SSL_SESSION_free(ticket);
    scene_close(&s);
}

static void
other_keys_do_not(void **state)
{
    for (size_t v = 0; v < 2; v++) {
        struct scene s;
        scene_open(&s, *state, versions[v], true);
        SSL_SESSION *ticket = first_visit(&s);
        set_keys(&s, s.second, 1, 1);
        assert_false(resumes(&s, s.second, ticket, host));
        /* The right name with the wrong key behind it. */
        uint8_t half[PTN_TLS_TICKET_KEY_SIZE];
        memcpy(half, s.keys + PTN_TLS_TICKET_KEY_SIZE, sizeof(half));
        memcpy(half, s.keys, 16);
        s.p->ops->context_tickets(s.p->instance, s.second, half, 1);
        assert_false(resumes(&s, s.second, ticket, host));
        SSL_SESSION_free(ticket);
        scene_close(&s);
    }
}

static void
rotated_keys_still_open(void **state)
{
    for (size_t v = 0; v < 2; v++) {
        struct scene s;
        scene_open(&s, *state, versions[v], true);
        set_keys(&s, s.first, 2, 1);
        SSL_SESSION *ticket = first_visit(&s);
        set_keys(&s, s.second, 0, 3);
        assert_true(resumes(&s, s.second, ticket, host));
        set_keys(&s, s.second, 0, 2);
        assert_false(resumes(&s, s.second, ticket, host));
        SSL_SESSION_free(ticket);
        scene_close(&s);
    }
}

/* RFC 6066 section 3: a session of one name is not another name's. */
static void
another_name_does_not(void **state)
{
    for (size_t v = 0; v < 2; v++) {
        struct scene s;
        scene_open(&s, *state, versions[v], true);
        SSL_SESSION *ticket = first_visit(&s);
        assert_false(resumes(&s, s.first, ticket, "other.example.org"));
        SSL_SESSION_free(ticket);
        ticket = first_visit(&s);
        assert_false(resumes(&s, s.first, ticket, NULL));
        SSL_SESSION_free(ticket);
        scene_close(&s);
    }
}

static void
off_or_without_keys_gives_none(void **state)
{
    for (size_t v = 0; v < 2; v++) {
        struct scene s;
        scene_open(&s, *state, versions[v], false);
        assert_null(visit(&s, s.first, NULL, host, NULL));
        scene_close(&s);
        scene_open(&s, *state, versions[v], true);
        set_keys(&s, s.first, 0, 0);
        assert_null(visit(&s, s.first, NULL, host, NULL));
        set_keys(&s, s.first, 0, 1);
        SSL_SESSION *ticket = first_visit(&s);
        set_keys(&s, s.first, 0, 0);
        assert_false(resumes(&s, s.first, ticket, host));
        SSL_SESSION_free(ticket);
        scene_close(&s);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(another_worker_resumes), BOTH(resumption_goes_on),
        BOTH(other_keys_do_not),      BOTH(rotated_keys_still_open),
        BOTH(another_name_does_not),  BOTH(off_or_without_keys_gives_none),
    };
    return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
