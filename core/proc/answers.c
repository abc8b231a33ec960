/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The table of what workers are asked, and the wrapping of their answers.
 * The worker's loop thread.
 */
#include "proc/answers.h"
#include "proc/plan.h"
#include <stdio.h>
#include <unistd.h>

enum {
    PART_MAX = PTN_MESSAGE_MAX - 1024, /* octets of records in a message */
};

static int
answer_worker(struct ptn_worker *w, struct ptn_slice args, struct ptn_buf *out,
              struct ptn_error *err)
{
    (void)args;
    (void)err;
    ptn_buf_adds(out, "worker");
    ptn_record_addn(out, "pid", (uint64_t)getpid());
    ptn_record_add(out, "state", ptn_worker_phase(w));
    ptn_buf_addc(out, '\n');
    return 0;
}

static const struct ptn_answer answers[] = {
    {"worker", answer_worker},
    {"sessions", ptn_answer_sessions},
    {"kick", ptn_answer_kick},
};

static const struct ptn_answer *
find(struct ptn_slice request)
{
    for (size_t i = 0; i < PTN_COUNT(answers); i++)
        if (ptn_record_is(request, answers[i].word))
            return &answers[i];
    return NULL;
}

bool
ptn_answers_know(struct ptn_slice request)
{
    return find(request) != NULL;
}

static struct ptn_slice
args_of(struct ptn_slice request)
{
    const char *tab =
        request.len ? memchr(request.data, '\t', request.len) : NULL;
    size_t from = tab ? (size_t)(tab - request.data) + 1 : request.len;

    return ptn_slice_sub(request, from, request.len - from);
}

static void
sign(const struct ptn_buf *records, unsigned worker, struct ptn_buf *out)
{
    struct ptn_slice rest = ptn_buf_slice(records);

    while (rest.len > 0) {
        ptn_buf_addslice(out, ptn_record_next(&rest));
        ptn_record_addn(out, "worker", worker);
        ptn_buf_addc(out, '\n');
    }
}

int
ptn_answers_run(struct ptn_worker *worker, struct ptn_slice request,
                struct ptn_buf *out, struct ptn_error *err)
{
    const struct ptn_answer *a = find(request);
    struct ptn_buf records = PTN_BUF_INIT;
    int result;

    if (!a)
        return ptn_error_set(err, PTN_ERR_INVALID,
                             "workers do not know the request \"%.*s\"",
                             (int)request.len, request.data);
    result = a->fn(worker, args_of(request), &records, err);
    sign(&records, ptn_worker_number(worker), out);
    ptn_buf_free(&records);
    return result;
}

struct ptn_slice
ptn_answers_part(struct ptn_slice *rest)
{
    struct ptn_slice part = *rest;

    if (part.len > PART_MAX) {
        part.len = PART_MAX;
        while (part.len > 0 && part.data[part.len - 1] != '\n')
            part.len--;
        if (part.len == 0) /* no record is that long */
            part.len = PART_MAX;
    }
    *rest = ptn_slice_sub(*rest, part.len, rest->len - part.len);
    return part;
}

void
ptn_answers_send(struct ptn_slice ask, struct ptn_slice records,
                 const char *refused,
                 void (*tell)(void *arg, struct ptn_slice text), void *arg)
{
    struct ptn_slice head = ptn_record_next(&ask);
    struct ptn_buf message = PTN_BUF_INIT;
    char id[16] = "";

    (void)ptn_record_get(head, "id", id, sizeof id);
    do {
        struct ptn_slice part = ptn_answers_part(&records);

        message.len = 0;
        ptn_buf_adds(&message, "answer");
        ptn_record_add(&message, "id", id);
        if (records.len > 0)
            ptn_record_add(&message, "more", "yes");
        else if (refused)
            ptn_record_add(&message, "refused", refused);
        ptn_buf_addc(&message, '\n');
        ptn_buf_addslice(&message, part);
        tell(arg, ptn_buf_slice(&message));
    } while (records.len > 0);
    ptn_buf_free(&message);
}

void
ptn_answers_reply(struct ptn_worker *worker, struct ptn_slice ask,
                  void (*tell)(void *arg, struct ptn_slice text), void *arg)
{
    struct ptn_buf records = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_slice request = ask;
    int result;

    (void)ptn_record_next(&request); /* the line "ask id=N" */
    result = ptn_answers_run(worker, request, &records, &err);
    ptn_answers_send(ask, ptn_buf_slice(&records), result ? err.text : NULL,
                     tell, arg);
    ptn_buf_free(&records);
}
