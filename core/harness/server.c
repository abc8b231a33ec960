/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The server of a test (postern/test.h): configuration, modules, net and
 * loop, put together as a worker does, in one thread.
 */
#include "harness/server.h"
#include "log/log.h"
#include "net/inner.h"
#include <assert.h>
#include <postern/arena.h>
#include <postern/tls.h>
#include <stdlib.h>

#define MODULES_MAX 32
#define DRAIN_MS 1u

/* The blocks that every configuration of a test has in common come last, so
 * that lines keep their numbers. */
static void
complete_config(const struct ptn_test *t, const char *config,
                struct ptn_buf *out)
{
    ptn_buf_adds(out, config ? config : "listeners: { };");
    ptn_buf_adds(out, "\nserver: { hostname = \"mail.example.test\"; domains = "
                      "[ \"example.test\", \"other.test\" ]; state = "
                      "\"/nowhere\"; };\nload = [ ");
    for (size_t i = 0; t->modules[i]; i++)
        ptn_buf_printf(out, "%s\"%s\"", i ? ", " : "", t->modules[i]->name);
    ptn_buf_adds(out, " ];\n");
}

static void
list_modules(struct ptn_test *t, const struct ptn_test_params *p)
{
    size_t count = 0;

    t->modules = ptn_alloc((MODULES_MAX + 3) * sizeof *t->modules);
    t->modules[count++] = &ptn_harness_tls;
    if (!p->no_directory)
        t->modules[count++] = &ptn_harness_directory;
    for (size_t i = 0; p->modules && p->modules[i]; i++) {
        assert(i < MODULES_MAX);
        t->modules[count++] = p->modules[i];
    }
}

static void
tell_problems(const struct ptn_conf *conf, struct ptn_buf *out)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);

    ptn_conf_print_notes(conf, to);
    fclose(to);
    if (out)
        ptn_buf_adds(out, text);
    free(text);
}

static int
load(struct ptn_test *t, const struct ptn_test_params *p,
     struct ptn_buf *problems)
{
    struct ptn_buf config = PTN_BUF_INIT;
    bool failed;

    complete_config(t, p->config, &config);
    t->conf = ptn_conf_read_text("test.conf", ptn_buf_slice(&config), 0);
    ptn_buf_free(&config);
    ptn_harness_set_modules(t->modules);
    t->loaded =
        ptn_modules_load(t->conf, p->role ? p->role : PTN_ROLE_WORKER, NULL);
    ptn_modules_bind(t->loaded, t->conf);
    failed = ptn_conf_failed(t->conf);
    if (failed)
        tell_problems(t->conf, problems);
    return failed ? -1 : 0;
}

static int
start(struct ptn_test *t, struct ptn_buf *problems)
{
    struct ptn_loop_params lanes = {1, 1, 1};
    struct ptn_modules_place place = {NULL, 0, 1};
    struct ptn_error err = PTN_ERROR_INIT;

    t->loop = ptn_loop_new(&lanes, &err);
    place.loop = t->loop;
    if (ptn_modules_start(t->loaded, &place, &err) == 0) {
        t->started = true;
        return 0;
    }
    if (problems)
        ptn_buf_printf(problems, "%s\n", err.text);
    return -1;
}

static void
serve(struct ptn_test *t)
{
    struct ptn_net_params params = {
        .loop = t->loop, .pki = (struct ptn_pki *)t, /* see harness/tls.c */
    };
    struct ptn_error err = PTN_ERROR_INIT;
    const void *ops;
    void *instance;

    if (ptn_modules_find(t->loaded, PTN_DIRECTORY_CONTRACT,
                         PTN_DIRECTORY_VERSION, &ops, &instance))
        t->auth = ptn_harness_auth_new(t->loop, ops, instance);
    params.auth = t->auth;
    t->net = ptn_net_new(&params);
    memcpy(t->net->id_prefix, "tests", 5); /* no two runs differ */
    t->sockets = ptn_alloc((t->conf->listener_count + 1) * sizeof(int));
    for (size_t i = 0; i < t->conf->listener_count; i++) {
        int rc;

        t->sockets[i] = ptn_wire_listener();
        rc = ptn_net_listen(t->net, &t->conf->listeners[i], &t->sockets[i], 1,
                            &err);
        assert(rc == 0);
    }
}

static void
release(struct ptn_test *t)
{
    if (t->started)
        ptn_modules_stop(t->loaded);
    ptn_modules_free(t->loaded);
    ptn_loop_free(t->loop);
    ptn_conf_free(t->conf);
    ptn_free(t->sockets);
    ptn_free(t->modules);
    ptn_free(t);
}

struct ptn_test *
ptn_test_new(const struct ptn_test_params *params, struct ptn_buf *problems)
{
    struct ptn_test *t = ptn_alloc(sizeof *t);

    ptn_log_set_level(getenv("VERBOSE") ? PTN_LOG_DEBUG : PTN_LOG_ERROR);
    ptn_list_init(&t->peers);
    list_modules(t, params);
    if (load(t, params, problems) != 0 || start(t, problems) != 0) {
        release(t);
        return NULL;
    }
    serve(t);
    return t;
}

void
ptn_harness_settle(struct ptn_test *t)
{
    while (ptn_harness_turn(t->loop))
        continue;
}

static void
on_drained(void *arg)
{
    struct ptn_test *t = arg;

    t->drained = true;
}

void
ptn_test_drain(struct ptn_test *t, uint64_t milliseconds)
{
    ptn_net_drain(t->net, milliseconds, on_drained, t);
    t->draining = true;
    ptn_harness_settle(t);
}

void
ptn_test_free(struct ptn_test *t)
{
    ptn_harness_hold(t->loop, false);
    ptn_harness_settle(t);
    if (!t->draining)
        ptn_test_drain(t, DRAIN_MS);
    for (int i = 0; i < 1000 && !t->drained; i++) {
        ptn_test_sleep(t, 3600000);
        ptn_harness_wait(t->loop, 10);
        ptn_harness_settle(t);
    }
    assert(t->drained); /* else a job of a module has never completed */
    ptn_harness_free_peers(t);
    ptn_net_free(t->net);
    ptn_harness_auth_free(t->auth);
    for (size_t i = 0; i < t->conf->listener_count; i++)
        ptn_wire_free(t->sockets[i]);
    release(t);
}

bool
ptn_test_find(struct ptn_test *t, const char *contract, uint16_t version,
              const void **ops, void **instance)
{
    return ptn_modules_find(t->loaded, contract, version, ops, instance);
}

struct ptn_test_directory *
ptn_test_directory(struct ptn_test *t)
{
    const void *ops;
    void *instance;
    bool found = ptn_test_find(t, PTN_DIRECTORY_CONTRACT, PTN_DIRECTORY_VERSION,
                               &ops, &instance);

    assert(found);
    return instance;
}

void
ptn_test_sleep(struct ptn_test *t, uint64_t milliseconds)
{
    uint64_t until = ptn_loop_now(t->loop) + milliseconds;

    ptn_harness_settle(t);
    while (ptn_loop_now(t->loop) < until) {
        ptn_harness_advance(t->loop, until);
        ptn_harness_settle(t);
    }
}

bool
ptn_test_wait(struct ptn_test *t, unsigned milliseconds)
{
    bool come = ptn_harness_wait(t->loop, milliseconds);

    ptn_harness_settle(t);
    return come;
}

void
ptn_test_refuse_jobs(struct ptn_test *t, unsigned after, unsigned count)
{
    ptn_harness_refuse(t->loop, after, count);
}

void
ptn_test_hold_jobs(struct ptn_test *t, bool hold)
{
    ptn_harness_hold(t->loop, hold);
    ptn_harness_settle(t);
}

unsigned
ptn_test_jobs(const struct ptn_test *t)
{
    return ptn_harness_jobs(t->loop);
}
