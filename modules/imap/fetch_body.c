/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * FETCH of octets: one message after the other, item by item. Small runs
 * are read into the output queue on the loop, as long as they are in memory;
 * large ones, and what has to come from the disk, go through ptn_stream_body.
 * HEADER.FIELDS needs the whole header first, read the same two ways.
 *
 * Between items the generator can stop for the client to read; `item` says
 * where it goes on. Once a literal is announced its octets must come: if they
 * cannot be read any more, the connection ends.
 */
#include "fetch.h"

#include "format.h"
#include "view.h"

#include <postern/mail/stream.h>

#define DIRECT_MAX (64u * 1024)   /* octets read at once on the loop */
#define HEADER_MAX (1024u * 1024) /* of a header that fields are cut from */
#define SPENT_MAX (2u << 20) /* then the loop's other sessions get theirs */

static enum ptn_result
unreadable(struct imap_fetch *f)
{
    return imap_bye(f->session, "[SERVERBUG] a message cannot be read");
}

void
imap_fetch_message_end(struct imap_fetch *f)
{
    struct imap_module *m = f->cmd->module;

    if (f->body)
        m->store->body_close(m->vault, f->body);
    f->body = NULL;
    f->in_message = false;
    f->header_ready = false;
}

/* --- the message's metadata --- */

/* A copy of `s` in `kept`, which has room. */
static struct ptn_slice
keep(struct ptn_buf *kept, struct ptn_slice s)
{
    struct ptn_slice copy = {kept->data + kept->len, s.len};

    ptn_buf_addslice(kept, s);
    return copy;
}

static bool
on_message(void *arg, const struct ptn_message *m)
{
    struct imap_fetch *f = arg;

    f->message = *m;
    f->kept.len = 0;
    ptn_buf_reserve(&f->kept,
                    m->envelope.len + m->structure.len + m->parts.len);
    f->message.envelope = keep(&f->kept, m->envelope);
    f->message.structure = keep(&f->kept, m->structure);
    f->message.parts = keep(&f->kept, m->parts);
    f->in_message = true;
    return false;
}

/* Loads and opens the message; false when there is none to tell. */
static bool
begin(struct imap_fetch *f)
{
    struct imap_module *m = f->cmd->module;
    struct ptn_mailbox *box = imap_view_mailbox(f->cmd->state->view);
    enum ptn_status status = m->store->fetch(m->vault, box, &f->uids[f->at], 1,
                                             f->items.store, on_message, f);

    if (status == PTN_OK && f->in_message &&
        f->message.modseq <= f->items.changed_since) {
        f->in_message = false; /* not asked for */
        return false;
    }
    if (status == PTN_OK && f->in_message)
        status = m->store->body_open(m->vault, box, f->message.uid, &f->body,
                                     &f->body_size);
    else if (status == PTN_OK)
        status = PTN_NOTFOUND;
    if (status == PTN_OK) {
        if (!imap_view_knows(f->cmd->state->view, &f->message.flags))
            imap_view_refresh(f->session);
        return true;
    }
    f->in_message = false;
    if (status == PTN_NOTFOUND)
        f->lost = true;
    else
        f->failed = status;
    return false;
}

/* --- octets --- */

static void
put_label(struct imap_fetch *f, const struct imap_section *section)
{
    struct ptn_buf *out = ptn_session_out(f->session);

    if (f->item)
        ptn_buf_addc(out, ' ');
    ptn_buf_addslice(out, section->label);
    ptn_buf_addc(out, ' ');
}

static void
put_literal_size(struct ptn_buf *out, uint64_t size)
{
    char *start = ptn_buf_reserve(out, IMAP_DIGITS_MAX + 4), *p = start;

    *p++ = '{';
    p = imap_digits(p, size);
    memcpy(p, "}\r\n", 3);
    out->len += (size_t)(p + 3 - start);
}

/* Reads into `out` what is in memory; the number of octets, or -1. */
static ptrdiff_t
read_now(struct imap_fetch *f, struct ptn_buf *out, uint64_t from, size_t len)
{
    struct imap_module *m = f->cmd->module;
    char *p = ptn_buf_reserve(out, len);
    size_t got = 0;

    while (got < len) {
        ptrdiff_t n = m->store->body_read(m->vault, f->body, from + got,
                                          p + got, len - got, true);

        if (n == -2)
            break;
        if (n <= 0) /* an I/O error, or shorter than the index says */
            return -1;
        got += (size_t)n;
    }
    out->len += got;
    return (ptrdiff_t)got;
}

static enum ptn_result
on_streamed(struct ptn_session *s, void *arg, bool ok)
{
    struct imap_fetch *f = arg;

    (void)s;
    if (!ok)
        return unreadable(f);
    f->streamed = true;
    if (f->in_stream) /* called inside ptn_stream_body: no recursion */
        return PTN_DONE;
    f->item++;
    return imap_fetch_run(f->cmd);
}

static enum ptn_result
stream(struct imap_fetch *f, uint64_t from, uint64_t len)
{
    struct imap_module *m = f->cmd->module;
    enum ptn_result result;

    f->in_stream = true;
    f->streamed = false;
    result = ptn_stream_body(f->session, m->store, m->vault, f->body, from, len,
                             PTN_STREAM_RAW, on_streamed, f);
    f->in_stream = false;
    return result;
}

static enum ptn_result
put_octets(struct imap_fetch *f, uint64_t from, uint64_t len)
{
    struct ptn_buf *out = ptn_session_out(f->session);
    ptrdiff_t got = 0;

    if (len == 0) {
        ptn_buf_add(out, "\"\"", 2);
        return PTN_DONE;
    }
    put_literal_size(out, len);
    if (len <= DIRECT_MAX)
        got = read_now(f, out, from, (size_t)len);
    if (got < 0)
        return unreadable(f);
    if ((uint64_t)got == len)
        return PTN_DONE;
    return stream(f, from + (uint64_t)got, len - (uint64_t)got);
}

/* --- header fields --- */

static void
read_run(struct ptn_job *job)
{
    struct imap_fetch *f = PTN_CONTAINER(job, struct imap_fetch, read_job);
    struct imap_module *m = f->cmd->module;

    while (f->header.len < f->header_len) {
        ptrdiff_t n = m->store->body_read(
            m->vault, f->body, f->header_from + f->header.len,
            f->header.data + f->header.len,
            (size_t)(f->header_len - f->header.len), false);

        f->read_failed = n <= 0;
        if (f->read_failed)
            break;
        f->header.len += (size_t)n;
    }
}

static enum ptn_result
read_done(struct ptn_session *s, struct ptn_job *job)
{
    struct imap_fetch *f = PTN_CONTAINER(job, struct imap_fetch, read_job);

    (void)s;
    if (job->cancelled)
        return PTN_CLOSE;
    if (f->read_failed)
        return unreadable(f);
    f->header_ready = true;
    return imap_fetch_run(f->cmd);
}

/* PTN_DONE: `header` holds the octets. */
static enum ptn_result
read_header(struct imap_fetch *f, uint64_t from, uint64_t len)
{
    if (len > HEADER_MAX)
        len = HEADER_MAX;
    if (f->header_ready && f->header_from == from && f->header_len == len)
        return PTN_DONE;
    f->header.len = 0;
    f->header_from = from;
    f->header_len = len;
    f->header_ready = true;
    if (read_now(f, &f->header, from, (size_t)len) < 0)
        return unreadable(f);
    if (f->header.len == len)
        return PTN_DONE;
    f->header_ready = false;
    f->read_job.run = read_run;
    f->read_job.done = read_done;
    if (ptn_session_run(f->session, PTN_LANE_DISK, &f->read_job) != 0)
        return imap_bye(f->session, "[UNAVAILABLE] too busy, try again");
    return PTN_PENDING;
}

static enum ptn_result
put_fields(struct imap_fetch *f, const struct imap_section *section,
           uint64_t from, uint64_t len)
{
    struct ptn_buf *out = ptn_session_out(f->session);
    struct ptn_buf fields = PTN_BUF_INIT;
    enum ptn_result result = read_header(f, from, len);
    uint64_t cut_from = 0, cut_len;

    if (result != PTN_DONE)
        return result;
    f->spent += len * (1 + section->field_count / 8);
    imap_section_filter(section, ptn_buf_slice(&f->header), &fields);
    cut_len = fields.len;
    imap_section_cut(section, &cut_from, &cut_len);
    put_label(f, section);
    put_literal_size(out, cut_len);
    ptn_buf_add(out, fields.data + cut_from, (size_t)cut_len);
    ptn_buf_free(&fields);
    return PTN_DONE;
}

static enum ptn_result
put_section(struct imap_fetch *f, const struct imap_section *section)
{
    uint64_t from, len;

    if (!imap_section_range(section, f->message.parts, f->body_size, &from,
                            &len)) {
        put_label(f, section);
        ptn_buf_add(ptn_session_out(f->session), "NIL", 3);
        return PTN_DONE;
    }
    if (section->text == IMAP_TEXT_FIELDS ||
        section->text == IMAP_TEXT_FIELDS_NOT)
        return put_fields(f, section, from, len);
    imap_section_cut(section, &from, &len);
    put_label(f, section);
    return put_octets(f, from, len);
}

/* --- the message --- */

static bool
was_marked(const struct imap_fetch *f)
{
    for (size_t i = 0; i < f->unseen_count; i++)
        if (f->unseen[i] == f->message.uid)
            return true;
    return false;
}

static enum ptn_result
put_next(struct imap_fetch *f)
{
    const struct imap_item *item = &f->items.list[f->item];
    struct ptn_buf *out = ptn_session_out(f->session);

    if (item->kind == IMAP_ITEM_SECTION)
        return put_section(f, item->section);
    if (f->item)
        ptn_buf_addc(out, ' ');
    imap_put_item(f, out, item->kind, &f->message);
    return PTN_DONE;
}

enum ptn_result
imap_fetch_message(struct imap_fetch *f)
{
    struct ptn_buf *out = ptn_session_out(f->session);

    if (!f->in_message) {
        if (!begin(f))
            return PTN_DONE;
        f->item = 0;
        imap_put_fetch(out, f->seqs[f->at]);
    }
    while (f->item < f->items.count) {
        enum ptn_result result;

        if (f->spent > SPENT_MAX || ptn_session_is_full(f->session))
            return imap_fetch_wait(f);
        result = put_next(f);
        if (result != PTN_DONE)
            return result;
        f->item++;
    }
    if (!f->items.has_flags && was_marked(f)) { /* section 6.4.5 */
        ptn_buf_addc(out, ' ');
        imap_put_item(f, out, IMAP_ITEM_FLAGS, &f->message);
        if (f->cmd->state->condstore)
            imap_put_modseq(out, " MODSEQ (", f->message.modseq);
    }
    ptn_buf_add(out, ")\r\n", 3);
    imap_fetch_message_end(f);
    return PTN_DONE;
}
