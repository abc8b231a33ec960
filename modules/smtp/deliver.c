/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From the final dot to the answer: judge the content, put the trace fields
 * before it, work out what the store keeps of its structure, deliver, and
 * answer when it is durable.
 *
 * SMTP has one answer for all recipients. So a delivery to several is all or
 * nothing: after a 4xx or 5xx nobody has the message, and a second try makes
 * no duplicates; after a 250 all have it. LMTP has an answer for each
 * recipient, so there each delivery stands for itself; where one recipient
 * is an alias of several accounts, the worst of them is its answer, because
 * a duplicate can be mended and a loss cannot.
 *
 * Loop thread, but for scan_run, which is for messages that would hold up
 * other sessions.
 */
#include "newline.h"
#include "tx.h"
#include <postern/log.h>
#include <postern/mail/delivery.h>
#include <stdio.h>
#include <time.h>

/* A message over this many octets is scanned on a lane. */
#define SCAN_ON_LOOP_MAX (128u * 1024)

/* --- the answer --- */

static void
log_message(struct ptn_session *s, const struct smtp_tx *tx, const char *answer)
{
    const char *user = ptn_session_user(s);
    size_t rcpts = smtp_tx_rcpt_count(tx);
    struct ptn_log_field fields[] = {
        PTN_FS("session", ptn_session_id(s)),
        PTN_FS("id", tx->id),
        PTN_FS("peer", ptn_session_peer(s)),
        PTN_FS("from", tx->sender),
        PTN_FN("rcpts", rcpts),
        PTN_FS("rcpt", smtp_tx_rcpts(tx)[0].address), /* the first */
        PTN_FN("size", tx->body.len + tx->prefix.len),
        PTN_FS("answer", answer),
        PTN_FS("user", user),
    };
    ptn_log_fields(PTN_LOG_INFO,
                   *answer == '2' ? "smtp.delivered" : "smtp.refused", fields,
                   PTN_COUNT(fields) - !user);
}

static enum ptn_result
finish(struct ptn_session *s)
{
    smtp_tx_end(s);
    return PTN_DONE;
}

/* One answer for the whole content: one line, and in LMTP one for each
 * recipient (RFC 2033 section 4.2). */
static enum ptn_result
answer_all(struct ptn_session *s, const char *text)
{
    struct smtp_tx *tx = smtp_state(s)->tx;
    size_t lines = smtp_opts(s)->role == SMTP_LMTP ? smtp_tx_rcpt_count(tx) : 1;
    for (size_t i = 0; i < lines; i++)
        smtp_reply(s, text);
    if (*text == '5')
        ptn_session_error(s);
    log_message(s, tx, text);
    return finish(s);
}

static const char *
status_text(enum ptn_status status)
{
    switch (status) {
    case PTN_OK:
        return "250 2.0.0 Ok";
    case PTN_OVERQUOTA:
        return "452 4.2.2 Mailbox full";
    case PTN_LIMIT:
        return "452 4.3.1 The store is at its limit";
    case PTN_NOTFOUND:
        return "550 5.1.1 The mailbox is gone";
    case PTN_DENIED:
        return "550 5.2.1 This mailbox takes no mail";
    case PTN_PERMFAIL:
        return "554 5.3.0 The store cannot take this message";
    default:
        return "451 4.3.0 The store cannot take it now, try again later";
    }
}

/* Statuses from fine to bad: a temporary failure is worse than success and
 * better than a permanent one. */
static int
badness(enum ptn_status status)
{
    const char *text = status_text(status);
    return *text - '0';
}

static enum ptn_status
rcpt_status(const struct smtp_tx *tx, const struct smtp_rcpt *rcpt)
{
    const uint32_t *members = (const void *)tx->members.data;
    const struct ptn_store_target *targets = smtp_tx_targets(tx);
    enum ptn_status worst = PTN_OK;
    for (uint32_t i = 0; i < rcpt->count; i++) {
        enum ptn_status one = targets[members[rcpt->first + i]].status;
        if (badness(one) > badness(worst))
            worst = one;
    }
    return worst;
}

static enum ptn_result
answer_each(struct ptn_session *s, struct smtp_tx *tx)
{
    const struct smtp_rcpt *rcpts = smtp_tx_rcpts(tx);
    const char *all = status_text(PTN_OK);
    for (size_t i = 0; i < smtp_tx_rcpt_count(tx); i++) {
        const char *text = status_text(rcpt_status(tx, &rcpts[i]));
        smtp_replyf(s, "%.9s <%s> %s", text, rcpts[i].address, text + 10);
        if (*text > *all)
            all = text;
    }
    log_message(s, tx, all);
    return finish(s);
}

/* In a store without atomic deliveries some may have it: still no 250, as
 * that would lose the others' copies. */
static enum ptn_status
common_status(const struct smtp_tx *tx)
{
    const struct ptn_store_target *targets = smtp_tx_targets(tx);
    enum ptn_status worst = tx->deliver.op.status;
    for (size_t i = 0; i < smtp_tx_target_count(tx); i++)
        if (worst == PTN_OK && targets[i].status != PTN_OK)
            worst = targets[i].status;
    return worst;
}

static enum ptn_result
delivered(struct ptn_session *s, struct ptn_job *job)
{
    struct smtp_tx *tx = PTN_CONTAINER(job, struct smtp_tx, deliver.op.job);
    if (job->cancelled) {
        log_message(s, tx, status_text(tx->deliver.op.status));
        return PTN_CLOSE;
    }
    if (smtp_opts(s)->role == SMTP_LMTP)
        return answer_each(s, tx);
    enum ptn_status status = common_status(tx);
    if (status != PTN_OK)
        return answer_all(s, status_text(status));
    smtp_replyf(s, "250 2.0.0 Ok, it is %s", tx->id);
    log_message(s, tx, status_text(PTN_OK));
    return finish(s);
}

/* --- the way to the store --- */

static enum ptn_result
submit(struct ptn_session *s, struct smtp_tx *tx)
{
    tx->content = (struct ptn_content){
        .prefix = ptn_buf_slice(&tx->prefix),
        .body = ptn_buf_slice(&tx->body),
        .envelope = ptn_buf_slice(&tx->scan.envelope),
        .structure = ptn_buf_slice(&tx->scan.structure),
        .parts = ptn_buf_slice(&tx->scan.parts),
    };
    tx->deliver.op.job.done = delivered;
    tx->deliver.content = &tx->content;
    tx->deliver.targets = smtp_tx_targets(tx);
    tx->deliver.count = smtp_tx_target_count(tx);
    tx->deliver.atomic = smtp_opts(s)->role != SMTP_LMTP;
    ptn_session_await(s, &tx->deliver.op.job);
    tx->smtp->store->deliver(tx->smtp->store_instance, &tx->deliver);
    return PTN_PENDING;
}

static void
scan_run(struct ptn_job *job)
{
    struct smtp_tx *tx = PTN_CONTAINER(job, struct smtp_tx, scan_job);
    ptn_message_scan(ptn_buf_slice(&tx->prefix), ptn_buf_slice(&tx->body),
                     &tx->scan);
}

static enum ptn_result
scan_done(struct ptn_session *s, struct ptn_job *job)
{
    if (job->cancelled)
        return PTN_CLOSE;
    return submit(s, PTN_CONTAINER(job, struct smtp_tx, scan_job));
}

static enum ptn_result
scan(struct ptn_session *s, struct smtp_tx *tx)
{
    tx->scan_job = (struct ptn_job){.run = scan_run, .done = scan_done};
    if (tx->body.len > SCAN_ON_LOOP_MAX &&
        ptn_session_run(s, PTN_LANE_DISK, &tx->scan_job) == 0)
        return PTN_PENDING;
    scan_run(&tx->scan_job);
    return submit(s, tx);
}

/* --- what goes before the message --- */

/* RFC 3848: how it came, in a word. */
static void
protocol_word(struct ptn_session *s, char *out, size_t size)
{
    bool lmtp = smtp_opts(s)->role == SMTP_LMTP;
    bool extended = smtp_state(s)->esmtp;
    snprintf(out, size, "%s%s%s",
             lmtp       ? "LMTP"
             : extended ? "ESMTP"
                        : "SMTP",
             extended && ptn_session_is_tls(s) ? "S" : "",
             extended && ptn_session_user(s) ? "A" : "");
}

static const char *
tls_words(struct ptn_session *s, char *out, size_t size)
{
    if (!ptn_session_is_tls(s))
        return NULL;
    snprintf(out, size, "%s %s", ptn_session_tls_version(s),
             ptn_session_tls_cipher(s));
    return out;
}

/* RFC 5321 section 4.4: Return-Path and Received; RFC 6409 section 8: what
 * a submitter forgot. */
static void
write_prefix(struct ptn_session *s, struct smtp_tx *tx)
{
    char protocol[16], tls[128];
    const char *hostname = ptn_host_hostname(ptn_session_host(s));
    protocol_word(s, protocol, sizeof(protocol));
    struct ptn_received received = {
        .helo = ptn_slice_of(smtp_state(s)->helo),
        .peer = ptn_session_peer(s),
        .hostname = hostname,
        .protocol = protocol,
        .tls = tls_words(s, tls, sizeof(tls)),
        .id = tx->id,
        .seconds = time(NULL),
    };
    if (smtp_tx_rcpt_count(tx) == 1)
        received.recipient = ptn_slice_of(smtp_tx_rcpts(tx)[0].address);
    ptn_return_path_format(ptn_slice_of(tx->sender), &tx->prefix);
    ptn_received_format(&received, &tx->prefix);
    if (smtp_opts(s)->role == SMTP_SUBMISSION)
        ptn_submission_complete(ptn_buf_slice(&tx->body), hostname,
                                received.seconds, received.zone, &tx->prefix);
}

/* --- whether the content can be taken --- */

static const char *
judge(const struct smtp_options *o, struct smtp_tx *tx)
{
    const unsigned bare = PTN_FAULT_BARE_LF | PTN_FAULT_BARE_CR;
    if (tx->verdict != SMTP_FINE)
        return smtp_verdict_reply(tx->verdict);
    if (tx->faults & PTN_FAULT_NUL)
        return "550 5.6.11 The message holds a NUL";
    if (tx->faults & PTN_FAULT_LONG_LINE)
        return "550 5.6.0 A line of the message is too long";
    if (tx->faults & bare && o->bare_newlines == SMTP_NEWLINES_REFUSE)
        return "550 5.6.11 The message holds a CR or LF alone";
    if (tx->faults & bare)
        smtp_newline_mend(&tx->body);
    if (ptn_hops_count(ptn_buf_slice(&tx->body)) > o->max_hops)
        return "554 5.4.6 Too many hops: the message goes in a circle";
    return NULL;
}

enum ptn_result
smtp_deliver(struct ptn_session *s)
{
    struct smtp_tx *tx = smtp_state(s)->tx;
    snprintf(tx->id, sizeof(tx->id), "%s.%u", ptn_session_id(s),
             smtp_state(s)->transactions);
    const char *no = judge(smtp_opts(s), tx);
    if (no)
        return answer_all(s, no);
    write_prefix(s, tx);
    return scan(s, tx);
}
