/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading, checking and making certificates. It touches files only; what is
 * in use is pki.c's business, and who keeps keys is warden/keys.c. One thread
 * at a time, in the warden, the single process or the operator's tool.
 *
 * A private key is in memory until its owner wipes it. A key file that others
 * may read is refused: it is no secret.
 */
#include "pki/identity.h"
#include "base/clock.h"
#include "pki/keyring.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <postern/log.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY 86400

/* The path of a certificate's file: the config's, or state/certs/NAME.EXT. */
static void
path_of(const struct ptn_identity_source *source,
        const struct ptn_cert_conf *conf, const char *ext, char *out)
{
    const char *file =
        strcmp(ext, "key") == 0 ? conf->key_file : conf->cert_file;

    if (file)
        snprintf(out, PATH_MAX, "%s", file);
    else
        snprintf(out, PATH_MAX, "%s/certs/%s.%s", source->state, conf->name,
                 ext);
}

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
parse(const struct ptn_identity_source *source, struct ptn_identity *id,
      const char *chain, const char *key)
{
    struct ptn_error *err = &id->problem;

    if (source->ops->cert_parse(source->instance, ptn_buf_slice(&id->chain),
                                &id->facts, err) != 0)
        return ptn_error_prefix(err, "%s", chain);
    if (source->ops->pair_match(source->instance, ptn_buf_slice(&id->chain),
                                ptn_buf_slice(&id->key), err) != 0)
        return ptn_error_prefix(err, "%s and %s", chain, key);
    return 0;
}

int
ptn_identity_read(const struct ptn_identity_source *source,
                  const struct ptn_cert_conf *conf, struct ptn_identity *id)
{
    char chain[PATH_MAX], key[PATH_MAX];

    *id = (struct ptn_identity){.conf = conf};
    path_of(source, conf, "crt", chain);
    path_of(source, conf, "key", key);
    if (read_pem(chain, false, &id->chain, &id->problem) != 0 ||
        read_pem(key, true, &id->key, &id->problem) != 0 ||
        parse(source, id, chain, key) != 0) {
        ptn_error_prefix(&id->problem, "certificates.%s", conf->name);
        id->problem.file = conf->place.file;
        id->problem.line = conf->place.line;
        return -1;
    }
    id->good = true;
    return 0;
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

static int
write_all(int fd, struct ptn_slice data)
{
    while (data.len > 0) {
        ssize_t n = write(fd, data.data, data.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        data = ptn_slice_sub(data, (size_t)n, data.len - (size_t)n);
    }
    return fsync(fd);
}

/* A new file with all of its content, or none. */
static int
write_pem(const char *path, mode_t mode, struct ptn_slice data,
          struct ptn_error *err)
{
    char temporary[PATH_MAX + 8];
    int fd, result;

    snprintf(temporary, sizeof temporary, "%s.new", path);
    unlink(temporary);
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return ptn_error_errno(err, "%s cannot be made", path);
    result = write_all(fd, data);
    close(fd);
    if (result == 0)
        result = rename(temporary, path);
    if (result == 0)
        return 0;
    ptn_error_errno(err, "%s cannot be written", path);
    unlink(temporary);
    return -1;
}

/* The key that is there, or a new one. */
static int
take_key(const struct ptn_identity_source *source,
         const struct ptn_cert_conf *conf, struct ptn_buf *key,
         struct ptn_error *err)
{
    char path[PATH_MAX];

    path_of(source, conf, "key", path);
    if (access(path, F_OK) == 0)
        return read_pem(path, true, key, err);
    if (source->ops->key_make(source->instance,
                              (enum ptn_tls_key_type)conf->key_type, key,
                              err) != 0)
        return -1;
    return write_pem(path, 0600, ptn_buf_slice(key), err);
}

static bool
is_due(const struct ptn_identity_source *source,
       const struct ptn_cert_conf *conf)
{
    struct ptn_error ignored = PTN_ERROR_INIT;
    struct ptn_buf chain = PTN_BUF_INIT;
    struct ptn_tls_cert facts;
    char path[PATH_MAX];
    bool due = false;

    path_of(source, conf, "crt", path);
    if (access(path, F_OK) != 0)
        return true;
    if (read_pem(path, false, &chain, &ignored) == 0 &&
        source->ops->cert_parse(source->instance, ptn_buf_slice(&chain), &facts,
                                &ignored) == 0)
        due =
            facts.self_signed && facts.not_after <= ptn_clock_wall_ms() / 1000;
    ptn_buf_free(&chain);
    return due;
}

int
ptn_identity_make(const struct ptn_identity_source *source,
                  const struct ptn_cert_conf *conf, struct ptn_error *err)
{
    struct ptn_tls_subject subject = {.names = conf->names,
                                      .days = (uint32_t)conf->days};
    struct ptn_buf key = PTN_BUF_INIT, chain = PTN_BUF_INIT;
    char path[PATH_MAX];
    int result;

    if (conf->cert_file || !is_due(source, conf))
        return 0;
    path_of(source, conf, "crt", path);
    result = take_key(source, conf, &key, err);
    if (result == 0)
        result = source->ops->self_sign(source->instance, ptn_buf_slice(&key),
                                        &subject, &chain, err);
    if (result == 0)
        result = write_pem(path, 0644, ptn_buf_slice(&chain), err);
    if (key.data)
        ptn_wipe(key.data, key.cap);
    ptn_buf_free(&key);
    ptn_buf_free(&chain);
    if (result == 0)
        ptn_log(PTN_LOG_INFO, "certificate.made",
                PTN_FS("certificate", conf->name), PTN_FS("file", path));
    return result;
}

bool
ptn_identity_will_be_made(const struct ptn_identity_source *source,
                          const struct ptn_cert_conf *conf)
{
    char path[PATH_MAX];

    path_of(source, conf, "crt", path);
    return !conf->cert_file && access(path, F_OK) != 0;
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
    int64_t days = (id->facts.not_after - now) / DAY;

    if (id->facts.not_after <= now)
        ptn_log(PTN_LOG_WARNING, "certificate.expired",
                PTN_FS("certificate", conf->name),
                PTN_FS("file", conf->place.file),
                PTN_FN("line", conf->place.line));
    else if (days < PTN_EXPIRY_WARNING_DAYS)
        ptn_log(PTN_LOG_WARNING, "certificate.expires",
                PTN_FS("certificate", conf->name), PTN_FN("days", days),
                PTN_FS("file", conf->place.file),
                PTN_FN("line", conf->place.line));
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
