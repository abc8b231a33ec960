/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a worker answers about its sessions. A question is answered in pages:
 * the one who asks comes again, and the loop turns in between.
 */
#include "net/net.h"
#include "proc/answers.h"
#include "proc/plan.h"
#include <stdlib.h>

enum {
    PAGE = 1000,     /* sessions that are described in a turn */
    KICK_PAGE = 200, /* to which goodbye is said in a turn */
    TEXT_MAX = 320,  /* of a name or an id */
};

struct wanted {
    char id[TEXT_MAX], listener[TEXT_MAX], user[TEXT_MAX];
    struct ptn_net_filter filter;
};

static const char *
take(struct ptn_slice args, const char *key, char into[TEXT_MAX])
{
    return ptn_record_get(args, key, into, TEXT_MAX) ? into : NULL;
}

static void
read_filter(struct ptn_slice args, struct wanted *w)
{
    w->filter.id = take(args, "id", w->id);
    w->filter.listener = take(args, "listener", w->listener);
    w->filter.user = take(args, "user", w->user);
}

static void
add_text(struct ptn_buf *out, const char *key, const char *text)
{
    if (text)
        ptn_record_add(out, key, text);
}

static void
add_session(void *arg, const struct ptn_net_session *s)
{
    struct ptn_buf *out = arg;

    ptn_buf_adds(out, "session");
    ptn_record_add(out, "id", s->id);
    ptn_record_add(out, "listener", s->listener);
    ptn_record_add(out, "protocol", s->protocol);
    ptn_record_add(out, "peer", s->peer);
    add_text(out, "user", s->user);
    add_text(out, "tls", s->tls_version);
    add_text(out, "cipher", s->tls_cipher);
    ptn_record_add(out, "phase", s->phase);
    ptn_record_addn(out, "age_ms", s->age_ms);
    ptn_record_addn(out, "idle_ms", s->idle_ms);
    ptn_record_addn(out, "memory", s->memory);
    ptn_buf_addc(out, '\n');
}

/* Whether the question is for another worker. */
static bool
is_for_another(struct ptn_worker *w, struct ptn_slice args)
{
    char number[16];

    return ptn_record_get(args, "of", number, sizeof number) &&
           strtoul(number, NULL, 10) != ptn_worker_number(w);
}

int
ptn_answer_sessions(struct ptn_worker *w, struct ptn_slice args,
                    struct ptn_buf *out, struct ptn_error *err)
{
    struct wanted wanted = {.filter = {NULL, NULL, NULL}};
    char after[24] = "0";
    uint64_t last;

    (void)err;
    if (is_for_another(w, args))
        return 0;
    read_filter(args, &wanted);
    (void)ptn_record_get(args, "after", after, sizeof after);
    last = ptn_net_sessions(ptn_worker_net(w), &wanted.filter,
                            strtoull(after, NULL, 10), PAGE, add_session, out);
    if (last > 0) {
        ptn_buf_adds(out, "more");
        ptn_record_addn(out, "after", last);
        ptn_buf_addc(out, '\n');
    }
    return 0;
}

int
ptn_answer_kick(struct ptn_worker *w, struct ptn_slice args,
                struct ptn_buf *out, struct ptn_error *err)
{
    struct wanted wanted = {.filter = {NULL, NULL, NULL}};
    char now[8];
    size_t count;

    read_filter(args, &wanted);
    if (!wanted.filter.id && !wanted.filter.listener && !wanted.filter.user)
        return ptn_error_set(err, PTN_ERR_INVALID,
                             "kick needs an id, a user or a listener");
    count =
        ptn_net_kick(ptn_worker_net(w), &wanted.filter,
                     ptn_record_get(args, "now", now, sizeof now), KICK_PAGE);
    ptn_buf_adds(out, "kicked");
    ptn_record_addn(out, "count", count);
    ptn_buf_addc(out, '\n');
    return 0;
}
