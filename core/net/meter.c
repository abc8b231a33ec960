/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A listener's metrics. What happens for each command has its cells at
 * hand; what is rarer is found by its words, which are made into labels when
 * they first occur.
 */
#include "net/meter.h"
#include "conf/conf.h"
#include <assert.h>
#include <postern/arena.h>

enum {
    WORDS_MAX = 48, /* different combinations of rare words, of each metric */
};

#define METRIC(of, id, text)                                                   \
    {                                                                          \
        .size = sizeof(struct ptn_metric), .name = (id), .help = (text),       \
        .kind = (of)                                                           \
    }
static const struct ptn_metric counts[PTN_METER_COUNTS] = {
    [PTN_METER_SESSIONS] = METRIC(PTN_METRIC_COUNTER, "sessions_total",
                                  "Connections that were served."),
    [PTN_METER_ERRORS] =
        METRIC(PTN_METRIC_COUNTER, "peer_errors_total",
               "Commands that were unknown, malformed or out of sequence."),
    [PTN_METER_TIMEOUTS] =
        METRIC(PTN_METRIC_COUNTER, "timeouts_total",
               "Sessions whose peer was silent for too long."),
    [PTN_METER_OCTETS_IN] = METRIC(PTN_METRIC_COUNTER, "received_bytes_total",
                                   "Plaintext received from peers."),
    [PTN_METER_OCTETS_OUT] = METRIC(PTN_METRIC_COUNTER, "sent_bytes_total",
                                    "Plaintext sent to peers."),
};
static const struct ptn_metric open_metric =
    METRIC(PTN_METRIC_GAUGE, "sessions", "Sessions that are open.");
static const struct ptn_metric memory_metric =
    METRIC(PTN_METRIC_GAUGE, "listener_memory_bytes",
           "Memory that the listener's sessions hold.");
static const struct ptn_metric refused_metric =
    METRIC(PTN_METRIC_COUNTER, "refused_total",
           "Connections that were not served, by reason.");
static const struct ptn_metric handshake_metric =
    METRIC(PTN_METRIC_COUNTER, "tls_handshakes_total",
           "TLS handshakes that succeeded, by version, cipher and whether "
           "they resumed a session.");
static const struct ptn_metric failure_metric =
    METRIC(PTN_METRIC_COUNTER, "tls_failures_total",
           "TLS handshakes that failed, by cause: an alert of the peer's, or "
           "what was wrong here.");
static const struct ptn_metric alert_metric =
    METRIC(PTN_METRIC_COUNTER, "tls_alerts_total",
           "TLS alerts of handshakes that failed, by direction and alert.");
static const struct ptn_metric auth_metric =
    METRIC(PTN_METRIC_COUNTER, "authentications_total",
           "Authentications, by mechanism and outcome.");
static const struct ptn_metric verb_metric =
    METRIC(PTN_METRIC_COUNTER, "commands_total", "Commands, by verb.");
static const struct ptn_metric reply_metric =
    METRIC(PTN_METRIC_COUNTER, "replies_total", "Replies, by kind.");
#undef METRIC

/* Cells that are found by up to three words. */
struct found {
    char *words[3]; /* copies; NULL: there are fewer */
    struct ptn_cells *cells;
};

struct words {
    const struct ptn_metric *metric;
    const char *labels[3];
    struct found *items;
    size_t count;
};

struct ptn_meter {
    char labels[PTN_METRIC_LABELS_MAX];
    struct ptn_cells *counts[PTN_METER_COUNTS];
    struct ptn_cells *open, *memory;
    struct ptn_cells *verbs, *replies; /* NULL: the protocol names none */
    struct words refused, handshakes, failures, alerts, auth;
};

/* The cells of a metric whose label has the protocol's own words. */
static struct ptn_cells *
name_words(const struct ptn_meter *m, const struct ptn_metric *metric,
           const char *label, const struct ptn_words *words)
{
    const char *word = words ? (const char *)words->first : NULL;
    struct ptn_metric copy = *metric;
    struct ptn_cells *cells;
    const char **values;

    if (!words)
        return NULL;
    values = ptn_alloc((words->count + 1) * sizeof *values);
    for (size_t i = 0; i < words->count; i++, word += words->stride)
        values[i] = *(const char *const *)(const void *)word;
    copy.label = label;
    copy.values = values;
    cells = ptn_metrics_cells(&copy, m->labels);
    ptn_free(values);
    return cells;
}

static void
name_protocol_words(struct ptn_meter *m, const struct ptn_protocol *p)
{
    if (PTN_HAS(p, struct ptn_protocol, verbs))
        m->verbs = name_words(m, &verb_metric, "verb", p->verbs);
    if (PTN_HAS(p, struct ptn_protocol, replies))
        m->replies = name_words(m, &reply_metric, "reply", p->replies);
}

struct ptn_meter *
ptn_meter_new(const struct ptn_listener_conf *listener)
{
    struct ptn_meter *m = ptn_alloc(sizeof *m);

    ptn_metrics_label(m->labels, "listener", listener->name);
    ptn_metrics_label(m->labels, "protocol", listener->protocol->name);
    for (size_t i = 0; i < PTN_METER_COUNTS; i++)
        m->counts[i] = ptn_metrics_cells(&counts[i], m->labels);
    m->open = ptn_metrics_cells(&open_metric, m->labels);
    m->memory = ptn_metrics_cells(&memory_metric, m->labels);
    name_protocol_words(m, listener->protocol);
    m->refused = (struct words){&refused_metric, {"reason"}, NULL, 0};
    m->handshakes = (struct words){
        &handshake_metric, {"version", "cipher", "resumed"}, NULL, 0};
    m->failures = (struct words){&failure_metric, {"cause"}, NULL, 0};
    m->alerts = (struct words){&alert_metric, {"direction", "alert"}, NULL, 0};
    m->auth = (struct words){&auth_metric, {"mechanism", "outcome"}, NULL, 0};
    return m;
}

static void
free_words(struct words *w)
{
    for (size_t i = 0; i < w->count; i++)
        for (size_t j = 0; j < 3; j++)
            ptn_free(w->items[i].words[j]);
    ptn_free(w->items);
}

void
ptn_meter_free(struct ptn_meter *m)
{
    if (!m)
        return;
    free_words(&m->refused);
    free_words(&m->handshakes);
    free_words(&m->failures);
    free_words(&m->alerts);
    free_words(&m->auth);
    ptn_free(m);
}

void
ptn_meter_add(struct ptn_meter *m, enum ptn_meter_count what, uint64_t by)
{
    ptn_metric_add(m->counts[what], 0, by);
}

void
ptn_meter_now(struct ptn_meter *m, uint64_t sessions, uint64_t memory)
{
    ptn_metric_set(m->open, 0, sessions);
    ptn_metric_set(m->memory, 0, memory);
}

/* --- rare words --- */

static bool
is_same(const struct found *f, const char *const words[3])
{
    for (size_t i = 0; i < 3; i++)
        if (f->words[i] != words[i] &&
            (!f->words[i] || !words[i] || strcmp(f->words[i], words[i]) != 0))
            return false;
    return true;
}

static struct ptn_cells *
make_cells(const struct ptn_meter *m, const struct words *w,
           const char *const words[3])
{
    char labels[PTN_METRIC_LABELS_MAX];

    memcpy(labels, m->labels, sizeof labels);
    for (size_t i = 0; i < 3 && w->labels[i]; i++)
        ptn_metrics_label(labels, w->labels[i], words[i] ? words[i] : "");
    return ptn_metrics_cells(w->metric, labels);
}

static struct ptn_cells *
remember(const struct ptn_meter *m, struct words *w, const char *const words[3])
{
    struct found *f;

    w->items = ptn_realloc(w->items, (w->count + 1) * sizeof *w->items);
    f = &w->items[w->count++];
    for (size_t i = 0; i < 3; i++)
        f->words[i] = words[i] ? ptn_strdup(words[i]) : NULL;
    f->cells = make_cells(m, w, words);
    return f->cells;
}

static void
count_words(const struct ptn_meter *m, struct words *w,
            const char *const words[3])
{
    static const char *const other[3] = {"other", "other", "other"};
    size_t i = 0;

    while (i < w->count && !is_same(&w->items[i], words))
        i++;
    ptn_metric_add(i < w->count     ? w->items[i].cells
                   : i == WORDS_MAX ? make_cells(m, w, other)
                                    : remember(m, w, words),
                   0, 1);
}

void
ptn_meter_refused(struct ptn_meter *m, const char *reason)
{
    count_words(m, &m->refused, (const char *const[3]){reason});
}

void
ptn_meter_handshake(struct ptn_meter *m, const struct ptn_tls_info *info)
{
    count_words(m, &m->handshakes,
                (const char *const[3]){info->version_name, info->cipher,
                                       info->resumed ? "yes" : "no"});
}

static void
count_alert(struct ptn_meter *m, const char *direction, unsigned alert)
{
    if (alert > 0)
        count_words(
            m, &m->alerts,
            (const char *const[3]){direction, ptn_tls_alert_word(alert)});
}

void
ptn_meter_tls_failed(struct ptn_meter *m, const char *cause,
                     const struct ptn_tls_info *info)
{
    count_words(m, &m->failures, (const char *const[3]){cause});
    count_alert(m, "sent", info->alert_sent);
    count_alert(m, "received", info->alert_received);
}

void
ptn_meter_auth(struct ptn_meter *m, const char *mechanism, const char *outcome)
{
    count_words(m, &m->auth, (const char *const[3]){mechanism, outcome});
}

/* --- a protocol's words --- */

void
ptn_meter_verb(struct ptn_meter *m, unsigned index)
{
    if (m->verbs)
        ptn_metric_add(m->verbs, index, 1);
}

void
ptn_meter_reply(struct ptn_meter *m, unsigned index)
{
    if (m->replies)
        ptn_metric_add(m->replies, index, 1);
}
