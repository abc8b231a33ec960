/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The frame of all `posternctl cert` commands: opening what they work on, and
 * telling how it went, in words and as JSON.
 */
#include "pki/identity.h"
#include "posternctl/cert.h"
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

const struct ctl_exit cert_faults[] = {
    {PTN_CERT_PASSPHRASE, "the passphrase is wrong, or none was given"},
    {PTN_CERT_MISMATCH, "key and certificate are no pair"},
    {PTN_CERT_EXPIRED, "the certificate has expired"},
    {PTN_CERT_NOT_YET_VALID, "it is not valid yet"},
    {PTN_CERT_PURPOSE, "it is for another purpose than a server's"},
    {PTN_CERT_TRUNCATED, "a file is cut off, or no certificate or key"},
    {PTN_CERT_UNSUPPORTED, "a type of key or file that is not supported"},
    {PTN_CERT_WEAK, "a key or a signature that is too weak"},
    {PTN_CERT_INCOMPLETE, "the chain is incomplete"},
    {PTN_CERT_DUPLICATE, "the name exists"},
    {PTN_CERT_UNKNOWN, "the name does not exist"},
    {PTN_CERT_IN_USE, "a listener shows it"},
    {0, NULL},
};

/* For programs: what the exit status says, as a word. */
static const char *
word_of(int status)
{
    static const struct {
        int status;
        const char *word;
    } words[] = {
        {CTL_USAGE, "usage"},
        {CTL_CONFIG, "configuration"},
        {PTN_CERT_PASSPHRASE, "wrong-passphrase"},
        {PTN_CERT_MISMATCH, "mismatched-pair"},
        {PTN_CERT_EXPIRED, "expired"},
        {PTN_CERT_NOT_YET_VALID, "not-yet-valid"},
        {PTN_CERT_PURPOSE, "wrong-purpose"},
        {PTN_CERT_TRUNCATED, "truncated"},
        {PTN_CERT_UNSUPPORTED, "unsupported"},
        {PTN_CERT_WEAK, "weak"},
        {PTN_CERT_INCOMPLETE, "incomplete-chain"},
        {PTN_CERT_DUPLICATE, "duplicate-name"},
        {PTN_CERT_UNKNOWN, "unknown-name"},
        {PTN_CERT_IN_USE, "in-use"},
    };

    for (size_t i = 0; i < PTN_COUNT(words); i++)
        if (words[i].status == status)
            return words[i].word;
    return "failed";
}

static int
tell(const struct ctl *ctl, int status, const char *text)
{
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_json json = PTN_JSON_INIT(&out);

    fprintf(stderr, "posternctl: %s\n", text);
    if (!ctl->json)
        return status;
    ptn_json_object(&json, NULL);
    ptn_json_object(&json, "error");
    ptn_json_text(&json, "code", ptn_slice_of(word_of(status)));
    ptn_json_number(&json, "status", status);
    ptn_json_text(&json, "text", ptn_slice_of(text));
    ptn_json_end_object(&json);
    ptn_json_end_object(&json);
    ctl_json_print(&out);
    return status;
}

int
cert_conclude(const struct ctl *ctl, enum ptn_cert_fault fault,
              const struct ptn_error *err)
{
    return fault == PTN_CERT_GOOD ? CTL_OK : tell(ctl, (int)fault, err->text);
}

int
cert_refuse(const struct ctl *ctl, int status, const char *fmt, ...)
{
    struct ptn_buf text = PTN_BUF_INIT;
    va_list ap;

    va_start(ap, fmt);
    ptn_buf_vprintf(&text, fmt, ap);
    va_end(ap);
    tell(ctl, status, ptn_buf_cstr(&text));
    ptn_buf_free(&text);
    return status;
}

/* --- opening --- */

/* What could not be opened is the warden's, and root's. */
static int
refuse_stranger(const struct cert_office *o, const char *why)
{
    const char *owner = o->manage.conf->server.warden_user;

    if (geteuid() == 0)
        return cert_refuse(o->ctl, CTL_FAILED, "%s", why);
    return cert_refuse(o->ctl, CTL_FAILED, "%s; run it as root%s%s", why,
                       owner ? " or " : "", owner ? owner : "");
}

static int
open_repository(struct cert_office *o)
{
    struct ptn_error err = PTN_ERROR_INIT;
    const struct ptn_conf *conf = o->manage.conf;
    const struct passwd *pw =
        conf->server.warden_user ? getpwnam(conf->server.warden_user) : NULL;

    o->manage.repository =
        ptn_repository_open(conf->server.state, pw ? pw->pw_uid : (uid_t)-1,
                            pw ? pw->pw_gid : (gid_t)-1, &err);
    return o->manage.repository ? CTL_OK : refuse_stranger(o, err.text);
}

int
cert_open(const struct ctl *ctl, struct cert_office *o)
{
    const void *ops;
    int result;

    *o = (struct cert_office){.ctl = ctl,
                              .admin = ptn_admin_open(ctl->config, stderr)};
    if (!o->admin)
        return cert_refuse(ctl, CTL_CONFIG, "%s has to be mended first",
                           ctl->config);
    o->manage.conf = ptn_admin_conf(o->admin);
    if (!ptn_admin_find(o->admin, PTN_TLS_CONTRACT, PTN_TLS_VERSION, &ops,
                        &o->manage.instance)) {
        result =
            cert_refuse(ctl, CTL_CONFIG, "no module in \"load\" provides TLS");
    } else if (ptn_admin_make_folders(o->admin) != 0) {
        result = refuse_stranger(o, "there is no state folder to keep it in");
    } else {
        o->manage.ops = ops;
        o->manage.ask = cert_ask;
        o->manage.ask_arg = o;
        o->manage.roots = getenv("SSL_CERT_FILE");
        result = cert_open_passphrase(o);
        if (result == CTL_OK)
            result = open_repository(o);
    }
    if (result != CTL_OK)
        cert_close(o);
    return result;
}

void
cert_close(struct cert_office *o)
{
    ptn_repository_close(o->manage.repository);
    ptn_admin_close(o->admin);
    ptn_buf_free(&o->notes);
    cert_wipe(&o->passphrase);
}

/* What the configuration's own files have. What is wrong with them is said
 * where they are looked at, unless there is nothing to look at. */
static void
read_files(const struct cert_office *o, const struct ptn_cert_conf *conf,
           struct cert_view *v)
{
    const struct ptn_identity_source source = {.ops = o->manage.ops,
                                               .instance = o->manage.instance};
    struct ptn_identity id;

    if (ptn_identity_read(&source, conf, &id) != 0)
        v->problem = id.problem;
    v->parts = (struct ptn_parts){0};
    v->parts.part[PTN_PART_CRT] = id.chain;
    v->parts.part[PTN_PART_KEY] = id.key;
    id.chain = id.key = PTN_BUF_INIT;
    ptn_identity_free(&id);
}

int
cert_read_view(const struct cert_office *o, const char *name,
               struct cert_view *v)
{
    const struct ptn_cert_conf *conf = ptn_manage_elsewhere(&o->manage, name);
    struct ptn_error err = PTN_ERROR_INIT;

    if (!conf)
        return cert_conclude(
            o->ctl, ptn_manage_read(&o->manage, name, &v->parts, &err), &err);
    read_files(o, conf, v);
    return CTL_OK;
}

int
cert_read(const struct cert_office *o, const char *name,
          struct ptn_parts *parts)
{
    struct cert_view v = {.readable = false};
    int result = cert_read_view(o, name, &v);

    if (result == CTL_OK && !v.parts.part[PTN_PART_CRT].len &&
        v.problem.code != PTN_ERR_NONE)
        result = cert_refuse(o->ctl, CTL_FAILED, "%s", v.problem.text);
    *parts = v.parts;
    return result;
}

/* --- after a change --- */

/* The notes as an array; each is a line of its own. */
static void
json_notes(const struct ptn_buf *notes, struct ptn_json *json)
{
    struct ptn_slice rest = ptn_buf_slice(notes);

    ptn_json_array(json, "warnings");
    while (rest.len) {
        const char *end = memchr(rest.data, '\n', rest.len);
        size_t len = end ? (size_t)(end - rest.data) : rest.len;

        ptn_json_text(json, NULL, ptn_slice_sub(rest, 0, len));
        len += end != NULL;
        rest = ptn_slice_sub(rest, len, rest.len - len);
    }
    ptn_json_end_array(json);
}

static int
print_changed(const struct cert_office *o, const char *name,
              const struct ptn_buf *said)
{
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_json json = PTN_JSON_INIT(&out);
    struct cert_view view = {.readable = false};
    int result = cert_read(o, name, &view.parts);

    if (result == CTL_OK) {
        cert_look(&o->manage, name, &view);
        ptn_json_object(&json, NULL);
        cert_json(name, &view, &json);
        cert_json_files(o, name, &view, &json);
        json_notes(&o->notes, &json);
        if (said->len)
            ptn_json_text(&json, "activation", ptn_buf_slice(said));
        ptn_json_end_object(&json);
        ctl_json_print(&out);
        cert_forget(&view);
    }
    return result;
}

int
cert_changed(struct cert_office *o, const char *name, bool live)
{
    struct ptn_buf said = PTN_BUF_INIT;
    int result = CTL_OK, told = CTL_OK;

    if (live)
        result = cert_put_live(o, name, &said);
    if (o->notes.len)
        fputs(ptn_buf_cstr(&o->notes), stderr);
    if (result != CTL_OK)
        fputs("posternctl: ", stderr);
    if (said.len)
        fprintf(stderr, "%s\n", ptn_buf_cstr(&said));
    if (o->ctl->json)
        told = print_changed(o, name, &said);
    ptn_buf_free(&said);
    return result != CTL_OK ? result : told;
}
