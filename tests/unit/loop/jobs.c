/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Lanes and completions: each job runs once and is done once, on the loop,
 * in bounded queues, and lanes do not wait for each other.
 */
#include "loop/loop.h"
#include "tests/unit/base/test.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

struct work {
    struct ptn_job job;
    struct ptn_loop *loop;
    sem_t *begun; /* run says that it has begun */
    sem_t *gate;  /* and waits for this */
    _Atomic int ran;
    int done;
    int *left; /* the last one done stops the loop */
    pthread_t where;
};

static void
run(struct ptn_job *job)
{
    struct work *w = PTN_CONTAINER(job, struct work, job);

    if (w->begun)
        sem_post(w->begun);
    if (w->gate)
        sem_wait(w->gate);
    w->where = pthread_self();
    atomic_fetch_add(&w->ran, 1);
}

static enum ptn_result
done(struct ptn_session *session, struct ptn_job *job)
{
    struct work *w = PTN_CONTAINER(job, struct work, job);

    assert_null(session);
    w->done++;
    if (--*w->left == 0)
        ptn_loop_stop(w->loop);
    return PTN_DONE;
}

static struct ptn_loop *
new_loop(size_t disk, size_t slow, size_t depth)
{
    struct ptn_loop_params params = {disk, slow, depth};
    struct ptn_error err = PTN_ERROR_INIT;

    return ptn_loop_new(&params, &err);
}

static void
prepare(struct work *w, size_t count, struct ptn_loop *loop, int *left)
{
    memset(w, 0, count * sizeof *w);
    for (size_t i = 0; i < count; i++) {
        w[i].job.run = run;
        w[i].job.done = done;
        w[i].loop = loop;
        w[i].left = left;
    }
}

static void
test_each_once(void **state)
{
    enum {
        COUNT = 2000
    };
    static struct work w[COUNT];
    struct ptn_loop *loop = new_loop(3, 2, COUNT);
    int left = COUNT;

    (void)state;
    prepare(w, COUNT, loop, &left);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(ptn_loop_submit(loop,
                                         i % 2 ? PTN_LANE_DISK : PTN_LANE_SLOW,
                                         &w[i].job),
                         0);
    ptn_loop_run(loop);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(w[i].ran, 1);
        assert_int_equal(w[i].done, 1);
        assert_false(pthread_equal(w[i].where, pthread_self()));
    }
    ptn_loop_free(loop);
}

/* Full is a temporary failure at once, and touches no other lane. */
static void
test_full(void **state)
{
    enum {
        COUNT = 8
    };
    static struct work w[COUNT];
    struct ptn_loop *loop = new_loop(1, 1, 2);
    sem_t gate, begun;
    int left = 3, accepted = 0;

    (void)state;
    sem_init(&gate, 0, 0);
    sem_init(&begun, 0, 0);
    prepare(w, COUNT, loop, &left);
    w[0].begun = &begun;
    for (size_t i = 0; i < COUNT - 1; i++)
        w[i].gate = &gate;
    assert_int_equal(ptn_loop_submit(loop, PTN_LANE_DISK, &w[0].job), 0);
    sem_wait(&begun);
    for (size_t i = 1; i < COUNT - 1; i++)
        accepted += ptn_loop_submit(loop, PTN_LANE_DISK, &w[i].job) == 0;
    assert_int_equal(accepted, 2);
    left = 1;
    assert_int_equal(ptn_loop_submit(loop, PTN_LANE_SLOW, &w[COUNT - 1].job),
                     0);
    ptn_loop_run(loop);
    assert_int_equal(w[COUNT - 1].done, 1);
    left = 3;
    for (int i = 0; i < 3; i++)
        sem_post(&gate);
    ptn_loop_run(loop);
    assert_int_equal(w[0].done + w[1].done + w[2].done, 3);
    assert_int_equal(w[3].done + w[3].ran, 0);
    ptn_loop_free(loop);
    sem_destroy(&gate);
    sem_destroy(&begun);
}

/* Who frees the loop waits for what runs, and gets its completion. */
static void
test_free_waits(void **state)
{
    static struct work w[3];
    struct ptn_loop *loop = new_loop(1, 1, 4);
    sem_t gate;
    int left = 100;

    (void)state;
    sem_init(&gate, 0, 3);
    prepare(w, 3, loop, &left);
    for (size_t i = 0; i < 3; i++) {
        w[i].gate = &gate;
        assert_int_equal(ptn_loop_submit(loop, PTN_LANE_DISK, &w[i].job), 0);
    }
    ptn_loop_free(loop);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(w[i].done, 1);
    sem_destroy(&gate);
}

/* Jobs that no lane runs: completed by anybody, from any thread at once. */
enum {
    EACH = 500,
    THREADS = 4
};
static struct work foreign[THREADS][EACH];

static void *
complete_all(void *arg)
{
    struct work *w = arg;

    for (size_t i = 0; i < EACH; i++)
        ptn_job_complete(&w[i].job);
    return NULL;
}

static void
test_foreign_threads(void **state)
{
    struct ptn_loop *loop = new_loop(1, 1, 1);
    pthread_t ids[THREADS];
    int left = THREADS * EACH;

    (void)state;
    prepare(foreign[0], (size_t)THREADS * EACH, loop, &left);
    for (size_t i = 0; i < (size_t)THREADS * EACH; i++)
        ptn_loop_await(loop, &foreign[i / EACH][i % EACH].job);
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&ids[i], NULL, complete_all, foreign[i]);
    ptn_loop_run(loop);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(ids[i], NULL);
    for (size_t i = 0; i < (size_t)THREADS * EACH; i++)
        assert_int_equal(foreign[i / EACH][i % EACH].done, 1);
    ptn_loop_free(loop);
}

/* On the loop's own thread `done` never runs inside complete. */
static void
test_not_inside(void **state)
{
    static struct work w[2];
    struct ptn_loop *loop = new_loop(1, 1, 1);
    int left = 2;

    (void)state;
    prepare(w, 2, loop, &left);
    for (size_t i = 0; i < 2; i++) {
        ptn_loop_await(loop, &w[i].job);
        ptn_job_complete(&w[i].job);
        assert_int_equal(w[i].done, 0);
    }
    ptn_loop_run(loop);
    assert_int_equal(w[0].done + w[1].done, 2);
    ptn_loop_free(loop);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_once),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_free_waits),
        cmocka_unit_test(test_foreign_threads),
        cmocka_unit_test(test_not_inside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
