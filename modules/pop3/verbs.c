/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The table of commands, and in which state each may be said.
 */
#include "pop3.h"

enum {
    AUTHORIZATION = 1 << 0,
    TRANSACTION = 1 << 1,
};

static const struct verb {
    const char *name;
    pop3_command *run;
    unsigned states;
} verbs[] = {
    {"RETR", pop3_cmd_retr, TRANSACTION},
    {"DELE", pop3_cmd_dele, TRANSACTION},
    {"LIST", pop3_cmd_list, TRANSACTION},
    {"UIDL", pop3_cmd_uidl, TRANSACTION},
    {"STAT", pop3_cmd_stat, TRANSACTION},
    {"TOP", pop3_cmd_top, TRANSACTION},
    {"NOOP", pop3_cmd_noop, TRANSACTION},
    {"RSET", pop3_cmd_rset, TRANSACTION},
    {"CAPA", pop3_cmd_capa, AUTHORIZATION | TRANSACTION},
    {"QUIT", pop3_cmd_quit, AUTHORIZATION | TRANSACTION},
    {"USER", pop3_cmd_user, AUTHORIZATION},
    {"PASS", pop3_cmd_pass, AUTHORIZATION},
    {"AUTH", pop3_cmd_auth, AUTHORIZATION},
    {"STLS", pop3_cmd_stls, AUTHORIZATION},
};

const struct ptn_words pop3_verbs = PTN_WORDS(verbs, name);

/* A password may end with blanks; nothing else does. */
static struct ptn_slice
trim(const struct verb *verb, struct ptn_slice args)
{
    if (verb->run != pop3_cmd_pass)
        while (args.len > 0 && args.data[args.len - 1] == ' ')
            args.len--;
    return args;
}

enum ptn_result
pop3_dispatch(struct ptn_session *s, struct ptn_slice line)
{
    const char *blank = line.len ? memchr(line.data, ' ', line.len) : NULL;
    size_t n = blank ? (size_t)(blank - line.data) : line.len;
    size_t skip = blank ? n + 1 : n;
    struct ptn_slice name = ptn_slice_sub(line, 0, n);
    struct ptn_slice args = ptn_slice_sub(line, skip, line.len - skip);
    unsigned now = pop3_state(s)->drop ? TRANSACTION : AUTHORIZATION;
    for (size_t i = 0; i < PTN_COUNT(verbs); i++) {
        if (!ptn_slice_caseeq(name, ptn_slice_of(verbs[i].name)))
            continue;
        ptn_session_count_verb(s, (unsigned)i);
        if (verbs[i].states & now)
            return verbs[i].run(s, trim(&verbs[i], args));
        return pop3_refuse(s, now == TRANSACTION
                                  ? "-ERR You are logged in already"
                                  : "-ERR Log in first");
    }
    ptn_session_count_verb(s, PTN_COUNT(verbs));
    return pop3_refuse(s, "-ERR Unknown command");
}
