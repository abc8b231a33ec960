/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The stand-in, and the house. Its operations are called from any thread.
 */
#include "tests/unit/warden/fixture.h"
#include "base/clock.h"
#include "log/log.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

atomic_int fixture_open, fixture_opened;

struct ptn_tls_key {
    int number;
    int uses;
};

static int
number_of(struct ptn_slice pem, const char *kind)
{
    char text[64];
    int number;

    snprintf(text, sizeof text, "%.*s", (int)(pem.len < 40 ? pem.len : 40),
             pem.data);
    if (strncmp(text, kind, strlen(kind)) != 0 ||
        sscanf(text + strlen(kind), "%d", &number) != 1)
        return -1;
    return number;
}

static int
pair_match(void *instance, struct ptn_slice cert, struct ptn_slice key,
           struct ptn_error *err)
{
    (void)instance;
    if (number_of(key, "KEY ") == number_of(cert, "CERT "))
        return 0;
    return ptn_error_set(err, PTN_ERR_TLS, "do not match");
}

static int
cert_parse(void *instance, struct ptn_slice pem, struct ptn_tls_cert *out,
           struct ptn_error *err)
{
    (void)instance;
    *out = (struct ptn_tls_cert){.not_after =
                                     ptn_clock_wall_ms() / 1000 + 8640000};
    if (number_of(pem, "CERT ") < 0)
        return ptn_error_set(err, PTN_ERR_TLS, "not a certificate");
    snprintf(out->fingerprint, sizeof out->fingerprint, "%064x",
             (unsigned)number_of(pem, "CERT "));
    return 0;
}

static int
sign(void *instance, struct ptn_slice key, const struct ptn_tls_to_sign *what,
     struct ptn_buf *signature, struct ptn_error *err)
{
    (void)instance;
    if (what->scheme == PTN_SIGN_ED25519)
        return ptn_error_set(err, PTN_ERR_TLS, "the key cannot sign this");
    ptn_buf_printf(signature, "by %d", number_of(key, "KEY "));
    return 0;
}

static int
key_open(void *instance, struct ptn_slice pem, struct ptn_tls_key **out,
         struct ptn_error *err)
{
    (void)instance;
    if (number_of(pem, "KEY ") == 666)
        return ptn_error_set(err, PTN_ERR_TLS, "no memory");
    *out = calloc(1, sizeof **out);
    (*out)->number = number_of(pem, "KEY ");
    atomic_fetch_add(&fixture_open, 1);
    atomic_fetch_add(&fixture_opened, 1);
    return 0;
}

static int
key_sign(struct ptn_tls_key *key, const struct ptn_tls_to_sign *what,
         struct ptn_buf *signature, struct ptn_error *err)
{
    if (what->scheme == PTN_SIGN_ED25519)
        return ptn_error_set(err, PTN_ERR_TLS, "the key cannot sign this");
    ptn_buf_printf(signature, "by %d, use %d", key->number, key->uses++);
    return 0;
}

static void
key_close(struct ptn_tls_key *key)
{
    atomic_fetch_sub(&fixture_open, 1);
    free(key);
}

const struct ptn_tls_ops fixture_ops = {
    .size = sizeof fixture_ops,
    .name = "fake",
    .capability = PTN_TLS_CAP_REMOTE_SIGN,
    .cert_parse = cert_parse,
    .pair_match = pair_match,
    .sign = sign,
    .key_open = key_open,
    .key_sign = key_sign,
    .key_close = key_close,
};

const struct ptn_tls_ops fixture_old_ops = {
    .size = offsetof(struct ptn_tls_ops, key_open),
    .name = "old",
    .cert_parse = cert_parse,
    .pair_match = pair_match,
    .sign = sign,
};

void
fixture_print(int number, uint8_t out[PTN_FINGERPRINT_SIZE])
{
    memset(out, 0, PTN_FINGERPRINT_SIZE);
    for (int i = 0; i < 4; i++)
        out[PTN_FINGERPRINT_SIZE - 1 - i] = (uint8_t)(number >> 8 * i);
}

static void
put(const char *path, const char *kind, int number, size_t padding)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fprintf(file, "%s %d\n", kind, number);
    for (size_t i = 0; i < padding; i++)
        fputc((int)('a' + i % 26), file);
    fclose(file);
    chmod(path, 0600);
}

void
fixture_put(const struct fixture *f, size_t index, int cert, int key,
            size_t padding)
{
    put(f->certs[index].cert_file, "CERT", cert, padding);
    put(f->certs[index].key_file, "KEY", key, 0);
}

static char *
format(const char *folder, size_t index, const char *ending)
{
    struct ptn_buf text = PTN_BUF_INIT;

    ptn_buf_printf(&text, "%s%sc%zu%s", folder, *folder ? "/" : "", index,
                   ending);
    (void)ptn_buf_cstr(&text);
    return text.data;
}

struct fixture *
fixture_new(size_t count, const struct ptn_tls_ops *ops)
{
    struct fixture *f = ptn_alloc(sizeof *f);
    struct ptn_log_sink nowhere = {.target = PTN_LOG_TO_FILE,
                                   .path = "/dev/null"};

    ptn_log_open(&nowhere, NULL);
    snprintf(f->folder, sizeof f->folder, "/tmp/postern-warden-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->count = count;
    f->certs = ptn_alloc(count * sizeof *f->certs);
    f->list = ptn_alloc(count * sizeof *f->list);
    for (size_t i = 0; i < count; i++) {
        f->certs[i].name = format("", i, "");
        f->certs[i].cert_file = format(f->folder, i, ".crt");
        f->certs[i].key_file = format(f->folder, i, ".key");
        f->list[i] = &f->certs[i];
        fixture_put(f, i, (int)i, (int)i, 0);
    }
    f->listener.tls.mode = PTN_TLS_IMPLICIT;
    f->listener.tls.certs = f->list;
    f->listener.tls.certificates.count = count;
    f->conf.certs = f->certs;
    f->conf.cert_count = count;
    f->conf.listeners = &f->listener;
    f->conf.listener_count = 1;
    f->conf.server.state = f->folder;
    f->keys = ptn_keys_new(&f->conf, ops, NULL, PTN_KEYS_MAKE);
    return f;
}

void
fixture_free(struct fixture *f)
{
    char command[96];

    ptn_keys_free(f->keys);
    for (size_t i = 0; i < f->count; i++) {
        ptn_free((char *)(uintptr_t)f->certs[i].name);
        ptn_free((char *)(uintptr_t)f->certs[i].cert_file);
        ptn_free((char *)(uintptr_t)f->certs[i].key_file);
    }
    ptn_free(f->certs);
    ptn_free(f->list);
    snprintf(command, sizeof command, "rm -r %s", f->folder);
    assert_int_equal(system(command), 0);
    ptn_free(f);
}
