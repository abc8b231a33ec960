/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What becomes known of certificates: which have changed, whether what is
 * held is served, and going back to the one before. Any thread, but each
 * function says more where it matters.
 */
#include "base/clock.h"
#include "warden/keys_inner.h"
#include <assert.h>
#include <postern/log.h>
#include <stdio.h>

/* --- marks --- */

void
ptn_keys_mark(struct ptn_keys *keys, size_t number)
{
    assert(number < keys->count);
    pthread_mutex_lock(&keys->lock);
    keys->held[number].marked = true;
    pthread_mutex_unlock(&keys->lock);
}

bool
ptn_keys_mark_named(struct ptn_keys *keys, const char *name)
{
    const struct ptn_held *h = ptn_map_get(&keys->by_name, ptn_slice_of(name));

    if (h)
        ptn_keys_mark(keys, (size_t)(h - keys->held));
    return h;
}

/* --- files --- */

struct addition {
    struct ptn_file_watch *files;
    size_t number;
};

static void
add_file(void *arg, const char *path)
{
    const struct addition *a = arg;

    ptn_file_watch_add(a->files, path, a->number);
}

void
ptn_keys_watch(struct ptn_keys *keys)
{
    struct addition a = {ptn_file_watch_new(PTN_FILE_WATCH_FOLDERS), 0};

    assert(!keys->files);
    keys->files = a.files;
    for (; a.number < keys->count; a.number++)
        ptn_identity_each_file(&keys->source, keys->held[a.number].conf,
                               add_file, &a);
}

int
ptn_keys_watch_fd(const struct ptn_keys *keys)
{
    return keys->files ? ptn_file_watch_fd(keys->files) : -1;
}

bool
ptn_keys_watch_read(struct ptn_keys *keys)
{
    return ptn_file_watch_read(keys->files);
}

void
ptn_keys_watch_warn(struct ptn_keys *keys)
{
    const char *why;
    size_t count =
        keys->files ? ptn_file_watch_unwatched(keys->files, &why) : 0;

    if (count == 0 || keys->watch_warned)
        return;
    keys->watch_warned = true;
    ptn_log(PTN_LOG_WARNING, "certificate.not-watched",
            PTN_FN("folders", count), PTN_FS("error", why),
            PTN_FS("hint", "changes there are seen a minute later; "
                           "fs.inotify.max_user_watches may be too low, or "
                           "the warden may not read the folder"));
}

/* --- news --- */

unsigned
ptn_keys_refused(const struct ptn_keys *keys)
{
    unsigned count = 0;

    for (size_t i = 0; i < keys->count; i++)
        count += keys->held[i].refused != NULL;
    return count;
}

uint64_t
ptn_keys_round(struct ptn_keys *keys)
{
    uint64_t round;

    pthread_mutex_lock(&keys->lock);
    round = keys->round;
    pthread_mutex_unlock(&keys->lock);
    return round;
}

static void
write_hex(const uint8_t *octets, char *out)
{
    for (size_t i = 0; i < PTN_FINGERPRINT_SIZE; i++)
        snprintf(out + 2 * i, 3, "%02x", octets[i]);
}

static bool
has_fingerprint(const struct ptn_key *k, const char *fingerprint)
{
    char own[2 * PTN_FINGERPRINT_SIZE + 1];

    if (!k)
        return false;
    write_hex(k->fingerprint, own);
    return strcmp(own, fingerprint) == 0;
}

/* Of the thread that reads: `refused` is its alone. */
size_t
ptn_keys_each_news(struct ptn_keys *keys, bool all,
                   void (*fn)(void *arg, const struct ptn_keys_word *word),
                   void *arg)
{
    size_t count = 0;

    for (size_t i = 0; i < keys->count; i++) {
        struct ptn_held *h = &keys->held[i];
        struct ptn_keys_word word = {.name = h->conf->name};

        if (!all && !h->news)
            continue;
        h->news = false;
        word.refused = h->refused;
        word.locked = h->locked;
        if (h->good) {
            write_hex(h->key->fingerprint, word.fingerprint);
            word.not_before = h->not_before;
            word.not_after = h->not_after;
            word.since = h->since;
            word.stapled_until = h->staple.len ? h->staple_until : 0;
        }
        fn(arg, &word);
        count++;
    }
    return count;
}

/* --- what is about to expire --- */

enum {
    DAY = 86400,
};

/* The least distance that `left` has come within; INT64_MAX: none. `*next`
 * becomes less if a further one is nearer. */
static int64_t
distance_of(const struct ptn_held *h, int64_t left, int64_t *next)
{
    int64_t least = left <= 0 ? 0 : INT64_MAX;

    if (left > 0 && left < *next)
        *next = left;
    for (size_t i = 0; i < h->conf->expiry_warnings.count; i++) {
        int64_t distance = h->conf->distances[i];

        if (left <= distance && distance < least)
            least = distance;
        else if (left > distance && left - distance < *next)
            *next = left - distance;
    }
    return least;
}

static void
warn(const struct ptn_held *h, int64_t left)
{
    const struct ptn_conf_place *place = &h->conf->place;

    if (left <= 0)
        ptn_log(PTN_LOG_ERROR, "certificate.expired",
                PTN_FS("certificate", h->conf->name),
                PTN_FS("hint", "clients refuse it; renew it"),
                PTN_FS("file", place->file), PTN_FN("line", place->line));
    else
        ptn_log(PTN_LOG_WARNING, "certificate.expires",
                PTN_FS("certificate", h->conf->name),
                PTN_FN("days", left / DAY), PTN_FN("seconds", left),
                PTN_FS("file", place->file), PTN_FN("line", place->line));
}

/* A clock that is set back says nothing twice. */
int64_t
ptn_keys_warn(struct ptn_keys *keys, int64_t now)
{
    int64_t next = DAY;

    for (size_t i = 0; i < keys->count; i++) {
        struct ptn_held *h = &keys->held[i];
        int64_t left = h->not_after - now, distance;

        if (!h->good)
            continue;
        distance = distance_of(h, left, &next);
        if (distance >= h->warned)
            continue;
        h->warned = distance;
        warn(h, left);
    }
    return next;
}

/* --- whether it is served --- */

void
ptn_keys_keep_before(struct ptn_keys *keys)
{
    keys->keeps = true;
}

static void
forget_before(struct ptn_held *h)
{
    if (!h->before.key)
        return;
    ptn_keys_retire(h->before.key, h->before.round);
    ptn_buf_free(&h->before.chain);
    h->before = (struct ptn_held_before){.key = NULL};
}

void
ptn_keys_confirm(struct ptn_keys *keys, const char *name,
                 const char *fingerprint)
{
    struct ptn_held *h = ptn_map_get(&keys->by_name, ptn_slice_of(name));

    if (!h)
        return;
    pthread_mutex_lock(&keys->lock);
    if (has_fingerprint(h->key, fingerprint))
        forget_before(h);
    pthread_mutex_unlock(&keys->lock);
}

static void
go_back(struct ptn_keys *keys, struct ptn_held *h)
{
    ptn_keys_retire(h->key, ++keys->round);
    ptn_buf_free(&h->chain);
    h->chain = h->before.chain;
    h->staple.len = 0;      /* that was of the other */
    h->key = h->before.key; /* and its place among the holders */
    h->not_before = h->before.not_before;
    h->not_after = h->before.not_after;
    h->since = ptn_clock_wall_ms() / 1000;
    h->warned = INT64_MAX;
    h->news = true;
    /* Until its files are again those of what is held. */
    ptn_free(h->refused);
    h->refused = ptn_strdup("it was not served as it should be, see the alarm; "
                            "the one before is served");
    h->refused_mark = 0;
    h->before = (struct ptn_held_before){.key = NULL};
}

bool
ptn_keys_restore(struct ptn_keys *keys, const char *name,
                 const char *fingerprint)
{
    struct ptn_held *h = ptn_map_get(&keys->by_name, ptn_slice_of(name));
    bool can;

    if (!h)
        return false;
    pthread_mutex_lock(&keys->lock);
    can = h->before.key && has_fingerprint(h->key, fingerprint);
    if (can)
        go_back(keys, h);
    pthread_mutex_unlock(&keys->lock);
    return can;
}
