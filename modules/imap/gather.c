/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Turns lines and literals into whole commands, and nothing of a refused
 * literal into anything else. Loop thread only.
 *
 *            line                 line ends in {n}
 *   COMMAND ------> execute     COMMAND, ARGUMENTS -----> LITERAL --+
 *      ^                             ^                              |
 *      |                             +---- ARGUMENTS <--------------+
 *      |   refused, client waits: tagged answer, back to COMMAND
 *      |   refused, {n+}: tagged answer, DRAIN n, DRAINED line, and again
 *      |   refused, {n+} and more than we read on: BYE
 *
 * A command whose verb is unknown or not allowed now is refused before any
 * literal of it is taken, so that a stranger cannot make us hold anything.
 */
#include "imap.h"

#include "view.h"

bool
imap_literal_find(struct ptn_slice text, struct imap_literal *out)
{
    size_t i = text.len;
    struct ptn_slice digits;

    if (i < 3 || text.data[--i] != '}')
        return false;
    out->sync = text.data[i - 1] != '+';
    if (!out->sync)
        i--;
    digits.len = i;
    while (i > 0 && text.data[i - 1] >= '0' && text.data[i - 1] <= '9')
        i--;
    digits.data = text.data + i;
    digits.len -= i;
    if (digits.len == 0 || i == 0 || text.data[i - 1] != '{')
        return false;
    out->len = i - 1;
    out->overflow = !ptn_slice_to_u64(digits, UINT64_MAX, &out->size);
    return true;
}

/* Reads on over `size` octets that nobody wants, up to a bound. */
static enum ptn_result
drain(struct ptn_session *s, const struct imap_literal *literal)
{
    struct imap_state *st = imap_state(s);

    if (literal->overflow || literal->size > IMAP_DRAIN_MAX - st->drained)
        return imap_bye(s, "[TOOBIG] that literal is more than is read on");
    st->drained += (uint32_t)literal->size;
    st->input = IMAP_IN_DRAIN;
    ptn_session_expect_block(s, literal->size);
    return PTN_DONE;
}

/* The text after a refusal: is more of the same command on its way? */
static enum ptn_result
after_refusal(struct ptn_session *s, struct ptn_slice line)
{
    struct imap_state *st = imap_state(s);
    struct imap_literal literal;

    if (imap_literal_find(line, &literal) && !literal.sync)
        return drain(s, &literal);
    st->input = IMAP_IN_COMMAND;
    st->drained = 0;
    return PTN_DONE;
}

/* Answers without a command: it never came to be one. `reply` is "BAD ..."
 * or "NO ...". */
static void
refuse(struct ptn_session *s, const char *tag, const char *reply)
{
    struct ptn_buf *out = ptn_session_out(s);

    ptn_buf_adds(out, tag ? tag : "*");
    ptn_buf_addc(out, ' ');
    ptn_buf_adds(out, reply);
    ptn_buf_adds(out, "\r\n");
    ptn_session_count_reply(s,
                            reply[0] == 'B' ? IMAP_REPLY_BAD : IMAP_REPLY_NO);
    if (reply[0] == 'B')
        ptn_session_error(s);
}

/* Ends the command in hand and reads on over what belongs to it. */
static enum ptn_result
refuse_command(struct imap_command *cmd, const char *reply,
               struct ptn_slice line)
{
    struct ptn_session *s = cmd->session;

    refuse(s, cmd->tag, reply);
    imap_command_free(cmd);
    return after_refusal(s, line);
}

static void
start_content(struct imap_command *cmd, const struct imap_literal *literal)
{
    cmd->state->input = IMAP_IN_CONTENT;
    if (literal->sync)
        ptn_session_write(cmd->session, PTN_SLICE("+ go ahead\r\n"));
    ptn_session_expect_block(cmd->session, literal->size);
}

/* Whether the literal at the end of the text is APPEND's message and not
 * its mailbox: the name would be the first argument. */
static bool
is_content(const struct imap_command *cmd, const struct imap_literal *literal)
{
    return (cmd->verb->flags & IMAP_HAS_CONTENT) && literal->len > 1;
}

static enum ptn_result
take_content(struct imap_command *cmd, struct ptn_slice line,
             const struct imap_literal *literal)
{
    struct ptn_buf reply = PTN_BUF_INIT;
    enum ptn_result result;
    const char *why;
    bool bad = false;

    /* The announcement is no argument. */
    cmd->in = (struct imap_cursor){.p = cmd->text.data,
                                   .end = cmd->text.data + literal->len,
                                   .arena = &cmd->arena};
    why = imap_append_accept(
        cmd, literal->overflow ? UINT64_MAX : literal->size, &bad);
    if (why == NULL) {
        cmd->text.len = 0; /* what follows the message comes alone */
        start_content(cmd, literal);
        return PTN_DONE;
    }
    ptn_buf_adds(&reply, bad ? "BAD " : "NO ");
    ptn_buf_adds(&reply, why);
    result = refuse_command(cmd, ptn_buf_cstr(&reply), line);
    ptn_buf_free(&reply);
    return result;
}

/* cmd->text ends in the announcement of a literal; `line` is the line that
 * it came with. */
static enum ptn_result
take_literal(struct imap_command *cmd, struct ptn_slice line,
             const struct imap_literal *literal)
{
    size_t limit = cmd->state->phase == IMAP_NOT_AUTHENTICATED
                       ? IMAP_PREAUTH_MAX
                       : IMAP_COMMAND_MAX;

    if (is_content(cmd, literal))
        return take_content(cmd, line, literal);
    if (literal->overflow || cmd->text.len >= limit ||
        literal->size > limit - cmd->text.len)
        return refuse_command(cmd, "BAD [TOOBIG] literal too long", line);
    ptn_buf_add(&cmd->text, "\r\n", 2);
    if (literal->sync)
        ptn_session_write(cmd->session, PTN_SLICE("+ go ahead\r\n"));
    cmd->state->input = IMAP_IN_LITERAL;
    ptn_session_expect_block(cmd->session, literal->size);
    return PTN_DONE;
}

/* `line` was appended to the command's text. */
static enum ptn_result
after_line(struct imap_command *cmd, struct ptn_slice line)
{
    struct imap_literal literal;

    if (imap_literal_find(line, &literal)) {
        literal.len += cmd->text.len - line.len;
        return take_literal(cmd, line, &literal);
    }
    cmd->in = (struct imap_cursor){.p = cmd->text.data,
                                   .end = cmd->text.data + cmd->text.len,
                                   .arena = &cmd->arena};
    cmd->state->input = IMAP_IN_COMMAND;
    return imap_execute(cmd);
}

/* Why the verb cannot be used now, or NULL. */
static const char *
not_now(struct ptn_session *s, const struct imap_verb *verb)
{
    const struct imap_state *st = imap_state(s);

    if (!(verb->flags & IMAP_BEFORE_TLS) && !ptn_session_may_proceed(s))
        return "NO [PRIVACYREQUIRED] STARTTLS first";
    if (!(verb->phases & st->phase))
        return st->phase == IMAP_NOT_AUTHENTICATED ? "BAD log in first"
               : verb->phases & IMAP_SELECTED
                   ? "BAD not allowed now: select a mailbox first"
                   : "BAD not allowed now: you are logged in";
    return NULL;
}

/* Reads "[UID ]verb"; NULL and `*why` when it is none that can be used. */
static const struct imap_verb *
parse_verb(struct ptn_session *s, struct imap_cursor *in, bool *uid,
           const char **why)
{
    const struct imap_verb *verb;
    struct ptn_slice name = {NULL, 0};

    *uid = imap_skip_word(in, "UID ");
    *why = "BAD expected a command";
    if (!imap_parse_atom(in, &name))
        return NULL;
    verb = imap_verb_find(name);
    ptn_session_count_verb(s, imap_verb_index(verb));
    *why = "BAD unknown command";
    if (verb == NULL || (*uid && !(verb->flags & IMAP_HAS_UID)))
        return NULL;
    *why = not_now(s, verb);
    return *why ? NULL : verb;
}

static struct imap_command *
command_new(struct ptn_session *s, struct ptn_slice tag,
            const struct imap_verb *verb)
{
    struct imap_command *cmd = ptn_alloc(sizeof(*cmd));

    cmd->session = s;
    cmd->state = imap_state(s);
    cmd->module = ptn_session_instance(s);
    cmd->verb = verb;
    cmd->arena.limit = IMAP_ARENA_MAX;
    memcpy(cmd->tag, tag.data, tag.len);
    cmd->state->cmd = cmd;
    return cmd;
}

static enum ptn_result
first_line(struct ptn_session *s, struct ptn_slice line)
{
    struct imap_cursor in = {.p = line.data, .end = line.data + line.len};
    const struct imap_verb *verb = NULL;
    const char *why = "BAD expected a tag and a command";
    struct ptn_slice tag = {NULL, 0};
    char named[IMAP_TAG_MAX + 1] = "";
    struct imap_command *cmd;
    bool uid = false;

    if (imap_parse_tag(&in, &tag) && tag.len <= IMAP_TAG_MAX) {
        memcpy(named, tag.data, tag.len);
        if (imap_parse_space(&in))
            verb = parse_verb(s, &in, &uid, &why);
    }
    if (verb == NULL) {
        refuse(s, named[0] ? named : NULL, why);
        return after_refusal(s, line);
    }
    cmd = command_new(s, tag, verb);
    cmd->uid = uid;
    ptn_buf_add(&cmd->text, in.p, (size_t)(in.end - in.p));
    return after_line(cmd, (struct ptn_slice){in.p, (size_t)(in.end - in.p)});
}

static enum ptn_result
further_line(struct ptn_session *s, struct ptn_slice line)
{
    struct imap_command *cmd = imap_state(s)->cmd;

    if (cmd->text.len + line.len > IMAP_COMMAND_MAX)
        return refuse_command(cmd, "BAD [TOOBIG] command too long", line);
    ptn_buf_add(&cmd->text, line.data, line.len);
    return after_line(cmd, line);
}

enum ptn_result
imap_gather_line(struct ptn_session *s, struct ptn_slice line)
{
    switch ((enum imap_input)imap_state(s)->input) {
    case IMAP_IN_ARGUMENTS:
        return further_line(s, line);
    case IMAP_IN_DRAINED:
        return after_refusal(s, line);
    case IMAP_IN_SASL:
        return imap_sasl_line(s, line);
    case IMAP_IN_IDLE:
        return imap_idle_line(s, line);
    case IMAP_IN_COMMAND:
    case IMAP_IN_LITERAL:
    case IMAP_IN_CONTENT:
    case IMAP_IN_DRAIN:
        break;
    }
    return first_line(s, line);
}

enum ptn_result
imap_gather_block(struct ptn_session *s, const struct ptn_block *block)
{
    struct imap_state *st = imap_state(s);

    if (st->input == IMAP_IN_LITERAL)
        ptn_buf_add(&st->cmd->text, block->data.data, block->data.len);
    else if (st->input == IMAP_IN_CONTENT)
        imap_append_content(st->cmd, block->data);
    if (block->last)
        st->input =
            st->input == IMAP_IN_DRAIN ? IMAP_IN_DRAINED : IMAP_IN_ARGUMENTS;
    return PTN_DONE;
}

/* The refused line's tag, if its beginning looks like one. */
static void
fault_tag(struct ptn_slice head, char tag[IMAP_TAG_MAX + 1])
{
    struct imap_cursor in = {.p = head.data, .end = head.data + head.len};
    struct ptn_slice name;

    tag[0] = 0;
    if (!imap_parse_tag(&in, &name) || name.len > IMAP_TAG_MAX ||
        !imap_next_is(&in, ' '))
        return;
    memcpy(tag, name.data, name.len);
    tag[name.len] = 0;
}

static const char *
fault_text(enum ptn_fault fault)
{
    if (fault & PTN_FAULT_LONG_LINE)
        return " BAD [TOOBIG] line too long\r\n";
    return fault & PTN_FAULT_NUL ? " BAD NUL in a line\r\n"
                                 : " BAD lines end in CRLF\r\n";
}

/* The line is gone, but a literal that it announced may be on its way. One
 * that is announced in more octets than we were shown ends the session. */
enum ptn_result
imap_gather_fault(struct ptn_session *s, enum ptn_fault fault,
                  struct ptn_slice head)
{
    struct imap_state *st = imap_state(s);
    struct ptn_buf *out = ptn_session_out(s);
    struct ptn_slice tail = ptn_session_fault_tail(s);
    struct imap_literal literal;
    char tag[IMAP_TAG_MAX + 1];

    if (st->input == IMAP_IN_SASL) /* core waits for an answer */
        return imap_sasl_line(s, PTN_SLICE("*"));
    if (st->cmd)
        memcpy(tag, st->cmd->tag, sizeof(tag));
    else
        fault_tag(head, tag);
    ptn_buf_adds(out, tag[0] ? tag : "*");
    ptn_buf_adds(out, fault_text(fault));
    imap_view_unwatch(s); /* it may have been IDLE */
    imap_command_free(st->cmd);
    if (tail.len && tail.data[tail.len - 1] == '}' &&
        !imap_literal_find(tail, &literal))
        return imap_bye(s, "what follows that line cannot be told apart");
    return after_refusal(s, tail);
}
