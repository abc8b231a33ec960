/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A POP3 session on the stage.
 */
#ifndef TESTS_UNIT_POP3_FIXTURE_H
#define TESTS_UNIT_POP3_FIXTURE_H

#include "modules/pop3/pop3.h"
#include "tests/unit/stage/stage.h"

extern const struct ptn_module pop3_LTX_postern_module;

#define SAY(st, line, answer) assert_reply(stage_line(st, line), answer)

static const struct pop3_options fixture_options = {.autologout = 600000};

static inline void
fixture_open(struct stage *st)
{
    memset(st, 0, sizeof(*st));
    st->may_auth = true;
    stage_open(st, &pop3_LTX_postern_module, &fixture_options, NULL);
}

static inline void
fixture_login(struct stage *st)
{
    st->outcomes[st->outcome] = PTN_AUTH_OK;
    stage_line(st, "USER user1");
    assert_memory_equal(stage_line(st, "PASS secret"), "+OK ", 4);
}

/* Logged in, with three messages of 12, 20 and 21 octets. */
static inline void
fixture_start(struct stage *st)
{
    fixture_open(st);
    st->messages[0].text = "A: 1\r\n\r\nxy\r\n";
    st->messages[1].text = "B: 2\r\n\r\n.dot\r\n..\r\n\r\n";
    st->messages[2].text = "C: 3\r\n\r\n1\r\n2\r\n3\r\n4\r\n.";
    st->message_count = 3;
    fixture_login(st);
}

#endif
