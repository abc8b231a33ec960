/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * LIST and LSUB (RFC 3501 sections 6.3.8 and 6.3.9), with the attributes of
 * RFC 3348 (\HasChildren) and RFC 6154 (\Drafts and so on). A user has at most
 * PTN_MAILBOXES_MAX mailboxes, so an answer is written in one go.
 */
#include "imap.h"

#include "format.h"
#include "special_use.h"

#include <postern/mail/address.h>

#include <stdlib.h>

struct list_walk {
    struct ptn_buf *out;
    struct ptn_slice pattern;          /* reference and pattern, UTF-8 */
    struct ptn_arena arena;            /* LSUB: names */
    struct ptn_mailbox_entry *entries; /* LSUB: all that are subscribed */
    size_t count;
};

/* Patterns are names with wildcards: decoded like names, but not checked
 * like them. One that is no modified UTF-7 matches nothing. */
static bool
decode_pattern(struct ptn_slice reference, struct ptn_slice wire,
               struct ptn_buf *out)
{
    struct ptn_slice inbox = PTN_SLICE("INBOX");

    /* The reference is put before the pattern, as it is, unless the pattern
     * begins at the root (section 6.3.8: that is up to the server). */
    if (wire.len && wire.data[0] == '/')
        wire = ptn_slice_sub(wire, 1, wire.len - 1);
    else if (!ptn_mutf7_decode(reference, out))
        return false;
    if (!ptn_mutf7_decode(wire, out))
        return false;
    if (out->len >= inbox.len &&
        ptn_slice_caseeq((struct ptn_slice){out->data, inbox.len}, inbox))
        memcpy(out->data, inbox.data, inbox.len);
    return true;
}

static void
put_entry(struct ptn_buf *out, const char *word,
          const struct ptn_mailbox_entry *e)
{
    ptn_buf_adds(out, word);
    if (!e->exists)
        ptn_buf_adds(out, "\\Noselect ");
    ptn_buf_adds(out, e->has_children ? "\\HasChildren" : "\\HasNoChildren");
    imap_put_special_use(out, e->special_use);
    ptn_buf_adds(out, ") \"/\" ");
    imap_put_mailbox(out, e->name);
    ptn_buf_adds(out, "\r\n");
}

static bool
on_list(void *arg, const struct ptn_mailbox_entry *e)
{
    struct list_walk *walk = arg;

    if ((e->exists || e->has_children) &&
        ptn_mailbox_name_match(walk->pattern, e->name))
        put_entry(walk->out, "* LIST (", e);
    return true;
}

/* Keeps a copy of what is subscribed: names are lent for the call only. */
static bool
on_lsub(void *arg, const struct ptn_mailbox_entry *e)
{
    struct list_walk *walk = arg;
    struct ptn_mailbox_entry *mine;

    if (!e->subscribed)
        return true;
    if (walk->count % 64 == 0)
        walk->entries = ptn_realloc(walk->entries, (walk->count + 64) *
                                                       sizeof(*walk->entries));
    mine = &walk->entries[walk->count++];
    *mine = *e;
    mine->name.data = ptn_arena_dup(&walk->arena, e->name);
    return true;
}

static int
by_name(const void *left, const void *right)
{
    const struct ptn_mailbox_entry *a = left, *b = right;
    size_t len = a->name.len < b->name.len ? a->name.len : b->name.len;
    int order = memcmp(a->name.data, b->name.data, len);

    return order ? order
                 : (a->name.len > b->name.len) - (a->name.len < b->name.len);
}

/* Section 6.3.9: if foo/bar is subscribed, foo is not, and the pattern is
 * "%", foo is told with \Noselect. Names are in order, so that the children
 * of one parent follow each other: `last` keeps it from being told twice. */
static void
put_parent(struct list_walk *walk, struct ptn_slice name,
           struct ptn_slice *last)
{
    for (size_t i = 1; i < name.len; i++) {
        struct ptn_mailbox_entry parent = {.name = {name.data, i},
                                           .has_children = true};

        if (name.data[i] != '/' ||
            !ptn_mailbox_name_match(walk->pattern, parent.name))
            continue;
        if (!ptn_slice_eq(parent.name, *last) &&
            bsearch(&parent, walk->entries, walk->count, sizeof(parent),
                    by_name) == NULL)
            put_entry(walk->out, "* LSUB (", &parent);
        *last = parent.name;
        return;
    }
}

static void
put_subscribed(struct list_walk *walk)
{
    struct ptn_slice last = {NULL, 0};

    if (walk->count)
        qsort(walk->entries, walk->count, sizeof(*walk->entries), by_name);
    for (size_t i = 0; i < walk->count; i++) {
        if (ptn_mailbox_name_match(walk->pattern, walk->entries[i].name))
            put_entry(walk->out, "* LSUB (", &walk->entries[i]);
        else
            put_parent(walk, walk->entries[i].name, &last);
    }
    ptn_free(walk->entries);
    ptn_arena_reset(&walk->arena);
}

/* " reference pattern" */
static bool
parse_names(struct imap_cursor *in, struct ptn_slice *reference,
            struct ptn_slice *wire)
{
    return imap_parse_space(in) && imap_parse_astring(in, reference) &&
           imap_parse_space(in) && imap_parse_list_mailbox(in, wire) &&
           imap_parse_end(in);
}

static enum ptn_result
run_list(struct imap_command *cmd, bool lsub)
{
    struct list_walk walk = {.out = ptn_session_out(cmd->session)};
    struct ptn_slice reference, wire;
    struct ptn_buf pattern = PTN_BUF_INIT;
    struct imap_module *m = cmd->module;
    enum ptn_status status = PTN_OK;

    if (!parse_names(&cmd->in, &reference, &wire))
        return imap_bad_input(cmd);
    if (wire.len == 0 && !lsub) { /* asks for the hierarchy's delimiter */
        ptn_buf_adds(walk.out, "* LIST (\\Noselect) \"/\" \"\"\r\n");
    } else if (decode_pattern(reference, wire, &pattern)) {
        walk.pattern = ptn_buf_slice(&pattern);
        status = m->store->list(m->vault, ptn_session_user(cmd->session),
                                lsub ? on_lsub : on_list, &walk);
        put_subscribed(&walk);
    }
    ptn_buf_free(&pattern);
    if (status != PTN_OK)
        return imap_no_status(cmd, status);
    return imap_ok(cmd, lsub ? "LSUB completed" : "LIST completed");
}

enum ptn_result
imap_cmd_list(struct imap_command *cmd)
{
    return run_list(cmd, false);
}

enum ptn_result
imap_cmd_lsub(struct imap_command *cmd)
{
    return run_list(cmd, true);
}
