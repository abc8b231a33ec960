/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SCRAM (RFC 5802, RFC 7677) by GNU SASL. The descriptor, and the calls of
 * postern.sasl. The library's context is constant after init; an exchange
 * belongs to one thread at a time, and what it holds is wiped as far as the
 * library lets us.
 *
 * GNU SASL knows the bindings tls-exporter (RFC 9266) and tls-unique. A
 * client that insists on tls-server-end-point is refused by it.
 */
#include <gsasl.h>
#include <postern/arena.h>
#include <postern/module.h>
#include <postern/sasl.h>
#include <stdio.h>

struct ptn_sasl_exchange {
    const struct ptn_sasl_params *params;
    Gsasl_session *session;
    const struct ptn_sasl_mechanism *mechanism;
    bool begun;   /* the client's first message has come */
    bool trouble; /* the directory could not answer */
};

#define BOUND (1u << PTN_BINDING_TLS_EXPORTER | 1u << PTN_BINDING_TLS_UNIQUE)

static const struct ptn_sasl_mechanism mechanisms[] = {
    {"SCRAM-SHA-256-PLUS", BOUND, 1u << PTN_SCRAM_SHA256},
    {"SCRAM-SHA-256", 0, 1u << PTN_SCRAM_SHA256},
    {"SCRAM-SHA-1-PLUS", BOUND, 1u << PTN_SCRAM_SHA1},
    {"SCRAM-SHA-1", 0, 1u << PTN_SCRAM_SHA1},
    {NULL, 0, 0},
};

/* The library wants its properties in base64. */
static int
set_base64(Gsasl_session *session, Gsasl_property property,
           struct ptn_slice value)
{
    struct ptn_buf text = PTN_BUF_INIT;
    ptn_base64_encode(&text, value);
    int rc = gsasl_property_set(session, property, ptn_buf_cstr(&text));
    ptn_wipe(text.data, text.cap);
    ptn_buf_free(&text);
    return rc;
}

static struct ptn_slice
octets(const uint8_t *data, size_t len)
{
    return (struct ptn_slice){(const char *)data, len};
}

/* All that the library needs of the account, when it asks for the first of
 * it. */
static int
fetch_verifier(struct ptn_sasl_exchange *x)
{
    struct ptn_scram_verifier v = {.iterations = 0};
    enum ptn_scram_hash hash = x->mechanism->verifier == 1u << PTN_SCRAM_SHA256
                                   ? PTN_SCRAM_SHA256
                                   : PTN_SCRAM_SHA1;
    const char *name = gsasl_property_fast(x->session, GSASL_AUTHID);
    char iterations[16];
    enum ptn_status status =
        x->params->scram(x->params->arg, ptn_slice_of(name), hash, &v);
    if (status != PTN_OK && status != PTN_NOTFOUND && status != PTN_DENIED) {
        x->trouble = true;
        return GSASL_NO_CALLBACK;
    }
    snprintf(iterations, sizeof(iterations), "%u", v.iterations);
    int rc = gsasl_property_set(x->session, GSASL_SCRAM_ITER, iterations);
    if (rc == GSASL_OK)
        rc = set_base64(x->session, GSASL_SCRAM_SALT,
                        octets(v.salt, v.salt_len));
    if (rc == GSASL_OK)
        rc = set_base64(x->session, GSASL_SCRAM_STOREDKEY,
                        octets(v.stored_key, v.key_len));
    if (rc == GSASL_OK)
        rc = set_base64(x->session, GSASL_SCRAM_SERVERKEY,
                        octets(v.server_key, v.key_len));
    ptn_wipe(&v, sizeof(v));
    return rc;
}

static int
set_binding(struct ptn_sasl_exchange *x, Gsasl_property property,
            enum ptn_binding binding)
{
    if (x->params->bindings[binding].len == 0)
        return GSASL_NO_CALLBACK;
    return set_base64(x->session, property, x->params->bindings[binding]);
}

static int
callback(Gsasl *context, Gsasl_session *session, Gsasl_property property)
{
    struct ptn_sasl_exchange *x = gsasl_session_hook_get(session);
    (void)context;
    switch (property) {
    case GSASL_SCRAM_ITER:
        return fetch_verifier(x);
    case GSASL_CB_TLS_EXPORTER:
        return set_binding(x, property, PTN_BINDING_TLS_EXPORTER);
    case GSASL_CB_TLS_UNIQUE:
        return set_binding(x, property, PTN_BINDING_TLS_UNIQUE);
    default:
        return GSASL_NO_CALLBACK;
    }
}

static const struct ptn_sasl_mechanism *
find(const char *name)
{
    const struct ptn_sasl_mechanism *m = mechanisms;
    while (m->name && strcmp(m->name, name) != 0)
        m++;
    return m->name ? m : NULL;
}

static struct ptn_sasl_exchange *
begin(void *instance, const struct ptn_sasl_params *params)
{
    struct ptn_sasl_exchange *x = ptn_alloc(sizeof(*x));
    x->params = params;
    x->mechanism = find(params->mechanism);
    if (!x->mechanism || gsasl_server_start(instance, params->mechanism,
                                            &x->session) != GSASL_OK) {
        ptn_free(x);
        return NULL;
    }
    gsasl_session_hook_set(x->session, x);
    return x;
}

static enum ptn_sasl_step
verdict(const struct ptn_sasl_exchange *x, int rc)
{
    if (x->trouble)
        return PTN_SASL_TROUBLE;
    switch (rc) {
    case GSASL_OK:
        return PTN_SASL_SUCCESS;
    case GSASL_NEEDS_MORE:
        return PTN_SASL_CHALLENGE;
    case GSASL_AUTHENTICATION_ERROR:
    case GSASL_NO_CB_TLS_EXPORTER:
    case GSASL_NO_CB_TLS_UNIQUE:
        return PTN_SASL_FAILURE;
    case GSASL_MECHANISM_PARSE_ERROR:
    case GSASL_BASE64_ERROR:
    case GSASL_SASLPREP_ERROR:
        return PTN_SASL_MALFORMED;
    default:
        return PTN_SASL_TROUBLE;
    }
}

static enum ptn_sasl_step
step(struct ptn_sasl_exchange *x, struct ptn_slice response,
     struct ptn_buf *out)
{
    char *answer = NULL;
    size_t len = 0;
    if (!response.data) /* the client speaks first: an empty challenge */
        return PTN_SASL_CHALLENGE;
    /* RFC 5802 section 6: without -PLUS nobody binds. The library would
     * find that only in the last message. */
    if (!x->begun && !x->mechanism->bindings && response.len > 0 &&
        response.data[0] == 'p')
        return PTN_SASL_FAILURE;
    if (response.len == 0 || memchr(response.data, '\0', response.len))
        return PTN_SASL_MALFORMED;
    x->begun = true;
    int rc = gsasl_step(x->session, response.data, response.len, &answer, &len);
    if (rc == GSASL_OK || rc == GSASL_NEEDS_MORE)
        ptn_buf_add(out, answer, len);
    gsasl_free(answer);
    return verdict(x, rc);
}

static void
names(struct ptn_sasl_exchange *x, struct ptn_slice *authentication,
      struct ptn_slice *authorization)
{
    *authentication =
        ptn_slice_of(gsasl_property_fast(x->session, GSASL_AUTHID));
    *authorization =
        ptn_slice_of(gsasl_property_fast(x->session, GSASL_AUTHZID));
}

static void
end(struct ptn_sasl_exchange *x)
{
    gsasl_finish(x->session);
    ptn_free(x);
}

static int
scram_make(void *instance, enum ptn_scram_hash hash, struct ptn_slice password,
           struct ptn_scram_verifier *v, struct ptn_error *err)
{
    char salted[GSASL_HASH_MAX_SIZE], client_key[GSASL_HASH_MAX_SIZE];
    struct ptn_buf text = PTN_BUF_INIT;
    Gsasl_hash h =
        hash == PTN_SCRAM_SHA256 ? GSASL_HASH_SHA256 : GSASL_HASH_SHA1;
    int rc = GSASL_SASLPREP_ERROR;
    (void)instance;
    if (password.len > 0 && !memchr(password.data, '\0', password.len)) {
        ptn_buf_addslice(&text, password);
        rc = gsasl_scram_secrets_from_password(
            h, ptn_buf_cstr(&text), v->iterations, (char *)v->salt, v->salt_len,
            salted, client_key, (char *)v->server_key, (char *)v->stored_key);
    }
    v->key_len = (uint32_t)gsasl_hash_length(h);
    ptn_wipe(salted, sizeof(salted));
    ptn_wipe(client_key, sizeof(client_key));
    if (text.cap)
        ptn_wipe(text.data, text.cap);
    ptn_buf_free(&text);
    if (rc == GSASL_OK)
        return 0;
    return ptn_error_set(err, PTN_ERR_INVALID, "this cannot be a password: %s",
                         gsasl_strerror(rc));
}

static const struct ptn_sasl_ops ops = {
    .size = sizeof(ops),
    .mechanisms = mechanisms,
    .begin = begin,
    .step = step,
    .names = names,
    .end = end,
    .scram_make = scram_make,
};

static int
init(struct ptn_host *host, const void *options, void **instance,
     struct ptn_error *err)
{
    Gsasl *context;
    int rc = gsasl_init(&context);
    (void)options;
    if (rc != GSASL_OK)
        return ptn_error_set(err, PTN_ERR_MODULE, "GNU SASL says: %s",
                             gsasl_strerror(rc));
    gsasl_callback_set(context, callback);
    ptn_host_provide(host, PTN_SASL_CONTRACT, PTN_SASL_VERSION, &ops, context);
    *instance = context;
    return 0;
}

static void
stop(void *instance)
{
    gsasl_done(instance);
}

static const struct ptn_contract provides[] = {
    {PTN_SASL_CONTRACT, PTN_SASL_VERSION},
    {NULL, 0},
};

extern const struct ptn_module sasl_gsasl_LTX_postern_module;
PTN_API const struct ptn_module sasl_gsasl_LTX_postern_module = {
    PTN_MODULE_HEAD,
    .name = "sasl_gsasl",
    .version = "1.0",
    .license = "LGPL-2.1-or-later",
    .doc = "SCRAM by GNU SASL, with and without channel binding",
    .provides = provides,
    .init = init,
    .stop = stop,
};
