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

/* How the configuration has the types of keys. */
static const char *const type_words[] = {"p256",    "p384",    "rsa2048",
                                         "rsa3072", "rsa4096", "ed25519"};

/* `shop: { names = [ "mail.shop.example" ]; };`: what the certificate has,
 * so that one that is made anew has it, too. */
static void
make_description(const struct ptn_tls_cert *facts, const char *name,
                 struct ptn_buf *out)
{
    const char *at = facts->names, *comma = "";
    size_t len;

    ptn_buf_printf(out, "%s: {", name);
    for (; (len = strcspn(at, " ")) > 0; at += len + strspn(at + len, " ")) {
        ptn_buf_printf(out, "%s \"%.*s\"", *comma ? comma : " names = [",
                       (int)len, at);
        comma = ",";
    }
    ptn_buf_adds(out, *comma ? " ];" : "");
    if (facts->key_type != PTN_KEY_ECDSA_P256 &&
        (size_t)facts->key_type < PTN_COUNT(type_words))
        ptn_buf_printf(out, " key_type = \"%s\";", type_words[facts->key_type]);
    ptn_buf_adds(out, " };\n");
}

/* --- files --- */

#define FOLDER "certificates.d"
#define CONF_MAX (1u << 20) /* octets of a file that is looked through */

/* What one group of the configuration has to say. */
struct saying {
    char group[PTN_REPOSITORY_NAME_MAX + 64]; /* "listeners.NAME.tls" */
    char file[PTN_REPOSITORY_NAME_MAX + 64];  /* beside the configuration */
    struct ptn_buf line;
    bool keeps;    /* what the file has already */
    bool included; /* the configuration names the file already */
};

static void
add_file(const char *path, struct ptn_buf *out)
{
    FILE *file = fopen(path, "re");
    size_t n = 1;

    while (file && n > 0 && out->len < CONF_MAX) {
        n = fread(ptn_buf_reserve(out, 8192), 1, 8192, file);
        out->len += n;
    }
    if (file)
        fclose(file);
}

/* A whole new file in place of the old. */
static int
write_whole(const char *path, const struct saying *s)
{
    struct ptn_buf text = PTN_BUF_INIT;
    char fresh[PATH_MAX + 96];
    FILE *file;
    int result;

    snprintf(fresh, sizeof fresh, "%s.new", path);
    file = fopen(fresh, "we");
    if (!file)
        return -1;
    if (s->keeps)
        add_file(path, &text);
    if (text.len == 0)
        ptn_buf_printf(&text,
                       "# Written by posternctl cert bind --write; include it "
                       "in the group %s.\n",
                       s->group);
    ptn_buf_addslice(&text, ptn_buf_slice(&s->line));
    fwrite(text.data, 1, text.len, file);
    ptn_buf_free(&text);
    result = fflush(file) == 0 && fsync(fileno(file)) == 0 ? 0 : -1;
    if (fclose(file) != 0)
        result = -1;
    return result == 0 ? rename(fresh, path) : -1;
}

static int
write_saying(const struct cert_office *o, const struct saying *s)
{
    char copy[PATH_MAX], path[PATH_MAX + 80];
    const char *folder;

    snprintf(copy, sizeof copy, "%s", o->manage.conf->file);
    folder = dirname(copy);
    snprintf(path, sizeof path, "%s/" FOLDER, folder);
    if (mkdir(path, 0755) == 0 || errno == EEXIST) {
        snprintf(path, sizeof path, "%s/%s", folder, s->file);
        if (write_whole(path, s) == 0)
            return CTL_OK;
    }
    return cert_refuse(o->ctl, CTL_FAILED, "%s: %s", path, strerror(errno));
}

/* Whether the operator's own file names ours: then it includes it. */
static bool
is_included(const struct ptn_conf *conf, const char *file)
{
    struct ptn_buf text = PTN_BUF_INIT;
    bool found;

    add_file(conf->file, &text);
    found = strstr(ptn_buf_cstr(&text), file) != NULL;
    ptn_buf_free(&text);
    return found;
}

/* --- the command --- */

static bool
is_described(const struct ptn_conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->cert_count; i++)
        if (strcmp(conf->certs[i].name, name) == 0)
            return true;
    return false;
}

static void
print_saying(const struct saying *s, bool written)
{
    if (written && s->included) {
        fprintf(stderr, "written; the group %s includes it already\n",
                s->group);
    } else if (written) {
        fprintf(stderr,
                "written; the group %s has to say, on a line of its own in "
                "place of what it says of this:\n",
                s->group);
        printf("@include \"%s\"\n", s->file);
    } else {
        fprintf(stderr, "the group %s has to say:\n", s->group);
        fwrite(s->line.data, 1, s->line.len, stdout);
    }
    fflush(stdout); /* both in their order, wherever they go */
}

static void
json_saying(const struct saying *s, bool written, struct ptn_json *j)
{
    ptn_json_object(j, NULL);
    ptn_json_text(j, "group", ptn_slice_of(s->group));
    ptn_json_text(j, "line",
                  ptn_slice_sub(ptn_buf_slice(&s->line), 0, s->line.len - 1));
    if (written) {
        ptn_json_text(j, "file", ptn_slice_of(s->file));
        ptn_json_bool(j, "included", s->included);
    }
    ptn_json_end_object(j);
}

static void
print_json(const struct ctl *ctl, const struct saying *says, size_t count)
{
    bool written = ctl_option(ctl, "write") != NULL;
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_json json = PTN_JSON_INIT(&out);

    ptn_json_object(&json, NULL);
    ptn_json_text(&json, "name", ptn_slice_of(ctl->words[0]));
    ptn_json_text(&json, "listener", ptn_slice_of(ctl->words[1]));
    ptn_json_array(&json, "groups");
    for (size_t i = 0; i < count; i++)
        json_saying(&says[i], written, &json);
    ptn_json_end_array(&json);
    ptn_json_end_object(&json);
    ctl_json_print(&out);
}

static int
tell(const struct cert_office *o, struct saying *says, size_t count)
{
    bool written = ctl_option(o->ctl, "write") != NULL;
    int result = CTL_OK;

    for (size_t i = 0; written && i < count && result == CTL_OK; i++) {
        says[i].included = is_included(o->manage.conf, says[i].file);
        result = write_saying(o, &says[i]);
    }
    if (result != CTL_OK)
        return result;
    if (o->ctl->json)
        print_json(o->ctl, says, count);
    for (size_t i = 0; !o->ctl->json && i < count; i++)
        print_saying(&says[i], written);
    return CTL_OK;
}

static int
bind_to(const struct cert_office *o, const struct ptn_listener_conf *l,
        const struct ptn_tls_cert *facts)
{
    const char *name = o->ctl->words[0];
    struct saying says[2] = {{.keeps = false}}, *last = says;
    int result;

    if (!is_described(o->manage.conf, name)) {
        *last = (struct saying){"certificates", FOLDER "/names.conf",
                                .keeps = true};
        make_description(facts, name, &last->line);
        last++;
    }
    snprintf(last->group, sizeof last->group, "listeners.%s.tls", l->name);
    snprintf(last->file, sizeof last->file, FOLDER "/%s.conf", l->name);
    make_line(l, name, &last->line);
    last++;
    result = tell(o, says, (size_t)(last - says));
    while (last-- > says)
        ptn_buf_free(&last->line);
    return result;
}

int
cert_bind(const struct ctl *ctl)
{
    const struct ptn_listener_conf *l;
    struct cert_view view = {.readable = false};
    struct cert_office o;
    int result = cert_open(ctl, &o);

    if (result != CTL_OK)
        return result;
    result = cert_read(&o, ctl->words[0], &view.parts);
    if (result == CTL_OK)
        cert_look(&o.manage, ctl->words[0], &view);
    if (result == CTL_OK) {
        l = find_listener(o.manage.conf, ctl->words[1]);
        result = l && l->tls.mode != PTN_TLS_NONE
                     ? bind_to(&o, l, &view.facts)
                     : cert_refuse(ctl, PTN_CERT_UNKNOWN,
                                   "there is no listener \"%s\" with TLS",
                                   ctl->words[1]);
    }
    cert_forget(&view);
    cert_close(&o);
    return result;
}
