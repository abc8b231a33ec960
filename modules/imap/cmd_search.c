/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SEARCH (RFC 3501 sections 6.4.4 and 6.4.8, RETURN by RFC 4731). The program
 * is mail/'s; here it is led over the mailbox in chunks of IMAP_CHUNK:
 *
 *   chunk --metadata--> no unknown: next turn of the loop, next chunk
 *     ^       |
 *     |       +-------> some unknown: one job on the disk lane reads them
 *     +----------------------+
 *
 * While a job runs nobody else touches the search: the session waits for
 * it. Results are four octets a message, and are written when all are known.
 */
#include "imap.h"

#include "format.h"
#include "view.h"

#include <postern/mail/search.h>
#include <postern/mail/set.h>

#define SPENT_MAX (4u << 20) /* of one turn, see metadata_walk */
#define KEY_OCTETS 8         /* of a key with its string, at the least */

/* RFC 4731 section 3.1: what RETURN asks for. */
enum search_return {
    RETURN_MIN = 1 << 0,
    RETURN_MAX = 1 << 1,
    RETURN_ALL = 1 << 2,
    RETURN_COUNT = 1 << 3,
    RETURN_ESEARCH = 1 << 4, /* something was asked for */
};

struct candidate {
    struct ptn_body *body; /* opened on the loop, read on the lane */
    struct ptn_message message;
    size_t at; /* in the chunk */
};

struct search {
    struct imap_command *cmd;
    struct ptn_search *program;
    uint32_t uids[IMAP_CHUNK], seqs[IMAP_CHUNK];
    bool hits[IMAP_CHUNK];
    uint64_t modseqs[IMAP_CHUNK];
    size_t count;
    size_t weight;             /* about how many keys look at a message */
    uint32_t next_seq;         /* where the next chunk begins */
    uint32_t last_seq;         /* of the view when the command began */
    struct candidate *unknown; /* of the chunk */
    size_t unknown_count;
    struct ptn_arena texts; /* what the candidates' messages point to */
    struct ptn_job job;
    uint32_t *numbers; /* the result: sequence numbers or UIDs */
    size_t number_count, number_cap;
    unsigned wanted; /* enum search_return */
    /* Of the first and the last message found, and the highest (RFC 7162
     * sections 3.1.5 and 3.1.10); told when the program asks for modseqs. */
    uint64_t first_modseq, last_modseq, top_modseq;
    bool failed; /* a message could not be read */
};

static void
close_bodies(struct search *q)
{
    struct imap_module *m = q->cmd->module;

    for (size_t i = 0; i < q->unknown_count; i++)
        m->store->body_close(m->vault, q->unknown[i].body);
    q->unknown_count = 0;
    ptn_arena_reset(&q->texts);
}

static void
search_release(struct imap_command *cmd)
{
    struct search *q = cmd->work;

    close_bodies(q);
    ptn_free(q->unknown);
    ptn_free(q->numbers);
}

static bool
is_recent(const struct search *q, uint32_t uid)
{
    return imap_view_is_recent(q->cmd->state->view, uid);
}

/* Loads the messages of the next chunk that can match at all; false at the
 * end of the mailbox. */
static bool
next_chunk(struct search *q)
{
    const struct ptn_uidmap *uids = imap_view_uids(q->cmd->state->view);

    q->count = 0;
    for (size_t looked = 0; looked < 64 * IMAP_CHUNK && q->count < IMAP_CHUNK &&
                            q->next_seq <= q->last_seq;
         looked++, q->next_seq++) {
        uint32_t uid = ptn_uidmap_uid(uids, q->next_seq);

        if (!ptn_search_may_match(q->program, uid, q->next_seq))
            continue;
        q->uids[q->count] = uid;
        q->seqs[q->count] = q->next_seq;
        q->hits[q->count++] = false;
    }
    return q->count > 0 || q->next_seq <= q->last_seq;
}

/* --- first stage: metadata --- */

struct metadata_walk {
    struct search *q;
    size_t at;
    uint64_t spent; /* octets of metadata, times the keys that look there */
};

/* The texts of a message are lent for the call only; the second stage wants
 * them later. */
static void
add_unknown(struct search *q, const struct ptn_message *m, size_t at)
{
    struct candidate *c = &q->unknown[q->unknown_count];
    struct ptn_slice *const texts[] = {
        &c->message.envelope, &c->message.structure, &c->message.parts};

    c->message = *m;
    c->body = NULL;
    c->at = at;
    for (size_t i = 0; i < PTN_COUNT(texts); i++)
        if (texts[i]->len)
            texts[i]->data = ptn_arena_dup(&q->texts, *texts[i]);
    q->unknown_count++;
}

static bool
on_message(void *arg, const struct ptn_message *m)
{
    struct metadata_walk *walk = arg;
    struct search *q = walk->q;
    struct ptn_search_message sm = {m, 0, is_recent(q, m->uid)};

    while (q->uids[walk->at] != m->uid)
        walk->at++; /* gone meanwhile: no hits */
    sm.seq = q->seqs[walk->at];
    q->modseqs[walk->at] = m->modseq;
    switch (ptn_search_metadata(q->program, &sm)) {
    case PTN_SEARCH_YES:
        q->hits[walk->at] = true;
        break;
    case PTN_SEARCH_UNKNOWN:
        add_unknown(q, m, walk->at);
        break;
    case PTN_SEARCH_NO:
        break;
    }
    walk->spent += (uint64_t)m->envelope.len * q->weight;
    return walk->spent < SPENT_MAX;
}

/* Many keys or long envelopes: what was not looked at is left to the next
 * turn. */
static void
shorten_chunk(struct search *q, const struct metadata_walk *walk)
{
    if (walk->spent < SPENT_MAX)
        return;
    q->count = walk->at + 1;
    q->next_seq = q->seqs[walk->at] + 1;
}

static enum ptn_status
search_metadata(struct search *q)
{
    struct imap_module *m = q->cmd->module;
    struct metadata_walk walk = {q, 0, 0};
    enum ptn_status status = m->store->fetch(
        m->vault, imap_view_mailbox(q->cmd->state->view), q->uids, q->count,
        ptn_search_metadata_items(q->program) |
            ptn_search_content_items(q->program),
        on_message, &walk);

    shorten_chunk(q, &walk);
    return status;
}

/* --- second stage: content --- */

struct reader {
    struct imap_module *module;
    struct ptn_body *body;
};

static ptrdiff_t
read_body(void *arg, uint64_t offset, void *into, size_t len)
{
    struct reader *r = arg;

    return r->module->store->body_read(r->module->vault, r->body, offset, into,
                                       len, false);
}

/* On a lane. */
static void
content_run(struct ptn_job *job)
{
    struct search *q = PTN_CONTAINER(job, struct search, job);

    for (size_t i = 0; i < q->unknown_count; i++) {
        struct candidate *c = &q->unknown[i];
        struct ptn_search_message sm = {&c->message, q->seqs[c->at],
                                        is_recent(q, c->message.uid)};
        struct reader reader = {q->cmd->module, c->body};
        enum ptn_search_verdict verdict =
            ptn_search_content(q->program, &sm, read_body, &reader);

        q->hits[c->at] = verdict == PTN_SEARCH_YES;
        q->failed |= verdict == PTN_SEARCH_UNKNOWN;
    }
}

/* Opens the bodies; those that cannot be opened are no candidates. */
static void
open_bodies(struct search *q)
{
    struct imap_module *m = q->cmd->module;
    struct ptn_mailbox *box = imap_view_mailbox(q->cmd->state->view);
    size_t n = 0;
    uint64_t size;

    for (size_t i = 0; i < q->unknown_count; i++) {
        struct candidate *c = &q->unknown[i];
        enum ptn_status status =
            m->store->body_open(m->vault, box, c->message.uid, &c->body, &size);

        if (status == PTN_OK)
            q->unknown[n++] = *c;
        else if (status != PTN_NOTFOUND)
            q->failed = true;
    }
    q->unknown_count = n;
}

/* --- the loop over the mailbox --- */

static void
add_hit(struct search *q, size_t i)
{
    q->last_modseq = q->modseqs[i];
    if (q->number_count == 0)
        q->first_modseq = q->modseqs[i];
    if (q->top_modseq < q->modseqs[i])
        q->top_modseq = q->modseqs[i];
    q->numbers[q->number_count++] = q->cmd->uid ? q->uids[i] : q->seqs[i];
}

static void
keep_hits(struct search *q)
{
    close_bodies(q);
    if (q->number_count + q->count > q->number_cap) {
        q->number_cap = q->number_cap * 2 + q->count;
        q->numbers =
            ptn_realloc(q->numbers, q->number_cap * sizeof(*q->numbers));
    }
    for (size_t i = 0; i < q->count; i++)
        if (q->hits[i])
            add_hit(q, i);
    q->count = 0;
}

static void
put_fact(struct ptn_buf *out, const char *name, uint64_t value)
{
    ptn_buf_addc(out, ' ');
    ptn_buf_adds(out, name);
    ptn_buf_addc(out, ' ');
    ptn_buf_addu64(out, value);
}

/* RFC 7162 section 3.1.10: the highest modseq among the messages that the
 * answer speaks of. */
static uint64_t
esearch_modseq(const struct search *q)
{
    uint64_t first = q->wanted & RETURN_MIN ? q->first_modseq : 0,
             last = q->wanted & RETURN_MAX ? q->last_modseq : 0;

    if (q->wanted & (RETURN_ALL | RETURN_COUNT))
        return q->top_modseq;
    return first > last ? first : last;
}

/* RFC 4731 section 3.2: MIN, MAX and ALL are left out of an empty result. */
static void
put_esearch(const struct search *q, struct ptn_buf *out)
{
    size_t n = q->number_count;

    ptn_buf_adds(out, "* ESEARCH (TAG \"");
    ptn_buf_adds(out, q->cmd->tag);
    ptn_buf_adds(out, q->cmd->uid ? "\") UID" : "\")");
    if ((q->wanted & RETURN_MIN) && n)
        put_fact(out, "MIN", q->numbers[0]);
    if ((q->wanted & RETURN_MAX) && n)
        put_fact(out, "MAX", q->numbers[n - 1]);
    if (q->wanted & RETURN_COUNT)
        put_fact(out, "COUNT", n);
    if ((q->wanted & RETURN_ALL) && n) {
        ptn_buf_adds(out, " ALL ");
        ptn_set_format_numbers(q->numbers, n, out);
    }
    if (n && ptn_search_has_modseq(q->program))
        put_fact(out, "MODSEQ", esearch_modseq(q));
    ptn_buf_adds(out, "\r\n");
}

static void
put_search(const struct search *q, struct ptn_buf *out)
{
    ptn_buf_adds(out, "* SEARCH");
    for (size_t i = 0; i < q->number_count; i++) {
        ptn_buf_addc(out, ' ');
        ptn_buf_addu64(out, q->numbers[i]);
    }
    if (q->number_count && ptn_search_has_modseq(q->program))
        imap_put_modseq(out, " (MODSEQ ", q->top_modseq);
    ptn_buf_adds(out, "\r\n");
}

static enum ptn_result
search_end(struct search *q)
{
    struct imap_command *cmd = q->cmd;

    if (q->failed)
        return imap_no(cmd, "[SERVERBUG] some messages cannot be read");
    if (q->wanted)
        put_esearch(q, ptn_session_out(cmd->session));
    else
        put_search(q, ptn_session_out(cmd->session));
    return imap_ok(cmd, "SEARCH completed");
}

static enum ptn_result search_step(struct search *q);

static enum ptn_result
search_resume(struct ptn_session *s)
{
    return search_step(imap_state(s)->cmd->work);
}

static enum ptn_result
content_done(struct ptn_session *s, struct ptn_job *job)
{
    struct search *q = PTN_CONTAINER(job, struct search, job);

    (void)s;
    if (job->cancelled)
        return PTN_CLOSE;
    keep_hits(q);
    return search_step(q);
}

/* One chunk; then the loop's other sessions get their turn. */
static enum ptn_result
search_step(struct search *q)
{
    struct ptn_session *s = q->cmd->session;
    enum ptn_status status = PTN_OK;

    if (!next_chunk(q))
        return search_end(q);
    if (q->count)
        status = search_metadata(q);
    if (status != PTN_OK)
        return imap_no_status(q->cmd, status);
    open_bodies(q);
    if (q->unknown_count) {
        q->job.run = content_run;
        q->job.done = content_done;
        if (ptn_session_run(s, PTN_LANE_DISK, &q->job) != 0)
            return imap_no_status(q->cmd, PTN_TEMPFAIL);
        return PTN_PENDING;
    }
    keep_hits(q);
    if (q->next_seq > q->last_seq)
        return search_end(q);
    ptn_session_on_drain(s, search_resume);
    return PTN_PENDING;
}

/* "RETURN (MIN COUNT) ", if there. */
static bool
parse_return(struct imap_cursor *in, unsigned *wanted)
{
    static const struct {
        const char *name;
        unsigned bit;
    } options[] = {
        {"MIN", RETURN_MIN},
        {"MAX", RETURN_MAX},
        {"ALL", RETURN_ALL},
        {"COUNT", RETURN_COUNT},
    };
    struct ptn_slice word;

    if (!imap_skip_word(in, "RETURN ("))
        return true;
    *wanted = RETURN_ESEARCH;
    while (!imap_next_is(in, ')')) {
        size_t i = 0;

        if (*wanted != RETURN_ESEARCH && !imap_parse_space(in))
            return false;
        if (!imap_parse_atom(in, &word))
            return false;
        while (i < PTN_COUNT(options) &&
               !ptn_slice_caseeq(word, ptn_slice_of(options[i].name)))
            i++;
        if (i == PTN_COUNT(options))
            return imap_parse_fail(in, "unknown RETURN option");
        *wanted |= options[i].bit;
    }
    if (*wanted == RETURN_ESEARCH) /* "RETURN ()" */
        *wanted |= RETURN_ALL;
    return imap_parse_char(in, ')') && imap_parse_space(in);
}

static enum ptn_result
bad_charset(struct imap_command *cmd)
{
    struct ptn_buf text = PTN_BUF_INIT;
    enum ptn_result result;

    ptn_buf_adds(&text, "[BADCHARSET (");
    ptn_buf_adds(&text, ptn_search_charsets());
    ptn_buf_adds(&text, ")] that charset is not known here");
    result = imap_no(cmd, ptn_buf_cstr(&text));
    ptn_buf_free(&text);
    return result;
}

enum ptn_result
imap_cmd_search(struct imap_command *cmd)
{
    struct search *q = imap_work(cmd, sizeof(*q), search_release);
    const struct imap_view *v = cmd->state->view;
    struct ptn_search_mailbox box = {
        .last_seq = ptn_uidmap_count(imap_view_uids(v)),
        .last_uid = ptn_uidmap_last(imap_view_uids(v)),
    };
    struct ptn_slice args;

    q->cmd = cmd;
    if (!imap_parse_space(&cmd->in) || !parse_return(&cmd->in, &q->wanted))
        return imap_bad_input(cmd);
    box.keyword_count = imap_view_keywords(v, &box.keywords);
    args = (struct ptn_slice){cmd->in.p, (size_t)(cmd->in.end - cmd->in.p)};
    switch (ptn_search_parse(args, &cmd->arena, &box, &q->program)) {
    case PTN_SEARCH_BAD:
        return imap_bad(cmd, "malformed search program");
    case PTN_SEARCH_BAD_CHARSET:
        return bad_charset(cmd);
    case PTN_SEARCH_TOO_LARGE:
        return imap_no(cmd, "[LIMIT] the search program is too large");
    case PTN_SEARCH_PARSED:
        break;
    }
    if (ptn_search_has_modseq(q->program))
        imap_condstore_enable(cmd->session);
    q->weight = 1 + args.len / KEY_OCTETS;
    q->unknown = ptn_alloc(IMAP_CHUNK * sizeof(*q->unknown));
    q->next_seq = 1;
    q->last_seq = box.last_seq;
    return search_step(q);
}
