/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The certificate repository and the store of keys over a stand-in for a TLS
 * library. There a key is "KEY number" and a certificate "CERT number
 * names...": a pair has the same number. Number 13 makes no context with
 * TLS 1.3.
 */
#include "pki/pki.h"
#include "base/clock.h"
#include "conf/conf.h"
#include "log/log.h"
#include "pki/identity.h"
#include "pki/index.h"
#include "warden/keys.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define S(text) PTN_SLICE(text)

struct ptn_tls_context {
    int number;
    int min_version, max_version;
    int (*sign)(void *arg, const struct ptn_tls_to_sign *what,
                struct ptn_buf *signature);
    void *sign_arg;
    const char *alpn;
    bool alpn_strict;
    uint8_t ticket; /* first octet of the newest key */
    struct ptn_tls_context *(*choose)(void *arg,
                                      const struct ptn_tls_hello *hello);
    void *choose_arg;
};

static int alive; /* contexts */
static int next_number = 100;

static int
number_of(struct ptn_slice pem, const char *kind)
{
    char text[512];
    int number;

    snprintf(text, sizeof text, "%.*s", (int)pem.len, pem.data);
    if (strncmp(text, kind, strlen(kind)) != 0 ||
        sscanf(text + strlen(kind), "%d", &number) != 1)
        return -1;
    return number;
}

static int
fake_pair(void *instance, struct ptn_slice cert, struct ptn_slice key,
          struct ptn_error *err)
{
    (void)instance;
    if (number_of(key, "KEY ") < 0)
        return ptn_error_set(err, PTN_ERR_TLS, "not a key");
    if (number_of(key, "KEY ") == number_of(cert, "CERT "))
        return 0;
    return ptn_error_set(err, PTN_ERR_TLS, "do not match");
}

static int
fake_parse(void *instance, struct ptn_slice pem, struct ptn_tls_cert *out,
           struct ptn_error *err)
{
    const char *names;

    (void)instance;
    *out = (struct ptn_tls_cert){.not_after =
                                     ptn_clock_wall_ms() / 1000 + 8640000};
    if (number_of(pem, "CERT ") < 0)
        return ptn_error_set(err, PTN_ERR_TLS, "not a certificate");
    snprintf(out->fingerprint, sizeof out->fingerprint, "%064x",
             (unsigned)number_of(pem, "CERT "));
    names = memchr(pem.data + 5, ' ', pem.len - 5);
    if (names)
        snprintf(out->names, sizeof out->names, "%.*s",
                 (int)(pem.len - (size_t)(names + 1 - pem.data)), names + 1);
    out->self_signed = true;
    return 0;
}

static int
fake_context(void *instance, const struct ptn_tls_params *params,
             struct ptn_tls_context **out, struct ptn_error *err)
{
    int number = number_of(params->chain, "CERT ");

    (void)instance;
    if (number == 13 && params->max_version == PTN_TLS_1_3)
        return ptn_error_set(err, PTN_ERR_TLS, "superstitious");
    if (params->groups)
        return ptn_error_set(err, PTN_ERR_TLS, "no group %s", params->groups);
    *out = ptn_alloc(sizeof **out);
    (*out)->number = number;
    (*out)->max_version = (int)params->max_version;
    (*out)->min_version = (int)params->min_version;
    assert_int_equal(params->key.len, 0);
    (*out)->sign = params->sign;
    (*out)->sign_arg = params->sign_arg;
    (*out)->alpn = params->alpn;
    (*out)->alpn_strict = params->alpn_strict;
    (*out)->choose = params->choose;
    (*out)->choose_arg = params->choose_arg;
    alive++;
    return 0;
}

static void
fake_free(void *instance, struct ptn_tls_context *context)
{
    (void)instance;
    alive--;
    ptn_free(context);
}

static void
fake_tickets(void *instance, struct ptn_tls_context *context,
             const uint8_t *keys, size_t count)
{
    (void)instance;
    assert_int_equal(count, 3);
    context->ticket = keys[0];
}

static int
fake_key(void *instance, enum ptn_tls_key_type type, struct ptn_buf *key,
         struct ptn_error *err)
{
    (void)instance;
    (void)type;
    (void)err;
    ptn_buf_printf(key, "KEY %d", next_number++);
    return 0;
}

static int
fake_sign(void *instance, struct ptn_slice key,
          const struct ptn_tls_subject *subject, struct ptn_buf *cert,
          struct ptn_error *err)
{
    (void)instance;
    (void)err;
    ptn_buf_printf(cert, "CERT %d", number_of(key, "KEY "));
    for (size_t i = 0; i < subject->names.count; i++)
        ptn_buf_printf(cert, " %s", subject->names.items[i]);
    return 0;
}

static int
fake_request(void *instance, struct ptn_slice key,
             const struct ptn_tls_subject *subject, struct ptn_buf *csr,
             struct ptn_error *err)
{
    (void)instance;
    (void)subject;
    (void)err;
    ptn_buf_printf(csr, "CSR %d", number_of(key, "KEY "));
    return 0;
}

/* The signature is the key and the scheme. */
static int
fake_signature(void *instance, struct ptn_slice key,
               const struct ptn_tls_to_sign *what, struct ptn_buf *signature,
               struct ptn_error *err)
{
    (void)instance;
    (void)err;
    ptn_buf_printf(signature, "%d by %d", (int)what->scheme,
                   number_of(key, "KEY "));
    return 0;
}

static const struct ptn_tls_ops fake = {
    .size = sizeof fake,
    .name = "fake",
    .capability = PTN_TLS_CAP_REMOTE_SIGN | PTN_TLS_CAP_ALPN_NAMES,
    .sign = fake_signature,
    .context_new = fake_context,
    .context_free = fake_free,
    .context_tickets = fake_tickets,
    .key_make = fake_key,
    .csr_make = fake_request,
    .self_sign = fake_sign,
    .cert_parse = fake_parse,
    .pair_match = fake_pair,
};

/* --- a configuration: `own` is self-signed, `a` and `b` have files --- */

static const char *const own_names[] = {"mail.example.org"};
static const char *const a_names[] = {"a.example"};
static const char *const lists_ab[] = {"a", "b"};
static const char *const b_names[] = {"b.example"};

struct house {
    char folder[64];
    char paths[4][96];
    struct ptn_cert_conf certs[3];
    const struct ptn_cert_conf *lists[3][2];
    struct ptn_listener_conf listeners[4];
    struct ptn_conf conf;
    struct ptn_keys *keys;
    struct ptn_keys_user *user;
    struct ptn_pki *pki;
};

static void
open_all(struct house *h, enum ptn_keys_missing missing)
{
    struct ptn_keyring ring;

    h->keys = ptn_keys_new(&h->conf, &fake, NULL, missing);
    h->user = ptn_keys_user_new(h->keys);
    ring = ptn_keys_keyring(h->user);
    h->pki = ptn_pki_new(&h->conf, &fake, NULL, &ring);
    ptn_pki_set_quiet(h->pki, true);
}

static void
close_all(struct house *h)
{
    ptn_pki_free(h->pki);
    ptn_keys_user_free(h->user);
    ptn_keys_free(h->keys);
}

/* Files, then what serves them; how many were refused on the way. */
static unsigned
load(struct house *h)
{
    unsigned refused = ptn_keys_load(h->keys);

    return refused + ptn_pki_reload(h->pki);
}

static void
put(const struct house *h, const char *name, const char *text, mode_t mode)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", h->folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    chmod(path, mode);
}

static void
describe(struct house *h, size_t i, size_t count)
{
    struct ptn_tls_conf *tls = &h->listeners[i].tls;

    h->listeners[i].name = "one";
    tls->mode = PTN_TLS_IMPLICIT;
    tls->certificates.count = count;
    tls->certs = h->lists[i];
    tls->min_version = PTN_TLS_1_2;
    tls->max_version = PTN_TLS_1_3;
    tls->tickets = true;
}

/* Listener 0: own. 1: a and b. 2: a, up to TLS 1.2. 3: no TLS. */
static int
setup(void **state)
{
    struct house *h = ptn_alloc(sizeof *h);
    static const char *const files[] = {"a.crt", "a.key", "b.crt", "b.key"};
    struct ptn_log_sink nowhere = {.target = PTN_LOG_TO_FILE,
                                   .path = "/dev/null"};

    ptn_log_open(&nowhere, NULL);
    snprintf(h->folder, sizeof h->folder, "/tmp/postern-pki-XXXXXX");
    if (!mkdtemp(h->folder))
        return -1;
    for (size_t i = 0; i < 4; i++)
        snprintf(h->paths[i], sizeof h->paths[i], "%s/%s", h->folder, files[i]);
    h->certs[0] = (struct ptn_cert_conf){
        .name = "own", .place = {"x.conf", 3}, .names = {own_names, 1}};
    h->certs[1] = (struct ptn_cert_conf){.name = "a",
                                         .place = {"x.conf", 4},
                                         .names = {a_names, 1},
                                         .cert_file = h->paths[0],
                                         .key_file = h->paths[1]};
    h->certs[2] = (struct ptn_cert_conf){.name = "b",
                                         .place = {"x.conf", 5},
                                         .names = {b_names, 1},
                                         .cert_file = h->paths[2],
                                         .key_file = h->paths[3]};
    h->lists[0][0] = &h->certs[0];
    h->lists[1][0] = h->lists[2][0] = &h->certs[1];
    h->lists[1][1] = &h->certs[2];
    describe(h, 0, 1);
    describe(h, 1, 2);
    describe(h, 2, 1);
    h->listeners[1].tls.certificates.items = lists_ab;
    h->listeners[2].tls.max_version = PTN_TLS_1_2;
    h->conf.certs = h->certs;
    h->conf.cert_count = 3;
    h->conf.listeners = h->listeners;
    h->conf.listener_count = 4;
    h->conf.server.state = h->folder;
    put(h, "a.crt", "CERT 1 a.example", 0644);
    put(h, "a.key", "KEY 1", 0600);
    put(h, "b.crt", "CERT 2 b.example *.b.example", 0644);
    put(h, "b.key", "KEY 2", 0600);
    open_all(h, PTN_KEYS_MAKE);
    *state = h;
    return 0;
}

static int
teardown(void **state)
{
    struct house *h = *state;
    char command[96];

    close_all(h);
    snprintf(command, sizeof command, "rm -r %s", h->folder);
    if (system(command) != 0 || alive != 0)
        return -1;
    ptn_free(h);
    return 0;
}

static struct ptn_tls_context *
context_of(const struct house *h, size_t listener)
{
    const struct ptn_tls_ops *ops;
    void *instance;

    return ptn_pki_context(ptn_pki_binding(h->pki, &h->listeners[listener]),
                           &ops, &instance);
}

static const struct ptn_error *
problem_of(const struct house *h, size_t listener)
{
    return ptn_pki_problem(ptn_pki_binding(h->pki, &h->listeners[listener]));
}

static int
chosen(const struct house *h, size_t listener, const char *name)
{
    const struct ptn_tls_context *c = context_of(h, listener);
    struct ptn_tls_hello hello = {.server_name = ptn_slice_of(name),
                                  .accepts_ecdsa = true,
                                  .accepts_rsa = true,
                                  .accepts_ed25519 = true};

    return c->choose ? c->choose(c->choose_arg, &hello)->number : c->number;
}

static void
makes_what_is_missing(void **state)
{
    struct house *h = *state;
    char path[128];
    struct stat st;
    int number;

    ptn_keys_make_missing(h->keys);
    snprintf(path, sizeof path, "%s/certs", h->folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    snprintf(path, sizeof path, "%s/certs/own.key", h->folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    load(h);
    assert_null(problem_of(h, 0));
    number = context_of(h, 0)->number;
    assert_true(number >= 100);
    /* What is there stays. */
    ptn_keys_make_missing(h->keys);
    assert_int_equal(load(h), 0);
    assert_int_equal(context_of(h, 0)->number, number);
    assert_null(ptn_pki_binding(h->pki, &h->listeners[3]));
}

static void
chooses_by_name(void **state)
{
    struct house *h = *state;

    load(h);
    assert_int_equal(chosen(h, 1, "a.example"), 1);
    assert_int_equal(chosen(h, 1, "b.example"), 2);
    assert_int_equal(chosen(h, 1, "x.b.example"), 2);
    assert_int_equal(chosen(h, 1, ""), 1);
    assert_int_equal(chosen(h, 2, "b.example"), 1);
}

static void
count_misfit(void *arg, const struct ptn_error *problem)
{
    int *count = arg;

    assert_string_equal(problem->text, "listeners.one.tls: no group X99");
    assert_string_equal(problem->file, "y.conf");
    ++*count;
}

/* They are their listener's problem; others with the certificate serve. */
static void
settings_that_fit_nothing(void **state)
{
    struct house *h = *state;
    int misfits = 0;

    h->listeners[2].tls.groups = "X99";
    h->listeners[2].place = (struct ptn_conf_place){"y.conf", 9};
    load(h);
    assert_string_equal(problem_of(h, 2)->text,
                        "listeners.one.tls: no group X99");
    assert_null(problem_of(h, 1));
    assert_int_equal(chosen(h, 1, "a.example"), 1);
    put(h, "a.crt", "CERT 3 a.example", 0644);
    put(h, "a.key", "KEY 3", 0600);
    load(h);
    assert_int_equal(chosen(h, 1, "a.example"), 3);
    assert_non_null(problem_of(h, 2));
    ptn_pki_each_misfit(h->pki, count_misfit, &misfits);
    assert_int_equal(misfits, 1);
}

static void
shares_equal_settings(void **state)
{
    struct house *h = *state;
    struct ptn_listener_conf twin = h->listeners[1];

    assert_ptr_equal(ptn_pki_binding(h->pki, &twin),
                     ptn_pki_binding(h->pki, &h->listeners[1]));
    twin.tls.ciphers = "OTHER";
    assert_null(ptn_pki_binding(h->pki, &twin));
}

/* The first certificate decides whether the listener may open. */
static void
fails_closed(void **state)
{
    struct house *h = *state;

    load(h); /* own was not made */
    assert_non_null(problem_of(h, 0));
    assert_null(context_of(h, 0));
    assert_non_null(strstr(problem_of(h, 0)->text, "certificates.own: "));
    assert_non_null(strstr(problem_of(h, 0)->text, "is not there"));
    assert_string_equal(problem_of(h, 0)->file, "x.conf");
    assert_int_equal(problem_of(h, 0)->line, 3);
    assert_null(problem_of(h, 1));
}

static void
leaves_out_a_further_one(void **state)
{
    struct house *h = *state;

    put(h, "b.key", "KEY 3", 0600);
    load(h);
    assert_null(problem_of(h, 1));
    assert_int_equal(chosen(h, 1, "b.example"), 1);
    put(h, "b.key", "KEY 2", 0600);
    assert_int_equal(load(h), 1); /* own is still not there */
    assert_int_equal(chosen(h, 1, "b.example"), 2);
}

static void
refuses_bad_ones(void **state)
{
    static const struct {
        const char *file, *text;
        mode_t mode;
        const char *why;
    } cases[] = {
        {"a.crt", "nonsense", 0644, "not a certificate"},
        {"a.crt", "CERT 7 a.example", 0644, "do not match"},
        {"a.key", "nonsense", 0600, "not a key"},
        {"a.key", "KEY 1", 0604, "everybody may read"},
    };
    struct house *h = *state;

    for (size_t i = 0; i < PTN_COUNT(cases); i++) {
        put(h, "a.crt", "CERT 1 a.example", 0644);
        put(h, "a.key", "KEY 1", 0600);
        put(h, cases[i].file, cases[i].text, cases[i].mode);
        close_all(h);
        open_all(h, PTN_KEYS_MAKE);
        load(h);
        assert_non_null(strstr(problem_of(h, 2)->text, cases[i].why));
    }
}

static void
reload_swaps(void **state)
{
    struct house *h = *state;
    struct ptn_tls_context *before;

    ptn_keys_make_missing(h->keys);
    load(h);
    before = context_of(h, 0);
    put(h, "a.crt", "CERT 5 a.example new.example", 0644);
    put(h, "a.key", "KEY 5", 0600);
    assert_int_equal(load(h), 0);
    assert_int_equal(chosen(h, 1, "new.example"), 5);
    assert_int_equal(context_of(h, 2)->number, 5);
    assert_ptr_equal(context_of(h, 0), before); /* it has not changed */
    assert_int_equal(alive, 4);
}

static void
reload_of_a_bad_one_changes_nothing(void **state)
{
    struct house *h = *state;
    const struct ptn_tls_context *before;

    ptn_keys_make_missing(h->keys);
    load(h);
    before = context_of(h, 1);
    put(h, "a.crt", "nonsense", 0644);
    assert_int_equal(load(h), 1);
    assert_ptr_equal(context_of(h, 1), before);
    assert_null(problem_of(h, 1));
    /* Good for listener 2 and unfit for listener 1: for neither. */
    put(h, "a.crt", "CERT 13 a.example", 0644);
    put(h, "a.key", "KEY 13", 0600);
    assert_int_equal(load(h), 1);
    assert_int_equal(context_of(h, 1)->number, 1);
    assert_int_equal(context_of(h, 2)->number, 1);
    assert_int_equal(alive, 4);
}

static void
expect_signature(const struct ptn_tls_context *c, const char *expected)
{
    struct ptn_tls_to_sign what = {PTN_SIGN_ED25519, PTN_SLICE("x")};
    struct ptn_buf out = PTN_BUF_INIT;
    int result = c->sign(c->sign_arg, &what, &out);

    if (expected) {
        assert_int_equal(result, 0);
        assert_string_equal(ptn_buf_cstr(&out), expected);
    } else {
        assert_int_equal(result, -1);
    }
    ptn_buf_free(&out);
}

/* A handshake that began before a certificate was replaced ends with it. */
static void
old_keys_sign_on(void **state)
{
    struct house *h = *state;
    struct ptn_tls_context old, *now;

    h->listeners[1].limits.handshake_timeout = 1000;
    ptn_keys_make_missing(h->keys);
    load(h);
    old = *context_of(h, 2);
    expect_signature(&old, "2055 by 1");
    put(h, "a.crt", "CERT 5 a.example", 0644);
    put(h, "a.key", "KEY 5", 0600);
    load(h);
    now = context_of(h, 2);
    expect_signature(now, "2055 by 5");
    assert_int_equal(ptn_keys_prune(h->keys, ptn_clock_ms()), 1);
    expect_signature(&old, "2055 by 1");
    assert_int_equal(ptn_keys_prune(h->keys, ptn_clock_ms() + 60000), 0);
    expect_signature(&old, NULL);
    expect_signature(now, "2055 by 5");
}

/* While a worker could not take the new certificate, it needs the old. */
static void
keys_are_kept_for_the_unsettled(void **state)
{
    struct house *h = *state;

    ptn_keys_make_missing(h->keys);
    load(h);
    put(h, "a.crt", "CERT 13 a.example", 0644);
    put(h, "a.key", "KEY 13", 0600);
    assert_int_equal(load(h), 1);
    assert_int_equal(ptn_keys_prune(h->keys, ptn_clock_ms() + 600000), 1);
    expect_signature(context_of(h, 2), "2055 by 1");
    put(h, "a.crt", "CERT 14 a.example", 0644);
    put(h, "a.key", "KEY 14", 0600);
    assert_int_equal(load(h), 0);
    assert_int_equal(ptn_keys_prune(h->keys, ptn_clock_ms() + 600000), 0);
    expect_signature(context_of(h, 2), "2055 by 14");
}

static void
refreshes_in_steps(void **state)
{
    struct house *h = *state;
    unsigned steps = 1;

    ptn_keys_make_missing(h->keys);
    load(h);
    put(h, "a.crt", "CERT 5 a.example", 0644);
    put(h, "a.key", "KEY 5", 0600);
    ptn_keys_load(h->keys);
    ptn_pki_refresh_begin(h->pki);
    while (!ptn_pki_refresh_step(h->pki, 0)) {
        steps++;
        assert_int_equal(context_of(h, 2)->number, 1);
        if (steps == 2) /* from the beginning */
            ptn_pki_refresh_begin(h->pki);
    }
    assert_int_equal(steps, 4);
    assert_int_equal(context_of(h, 2)->number, 5);
    assert_int_equal(ptn_pki_refused(h->pki), 0);
}

static void
ticket_keys(void **state)
{
    struct house *h = *state;
    uint8_t keys[3 * PTN_TLS_TICKET_KEY_SIZE] = {42};

    load(h);
    ptn_pki_set_tickets(h->pki, keys, 3);
    assert_int_equal(context_of(h, 1)->ticket, 42);
    put(h, "a.crt", "CERT 6 a.example", 0644);
    put(h, "a.key", "KEY 6", 0600);
    load(h);
    assert_int_equal(context_of(h, 1)->number, 6);
    assert_int_equal(context_of(h, 1)->ticket, 42);
}

static void
expects_what_will_be_made(void **state)
{
    struct house *h = *state;

    close_all(h);
    open_all(h, PTN_KEYS_EXPECT);
    load(h);
    assert_null(problem_of(h, 0));
    assert_null(problem_of(h, 1));
}

static void
covers_names(void **state)
{
    struct ptn_tls_cert facts = {.names = "a.example *.b.example 192.0.2.1"};

    (void)state;
    assert_true(ptn_identity_covers(&facts, "a.example"));
    assert_true(ptn_identity_covers(&facts, "A.Example"));
    assert_true(ptn_identity_covers(&facts, "x.b.example"));
    assert_false(ptn_identity_covers(&facts, "b.example"));
    assert_false(ptn_identity_covers(&facts, "x.y.b.example"));
    assert_false(ptn_identity_covers(&facts, "example"));
}

/* What an authority sees who comes for `name`: the context's number; alpn. */
static const struct ptn_tls_context *
visited(const struct house *h, const char *name, bool only)
{
    struct ptn_tls_hello hello = {.server_name = ptn_slice_of(name),
                                  .accepts_ecdsa = true,
                                  .offers_alpn = true};
    struct ptn_tls_context *base = context_of(h, 0);

    hello.alpn_len = only ? 11 : 16;
    memcpy(hello.alpn, "\012acme-tls/1\004imap", hello.alpn_len);
    return base->choose ? base->choose(base->choose_arg, &hello) : NULL;
}

static void
shows_challenges(void **state)
{
    static const uint8_t leaf[PTN_FINGERPRINT_SIZE] = {[31] = 0x4d};
    struct house *h = *state;
    struct ptn_error err = PTN_ERROR_INIT;
    const struct ptn_tls_context *seen;
    struct ptn_buf signature = PTN_BUF_INIT;
    struct ptn_tls_to_sign what = {.scheme = PTN_SIGN_ECDSA_SHA256};

    close_all(h);
    h->certs[1].source = "acme"; /* an errand obtains it */
    open_all(h, PTN_KEYS_MAKE);
    load(h);
    h->listeners[0].tls.certs = h->lists[1];
    close_all(h);
    open_all(h, PTN_KEYS_MAKE);
    load(h);
    /* Nobody shows anything: refused as RFC 8737 section 3 says. */
    seen = visited(h, "a.example", true);
    assert_non_null(seen);
    assert_true(seen->alpn_strict);
    assert_string_equal(seen->alpn, "none");
    assert_int_equal(
        ptn_keys_show(h->keys, "a.example", S("CERT 77 x"), S("KEY 7"), &err),
        -1);
    assert_int_equal(
        ptn_keys_show(h->keys, "a.example", S("CERT 77 x"), S("KEY 77"), &err),
        0);
    seen = visited(h, "a.example", true);
    assert_int_equal(seen->number, 77);
    assert_true(seen->alpn_strict);
    assert_string_equal(seen->alpn, PTN_TLS_ALPN_CHALLENGE);
    assert_int_equal(seen->sign(seen->sign_arg, &what, &signature), 0);
    assert_int_not_equal(visited(h, "b.example", true)->number, 77);
    assert_int_not_equal(visited(h, "", true)->number, 77);
    assert_null(visited(h, "a.example", false)); /* others are served */
    assert_non_null(
        ptn_pki_choice_name(ptn_pki_binding(h->pki, &h->listeners[0]),
                            (struct ptn_pki_choice){0, PTN_INDEX_CHALLENGE}));
    /* Shown anew, then hidden; its key is forgotten in its time. */
    assert_int_equal(
        ptn_keys_show(h->keys, "A.example", S("CERT 78 x"), S("KEY 78"), &err),
        0);
    assert_int_equal(visited(h, "a.example", true)->number, 78);
    assert_int_equal(ptn_keys_show(h->keys, "a.example", S(""), S(""), &err),
                     0);
    assert_string_equal(visited(h, "a.example", true)->alpn, "none");
    assert_int_equal(ptn_keys_prune(h->keys, ptn_clock_ms()), 2);
    assert_int_equal(ptn_keys_prune(h->keys, ptn_clock_ms() + 3600000), 0);
    assert_int_equal(ptn_keys_sign(h->user, leaf, &what, &signature, &err), -1);
    ptn_buf_free(&signature);
}

/* Listener 1 with an exception: which oldest version a client gets. */
static int
oldest(const struct house *h, const char *peer)
{
    struct ptn_pki_binding *b = ptn_pki_binding(h->pki, &h->listeners[1]);
    const struct ptn_tls_ops *ops;
    void *instance;

    if (ptn_pki_is_excepted(b, peer))
        b = ptn_pki_exception_of(b);
    return ptn_pki_context(b, &ops, &instance)->min_version;
}

static void
exception_for_old_clients(void **state)
{
    struct house *h = *state;
    struct ptn_cidr networks[2];
    struct ptn_tls_legacy_conf legacy = {
        .min_version = PTN_TLS_1_0,
        .networks = {NULL, 2},
        .cidrs = networks,
        .ends = ptn_clock_wall_ms() / 1000 + 1000,
    };
    struct ptn_pki_binding *b;

    assert_null(ptn_cidr_parse("192.0.2.7", &networks[0]));
    assert_null(ptn_cidr_parse("2001:db8::/32", &networks[1]));
    close_all(h);
    h->listeners[1].tls.legacy = &legacy;
    open_all(h, PTN_KEYS_MAKE);
    load(h);
    assert_int_equal(oldest(h, "192.0.2.7"), PTN_TLS_1_0);
    assert_int_equal(oldest(h, "2001:db8::9"), PTN_TLS_1_0);
    assert_int_equal(oldest(h, "192.0.2.8"), PTN_TLS_1_2);
    assert_int_equal(oldest(h, "2001:db9::9"), PTN_TLS_1_2);
    assert_int_equal(oldest(h, "local"), PTN_TLS_1_2);
    /* Names choose among its own contexts, not among the others. */
    b = ptn_pki_exception_of(ptn_pki_binding(h->pki, &h->listeners[1]));
    assert_non_null(b);
    assert_string_equal(ptn_pki_choice_name(b, ptn_pki_choice(b)), "a");
    /* A new certificate is theirs, too. */
    put(h, "a.crt", "CERT 7 a.example", 0644);
    put(h, "a.key", "KEY 7", 0600);
    load(h);
    assert_int_equal(context_of(h, 1)->number, 7);
    assert_int_equal(oldest(h, "192.0.2.7"), PTN_TLS_1_0);
    /* It ends by itself. */
    legacy.ends = ptn_clock_wall_ms() / 1000;
    assert_int_equal(oldest(h, "192.0.2.7"), PTN_TLS_1_2);
    /* One that is past costs nothing. */
    close_all(h);
    open_all(h, PTN_KEYS_MAKE);
    load(h);
    assert_null(
        ptn_pki_exception_of(ptn_pki_binding(h->pki, &h->listeners[1])));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(makes_what_is_missing),
        TEST(chooses_by_name),
        TEST(shares_equal_settings),
        TEST(settings_that_fit_nothing),
        TEST(fails_closed),
        TEST(leaves_out_a_further_one),
        TEST(refuses_bad_ones),
        TEST(reload_swaps),
        TEST(reload_of_a_bad_one_changes_nothing),
        TEST(old_keys_sign_on),
        TEST(keys_are_kept_for_the_unsettled),
        TEST(refreshes_in_steps),
        TEST(ticket_keys),
        TEST(expects_what_will_be_made),
        TEST(shows_challenges),
        TEST(exception_for_old_clients),
        cmocka_unit_test(covers_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
