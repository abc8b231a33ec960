/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Verifiers, real and invented. The arithmetic is done by whoever provides
 * postern.sasl, which is loaded where secrets are. Any thread.
 */
#include "scram.h"
#include "entry.h"
#include "write.h"
#include <errno.h>
#include <fcntl.h>
#include <postern/arena.h>
#include <postern/log.h>
#include <postern/sasl.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#define SALT_LEN 16

static const uint32_t key_lengths[] = {
    [PTN_SCRAM_SHA1] = 20, [PTN_SCRAM_SHA256] = 32};

/* --- text --- */

static bool
read_octets(struct ptn_slice text, size_t least, size_t most, uint8_t *out,
            uint32_t *len)
{
    struct ptn_buf octets = PTN_BUF_INIT;
    bool ok = ptn_base64_decode(&octets, text) && octets.len >= least &&
              octets.len <= most;
    if (ok) {
        memcpy(out, octets.data, octets.len);
        *len = (uint32_t)octets.len;
    }
    passwd_wipe_free(&octets);
    return ok;
}

/* The text up to a comma or the end. */
static struct ptn_slice
next_part(struct ptn_slice *rest)
{
    const char *comma = rest->len ? memchr(rest->data, ',', rest->len) : NULL;
    size_t n = comma ? (size_t)(comma - rest->data) : rest->len;
    struct ptn_slice part = ptn_slice_sub(*rest, 0, n);
    n += comma != NULL;
    *rest = ptn_slice_sub(*rest, n, rest->len - n);
    return part;
}

bool
passwd_verifier_parse(struct ptn_slice text, enum ptn_scram_hash hash,
                      struct ptn_scram_verifier *out)
{
    uint32_t key = key_lengths[hash];
    uint64_t iterations;
    if (!ptn_slice_to_u64(next_part(&text), PASSWD_ITERATIONS_MAX,
                          &iterations) ||
        iterations == 0)
        return false;
    out->iterations = (uint32_t)iterations;
    return read_octets(next_part(&text), 1, PTN_SCRAM_SALT_MAX, out->salt,
                       &out->salt_len) &&
           read_octets(next_part(&text), key, key, out->stored_key,
                       &out->key_len) &&
           read_octets(next_part(&text), key, key, out->server_key,
                       &out->key_len) &&
           text.len == 0;
}

static void
add_octets(struct ptn_buf *out, const uint8_t *octets, size_t len)
{
    ptn_buf_addc(out, ',');
    ptn_base64_encode(out, (struct ptn_slice){(const char *)octets, len});
}

void
passwd_verifier_write(const struct ptn_scram_verifier *v, struct ptn_buf *out)
{
    ptn_buf_addu64(out, v->iterations);
    add_octets(out, v->salt, v->salt_len);
    add_octets(out, v->stored_key, v->key_len);
    add_octets(out, v->server_key, v->key_len);
}

/* --- making --- */

/* Who can; NULL: nobody here. It is not in `needs`, as passwords work
 * without it; what is provided does not change once all are initialised. */
static const struct ptn_sasl_ops *
find_sasl(const struct passwd *p, void **instance)
{
    const void *ops;
    if (!ptn_host_find(p->host, PTN_SASL_CONTRACT, PTN_SASL_VERSION, &ops,
                       instance))
        return NULL;
    return ops;
}

static void
make(const struct passwd *p, struct ptn_slice password,
     enum ptn_scram_hash hash, struct ptn_buf *out)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_scram_verifier v = {.iterations =
                                       (uint32_t)p->options->scram_iterations,
                                   .salt_len = SALT_LEN};
    void *instance;
    const struct ptn_sasl_ops *sasl = find_sasl(p, &instance);
    if (sasl && v.iterations > 0 &&
        getrandom(v.salt, SALT_LEN, 0) == SALT_LEN &&
        sasl->scram_make(instance, hash, password, &v, &err) == 0)
        passwd_verifier_write(&v, out);
    ptn_buf_addc(out, ':');
    ptn_wipe(&v, sizeof(v));
}

void
passwd_verifiers_make(const struct passwd *p, struct ptn_slice password,
                      struct ptn_buf *out)
{
    make(p, password, PTN_SCRAM_SHA256, out);
    make(p, password, PTN_SCRAM_SHA1, out);
}

/* One iteration is a keyed hash of the name: its halves are the salt, and
 * keys whose origin nobody knows. */
bool
passwd_verifier_invent(const struct passwd *p, struct ptn_slice name,
                       enum ptn_scram_hash hash, struct ptn_scram_verifier *out)
{
    struct ptn_scram_verifier v = {.iterations = 1,
                                   .salt_len = PASSWD_FAKE_KEY};
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_buf text = PTN_BUF_INIT;
    void *instance;
    const struct ptn_sasl_ops *sasl = find_sasl(p, &instance);
    if (!sasl)
        return false;
    memcpy(v.salt, p->fake_key, PASSWD_FAKE_KEY);
    ptn_buf_addc(&text, (char)('0' + hash));
    ptn_base64_encode(&text, name); /* text that any preparation leaves */
    bool ok = sasl->scram_make(instance, PTN_SCRAM_SHA256, ptn_buf_slice(&text),
                               &v, &err) == 0;
    ptn_buf_free(&text);
    out->iterations = p->options->scram_iterations
                          ? (uint32_t)p->options->scram_iterations
                          : PASSWD_ITERATIONS;
    out->salt_len = SALT_LEN;
    out->key_len = key_lengths[hash];
    memcpy(out->salt, v.stored_key, SALT_LEN);
    memcpy(out->stored_key, v.server_key, out->key_len);
    memcpy(out->server_key, v.stored_key, out->key_len);
    ptn_wipe(&v, sizeof(v));
    return ok;
}

/* --- the key of the invented ones --- */

static bool
read_key(struct passwd *p, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, p->fake_key, PASSWD_FAKE_KEY);
    close(fd);
    return n == PASSWD_FAKE_KEY;
}

static void
make_key(struct passwd *p, const char *path, struct ptn_error *err)
{
    struct stat st;
    char *folder = passwd_folder(path);
    int lock = -1;
    if (passwd_make_folder(p, path, 0700, err) == PTN_OK)
        lock = passwd_lock(p, err);
    if (lock >= 0 && !read_key(p, path)) { /* nobody was faster */
        ssize_t n = getrandom(p->fake_key, PASSWD_FAKE_KEY, 0);
        if (n != PASSWD_FAKE_KEY || stat(folder, &st) < 0) {
            ptn_error_errno(err, "cannot make %s", path);
        } else {
            st.st_mode = 0600;
            (void)passwd_replace(
                path,
                (struct ptn_slice){(const char *)p->fake_key, PASSWD_FAKE_KEY},
                &st, err);
        }
    }
    if (lock >= 0)
        close(lock);
    ptn_free(folder);
}

/* Without a file the key lives as long as the process: a salt that changes
 * with a restart tells those who saw it before. */
void
passwd_scram_open(struct passwd *p)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_buf path = PTN_BUF_INIT;
    ptn_buf_printf(&path, "%s.key", p->secrets_path);
    if (getrandom(p->fake_key, PASSWD_FAKE_KEY, 0) == PASSWD_FAKE_KEY &&
        !read_key(p, ptn_buf_cstr(&path)))
        make_key(p, ptn_buf_cstr(&path), &err);
    if (err.code != PTN_ERR_NONE)
        ptn_log_error(PTN_LOG_WARNING, "passwd.no-key", &err);
    ptn_buf_free(&path);
}

/* --- of the directory --- */

/* The account's own verifier into `out`, if it is open and has one. */
static enum ptn_status
find(struct passwd *p, struct ptn_slice name, enum ptn_scram_hash hash,
     struct ptn_scram_verifier *out, struct ptn_user *user)
{
    struct ptn_scram_verifier v;
    struct passwd_keys keys;
    struct ptn_buf line = PTN_BUF_INIT;
    enum ptn_status status = passwd_find_keys(p, name, user, &line);
    if (status == PTN_OK) {
        if (passwd_keys_parse(ptn_buf_slice(&line), &keys) ||
            !passwd_verifier_parse(keys.verifiers[hash], hash, &v))
            status = PTN_DENIED;
        else
            *out = v;
    }
    ptn_wipe(&v, sizeof(v));
    passwd_wipe_free(&line);
    return status;
}

enum ptn_status
passwd_scram(void *instance, struct ptn_slice name, enum ptn_scram_hash hash,
             struct ptn_scram_verifier *out, struct ptn_user *user)
{
    struct passwd *p = instance;
    char canonical[PTN_USER_NAME_MAX + 1];
    size_t n = passwd_canonical(p, name, canonical);
    struct ptn_slice key = {canonical, n};
    /* First and always: the time is the same for all names. */
    if (!passwd_verifier_invent(p, n ? key : name, hash, out))
        return PTN_UNSUPPORTED;
    enum ptn_status status = n ? find(p, key, hash, out, user) : PTN_NOTFOUND;
    if ((status == PTN_NOTFOUND || status == PTN_DENIED) && n &&
        passwd_is_outdated(p))
        status = find(p, key, hash, out, user);
    return status;
}

unsigned
passwd_scram_hashes(void *instance)
{
    struct passwd *p = instance;
    struct passwd_table *users, *secrets;
    unsigned hashes = 0;
    if (passwd_file_get(&p->users, true, &users) != PTN_OK)
        return 0;
    if (passwd_file_get(&p->secrets, true, &secrets) == PTN_OK) {
        bool exposed = users->notes[PASSWD_NOTE_EXPOSED] > 0;
        if (!exposed && secrets->notes[PASSWD_NOTE_NO_SHA1] == 0)
            hashes |= 1u << PTN_SCRAM_SHA1;
        if (!exposed && secrets->notes[PASSWD_NOTE_NO_SHA256] == 0)
            hashes |= 1u << PTN_SCRAM_SHA256;
        passwd_table_unref(secrets);
    }
    passwd_table_unref(users);
    return hashes;
}
