/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * RCPT (RFC 5321 section 4.1.1.3). A recipient is one of ours or refused.
 * The directory is asked on the loop if it has the answer in memory, else
 * on a lane; core holds back pipelined commands meanwhile, so the replies
 * keep their order.
 */
#include "args.h"
#include "tx.h"
#include <postern/log.h>

static void
collect(void *arg, const struct ptn_user *user)
{
    ptn_buf_add(arg, user, sizeof(*user));
}

static void
resolve_run(struct ptn_job *job)
{
    struct smtp_tx *tx = PTN_CONTAINER(job, struct smtp_tx, lookup.job);
    tx->lookup.status = tx->smtp->directory->resolve(
        tx->smtp->directory_instance, tx->lookup.address, collect,
        &tx->lookup.users);
}

static enum ptn_result
refuse_rcpt(struct ptn_session *s, struct ptn_slice address, const char *text)
{
    ptn_log(PTN_LOG_INFO, "smtp.rcpt-refused",
            PTN_FS("session", ptn_session_id(s)), PTN_F("rcpt", address),
            PTN_FS("from", smtp_state(s)->tx->sender), PTN_FS("answer", text));
    smtp_reply(s, text);
    if (*text == '5')
        ptn_session_error(s);
    return PTN_DONE;
}

/* A quota is looked at before the content comes, so that refusing after it
 * is rare: one answer then counts for all recipients. */
static const char *
check_quota(const struct smtp_tx *tx, const struct ptn_user *user)
{
    const struct ptn_store_ops *store = tx->smtp->store;
    uint64_t used = 0;
    if (user->quota == 0)
        return NULL;
    if (tx->declared > user->quota)
        return "552 5.2.2 The message is bigger than the mailbox";
    if (!PTN_HAS(store, struct ptn_store_ops, usage) || !store->usage)
        return NULL;
    if (store->usage(tx->smtp->store_instance, user->name, &used) != PTN_OK)
        return NULL; /* the delivery will tell */
    return used >= user->quota || tx->declared > user->quota - used
               ? "452 4.2.2 Mailbox full"
               : NULL;
}

static const char *
lookup_reply(enum ptn_status status)
{
    switch (status) {
    case PTN_NOTFOUND:
        return "550 5.1.1 No such mailbox here";
    case PTN_DENIED:
        return "550 5.2.1 This mailbox takes no mail";
    case PTN_PERMFAIL:
        return "550 5.3.5 This address is not configured right";
    default:
        return "451 4.3.0 Cannot look up the recipient, try again later";
    }
}

/* The directory has answered. */
static enum ptn_result
resolved(struct ptn_session *s, struct smtp_tx *tx)
{
    const struct ptn_user *users = (const void *)tx->lookup.users.data;
    size_t count = tx->lookup.users.len / sizeof(*users);
    struct ptn_slice address = tx->lookup.address;
    const char *no = NULL;
    if (tx->lookup.status == PTN_OK && count == 0)
        tx->lookup.status = PTN_NOTFOUND;
    if (tx->lookup.status != PTN_OK)
        no = lookup_reply(tx->lookup.status);
    for (size_t i = 0; !no && i < count; i++)
        no = check_quota(tx, &users[i]);
    if (!no && !smtp_tx_add_rcpt(tx, address, users, count))
        no = "452 4.5.3 Too many mailboxes for one message";
    tx->lookup.users.len = 0;
    if (no)
        return refuse_rcpt(s, address, no);
    smtp_reply(s, "250 2.1.5 Ok");
    return PTN_DONE;
}

static enum ptn_result
resolve_done(struct ptn_session *s, struct ptn_job *job)
{
    if (job->cancelled)
        return PTN_CLOSE;
    return resolved(s, PTN_CONTAINER(job, struct smtp_tx, lookup.job));
}

static enum ptn_result
resolve(struct ptn_session *s, struct smtp_tx *tx)
{
    const struct ptn_directory_ops *directory = tx->smtp->directory;
    struct smtp_lookup *l = &tx->lookup;
    l->status = PTN_WOULDBLOCK;
    if (PTN_HAS(directory, struct ptn_directory_ops, resolve_nowait) &&
        directory->resolve_nowait)
        l->status = directory->resolve_nowait(tx->smtp->directory_instance,
                                              l->address, collect, &l->users);
    if (l->status != PTN_WOULDBLOCK)
        return resolved(s, tx);
    l->job = (struct ptn_job){.run = resolve_run, .done = resolve_done};
    if (ptn_session_run(s, PTN_LANE_SLOW, &l->job) == 0)
        return PTN_PENDING;
    smtp_reply(s, "451 4.3.2 Too busy, try again later");
    return PTN_DONE;
}

/* Why RCPT cannot be said now, or NULL. */
static const char *
objection(struct ptn_session *s)
{
    const struct smtp_tx *tx = smtp_state(s)->tx;
    if (!tx)
        return "503 5.5.1 Say MAIL first";
    if (tx->chunked)
        return "503 5.5.1 The message has begun";
    return NULL;
}

/* The text form of the recipient. RFC 5321 section 4.5.1: "Postmaster"
 * without a domain is ours, too. */
static const char *
address_of(struct ptn_session *s, const struct ptn_path *path,
           struct ptn_slice *out)
{
    struct smtp_tx *tx = smtp_state(s)->tx;
    const struct ptn_strings *domains = ptn_host_domains(ptn_session_host(s));
    struct ptn_path whole = *path;
    if (path->null)
        return "501 5.1.3 A recipient cannot be empty";
    if (path->domain.len == 0 && domains->count == 0)
        return "550 5.1.1 No mail is local here";
    if (path->domain.len == 0) /* then it is Postmaster */
        whole.domain = ptn_slice_of(domains->items[0]);
    tx->lookup.text.len = 0;
    ptn_path_format(&whole, &tx->lookup.text);
    *out = ptn_buf_slice(&tx->lookup.text);
    return NULL;
}

enum ptn_result
smtp_cmd_rcpt(struct ptn_session *s, struct ptn_slice args)
{
    struct smtp_tx *tx = smtp_state(s)->tx;
    struct ptn_path path;
    struct ptn_slice rest, address = {NULL, 0};
    const char *no = objection(s);
    if (!no)
        no = smtp_path_read(args, "TO:", &path, &rest);
    if (!no && rest.len > 0)
        no = "555 5.5.4 Unknown parameter";
    if (no)
        return smtp_refuse(s, no);
    if (smtp_tx_rcpt_count(tx) >= (size_t)smtp_opts(s)->max_recipients) {
        smtp_reply(s, "452 4.5.3 Too many recipients"); /* 4.5.3.1.10 */
        return PTN_DONE;
    }
    no = address_of(s, &path, &address);
    if (!no && path.domain.len > 0 &&
        !ptn_host_is_local_domain(ptn_session_host(s), path.domain))
        no = "550 5.7.1 Relaying denied: not a domain of this server";
    if (no)
        return refuse_rcpt(s, address, no);
    tx->lookup.address = address;
    return resolve(s, tx);
}
