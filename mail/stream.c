/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sending stored bodies. A stream lives on the stack while everything goes
 * at once; it moves to the heap when it has to wait, for the peer or for the
 * disk. Runs on the session's loop, apart from read_on_lane, which touches
 * the stream alone while nobody else does.
 *
 *        +------------------ queue drained -------------------+
 *        v                                                    |
 *      pump: read what is in memory --- queue is full ---> waiting
 *        |  ^
 *        |  +---- octets have come ----+
 *        |                             |
 *        +--- not in memory ---> read_on_lane
 *        v
 *      done
 */
#include <postern/arena.h>
#include <postern/mail/stream.h>

/* Octets of one read. */
#define CHUNK (32u * 1024)
#define NOT_IN_MEMORY (-2) /* body_read with nowait */

struct stream {
    struct ptn_job job;
    struct ptn_session *session;
    const struct ptn_store_ops *store;
    void *instance;
    struct ptn_body *body;
    uint64_t at, end;
    enum ptn_result (*done)(struct ptn_session *s, void *arg, bool ok);
    void *arg;
    char *chunk;   /* what a lane has read; NULL otherwise */
    ptrdiff_t got; /* octets of it, or body_read's other answers */
    bool on_heap;
    bool dots;
    char last; /* octet sent; a line feed at the beginning */
    /* TOP: lines of the body yet to be sent. */
    bool counting, in_header, line_empty;
    uint64_t lines;
};

/* --- what is sent of a chunk --- */

/* The octets of `text` that TOP wants (RFC 1939 section 7); ends the stream
 * where the last line ends. */
static struct ptn_slice
cut_lines(struct stream *t, struct ptn_slice text)
{
    size_t at = 0;

    while (at < text.len && (t->in_header || t->lines)) {
        const char *start = text.data + at;
        const char *feed = memchr(start, '\n', text.len - at);
        size_t len = feed ? (size_t)(feed - start) : text.len - at;

        if (len > 1 || (len == 1 && *start != '\r'))
            t->line_empty = false;
        at += len;
        if (!feed)
            break;
        at++;
        if (!t->in_header)
            t->lines--;
        else if (t->line_empty)
            t->in_header = false;
        t->line_empty = true;
    }
    if (!t->in_header && !t->lines)
        t->end = t->at;
    return ptn_slice_sub(text, 0, at);
}

/* RFC 1939 section 3: a dot at the beginning of a line is doubled. */
static void
add_stuffed(struct ptn_buf *out, char before, struct ptn_slice text)
{
    const char *from = text.data, *end = text.data + text.len;
    const char *dot = memchr(from, '.', text.len);

    for (; dot; dot = memchr(dot + 1, '.', (size_t)(end - dot - 1))) {
        if ((dot == text.data ? before : dot[-1]) != '\n')
            continue;
        ptn_buf_add(out, from, (size_t)(dot - from));
        ptn_buf_addc(out, '.');
        from = dot;
    }
    ptn_buf_add(out, from, (size_t)(end - from));
}

/* Sends the octets that were read. They may lie in the queue already,
 * behind its end, which is where reading without stuffing puts them. */
static void
send_octets(struct stream *t, struct ptn_slice text)
{
    struct ptn_buf *out = ptn_session_out(t->session);

    t->at += text.len;
    if (t->counting)
        text = cut_lines(t, text);
    if (!text.len)
        return;
    if (t->dots)
        add_stuffed(out, t->last, text);
    else if (text.data == out->data + out->len)
        out->len += text.len;
    else
        ptn_buf_addslice(out, text);
    t->last = text.data[text.len - 1];
}

/* --- going on --- */

static size_t
next_length(const struct stream *t)
{
    return t->end - t->at < CHUNK ? (size_t)(t->end - t->at) : CHUNK;
}

static void
free_stream(struct stream *t)
{
    ptn_free(t->chunk);
    if (t->on_heap)
        ptn_free(t);
}

static enum ptn_result
finish(struct stream *t, bool ok)
{
    struct stream copy = *t;

    if (ok && t->dots && t->last != '\n')
        ptn_session_write(t->session, PTN_SLICE("\r\n"));
    free_stream(t);
    return copy.done(copy.session, copy.arg, ok);
}

static struct stream *
to_heap(struct stream *t)
{
    struct stream *heap = t;

    if (!t->on_heap) {
        heap = ptn_alloc(sizeof(*heap));
        *heap = *t;
        heap->on_heap = true;
    }
    return heap;
}

static enum ptn_result pump(struct stream *t);

static enum ptn_result
on_drained(struct ptn_session *session, struct ptn_job *job)
{
    struct stream *t = PTN_CONTAINER(job, struct stream, job);

    (void)session;
    if (!job->cancelled)
        return pump(t);
    free_stream(t);
    return PTN_CLOSE;
}

/* Returns once the peer has read enough. */
static enum ptn_result
wait_for_peer(struct stream *t)
{
    t = to_heap(t);
    t->job.run = NULL;
    t->job.done = on_drained;
    ptn_session_await_drain(t->session, &t->job);
    return PTN_PENDING;
}

static void
read_on_lane(struct ptn_job *job)
{
    struct stream *t = PTN_CONTAINER(job, struct stream, job);

    t->got = t->store->body_read(t->instance, t->body, t->at, t->chunk,
                                 next_length(t), false);
}

/* Takes what read_on_lane has brought. False after an I/O error; a body that
 * is shorter than it was said to be is one, too. */
static bool
take_chunk(struct stream *t)
{
    if (t->got > 0)
        send_octets(t, (struct ptn_slice){t->chunk, (size_t)t->got});
    ptn_free(t->chunk);
    t->chunk = NULL;
    return t->got > 0;
}

static enum ptn_result
on_read(struct ptn_session *session, struct ptn_job *job)
{
    struct stream *t = PTN_CONTAINER(job, struct stream, job);

    (void)session;
    if (!job->cancelled)
        return take_chunk(t) ? pump(t) : finish(t, false);
    free_stream(t);
    return PTN_CLOSE;
}

/* Has the octets read on a lane. When the lane is full this loop waits for
 * the disk itself: octets have been promised to the peer, and its other
 * sessions need the same disk. */
static enum ptn_result
read_elsewhere(struct stream *t)
{
    t = to_heap(t);
    t->chunk = ptn_alloc(next_length(t));
    t->job.run = read_on_lane;
    t->job.done = on_read;
    if (ptn_session_run(t->session, PTN_LANE_DISK, &t->job) == 0)
        return PTN_PENDING;
    read_on_lane(&t->job);
    return take_chunk(t) ? wait_for_peer(t) : finish(t, false);
}

/* Reads what is in memory: into the queue itself, if it goes out as it
 * stands. */
static ptrdiff_t
read_now(struct stream *t)
{
    char chunk[CHUNK], *into = chunk;
    size_t len = next_length(t);
    ptrdiff_t n;

    if (!t->dots)
        into = ptn_buf_reserve(ptn_session_out(t->session), len);
    n = t->store->body_read(t->instance, t->body, t->at, into, len, true);
    if (n > 0)
        send_octets(t, (struct ptn_slice){into, (size_t)n});
    return n;
}

static enum ptn_result
pump(struct stream *t)
{
    while (t->at < t->end) {
        ptrdiff_t n;

        if (ptn_session_is_full(t->session))
            return wait_for_peer(t);
        n = read_now(t);
        if (n == NOT_IN_MEMORY)
            return read_elsewhere(t);
        if (n <= 0)
            return finish(t, false);
    }
    return finish(t, true);
}

enum ptn_result
ptn_stream_body(struct ptn_session *s, const struct ptn_store_ops *store,
                void *instance, struct ptn_body *body, uint64_t from,
                uint64_t len, enum ptn_stream_form form,
                enum ptn_result (*done)(struct ptn_session *s, void *arg,
                                        bool ok),
                void *arg)
{
    struct stream t = {
        .session = s,
        .store = store,
        .instance = instance,
        .body = body,
        .at = from,
        .end = from + len,
        .done = done,
        .arg = arg,
        .dots = form == PTN_STREAM_DOTS,
        .last = '\n',
    };

    return pump(&t);
}

enum ptn_result
ptn_stream_top(struct ptn_session *s, const struct ptn_store_ops *store,
               void *instance, struct ptn_body *body, uint64_t size,
               uint64_t lines,
               enum ptn_result (*done)(struct ptn_session *s, void *arg,
                                       bool ok),
               void *arg)
{
    struct stream t = {
        .session = s,
        .store = store,
        .instance = instance,
        .body = body,
        .end = size,
        .done = done,
        .arg = arg,
        .dots = true,
        .last = '\n',
        .counting = true,
        .in_header = true,
        .line_empty = true,
        .lines = lines,
    };

    return pump(&t);
}
