/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * STATUS (RFC 3501 section 6.3.10, SIZE by RFC 8438, APPENDLIMIT by RFC 7889,
 * HIGHESTMODSEQ by RFC 7162):
 * counters that the store keeps.
 */
#include "imap.h"

#include "format.h"

enum status_item {
    ITEM_MESSAGES = 1 << 0,
    ITEM_RECENT = 1 << 1,
    ITEM_UIDNEXT = 1 << 2,
    ITEM_UIDVALIDITY = 1 << 3,
    ITEM_UNSEEN = 1 << 4,
    ITEM_SIZE = 1 << 5,
    ITEM_APPENDLIMIT = 1 << 6,
    ITEM_HIGHESTMODSEQ = 1 << 7,
};

static const struct {
    const char *name;
    unsigned bit;
} items[] = {
    {"MESSAGES", ITEM_MESSAGES},       {"RECENT", ITEM_RECENT},
    {"UIDNEXT", ITEM_UIDNEXT},         {"UIDVALIDITY", ITEM_UIDVALIDITY},
    {"UNSEEN", ITEM_UNSEEN},           {"SIZE", ITEM_SIZE},
    {"APPENDLIMIT", ITEM_APPENDLIMIT}, {"HIGHESTMODSEQ", ITEM_HIGHESTMODSEQ},
};

static bool
parse_item(struct imap_cursor *in, unsigned *wanted)
{
    struct ptn_slice name;

    if (!imap_parse_atom(in, &name))
        return false;
    for (size_t i = 0; i < PTN_COUNT(items); i++) {
        if (!ptn_slice_caseeq(name, ptn_slice_of(items[i].name)))
            continue;
        *wanted |= items[i].bit;
        return true;
    }
    return imap_parse_fail(in, "unknown STATUS item");
}

static bool
parse_items(struct imap_cursor *in, unsigned *wanted)
{
    *wanted = 0;
    if (!imap_parse_space(in) || !imap_parse_char(in, '('))
        return false;
    do {
        if (!parse_item(in, wanted))
            return false;
    } while (imap_next_is(in, ' ') && imap_parse_space(in));
    return imap_parse_char(in, ')') && imap_parse_end(in);
}

static uint64_t
value_of(struct imap_command *cmd, const struct ptn_mailbox_info *info,
         unsigned bit)
{
    switch (bit) {
    case ITEM_MESSAGES:
        return info->messages;
    case ITEM_RECENT:
        return info->recent;
    case ITEM_UIDNEXT:
        return info->uidnext;
    case ITEM_UIDVALIDITY:
        return info->uidvalidity;
    case ITEM_HIGHESTMODSEQ:
        return info->modseq;
    case ITEM_SIZE:
        return info->size;
    case ITEM_APPENDLIMIT:
        return imap_options(cmd)->max_append;
    default:
        return info->unseen;
    }
}

static void
put_status(struct imap_command *cmd, struct ptn_slice name, unsigned wanted,
           const struct ptn_mailbox_info *info)
{
    struct ptn_buf *out = ptn_session_out(cmd->session);
    char before = '(';

    ptn_buf_adds(out, "* STATUS ");
    imap_put_mailbox(out, name);
    ptn_buf_addc(out, ' ');
    for (size_t i = 0; i < PTN_COUNT(items); i++) {
        if (!(wanted & items[i].bit))
            continue;
        ptn_buf_addc(out, before);
        ptn_buf_adds(out, items[i].name);
        ptn_buf_addc(out, ' ');
        ptn_buf_addu64(out, value_of(cmd, info, items[i].bit));
        before = ' ';
    }
    ptn_buf_adds(out, ")\r\n");
}

enum ptn_result
imap_cmd_status(struct imap_command *cmd)
{
    struct imap_module *m = cmd->module;
    struct ptn_mailbox_info info = {0};
    struct ptn_slice name;
    unsigned wanted;
    enum ptn_status status;

    if (!imap_parse_space(&cmd->in) || !imap_parse_mailbox(&cmd->in, &name) ||
        !parse_items(&cmd->in, &wanted))
        return imap_bad_input(cmd);
    status =
        m->store->status(m->vault, ptn_session_user(cmd->session), name, &info);
    if (status != PTN_OK)
        return imap_no_status(cmd, status);
    if (wanted & ITEM_HIGHESTMODSEQ) /* RFC 7162 section 3.1.7 */
        imap_condstore_enable(cmd->session);
    put_status(cmd, name, wanted, &info);
    return imap_ok(cmd, "STATUS completed");
}
