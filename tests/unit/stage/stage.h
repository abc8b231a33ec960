/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A stage for one session of a mail protocol: it plays core, the directory
 * and the store, so that a test can say a line, see the answer, and make
 * fail what never fails on a healthy machine. No loop, no thread, no file.
 *
 * It defines the functions of postern/session.h itself; a test that links
 * it must not link what refers to core's own session.
 */
#ifndef TESTS_UNIT_STAGE_STAGE_H
#define TESTS_UNIT_STAGE_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "module/registry.h"
#include <postern/arena.h>
#include <postern/directory.h>
#include <postern/mail/store.h>
#include <postern/session.h>
#include <stdio.h>

#define S(text) PTN_SLICE(text)

#define STAGE_MESSAGES 16
#define STAGE_JOBS 8

/* A message in the one INBOX of the stage. */
struct stage_message {
    const char *text;
    bool gone;
};

/* What the store was last asked to keep. */
struct stage_delivery {
    unsigned calls;
    bool atomic;
    struct ptn_buf prefix, body;
    struct ptn_buf users; /* "a@b c@d " */
};

struct stage {
    /* Core as the session sees it: set these before, or between, lines. */
    bool tls, tls_offered, may_auth, must_tls;
    bool lane_full; /* no job is taken */
    bool full;      /* the output queue, once */
    bool cancel;    /* the next job ends with its session */
    const char *user;
    enum ptn_auth outcomes[8]; /* of auth calls, one after the other */
    size_t outcome;

    /* The directory: users "user1".."user9@example.test"; team is the first
     * two, many are 600 others; status other than OK: what every lookup
     * answers. */
    enum ptn_status directory_status;
    bool directory_slow; /* resolve_nowait cannot tell */
    uint64_t quota;      /* of user2, who used 1,000 octets */

    /* The store. */
    enum ptn_status open_status, fetch_status, body_status, expunge_status;
    enum ptn_status deliver_status[10]; /* of user1 at [1], ... */
    struct stage_delivery delivery;
    struct stage_message messages[STAGE_MESSAGES];
    uint32_t message_count, uidvalidity;
    char expunged[256]; /* "3 5 " */
    bool read_fails;

    /* What core saw. */
    struct ptn_session *session;
    struct ptn_buf out;
    enum ptn_result result;
    unsigned errors;
    bool wants_text, wants_block, tls_started;
    uint64_t block_size, timeout;

    /* The stage's own. */
    const struct ptn_protocol *protocol;
    const struct ptn_module *module;
    void *instance;
    struct ptn_conf conf;
    struct ptn_modules modules;
    struct ptn_host host;
    struct ptn_job *jobs[STAGE_JOBS];
    size_t job_count;
    enum ptn_result (*drain)(struct ptn_session *s);
    ptn_auth_fn auth_fn;
};

/* Sets the stage, with a session that was greeted; `options` are of the
 * protocol's listener, `module_options` of the module. */
void stage_open(struct stage *st, const struct ptn_module *module,
                const void *options, const void *module_options);
void stage_close(struct stage *st); /* the session ends */

/* Each gives the session something and returns all that it answered until
 * it was done. */
const char *stage_line(struct stage *st, const char *line);
const char *stage_slice(struct stage *st, struct ptn_slice line);
const char *stage_block(struct stage *st, const char *data, size_t len,
                        bool last, unsigned faults);
const char *stage_fault(struct stage *st, enum ptn_fault fault);
const char *stage_event(struct stage *st, enum ptn_event event);

/* Whether an answer has these lines: "250-" and so on, joined by CRLF. */
#define assert_reply(answer, text) assert_string_equal(answer, text "\r\n")

#endif
