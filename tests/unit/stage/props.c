/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A directory and a store with a will of their own: they answer what the
 * test wrote into the stage.
 */
#include "tests/unit/stage/props.h"
#include <ctype.h>

/* --- the directory --- */

static void
tell(struct stage *st, int number,
     void (*fn)(void *arg, const struct ptn_user *user), void *arg)
{
    struct ptn_user user = {.quota = number == 2 ? st->quota : 0};
    snprintf(user.name, sizeof(user.name), "user%d@example.test", number);
    fn(arg, &user);
}

static enum ptn_status
resolve(void *instance, struct ptn_slice address,
        void (*fn)(void *arg, const struct ptn_user *user), void *arg)
{
    struct stage *st = instance;
    char name[400];
    if (st->directory_status != PTN_OK)
        return st->directory_status;
    snprintf(name, sizeof(name), "%.*s", (int)address.len, address.data);
    if (strcasecmp(name, "team@example.test") == 0) {
        tell(st, 1, fn, arg);
        tell(st, 2, fn, arg);
    } else if (strcasecmp(name, "many@example.test") == 0) {
        for (int i = 1000; i < 1600; i++)
            tell(st, i, fn, arg);
    } else if (strcasecmp(name, "postmaster@example.test") == 0) {
        tell(st, 1, fn, arg);
    } else if (strlen(name) == 18 && isdigit((unsigned char)name[4])) {
        tell(st, name[4] - '0', fn, arg);
    } else {
        return PTN_NOTFOUND;
    }
    return PTN_OK;
}

static enum ptn_status
resolve_nowait(void *instance, struct ptn_slice address,
               void (*fn)(void *arg, const struct ptn_user *user), void *arg)
{
    struct stage *st = instance;
    return st->directory_slow ? PTN_WOULDBLOCK
                              : resolve(instance, address, fn, arg);
}

static enum ptn_status
may_send(void *instance, struct ptn_slice user, struct ptn_slice address)
{
    struct stage *st = instance;
    if (st->directory_status != PTN_OK)
        return st->directory_status;
    return ptn_slice_caseeq(user, S("user1@example.test")) &&
                   ptn_slice_caseeq(address, S("team@example.test"))
               ? PTN_OK
               : PTN_DENIED;
}

static const struct ptn_directory_ops directory_ops = {
    .size = sizeof(directory_ops),
    .resolve = resolve,
    .may_send = may_send,
    .resolve_nowait = resolve_nowait,
};

/* --- the store: one INBOX, UIDs 11, 12, ... --- */

static enum ptn_status
store_open(void *store, const char *user, struct ptn_slice mailbox,
           bool writable, struct ptn_mailbox **out,
           struct ptn_mailbox_info *info, struct ptn_uidmap *uids)
{
    struct stage *st = store;
    (void)writable;
    assert_string_equal(user, "user1@example.test");
    assert_true(ptn_slice_eq(mailbox, S("INBOX")));
    if (st->open_status != PTN_OK)
        return st->open_status;
    memset(info, 0, sizeof(*info));
    info->uidvalidity = st->uidvalidity;
    for (uint32_t i = 0; i < st->message_count; i++) {
        if (st->messages[i].gone)
            continue;
        ptn_uidmap_add(uids, 11 + i, 11 + i);
        info->messages++;
        info->size += strlen(st->messages[i].text);
    }
    *out = ptn_alloc(1);
    return PTN_OK;
}

static void
store_close(void *store, struct ptn_mailbox *mailbox)
{
    (void)store;
    ptn_free(mailbox);
}

static struct stage_message *
message_of(struct stage *st, uint32_t uid)
{
    assert_in_range(uid, 11, 10 + st->message_count);
    struct stage_message *m = &st->messages[uid - 11];
    return m->gone ? NULL : m;
}

static enum ptn_status
store_fetch(void *store, struct ptn_mailbox *mailbox, const uint32_t *uids,
            size_t count, unsigned items,
            bool (*fn)(void *arg, const struct ptn_message *message), void *arg)
{
    struct stage *st = store;
    (void)mailbox;
    (void)items;
    if (st->fetch_status != PTN_OK)
        return st->fetch_status;
    for (size_t i = 0; i < count; i++) {
        const struct stage_message *m = message_of(st, uids[i]);
        struct ptn_message told = {.uid = uids[i]};
        if (!m)
            continue;
        told.size = strlen(m->text);
        if (!fn(arg, &told))
            break;
    }
    return PTN_OK;
}

struct ptn_body {
    const struct stage *stage;
    const char *text;
};

static enum ptn_status
body_open(void *store, struct ptn_mailbox *mailbox, uint32_t uid,
          struct ptn_body **out, uint64_t *size)
{
    struct stage *st = store;
    const struct stage_message *m = message_of(st, uid);
    (void)mailbox;
    if (st->body_status != PTN_OK)
        return st->body_status;
    if (!m)
        return PTN_NOTFOUND;
    *out = ptn_alloc(sizeof(**out));
    (*out)->stage = st;
    (*out)->text = m->text;
    *size = strlen(m->text);
    return PTN_OK;
}

static ptrdiff_t
body_read(void *store, struct ptn_body *body, uint64_t offset, void *into,
          size_t len, bool nowait)
{
    size_t size = strlen(body->text);
    (void)store;
    if (nowait)
        return -2;
    if (body->stage->read_fails)
        return -1;
    if (offset >= size)
        return 0;
    if (len > size - offset)
        len = (size_t)(size - offset);
    memcpy(into, body->text + offset, len);
    return (ptrdiff_t)len;
}

static void
body_close(void *store, struct ptn_body *body)
{
    (void)store;
    ptn_free(body);
}

static void
expunge(void *store, struct ptn_store_expunge *op)
{
    struct stage *st = store;
    assert_true(op->any);
    op->op.status = st->expunge_status;
    for (size_t i = 0; i < op->count && op->op.status == PTN_OK; i++) {
        size_t at = strlen(st->expunged);
        snprintf(st->expunged + at, sizeof(st->expunged) - at, "%u ",
                 (unsigned)op->uids[i]);
        op->removed++;
    }
}

/* As the contract says: all or nothing when `atomic`. */
static void
deliver(void *store, struct ptn_store_deliver *op)
{
    struct stage *st = store;
    struct stage_delivery *d = &st->delivery;
    bool failed = false, any = false;
    d->calls++;
    d->atomic = op->atomic;
    d->prefix.len = d->body.len = d->users.len = 0;
    ptn_buf_addslice(&d->prefix, op->content->prefix);
    ptn_buf_addslice(&d->body, op->content->body);
    for (size_t i = 0; i < op->count; i++) {
        struct ptn_store_target *t = &op->targets[i];
        t->status = st->deliver_status[t->user[4] - '0'];
        ptn_buf_printf(&d->users, "%s ", t->user);
        failed = failed || t->status != PTN_OK;
        any = any || t->status == PTN_OK;
    }
    op->op.status = (op->atomic ? !failed : any) ? PTN_OK : PTN_TEMPFAIL;
    for (size_t i = 0; op->op.status != PTN_OK && i < op->count; i++)
        if (op->targets[i].status != PTN_OK)
            op->op.status = op->targets[i].status;
}

static enum ptn_status
usage(void *store, const char *user, uint64_t *octets)
{
    (void)store;
    *octets = strcmp(user, "user2@example.test") == 0 ? 1000 : 0;
    return PTN_OK;
}

static const struct ptn_store_ops store_ops = {
    .size = sizeof(store_ops),
    .open = store_open,
    .close = store_close,
    .fetch = store_fetch,
    .body_open = body_open,
    .body_read = body_read,
    .body_close = body_close,
    .deliver = deliver,
    .expunge = expunge,
    .usage = usage,
};

void
stage_props_offer(struct stage *st)
{
    struct ptn_modules *m = &st->modules;
    m->provided = ptn_alloc(2 * sizeof(*m->provided));
    m->provided[0] =
        (struct ptn_provided){PTN_DIRECTORY_CONTRACT, PTN_DIRECTORY_VERSION,
                              &directory_ops, st, &st->host};
    m->provided[1] = (struct ptn_provided){
        PTN_STORE_CONTRACT, PTN_STORE_VERSION, &store_ops, st, &st->host};
    m->provided_count = 2;
    if (!st->uidvalidity)
        st->uidvalidity = 7;
}

void
stage_props_free(struct stage *st)
{
    ptn_buf_free(&st->delivery.prefix);
    ptn_buf_free(&st->delivery.body);
    ptn_buf_free(&st->delivery.users);
}
