/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The only user of crypt(3). Working memory that saw a password is wiped.
 * Any thread.
 */
#include "secret.h"
#include <crypt.h>
#include <errno.h>
#include <postern/arena.h>

enum scheme {
    SCHEME_LOCKED,
    SCHEME_PLAIN,
    SCHEME_CRYPT,
    SCHEME_UNKNOWN
};

static const struct {
    const char *name;
    enum scheme scheme;
} schemes[] = {
    {"{CRYPT}", SCHEME_CRYPT},        {"{PLAIN}", SCHEME_PLAIN},
    {"{CLEARTEXT}", SCHEME_PLAIN},    {"{SHA512-CRYPT}", SCHEME_CRYPT},
    {"{SHA256-CRYPT}", SCHEME_CRYPT}, {"{BLF-CRYPT}", SCHEME_CRYPT},
    {"{MD5-CRYPT}", SCHEME_CRYPT},    {"{DES-CRYPT}", SCHEME_CRYPT},
};

/* Tells the scheme and cuts its name off. */
static enum scheme
scheme_of(struct ptn_slice *secret)
{
    if (secret->len == 0 || secret->data[0] == '!' || secret->data[0] == '*')
        return SCHEME_LOCKED;
    if (secret->data[0] != '{')
        return SCHEME_CRYPT;
    for (size_t i = 0; i < PTN_COUNT(schemes); i++) {
        size_t n = strlen(schemes[i].name);
        if (secret->len >= n &&
            ptn_slice_caseeq(ptn_slice_sub(*secret, 0, n),
                             ptn_slice_of(schemes[i].name))) {
            *secret = ptn_slice_sub(*secret, n, secret->len - n);
            return schemes[i].scheme;
        }
    }
    return SCHEME_UNKNOWN;
}

/* A terminated copy for crypt(3); false when it does not fit or holds NUL. */
static bool
to_cstr(struct ptn_slice s, char *out, size_t cap)
{
    if (s.len >= cap || memchr(s.data, '\0', s.len))
        return false;
    memcpy(out, s.data, s.len);
    out[s.len] = '\0';
    return true;
}

const char *
passwd_secret_check(struct ptn_slice secret)
{
    char setting[CRYPT_OUTPUT_SIZE];
    switch (scheme_of(&secret)) {
    case SCHEME_LOCKED:
    case SCHEME_PLAIN:
        return NULL;
    case SCHEME_UNKNOWN:
        return "unknown password scheme";
    case SCHEME_CRYPT:
        break;
    }
    if (secret.len == 0 || !to_cstr(secret, setting, sizeof(setting)) ||
        crypt_checksalt(setting) == CRYPT_SALT_INVALID)
        return "the password hash is none that crypt(3) knows";
    return NULL;
}

bool
passwd_secret_is_locked(struct ptn_slice secret)
{
    return scheme_of(&secret) == SCHEME_LOCKED;
}

/* In a time that depends on the lengths alone. */
static bool
equal(const char *a, const char *b, size_t len)
{
    unsigned char diff = 0;
    for (size_t i = 0; i < len; i++)
        diff |= (unsigned char)(a[i] ^ b[i]);
    return diff == 0;
}

/* crypt(3) fails with EINVAL or ERANGE for what can never match. */
static enum ptn_status
crypt_verify(struct ptn_slice hash, struct ptn_slice password)
{
    char phrase[PASSWD_PASSWORD_MAX + 1], setting[CRYPT_OUTPUT_SIZE];
    if (!to_cstr(password, phrase, sizeof(phrase)) ||
        !to_cstr(hash, setting, sizeof(setting)))
        return PTN_DENIED;
    struct crypt_data *data = ptn_alloc(sizeof(*data));
    errno = 0;
    const char *got = crypt_rn(phrase, setting, data, sizeof(*data));
    enum ptn_status status = PTN_DENIED;
    if (got && strlen(got) == hash.len && equal(got, hash.data, hash.len))
        status = PTN_OK;
    else if (!got && errno != EINVAL && errno != ERANGE)
        status = PTN_TEMPFAIL;
    ptn_wipe(data, sizeof(*data));
    ptn_wipe(phrase, sizeof(phrase));
    ptn_free(data);
    return status;
}

enum ptn_status
passwd_secret_verify(struct ptn_slice secret, struct ptn_slice password)
{
    switch (scheme_of(&secret)) {
    case SCHEME_PLAIN:
        return secret.len == password.len &&
                       equal(secret.data, password.data, secret.len)
                   ? PTN_OK
                   : PTN_DENIED;
    case SCHEME_CRYPT:
        return crypt_verify(secret, password);
    case SCHEME_LOCKED:
    case SCHEME_UNKNOWN:
        break;
    }
    return PTN_DENIED;
}

bool
passwd_secret_make(struct ptn_slice password, struct ptn_buf *out)
{
    char phrase[PASSWD_PASSWORD_MAX + 1], salt[CRYPT_GENSALT_OUTPUT_SIZE];
    if (!to_cstr(password, phrase, sizeof(phrase)))
        return false;
    /* No prefix and no bytes: the system's preferred scheme (yescrypt), its
     * own cost, salt from the kernel. */
    const char *setting =
        crypt_gensalt_rn(NULL, 0, NULL, 0, salt, sizeof(salt));
    struct crypt_data *data = ptn_alloc(sizeof(*data));
    const char *got =
        setting ? crypt_rn(phrase, setting, data, sizeof(*data)) : NULL;
    if (got) {
        ptn_buf_adds(out, "{CRYPT}");
        ptn_buf_adds(out, got);
    }
    ptn_wipe(data, sizeof(*data));
    ptn_wipe(phrase, sizeof(phrase));
    ptn_free(data);
    return got != NULL;
}
