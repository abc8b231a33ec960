/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Certificates of peers: clients' for each provider's server, with revocation
 * lists, and servers' for each provider's client. openssl(1) makes them.
 */
#include "fixture.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

/* An authority, what it signed, and what it revoked; another authority. */
static const char authority[] =
    "set -e\n"
    "cat >cnf <<END\n"
    "[ca]\ndefault_ca = a\n[a]\ndatabase = index\ndefault_md = sha256\n"
    "[good]\nsubjectAltName = email:ann@example.org,email:b@example.org,"
    "DNS:ann.example.org\nextendedKeyUsage = clientAuth\n"
    "[plain]\nkeyUsage = digitalSignature\n"
    "[server]\nsubjectAltName = DNS:mail.example.org,IP:192.0.2.7\n"
    "extendedKeyUsage = serverAuth\n"
    "[nul]\nsubjectAltName = DER:30:0b:81:09:61:40:62:00:2e:63:2e:64:65\n"
    "END\n"
    "key() { openssl genpkey -algorithm EC -pkeyopt "
    "ec_paramgen_curve:P-256 -out $1.key; }\n"
    "ca() { key $1; openssl req -x509 -new -key $1.key -subj /CN=$1 -days "
    "30 -out $1.crt; }\n"
    "n=4096\n"
    "cert() { key $1; n=$((n + 1)); openssl req -new -key $1.key -subj \"$4\" "
    "| openssl x509 -req -CA $3.crt -CAkey $3.key -set_serial $n -extfile cnf "
    "-extensions $2 -days $5 -out $1.crt; }\n"
    "ca ca; ca other\n"
    "cert good good ca /CN=Ann 30\n"
    "cert plain plain ca /CN=joe 30\n"
    "cert blank plain ca '/CN=joe doe' 30\n"
    "cert nul nul ca /CN=x 30\n"
    "cert late good ca /CN=Ann -1\n"
    "cert server server ca /CN=mail.example.org 30\n"
    "cert stranger good other /CN=Ann 30\n"
    "cert gone good ca /CN=Ann 30\n"
    "printf 'R\\t991231235959Z\\t250101000000Z\\t%X\\tunknown\\t/CN=Ann\\n' $n "
    ">index\n"
    "openssl ca -gencrl -config cnf -name a -cert ca.crt -keyfile ca.key "
    "-crldays 30 -out ca.crl\n"
    "openssl ca -gencrl -config cnf -name a -cert ca.crt -keyfile ca.key "
    "-crl_lastupdate 20200101000000Z -crl_nextupdate 20200102000000Z -out "
    "old.crl\n"
    ": >index\n"
    "openssl ca -gencrl -config cnf -name a -cert other.crt -keyfile other.key "
    "-crldays 30 -out other.crl\n"
    "cat other.crt ca.crt >both.crt; cat other.crl ca.crl >both.crl\n";

static char folder[] = "/tmp/postern-peer-XXXXXX";

static int
setup(void **state)
{
    char line[sizeof(authority) + 200];
    if (fixture_setup(state) != 0 || !mkdtemp(folder))
        return -1;
    snprintf(line, sizeof(line),
             "cd %s && { %s } >log 2>&1 || { cat log; "
             "exit 1; }",
             folder, authority);
    return system(line) == 0 ? 0 : -1;
}

static int
teardown(void **state)
{
    char line[64];
    (void)state;
    snprintf(line, sizeof(line), "rm -r %s", folder);
    return system(line);
}

/* A file of the authority; freed by the caller. */
static struct ptn_buf
file(const char *name)
{
    struct ptn_buf text = PTN_BUF_INIT;
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    text.len = fread(ptn_buf_reserve(&text, 32768), 1, 32768, f);
    fclose(f);
    return text;
}

/* --- clients of each provider's server --- */

struct scene {
    const struct provider *p;
    struct identity id;
    struct ptn_tls_context *context;
    SSL_CTX *client;
    struct talk talk;
};

static void
scene_open(struct scene *s, const struct provider *p, enum ptn_tls_peer peer,
           const char *ca_name, const char *crl_name)
{
    struct ptn_buf ca = file(ca_name), crl = PTN_BUF_INIT;
    if (crl_name)
        crl = file(crl_name);
    s->p = p;
    s->id = identity_make(PTN_KEY_ECDSA_P256, "mail.example.org");
    struct ptn_tls_params params = params_for(&s->id);
    params.peer = peer;
    params.ca = ptn_buf_slice(&ca);
    params.crl = ptn_buf_slice(&crl);
    s->context = context_make(p, &params);
    s->client = client_ctx();
    ptn_buf_free(&ca);
    ptn_buf_free(&crl);
}

static void
scene_close(struct scene *s)
{
    SSL_CTX_free(s->client);
    s->p->ops->context_free(s->p->instance, s->context);
    identity_free(&s->id);
}

/* Whether a client with this certificate gets in. The caller closes. */
static bool
visits(struct scene *s, const char *name, int version)
{
    char path[128];
    SSL_CTX_set_min_proto_version(s->client, version);
    SSL_CTX_set_max_proto_version(s->client, version);
    talk_open(&s->talk, s->p, s->context, s->client);
    if (name) {
        snprintf(path, sizeof(path), "%s/%s.crt", folder, name);
        assert_int_equal(
            SSL_use_certificate_file(s->talk.client, path, SSL_FILETYPE_PEM),
            1);
        snprintf(path, sizeof(path), "%s/%s.key", folder, name);
        assert_int_equal(
            SSL_use_PrivateKey_file(s->talk.client, path, SSL_FILETYPE_PEM), 1);
    }
    return talk_shake(&s->talk);
}

static void
welcomes(struct scene *s, const char *cert, const char *name,
         const char *problem)
{
    for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
        if (!visits(s, cert, v))
            fail_msg("%s by %x: %s", cert ? cert : "no certificate",
                     (unsigned)v, server_info(&s->talk).failure);
        struct ptn_tls_info info = server_info(&s->talk);
        if (name)
            assert_string_equal(info.peer_name, name);
        else
            assert_null(info.peer_name);
        if (problem)
            assert_string_equal(info.peer_problem, problem);
        else
            assert_null(info.peer_problem);
        if (cert)
            assert_int_equal(strlen(info.peer_fingerprint), 64);
        else
            assert_null(info.peer_fingerprint);
        talk_close(&s->talk);
    }
}

static void
refuses(struct scene *s, const char *cert, enum ptn_tls_cause cause)
{
    for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
        if (visits(s, cert, v))
            fail_msg("%s came in", cert ? cert : "nobody");
        struct ptn_tls_info info = server_info(&s->talk);
        if (info.cause != cause)
            fail_msg("%s by %x: %s, not %s", cert ? cert : "none", (unsigned)v,
                     info.failure, ptn_tls_cause_word(cause));
        assert_string_equal(info.failure, ptn_tls_cause_word(cause));
        assert_null(info.peer_name);
        assert_int_not_equal(info.alert_sent, 0);
        assert_true(s->talk.client_failed || v == TLS1_3_VERSION);
        talk_close(&s->talk);
    }
}

static void
required(void **state)
{
    struct scene s;
    scene_open(&s, *state, PTN_TLS_PEER_REQUIRED, "ca.crt", NULL);
    welcomes(&s, "good", "ann@example.org", NULL);
    welcomes(&s, "plain", "joe", NULL);
    welcomes(&s, "blank", "", NULL); /* "joe doe" is nobody's name */
    welcomes(&s, "nul", "", NULL);
    refuses(&s, NULL, PTN_TLS_CAUSE_NO_CERTIFICATE);
    refuses(&s, "stranger", PTN_TLS_CAUSE_UNKNOWN_CA);
    refuses(&s, "late", PTN_TLS_CAUSE_EXPIRED);
    refuses(&s, "server", PTN_TLS_CAUSE_BAD_CERTIFICATE);
    scene_close(&s);
}

static void
requested(void **state)
{
    struct scene s;
    scene_open(&s, *state, PTN_TLS_PEER_REQUESTED, "ca.crt", NULL);
    welcomes(&s, NULL, NULL, NULL);
    welcomes(&s, "good", "ann@example.org", NULL);
    welcomes(&s, "stranger", NULL, "unknown ca");
    welcomes(&s, "late", NULL, "certificate expired");
    scene_close(&s);
}

static void
ignored(void **state)
{
    struct scene s;
    scene_open(&s, *state, PTN_TLS_PEER_IGNORED, "ca.crt", NULL);
    for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
        assert_true(visits(&s, "good", v));
        assert_null(server_info(&s.talk).peer_fingerprint);
        talk_close(&s.talk);
    }
    scene_close(&s);
}

static void
several_authorities(void **state)
{
    struct scene s;
    scene_open(&s, *state, PTN_TLS_PEER_REQUIRED, "both.crt", "both.crl");
    welcomes(&s, "good", "ann@example.org", NULL);
    welcomes(&s, "stranger", "ann@example.org", NULL);
    refuses(&s, "gone", PTN_TLS_CAUSE_REVOKED);
    scene_close(&s);
}

static void
revoked(void **state)
{
    struct scene s;
    scene_open(&s, *state, PTN_TLS_PEER_REQUIRED, "ca.crt", NULL);
    welcomes(&s, "gone", "ann@example.org", NULL);
    scene_close(&s);
    scene_open(&s, *state, PTN_TLS_PEER_REQUIRED, "ca.crt", "ca.crl");
    welcomes(&s, "good", "ann@example.org", NULL);
    refuses(&s, "gone", PTN_TLS_CAUSE_REVOKED);
    scene_close(&s);
    scene_open(&s, *state, PTN_TLS_PEER_REQUESTED, "ca.crt", "ca.crl");
    welcomes(&s, "gone", NULL, "certificate revoked");
    scene_close(&s);
}

/* A list that is old, or not there, lets nobody in. */
static void
without_its_list(void **state)
{
    struct scene s;
    scene_open(&s, *state, PTN_TLS_PEER_REQUIRED, "both.crt", "other.crl");
    refuses(&s, "good", PTN_TLS_CAUSE_NO_CRL);
    scene_close(&s);
}

static void
unreadable(void **state)
{
    const struct provider *p = *state;
    struct identity id = identity_make(PTN_KEY_ECDSA_P256, "a.example.org");
    struct ptn_buf ca = file("ca.crt"), key = file("ca.key");
    const struct ptn_slice bad[] = {PTN_SLICE("nothing\n"),
                                    ptn_buf_slice(&key)};
    for (size_t i = 0; i < 2 * PTN_COUNT(bad); i++) {
        struct ptn_tls_params params = params_for(&id);
        struct ptn_tls_context *context = NULL;
        struct ptn_error err = PTN_ERROR_INIT;
        params.peer = PTN_TLS_PEER_REQUIRED;
        params.ca = ptn_buf_slice(&ca);
        if (i < PTN_COUNT(bad))
            params.ca = bad[i];
        else
            params.crl = bad[i - PTN_COUNT(bad)];
        assert_int_equal(
            p->ops->context_new(p->instance, &params, &context, &err), -1);
        assert_non_null(
            strstr(err.text, i < PTN_COUNT(bad) ? "authorities" : "CRL"));
    }
    ptn_buf_free(&ca);
    ptn_buf_free(&key);
    identity_free(&id);
}

/* A ticket would outlive its certificate. */
static void
no_tickets(void **state)
{
    static const uint8_t keys[PTN_TLS_TICKET_KEY_SIZE] = {1};
    struct scene s;
    char c;
    scene_open(&s, *state, PTN_TLS_PEER_REQUESTED, "ca.crt", NULL);
    s.p->ops->context_tickets(s.p->instance, s.context, keys, 1);
    for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
        assert_true(visits(&s, "good", v));
        server_write(&s.talk, "x", 1);
        assert_int_equal(client_read(&s.talk, &c, 1), 1);
        SSL_SESSION *session = SSL_get0_session(s.talk.client);
        assert_false(SSL_SESSION_has_ticket(session));
        talk_close(&s.talk);
    }
    scene_close(&s);
}

/* --- each provider's client --- */

struct side {
    const struct provider *p;
    struct ptn_tls_context *context;
    struct ptn_tls_session *session;
    struct ptn_buf in, *out;
    enum ptn_tls_io io;
};

static size_t
side_receive(void *arg, uint8_t *into, size_t len)
{
    struct side *side = arg;
    if (len > side->in.len)
        len = side->in.len;
    if (len > 0) {
        memcpy(into, side->in.data, len);
        ptn_buf_consume(&side->in, len);
    }
    return len;
}

static size_t
side_send(void *arg, const uint8_t *from, size_t len)
{
    struct side *side = arg;
    ptn_buf_add(side->out, from, len);
    return len;
}

static const struct ptn_tls_transport wire = {side_receive, side_send};

struct couple {
    struct side client, server;
};

static void
side_open(struct side *side, struct side *other, const struct provider *p,
          const struct ptn_tls_params *params, const char *name)
{
    side->p = p;
    side->out = &other->in;
    side->context = context_make(p, params);
    side->session =
        params->is_client
            ? p->ops->connect(p->instance, side->context, &wire, side, name)
            : p->ops->session_new(p->instance, side->context, &wire, side);
    assert_non_null(side->session);
}

static void
side_close(struct side *side)
{
    side->p->ops->session_free(side->session);
    side->p->ops->context_free(side->p->instance, side->context);
    ptn_buf_free(&side->in);
}

static bool
side_step(struct side *side)
{
    side->io = side->p->ops->handshake(side->session);
    return side->io == PTN_TLS_IO_OK;
}

static bool
couple_shake(struct couple *c)
{
    for (int i = 0; i < 20; i++) {
        bool client = side_step(&c->client), server = side_step(&c->server);
        if (client && server)
            return true;
        if (c->client.io == PTN_TLS_IO_ERROR ||
            c->server.io == PTN_TLS_IO_ERROR)
            return false;
    }
    return false;
}

static struct ptn_tls_params
client_params(void)
{
    return (struct ptn_tls_params){.size = sizeof(struct ptn_tls_params),
                                   .min_version = PTN_TLS_1_2,
                                   .max_version = PTN_TLS_1_3,
                                   .is_client = true};
}

struct meeting {
    struct ptn_buf cert, key, ca, own_cert, own_key;
    struct ptn_tls_params server, client;
};

static struct meeting
meeting_make(const char *authorities)
{
    struct meeting m = {file("server.crt"), file("server.key"),
                        file(authorities),  file("good.crt"),
                        file("good.key"),   .client = client_params()};
    m.server = (struct ptn_tls_params){.size = sizeof(m.server),
                                       .min_version = PTN_TLS_1_2,
                                       .max_version = PTN_TLS_1_3};
    m.server.chain = ptn_buf_slice(&m.cert);
    m.server.key = ptn_buf_slice(&m.key);
    m.client.ca = ptn_buf_slice(&m.ca);
    return m;
}

static void
meeting_free(struct meeting *m)
{
    ptn_buf_free(&m->cert);
    ptn_buf_free(&m->key);
    ptn_buf_free(&m->ca);
    ptn_buf_free(&m->own_cert);
    ptn_buf_free(&m->own_key);
}

static void
couple_open(struct couple *c, const struct provider *client,
            const struct meeting *m, const char *name)
{
    memset(c, 0, sizeof(*c));
    side_open(&c->server, &c->client, &tls_openssl, &m->server, NULL);
    side_open(&c->client, &c->server, client, &m->client, name);
}

static void
couple_close(struct couple *c)
{
    side_close(&c->client);
    side_close(&c->server);
}

static void
connects(void **state)
{
    for (int v = PTN_TLS_1_2; v <= PTN_TLS_1_3; v++) {
        struct meeting m = meeting_make("ca.crt");
        struct couple c;
        struct ptn_tls_info info;
        struct ptn_buf chain = PTN_BUF_INIT;
        uint8_t line[16];
        size_t n = 0;
        m.client.max_version = m.server.max_version = (enum ptn_tls_version)v;
        m.client.alpn = m.server.alpn = "imap";
        couple_open(&c, *state, &m, "mail.example.org");
        const struct ptn_tls_ops *ops = c.client.p->ops;
        assert_int_equal(ops->peer_chain(c.client.session, &chain), -1);
        assert_true(couple_shake(&c));
        ops->info(c.client.session, &info);
        assert_int_equal(info.version, v);
        assert_string_equal(info.alpn, "imap");
        assert_string_equal(info.group, "X25519");
        assert_int_equal(ops->peer_chain(c.client.session, &chain), 0);
        assert_int_equal(chain.len, m.cert.len);
        assert_memory_equal(chain.data, m.cert.data, chain.len);
        c.server.p->ops->info(c.server.session, &info);
        assert_true(
            ptn_slice_eq(info.server_name, PTN_SLICE("mail.example.org")));
        assert_int_equal(info.scheme, PTN_SIGN_ECDSA_SHA256);
        assert_int_equal(
            ops->write(c.client.session, (const uint8_t *)"NOOP\r\n", 6, &n),
            PTN_TLS_IO_OK);
        assert_int_equal(
            c.server.p->ops->read(c.server.session, line, sizeof(line), &n),
            PTN_TLS_IO_OK);
        assert_int_equal(n, 6);
        assert_int_equal(ops->shutdown(c.client.session), PTN_TLS_IO_OK);
        ptn_buf_free(&chain);
        couple_close(&c);
        meeting_free(&m);
    }
}

static void
client_meets(const struct provider *p, const char *ca, const char *name,
             enum ptn_tls_peer peer, enum ptn_tls_cause cause)
{
    struct meeting m = meeting_make(ca);
    struct couple c;
    struct ptn_tls_info info;
    m.client.peer = peer;
    couple_open(&c, p, &m, name);
    bool ok = couple_shake(&c);
    p->ops->info(c.client.session, &info);
    if (ok != (cause == PTN_TLS_CAUSE_NONE) || info.cause != cause)
        fail_msg("%s %s: %s", ca, name ? name : "", info.failure);
    couple_close(&c);
    meeting_free(&m);
}

static void
client_verifies(void **state)
{
    const struct provider *p = *state;
    client_meets(p, "ca.crt", "mail.example.org", PTN_TLS_PEER_REQUIRED,
                 PTN_TLS_CAUSE_NONE);
    client_meets(p, "ca.crt", "imap.example.org", PTN_TLS_PEER_REQUIRED,
                 PTN_TLS_CAUSE_WRONG_NAME);
    client_meets(p, "other.crt", "mail.example.org", PTN_TLS_PEER_REQUIRED,
                 PTN_TLS_CAUSE_UNKNOWN_CA);
    client_meets(p, "other.crt", "imap.example.org", PTN_TLS_PEER_IGNORED,
                 PTN_TLS_CAUSE_NONE);
    client_meets(p, "ca.crt", NULL, PTN_TLS_PEER_REQUIRED, PTN_TLS_CAUSE_NONE);
}

static void
client_shows_its_own(void **state)
{
    for (int v = PTN_TLS_1_2; v <= PTN_TLS_1_3; v++) {
        struct meeting m = meeting_make("ca.crt");
        struct couple c;
        struct ptn_tls_info info;
        m.client.chain = ptn_buf_slice(&m.own_cert);
        m.client.key = ptn_buf_slice(&m.own_key);
        m.client.max_version = (enum ptn_tls_version)v;
        m.server.peer = PTN_TLS_PEER_REQUIRED;
        m.server.ca = ptn_buf_slice(&m.ca);
        couple_open(&c, *state, &m, NULL);
        assert_true(couple_shake(&c));
        c.server.p->ops->info(c.server.session, &info);
        assert_string_equal(info.peer_name, "ann@example.org");
        couple_close(&c);
        meeting_free(&m);
    }
}

static void
client_hears_why(void **state)
{
    struct meeting m = meeting_make("ca.crt");
    struct couple c;
    struct ptn_tls_info info;
    m.server.min_version = PTN_TLS_1_3;
    m.client.max_version = PTN_TLS_1_2;
    couple_open(&c, *state, &m, NULL);
    assert_false(couple_shake(&c));
    (void)side_step(&c.client);
    c.client.p->ops->info(c.client.session, &info);
    assert_int_equal(info.cause, PTN_TLS_CAUSE_ALERT);
    assert_int_equal(info.alert_received, 70);
    assert_string_equal(info.failure, "protocol version alert");
    couple_close(&c);
    meeting_free(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(required),
        BOTH(requested),
        BOTH(ignored),
        BOTH(several_authorities),
        BOTH(revoked),
        BOTH(without_its_list),
        BOTH(unreadable),
        BOTH(no_tickets),
        BOTH(connects),
        BOTH(client_verifies),
        BOTH(client_shows_its_own),
        BOTH(client_hears_why),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
