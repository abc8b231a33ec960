/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `posternctl cert bind`: how a listener comes to show a certificate. The
 * operator's file is never edited: what is written is a file of our own that
 * it may include.
 */
#include "posternctl/cert.h"
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct ptn_listener_conf *
find_listener(const struct ptn_conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->listener_count; i++)
        if (strcmp(conf->listeners[i].name, name) == 0)
            return &conf->listeners[i];
    return NULL;
}

/* `certificates = [ "default", "shop" ];` with ours behind the others, unless
 * it is among them. */
static void
make_line(const struct ptn_listener_conf *l, const char *name,
          struct ptn_buf *out)
{
    bool there = false;

    ptn_buf_adds(out, "certificates = [ ");
    for (size_t i = 0; i < l->tls.certificates.count; i++) {
        ptn_buf_printf(out, "%s\"%s\"", i ? ", " : "",
                       l->tls.certificates.items[i]);
        there = there || strcmp(l->tls.certificates.items[i], name) == 0;
    }
    if (!there)
        ptn_buf_printf(out, "%s\"%s\"", l->tls.certificates.count ? ", " : "",
                       name);
    ptn_buf_adds(out, " ];\n");
}

/* A whole new file in place of the old. */
static int
write_line(const char *path, const struct ptn_buf *line)
{
    char fresh[PATH_MAX + 80];
    FILE *file;
    int result;

    snprintf(fresh, sizeof fresh, "%s.new", path);
    file = fopen(fresh, "we");
    if (!file)
        return -1;
    fputs("# Written by posternctl cert bind --write; include it in the "
          "listener's tls group.\n",
          file);
    fwrite(line->data, 1, line->len, file);
    result = fflush(file) == 0 && fsync(fileno(file)) == 0 ? 0 : -1;
    if (fclose(file) != 0)
        result = -1;
    return result == 0 ? rename(fresh, path) : -1;
}

static int
write_file(const struct ptn_conf *conf, const struct ptn_listener_conf *l,
           const struct ptn_buf *line)
{
    char copy[PATH_MAX], path[PATH_MAX + 64];

    snprintf(copy, sizeof copy, "%s", conf->file);
    snprintf(path, sizeof path, "%s/certificates.d", dirname(copy));
    if (mkdir(path, 0755) == 0 || errno == EEXIST) {
        snprintf(copy, sizeof copy, "%s", conf->file);
        snprintf(path, sizeof path, "%s/certificates.d/%s.conf", dirname(copy),
                 l->name);
        if (write_line(path, line) == 0) {
            fprintf(stderr,
                    "written; the group listeners.%s.tls has to say, on a line "
                    "of its own in place of its own \"certificates\":\n",
                    l->name);
            printf("@include \"certificates.d/%s.conf\"\n", l->name);
            return CTL_OK;
        }
    }
    fprintf(stderr, "posternctl: %s: %s\n", path, strerror(errno));
    return CTL_FAILED;
}

static bool
is_described(const struct ptn_conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->cert_count; i++)
        if (strcmp(conf->certs[i].name, name) == 0)
            return true;
    return false;
}

static int
bind_it(const struct ctl *ctl, const struct ptn_conf *conf, const char *name)
{
    const struct ptn_listener_conf *l = find_listener(conf, ctl->words[1]);
    struct ptn_buf line = PTN_BUF_INIT;
    int result = CTL_OK;

    if (!l || l->tls.mode == PTN_TLS_NONE) {
        fprintf(stderr, "posternctl: there is no listener \"%s\" with TLS\n",
                ctl->words[1]);
        return PTN_CERT_UNKNOWN;
    }
    if (!is_described(conf, name)) {
        fputs("the group \"certificates\" has to say:\n", stderr);
        printf("%s: { };\n", name);
    }
    make_line(l, name, &line);
    if (ctl_option(ctl, "write")) {
        result = write_file(conf, l, &line);
    } else {
        fprintf(stderr, "the group listeners.%s.tls has to say:\n", l->name);
        fputs(ptn_buf_cstr(&line), stdout);
    }
    ptn_buf_free(&line);
    return result;
}

int
cert_bind(const struct ctl *ctl)
{
    const char *name = ctl->words[0];
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_parts parts = {0};
    struct cert_office o;
    int result = cert_open(ctl, &o);

    if (result != CTL_OK)
        return result;
    if (!ptn_repository_is_name(name) ||
        ptn_repository_read(o.manage.repository, name, &parts, &err) != 0 ||
        parts.part[PTN_PART_CRT].len == 0) {
        fprintf(stderr, "posternctl: there is no certificate \"%s\"\n", name);
        result = PTN_CERT_UNKNOWN;
    } else {
        result = bind_it(ctl, o.manage.conf, name);
    }
    ptn_parts_free(&parts);
    cert_close(&o);
    return result;
}
