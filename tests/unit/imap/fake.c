/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The clients of fake.h, over libpostern-test. Where a test wants what no
 * configuration has, the records of core are changed.
 */
#include "fake.h"
#include "harness/server.h"
#include "net/inner.h"
#include <assert.h>
#include <postern/arena.h>
#include <stdio.h>

extern const struct ptn_module imap_LTX_postern_module;

#define LISTENER                                                               \
    "protocol = \"imap\"; max_append = \"1M\";"                                \
    " limits: { max_line = \"8K\"; max_errors = 100000; };"

static const char config[] =
    "imap: { uploads = \"4M\"; };"
    "listeners: {"
    " lab: { " LISTENER " listen = [ \"127.0.0.1:1\" ];"
    "  tls: { mode = \"explicit\"; require = \"never\"; }; };"
    " strict: { " LISTENER " listen = [ \"127.0.0.1:2\" ];"
    "  tls: { mode = \"explicit\"; require = \"always\"; }; }; };";

static struct fake *
dial(struct ptn_test *test, const char *listener, unsigned *users)
{
    struct fake *f = ptn_alloc(sizeof *f);

    f->test = test;
    f->peer = ptn_test_connect(test, listener);
    f->users = users;
    ++*users;
    fake_say(f, "");
    return f;
}

struct fake *
fake_open(void)
{
    static const struct ptn_module *const modules[] = {
        &ptn_test_store_module, &imap_LTX_postern_module, NULL};
    struct ptn_buf problems = PTN_BUF_INIT;
    struct ptn_test *test = ptn_test_new(
        &(struct ptn_test_params){.config = config, .modules = modules},
        &problems);

    if (!test)
        fprintf(stderr, "%s", ptn_buf_cstr(&problems));
    assert(test);
    return dial(test, "lab", ptn_alloc(sizeof(unsigned)));
}

struct fake *
fake_join(struct fake *other)
{
    return dial(other->test, "lab", other->users);
}

struct fake *
fake_join_strict(struct fake *other)
{
    return dial(other->test, "strict", other->users);
}

void
fake_close(struct fake *f)
{
    ptn_test_reset(f->peer);
    if (--*f->users == 0) {
        ptn_test_free(f->test);
        ptn_free(f->users);
    }
    ptn_free(f);
}

const char *
fake_feed(struct fake *f, const char *input, size_t len)
{
    return ptn_test_feed(f->peer, input, len);
}

const char *
fake_say(struct fake *f, const char *input)
{
    return ptn_test_say(f->peer, input);
}

bool
fake_closed(const struct fake *f)
{
    return ptn_test_is_closed(f->peer);
}

void
fake_high(struct fake *f, size_t octets)
{
    f->test->conf->listeners[0].limits.output_high = octets;
    f->test->conf->listeners[0].limits.output_low = octets / 2;
}

unsigned
fake_errors(struct fake *f)
{
    return ptn_test_session(f->peer)->errors;
}
