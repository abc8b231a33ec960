/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Fuzz target: files that may hold keys and certificates, and subjects as an
 * operator writes them (behind "subject="). The library computes nothing, so
 * that what is encrypted is as easy to reach as all else.
 */
#include <assert.h>
#include <postern/x509.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
digest(enum ptn_x509_hash hash, struct ptn_slice data, uint8_t *out)
{
    (void)hash;
    (void)data;
    memset(out, 0, 16);
    return 0;
}

static int
hmac(enum ptn_x509_hash hash, struct ptn_slice key, struct ptn_slice data,
     uint8_t *out)
{
    (void)key;
    (void)data;
    memset(out, 0, hash == PTN_X509_SHA512 ? 64 : 32);
    return 0;
}

static int
derive(const struct ptn_x509_derivation *how, uint8_t *out, size_t len)
{
    assert(how->rounds <= PTN_TLS_ROUNDS_MAX);
    memset(out, 0, len);
    return 0;
}

static int
cbc(const struct ptn_x509_cbc *how, struct ptn_slice in, uint8_t *out)
{
    (void)how;
    memmove(out, in.data, in.len);
    return 0;
}

static int
verify(struct ptn_slice public_key, const struct ptn_tls_to_sign *what,
       struct ptn_slice signature)
{
    assert(public_key.len > 0 && what->input.len > 0 && signature.len > 0);
    return 0;
}

/* That of an Ed25519 key, whatever the key is. */
static int
key_public(void *instance, struct ptn_slice key, struct ptn_buf *out,
           struct ptn_error *err)
{
    static const char info[44] = "\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21";
    (void)instance;
    (void)err;
    if (key.len < 100)
        return -1;
    ptn_buf_add(out, info, sizeof(info));
    return 0;
}

static int
sign(void *instance, struct ptn_slice key, const struct ptn_tls_to_sign *what,
     struct ptn_buf *signature, struct ptn_error *err)
{
    (void)instance;
    (void)key;
    (void)what;
    (void)err;
    ptn_buf_adds(signature, "signature");
    return 0;
}

static const struct ptn_tls_ops ops = {.size = sizeof(ops),
                                       .name = "nothing",
                                       .key_public = key_public,
                                       .sign = sign};
static const struct ptn_x509_library library = {
    sizeof(library), &ops, digest, hmac, derive, cbc, verify};
static const struct ptn_x509 x = {&library, NULL};

/* What came out goes in again. */
static void
check(struct ptn_tls_parsed_file *file)
{
    struct ptn_tls_parsed_file again = {.size = sizeof(again)};
    struct ptn_slice certs = ptn_buf_slice(&file->certs);
    struct ptn_buf out = PTN_BUF_INIT;
    assert(file->key.len + file->certs.len + file->csr.len > 0);
    if (file->key.len > 0)
        assert(ptn_x509_parse(x, ptn_buf_slice(&file->key),
                              (struct ptn_slice){NULL, 0}, &again,
                              NULL) == PTN_TLS_PARSED_GOOD);
    if (certs.len > 0) {
        assert(ptn_x509_cert_public(certs, &out, NULL) == 0);
        (void)ptn_x509_cert_issued(x, certs, certs, NULL);
    }
    ptn_buf_free(&out);
    ptn_buf_free(&again.key);
    ptn_buf_free(&again.certs);
    ptn_buf_free(&again.csr);
}

static void
parse(struct ptn_slice file, const char *passphrase)
{
    struct ptn_tls_parsed_file out = {.size = sizeof(out)};
    struct ptn_error err = PTN_ERROR_INIT;
    enum ptn_tls_parsed got =
        ptn_x509_parse(x, file, ptn_slice_of(passphrase), &out, &err);
    if (got == PTN_TLS_PARSED_GOOD)
        check(&out);
    else
        assert(err.text[0] != '\0');
    assert(got != PTN_TLS_PARSED_WRONG_PASSPHRASE || passphrase);
    assert(got != PTN_TLS_PARSED_NEEDS_PASSPHRASE || !passphrase);
    ptn_buf_free(&out.key);
    ptn_buf_free(&out.certs);
    ptn_buf_free(&out.csr);
}

static void
name(const char *text, size_t len)
{
    struct ptn_buf out = PTN_BUF_INIT;
    char *subject = malloc(len + 1), key[101];
    const struct ptn_tls_subject s = {.subject = subject, .days = 1};
    memcpy(subject, text, len);
    subject[len] = '\0';
    memset(key, 'k', sizeof(key));
    if (ptn_x509_csr_make(x, (struct ptn_slice){key, sizeof(key)}, &s, &out,
                          NULL) == 0)
        parse(ptn_buf_slice(&out), NULL);
    ptn_buf_free(&out);
    free(subject);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char mark[] = "subject=";
    const struct ptn_slice file = {(const char *)data, size};
    struct ptn_tls_cert facts = {.key_bits = 0};
    if (size >= sizeof(mark) - 1 && memcmp(data, mark, sizeof(mark) - 1) == 0) {
        name((const char *)data + sizeof(mark) - 1, size - sizeof(mark) + 1);
        return 0;
    }
    parse(file, NULL);
    parse(file, "right");
    (void)ptn_x509_cert_facts(file, &facts, sizeof(facts));
    assert(strlen(facts.ocsp) < sizeof(facts.ocsp));
    return 0;
}
