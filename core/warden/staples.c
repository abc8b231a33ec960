/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * OCSP responses (RFC 6960) for certificates that are held: read from where
 * the operator, or an errand, puts them, and held when they were checked. A
 * bad one changes nothing; one that has become old is dropped.
 */
#include "base/clock.h"
#include "base/siphash.h"
#include "warden/keys_inner.h"
#include <errno.h>
#include <fcntl.h>
#include <postern/log.h>
#include <postern/ocsp.h>
#include <unistd.h>

enum {
    AHEAD_S = 120,     /* before its end it is dropped: workers take a moment */
    SKEW_S = 300,      /* that an authority's clock may be before ours */
    ENDLESS_S = 86400, /* what one lasts that says no end */
};

void
ptn_keys_set_ocsp(struct ptn_keys *keys, const struct ptn_ocsp_ops *ops,
                  void *instance)
{
    keys->ocsp = ops;
    keys->ocsp_instance = instance;
}

bool
ptn_keys_staple(struct ptn_keys_user *user, struct ptn_slice name,
                const uint8_t fingerprint[PTN_FINGERPRINT_SIZE],
                struct ptn_buf *response)
{
    struct ptn_keys *keys = user->keys;
    struct ptn_held *h = ptn_map_get(&keys->by_name, name);
    int64_t now = ptn_clock_wall_ms() / 1000;
    bool found = false;

    if (!h)
        return false;
    pthread_mutex_lock(&keys->lock);
    if (h->staple.len > 0 && h->key && now < h->staple_until &&
        memcmp(h->key->fingerprint, fingerprint, PTN_FINGERPRINT_SIZE) == 0) {
        ptn_buf_addslice(response, ptn_buf_slice(&h->staple));
        found = true;
    }
    pthread_mutex_unlock(&keys->lock);
    return found;
}

/* Takes `response` over; empty: there is none. */
static void
hold(struct ptn_keys *keys, struct ptn_held *h, struct ptn_buf *response,
     const struct ptn_ocsp_facts *facts)
{
    struct ptn_buf old;

    pthread_mutex_lock(&keys->lock);
    old = h->staple;
    h->staple = *response;
    h->staple_from = facts->this_update;
    h->staple_until = facts->next_update - AHEAD_S;
    h->news = true;
    pthread_mutex_unlock(&keys->lock);
    *response = old;
}

static void
drop(struct ptn_keys *keys, struct ptn_held *h)
{
    static const struct ptn_ocsp_facts none = {.size = sizeof none};
    struct ptn_buf nothing = PTN_BUF_INIT;

    if (h->staple.len > 0)
        hold(keys, h, &nothing, &none);
    ptn_buf_free(&nothing);
}

void
ptn_keys_drop_stale(struct ptn_keys *keys)
{
    int64_t now = ptn_clock_wall_ms() / 1000;

    for (size_t i = 0; i < keys->count; i++) {
        struct ptn_held *h = &keys->held[i];

        if (h->staple.len == 0 || now < h->staple_until)
            continue;
        ptn_log(PTN_LOG_WARNING, "ocsp.expired",
                PTN_FS("certificate", h->conf->name),
                PTN_FS("file", h->conf->ocsp_file),
                PTN_FS("hint", "nothing is stapled until there is another"));
        drop(keys, h);
    }
}

static int
read_file(const char *path, struct ptn_buf *out, struct ptn_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = -1;

    if (fd < 0)
        return ptn_error_errno(err, "%s", path);
    n = read(fd, ptn_buf_reserve(out, PTN_TLS_STAPLE_MAX + 1),
             PTN_TLS_STAPLE_MAX + 1);
    if (n < 0)
        ptn_error_errno(err, "%s", path);
    close(fd);
    if (n < 0)
        return -1;
    out->len = (size_t)n;
    if (n > 0 && n <= PTN_TLS_STAPLE_MAX)
        return 0;
    return ptn_error_set(err, PTN_ERR_TLS, "%s: %s", path,
                         n ? "longer than a response may be" : "empty");
}

/* RFC 6960 section 4.2.2.1: stapled within its time alone. */
static int
check_times(struct ptn_ocsp_facts *facts, struct ptn_error *err)
{
    int64_t now = ptn_clock_wall_ms() / 1000;

    if (facts->next_update == 0)
        facts->next_update = facts->this_update + ENDLESS_S;
    if (now + SKEW_S < facts->this_update)
        return ptn_error_set(err, PTN_ERR_TLS, "it is of the future");
    if (now >= facts->next_update - AHEAD_S)
        return ptn_error_set(err, PTN_ERR_TLS, "it has expired");
    if (facts->revoked)
        return ptn_error_set(err, PTN_ERR_TLS,
                             "the authority has revoked the certificate: get "
                             "another one");
    return 0;
}

static int
read_checked(const struct ptn_keys *keys, const struct ptn_held *h,
             struct ptn_buf *response, struct ptn_ocsp_facts *facts,
             struct ptn_error *err)
{
    if (!keys->ocsp)
        return ptn_error_set(err, PTN_ERR_MODULE,
                             "no module checks OCSP responses; add \"ocsp\" "
                             "to load");
    if (read_file(h->conf->ocsp_file, response, err) != 0)
        return -1;
    if (keys->ocsp->check(keys->ocsp_instance, ptn_buf_slice(&h->chain),
                          ptn_buf_slice(response), facts, err) == 0 &&
        check_times(facts, err) == 0)
        return 0;
    ptn_error_prefix(err, "%s", h->conf->ocsp_file);
    return -1;
}

/* One line for each that is of no use, and for one that is missing; not yet
 * for one that is being fetched. */
static void
complain(struct ptn_held *h, struct ptn_slice response, struct ptn_error *err)
{
    const uint64_t key[2] = {0, 0};
    uint64_t mark = ptn_siphash(key, response.data, response.len) ^
                    ptn_siphash(key, err->text, strlen(err->text));

    if (response.len == 0 && err->number == ENOENT &&
        h->conf->ocsp == PTN_OCSP_FETCH)
        return;
    if (h->staple_refused == mark)
        return;
    h->staple_refused = mark;
    ptn_error_prefix(err, "certificates.%s.ocsp", h->conf->name);
    ptn_log_error(PTN_LOG_ERROR, "ocsp.refused", err);
}

/* A certificate that says that it always comes with one, RFC 7633. */
static void
warn_if_needed(const struct ptn_keys *keys, struct ptn_held *h)
{
    const struct ptn_identity_source *s = &keys->source;
    struct ptn_tls_cert facts = {.not_before = 0};
    struct ptn_error ignored = PTN_ERROR_INIT;

    if (h->staple_missed || h->staple.len > 0 || keys->expect ||
        s->ops->cert_parse(s->instance, ptn_buf_slice(&h->chain), &facts,
                           &ignored) != 0 ||
        !facts.must_staple)
        return;
    h->staple_missed = true;
    ptn_log(PTN_LOG_WARNING, "ocsp.must-staple",
            PTN_FS("certificate", h->conf->name),
            PTN_FS("why", "it is to be shown with an OCSP response alone, and "
                          "there is none: some clients refuse it"),
            PTN_FS("hint", "set certificates.NAME.ocsp"));
}

void
ptn_keys_load_staple(struct ptn_keys *keys, struct ptn_held *h)
{
    struct ptn_ocsp_facts facts = {.size = sizeof facts};
    struct ptn_buf response = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;

    if (h->conf->ocsp != PTN_OCSP_OFF && !keys->expect) {
        if (read_checked(keys, h, &response, &facts, &err) != 0) {
            complain(h, ptn_buf_slice(&response), &err);
            if (facts.revoked)
                drop(keys, h);
        } else if (!ptn_slice_eq(ptn_buf_slice(&response),
                                 ptn_buf_slice(&h->staple))) {
            hold(keys, h, &response, &facts);
            h->staple_refused = 0;
            ptn_log(PTN_LOG_INFO, "ocsp.loaded",
                    PTN_FS("certificate", h->conf->name),
                    PTN_FN("hours", (uint64_t)(h->staple_until -
                                               ptn_clock_wall_ms() / 1000) /
                                        3600));
        }
    }
    ptn_buf_free(&response);
    warn_if_needed(keys, h);
}
