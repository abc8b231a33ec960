/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What becomes of a changed certificate in a running server, which watches
 * the repository, takes what is new over by itself and looks whether it is
 * served: this waits for the outcome and tells it.
 */
#include "posternctl/cert.h"
#include "proc/control.h"
#include "proc/plan.h"
#include <time.h>
#include <unistd.h>

enum {
    WAIT_S = 10,
    WAIT_MOST_S = 3600,
    PAUSE_MS = 100,
    TEXT = 2048, /* octets of a field */
};

struct wait {
    const char *name;
    char fingerprint[65]; /* of what was written */
    char *socket;
    char meant[65], serving[16], where[TEXT], refusal[TEXT], alarm[TEXT],
        alarm_of[65], unseen[TEXT];
    bool is_known; /* to the server that runs */
    bool locked;   /* there, for want of a passphrase */
};

/* --- what was written --- */

static bool
read_fingerprint(const struct cert_office *o, struct wait *w)
{
    struct ptn_tls_cert facts = {.not_before = 0};
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_parts parts = {0};
    bool good;

    good =
        ptn_repository_read(o->manage.repository, w->name, &parts, &err) == 0 &&
        o->manage.ops->cert_parse(o->manage.instance,
                                  ptn_buf_slice(&parts.part[PTN_PART_CRT]),
                                  &facts, &err) == 0;
    snprintf(w->fingerprint, sizeof w->fingerprint, "%s", facts.fingerprint);
    ptn_parts_free(&parts);
    return good;
}

/* --- what the server says --- */

static void
take(struct ptn_slice line, const char *key, char *out, size_t size)
{
    *out = '\0';
    (void)ptn_record_get(line, key, out, size);
}

static int
ask(struct wait *w, struct ptn_error *err)
{
    struct ptn_buf request = PTN_BUF_INIT, answer = PTN_BUF_INIT;
    struct ptn_slice rest, line;
    char locked[8];
    int result;

    ptn_buf_adds(&request, "certificate");
    ptn_record_add(&request, "name", w->name);
    result = ptn_control_ask(w->socket, ptn_buf_cstr(&request), &answer, err);
    rest = ptn_buf_slice(&answer);
    line = ptn_record_next(&rest);
    w->is_known = ptn_record_is(line, "certificate");
    take(line, "meant", w->meant, sizeof w->meant);
    take(line, "serving", w->serving, sizeof w->serving);
    take(line, "where", w->where, sizeof w->where);
    take(line, "refusal", w->refusal, sizeof w->refusal);
    take(line, "alarm", w->alarm, sizeof w->alarm);
    take(line, "alarm_of", w->alarm_of, sizeof w->alarm_of);
    take(line, "unseen", w->unseen, sizeof w->unseen);
    w->locked = ptn_record_get(line, "locked", locked, sizeof locked);
    ptn_buf_free(&request);
    ptn_buf_free(&answer);
    return result;
}

/* Whether there is an outcome; `*result` is the exit status then. */
static bool
conclude(const struct wait *w, struct ptn_buf *said, int *result)
{
    bool is_meant = strcmp(w->meant, w->fingerprint) == 0;

    *result = CTL_OK;
    if (*w->alarm && strcmp(w->alarm_of, w->fingerprint) == 0) {
        ptn_buf_printf(said,
                       "ALARM: it is not served as it should be: %s; the one "
                       "before is served again, if there is one",
                       w->alarm);
        *result = CTL_FAILED;
    } else if (is_meant && strcmp(w->serving, "live") == 0) {
        ptn_buf_printf(said, "live on %s (fingerprint %s)",
                       *w->where ? w->where : "all its listeners",
                       w->fingerprint);
    } else if (is_meant && strcmp(w->serving, "unseen") == 0) {
        ptn_buf_printf(said,
                       "the server has taken it over, and could not look "
                       "whether it is served: %s",
                       w->unseen);
    } else if (w->locked) {
        ptn_buf_printf(said,
                       "its key is locked: run `posternctl cert unlock %s`",
                       w->name);
    } else if (is_meant && !*w->serving) {
        ptn_buf_printf(said, "in use (fingerprint %s)", w->fingerprint);
    } else {
        return false;
    }
    return true;
}

static void
pause_a_moment(void)
{
    const struct timespec pause = {0, PAUSE_MS * 1000000};

    (void)nanosleep(&pause, NULL);
}

/* One that the configuration names, but not when the server read it. */
static int
have_read(const struct wait *w, struct ptn_error *err)
{
    struct ptn_buf answer = PTN_BUF_INIT;
    int result =
        w->is_known ? 0 : ptn_control_ask(w->socket, "reload", &answer, err);

    ptn_buf_free(&answer);
    return result;
}

static int
wait_for(struct wait *w, unsigned seconds, struct ptn_buf *said)
{
    time_t end = time(NULL) + (time_t)seconds;
    struct ptn_error err = PTN_ERROR_INIT;
    int result = CTL_OK;
    bool first = true;

    do {
        if (ask(w, &err) != 0 || (first && have_read(w, &err) != 0)) {
            ptn_buf_printf(said, "the server did not take it over: %s",
                           err.text);
            return CTL_FAILED;
        }
        if (conclude(w, said, &result))
            return result;
        first = false;
        pause_a_moment();
    } while (time(NULL) <= end);
    if (*w->refusal)
        ptn_buf_printf(said, "the server refuses it: %s", w->refusal);
    else
        ptn_buf_printf(said,
                       "the server does not show it yet, after %u seconds; see "
                       "`posternctl status`",
                       seconds);
    return seconds == 0 ? CTL_OK : CTL_FAILED;
}

static unsigned
seconds_of(const struct ctl *ctl)
{
    const char *text = ctl_option(ctl, "wait");
    uint64_t seconds = WAIT_S;

    if (text && !ptn_slice_to_u64(ptn_slice_of(text), WAIT_MOST_S, &seconds))
        seconds = WAIT_S;
    return (unsigned)seconds;
}

/* --- for listings --- */

static bool
look(const struct cert_office *o, struct wait *w)
{
    struct ptn_buf path = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    bool found = false;

    if (ptn_admin_control(o->ctl->config, &path, stderr) == 0 &&
        access(ptn_buf_cstr(&path), F_OK) == 0) {
        w->socket = path.data;
        found = ask(w, &err) == 0 && w->is_known;
    }
    ptn_buf_free(&path);
    return found;
}

bool
cert_live_trouble(const struct cert_office *o, const char *name,
                  struct ptn_buf *out)
{
    struct wait w = {.name = name};

    if (!look(o, &w))
        return false;
    if (*w.alarm)
        ptn_buf_printf(out, "ALARM: %s", w.alarm);
    else if (w.locked)
        ptn_buf_printf(out, "locked: run `posternctl cert unlock %s`", name);
    else if (*w.refusal)
        ptn_buf_printf(out, "refused: %s", w.refusal);
    else if (*w.unseen)
        ptn_buf_printf(out, "not seen: %s", w.unseen);
    return out->len > 0;
}

void
cert_live_print(const struct cert_office *o, const char *name)
{
    struct wait w = {.name = name};

    if (!look(o, &w))
        return;
    if (*w.meant)
        printf("served       %s%s%s\n", *w.serving ? w.serving : "yes",
               *w.where ? " on " : "", w.where);
    if (w.locked)
        printf("locked       run `posternctl cert unlock %s`\n", name);
    if (*w.refusal)
        printf("refused      %s\n", w.refusal);
    if (*w.unseen)
        printf("not seen     %s\n", w.unseen);
    if (*w.alarm)
        printf("ALARM        %s\n", w.alarm);
}

void
cert_live_json(const struct cert_office *o, const char *name,
               struct ptn_json *json)
{
    struct wait w = {.name = name};

    if (!look(o, &w))
        return;
    ptn_json_object(json, "server");
    ptn_json_text(json, "fingerprint", ptn_slice_of(w.meant));
    ptn_json_text(json, "serving", ptn_slice_of(w.serving));
    ptn_json_text(json, "where", ptn_slice_of(w.where));
    ptn_json_bool(json, "locked", w.locked);
    if (*w.refusal)
        ptn_json_text(json, "refusal", ptn_slice_of(w.refusal));
    if (*w.unseen)
        ptn_json_text(json, "unseen", ptn_slice_of(w.unseen));
    if (*w.alarm)
        ptn_json_text(json, "alarm", ptn_slice_of(w.alarm));
    ptn_json_end_object(json);
}

/* --- after a change --- */

int
cert_put_live(const struct cert_office *o, const char *name,
              struct ptn_buf *said)
{
    struct ptn_buf users = PTN_BUF_INIT, path = PTN_BUF_INIT;
    struct wait w = {.name = name};
    int result = CTL_OK;

    ptn_manage_users(&o->manage, name, &users);
    if (users.len == 0) {
        ptn_buf_printf(said,
                       "no listener shows \"%s\" yet; see `posternctl cert "
                       "bind`",
                       name);
    } else if (ptn_admin_control(o->ctl->config, &path, stderr) != 0 ||
               access(ptn_buf_cstr(&path), F_OK) != 0) {
        ptn_buf_adds(said,
                     "the server does not run; it will show it when it does");
    } else if (read_fingerprint(o, &w)) {
        w.socket = path.data;
        result = wait_for(&w, seconds_of(o->ctl), said);
    }
    ptn_buf_free(&users);
    ptn_buf_free(&path);
    return result;
}
