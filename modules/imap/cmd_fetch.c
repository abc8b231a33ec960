/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * FETCH (RFC 3501 sections 6.4.5 and 6.4.8): the generator over messages, in
 * chunks of IMAP_CHUNK. Loop thread only.
 *
 *   chunk --> [\Seen for those that lack it] --> metadata, or one message
 *     ^                                          after the other
 *     +---------- queue full: wait for drain ------------+
 *
 * Messages that other sessions have removed meanwhile are passed over; their
 * EXPUNGE comes when it may (RFC 2180 section 4.1).
 */
#include "fetch.h"

#include "format.h"
#include "view.h"

#include <postern/mail/date.h>

#define TURN 16 /* chunks, then the loop's other sessions get theirs */

static void
fetch_release(struct imap_command *cmd)
{
    struct imap_fetch *f = cmd->work;

    imap_fetch_message_end(f);
    ptn_buf_free(&f->kept);
    ptn_buf_free(&f->header);
    ptn_free(f->modified);
}

static struct imap_fetch *
fetch_new(struct imap_command *cmd, const char *done_text)
{
    struct imap_fetch *f = imap_work(cmd, sizeof(*f), fetch_release);

    f->cmd = cmd;
    f->session = cmd->session;
    f->done_text = done_text;
    f->unchanged_since = UINT64_MAX;
    return f;
}

static void
put_date(struct ptn_buf *out, const struct ptn_message *m)
{
    ptn_buf_add(out, "INTERNALDATE \"", 14);
    ptn_imap_datetime_format(m->internal_date, m->internal_zone, out);
    ptn_buf_addc(out, '"');
}

static void
put_number(struct ptn_buf *out, struct ptn_slice word, uint64_t value)
{
    char *p = ptn_buf_reserve(out, word.len + IMAP_DIGITS_MAX), *end;

    memcpy(p, word.data, word.len);
    end = imap_digits(p + word.len, value);
    out->len += (size_t)(end - p);
}

void
imap_put_item(struct imap_fetch *f, struct ptn_buf *out,
              enum imap_item_kind kind, const struct ptn_message *m)
{
    switch (kind) {
    case IMAP_ITEM_UID:
        put_number(out, PTN_SLICE("UID "), m->uid);
        break;
    case IMAP_ITEM_FLAGS:
        imap_view_put_flags(f->cmd->state->view, out, m);
        break;
    case IMAP_ITEM_DATE:
        put_date(out, m);
        break;
    case IMAP_ITEM_SIZE:
        put_number(out, PTN_SLICE("RFC822.SIZE "), m->size);
        break;
    case IMAP_ITEM_MODSEQ:
        imap_put_modseq(out, "MODSEQ (", m->modseq);
        break;
    case IMAP_ITEM_ENVELOPE:
        ptn_buf_add(out, "ENVELOPE ", 9);
        ptn_buf_addslice(out, m->envelope);
        break;
    case IMAP_ITEM_BODY:
        ptn_buf_add(out, "BODY ", 5);
        ptn_structure_to_body(m->structure, out);
        break;
    case IMAP_ITEM_STRUCTURE:
        ptn_buf_add(out, "BODYSTRUCTURE ", 14);
        ptn_buf_addslice(out, m->structure);
        break;
    case IMAP_ITEM_SECTION:
        break;
    }
}

/* Moves to message `uid` of the chunk; those before it are gone. */
static void
advance(struct imap_fetch *f, uint32_t uid)
{
    while (f->at < f->count && f->uids[f->at] != uid) {
        f->lost = true;
        f->at++;
    }
}

/* A message that a conditional STORE left alone. */
static void
add_modified(struct imap_fetch *f)
{
    if (f->modified_count == f->modified_cap) {
        f->modified_cap = f->modified_cap * 2 + IMAP_CHUNK;
        f->modified =
            ptn_realloc(f->modified, f->modified_cap * sizeof(*f->modified));
    }
    f->modified[f->modified_count++] =
        f->cmd->uid ? f->uids[f->at] : f->seqs[f->at];
}

/* Whether the message at f->at is to be told. */
static bool
is_wanted(struct imap_fetch *f, const struct ptn_message *m)
{
    if (m->modseq > f->unchanged_since && m->modseq != f->own_modseq) {
        add_modified(f);
        return false;
    }
    return m->modseq > f->items.changed_since;
}

struct metadata_walk {
    struct imap_fetch *f;
    struct ptn_buf *out;
    bool full, unknown; /* why it stopped */
};

static bool
on_metadata(void *arg, const struct ptn_message *m)
{
    struct metadata_walk *walk = arg;
    struct imap_fetch *f = walk->f;

    if (!imap_view_knows(f->cmd->state->view, &m->flags)) {
        walk->unknown = true;
        return false;
    }
    advance(f, m->uid);
    if (!is_wanted(f, m)) {
        f->at++;
        return true;
    }
    imap_put_fetch(walk->out, f->seqs[f->at]);
    for (size_t i = 0; i < f->items.count; i++) {
        if (i)
            ptn_buf_addc(walk->out, ' ');
        imap_put_item(f, walk->out, f->items.list[i].kind, m);
    }
    ptn_buf_add(walk->out, ")\r\n", 3);
    f->at++;
    walk->full = ptn_session_is_full(f->session);
    return !walk->full;
}

enum ptn_result
imap_fetch_wait(struct imap_fetch *f)
{
    struct ptn_session *s = f->session;

    f->spent = 0;
    ptn_session_on_drain(s, imap_fetch_resume);
    return PTN_PENDING;
}

enum ptn_result
imap_fetch_resume(struct ptn_session *s)
{
    return imap_fetch_run(imap_state(s)->cmd);
}

/* The rest of the chunk, as far as the queue takes it. */
static enum ptn_result
put_metadata(struct imap_fetch *f)
{
    struct imap_module *module = f->cmd->module;
    struct imap_view *v = f->cmd->state->view;
    struct metadata_walk walk = {f, ptn_session_out(f->session), false, false};

    f->failed = module->store->fetch(module->vault, imap_view_mailbox(v),
                                     f->uids + f->at, f->count - f->at,
                                     f->items.store, on_metadata, &walk);
    if (f->failed != PTN_OK)
        return PTN_DONE;
    if (walk.unknown) { /* a keyword that somebody made meanwhile */
        if (!imap_view_refresh(f->session))
            f->failed = PTN_PERMFAIL;
        return PTN_DONE;
    }
    if (walk.full)
        return imap_fetch_wait(f);
    if (f->at < f->count)
        f->lost = true;
    f->at = f->count;
    return PTN_DONE;
}

/* --- \Seen --- */

static bool
on_flags(void *arg, const struct ptn_message *m)
{
    struct imap_fetch *f = arg;

    if (!(m->flags.system & PTN_FLAG_SEEN) &&
        m->modseq > f->items.changed_since)
        f->unseen[f->unseen_count++] = m->uid;
    return true;
}

static enum ptn_result
on_marked(struct ptn_session *s, struct ptn_job *job)
{
    struct imap_command *cmd = imap_state(s)->cmd;
    struct imap_fetch *f = cmd->work;

    if (job->cancelled)
        return PTN_CLOSE;
    if (f->mark.op.status != PTN_OK) /* the octets can be read all the same */
        f->unseen_count = 0;
    else if (f->mark.changed)
        imap_view_told(s, f->mark.modseq);
    return imap_fetch_run(cmd);
}

/* Section 6.4.5: BODY[...] sets \Seen. PTN_PENDING while it is under way. */
static enum ptn_result
mark_seen(struct imap_fetch *f)
{
    struct imap_module *module = f->cmd->module;
    struct ptn_mailbox *box = imap_view_mailbox(f->cmd->state->view);

    f->unseen_count = 0;
    module->store->fetch(module->vault, box, f->uids, f->count, PTN_FETCH_FLAGS,
                         on_flags, f);
    if (f->unseen_count == 0)
        return PTN_DONE;
    memset(&f->mark, 0, sizeof(f->mark));
    f->mark.mailbox = box;
    f->mark.uids = f->unseen;
    f->mark.count = f->unseen_count;
    f->mark.change = PTN_FLAGS_ADD;
    f->mark.system_flags = PTN_FLAG_SEEN;
    f->mark.unchanged_since = UINT64_MAX;
    f->mark.op.job.done = on_marked;
    ptn_session_await(f->session, &f->mark.op.job);
    module->store->flags(module->vault, &f->mark);
    return PTN_PENDING;
}

/* --- the generator --- */

/* RFC 7162 section 3.1.3: which messages the condition kept from change. */
static enum ptn_result
answer_modified(struct imap_fetch *f)
{
    struct ptn_buf code = PTN_BUF_INIT;
    enum ptn_result result;

    ptn_buf_adds(&code, "MODIFIED ");
    ptn_set_format_numbers(f->modified, f->modified_count, &code);
    result = imap_ok_code(f->cmd, ptn_buf_slice(&code),
                          "some were changed by others");
    ptn_buf_free(&code);
    return result;
}

static enum ptn_result
fetch_end(struct imap_fetch *f)
{
    struct imap_command *cmd = f->cmd;

    if (f->failed != PTN_OK)
        return imap_no_status(cmd, f->failed);
    if (f->modified_count)
        return answer_modified(f);
    if (f->lost && !cmd->uid)
        return imap_no(cmd, "[EXPUNGEISSUED] some of them are gone");
    return imap_ok(cmd, f->done_text);
}

/* Loads the next chunk; false when there is none. */
static bool
next_chunk(struct imap_fetch *f)
{
    f->at = 0;
    f->chunks++;
    f->count = imap_walk_next(&f->walk, f->uids, f->seqs, IMAP_CHUNK);
    return f->count > 0;
}

static enum ptn_result
put_messages(struct imap_fetch *f)
{
    while (f->at < f->count) {
        enum ptn_result result;

        if (ptn_session_is_full(f->session))
            return imap_fetch_wait(f);
        result = imap_fetch_message(f);
        if (result != PTN_DONE)
            return result;
        f->at++;
    }
    return PTN_DONE;
}

enum ptn_result
imap_fetch_run(struct imap_command *cmd)
{
    struct imap_fetch *f = cmd->work;
    bool marks = f->items.sets_seen && imap_view_writable(cmd->state->view);
    enum ptn_result result;

    for (;;) {
        if (f->at == f->count) {
            if (f->chunks == TURN) { /* also when little was written */
                f->chunks = 0;
                return imap_fetch_wait(f);
            }
            if (f->failed != PTN_OK || !next_chunk(f))
                return fetch_end(f);
            if (marks && mark_seen(f) == PTN_PENDING)
                return PTN_PENDING;
        }
        result = f->items.sections ? put_messages(f) : put_metadata(f);
        if (result != PTN_DONE)
            return result;
        if (f->failed != PTN_OK && !f->items.sections)
            return fetch_end(f);
    }
}

enum ptn_result
imap_cmd_fetch(struct imap_command *cmd)
{
    struct imap_fetch *f = fetch_new(cmd, "FETCH completed");
    struct imap_cursor *in = &cmd->in;

    if (!imap_parse_space(in) || !imap_walk_parse(cmd, &f->walk) ||
        !imap_parse_space(in) || !imap_items_parse(cmd, &f->items) ||
        !imap_parse_end(in))
        return imap_bad_input(cmd);
    return imap_fetch_run(cmd);
}

enum ptn_result
imap_fetch_answer(struct imap_command *cmd,
                  const struct imap_store_answer *answer)
{
    struct imap_store_answer copy = *answer;
    struct imap_fetch *f;

    imap_work_end(cmd); /* the caller's; the set is in the arena */
    f = fetch_new(cmd, "STORE completed");
    f->walk = copy.walk;
    f->unchanged_since = copy.unchanged_since;
    f->own_modseq = copy.own_modseq;
    if (copy.flags)
        imap_items_add(&f->items, IMAP_ITEM_FLAGS);
    if (cmd->uid)
        imap_items_add(&f->items, IMAP_ITEM_UID);
    if (cmd->state->condstore)
        imap_items_add(&f->items, IMAP_ITEM_MODSEQ);
    return imap_fetch_run(cmd);
}
