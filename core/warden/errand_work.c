/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the warden does for the envoy, and what it refuses: see
 * errand_desk.h. Names come from the envoy and are looked up; what is signed,
 * stored and shown comes from it and is checked. Keys are wiped from every
 * buffer. The desk's thread.
 */
#include "base/sha256.h"
#include "pki/identity.h"
#include "pki/manage.h"
#include "pki/pem.h"
#include "warden/errand_inner.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    KEY_MAX = 16 << 10, /* octets of an account's key, PEM */
};

static void
wipe_free(struct ptn_buf *b)
{
    if (b->cap)
        ptn_wipe(b->data, b->cap);
    ptn_buf_free(b);
}

/* --- the account --- */

/* A word, so that it is safe as a file's name. */
static bool
is_word(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    size_t len = strlen(text);

    return len > 0 && len <= 64 && strspn(text, letters) == len;
}

/* Whether some certificate of the configuration comes by this errand: for
 * others there is no account. */
static bool
is_used(const struct ptn_errand_office *o, const char *errand)
{
    for (size_t i = 0; i < o->conf->cert_count; i++)
        if (o->conf->certs[i].source &&
            strcmp(o->conf->certs[i].source, errand) == 0)
            return true;
    return false;
}

static int
read_key(const char *path, struct ptn_buf *key, struct ptn_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n;

    if (fd < 0)
        return ptn_error_errno(err, "%s cannot be read", path);
    n = read(fd, ptn_buf_reserve(key, KEY_MAX), KEY_MAX);
    close(fd);
    if (n < 0)
        return ptn_error_errno(err, "%s cannot be read", path);
    key->len += (size_t)n;
    return 0;
}

/* Beside it and renamed: a key that was used once must not be half there
 * after a crash. */
static int
write_key(const char *path, struct ptn_slice key, struct ptn_error *err)
{
    char beside[PATH_MAX + 8];
    int fd, result;

    snprintf(beside, sizeof beside, "%s.new", path);
    unlink(beside);
    fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return ptn_error_errno(err, "%s cannot be made", path);
    result = write(fd, key.data, key.len) == (ssize_t)key.len ? fsync(fd) : -1;
    close(fd);
    if (result == 0)
        result = rename(beside, path);
    if (result == 0)
        return 0;
    ptn_error_errno(err, "%s cannot be written", path);
    unlink(beside);
    return -1;
}

int
ptn_errand_account_key(const struct ptn_errand_office *o, const char *errand,
                       struct ptn_buf *key, struct ptn_error *err)
{
    char path[PATH_MAX];

    if (!is_word(errand) || !is_used(o, errand))
        return ptn_error_set(err, PTN_ERR_INVALID,
                             "no certificate's source is this errand");
    snprintf(path, sizeof path, "%s/certs", o->conf->server.state);
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return ptn_error_errno(err, "%s cannot be made", path);
    snprintf(path, sizeof path, "%s/certs/accounts", o->conf->server.state);
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return ptn_error_errno(err, "%s cannot be made", path);
    snprintf(path, sizeof path, "%s/certs/accounts/%s.key",
             o->conf->server.state, errand);
    if (access(path, F_OK) == 0)
        return read_key(path, key, err);
    if (o->ops->key_make(o->instance, PTN_KEY_ECDSA_P256, key, err) != 0)
        return -1;
    return write_key(path, ptn_buf_slice(key), err);
}

/* From PEM: RFC 7468. */
static int
add_der(struct ptn_slice pem, struct ptn_buf *der, struct ptn_error *err)
{
    const char *from = memmem(pem.data, pem.len, "-----\n", 6);
    const char *end = pem.data + pem.len, *to;
    struct ptn_buf text = PTN_BUF_INIT;
    bool good;

    from = from ? from + 6 : end;
    to = memmem(from, (size_t)(end - from), "-----END", 8);
    for (; to && from < to; from++)
        if (*from != '\n' && *from != '\r')
            ptn_buf_addc(&text, *from);
    good = text.len > 0 && ptn_base64_decode(der, ptn_buf_slice(&text));
    ptn_buf_free(&text);
    return good ? 0
                : ptn_error_set(err, PTN_ERR_TLS, "the request is malformed");
}

static int
account(const struct ptn_errand_office *o, const char *errand,
        struct ptn_buf *answer, struct ptn_error *err)
{
    struct ptn_buf key = PTN_BUF_INIT;
    int result = ptn_errand_account_key(o, errand, &key, err);

    if (result == 0 && (!PTN_HAS(o->ops, struct ptn_tls_ops, key_public) ||
                        !o->ops->key_public))
        result = ptn_error_set(err, PTN_ERR_TLS,
                               "%s cannot say what an account's key is",
                               o->ops->name);
    if (result == 0)
        result =
            o->ops->key_public(o->instance, ptn_buf_slice(&key), answer, err);
    wipe_free(&key);
    return result;
}

/* --- the signature --- */

static bool
is_base64url(struct ptn_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
              (c >= '0' && c <= '9') || c == '-' || c == '_'))
            return false;
    }
    return true;
}

bool
ptn_errand_is_signing_input(struct ptn_slice input)
{
    const char *dot = input.len > 0 ? memchr(input.data, '.', input.len) : NULL;
    size_t at = dot ? (size_t)(dot - input.data) : 0;

    return at > 0 && input.len <= PTN_ERRAND_INPUT_MAX &&
           is_base64url(ptn_slice_sub(input, 0, at)) &&
           is_base64url(ptn_slice_sub(input, at + 1, input.len - at - 1));
}

static int
sign(const struct ptn_errand_office *o, const char *errand,
     struct ptn_slice input, struct ptn_buf *answer, struct ptn_error *err)
{
    uint8_t digest[PTN_SHA256_SIZE];
    struct ptn_tls_to_sign what = {PTN_SIGN_ECDSA_SHA256,
                                   {(char *)digest, sizeof digest}};
    struct ptn_buf key = PTN_BUF_INIT;
    int result;

    if (!ptn_errand_is_signing_input(input))
        return ptn_error_set(err, PTN_ERR_INVALID,
                             "what is to be signed is no JWS");
    ptn_sha256(input, digest);
    result = ptn_errand_account_key(o, errand, &key, err);
    if (result == 0)
        result =
            o->ops->sign(o->instance, ptn_buf_slice(&key), &what, answer, err);
    wipe_free(&key);
    return result;
}

/* --- certificates --- */

static const struct ptn_cert_conf *
find(const struct ptn_errand_office *o, const char *name, struct ptn_error *err)
{
    for (size_t i = 0; i < o->conf->cert_count; i++) {
        const struct ptn_cert_conf *c = &o->conf->certs[i];

        if (strcmp(c->name, name) == 0 && ptn_cert_is_fetched(c))
            return c;
    }
    ptn_error_set(err, PTN_ERR_INVALID,
                  "there is no certificate of that name which an errand "
                  "obtains");
    return NULL;
}

/* Opened for each request: they are rare, and an operator's tool may have
 * the repository meanwhile. */
static int
open_manage(const struct ptn_errand_office *o, struct ptn_manage *m,
            struct ptn_error *err)
{
    *m = (struct ptn_manage){
        .conf = o->conf, .ops = o->ops, .instance = o->instance};
    m->repository =
        ptn_repository_open(o->conf->server.state, (uid_t)-1, (gid_t)-1, err);
    return m->repository ? 0 : -1;
}

/* Whether what is there was signed by an authority: its key may be used
 * again. That of the stand-in may, too, but need not. */
static int
request(const struct ptn_errand_office *o, const char *name,
        struct ptn_buf *answer, struct ptn_error *err)
{
    const struct ptn_cert_conf *conf = find(o, name, err);
    struct ptn_buf csr = PTN_BUF_INIT;
    struct ptn_manage m;
    int result;

    if (!conf || open_manage(o, &m, err) != 0)
        return -1;
    result = ptn_manage_request(&m, name, !conf->reuse_key, &csr, err) ==
                     PTN_CERT_GOOD
                 ? add_der(ptn_buf_slice(&csr), answer, err)
                 : -1;
    ptn_buf_free(&csr);
    ptn_repository_close(m.repository);
    return result;
}

/* What is an errand's business in public: what it obtains, and what it
 * fetches OCSP responses for. */
static const struct ptn_cert_conf *
find_public(const struct ptn_errand_office *o, const char *name,
            struct ptn_error *err)
{
    for (size_t i = 0; i < o->conf->cert_count; i++)
        if (strcmp(o->conf->certs[i].name, name) == 0 &&
            o->conf->certs[i].ocsp == PTN_OCSP_FETCH)
            return &o->conf->certs[i];
    return find(o, name, err);
}

/* A certificate whose files are the operator's. */
static int
read_chain(const char *path, struct ptn_buf *answer, struct ptn_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = -1;

    if (fd >= 0) {
        n = read(fd, ptn_buf_reserve(answer, PTN_ERRAND_CHAIN_MAX),
                 PTN_ERRAND_CHAIN_MAX);
        close(fd);
    }
    if (n < 0)
        return ptn_error_errno(err, "%s", path);
    answer->len += (size_t)n;
    if (ptn_pki_pem_keep_certs(answer)) /* the key may be in it, too */
        return 0;
    return ptn_error_set(err, PTN_ERR_TLS, "%s is truncated", path);
}

static int
chain(const struct ptn_errand_office *o, const char *name,
      struct ptn_buf *answer, struct ptn_error *err)
{
    const struct ptn_cert_conf *conf = find_public(o, name, err);
    struct ptn_parts parts = {0};
    struct ptn_manage m;
    int result;

    if (conf && conf->cert_file)
        return read_chain(conf->cert_file, answer, err);
    if (!conf || open_manage(o, &m, err) != 0)
        return -1;
    result = ptn_repository_read(m.repository, name, &parts, err);
    if (result == 0)
        ptn_buf_addslice(answer, ptn_buf_slice(&parts.part[PTN_PART_CRT]));
    ptn_parts_free(&parts);
    ptn_repository_close(m.repository);
    return result;
}

static int
check_names(const struct ptn_cert_conf *conf, const struct ptn_tls_cert *facts,
            struct ptn_error *err)
{
    for (size_t i = 0; i < conf->names.count; i++)
        if (!ptn_identity_covers(facts, conf->names.items[i]))
            return ptn_error_set(err, PTN_ERR_TLS,
                                 "the authority's certificate lacks the name "
                                 "%s",
                                 conf->names.items[i]);
    if (facts->self_signed)
        return ptn_error_set(err, PTN_ERR_TLS,
                             "the certificate is self-signed");
    return 0;
}

/* Its key is the one that was asked for; not that of an earlier version,
 * which the envoy could bring back otherwise. */
static int
check_key(const struct ptn_manage *m, const struct ptn_cert_conf *conf,
          struct ptn_slice pem, struct ptn_error *err)
{
    struct ptn_parts parts = {0};
    enum ptn_part which = conf->reuse_key ? PTN_PART_KEY : PTN_PART_NEXT_KEY;
    int result = ptn_repository_read(m->repository, conf->name, &parts, err);

    if (result == 0 && !parts.part[which].len)
        result = ptn_error_set(err, PTN_ERR_TLS,
                               "no request waits for this certificate");
    if (result == 0)
        result = m->ops->pair_match(m->instance, pem,
                                    ptn_buf_slice(&parts.part[which]), err);
    ptn_parts_free(&parts);
    return result;
}

static int
check_chain(const struct ptn_manage *m, const struct ptn_cert_conf *conf,
            struct ptn_slice pem, struct ptn_error *err)
{
    struct ptn_tls_cert facts;

    if (m->ops->cert_parse(m->instance, pem, &facts, err) != 0 ||
        check_names(conf, &facts, err) != 0)
        return -1;
    return check_key(m, conf, pem, err);
}

static int
store(const struct ptn_errand_office *o, const char *name, struct ptn_slice pem,
      struct ptn_error *err)
{
    const struct ptn_cert_conf *conf = find(o, name, err);
    struct ptn_slice no_key = {NULL, 0};
    struct ptn_manage m;
    int result;

    if (!conf || open_manage(o, &m, err) != 0)
        return -1;
    result = check_chain(&m, conf, pem, err);
    if (result == 0 &&
        ptn_manage_import(&m, name, pem, no_key, err) != PTN_CERT_GOOD)
        result = -1;
    ptn_repository_close(m.repository);
    if (result == 0 && o->changed)
        o->changed(o->arg, name);
    return result;
}

/* --- proofs --- */

static bool
is_configured_name(const struct ptn_errand_office *o, const char *name)
{
    for (size_t i = 0; i < o->conf->cert_count; i++) {
        const struct ptn_cert_conf *c = &o->conf->certs[i];

        for (size_t j = 0; ptn_cert_is_fetched(c) && j < c->names.count; j++)
            if (strcasecmp(c->names.items[j], name) == 0)
                return true;
    }
    return false;
}

/* RFC 8737 section 3: a self-signed certificate with the digest in it. */
static int
show(const struct ptn_errand_office *o, const char *name,
     struct ptn_slice digest, struct ptn_error *err)
{
    struct ptn_buf key = PTN_BUF_INIT, cert = PTN_BUF_INIT;
    int result = -1;

    if (digest.len != PTN_SHA256_SIZE || !is_configured_name(o, name))
        return ptn_error_set(err, PTN_ERR_INVALID, "a malformed proof");
    if (!o->show || !PTN_HAS(o->ops, struct ptn_tls_ops, alpn_cert) ||
        !o->ops->alpn_cert)
        return ptn_error_set(err, PTN_ERR_TLS, "%s cannot do tls-alpn-01",
                             o->ops->name);
    if (o->ops->key_make(o->instance, PTN_KEY_ECDSA_P256, &key, err) == 0 &&
        o->ops->alpn_cert(o->instance, ptn_buf_slice(&key), name,
                          (const uint8_t *)digest.data, &cert, err) == 0)
        result = o->show(o->arg, name, ptn_buf_slice(&cert),
                         ptn_buf_slice(&key), err);
    wipe_free(&key);
    ptn_buf_free(&cert);
    return result;
}

static int
hide(const struct ptn_errand_office *o, const char *name, struct ptn_error *err)
{
    struct ptn_slice nothing = {NULL, 0};

    if (!o->show || !is_configured_name(o, name))
        return ptn_error_set(err, PTN_ERR_INVALID, "a malformed proof");
    return o->show(o->arg, name, nothing, nothing, err);
}

int
ptn_errand_work(const struct ptn_errand_office *o, enum ptn_errand_op op,
                const char *first, struct ptn_slice second,
                struct ptn_buf *answer, struct ptn_error *err)
{
    switch (op) {
    case PTN_ERRAND_OP_ACCOUNT:
        return account(o, first, answer, err);
    case PTN_ERRAND_OP_SIGN:
        return sign(o, first, second, answer, err);
    case PTN_ERRAND_OP_REQUEST:
        return request(o, first, answer, err);
    case PTN_ERRAND_OP_CHAIN:
        return chain(o, first, answer, err);
    case PTN_ERRAND_OP_STORE:
        return store(o, first, second, err);
    case PTN_ERRAND_OP_SHOW:
        return show(o, first, second, err);
    case PTN_ERRAND_OP_HIDE:
        return hide(o, first, err);
    }
    return ptn_error_set(err, PTN_ERR_INVALID, "a request that is unknown");
}
