/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * <postern/test.h>: what it promises to authors, with a protocol whose
 * commands ask for it.
 *
 *   JOB        a job on a lane: "JOB ran", "JOB full"
 *   FLOOD n    n lines of 64 octets, as the peer reads them
 *   TIMER ms   a timer of the host, which posts: "POSTED"
 *   THREAD     a thread completes a job that was announced: "THREAD"
 *   LOGIN n p  "LOGIN outcome user"
 *   WHO        peer, listener, TLS version
 *   STARTTLS, QUIT
 */
#include <postern/arena.h>
#include <postern/test.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define S(text) PTN_SLICE(text)

/* What the tests look at. */
static unsigned ran, cancelled, closed;

struct work {
    struct ptn_job job;
};

struct state {
    struct ptn_session *self;
    struct ptn_timer *timer;
    unsigned lines; /* of a flood that are still to come */
};

static void
work_run(struct ptn_job *job)
{
    (void)job;
    ran++;
}

static enum ptn_result
work_done(struct ptn_session *s, struct ptn_job *job)
{
    if (job->cancelled)
        cancelled++;
    else
        ptn_session_write(s, S("JOB ran\r\n"));
    ptn_free(PTN_CONTAINER(job, struct work, job));
    return PTN_DONE;
}

static enum ptn_result
begin_work(struct ptn_session *s)
{
    struct work *work = ptn_alloc(sizeof *work);

    work->job.run = work_run;
    work->job.done = work_done;
    if (ptn_session_run(s, PTN_LANE_SLOW, &work->job) == 0)
        return PTN_PENDING;
    ptn_free(work);
    ptn_session_write(s, S("JOB full\r\n"));
    return PTN_DONE;
}

static enum ptn_result
thread_done(struct ptn_session *s, struct ptn_job *job)
{
    ptn_session_write(s, S("THREAD\r\n"));
    ptn_free(PTN_CONTAINER(job, struct work, job));
    return PTN_DONE;
}

static void *
complete(void *arg)
{
    ptn_job_complete(arg);
    return NULL;
}

static enum ptn_result
begin_thread(struct ptn_session *s)
{
    struct work *work = ptn_alloc(sizeof *work);
    pthread_t thread;

    work->job.done = thread_done;
    ptn_session_await(s, &work->job);
    assert_int_equal(pthread_create(&thread, NULL, complete, &work->job), 0);
    pthread_detach(thread);
    return PTN_PENDING;
}

static enum ptn_result
flood(struct ptn_session *s)
{
    struct state *state = ptn_session_state(s);

    while (state->lines > 0 && !ptn_session_is_full(s)) {
        ptn_session_printf(s, "%062u\r\n", state->lines);
        state->lines--;
    }
    if (state->lines == 0)
        return PTN_DONE;
    ptn_session_on_drain(s, flood);
    return PTN_PENDING;
}

static void
on_timer(void *arg)
{
    struct state *state = arg;

    state->timer = NULL;
    ptn_session_post(state->self);
}

static enum ptn_result
told(struct ptn_session *s, enum ptn_auth outcome, struct ptn_slice data)
{
    const char *user = ptn_session_user(s);

    (void)data;
    ptn_session_printf(s, "LOGIN %d %s\r\n", (int)outcome, user ? user : "-");
    return PTN_DONE;
}

static enum ptn_result
who(struct ptn_session *s)
{
    const char *version = ptn_session_tls_version(s);

    ptn_session_printf(s, "%s %s %s %s\r\n", ptn_session_peer(s),
                       ptn_session_local(s), ptn_session_listener(s),
                       version ? version : "clear");
    return PTN_DONE;
}

static enum ptn_result
begin_tls(struct ptn_session *s)
{
    ptn_session_write(s, S("GO\r\n"));
    ptn_session_start_tls(s);
    return PTN_DONE;
}

static enum ptn_result
on_open(struct ptn_session *s)
{
    ptn_session_write(s, S("HI\r\n"));
    return PTN_DONE;
}

static enum ptn_result
on_line(struct ptn_session *s, struct ptn_slice line)
{
    struct state *state = ptn_session_state(s);
    char text[200], name[100], password[100];
    unsigned number;

    state->self = s;
    snprintf(text, sizeof text, "%.*s", (int)line.len, line.data);
    if (strcmp(text, "JOB") == 0)
        return begin_work(s);
    if (strcmp(text, "THREAD") == 0)
        return begin_thread(s);
    if (strcmp(text, "WHO") == 0)
        return who(s);
    if (strcmp(text, "STARTTLS") == 0 && ptn_session_tls_offered(s))
        return begin_tls(s);
    if (strcmp(text, "QUIT") == 0)
        return PTN_CLOSE;
    if (sscanf(text, "FLOOD %u", &state->lines) == 1)
        return flood(s);
    if (sscanf(text, "LOGIN %99s %99s", name, password) == 2)
        return ptn_auth_login(s, ptn_slice_of(name), ptn_slice_of(password),
                              told);
    if (sscanf(text, "TIMER %u", &number) == 1)
        state->timer =
            ptn_host_timer(ptn_session_host(s), number, on_timer, state);
    else
        ptn_session_error(s);
    return PTN_DONE;
}

static enum ptn_result
on_event(struct ptn_session *s, enum ptn_event event)
{
    static const char *const words[] = {"TLS", "TIMEOUT", "SHUTDOWN", "ERRORS",
                                        "POSTED"};

    ptn_session_printf(s, "%s\r\n", words[event]);
    return event == PTN_EVENT_TLS || event == PTN_EVENT_POSTED ? PTN_DONE
                                                               : PTN_CLOSE;
}

static void
on_close(struct ptn_session *s)
{
    struct state *state = ptn_session_state(s);

    ptn_timer_cancel(state->timer);
    closed++;
}

static const char *
on_refuse(enum ptn_refusal reason)
{
    return reason == PTN_REFUSE_SHUTDOWN ? "GOING\r\n" : "FULL\r\n";
}

static const struct ptn_protocol protocol = {
    .size = sizeof protocol,
    .name = "lab",
    .state_size = sizeof(struct state),
    .open = on_open,
    .line = on_line,
    .event = on_event,
    .close = on_close,
    .refuse = on_refuse,
};

static int
init(struct ptn_host *host, const void *options, void **instance,
     struct ptn_error *err)
{
    (void)options, (void)instance, (void)err;
    ptn_host_provide(host, PTN_PROTOCOL_CONTRACT, PTN_PROTOCOL_VERSION,
                     &protocol, NULL);
    return 0;
}

static const struct ptn_module lab = {
    PTN_MODULE_HEAD,
    .name = "lab",
    .version = "1",
    .license = "LGPL-2.1-or-later",
    .provides =
        (const struct ptn_contract[]){
            {PTN_PROTOCOL_CONTRACT, PTN_PROTOCOL_VERSION}, {NULL, 0}},
    .init = init,
};

static const struct ptn_module *const modules[] = {&lab, NULL};
static const struct ptn_test_params params = {
    .modules = modules,
    .config = "limits: { idle_timeout = \"5m\"; max_errors = 3; };\n"
              "listeners: {\n"
              " lab: { protocol = \"lab\"; listen = [ \"127.0.0.1:1\" ];\n"
              "  limits: { connections_per_address = 2; };\n"
              "  tls: { mode = \"explicit\"; require = \"never\"; }; };\n"
              " tls: { protocol = \"lab\"; listen = [ \"127.0.0.1:2\" ];\n"
              "  tls: { mode = \"implicit\"; }; }; };",
};

struct both {
    struct ptn_test *test;
    struct ptn_test_peer *peer;
};

static int
setup(void **state)
{
    struct both *b = ptn_alloc(sizeof *b);

    ran = cancelled = closed = 0;
    b->test = ptn_test_new(&params, NULL);
    assert_non_null(b->test);
    b->peer = ptn_test_connect(b->test, "lab");
    assert_string_equal(ptn_test_say(b->peer, ""), "HI\r\n");
    *state = b;
    return 0;
}

static int
teardown(void **state)
{
    struct both *b = *state;

    ptn_test_free(b->test);
    ptn_free(b);
    return 0;
}

static void
jobs_run_at_once(void **state)
{
    struct both *b = *state;

    assert_string_equal(ptn_test_say(b->peer, "JOB\r\nJOB\r\n"),
                        "JOB ran\r\nJOB ran\r\n");
    assert_int_equal(ptn_test_jobs(b->test), 2);
}

static void
the_nth_job_is_refused(void **state)
{
    struct both *b = *state;

    ptn_test_refuse_jobs(b->test, 1, 2);
    assert_string_equal(ptn_test_say(b->peer, "JOB\r\nJOB\r\nJOB\r\nJOB\r\n"),
                        "JOB ran\r\nJOB full\r\nJOB full\r\nJOB ran\r\n");
}

static void
held_jobs_are_cancelled_with_their_session(void **state)
{
    struct both *b = *state;

    ptn_test_hold_jobs(b->test, true);
    assert_string_equal(ptn_test_say(b->peer, "JOB\r\n"), "");
    ptn_test_reset(b->peer); /* it is not looked at now */
    assert_non_null(ptn_test_session(b->peer));
    ptn_test_cut(b->peer);
    assert_int_equal(closed, 0);
    assert_null(ptn_test_session(b->peer));
    ptn_test_hold_jobs(b->test, false);
    assert_int_equal(ran, 1);
    assert_int_equal(cancelled, 1);
    assert_int_equal(closed, 1);
}

static void
time_passes_when_told(void **state)
{
    struct both *b = *state;

    assert_string_equal(ptn_test_say(b->peer, "TIMER 1000\r\n"), "");
    ptn_test_sleep(b->test, 999);
    assert_string_equal(ptn_test_say(b->peer, ""), "");
    ptn_test_sleep(b->test, 1);
    assert_string_equal(ptn_test_say(b->peer, ""), "POSTED\r\n");
    ptn_test_sleep(b->test, 299000);
    assert_false(ptn_test_is_closed(b->peer));
    ptn_test_sleep(b->test, 60000);
    assert_string_equal(ptn_test_say(b->peer, ""), "TIMEOUT\r\n");
    assert_true(ptn_test_is_closed(b->peer));
}

static void
a_slow_reader_holds_the_queue(void **state)
{
    struct both *b = *state;
    size_t total = 0;

    ptn_test_window(b->peer, 1000);
    total += strlen(ptn_test_say(b->peer, "FLOOD 10000\r\n"));
    assert_int_equal(total, 1000);
    for (int i = 0; i < 1000 && total < 640000; i++) {
        ptn_test_window(b->peer, 5000);
        total += strlen(ptn_test_say(b->peer, ""));
    }
    assert_int_equal(total, 640000);
}

static void
tls_is_the_listeners(void **state)
{
    struct both *b = *state;
    struct ptn_test_peer *peer;

    assert_string_equal(ptn_test_say(b->peer, "STARTTLS\r\nWHO\r\n"), "GO\r\n");
    assert_true(ptn_test_start_tls(b->peer));
    assert_string_equal(ptn_test_say(b->peer, "WHO\r\n"),
                        "TLS\r\n192.0.2.1 198.51.100.250 lab TLSv1.3\r\n");
    peer = ptn_test_connect_from(b->test, "tls", "2001:db8::1");
    assert_string_equal(ptn_test_say(peer, ""), "");
    assert_true(ptn_test_start_tls(peer));
    assert_string_equal(ptn_test_say(peer, "WHO\r\n"),
                        "HI\r\n2001:db8::1 198.51.100.250 tls TLSv1.3\r\n");
    peer = ptn_test_connect(b->test, "tls");
    ptn_test_say(peer, "WHO in clear\r\n");
    assert_true(ptn_test_is_closed(peer));
}

static void
limits_hold(void **state)
{
    struct both *b = *state;
    struct ptn_test_peer *third;

    ptn_test_connect_from(b->test, "lab", "192.0.2.1");
    third = ptn_test_connect_from(b->test, "lab", "192.0.2.1");
    assert_string_equal(ptn_test_say(third, ""), "FULL\r\n");
    assert_true(ptn_test_is_closed(third));
    assert_string_equal(ptn_test_say(b->peer, "a\r\nb\r\nc\r\nd\r\n"),
                        "ERRORS\r\n");
    assert_true(ptn_test_is_closed(b->peer));
}

static void
users_are_made_up(void **state)
{
    struct both *b = *state;
    struct ptn_test_directory *d = ptn_test_directory(b->test);

    d->outcomes[0] = PTN_AUTH_TEMPFAIL;
    assert_string_equal(ptn_test_say(b->peer, "LOGIN user1 secret\r\n"),
                        "LOGIN 3 -\r\n");
    assert_string_equal(ptn_test_say(b->peer, "LOGIN user1 wrong\r\n"),
                        "LOGIN 2 -\r\n");
    assert_string_equal(ptn_test_say(b->peer, "LOGIN user1 secret\r\n"),
                        "LOGIN 0 user1@example.test\r\n");
}

static void
threads_are_waited_for(void **state)
{
    struct both *b = *state;

    ptn_test_say(b->peer, "THREAD\r\n");
    for (int i = 0;
         i < 100 && ptn_test_session(b->peer) && ptn_test_said(b->peer) == 0;
         i++) {
        ptn_test_wait(b->test, 100);
        ptn_test_say(b->peer, "");
    }
    assert_true(ptn_test_said(b->peer) > 0);
}

static void
a_drain_says_goodbye(void **state)
{
    struct both *b = *state;
    struct ptn_test_peer *late;

    ptn_test_drain(b->test, 1000);
    assert_string_equal(ptn_test_say(b->peer, ""), "SHUTDOWN\r\n");
    late = ptn_test_connect(b->test, "lab");
    assert_string_equal(ptn_test_say(late, ""), "GOING\r\n");
}

static void
hanging_up_ends_it(void **state)
{
    struct both *b = *state;

    ptn_test_hang_up(b->peer);
    assert_true(ptn_test_is_closed(b->peer));
    assert_int_equal(closed, 1);
}

static void
pieces_make_no_difference(void **state)
{
    struct ptn_buf answer = PTN_BUF_INIT;

    (void)state;
    ptn_test_replay(&params, "lab", S("JOB\r\nFLOOD 2\r\nnonsense\r\nQUIT\r\n"),
                    &answer);
    assert_memory_equal(ptn_buf_cstr(&answer), "HI\r\nJOB ran\r\n000", 16);
    ptn_buf_free(&answer);
}

static void
a_wrong_configuration_is_told(void **state)
{
    struct ptn_test_params wrong = params;
    struct ptn_buf problems = PTN_BUF_INIT;

    (void)state;
    wrong.config = "listeners: {\n lab: { protocol = \"lob\";"
                   " listen = [ \"127.0.0.1:1\" ];"
                   " tls: { mode = \"none\"; }; }; };";
    assert_null(ptn_test_new(&wrong, &problems));
    assert_non_null(
        strstr(ptn_buf_cstr(&problems), "test.conf:2: listeners.lab.protocol"));
    assert_non_null(strstr(problems.data, "did you mean \"lab\"?"));
    ptn_buf_free(&problems);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(jobs_run_at_once),
        T(the_nth_job_is_refused),
        T(held_jobs_are_cancelled_with_their_session),
        T(time_passes_when_told),
        T(a_slow_reader_holds_the_queue),
        T(tls_is_the_listeners),
        T(limits_hold),
        T(users_are_made_up),
        T(threads_are_waited_for),
        T(a_drain_says_goodbye),
        T(hanging_up_ends_it),
        cmocka_unit_test(pieces_make_no_difference),
        cmocka_unit_test(a_wrong_configuration_is_told),
    };

    return cmocka_run_group_tests_name("harness", tests, NULL, NULL);
}
