/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The calls of postern/errand.h: questions to the warden, messages to the
 * supervisor, files for those who serve http-01. The envoy's main thread.
 */
#include "module/modules.h"
#include "proc/envoy_child.h"
#include "proc/plan.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <postern/log.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Anywhere else there is nobody to ask: a programmer's error. */
static struct ptn_envoy_host *
envoy_of(struct ptn_host *host)
{
    struct ptn_envoy_host *envoy = ptn_host_envoy(host);

    assert(envoy);
    return envoy;
}

int
ptn_envoy_tell(int channel, enum ptn_envoy_message type, struct ptn_slice text)
{
    char message[PTN_ENVOY_MESSAGE_MAX];
    ssize_t n;

    if (text.len >= sizeof message)
        text.len = sizeof message - 1;
    message[0] = (char)type;
    if (text.len > 0)
        memcpy(message + 1, text.data, text.len);
    do {
        n = send(channel, message, text.len + 1, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -1 : 0;
}

const struct ptn_errand_certificate *
ptn_errand_certificate(struct ptn_host *host, const char *errand, size_t index)
{
    const struct ptn_envoy_host *envoy = envoy_of(host);

    for (size_t i = 0; i < envoy->conf->cert_count; i++) {
        const char *source = envoy->conf->certs[i].source;

        if (source && strcmp(source, errand) == 0 && index-- == 0)
            return &envoy->certificates[i];
    }
    return NULL;
}

const struct ptn_errand_certificate *
ptn_errand_stapled(struct ptn_host *host, size_t index)
{
    const struct ptn_envoy_host *envoy = envoy_of(host);

    for (size_t i = 0; i < envoy->conf->cert_count; i++)
        if (envoy->conf->certs[i].ocsp == PTN_OCSP_FETCH && index-- == 0)
            return &envoy->certificates[i];
    return NULL;
}

/* --- the warden --- */

static const struct ptn_slice nothing = {NULL, 0};

int
ptn_errand_account(struct ptn_host *host, const char *errand,
                   struct ptn_buf *spki, struct ptn_error *err)
{
    return ptn_errand_client_ask(envoy_of(host)->warden, PTN_ERRAND_OP_ACCOUNT,
                                 errand, nothing, spki, err);
}

int
ptn_errand_sign(struct ptn_host *host, const char *errand,
                struct ptn_slice input, struct ptn_buf *signature,
                struct ptn_error *err)
{
    return ptn_errand_client_ask(envoy_of(host)->warden, PTN_ERRAND_OP_SIGN,
                                 errand, input, signature, err);
}

int
ptn_errand_request(struct ptn_host *host,
                   const struct ptn_errand_certificate *certificate,
                   struct ptn_buf *csr, struct ptn_error *err)
{
    return ptn_errand_client_ask(envoy_of(host)->warden, PTN_ERRAND_OP_REQUEST,
                                 certificate->name, nothing, csr, err);
}

int
ptn_errand_chain(struct ptn_host *host,
                 const struct ptn_errand_certificate *certificate,
                 struct ptn_buf *pem, struct ptn_error *err)
{
    return ptn_errand_client_ask(envoy_of(host)->warden, PTN_ERRAND_OP_CHAIN,
                                 certificate->name, nothing, pem, err);
}

int
ptn_errand_store(struct ptn_host *host,
                 const struct ptn_errand_certificate *certificate,
                 struct ptn_slice chain, struct ptn_error *err)
{
    return ptn_errand_client_ask(envoy_of(host)->warden, PTN_ERRAND_OP_STORE,
                                 certificate->name, chain, NULL, err);
}

/* --- proofs --- */

/* RFC 8555 section 8: base64url alone, so that it is safe as a file's
 * name. */
static int
token_path(const struct ptn_envoy_host *envoy, const char *token,
           char out[PATH_MAX], struct ptn_error *err)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
                                   "nopqrstuvwxyz0123456789-_";
    size_t len = strlen(token);

    if (len == 0 || len > PTN_ERRAND_TOKEN_MAX ||
        strspn(token, alphabet) != len)
        return ptn_error_set(err, PTN_ERR_INVALID, "a malformed token");
    snprintf(out, PATH_MAX, "%s/acme/http/%s", envoy->conf->server.state,
             token);
    return 0;
}

/* Beside it and renamed, so that nobody reads half of it. */
static int
show_file(const struct ptn_envoy_host *envoy,
          const struct ptn_errand_proof *proof, struct ptn_error *err)
{
    struct ptn_slice text = ptn_slice_of(proof->text);
    char path[PATH_MAX], beside[PATH_MAX + 8];
    int fd, result;

    if (token_path(envoy, proof->token, path, err) != 0)
        return -1;
    snprintf(beside, sizeof beside, "%s.new", path);
    unlink(beside);
    fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return ptn_error_errno(err, "%s cannot be made", path);
    result = write(fd, text.data, text.len) == (ssize_t)text.len
                 ? rename(beside, path)
                 : -1;
    if (result != 0) {
        ptn_error_errno(err, "%s cannot be written", path);
        unlink(beside);
    }
    close(fd);
    return result;
}

static void
hide_file(const struct ptn_envoy_host *envoy,
          const struct ptn_errand_proof *proof)
{
    char path[PATH_MAX];

    if (token_path(envoy, proof->token, path, NULL) == 0)
        unlink(path);
}

/* The supervisor runs it; it says when that is over. */
static int
run_hook(const struct ptn_envoy_host *envoy, const char *action,
         const struct ptn_errand_proof *proof, struct ptn_error *err)
{
    char message[PTN_ENVOY_MESSAGE_MAX];
    struct ptn_buf text = PTN_BUF_INIT;
    ssize_t n = -1;

    ptn_buf_adds(&text, "hook");
    ptn_record_add(&text, "action", action);
    ptn_record_add(&text, "name", proof->name);
    ptn_record_add(&text, "value", proof->digest);
    if (ptn_envoy_tell(envoy->channel, PTN_ENVOY_HOOK, ptn_buf_slice(&text)) ==
        0)
        do {
            n = recv(envoy->channel, message, sizeof message - 1, 0);
        } while ((n < 0 && errno == EINTR) ||
                 (n > 0 && message[0] != PTN_ENVOY_HOOKED));
    ptn_buf_free(&text);
    if (n <= 0)
        return ptn_error_set(err, PTN_ERR_SYSTEM, "the supervisor is gone");
    if (n > 1)
        return ptn_error_set(err, PTN_ERR_SYSTEM, "%.*s", (int)n - 1,
                             message + 1);
    return 0;
}

/* The other direction of RFC 4648 section 5. */
static bool
from_base64url(const char *text, struct ptn_buf *out)
{
    struct ptn_buf plain = PTN_BUF_INIT;
    bool good;

    for (; *text; text++)
        ptn_buf_addc(&plain, *text == '-' ? '+' : *text == '_' ? '/' : *text);
    while (plain.len % 4)
        ptn_buf_addc(&plain, '=');
    good = ptn_base64_decode(out, ptn_buf_slice(&plain));
    ptn_buf_free(&plain);
    return good;
}

static int
show_alpn(const struct ptn_envoy_host *envoy,
          const struct ptn_errand_proof *proof, struct ptn_error *err)
{
    struct ptn_buf digest = PTN_BUF_INIT;
    int result = -1;

    if (!from_base64url(proof->digest, &digest))
        ptn_error_set(err, PTN_ERR_INVALID, "a malformed proof");
    else
        result = ptn_errand_client_ask(envoy->warden, PTN_ERRAND_OP_SHOW,
                                       proof->name, ptn_buf_slice(&digest),
                                       NULL, err);
    ptn_buf_free(&digest);
    return result;
}

int
ptn_errand_show(struct ptn_host *host, const struct ptn_errand_proof *proof,
                struct ptn_error *err)
{
    const struct ptn_envoy_host *envoy = envoy_of(host);

    switch (proof->type) {
    case PTN_ERRAND_HTTP:
        return show_file(envoy, proof, err);
    case PTN_ERRAND_TLS_ALPN:
        return show_alpn(envoy, proof, err);
    case PTN_ERRAND_DNS:
        return run_hook(envoy, "present", proof, err);
    }
    return ptn_error_set(err, PTN_ERR_INVALID, "an unknown kind of proof");
}

void
ptn_errand_hide(struct ptn_host *host, const struct ptn_errand_proof *proof)
{
    const struct ptn_envoy_host *envoy = envoy_of(host);
    struct ptn_error err = PTN_ERROR_INIT;
    int result = 0;

    if (proof->type == PTN_ERRAND_HTTP)
        hide_file(envoy, proof);
    else if (proof->type == PTN_ERRAND_TLS_ALPN)
        result = ptn_errand_client_ask(envoy->warden, PTN_ERRAND_OP_HIDE,
                                       proof->name, nothing, NULL, &err);
    else
        result = run_hook(envoy, "cleanup", proof, &err);
    if (result != 0)
        ptn_log_error(PTN_LOG_WARNING, "errand.proof-not-hidden", &err);
}

bool
ptn_errand_can_show(struct ptn_host *host, enum ptn_errand_proof_type type)
{
    return type != PTN_ERRAND_DNS || envoy_of(host)->conf->envoy.hook;
}

/* --- people --- */

static void
add_time(struct ptn_buf *out, const char *key, int64_t value)
{
    if (value > 0)
        ptn_record_addn(out, key, (uint64_t)value);
}

void
ptn_errand_report(struct ptn_host *host,
                  const struct ptn_errand_certificate *certificate,
                  const struct ptn_errand_report *report)
{
    struct ptn_buf text = PTN_BUF_INIT;

    ptn_buf_adds(&text, "errand");
    ptn_record_add(&text, "name", certificate->name);
    add_time(&text, "last", report->last);
    add_time(&text, "next", report->next);
    ptn_record_addn(&text, "failures", report->failures);
    if (report->problem)
        ptn_record_add(&text, "problem", report->problem);
    (void)ptn_envoy_tell(envoy_of(host)->channel, PTN_ENVOY_REPORT,
                         ptn_buf_slice(&text));
    ptn_buf_free(&text);
}
