/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * MAIL (RFC 5321 section 4.1.1.2), with SIZE (1870), BODY (6152) and AUTH
 * (4954 section 5). A submitter's sender address must be its own (RFC 6409
 * section 6.1): that question may go to a lane.
 */
#include "args.h"
#include "tx.h"

/* Parameters seen; each may come once. */
enum seen {
    SEEN_SIZE = 1 << 0,
    SEEN_BODY = 1 << 1,
    SEEN_AUTH = 1 << 2,
};

static const char *
read_size(struct ptn_session *s, struct ptn_slice value, uint64_t *size)
{
    /* RFC 1870 section 3: up to 20 digits. */
    if (value.len > 20 || !ptn_slice_to_u64(value, UINT64_MAX, size))
        return "501 5.5.4 Malformed SIZE";
    if (*size > smtp_opts(s)->max_message_size)
        return "552 5.3.4 Message too big";
    return NULL;
}

static const char *
read_param(struct ptn_session *s, const struct smtp_param *param,
           unsigned *seen, uint64_t *size)
{
    unsigned bit = 0;
    const char *no = NULL;
    if (ptn_slice_caseeq(param->name, PTN_SLICE("SIZE"))) {
        bit = SEEN_SIZE;
        no = read_size(s, param->value, size);
    } else if (ptn_slice_caseeq(param->name, PTN_SLICE("BODY"))) {
        bit = SEEN_BODY;
        if (!ptn_slice_caseeq(param->value, PTN_SLICE("7BIT")) &&
            !ptn_slice_caseeq(param->value, PTN_SLICE("8BITMIME")))
            no = "501 5.5.4 BODY is 7BIT or 8BITMIME";
    } else if (ptn_slice_caseeq(param->name, PTN_SLICE("AUTH")) &&
               smtp_opts(s)->role != SMTP_LMTP) {
        bit = SEEN_AUTH;
        if (!smtp_xtext_valid(param->value))
            no = "501 5.5.4 Malformed AUTH";
    } else {
        return "555 5.5.4 Unknown parameter";
    }
    if (*seen & bit)
        return "501 5.5.4 A parameter twice";
    *seen |= bit;
    return no;
}

static const char *
read_params(struct ptn_session *s, struct ptn_slice rest, uint64_t *size)
{
    struct smtp_param param;
    unsigned seen = 0;
    int more;
    while ((more = smtp_param_next(&rest, &param)) > 0) {
        const char *no = read_param(s, &param, &seen, size);
        if (no)
            return no;
    }
    return more < 0 ? "501 5.5.4 Malformed parameter" : NULL;
}

/* --- whose address is it --- */

static void
may_send_run(struct ptn_job *job)
{
    struct smtp_tx *tx = PTN_CONTAINER(job, struct smtp_tx, lookup.job);
    tx->lookup.status = tx->smtp->directory->may_send(
        tx->smtp->directory_instance, tx->lookup.address,
        ptn_slice_of(tx->sender));
}

static enum ptn_result
accept_sender(struct ptn_session *s)
{
    smtp_state(s)->tx->accepted = true;
    smtp_reply(s, "250 2.1.0 Ok");
    return PTN_DONE;
}

static enum ptn_result
may_send_done(struct ptn_session *s, struct ptn_job *job)
{
    enum ptn_status status =
        PTN_CONTAINER(job, struct smtp_tx, lookup.job)->lookup.status;
    if (job->cancelled)
        return PTN_CLOSE;
    if (status == PTN_OK)
        return accept_sender(s);
    smtp_tx_end(s);
    if (status != PTN_DENIED && status != PTN_NOTFOUND) {
        smtp_reply(s, "451 4.3.0 Cannot look up the sender, try again later");
        return PTN_DONE;
    }
    return smtp_refuse(s, "553 5.7.1 This sender address is not yours");
}

static enum ptn_result
check_sender(struct ptn_session *s, struct smtp_tx *tx)
{
    const char *user = ptn_session_user(s);
    if (smtp_opts(s)->role != SMTP_SUBMISSION || *tx->sender == '\0' ||
        ptn_slice_caseeq(ptn_slice_of(tx->sender), ptn_slice_of(user)))
        return accept_sender(s);
    tx->lookup.address = ptn_slice_of(user);
    tx->lookup.job =
        (struct ptn_job){.run = may_send_run, .done = may_send_done};
    if (ptn_session_run(s, PTN_LANE_SLOW, &tx->lookup.job) == 0)
        return PTN_PENDING;
    smtp_tx_end(s);
    smtp_reply(s, "451 4.3.2 Too busy, try again later");
    return PTN_DONE;
}

/* --- the command --- */

/* Why MAIL cannot be said now, or NULL. */
static const char *
objection(struct ptn_session *s)
{
    const struct smtp_session *state = smtp_state(s);
    if (!state->helo)
        return smtp_opts(s)->role == SMTP_LMTP ? "503 5.5.1 Say LHLO first"
                                               : "503 5.5.1 Say EHLO first";
    if (state->tx)
        return "503 5.5.1 A transaction is open; say RSET";
    if (smtp_opts(s)->role == SMTP_SUBMISSION && !ptn_session_user(s))
        return "530 5.7.0 Authenticate first";
    return NULL;
}

static const char *
sender_of(struct smtp_tx *tx, const struct ptn_path *path)
{
    struct ptn_buf text = PTN_BUF_INIT;
    if (!path->null)
        ptn_path_format(path, &text);
    const char *copy = ptn_arena_dup(&tx->arena, ptn_buf_slice(&text));
    ptn_buf_free(&text);
    return copy;
}

enum ptn_result
smtp_cmd_mail(struct ptn_session *s, struct ptn_slice args)
{
    struct ptn_path path;
    struct ptn_slice rest;
    uint64_t size = 0;
    int64_t bound = smtp_opts(s)->max_transactions;
    const char *no = objection(s);
    if (!no)
        no = smtp_path_read(args, "FROM:", &path, &rest);
    if (!no && !path.null && path.domain.len == 0)
        no = "501 5.1.7 The sender address needs a domain";
    if (!no)
        no = read_params(s, rest, &size);
    if (no)
        return smtp_refuse(s, no);
    if (bound > 0 && smtp_state(s)->transactions >= bound) {
        smtp_reply(s, "421 4.7.0 Too many messages in a session, closing");
        return PTN_CLOSE;
    }
    struct smtp_tx *tx = smtp_tx_new(s);
    tx->declared = size;
    tx->sender = sender_of(tx, &path);
    return check_sender(s, tx);
}
