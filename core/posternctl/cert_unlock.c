/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `posternctl cert unlock`: tells the running server the passphrase of a
 * certificate's key, and waits until the listeners are open that had to stay
 * closed without it. The passphrase is in no argument, and wiped from every
 * buffer that it was in.
 */
#include "posternctl/cert.h"
#include "proc/plan.h"
#include <stdio.h>
#include <time.h>

enum {
    WAIT_MS = 10000, /* for the listeners */
    LOOK_MS = 50,
    FIELD_MAX = 16384,
};

struct search {
    const char *name;
    bool found;
};

static void
compare(void *arg, const char *name)
{
    struct search *s = arg;

    s->found = s->found || strcmp(name, s->name) == 0;
}

/* The configuration has `default` also where it does not say so. */
static bool
is_known(const struct ctl *ctl, const char *name)
{
    struct search s = {name, strcmp(name, "default") == 0};

    ptn_admin_each_name(ctl->config, PTN_ADMIN_CERTIFICATES, compare, &s);
    return s.found;
}

/* --- the server --- */

static int
ask(const struct ctl *ctl, const char *name, const struct ptn_buf *passphrase,
    struct ptn_buf *answer)
{
    struct ptn_buf request = PTN_BUF_INIT, secret = PTN_BUF_INIT;
    int result;

    ptn_buf_reserve(&request, 8192); /* so that it never moves */
    ptn_buf_reserve(&secret, passphrase->len + 1);
    ptn_buf_addslice(&secret, ptn_buf_slice(passphrase));
    ptn_buf_adds(&request, "unlock");
    ptn_record_add(&request, "name", name);
    ptn_record_add(&request, "passphrase", ptn_buf_cstr(&secret));
    result = ctl_ask(ctl, ptn_buf_cstr(&request), answer);
    cert_wipe(&request);
    cert_wipe(&secret);
    return result;
}

/* Whether `name` is among the words between commas. */
static bool
lists(const char *list, const char *name)
{
    size_t len = strlen(name);

    for (; *list; list += *list == ',') {
        size_t n = strcspn(list, ",");

        if (n == len && memcmp(list, name, n) == 0)
            return true;
        list += n;
    }
    return false;
}

struct listeners {
    struct ptn_buf open, locked; /* names, with ", " between */
};

static void
look_at(struct ptn_slice line, const char *name, struct listeners *out)
{
    char *field = ptn_alloc(FIELD_MAX), listener[256] = "", state[16] = "";
    bool shows = ptn_record_is(line, "listener") &&
                 ptn_record_get(line, "certificates", field, FIELD_MAX) &&
                 lists(field, name) &&
                 ptn_record_get(line, "name", listener, sizeof listener) &&
                 ptn_record_get(line, "state", state, sizeof state);

    if (shows && strcmp(state, "ready") == 0)
        ptn_buf_printf(&out->open, "%s%s", out->open.len ? ", " : "", listener);
    else if (shows && strcmp(state, "locked") == 0)
        ptn_buf_printf(&out->locked, "%s%s", out->locked.len ? ", " : "",
                       listener);
    ptn_free(field);
}

static int
look(const struct ctl *ctl, const char *name, struct listeners *out)
{
    struct ptn_buf answer = PTN_BUF_INIT;
    int result = ctl_ask(ctl, "status", &answer);
    struct ptn_slice rest = ptn_buf_slice(&answer);

    out->open.len = out->locked.len = 0;
    while (rest.len > 0)
        look_at(ptn_record_next(&rest), name, out);
    ptn_buf_free(&answer);
    return result;
}

/* Until none of them is locked any more, or another certificate of its own
 * keeps it so. */
static int
wait_for_listeners(const struct ctl *ctl, const char *name,
                   struct listeners *out)
{
    const struct timespec pause = {0, LOOK_MS * 1000000};
    int result = look(ctl, name, out);

    for (int waited = 0;
         result == CTL_OK && out->locked.len > 0 && waited < WAIT_MS;
         waited += LOOK_MS) {
        nanosleep(&pause, NULL);
        result = look(ctl, name, out);
    }
    return result;
}

/* --- what is told --- */

static void
tell(const struct ctl *ctl, const char *name, const char *verdict,
     struct listeners *l)
{
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_json json = PTN_JSON_INIT(&out);

    if (ctl->json) {
        ptn_json_object(&json, NULL);
        ptn_json_text(&json, "name", ptn_slice_of(name));
        ptn_json_text(&json, "verdict", ptn_slice_of(verdict));
        cert_json_words(&json, "listeners", ptn_buf_cstr(&l->open));
        cert_json_words(&json, "locked", ptn_buf_cstr(&l->locked));
        ptn_json_end_object(&json);
        ctl_json_print(&out);
    } else if (strcmp(verdict, "kept") == 0) {
        printf("no listener of the running server shows \"%s\" yet; it will be "
               "unlocked by `posternctl reload`\n",
               name);
    } else if (strcmp(verdict, "plain") == 0) {
        printf("the key of \"%s\" is not encrypted; nothing was to be done\n",
               name);
    } else {
        printf("\"%s\" is unlocked; open: %s\n", name,
               l->open.len ? ptn_buf_cstr(&l->open) : "-");
        if (l->locked.len)
            printf("still closed: %s; `posternctl listeners` says why\n",
                   ptn_buf_cstr(&l->locked));
    }
    ptn_buf_free(&out);
}

static int
judge(const struct ctl *ctl, const char *name, struct ptn_slice answer)
{
    char verdict[16] = "", text[PTN_ERROR_TEXT_MAX] = "";
    struct listeners l = {PTN_BUF_INIT, PTN_BUF_INIT};
    struct ptn_slice line = ptn_record_next(&answer);
    int result = CTL_OK;

    (void)ptn_record_get(line, "verdict", verdict, sizeof verdict);
    (void)ptn_record_get(line, "text", text, sizeof text);
    if (strcmp(verdict, "wrong") == 0)
        return cert_refuse(ctl, PTN_CERT_PASSPHRASE,
                           "that is not the passphrase of \"%s\"; it stays "
                           "locked unless it was unlocked before",
                           name);
    if (strcmp(verdict, "failed") == 0 || !*verdict)
        return cert_refuse(ctl, CTL_FAILED, "%s",
                           *text ? text : "the server gave no verdict");
    if (strcmp(verdict, "opened") == 0)
        result = wait_for_listeners(ctl, name, &l);
    if (result == CTL_OK)
        tell(ctl, name, verdict, &l);
    ptn_buf_free(&l.open);
    ptn_buf_free(&l.locked);
    return result;
}

int
cert_unlock(const struct ctl *ctl)
{
    const char *name = ctl->words[0];
    struct cert_office o = {.ctl = ctl};
    struct ptn_buf passphrase = PTN_BUF_INIT, answer = PTN_BUF_INIT;
    int result;

    if (!is_known(ctl, name))
        return cert_refuse(ctl, PTN_CERT_UNKNOWN,
                           "the configuration has no certificate \"%s\"", name);
    ptn_buf_reserve(&passphrase, PTN_TLS_PASSPHRASE_MAX + 1);
    result = cert_open_passphrase(&o);
    if (result == CTL_OK && cert_ask(&o, name, &passphrase) != 0)
        result = cert_refuse(ctl, PTN_CERT_PASSPHRASE,
                             "no passphrase was given; use --passphrase-file, "
                             "or a terminal");
    if (result == CTL_OK)
        result = ask(ctl, name, &passphrase, &answer);
    if (result == CTL_OK)
        result = judge(ctl, name, ptn_buf_slice(&answer));
    cert_wipe(&passphrase);
    cert_wipe(&o.passphrase);
    ptn_buf_free(&answer);
    return result;
}
