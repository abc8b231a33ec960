/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The table of all commands, in the order of --help and the manual page, and
 * how one is found in it.
 */
#include "posternctl/ctl.h"

/* One a line, so that adding one touches one. */
/* clang-format off */
const struct ctl_command *const ctl_tables[] = {
    ctl_state_commands,
    ctl_inspect_commands,
    ctl_session_commands,
    ctl_metrics_commands,
    ctl_log_commands,
    ctl_sandbox_commands,
    ctl_reload_commands,
    ctl_order_commands,
    ctl_config_commands,
    ctl_user_commands,
    ctl_cert_commands,
    ctl_module_commands,
    ctl_completion_commands,
    NULL,
};
/* clang-format on */

const struct ctl_command *
ctl_next(const struct ctl_command *after)
{
    bool found = !after;

    for (size_t t = 0; ctl_tables[t]; t++)
        for (const struct ctl_command *c = ctl_tables[t]; c->words; c++) {
            if (found)
                return c;
            found = c == after;
        }
    return NULL;
}

const struct ctl_command *
ctl_find(const char *words)
{
    const struct ctl_command *c = NULL;

    while ((c = ctl_next(c)))
        if (strcmp(c->words, words) == 0)
            return c;
    return NULL;
}

bool
ctl_is_below(const struct ctl_command *command, const char *words)
{
    size_t len = strlen(words);
    const char *rest = command->words;

    if (len > 0) {
        if (strncmp(rest, words, len) != 0 || rest[len] != ' ')
            return false;
        rest += len + 1;
    }
    return !strchr(rest, ' ');
}

bool
ctl_add_word(char words[CTL_WORDS_MAX], const char *word)
{
    size_t len = strlen(words), more = strlen(word);

    if (len + more + 2 > CTL_WORDS_MAX)
        return false;
    if (len > 0)
        words[len++] = ' ';
    memcpy(words + len, word, more + 1);
    return true;
}
