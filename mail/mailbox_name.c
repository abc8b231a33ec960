/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Mailbox names: which are possible, and which a LIST pattern means. Names
 * are UTF-8, their levels divided by '/'. Pure functions; any thread.
 */
#include "chars.h"
#include "utf8.h"

#include <postern/mail/address.h>
#include <postern/mail/store.h>

static bool
level_valid(struct ptn_slice level)
{
    return level.len && !ptn_slice_eq(level, PTN_SLICE(".")) &&
           !ptn_slice_eq(level, PTN_SLICE(".."));
}

/* Net-Unicode (RFC 5198 section 2) has no control characters, and RFC 9051
 * section 5.1 warns of the two line separators. */
static bool
code_valid(uint32_t code)
{
    return code >= 0x20 && !(code >= 0x7f && code < 0xa0) && code != 0x2028 &&
           code != 0x2029 && code != '*' && code != '%';
}

bool
ptn_mailbox_name_valid(struct ptn_slice name)
{
    size_t start = 0, depth = 1;

    if (!name.len || name.len > PTN_MAILBOX_NAME_MAX)
        return false;
    for (size_t i = 0, n; i < name.len; i += n) {
        uint32_t code = 0;

        n = ptn_utf8_read(name.data + i, name.len - i, &code);
        if (!n || !code_valid(code))
            return false;
        if (code != '/')
            continue;
        if (!level_valid(ptn_slice_sub(name, start, i - start)) ||
            ++depth > PTN_MAILBOX_DEPTH_MAX)
            return false;
        start = i + 1;
    }
    return level_valid(ptn_slice_sub(name, start, name.len - start));
}

/* RFC 3501 section 5.1: INBOX is the same in any case, at the top alone. */
static size_t
inbox_length(struct ptn_slice name)
{
    const size_t len = sizeof("INBOX") - 1;

    if (name.len < len || (name.len > len && name.data[len] != '/') ||
        !ptn_slice_caseeq(ptn_slice_sub(name, 0, len), PTN_SLICE("INBOX")))
        return 0;
    return len;
}

/* The pattern is walked once, with the set of all places in the name that
 * the pattern so far can have reached, and a wildcard behind a stronger one
 * adds nothing: no pattern makes this slow. at[i] is
 * true when the first i octets of the name are matched. */
struct match {
    struct ptn_slice name;
    size_t fold; /* so many octets in any case */
    size_t low;  /* no place before this one */
    bool at[PTN_MAILBOX_NAME_MAX + 1];
};

static void
match_wildcard(struct match *m, bool over_levels)
{
    bool on = false;

    for (size_t i = m->low; i <= m->name.len; i++) {
        if (on && !over_levels && m->name.data[i - 1] == '/')
            on = false;
        on = on || m->at[i];
        m->at[i] = on;
    }
}

/* False when no place is left. */
static bool
match_octet(struct match *m, char c)
{
    size_t low = m->name.len + 1;

    for (size_t i = m->name.len; i > m->low; i--) {
        char have = m->name.data[i - 1];
        bool same = have == c ||
                    (i <= m->fold && ptn_to_lower(have) == ptn_to_lower(c));

        m->at[i] = same && m->at[i - 1];
        if (m->at[i])
            low = i;
    }
    m->at[m->low] = false;
    m->low = low;
    return low <= m->name.len;
}

bool
ptn_mailbox_name_match(struct ptn_slice pattern, struct ptn_slice name)
{
    struct match m = {.name = name, .fold = inbox_length(name)};
    char wildcard = 0; /* the strongest of those just before */

    if (name.len > PTN_MAILBOX_NAME_MAX)
        return false;
    m.at[0] = true;
    for (size_t i = 0; i < pattern.len; i++) {
        char c = pattern.data[i];

        if (c == '*' || c == '%') {
            if (wildcard != c && wildcard != '*')
                match_wildcard(&m, c == '*');
            wildcard = wildcard == '*' ? wildcard : c;
            continue;
        }
        wildcard = 0;
        if (!match_octet(&m, c))
            return false;
    }
    return m.at[name.len];
}
