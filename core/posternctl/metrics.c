/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The server's numbers: the text as it comes, or as JSON. The text is the
 * exposition format 0.0.4 of Prometheus, as core/metrics/tally.c writes it.
 */
#include "posternctl/ctl.h"
#include "proc/plan.h"
#include <stdlib.h>

static struct ptn_slice
take_word(struct ptn_slice *line)
{
    const char *blank = line->len ? memchr(line->data, ' ', line->len) : NULL;
    size_t len = blank ? (size_t)(blank - line->data) : line->len;
    struct ptn_slice word = {line->data, len};

    *line = ptn_slice_sub(*line, len + (blank ? 1 : 0),
                          line->len - len - (blank ? 1 : 0));
    return word;
}

/* One label off the front of `a="x",b="y"}`: a backslash hides what follows
 * it. */
static void
json_label(struct ptn_json *j, struct ptn_slice *rest)
{
    struct ptn_buf name = PTN_BUF_INIT, value = PTN_BUF_INIT;
    size_t at = 0;

    while (at < rest->len && rest->data[at] != '=')
        ptn_buf_addc(&name, rest->data[at++]);
    for (at += 2; at < rest->len && rest->data[at] != '"'; at++) {
        char c = rest->data[at];

        if (c == '\\' && at + 1 < rest->len)
            c = rest->data[++at] == 'n' ? '\n' : rest->data[at];
        ptn_buf_addc(&value, c);
    }
    ptn_json_text(j, ptn_buf_cstr(&name), ptn_buf_slice(&value));
    at += at < rest->len;                          /* the quote */
    at += at < rest->len && rest->data[at] == ','; /* there is another */
    *rest = ptn_slice_sub(*rest, at, rest->len - at);
    ptn_buf_free(&name);
    ptn_buf_free(&value);
}

/* name{labels} number */
static void
json_number(struct ptn_json *j, struct ptn_slice line)
{
    const char *brace = memchr(line.data, '{', line.len);
    const char *blank = memrchr(line.data, ' ', line.len);
    size_t from = blank ? (size_t)(blank - line.data) + 1 : line.len;
    size_t name = brace ? (size_t)(brace - line.data) : from ? from - 1 : 0;
    char number[64] = "0";

    if (line.len - from < sizeof number)
        memcpy(number, line.data + from, line.len - from);
    number[line.len - from < sizeof number ? line.len - from : 1] = '\0';
    ptn_json_object(j, NULL);
    ptn_json_text(j, "name", ptn_slice_sub(line, 0, name));
    ptn_json_object(j, "labels");
    if (brace) {
        struct ptn_slice rest = ptn_slice_sub(line, name + 1, from - name - 2);

        while (rest.len > 0 && rest.data[0] != '}')
            json_label(j, &rest);
    }
    ptn_json_end_object(j);
    ptn_json_raw(j, "value", number);
    ptn_json_end_object(j);
}

static void
begin_family(struct ptn_json *j, struct ptn_slice line)
{
    struct ptn_slice name = take_word(&line);

    ptn_json_object(j, NULL);
    ptn_json_text(j, "family", name);
    ptn_json_text(j, "help", line);
}

/* "# HELP name text" begins a family, "# TYPE name kind" follows. */
static void
json_text(struct ptn_json *j, struct ptn_slice text)
{
    bool open = false;

    ptn_json_array(j, NULL);
    while (text.len > 0) {
        struct ptn_slice line = ptn_record_next(&text), rest = line;
        bool is_comment = ptn_slice_eq(take_word(&rest), PTN_SLICE("#"));
        struct ptn_slice kind = is_comment ? take_word(&rest) : rest;

        if (!is_comment) {
            json_number(j, line);
        } else if (ptn_slice_eq(kind, PTN_SLICE("HELP"))) {
            if (open) {
                ptn_json_end_array(j);
                ptn_json_end_object(j);
            }
            open = true;
            begin_family(j, rest);
        } else {
            (void)take_word(&rest);
            ptn_json_text(j, "type", rest);
            ptn_json_array(j, "numbers");
        }
    }
    if (open) {
        ptn_json_end_array(j);
        ptn_json_end_object(j);
    }
    ptn_json_end_array(j);
}

static int
show(const struct ctl *ctl)
{
    struct ptn_buf answer = PTN_BUF_INIT, out = PTN_BUF_INIT;
    struct ptn_json json = PTN_JSON_INIT(&out);
    int status = ctl_ask(ctl, "metrics", &answer);

    if (status == CTL_OK && ctl->json) {
        json_text(&json, ptn_buf_slice(&answer));
        ctl_json_print(&out);
    } else if (status == CTL_OK) {
        fwrite(answer.data, 1, answer.len, stdout);
    }
    ptn_buf_free(&answer);
    return status;
}

const struct ctl_command ctl_metrics_commands[] = {
    {.words = "metrics",
     .fn = show,
     .flags = CTL_ASKS,
     .doc = "what the server counts, as Prometheus reads it",
     .about = "Counters are sums over all workers, also of those that are no "
              "more. To be\ncollected by node_exporter, write it to a file "
              "NAME.prom now and then.",
     .example = "posternctl metrics | grep sessions"},
    {.words = NULL},
};
