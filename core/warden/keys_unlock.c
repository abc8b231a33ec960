/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Keys that are behind a passphrase. Whoever loads opens them; passphrases
 * are in locked memory, in the escrow, or for moments on its stack.
 *
 *   sealed key --as it was opened before?--> the plain key
 *              --offer, passphrase_file, escrow--> parse --> the plain key
 *              --none of them--> locked; then perhaps passphrase_command
 *
 * What was offered and is right goes to the escrow, where the next warden
 * finds it.
 */
#include "base/siphash.h"
#include "warden/keys_inner.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <postern/log.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint64_t no_key[2] = {0, 0};

void
ptn_keys_set_escrow(struct ptn_keys *keys, struct ptn_escrow *escrow)
{
    keys->escrow = escrow;
}

/* --- one passphrase --- */

enum opening {
    OPEN,
    WRONG,
    UNFIT, /* err says what is wrong with the file, or with us */
};

static void
wipe_free(struct ptn_buf *b)
{
    if (b->cap)
        ptn_wipe(b->data, b->cap);
    ptn_buf_free(b);
}

/* `key` is replaced when it opens. */
static enum opening
try(struct ptn_keys *keys, struct ptn_buf *key, struct ptn_slice passphrase,
    struct ptn_error *err)
{
    const struct ptn_tls_ops *ops = keys->source.ops;
    struct ptn_tls_parsed_file file = {.size = sizeof file};
    enum ptn_tls_parsed parsed = PTN_TLS_PARSED_UNSUPPORTED;

    if (!PTN_HAS(ops, struct ptn_tls_ops, parse) || !ops->parse) {
        ptn_error_set(err, PTN_ERR_TLS,
                      "%s cannot open encrypted keys; load another module "
                      "for TLS",
                      ops->name);
        return UNFIT;
    }
    parsed = ops->parse(keys->source.instance, ptn_buf_slice(key), passphrase,
                        &file, err);
    if (parsed == PTN_TLS_PARSED_GOOD && file.key.len == 0) {
        ptn_error_set(err, PTN_ERR_TLS, "there is no key in it");
        parsed = PTN_TLS_PARSED_BROKEN;
    }
    if (parsed == PTN_TLS_PARSED_GOOD) {
        keys->opened.len = 0;
        ptn_buf_addslice(&keys->opened, ptn_buf_slice(key));
        wipe_free(key);
        *key = file.key;
        file.key = PTN_BUF_INIT;
    }
    wipe_free(&file.key);
    ptn_buf_free(&file.certs);
    ptn_buf_free(&file.csr);
    if (parsed == PTN_TLS_PARSED_GOOD)
        return OPEN;
    return parsed == PTN_TLS_PARSED_WRONG_PASSPHRASE ||
                   parsed == PTN_TLS_PARSED_NEEDS_PASSPHRASE
               ? WRONG
               : UNFIT;
}

/* --- its sources --- */

/* The first line of a file that is nobody else's; -1 with `err`. */
static int
read_secret(const char *path, char out[PTN_TLS_PASSPHRASE_MAX + 2],
            struct ptn_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    ssize_t n = -1;

    if (fd < 0)
        return ptn_error_errno(err, "%s cannot be read", path);
    if (fstat(fd, &st) == 0 && (st.st_mode & (S_IROTH | S_IWOTH))) {
        close(fd);
        return ptn_error_set(err, PTN_ERR_LOCKED,
                             "%s is a passphrase that everybody may read; run "
                             "chmod o-rw on it",
                             path);
    }
    n = read(fd, out, PTN_TLS_PASSPHRASE_MAX + 2);
    if (n < 0)
        ptn_error_errno(err, "%s cannot be read", path);
    close(fd);
    if (n < 0)
        return -1;
    for (ssize_t i = 0; i < n; i++)
        if (out[i] == '\n' || out[i] == '\r' || out[i] == '\0')
            n = i;
    if (n > 0 && n <= PTN_TLS_PASSPHRASE_MAX)
        return (int)n;
    return ptn_error_set(err, PTN_ERR_LOCKED,
                         "%s has no passphrase of 1 to %d octets in its first "
                         "line",
                         path, PTN_TLS_PASSPHRASE_MAX);
}

static enum opening
try_file(struct ptn_keys *keys, const struct ptn_cert_conf *conf,
         struct ptn_buf *key, struct ptn_error *err)
{
    char secret[PTN_TLS_PASSPHRASE_MAX + 2];
    enum opening result = WRONG;
    int len;

    if (!conf->passphrase_file)
        return WRONG;
    len = read_secret(conf->passphrase_file, secret, err);
    if (len > 0) {
        result = try(keys, key, (struct ptn_slice){secret, (size_t)len}, err);
        if (result == WRONG)
            ptn_error_set(err, PTN_ERR_LOCKED, "%s has the wrong passphrase",
                          conf->passphrase_file);
    }
    ptn_wipe(secret, sizeof secret);
    return result;
}

static enum opening
try_escrow(struct ptn_keys *keys, const struct ptn_cert_conf *conf,
           struct ptn_buf *key, struct ptn_error *err)
{
    struct ptn_error wrong = PTN_ERROR_INIT;
    char secret[PTN_ESCROW_SECRET_MAX];
    enum opening result = WRONG;
    size_t len;

    len = keys->escrow ? ptn_escrow_get(keys->escrow, conf->name, secret) : 0;
    if (len > 0)
        result = try(keys, key, (struct ptn_slice){secret, len}, &wrong);
    if (result == UNFIT)
        *err = wrong;
    ptn_wipe(secret, sizeof secret);
    return result;
}

/* The one that waits for this certificate; NULL: there is none. */
static struct ptn_offer *
find_offer(struct ptn_keys *keys, const char *name)
{
    struct ptn_offer *o;

    pthread_mutex_lock(&keys->lock);
    o = keys->offers;
    while (o && (o->tried || strcmp(o->name, name) != 0))
        o = o->next;
    pthread_mutex_unlock(&keys->lock);
    return o;
}

static void
judge(struct ptn_keys *keys, struct ptn_offer *o, enum ptn_keys_verdict verdict,
      const struct ptn_error *why)
{
    pthread_mutex_lock(&keys->lock);
    o->verdict = verdict;
    o->why = *why;
    o->tried = true;
    ptn_safe_drop(&keys->safe, o->secret, o->len);
    o->secret = NULL;
    pthread_mutex_unlock(&keys->lock);
}

/* What somebody says now goes before what others said earlier. */
static enum opening
try_offer(struct ptn_keys *keys, const struct ptn_cert_conf *conf,
          struct ptn_offer *o, struct ptn_buf *key, struct ptn_error *why)
{
    struct ptn_slice secret = {o->secret, o->len};
    struct ptn_error err = PTN_ERROR_INIT;
    enum opening result = try(keys, key, secret, &err);
    enum ptn_keys_verdict verdict = PTN_KEYS_OPENED;

    if (result != OPEN)
        verdict = result == WRONG ? PTN_KEYS_WRONG : PTN_KEYS_FAILED;
    else if (ptn_escrow_put(keys->escrow, conf->name, secret, &err) != 0)
        ptn_log_error(PTN_LOG_WARNING, "certificate.passphrase-not-kept", &err);
    judge(keys, o, verdict, &err);
    if (result == UNFIT)
        *why = err;
    return result;
}

/* --- one key --- */

/* What it was behind the last time. */
static bool
open_again(struct ptn_keys *keys, const struct ptn_held *h, struct ptn_buf *key)
{
    struct ptn_slice sealed = ptn_buf_slice(&h->sealed);

    bool known = ptn_slice_eq(sealed, ptn_buf_slice(key));

    pthread_mutex_lock(&keys->lock);
    known = known && h->key && h->key == h->unsealed;
    if (known) {
        wipe_free(key);
        ptn_buf_reserve(key, h->key->pem_len + 1);
        ptn_buf_add(key, h->key->pem, h->key->pem_len);
    }
    pthread_mutex_unlock(&keys->lock);
    keys->opened.len = 0;
    if (known)
        ptn_buf_addslice(&keys->opened, sealed);
    return known;
}

/* Its command is asked once for each key that nothing else opens. */
static bool
want_command(struct ptn_held *h, const struct ptn_buf *key)
{
    uint64_t mark = ptn_siphash(no_key, key->data, key->len);

    if (h->conf->passphrase_command.count == 0 || h->commanded == mark)
        return false;
    h->commanded = mark;
    h->wants_command = true;
    return true;
}

static int
say_locked(struct ptn_held *h, const struct ptn_buf *key, struct ptn_error *err)
{
    struct ptn_error why = *err;
    const char *name = h->conf->name;

    if (want_command(h, key))
        return ptn_error_set(err, PTN_ERR_LOCKED,
                             "locked: its passphrase_command has not said the "
                             "passphrase yet");
    if (why.code == PTN_ERR_NONE && h->conf->passphrase_command.count > 0)
        ptn_error_set(&why, PTN_ERR_LOCKED,
                      "its passphrase_command said no passphrase that fits");
    if (why.code == PTN_ERR_NONE)
        return ptn_error_set(err, PTN_ERR_LOCKED,
                             "locked: run `posternctl cert unlock %s`", name);
    return ptn_error_set(err, PTN_ERR_LOCKED,
                         "locked: %s; mend that, or run `posternctl cert "
                         "unlock %s`",
                         why.text, name);
}

int
ptn_keys_unseal(void *arg, const struct ptn_cert_conf *conf,
                struct ptn_buf *key, struct ptn_error *err)
{
    struct ptn_keys *keys = arg;
    struct ptn_held *h = ptn_map_get(&keys->by_name, ptn_slice_of(conf->name));
    struct ptn_offer *offer = find_offer(keys, conf->name);
    enum opening result = WRONG;

    assert(h);
    if (offer)
        result = try_offer(keys, conf, offer, key, err);
    else if (open_again(keys, h, key))
        return 0;
    if (result == WRONG)
        result = try_file(keys, conf, key, err);
    if (result == WRONG)
        result = try_escrow(keys, conf, key, err);
    if (result == OPEN)
        return 0;
    return result == WRONG ? say_locked(h, key, err) : -1;
}

void
ptn_keys_opened(struct ptn_keys *keys, struct ptn_held *h)
{
    ptn_buf_free(&h->sealed);
    h->sealed = keys->opened; /* or nothing: the key is plain */
    h->unsealed = h->key;
    keys->opened = PTN_BUF_INIT;
}

const struct ptn_cert_conf *
ptn_keys_next_command(struct ptn_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        if (keys->held[i].wants_command) {
            keys->held[i].wants_command = false;
            return keys->held[i].conf;
        }
    return NULL;
}

/* --- offers --- */

void
ptn_keys_offer(struct ptn_keys *keys, const char *name,
               struct ptn_slice passphrase, unsigned tag)
{
    struct ptn_offer *o = ptn_alloc(sizeof *o);

    assert(passphrase.len <= PTN_TLS_PASSPHRASE_MAX);
    o->name = ptn_strdup(name);
    o->len = passphrase.len;
    o->tag = tag;
    pthread_mutex_lock(&keys->lock);
    o->secret = ptn_safe_keep(&keys->safe, passphrase);
    o->next = keys->offers;
    keys->offers = o;
    pthread_mutex_unlock(&keys->lock);
    (void)ptn_keys_mark_named(keys, name);
}

/* One that no key has asked for. */
static void
close_offer(struct ptn_keys *keys, struct ptn_offer *o)
{
    const struct ptn_held *h =
        ptn_map_get(&keys->by_name, ptn_slice_of(o->name));
    struct ptn_error why = PTN_ERROR_INIT;

    if (!h) {
        int result = ptn_escrow_put(
            keys->escrow, o->name, (struct ptn_slice){o->secret, o->len}, &why);

        judge(keys, o, result == 0 ? PTN_KEYS_KEPT : PTN_KEYS_FAILED, &why);
    } else if (h->refused || !h->good) {
        ptn_error_set(&why, PTN_ERR_TLS, "%s",
                      h->refused ? h->refused : h->problem.text);
        judge(keys, o, PTN_KEYS_FAILED, &why);
    } else {
        judge(keys, o, PTN_KEYS_PLAIN, &why);
    }
}

/* Those for marked certificates came too late for this load. */
void
ptn_keys_close_offers(struct ptn_keys *keys)
{
    struct ptn_offer *o;

    pthread_mutex_lock(&keys->lock);
    o = keys->offers;
    pthread_mutex_unlock(&keys->lock);
    for (; o; o = o->next) {
        const struct ptn_held *h =
            ptn_map_get(&keys->by_name, ptn_slice_of(o->name));

        if (!o->tried && !(h && h->marked))
            close_offer(keys, o);
    }
}

static void
free_offer(struct ptn_keys *keys, struct ptn_offer *o)
{
    if (o->secret)
        ptn_safe_drop(&keys->safe, o->secret, o->len);
    ptn_free(o->name);
    ptn_free(o);
}

/* Out of the list; NULL: none was tried. */
static struct ptn_offer *
take_tried(struct ptn_keys *keys)
{
    struct ptn_offer **link = &keys->offers, *o;

    pthread_mutex_lock(&keys->lock);
    while (*link && !(*link)->tried)
        link = &(*link)->next;
    o = *link;
    if (o)
        *link = o->next;
    pthread_mutex_unlock(&keys->lock);
    return o;
}

void
ptn_keys_each_verdict(struct ptn_keys *keys,
                      void (*fn)(void *arg, unsigned tag,
                                 enum ptn_keys_verdict verdict,
                                 const char *text),
                      void *arg)
{
    struct ptn_offer *o;

    while ((o = take_tried(keys))) {
        fn(arg, o->tag, o->verdict, o->why.text);
        free_offer(keys, o);
    }
}

void
ptn_keys_free_offers(struct ptn_keys *keys)
{
    struct ptn_offer *next;

    for (struct ptn_offer *o = keys->offers; o; o = next) {
        next = o->next;
        free_offer(keys, o);
    }
    keys->offers = NULL;
    ptn_buf_free(&keys->opened);
}
