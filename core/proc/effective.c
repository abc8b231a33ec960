/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Writing and reading effective values. Main threads.
 */
#include "proc/effective.h"
#include "pki/identity.h"
#include "proc/plan.h"
#include <fcntl.h>
#include <limits.h>
#include <postern/directory.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- writing --- */

static void
add_place(struct ptn_buf *out, struct ptn_conf_place place)
{
    if (!place.file)
        return;
    ptn_record_add(out, "file", place.file);
    if (place.line > 0)
        ptn_record_addn(out, "line", (uint64_t)place.line);
}

static void
write_value(const struct ptn_conf_value *v, struct ptn_buf *out)
{
    ptn_buf_adds(out, "value");
    ptn_record_add(out, "path", v->path);
    ptn_record_add(out, "text", v->text);
    if (v->flags)
        ptn_record_addn(out, "flags", v->flags);
    if (v->mark)
        ptn_record_add(out, "mark", v->mark);
    add_place(out, v->place);
    ptn_buf_addc(out, '\n');
}

static void
add_words(struct ptn_buf *out, const char *key,
          const struct ptn_listener_conf *l)
{
    struct ptn_buf text = PTN_BUF_INIT;

    for (size_t i = 0; i < l->tls.certificates.count; i++)
        ptn_buf_printf(&text, "%s%s", i ? "," : "",
                       l->tls.certificates.items[i]);
    ptn_record_add(out, key, ptn_buf_cstr(&text));
    ptn_buf_free(&text);
}

static void
add_modules(struct ptn_buf *out, const struct ptn_setup *setup,
            const struct ptn_listener_conf *l)
{
    static const char *const plain[] = {PTN_DIRECTORY_CONTRACT, NULL};
    static const char *const tls[] = {PTN_DIRECTORY_CONTRACT, PTN_TLS_CONTRACT,
                                      NULL};
    struct ptn_buf text = PTN_BUF_INIT;

    ptn_modules_closure(setup->modules,
                        l->tls.mode == PTN_TLS_NONE ? plain : tls, l->host,
                        &text);
    ptn_record_add(out, "modules", ptn_buf_cstr(&text));
    ptn_buf_free(&text);
}

static void
write_listener(const struct ptn_setup *setup, const struct ptn_listener_conf *l,
               struct ptn_buf *out)
{
    ptn_buf_adds(out, "serves");
    ptn_record_add(out, "name", l->name);
    ptn_record_add(out, "group", l->group ? l->group : PTN_GROUP_MAIN);
    ptn_plan_add_addresses(out, l);
    add_modules(out, setup, l);
    if (l->tls.mode != PTN_TLS_NONE)
        add_words(out, "certificates", l);
    add_place(out, l->place);
    ptn_buf_addc(out, '\n');
}

void
ptn_effective_write(const struct ptn_setup *setup, struct ptn_buf *out)
{
    const struct ptn_conf *conf = setup->conf;

    for (size_t i = 0; i < conf->value_count; i++)
        write_value(&conf->values[i], out);
    for (size_t i = 0; i < conf->listener_count; i++)
        write_listener(setup, &conf->listeners[i], out);
}

static bool
slurp(const char *path, struct ptn_buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = -1;

    while (fd >= 0 && out->len <= PTN_PEM_MAX &&
           (n = read(fd, ptn_buf_reserve(out, 16384), 16384)) > 0)
        out->len += (size_t)n;
    if (fd >= 0)
        close(fd);
    return n >= 0;
}

/* The chain's content, which is public, and whether the key's file is still
 * the same: the key itself is nobody's but the warden's. */
static void
digest(const char *chain, const char *key, char out[PTN_MARK_SIZE])
{
    struct ptn_buf text = PTN_BUF_INIT;
    struct stat st;

    out[0] = '\0';
    if (slurp(chain, &text)) {
        if (stat(key, &st) == 0)
            ptn_buf_printf(&text, "%llu %llu %lld %lld.%09ld",
                           (unsigned long long)st.st_dev,
                           (unsigned long long)st.st_ino, (long long)st.st_size,
                           (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
        ptn_effective_mark(ptn_buf_slice(&text), out);
    }
    ptn_buf_free(&text);
}

static bool
is_shown(const struct ptn_conf *conf, const struct ptn_cert_conf *cert)
{
    for (size_t i = 0; i < conf->listener_count; i++) {
        const struct ptn_tls_conf *tls = &conf->listeners[i].tls;

        for (size_t j = 0; tls->certs && j < tls->certificates.count; j++)
            if (tls->certs[j] == cert)
                return true;
    }
    return false;
}

void
ptn_effective_write_files(const struct ptn_conf *conf, struct ptn_buf *out)
{
    for (size_t i = 0; i < conf->cert_count; i++) {
        const struct ptn_cert_conf *cert = &conf->certs[i];
        char chain[PATH_MAX], key[PATH_MAX], mark[PTN_MARK_SIZE];

        if (!is_shown(conf, cert))
            continue;
        snprintf(chain, sizeof chain, "%s/certs/%s.crt", conf->server.state,
                 cert->name);
        snprintf(key, sizeof key, "%s/certs/%s.key", conf->server.state,
                 cert->name);
        digest(cert->cert_file ? cert->cert_file : chain,
               cert->key_file ? cert->key_file : key, mark);
        ptn_buf_adds(out, "file");
        ptn_record_add(out, "name", cert->name);
        ptn_record_add(out, "digest", mark);
        ptn_record_add(out, "path", cert->cert_file ? cert->cert_file : chain);
        ptn_buf_addc(out, '\n');
    }
}

static void
write_note(void *arg, struct ptn_conf_place place, bool warning,
           const char *text)
{
    struct ptn_buf *out = arg;

    ptn_buf_adds(out, "note");
    ptn_record_add(out, "severity", warning ? "warning" : "error");
    ptn_record_add(out, "text", text);
    add_place(out, place);
    ptn_buf_addc(out, '\n');
}

void
ptn_effective_write_notes(const struct ptn_conf *conf, struct ptn_buf *out)
{
    ptn_conf_each_note(conf, write_note, out);
}

void
ptn_effective_write_error(const struct ptn_error *err, struct ptn_buf *out)
{
    write_note(out, (struct ptn_conf_place){err->file, err->line}, false,
               err->text);
}

void
ptn_effective_write_warning(struct ptn_conf_place place, const char *text,
                            struct ptn_buf *out)
{
    write_note(out, place, true, text);
}

/* --- reading --- */

/* A field in the arena; `missing` when it is not there. */
static const char *
field(struct ptn_effective *side, struct ptn_slice line, const char *key,
      const char *missing)
{
    char *text = ptn_alloc(line.len + 1);
    const char *result = missing;

    if (ptn_record_get(line, key, text, line.len + 1))
        result = ptn_arena_dup(&side->arena, ptn_slice_of(text));
    ptn_free(text);
    return result;
}

static int
number(struct ptn_slice line, const char *key)
{
    char text[16] = "0";

    (void)ptn_record_get(line, key, text, sizeof text);
    return (int)strtol(text, NULL, 10);
}

static struct ptn_conf_place
place_of(struct ptn_effective *side, struct ptn_slice line)
{
    return (struct ptn_conf_place){field(side, line, "file", NULL),
                                   number(line, "line")};
}

static void
read_value(struct ptn_effective *side, struct ptn_slice line)
{
    *ptn_effective_add_value(side) = (struct ptn_conf_value){
        .path = field(side, line, "path", ""),
        .text = field(side, line, "text", ""),
        .mark = field(side, line, "mark", NULL),
        .flags = (unsigned)number(line, "flags"),
        .place = place_of(side, line),
    };
}

static void
read_listener(struct ptn_effective *side, struct ptn_slice line)
{
    *ptn_effective_add_listener(side) = (struct ptn_effective_listener){
        .name = field(side, line, "name", ""),
        .group = field(side, line, "group", PTN_GROUP_MAIN),
        .addresses = field(side, line, "addresses", ""),
        .modules = field(side, line, "modules", ""),
        .certificates = field(side, line, "certificates", ""),
        .place = place_of(side, line),
    };
}

struct ptn_effective *
ptn_effective_read(struct ptn_slice text)
{
    struct ptn_effective *side = ptn_effective_new();

    while (text.len > 0) {
        struct ptn_slice line = ptn_record_next(&text);

        if (ptn_record_is(line, "value"))
            read_value(side, line);
        else if (ptn_record_is(line, "serves"))
            read_listener(side, line);
        else if (ptn_record_is(line, "file"))
            *ptn_effective_add_cert(side) = (struct ptn_effective_cert){
                .name = field(side, line, "name", ""),
                .digest = field(side, line, "digest", ""),
                .path = field(side, line, "path", ""),
            };
    }
    return side;
}
