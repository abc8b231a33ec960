/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A log line as a JSON object (RFC 8259), within the octets of a line: a
 * field that does not fit as a whole is left out, and "cut" says so. Numbers
 * beyond 2^53 are exact here; what reads them may not be.
 */
#include "base/json.h"
#include "log/line.h"

/* What always fits behind the fields. */
#define CUT ",\"cut\":true}"

static bool
add(struct ptn_log_line *line, size_t *at, struct ptn_slice text)
{
    if (text.len > sizeof line->text - sizeof CUT - *at)
        return false;
    if (text.len > 0)
        memcpy(line->text + *at, text.data, text.len);
    *at += text.len;
    return true;
}

/* A string; of a long value what a line of text shows, too. */
static bool
add_string(struct ptn_log_line *line, size_t *at, struct ptn_slice text)
{
    bool cut = text.len > PTN_LOG_VALUE_MAX;
    bool fits = add(line, at, PTN_SLICE("\""));

    if (cut)
        text.len = PTN_LOG_VALUE_MAX;
    while (fits && text.len > 0) {
        char one[PTN_JSON_CHAR_MAX];
        size_t n = ptn_json_char(&text, one);

        fits = add(line, at, (struct ptn_slice){one, n});
    }
    return fits && (!cut || add(line, at, PTN_SLICE("..."))) &&
           add(line, at, PTN_SLICE("\""));
}

static bool
add_field(struct ptn_log_line *line, const struct ptn_log_field *field)
{
    struct ptn_log_line number;
    size_t at = line->len;
    bool fits;

    number.len = 0;
    if (field->kind == PTN_FIELD_NUMBER)
        ptn_log_line_number(&number, field->number);
    fits = (at == 1 || add(line, &at, PTN_SLICE(","))) &&
           add_string(line, &at, ptn_slice_of(field->key)) &&
           add(line, &at, PTN_SLICE(":"));
    if (field->kind == PTN_FIELD_NUMBER)
        fits =
            fits && add(line, &at, (struct ptn_slice){number.text, number.len});
    else
        fits = fits && add_string(line, &at, field->text);
    if (fits)
        line->len = at;
    return fits;
}

void
ptn_log_line_json(struct ptn_log_line *line, const struct ptn_log_entry *entry,
                  int64_t wall_ms)
{
    struct ptn_log_line time;
    bool cut = false;

    time.len = 0;
    line->len = 0;
    ptn_log_line_add(line, PTN_SLICE("{"));
    if (wall_ms >= 0) {
        ptn_log_line_time(&time, wall_ms);
        add_field(line,
                  &PTN_F("time", ((struct ptn_slice){time.text, time.len})));
        add_field(line, &PTN_FS("level", ptn_log_level_name(entry->level)));
    }
    add_field(line, &PTN_FS("process", entry->process));
    add_field(line, &PTN_FS("event", entry->event));
    for (size_t i = 0; i < entry->count; i++)
        cut = !add_field(line, &entry->fields[i]) || cut;
    ptn_log_line_add(line, cut ? PTN_SLICE(CUT) : PTN_SLICE("}"));
}
