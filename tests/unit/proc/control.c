/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The control socket, and requests that go on to workers: the workers are
 * the test's ends of their channels.
 */
#include "proc/control.h"
#include "proc/answers.h"
#include "proc/asks.h"
#include "proc/plan.h"
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    WORKERS = 3,
    RECORDS = 20000,
};

struct fixture {
    char folder[64], path[96];
    struct ptn_control *control;
    struct ptn_control_call *later;
    struct ptn_asks asks;
    struct ptn_crew crew;
    struct ptn_crew_worker workers[WORKERS];
    int ends[WORKERS]; /* the workers' */
    /* a client in a thread of its own */
    pthread_t thread;
    const char *request;
    struct ptn_buf answer;
    struct ptn_error err;
    int result;
};

static int
say_fields(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    char value[64];

    (void)arg;
    if (!ptn_record_get(call->args, "key", value, sizeof value))
        return ptn_error_set(err, PTN_ERR_INVALID, "no\tkey");
    ptn_buf_adds(&call->out, "field");
    ptn_record_add(&call->out, "is", value);
    ptn_buf_addc(&call->out, '\n');
    return 0;
}

static int
say_much(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    (void)arg;
    (void)err;
    for (unsigned i = 0; i < RECORDS; i++)
        ptn_buf_printf(&call->out, "record\tnumber=%u\tpadding=%060u\n", i, i);
    return 0;
}

static int
say_later(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    struct fixture *f = arg;

    (void)err;
    f->later = call;
    return PTN_CONTROL_LATER;
}

static int
ask_workers(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    struct fixture *f = arg;

    return ptn_asks_begin(&f->asks, &f->crew, call, err);
}

static const struct ptn_control_verb verbs[] = {
    {"fields", say_fields}, {"much", say_much}, {"later", say_later},
    {"ask", ask_workers},   {NULL, NULL},
};

static void *
be_client(void *arg)
{
    struct fixture *f = arg;

    f->result = ptn_control_ask(f->path, f->request, &f->answer, &f->err);
    return NULL;
}

static void
serve(struct fixture *f, int milliseconds)
{
    struct pollfd p = {ptn_control_fd(f->control), POLLIN, 0};

    if (poll(&p, 1, milliseconds) > 0)
        ptn_control_serve(f->control);
}

static void
begin(struct fixture *f, const char *request)
{
    f->request = request;
    f->answer.len = 0;
    f->err = PTN_ERROR_INIT;
    assert_int_equal(pthread_create(&f->thread, NULL, be_client, f), 0);
}

static int
end(struct fixture *f)
{
    while (pthread_tryjoin_np(f->thread, NULL) != 0)
        serve(f, 5);
    return f->result;
}

static int
ask(struct fixture *f, const char *request)
{
    begin(f, request);
    return end(f);
}

static const char *
answer(struct fixture *f)
{
    return ptn_buf_cstr(&f->answer);
}

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct ptn_error err = PTN_ERROR_INIT;

    snprintf(f->folder, sizeof f->folder, "/tmp/control.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/socket", f->folder);
    f->control = ptn_control_open(f->path, verbs, f, &err);
    assert_non_null(f->control);
    ptn_asks_init(&f->asks);
    f->crew.workers = f->workers;
    f->crew.count = WORKERS;
    for (unsigned i = 0; i < WORKERS; i++) {
        int pair[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
        f->workers[i].channel = pair[0];
        f->workers[i].phase = PTN_WORKER_SERVING;
        f->workers[i].pid = getpid();
        f->ends[i] = pair[1];
    }
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    for (unsigned i = 0; i < WORKERS; i++) {
        close(f->workers[i].channel);
        close(f->ends[i]);
    }
    ptn_asks_deinit(&f->asks);
    ptn_control_close(f->control);
    assert_int_equal(access(f->path, F_OK), -1);
    rmdir(f->folder);
    ptn_buf_free(&f->answer);
    free(f);
    return 0;
}

static void
words_and_fields(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, "fields\tother=1\tkey=a\\tb"), 0);
    assert_string_equal(answer(f), "field\tis=a\\tb\n");
    assert_int_equal(ask(f, "fields"), -1);
    assert_string_equal(f->err.text, "no\tkey");
    assert_int_equal(ask(f, "field\tkey=1"), -1);
    assert_string_equal(f->err.text,
                        "this server does not know the request \"field\"");
}

static void
a_large_answer(void **state)
{
    struct fixture *f = *state;
    struct ptn_slice rest;
    unsigned count = 0;

    assert_int_equal(ask(f, "much"), 0);
    for (rest = ptn_buf_slice(&f->answer); rest.len > 0; count++)
        assert_true(ptn_record_is(ptn_record_next(&rest), "record"));
    assert_int_equal(count, RECORDS);
}

static void
a_client_that_does_not_read(void **state)
{
    struct fixture *f = *state;
    int silent = ptn_control_dial(f->path), mute = ptn_control_dial(f->path);

    assert_int_equal(write(silent, "much\n", 5), 5);
    assert_int_equal(write(mute, "fie", 3), 3);
    assert_int_equal(ask(f, "fields\tkey=x"), 0); /* others are served */
    close(silent);
    close(mute);
    assert_int_equal(ask(f, "fields\tkey=y"), 0);
}

static void
a_request_without_end(void **state)
{
    struct fixture *f = *state;
    char much[PTN_CONTROL_REQUEST_MAX + 1];
    int fd = ptn_control_dial(f->path);

    memset(much, 'x', sizeof much);
    assert_int_equal(write(fd, much, sizeof much - 1), sizeof much - 1);
    for (unsigned i = 0; i < 20; i++)
        serve(f, 5);
    assert_true(recv(fd, much, 1, 0) <= 0);
    close(fd);
}

static void
an_answer_that_comes_later(void **state)
{
    struct fixture *f = *state;
    struct ptn_error err = PTN_ERROR_INIT;

    begin(f, "later");
    while (!f->later)
        serve(f, 5);
    ptn_buf_adds(&f->later->out, "late\n");
    ptn_control_done(f->later, NULL);
    assert_int_equal(end(f), 0);
    assert_string_equal(answer(f), "late\n");

    f->later = NULL;
    begin(f, "later");
    while (!f->later)
        serve(f, 5);
    ptn_error_set(&err, PTN_ERR_INVALID, "too late");
    ptn_control_done(f->later, &err);
    assert_int_equal(end(f), -1);
    assert_string_equal(f->err.text, "too late");
}

static void
a_client_that_does_not_wait(void **state)
{
    struct fixture *f = *state;
    int fd = ptn_control_dial(f->path);

    assert_int_equal(write(fd, "later\n", 6), 6);
    while (!f->later)
        serve(f, 5);
    close(fd);
    serve(f, 100);
    ptn_control_done(f->later, NULL);
    assert_int_equal(ask(f, "fields\tkey=x"), 0);
}

/* --- workers --- */

/* Takes the question at a worker's end: the id of it. */
static unsigned
hear(struct fixture *f, unsigned worker)
{
    char text[512];
    struct pollfd p = {f->ends[worker], POLLIN, 0};
    ssize_t n;
    unsigned id;

    while (poll(&p, 1, 0) == 0)
        serve(f, 5);
    n = recv(f->ends[worker], text, sizeof text - 1, 0);
    assert_true(n > 0);
    text[n] = '\0';
    assert_int_equal(text[0], PTN_MESSAGE_ASK);
    assert_int_equal(sscanf(text + 1, "ask\tid=%u\n", &id), 1);
    assert_non_null(strstr(text, "\nask\tabout=x"));
    return id;
}

static void
reply(struct fixture *f, unsigned worker, unsigned id, const char *rest)
{
    char text[256];

    snprintf(text, sizeof text, "answer\tid=%u%s", id, rest);
    ptn_asks_take(&f->asks, worker, ptn_slice_of(text));
}

static void
all_workers_answer(void **state)
{
    struct fixture *f = *state;
    unsigned ids[WORKERS];

    begin(f, "ask\tabout=x");
    for (unsigned i = 0; i < WORKERS; i++)
        ids[i] = hear(f, i);
    reply(f, 0, ids[0], "\trefused=not here\n");
    reply(f, 2, ids[2], "\tmore=yes\none\n");
    reply(f, 2, ids[2], "\ntwo\n");
    reply(f, 2, ids[2], "\nonce too often\n");
    reply(f, 1, ids[1] + 7, "\nof another question\n");
    assert_true(ptn_asks_due(&f->asks) > 0);
    reply(f, 1, ids[1], "\n");
    assert_int_equal(ptn_asks_due(&f->asks), 0);
    assert_int_equal(end(f), 0);
    assert_string_equal(answer(f), "one\ntwo\n");
}

static void
all_workers_refuse(void **state)
{
    struct fixture *f = *state;
    unsigned ids[WORKERS];

    f->workers[1].phase = PTN_WORKER_STARTING;
    begin(f, "ask\tabout=x");
    ids[0] = hear(f, 0);
    ids[2] = hear(f, 2);
    reply(f, 0, ids[0], "\trefused=no such thing\n");
    reply(f, 2, ids[2], "\trefused=nor here\n");
    assert_int_equal(end(f), -1);
    assert_string_equal(f->err.text, "no such thing");
}

static void
workers_that_die_or_are_silent(void **state)
{
    struct fixture *f = *state;
    unsigned id;

    begin(f, "ask\tabout=x");
    id = hear(f, 0);
    (void)hear(f, 1);
    (void)hear(f, 2);
    reply(f, 0, id, "\nalive\n");
    ptn_asks_lose(&f->asks, 1);
    ptn_asks_lose(&f->asks, 1);
    while (ptn_asks_due(&f->asks)) {
        serve(f, 20);
        ptn_asks_expire(&f->asks);
    }
    assert_int_equal(end(f), 0);
    assert_string_equal(answer(f), "alive\nmissing\tworker=2\n");
}

static void
take_records(void *arg, struct ptn_slice records)
{
    ptn_buf_addslice(arg, records);
}

/* Workers of the newest generation have read them anyway. */
static void
certificates_are_read_again(void **state)
{
    struct fixture *f = *state;
    struct ptn_buf records = PTN_BUF_INIT;
    char text[64];
    ssize_t n;

    f->workers[0].born = 3;
    f->workers[1].born = 2;
    f->workers[2].born = 1;
    f->workers[2].phase = PTN_WORKER_RETIRED;
    assert_int_equal(ptn_asks_reload(&f->asks, &f->crew, 3, PTN_SLICE(""),
                                     take_records, &records),
                     1);
    n = recv(f->ends[1], text, sizeof text, MSG_DONTWAIT);
    assert_true(n > 1 && text[0] == PTN_MESSAGE_RELOAD);
    assert_true(recv(f->ends[0], text, sizeof text, MSG_DONTWAIT) < 0);
    reply(f, 1, 1, "\nrefused\tcount=2\n");
    assert_string_equal(ptn_buf_cstr(&records), "refused\tcount=2\n");
    assert_int_equal(ptn_asks_reload(&f->asks, &f->crew, 1, PTN_SLICE(""),
                                     take_records, &records),
                     0);
    ptn_buf_free(&records);
}

static void
nobody_to_ask(void **state)
{
    struct fixture *f = *state;

    for (unsigned i = 0; i < WORKERS; i++)
        f->workers[i].pid = 0;
    assert_int_equal(ask(f, "ask\tabout=x"), -1);
    assert_string_equal(f->err.text, "no worker is ready");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(words_and_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_large_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_that_does_not_read, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_request_without_end, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_answer_that_comes_later, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_client_that_does_not_wait, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(all_workers_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_workers_refuse, set_up, tear_down),
        cmocka_unit_test_setup_teardown(workers_that_die_or_are_silent, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(certificates_are_read_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(nobody_to_ask, set_up, tear_down),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
