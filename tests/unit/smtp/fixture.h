/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An SMTP session on the stage, with the options that its listener has by
 * default.
 */
#ifndef TESTS_UNIT_SMTP_FIXTURE_H
#define TESTS_UNIT_SMTP_FIXTURE_H

#include "modules/smtp/smtp.h"
#include "tests/unit/stage/stage.h"

extern const struct ptn_module smtp_LTX_postern_module;

struct fixture {
    struct stage st;
    struct smtp_options options;
    struct smtp_module_options module_options;
};

static inline void
fixture_init(struct fixture *f, enum smtp_role role)
{
    memset(f, 0, sizeof(*f));
    f->options = (struct smtp_options){.role = (int)role,
                                       .max_message_size = 1000000,
                                       .max_text_line = 1000000,
                                       .max_recipients = 3,
                                       .max_hops = 100,
                                       .data_timeout = 300000,
                                       .message_timeout = 3600000};
    f->module_options.inflight = 10000000;
}

static inline void
fixture_open(struct fixture *f)
{
    stage_open(&f->st, &smtp_LTX_postern_module, &f->options,
               &f->module_options);
}

/* Ready for MAIL. */
static inline void
fixture_start(struct fixture *f, enum smtp_role role)
{
    fixture_init(f, role);
    fixture_open(f);
    if (role == SMTP_SUBMISSION)
        f->st.user = "user1@example.test";
    stage_line(&f->st, role == SMTP_LMTP ? "LHLO x" : "EHLO x");
    assert_int_equal(f->st.errors, 0);
}

#define SAY(f, line, answer) assert_reply(stage_line(&(f)->st, line), answer)

#define MAIL(f) SAY(f, "MAIL FROM:<sender@elsewhere.example>", "250 2.1.0 Ok")
#define RCPT(f, name) SAY(f, "RCPT TO:<" name "@example.test>", "250 2.1.5 Ok")

/* The text after 354, in one piece. */
static inline const char *
fixture_text(struct fixture *f, const char *text, unsigned faults)
{
    assert_memory_equal(stage_line(&f->st, "DATA"), "354 ", 4);
    assert_true(f->st.wants_text);
    return stage_block(&f->st, text, strlen(text), true, faults);
}

#endif
