/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The table of commands: who may say what, and when.
 */
#include "smtp.h"
#include <limits.h>

enum need {
    NEED_NOTHING, /* also before a TLS that the policy demands */
    NEED_TLS,     /* if the policy demands it (RFC 3207 section 4) */
};

#define SMTP_ROLES (1u << SMTP_MX | 1u << SMTP_SUBMISSION)
#define LMTP_ROLE (1u << SMTP_LMTP)
#define ALL_ROLES (SMTP_ROLES | LMTP_ROLE)

static const struct verb {
    const char *name;
    smtp_command *run;
    enum need need;
    unsigned roles;
} verbs[] = {
    {"MAIL", smtp_cmd_mail, NEED_TLS, ALL_ROLES},
    {"RCPT", smtp_cmd_rcpt, NEED_TLS, ALL_ROLES},
    {"DATA", smtp_cmd_data, NEED_TLS, ALL_ROLES},
    {"BDAT", smtp_cmd_bdat, NEED_NOTHING, ALL_ROLES}, /* octets follow it */
    {"EHLO", smtp_cmd_ehlo, NEED_NOTHING, SMTP_ROLES},
    {"HELO", smtp_cmd_helo, NEED_NOTHING, SMTP_ROLES},
    {"LHLO", smtp_cmd_lhlo, NEED_NOTHING, LMTP_ROLE},
    {"RSET", smtp_cmd_rset, NEED_NOTHING, ALL_ROLES},
    {"NOOP", smtp_cmd_noop, NEED_NOTHING, ALL_ROLES},
    {"QUIT", smtp_cmd_quit, NEED_NOTHING, ALL_ROLES},
    {"STARTTLS", smtp_cmd_starttls, NEED_NOTHING, ALL_ROLES},
    {"AUTH", smtp_cmd_auth, NEED_TLS, SMTP_ROLES},
    {"VRFY", smtp_cmd_vrfy, NEED_TLS, ALL_ROLES},
    {"HELP", smtp_cmd_help, NEED_NOTHING, ALL_ROLES},
    {"EXPN", smtp_cmd_absent, NEED_NOTHING, ALL_ROLES},
    {"TURN", smtp_cmd_absent, NEED_NOTHING, ALL_ROLES},
    {"ETRN", smtp_cmd_absent, NEED_NOTHING, ALL_ROLES},
    {"SEND", smtp_cmd_absent, NEED_NOTHING, ALL_ROLES},
    {"SOML", smtp_cmd_absent, NEED_NOTHING, ALL_ROLES},
    {"SAML", smtp_cmd_absent, NEED_NOTHING, ALL_ROLES},
};

const struct ptn_words smtp_verbs = PTN_WORDS(verbs, name);

static const struct verb *
find(struct ptn_slice name, unsigned role)
{
    for (size_t i = 0; i < PTN_COUNT(verbs); i++)
        if (verbs[i].roles & 1u << role &&
            ptn_slice_caseeq(name, ptn_slice_of(verbs[i].name)))
            return &verbs[i];
    return NULL;
}

enum ptn_result
smtp_dispatch(struct ptn_session *s, struct ptn_slice line)
{
    const char *blank = line.len ? memchr(line.data, ' ', line.len) : NULL;
    size_t n = blank ? (size_t)(blank - line.data) : line.len;
    struct ptn_slice args = ptn_slice_sub(line, n, line.len - n);
    while (args.len > 0 && args.data[0] == ' ')
        args = ptn_slice_sub(args, 1, args.len - 1);
    /* RFC 5321 section 4.1.1: trailing blanks are tolerated. */
    while (args.len > 0 &&
           (args.data[args.len - 1] == ' ' || args.data[args.len - 1] == '\t'))
        args.len--;
    const struct verb *verb =
        find(ptn_slice_sub(line, 0, n), (unsigned)smtp_opts(s)->role);
    ptn_session_count_verb(s, verb ? (unsigned)(verb - verbs) : UINT_MAX);
    if (!verb)
        return smtp_refuse(s, "500 5.5.1 Unknown command");
    if (verb->need == NEED_TLS && !ptn_session_may_proceed(s))
        return smtp_refuse(s, "530 5.7.0 Say STARTTLS first");
    return verb->run(s, args);
}
