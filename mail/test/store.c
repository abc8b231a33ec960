/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The store of <postern/mail/test.h>: mailboxes in arrays, a module like any
 * other. One thread.
 */
#include <assert.h>
#include <postern/arena.h>
#include <postern/buf.h>
#include <postern/mail/set.h>
#include <postern/mail/test.h>
#include <stdlib.h>

#define BOXES_MAX 64

struct message {
    struct ptn_message meta;
    struct ptn_buf body, envelope, structure, parts;
    unsigned refs;
};

struct box {
    char name[PTN_MAILBOX_NAME_MAX + 1];
    bool exists, subscribed;
    unsigned special_use;
    uint32_t uidvalidity, uidnext, recent_from;
    uint64_t modseq;
    struct message **messages;
    size_t count;
    struct ptn_slice keywords[PTN_KEYWORDS_MAX];
    size_t keyword_count;
};

struct store {
    struct ptn_test_store knobs;  /* what the test sees: comes first */
    struct box *boxes[BOXES_MAX]; /* in name order, INBOX first */
    size_t count;
    uint32_t next_validity;
    struct ptn_store_watch *watches;
};

struct ptn_mailbox {
    struct box *box;
};

struct ptn_body {
    struct message *message;
};

struct ptn_store_watch {
    struct box *box;
    void (*fn)(void *arg);
    void *arg;
    struct ptn_store_watch *next;
};

static void
message_unref(struct message *m)
{
    if (--m->refs)
        return;
    ptn_buf_free(&m->body);
    ptn_buf_free(&m->envelope);
    ptn_buf_free(&m->structure);
    ptn_buf_free(&m->parts);
    ptn_free(m);
}

/* --- mailboxes --- */

static struct box *
find_box(struct store *store, struct ptn_slice name)
{
    for (size_t i = 0; i < store->count; i++)
        if (ptn_slice_eq(ptn_slice_of(store->boxes[i]->name), name))
            return store->boxes[i];
    return NULL;
}

static struct box *
open_box(struct store *store, struct ptn_slice name)
{
    struct box *box = find_box(store, name);

    return box && box->exists ? box : NULL;
}

static int
by_name(const void *left, const void *right)
{
    const struct box *const *a = left, *const *b = right;
    bool inbox_a = strcmp((*a)->name, "INBOX") == 0,
         inbox_b = strcmp((*b)->name, "INBOX") == 0;

    return inbox_a != inbox_b ? inbox_b - inbox_a
                              : strcmp((*a)->name, (*b)->name);
}

static struct box *
make_box(struct store *store, struct ptn_slice name)
{
    struct box *box = find_box(store, name);

    if (box)
        return box;
    if (store->count == BOXES_MAX)
        return NULL;
    box = ptn_alloc(sizeof(*box));
    memcpy(box->name, name.data, name.len);
    store->boxes[store->count++] = box;
    qsort(store->boxes, store->count, sizeof(struct box *), by_name);
    return box;
}

static void
bring_to_life(struct store *store, struct box *box)
{
    box->exists = true;
    box->uidvalidity = ++store->next_validity;
    box->uidnext = 1;
    box->recent_from = 1;
    box->modseq = 1;
}

static void
empty_box(struct box *box)
{
    for (size_t i = 0; i < box->count; i++)
        message_unref(box->messages[i]);
    ptn_free(box->messages);
    for (size_t i = 0; i < box->keyword_count; i++)
        free((void *)(uintptr_t)box->keywords[i].data);
    box->messages = NULL;
    box->count = 0;
    box->keyword_count = 0;
    box->exists = false;
}

static void
touch(struct store *store, struct box *box)
{
    for (struct ptn_store_watch *w = store->watches; w; w = w->next)
        if (w->box == box)
            w->fn(w->arg);
}

static bool
has_children(struct store *store, const struct box *parent)
{
    size_t len = strlen(parent->name);

    for (size_t i = 0; i < store->count; i++)
        if (store->boxes[i]->exists &&
            strncmp(store->boxes[i]->name, parent->name, len) == 0 &&
            store->boxes[i]->name[len] == '/')
            return true;
    return false;
}

static enum ptn_status
op_list(void *arg, const char *user,
        bool (*fn)(void *arg, const struct ptn_mailbox_entry *entry),
        void *fn_arg)
{
    struct store *store = arg;

    (void)user;
    for (size_t i = 0; i < store->count; i++) {
        const struct box *box = store->boxes[i];
        struct ptn_mailbox_entry entry = {
            .name = ptn_slice_of(box->name),
            .exists = box->exists,
            .subscribed = box->subscribed,
            .has_children = has_children(store, box),
            .special_use = box->special_use,
        };

        if ((entry.exists || entry.subscribed || entry.has_children) &&
            !fn(fn_arg, &entry))
            break;
    }
    return PTN_OK;
}

static void
fill_info(struct box *box, struct ptn_mailbox_info *out)
{
    memset(out, 0, sizeof(*out));
    out->uidvalidity = box->uidvalidity;
    out->uidnext = box->uidnext;
    out->messages = (uint32_t)box->count;
    out->modseq = box->modseq;
    out->recent_from = box->recent_from;
    out->keywords = box->keywords;
    out->keyword_count = box->keyword_count;
    for (size_t i = 0; i < box->count; i++) {
        const struct ptn_message *m = &box->messages[i]->meta;

        out->size += m->size;
        out->recent += m->uid >= box->recent_from;
        out->deleted += !!(m->flags.system & PTN_FLAG_DELETED);
        if (m->flags.system & PTN_FLAG_SEEN)
            continue;
        out->unseen++;
        if (out->first_unseen == 0)
            out->first_unseen = m->uid;
    }
}

static enum ptn_status
op_status(void *arg, const char *user, struct ptn_slice name,
          struct ptn_mailbox_info *out)
{
    struct box *box = open_box(arg, name);

    (void)user;
    if (box == NULL)
        return PTN_NOTFOUND;
    fill_info(box, out);
    return PTN_OK;
}

static enum ptn_status
op_open(void *arg, const char *user, struct ptn_slice name, bool writable,
        struct ptn_mailbox **out, struct ptn_mailbox_info *info,
        struct ptn_uidmap *uids)
{
    struct store *store = arg;
    struct box *box = open_box(store, name);

    (void)user;
    if (box == NULL || store->knobs.open != PTN_OK)
        return box ? store->knobs.open : PTN_NOTFOUND;
    *out = ptn_alloc(sizeof(**out));
    (*out)->box = box;
    fill_info(box, info);
    if (writable)
        box->recent_from = box->uidnext;
    for (size_t i = 0; i < box->count; i++)
        ptn_uidmap_add(uids, box->messages[i]->meta.uid,
                       box->messages[i]->meta.uid);
    return PTN_OK;
}

static void
op_close(void *arg, struct ptn_mailbox *mailbox)
{
    (void)arg;
    ptn_free(mailbox);
}

static enum ptn_status
op_info(void *arg, struct ptn_mailbox *mailbox, struct ptn_mailbox_info *out)
{
    (void)arg;
    if (!mailbox->box->exists)
        return PTN_NOTFOUND;
    fill_info(mailbox->box, out);
    return PTN_OK;
}

/* --- messages --- */

static struct message *
find_message(const struct box *box, uint32_t uid)
{
    for (size_t i = 0; i < box->count; i++)
        if (box->messages[i]->meta.uid == uid)
            return box->messages[i];
    return NULL;
}

static enum ptn_status
op_fetch(void *arg, struct ptn_mailbox *mailbox, const uint32_t *uids,
         size_t count, unsigned items,
         bool (*fn)(void *arg, const struct ptn_message *message), void *fn_arg)
{
    const struct store *store = arg;

    if (!mailbox->box->exists || store->knobs.fetch != PTN_OK)
        return mailbox->box->exists ? store->knobs.fetch : PTN_NOTFOUND;
    for (size_t i = 0; i < count; i++) {
        struct message *m = find_message(mailbox->box, uids[i]);
        struct ptn_message copy;

        if (m == NULL)
            continue;
        copy = m->meta;
        if (items & PTN_FETCH_ENVELOPE)
            copy.envelope = ptn_buf_slice(&m->envelope);
        if (items & PTN_FETCH_STRUCTURE)
            copy.structure = ptn_buf_slice(&m->structure);
        if (items & PTN_FETCH_PARTS)
            copy.parts = ptn_buf_slice(&m->parts);
        if (!fn(fn_arg, &copy))
            break;
    }
    return PTN_OK;
}

static enum ptn_status
op_changes(void *arg, struct ptn_mailbox *mailbox, uint64_t modseq,
           const struct ptn_uidmap *known, const struct ptn_store_changes *tell,
           uint64_t *now)
{
    struct box *box = mailbox->box;
    uint32_t uid = 0;

    (void)arg;
    if (!box->exists)
        return PTN_NOTFOUND;
    for (size_t i = 0; i < box->count; i++)
        if (box->messages[i]->meta.modseq > modseq)
            tell->changed(tell->arg, &box->messages[i]->meta);
    while (box->modseq > modseq && (uid = ptn_uidmap_next(known, uid + 1)) != 0)
        if (find_message(box, uid) == NULL)
            tell->vanished(tell->arg, uid);
    *now = box->modseq;
    return PTN_OK;
}

static enum ptn_status
op_body_open(void *arg, struct ptn_mailbox *mailbox, uint32_t uid,
             struct ptn_body **out, uint64_t *size)
{
    struct message *m = find_message(mailbox->box, uid);
    const struct store *store = arg;

    if (m == NULL || store->knobs.body != PTN_OK)
        return m ? store->knobs.body : PTN_NOTFOUND;
    m->refs++;
    *out = ptn_alloc(sizeof(**out));
    (*out)->message = m;
    *size = m->body.len;
    return PTN_OK;
}

static ptrdiff_t
op_body_read(void *arg, struct ptn_body *body, uint64_t offset, void *into,
             size_t len, bool nowait)
{
    const struct ptn_buf *b = &body->message->body;
    struct store *store = arg;

    if (nowait && store->knobs.cold)
        return -2;
    if (store->knobs.unreadable)
        return -1;
    if (offset >= b->len)
        return 0;
    if (len > b->len - offset)
        len = (size_t)(b->len - offset);
    if (len > 100) /* short reads are allowed */
        len = 100;
    memcpy(into, b->data + offset, len);
    return (ptrdiff_t)len;
}

static void
op_body_close(void *arg, struct ptn_body *body)
{
    (void)arg;
    message_unref(body->message);
    ptn_free(body);
}

static struct ptn_store_watch *
op_watch(void *arg, struct ptn_mailbox *mailbox, void (*fn)(void *arg),
         void *fn_arg)
{
    struct store *store = arg;
    struct ptn_store_watch *w = ptn_alloc(sizeof(*w));

    *w = (struct ptn_store_watch){mailbox->box, fn, fn_arg, store->watches};
    store->watches = w;
    return w;
}

static void
op_unwatch(void *arg, struct ptn_store_watch *watch)
{
    struct store *store = arg;
    struct ptn_store_watch **at = &store->watches;

    while (*at != watch)
        at = &(*at)->next;
    *at = watch->next;
    ptn_free(watch);
}

/* --- operations --- */

/* What the test wants of operations. */
static enum ptn_status
wanted(const void *store)
{
    return ((const struct store *)store)->knobs.operation;
}

static void
finish(struct ptn_store_op *op, enum ptn_status status)
{
    op->status = status;
    ptn_job_complete(&op->job);
}

/* Bits of the keywords, which are made where they are missing. */
static bool
keyword_bits(struct box *box, const struct ptn_slice *names, size_t count,
             uint64_t *bits)
{
    *bits = 0;
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;

        while (k < box->keyword_count &&
               !ptn_slice_caseeq(box->keywords[k], names[i]))
            k++;
        if (k == PTN_KEYWORDS_MAX)
            return false;
        if (k == box->keyword_count)
            box->keywords[box->keyword_count++] = (struct ptn_slice){
                strndup(names[i].data, names[i].len), names[i].len};
        *bits |= UINT64_C(1) << k;
    }
    return true;
}

static struct message *
add_message(struct box *box)
{
    struct message *m = ptn_alloc(sizeof(*m));

    box->messages =
        ptn_realloc(box->messages, (box->count + 1) * sizeof(*box->messages));
    box->messages[box->count++] = m;
    m->refs = 1;
    m->meta.uid = box->uidnext++;
    m->meta.modseq = ++box->modseq;
    return m;
}

static struct message *
keep(struct box *box, const struct ptn_content *content)
{
    struct message *m = add_message(box);

    ptn_buf_addslice(&m->body, content->prefix);
    ptn_buf_addslice(&m->body, content->body);
    ptn_buf_addslice(&m->envelope, content->envelope);
    ptn_buf_addslice(&m->structure, content->structure);
    ptn_buf_addslice(&m->parts, content->parts);
    m->meta.size = m->body.len;
    return m;
}

static void
op_append(void *arg, struct ptn_store_append *op)
{
    struct store *store = arg;
    struct box *box = open_box(store, op->mailbox);
    struct message *m;
    uint64_t bits;

    if (wanted(arg) != PTN_OK || box == NULL ||
        !keyword_bits(box, op->keywords, op->keyword_count, &bits)) {
        finish(&op->op, wanted(arg) ? wanted(arg)
                        : box       ? PTN_LIMIT
                                    : PTN_NOTFOUND);
        return;
    }
    m = keep(box, op->content);
    m->meta.flags = (struct ptn_flags){bits, op->system_flags};
    if (op->internal_date != INT64_MIN) {
        m->meta.internal_date = op->internal_date;
        m->meta.internal_zone = op->internal_zone;
    }
    op->uidvalidity = box->uidvalidity;
    op->uid = m->meta.uid;
    touch(store, box);
    finish(&op->op, PTN_OK);
}

static enum ptn_status
rename_box(struct store *store, struct box *box,
           const struct ptn_store_mailbox *op)
{
    struct box *target;

    if (box == NULL)
        return PTN_NOTFOUND;
    if (open_box(store, op->new_name))
        return PTN_EXISTS;
    if (strcmp(box->name, "INBOX") == 0)
        return PTN_UNSUPPORTED; /* the fake does not know how */
    target = make_box(store, op->new_name);
    if (target == NULL)
        return PTN_LIMIT;
    memset(box->name, 0, sizeof(box->name));
    memcpy(box->name, op->new_name.data, op->new_name.len);
    memcpy(target->name, op->name.data, op->name.len);
    target->name[op->name.len] = 0;
    qsort(store->boxes, store->count, sizeof(struct box *), by_name);
    return PTN_OK;
}

static enum ptn_status
change_box(struct store *store, const struct ptn_store_mailbox *op)
{
    struct box *box = open_box(store, op->name);

    switch (op->change) {
    case PTN_MAILBOX_CREATE:
        if (box)
            return PTN_EXISTS;
        box = make_box(store, op->name);
        if (box == NULL)
            return PTN_LIMIT;
        bring_to_life(store, box);
        box->special_use = op->special_use;
        return PTN_OK;
    case PTN_MAILBOX_DELETE:
        if (box == NULL)
            return PTN_NOTFOUND;
        if (strcmp(box->name, "INBOX") == 0)
            return PTN_DENIED;
        touch(store, box);
        empty_box(box);
        return PTN_OK;
    case PTN_MAILBOX_RENAME:
        return rename_box(store, box, op);
    case PTN_MAILBOX_SUBSCRIBE:
    case PTN_MAILBOX_UNSUBSCRIBE:
        box = make_box(store, op->name);
        if (box == NULL)
            return PTN_LIMIT;
        box->subscribed = op->change == PTN_MAILBOX_SUBSCRIBE;
        return PTN_OK;
    }
    return PTN_UNSUPPORTED;
}

static void
op_change(void *arg, struct ptn_store_mailbox *op)
{
    finish(&op->op, wanted(arg) ? wanted(arg) : change_box(arg, op));
}

static struct ptn_flags
changed_flags(const struct ptn_flags *old, const struct ptn_store_flags *op,
              uint64_t bits)
{
    switch (op->change) {
    case PTN_FLAGS_ADD:
        return (struct ptn_flags){old->keywords | bits,
                                  old->system | op->system_flags};
    case PTN_FLAGS_REMOVE:
        return (struct ptn_flags){old->keywords & ~bits,
                                  old->system & ~op->system_flags};
    case PTN_FLAGS_SET:
        break;
    }
    return (struct ptn_flags){bits, op->system_flags};
}

static void
op_flags(void *arg, struct ptn_store_flags *op)
{
    struct box *box = op->mailbox->box;
    uint64_t bits, next = box->modseq + 1;

    if (wanted(arg) != PTN_OK || !box->exists ||
        !keyword_bits(box, op->keywords, op->keyword_count, &bits)) {
        finish(&op->op, wanted(arg)   ? wanted(arg)
                        : box->exists ? PTN_LIMIT
                                      : PTN_NOTFOUND);
        return;
    }
    for (size_t i = 0; i < op->count; i++) {
        struct message *m = find_message(box, op->uids[i]);
        struct ptn_flags flags;

        if (m == NULL || m->meta.modseq > op->unchanged_since)
            continue;
        flags = changed_flags(&m->meta.flags, op, bits);
        if (flags.system == m->meta.flags.system &&
            flags.keywords == m->meta.flags.keywords)
            continue;
        m->meta.flags = flags;
        m->meta.modseq = box->modseq = next;
        op->changed++;
    }
    op->modseq = box->modseq;
    touch(arg, box);
    finish(&op->op, PTN_OK);
}

static bool
is_listed(const uint32_t *uids, size_t count, uint32_t uid)
{
    for (size_t i = 0; i < count; i++)
        if (uids[i] == uid)
            return true;
    return uids == NULL;
}

static void
remove_message(struct box *box, size_t i)
{
    message_unref(box->messages[i]);
    memmove(box->messages + i, box->messages + i + 1,
            (box->count - i - 1) * sizeof(*box->messages));
    box->count--;
}

static void
op_expunge(void *arg, struct ptn_store_expunge *op)
{
    struct box *box = op->mailbox->box;

    if (wanted(arg) != PTN_OK || !box->exists) {
        finish(&op->op, wanted(arg) ? wanted(arg) : PTN_NOTFOUND);
        return;
    }
    box->modseq++;
    for (size_t i = box->count; i-- > 0;) {
        const struct ptn_message *m = &box->messages[i]->meta;

        if (!is_listed(op->uids, op->count, m->uid) ||
            (!op->any && !(m->flags.system & PTN_FLAG_DELETED)))
            continue;
        remove_message(box, i);
        op->removed++;
    }
    op->modseq = box->modseq;
    touch(arg, box);
    finish(&op->op, PTN_OK);
}

static uint32_t
copy_message(struct box *from, struct box *to, const struct message *m)
{
    struct message *copy = add_message(to);
    uint64_t bits = 0, one;

    for (size_t k = 0; k < from->keyword_count; k++)
        if ((m->meta.flags.keywords >> k & 1) &&
            keyword_bits(to, &from->keywords[k], 1, &one))
            bits |= one;
    ptn_buf_addslice(&copy->body, ptn_buf_slice(&m->body));
    ptn_buf_addslice(&copy->envelope, ptn_buf_slice(&m->envelope));
    ptn_buf_addslice(&copy->structure, ptn_buf_slice(&m->structure));
    ptn_buf_addslice(&copy->parts, ptn_buf_slice(&m->parts));
    copy->meta.size = m->meta.size;
    copy->meta.internal_date = m->meta.internal_date;
    copy->meta.internal_zone = m->meta.internal_zone;
    copy->meta.flags = (struct ptn_flags){bits, m->meta.flags.system};
    return copy->meta.uid;
}

static void
op_copy(void *arg, struct ptn_store_copy *op)
{
    struct box *from = op->source->box, *to = open_box(arg, op->target);

    if (wanted(arg) != PTN_OK || to == NULL || !from->exists) {
        finish(&op->op, wanted(arg) ? wanted(arg) : PTN_NOTFOUND);
        return;
    }
    for (size_t i = 0; i < op->count; i++) {
        struct message *m = find_message(from, op->uids[i]);

        op->out_uids[i] = m ? copy_message(from, to, m) : 0;
    }
    for (size_t i = from->count; op->move && i-- > 0;)
        if (is_listed(op->uids, op->count, from->messages[i]->meta.uid))
            remove_message(from, i);
    from->modseq += op->move;
    op->uidvalidity = to->uidvalidity;
    touch(arg, from);
    touch(arg, to);
    finish(&op->op, PTN_OK);
}

/* --- deliveries --- */

static enum ptn_status
status_of(const struct store *store, const char *user)
{
    bool known = strncmp(user, "user", 4) == 0 && user[4] >= '0' &&
                 user[4] <= '9' && user[5] == '@';

    return known ? store->knobs.users[user[4] - '0'] : PTN_OK;
}

/* Looks at each target; whether the message is kept. */
static bool
judge(const struct store *store, struct ptn_store_deliver *op)
{
    bool failed = false, any = false;

    op->op.status = PTN_TEMPFAIL;
    for (size_t i = 0; i < op->count; i++) {
        struct ptn_store_target *t = &op->targets[i];

        t->status = status_of(store, t->user);
        if (t->status != PTN_OK && !failed)
            op->op.status = t->status;
        failed = failed || t->status != PTN_OK;
        any = any || t->status == PTN_OK;
    }
    return op->atomic ? !failed : any;
}

static void
op_deliver(void *arg, struct ptn_store_deliver *op)
{
    struct store *store = arg;
    struct ptn_test_store *k = &store->knobs;
    struct box *inbox = open_box(store, PTN_SLICE("INBOX"));

    k->deliveries++;
    k->atomic = op->atomic;
    k->prefix.len = k->text.len = k->recipients.len = 0;
    ptn_buf_addslice(&k->prefix, op->content->prefix);
    ptn_buf_addslice(&k->text, op->content->body);
    for (size_t i = 0; i < op->count; i++)
        ptn_buf_printf(&k->recipients, "%s ", op->targets[i].user);
    if (wanted(arg) != PTN_OK) {
        finish(&op->op, wanted(arg));
        return;
    }
    if (!judge(store, op)) {
        finish(&op->op, op->op.status);
        return;
    }
    for (size_t i = 0; i < op->count; i++)
        if (op->targets[i].status == PTN_OK)
            op->targets[i].uid = keep(inbox, op->content)->meta.uid;
    touch(store, inbox);
    finish(&op->op, PTN_OK);
}

static enum ptn_status
op_usage(void *arg, const char *user, uint64_t *octets)
{
    const struct store *store = arg;

    *octets = strcmp(user, "user2@example.test") == 0 ? store->knobs.usage : 0;
    return PTN_OK;
}

static const struct ptn_store_ops ops = {
    .size = sizeof(struct ptn_store_ops),
    .list = op_list,
    .status = op_status,
    .open = op_open,
    .close = op_close,
    .info = op_info,
    .fetch = op_fetch,
    .changes = op_changes,
    .body_open = op_body_open,
    .body_read = op_body_read,
    .body_close = op_body_close,
    .watch = op_watch,
    .unwatch = op_unwatch,
    .deliver = op_deliver,
    .append = op_append,
    .change = op_change,
    .flags = op_flags,
    .expunge = op_expunge,
    .copy = op_copy,
    .usage = op_usage,
};

/* --- the module --- */

static int
init(struct ptn_host *host, const void *options, void **instance,
     struct ptn_error *err)
{
    struct store *store = ptn_alloc(sizeof *store);

    (void)options, (void)err;
    bring_to_life(store, make_box(store, PTN_SLICE("INBOX")));
    ptn_host_provide(host, PTN_STORE_CONTRACT, PTN_STORE_VERSION, &ops, store);
    *instance = store;
    return 0;
}

static void
stop(void *instance)
{
    struct store *store = instance;

    for (size_t i = 0; i < store->count; i++) {
        empty_box(store->boxes[i]);
        ptn_free(store->boxes[i]);
    }
    assert(store->watches == NULL); /* else a session has forgotten one */
    ptn_buf_free(&store->knobs.prefix);
    ptn_buf_free(&store->knobs.text);
    ptn_buf_free(&store->knobs.recipients);
    ptn_free(store);
}

const struct ptn_module ptn_test_store_module = {
    PTN_MODULE_HEAD,
    .name = "test_store",
    .version = "1",
    .license = "LGPL-2.1-or-later",
    .doc = "mail for tests",
    .provides =
        (const struct ptn_contract[]){{PTN_STORE_CONTRACT, PTN_STORE_VERSION},
                                      {NULL, 0}},
    .init = init,
    .stop = stop,
};

/* --- what tests ask --- */

struct ptn_test_store *
ptn_test_store(struct ptn_test *test)
{
    const void *found;
    void *instance;
    bool good = ptn_test_find(test, PTN_STORE_CONTRACT, PTN_STORE_VERSION,
                              &found, &instance);

    assert(good && found == &ops); /* else the module is not loaded */
    return instance;
}

static struct box *
inbox_of(const struct ptn_test_store *store)
{
    return ((const struct store *)(const void *)store)->boxes[0];
}

uint32_t
ptn_test_store_add(struct ptn_test_store *store, const char *text)
{
    struct ptn_content content = {.body = ptn_slice_of(text)};
    struct message *m = keep(inbox_of(store), &content);

    touch((struct store *)(void *)store, inbox_of(store));
    return m->meta.uid;
}

uint32_t
ptn_test_store_count(const struct ptn_test_store *store)
{
    return (uint32_t)inbox_of(store)->count;
}

bool
ptn_test_store_has(const struct ptn_test_store *store, uint32_t uid)
{
    return find_message(inbox_of(store), uid) != NULL;
}

void
ptn_test_store_remove(struct ptn_test_store *store, uint32_t uid)
{
    struct box *box = inbox_of(store);

    for (size_t i = box->count; i-- > 0;)
        if (box->messages[i]->meta.uid == uid)
            remove_message(box, i);
    box->modseq++;
    touch((struct store *)(void *)store, box);
}
