/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pure functions over text, for any thread.
 */
#include "entry.h"

static struct ptn_slice
trim(struct ptn_slice s)
{
    while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t'))
        s = ptn_slice_sub(s, 1, s.len - 1);
    while (s.len > 0 &&
           (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t' ||
            s.data[s.len - 1] == '\r'))
        s.len--;
    return s;
}

bool
passwd_line_is_void(struct ptn_slice line)
{
    line = trim(line);
    return line.len == 0 || line.data[0] == '#';
}

/* Cuts `s` at its first (or last) colon. */
static bool
cut(struct ptn_slice s, bool last, struct ptn_slice *before,
    struct ptn_slice *after)
{
    const char *at = NULL;
    if (s.len > 0)
        at = last ? memrchr(s.data, ':', s.len) : memchr(s.data, ':', s.len);
    if (!at)
        return false;
    size_t n = (size_t)(at - s.data);
    *before = ptn_slice_sub(s, 0, n);
    *after = ptn_slice_sub(s, n + 1, s.len - n - 1);
    return true;
}

bool
passwd_quota_parse(struct ptn_slice text, uint64_t *out)
{
    static const char units[] = "kmgt";
    unsigned shift = 0;
    uint64_t value;
    if (text.len > 1) {
        char last = (char)(text.data[text.len - 1] | 0x20);
        const char *unit = strchr(units, last);
        if (unit && *unit) {
            shift = 10 * (unsigned)(unit - units + 1);
            text.len--;
        }
    }
    if (!ptn_slice_to_u64(text, INT64_MAX >> shift, &value))
        return false;
    *out = value << shift;
    return true;
}

const char *
passwd_entry_parse(struct ptn_slice line, struct passwd_entry *out)
{
    struct ptn_slice rest, quota;
    if (!cut(trim(line), false, &out->name, &rest))
        return "no colon after the name";
    out->quota = 0;
    if (!cut(rest, true, &out->state, &quota)) {
        out->state = rest;
        return NULL;
    }
    if (quota.len > 0 && !passwd_quota_parse(quota, &out->quota))
        return "the quota is no size such as 500M or 2G";
    return NULL;
}

struct ptn_slice
passwd_state_secret(struct ptn_slice state)
{
    while (state.len > 0 && (state.data[0] == '!' || state.data[0] == '*'))
        state = ptn_slice_sub(state, 1, state.len - 1);
    if (ptn_slice_eq(state, PTN_SLICE("x")))
        state.len = 0;
    return state;
}

const char *
passwd_keys_parse(struct ptn_slice line, struct passwd_keys *out)
{
    struct ptn_slice rest;
    if (!cut(trim(line), false, &out->name, &rest) ||
        !cut(rest, false, &out->verifiers[PTN_SCRAM_SHA256], &rest) ||
        !cut(rest, false, &out->verifiers[PTN_SCRAM_SHA1], &out->secret))
        return "not a name and three fields";
    return NULL;
}

const char *
passwd_alias_parse(struct ptn_slice line, struct ptn_slice *name,
                   struct ptn_slice *targets)
{
    if (!cut(trim(line), false, name, targets))
        return "no colon after the alias";
    *name = trim(*name);
    struct ptn_slice rest = *targets, one;
    size_t count = 0;
    for (; passwd_target_next(&rest, &one); count++)
        if (one.len == 0)
            return "an empty target";
    return count ? NULL : "no target";
}

bool
passwd_target_next(struct ptn_slice *targets, struct ptn_slice *out)
{
    if (trim(*targets).len == 0)
        return false;
    const char *comma = memchr(targets->data, ',', targets->len);
    size_t n = comma ? (size_t)(comma - targets->data) : targets->len;
    size_t skip = comma ? n + 1 : n;
    *out = trim(ptn_slice_sub(*targets, 0, n));
    *targets = ptn_slice_sub(*targets, skip, targets->len - skip);
    return true;
}

size_t
passwd_name_fold(struct ptn_slice name, const char *domain, bool catch_all,
                 char *out)
{
    size_t at = SIZE_MAX;
    if (name.len == 0 || name.len > PTN_USER_NAME_MAX)
        return 0;
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (c <= ' ' || c == 0x7f || c == ':' || c == ',')
            return 0;
        if (c == '@')
            at = i;
        out[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    size_t len = name.len;
    if (at == SIZE_MAX && domain) {
        size_t more = strlen(domain);
        if (len + 1 + more > PTN_USER_NAME_MAX)
            return 0;
        out[len++] = '@';
        memcpy(out + len, domain, more);
        len += more;
    } else if ((at == 0 && !catch_all) || at == len - 1) {
        return 0;
    }
    out[len] = '\0';
    return out[0] == '#' ? 0 : len;
}
