/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading what is known of client certificates. It fails closed: a file that
 * cannot be read, or a line that cannot be understood, is a problem of the
 * listener, never a listener without it. The loop's thread, or the main one
 * before there is a loop.
 */
#include "pki/clients.h"
#include "conf/conf.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FINGERPRINT "sha256:"

enum {
    HEX = 64, /* digits of a fingerprint */
    STEP = 16384,
};

static int
read_fd(int fd, struct ptn_buf *out)
{
    ssize_t n;

    do {
        n = read(fd, ptn_buf_reserve(out, STEP), STEP);
        if (n > 0)
            out->len += (size_t)n;
    } while ((n > 0 && out->len <= PTN_CLIENTS_FILE_MAX) ||
             (n < 0 && errno == EINTR));
    return n < 0 ? -1 : 0;
}

/* `key` is what the config calls the file. */
static int
read_file(const char *key, const char *path, struct ptn_buf *out,
          struct ptn_error *err)
{
    struct stat st;
    int fd, result;

    if (!path)
        return 0;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return ptn_error_errno(err, "%s: %s cannot be read", key, path);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        result =
            ptn_error_set(err, PTN_ERR_TLS, "%s: %s is not a file", key, path);
    else if (read_fd(fd, out) != 0)
        result = ptn_error_errno(err, "%s: %s cannot be read", key, path);
    else if (out->len > PTN_CLIENTS_FILE_MAX)
        result = ptn_error_set(err, PTN_ERR_TLS, "%s: %s is larger than 16 MiB",
                               key, path);
    else
        result = 0;
    close(fd);
    return result;
}

/* --- the map --- */

static bool
is_print(const char *name)
{
    return strncasecmp(name, FINGERPRINT, strlen(FINGERPRINT)) == 0;
}

/* Lower case; of a fingerprint without the colons that tools write.
 * False: it is no fingerprint after all. */
static bool
normalize(char *name)
{
    bool print = is_print(name);
    char *from = name, *to = name;
    size_t digits = 0;

    for (; *from; from++) {
        char c =
            *from >= 'A' && *from <= 'Z' ? (char)(*from + 'a' - 'A') : *from;
        bool prefix = from < name + strlen(FINGERPRINT);

        if (print && !prefix && c == ':')
            continue;
        if (print && !prefix && !strchr("0123456789abcdef", c))
            return false;
        digits += print && !prefix;
        *to++ = c;
    }
    *to = '\0';
    return !print || digits == HEX;
}

/* "name user", of which the blanks are made into ends. */
static int
add_line(struct ptn_clients *c, char *line, const char *path, int number,
         struct ptn_error *err)
{
    char *name = line + strspn(line, " \t");
    char *end = name + strcspn(name, " \t\r");
    char *user = end + strspn(end, " \t\r");
    char *rest = user + strcspn(user, " \t\r");

    if (*name == '\0' || *name == '#')
        return 0;
    if (*user == '\0' || rest[strspn(rest, " \t\r")] != '\0')
        return ptn_error_set(err, PTN_ERR_TLS,
                             "client_map: %s:%d: a name and a user are needed, "
                             "with a blank between them",
                             path, number);
    *end = *rest = '\0';
    if (!normalize(name))
        return ptn_error_set(err, PTN_ERR_TLS,
                             "client_map: %s:%d: sha256: and 64 hexadecimal "
                             "digits are needed",
                             path, number);
    if (ptn_map_put(&c->users, ptn_slice_of(name), user))
        return ptn_error_set(err, PTN_ERR_TLS,
                             "client_map: %s:%d: \"%s\" is there twice", path,
                             number, name);
    return 0;
}

static int
read_map(struct ptn_clients *c, const char *path, struct ptn_error *err)
{
    char *at, *end;
    int number = 0;

    if (read_file("client_map", path, &c->map, err) != 0)
        return -1;
    (void)ptn_buf_cstr(&c->map);
    at = c->map.data;
    end = at + c->map.len;
    while (path && at < end) {
        char *stop = memchr(at, '\n', (size_t)(end - at));
        char *next = stop ? stop + 1 : end;

        if (stop)
            *stop = '\0';
        if (add_line(c, at, path, ++number, err) != 0)
            return -1;
        at = next;
    }
    return 0;
}

int
ptn_clients_read(const struct ptn_tls_conf *tls, struct ptn_clients *out,
                 struct ptn_error *err)
{
    *out = PTN_CLIENTS_INIT;
    if (tls->client == PTN_TLS_PEER_IGNORED)
        return 0;
    if (read_file("client_ca", tls->client_ca, &out->ca, err) == 0 &&
        read_file("client_crl", tls->client_crl, &out->crl, err) == 0 &&
        read_map(out, tls->client_map, err) == 0)
        return 0;
    ptn_clients_free(out);
    return -1;
}

void
ptn_clients_free(struct ptn_clients *c)
{
    ptn_map_free(&c->users);
    ptn_buf_free(&c->ca);
    ptn_buf_free(&c->crl);
    ptn_buf_free(&c->map);
}

bool
ptn_clients_same(const struct ptn_clients *a, const struct ptn_clients *b)
{
    return ptn_slice_eq(ptn_buf_slice(&a->ca), ptn_buf_slice(&b->ca)) &&
           ptn_slice_eq(ptn_buf_slice(&a->crl), ptn_buf_slice(&b->crl));
}

const char *
ptn_clients_user(const struct ptn_clients *c, const struct ptn_tls_conf *tls,
                 const struct ptn_tls_info *info)
{
    char key[PTN_TLS_NAME_MAX + 1];
    const char *user;

    if (!info->peer_name || !info->peer_fingerprint)
        return NULL;
    if (!tls->client_map)
        return *info->peer_name ? info->peer_name : NULL;
    snprintf(key, sizeof key, FINGERPRINT "%s", info->peer_fingerprint);
    user = ptn_map_get(&c->users, ptn_slice_of(key));
    if (user || strlen(info->peer_name) >= sizeof key)
        return user;
    snprintf(key, sizeof key, "%s", info->peer_name);
    /* A common name must not pass for a fingerprint. */
    if (is_print(key) || !normalize(key))
        return NULL;
    return ptn_map_get(&c->users, ptn_slice_of(key));
}
