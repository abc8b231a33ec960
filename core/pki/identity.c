/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading and checking certificates: from the operator's files, or from the
 * repository, where a key and its chain change together. What is in use is
 * pki.c's business, and who keeps keys is warden/keys.c. One thread at a
 * time, in the warden, the single process or the operator's tool.
 *
 * A private key is in memory until its owner wipes it. A key file that others
 * may read is refused: it is no secret.
 */
#include "pki/identity.h"
#include "base/clock.h"
#include "pki/keyring.h"
#include "pki/pem.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <postern/log.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* All room is taken at once, as growing would leave a copy of what may be a
 * key behind. A file that grows meanwhile is read in its next state. */
static int
read_all(int fd, const char *path, size_t size, struct ptn_buf *out,
         struct ptn_error *err)
{
    ssize_t n;

    if (size > PTN_PEM_MAX)
        return ptn_error_set(err, PTN_ERR_TLS, "%s is larger than 256 KiB",
                             path);
    ptn_buf_reserve(out, size + 1);
    do {
        n = read(fd, out->data + out->len, size - out->len);
        if (n > 0)
            out->len += (size_t)n;
    } while ((n > 0 && out->len < size) || (n < 0 && errno == EINTR));
    return n < 0 ? ptn_error_errno(err, "%s", path) : 0;
}

/* Who we are is what the operator has to know to mend it. */
static int
forbidden(const char *path, struct ptn_error *err)
{
    const struct passwd *pw = getpwuid(geteuid());

    if (pw)
        return ptn_error_set(err, PTN_ERR_SYSTEM,
                             "%s cannot be read: user %s may not; change the "
                             "owner or the mode",
                             path, pw->pw_name);
    return ptn_error_set(err, PTN_ERR_SYSTEM,
                         "%s cannot be read: user number %u may not; change "
                         "the owner or the mode",
                         path, (unsigned)geteuid());
}

static int
read_pem(const char *path, bool secret, struct ptn_buf *out,
         struct ptn_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    int result;

    if (fd < 0 && errno == EACCES)
        return forbidden(path, err);
    if (fd < 0)
        return ptn_error_errno(err, "%s cannot be read", path);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        result = ptn_error_set(err, PTN_ERR_TLS, "%s is not a file", path);
    else if (secret && (st.st_mode & (S_IROTH | S_IWOTH)))
        result = ptn_error_set(err, PTN_ERR_TLS,
                               "%s is a private key that everybody may read; "
                               "run chmod o-rw on it",
                               path);
    else
        result = read_all(fd, path, (size_t)st.st_size, out, err);
    close(fd);
    return result;
}

static int
unseal(const struct ptn_identity_source *source, struct ptn_identity *id)
{
    if (!source->unseal)
        return ptn_error_set(&id->problem, PTN_ERR_LOCKED,
                             "the key is encrypted");
    return source->unseal(source->unseal_arg, id->conf, &id->key, &id->problem);
}

static int
check(const struct ptn_identity_source *source, struct ptn_identity *id,
      const char *chain, const char *key)
{
    struct ptn_error *err = &id->problem;

    if (source->ops->cert_parse(source->instance, ptn_buf_slice(&id->chain),
                                &id->facts, err) != 0)
        return ptn_error_prefix(err, "%s", chain);
    if (ptn_pki_pem_is_locked(ptn_buf_slice(&id->key)) &&
        unseal(source, id) != 0)
        return ptn_error_prefix(err, "%s", key);
    if (source->ops->pair_match(source->instance, ptn_buf_slice(&id->chain),
                                ptn_buf_slice(&id->key), err) != 0)
        return ptn_error_prefix(err, "%s and %s", chain, key);
    return 0;
}

/* Many programs want key and chain in one file. Workers, and the envoy, see
 * the chain: the key must not be in it. */
static int
keep_certs(struct ptn_identity *id, const char *chain)
{
    if (ptn_pki_pem_keep_certs(&id->chain))
        return 0;
    return ptn_error_set(&id->problem, PTN_ERR_TLS,
                         "%s: a certificate in it has no line END: is it all "
                         "of the file?",
                         chain);
}

static int
read_files(const struct ptn_identity_source *source, struct ptn_identity *id)
{
    const char *chain = id->conf->cert_file, *key = id->conf->key_file;

    if (read_pem(chain, false, &id->chain, &id->problem) != 0 ||
        keep_certs(id, chain) != 0 ||
        read_pem(key, true, &id->key, &id->problem) != 0)
        return -1;
    return check(source, id, chain, key);
}

/* Chain and key as they belong together; 0 also when there is none. */
static int
read_pair(const struct ptn_identity_source *source, const char *name,
          struct ptn_parts *parts, struct ptn_error *err)
{
    *parts = (struct ptn_parts){0};
    if (!ptn_repository_is_name(name))
        return ptn_error_set(err, PTN_ERR_TLS,
                             "a name of more than %d octets; choose a shorter "
                             "one, or set cert_file and key_file",
                             PTN_REPOSITORY_NAME_MAX);
    if (!source->repository) {
        *err = source->closed;
        return -1;
    }
    return ptn_repository_read_some(source->repository, name,
                                    1u << PTN_PART_KEY | 1u << PTN_PART_CRT,
                                    parts, err);
}

static int
read_repository(const struct ptn_identity_source *source,
                struct ptn_identity *id)
{
    const char *name = id->conf->name;
    char chain[PATH_MAX], key[PATH_MAX];
    struct ptn_parts parts;

    if (read_pair(source, name, &parts, &id->problem) != 0)
        return -1;
    snprintf(chain, sizeof chain, "%s/certs/%s.crt", source->state, name);
    snprintf(key, sizeof key, "%s/certs/%s.key", source->state, name);
    id->chain = parts.part[PTN_PART_CRT];
    id->key = parts.part[PTN_PART_KEY];
    if (id->chain.len == 0)
        return ptn_error_set(&id->problem, PTN_ERR_TLS, "%s is not there",
                             chain);
    if (keep_certs(id, chain) != 0)
        return -1;
    return check(source, id, chain, key);
}

int
ptn_identity_read(const struct ptn_identity_source *source,
                  const struct ptn_cert_conf *conf, struct ptn_identity *id)
{
    *id = (struct ptn_identity){.conf = conf};
    id->good = (conf->cert_file ? read_files(source, id)
                                : read_repository(source, id)) == 0;
    if (id->good)
        return 0;
    ptn_error_prefix(&id->problem, "certificates.%s", conf->name);
    id->problem.file = conf->place.file;
    id->problem.line = conf->place.line;
    return -1;
}

void
ptn_identity_each_file(const struct ptn_identity_source *source,
                       const struct ptn_cert_conf *conf,
                       void (*fn)(void *arg, const char *path), void *arg)
{
    static const char *const kinds[] = {"crt", "key"};
    char path[PATH_MAX];

    if (conf->ocsp_file)
        fn(arg, conf->ocsp_file);
    for (size_t i = 0; i < PTN_COUNT(kinds) && !conf->cert_file; i++) {
        snprintf(path, sizeof path, "%s/certs/%s.%s", source->state, conf->name,
                 kinds[i]);
        fn(arg, path);
    }
    if (conf->passphrase_file)
        fn(arg, conf->passphrase_file);
    if (!conf->cert_file)
        return;
    fn(arg, conf->cert_file);
    fn(arg, conf->key_file);
}

void
ptn_identity_wipe(struct ptn_identity *id)
{
    if (id->key.data)
        ptn_wipe(id->key.data, id->key.cap);
    ptn_buf_free(&id->key);
}

void
ptn_identity_free(struct ptn_identity *id)
{
    ptn_identity_wipe(id);
    ptn_buf_free(&id->chain);
}

bool
ptn_identity_will_be_made(const struct ptn_identity_source *source,
                          const struct ptn_cert_conf *conf)
{
    struct ptn_error ignored = PTN_ERROR_INIT;
    struct ptn_parts parts;
    bool missing;

    if (conf->cert_file || !ptn_repository_is_name(conf->name))
        return false;
    if (!source->repository)
        return true;
    missing =
        ptn_repository_read_some(source->repository, conf->name,
                                 1u << PTN_PART_CRT, &parts, &ignored) == 0 &&
        parts.part[PTN_PART_CRT].len == 0;
    ptn_parts_free(&parts);
    return missing;
}

static int
nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
ptn_fingerprint_parse(const char *text, uint8_t out[PTN_FINGERPRINT_SIZE])
{
    for (size_t i = 0; i < PTN_FINGERPRINT_SIZE; i++) {
        int high = nibble(text[2 * i]);
        int low = high < 0 ? -1 : nibble(text[2 * i + 1]);

        if (low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return text[2 * PTN_FINGERPRINT_SIZE] == '\0';
}

static bool
is_wildcard_of(struct ptn_slice pattern, struct ptn_slice name)
{
    const char *dot = memchr(name.data, '.', name.len);
    size_t rest = dot ? name.len - (size_t)(dot - name.data) : 0;

    return pattern.len > 2 && pattern.data[0] == '*' && rest > 0 &&
           ptn_slice_caseeq(ptn_slice_sub(pattern, 1, pattern.len - 1),
                            (struct ptn_slice){dot, rest});
}

bool
ptn_identity_covers(const struct ptn_tls_cert *facts, const char *name)
{
    struct ptn_slice wanted = ptn_slice_of(name);
    const char *p = facts->names;

    while (*p) {
        struct ptn_slice one = {p, strcspn(p, " ")};

        if (ptn_slice_caseeq(one, wanted) || is_wildcard_of(one, wanted))
            return true;
        p += one.len + strspn(p + one.len, " ");
    }
    return false;
}

void
ptn_identity_warn(const struct ptn_identity *id)
{
    const struct ptn_cert_conf *conf = id->conf;
    int64_t now = ptn_clock_wall_ms() / 1000;

    if (id->facts.not_before > now)
        ptn_log(PTN_LOG_WARNING, "certificate.not-yet-valid",
                PTN_FS("certificate", conf->name),
                PTN_FS("file", conf->place.file),
                PTN_FN("line", conf->place.line));
    for (size_t i = 0; i < conf->names.count; i++)
        if (!ptn_identity_covers(&id->facts, conf->names.items[i]))
            ptn_log(PTN_LOG_WARNING, "certificate.lacks-name",
                    PTN_FS("certificate", conf->name),
                    PTN_FS("name", conf->names.items[i]),
                    PTN_FS("file", conf->place.file),
                    PTN_FN("line", conf->place.line));
}
