/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One value of the file, or a row's preset, into a field of a struct; and
 * back into text. One thread.
 */
#include "conf/suggest.h"
#include "conf/unit.h"
#include "conf/walk.h"
#include <stdlib.h>
#include <unistd.h>

/* Well-formed UTF-8, RFC 3629 section 4. */
static bool
is_utf8(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;

    while (*p) {
        unsigned more = *p < 0x80                 ? 0
                        : *p >= 0xc2 && *p < 0xe0 ? 1
                        : *p >= 0xe0 && *p < 0xf0 ? 2
                        : *p >= 0xf0 && *p < 0xf5 ? 3
                                                  : 4;
        unsigned char first = *p++;

        if (more == 4 || (first == 0xe0 && *p < 0xa0) ||
            (first == 0xed && *p > 0x9f) || (first == 0xf0 && *p < 0x90) ||
            (first == 0xf4 && *p > 0x8f))
            return false;
        for (; more > 0; more--)
            if ((*p++ & 0xc0) != 0x80)
                return false;
    }
    return true;
}

static bool
is_bounded(const struct ptn_option *row)
{
    return row->min != 0 || row->max != 0;
}

static void
add_number(const struct ptn_option *row, int64_t value, struct ptn_buf *out)
{
    if (row->type == PTN_OPT_SIZE)
        ptn_unit_add_size(out, (uint64_t)value);
    else if (row->type == PTN_OPT_DURATION)
        ptn_unit_add_duration(out, (uint64_t)value);
    else
        ptn_buf_printf(out, "%lld", (long long)value);
}

static bool
in_range(const struct ptn_option *row, int64_t value, struct ptn_buf *why)
{
    if (!is_bounded(row) || (value >= row->min && value <= row->max))
        return true;
    add_number(row, value, why);
    ptn_buf_adds(why, " is out of range; ");
    add_number(row, row->min, why);
    ptn_buf_adds(why, " to ");
    add_number(row, row->max, why);
    ptn_buf_adds(why, " is possible");
    return false;
}

static bool
set_int(const struct ptn_option *row, int64_t value, void *field,
        struct ptn_buf *why)
{
    if (!in_range(row, value, why))
        return false;
    *(int64_t *)field = value;
    return true;
}

static bool
set_measure(const struct ptn_option *row, const char *text, void *field,
            struct ptn_buf *why)
{
    bool is_size = row->type == PTN_OPT_SIZE;
    uint64_t value;

    if (is_size ? !ptn_unit_size(text, &value)
                : !ptn_unit_duration(text, &value)) {
        if (strspn(text, "0123456789") > 15) {
            ptn_buf_printf(why, "\"%s\" is more than can be counted", text);
            return false;
        }
        ptn_buf_printf(why, "\"%s\" is not a %s", text,
                       is_size ? "size; write it as \"512\", \"4k\", \"35M\" "
                                 "or \"2G\""
                               : "time; write it with its unit, as \"500ms\", "
                                 "\"30s\", \"5m\", \"1h\" or \"7d\"");
        return false;
    }
    if (!in_range(row, (int64_t)value, why))
        return false;
    *(uint64_t *)field = value;
    return true;
}

void
ptn_conf_add_choices(const struct ptn_option *row, struct ptn_buf *out)
{
    for (int i = 0; row->choices[i]; i++) {
        const char *before = i == 0 ? "" : row->choices[i + 1] ? ", " : " or ";

        ptn_buf_printf(out, "%s\"%s\"", before, row->choices[i]);
    }
}

static bool
set_choice(const struct ptn_option *row, const char *text, void *field,
           struct ptn_buf *why)
{
    struct ptn_suggest s = ptn_suggest_begin(text);

    for (int i = 0; row->choices[i]; i++) {
        if (strcmp(row->choices[i], text) == 0) {
            *(int *)field = i;
            return true;
        }
        ptn_suggest_try(&s, row->choices[i]);
    }
    ptn_buf_printf(why, "\"%s\" is not possible here; ", text);
    if (s.best && !s.tied) {
        ptn_buf_printf(why, "did you mean \"%s\"?", s.best);
        return false;
    }
    ptn_buf_adds(why, "say ");
    ptn_conf_add_choices(row, why);
    return false;
}

static const char *
absolute(struct ptn_conf *conf, const char *file, const char *path)
{
    const char *joined = ptn_conf_resolve(conf, file, path);
    struct ptn_buf full = PTN_BUF_INIT;
    char cwd[4096];

    if (joined[0] == '/' || !getcwd(cwd, sizeof cwd))
        return joined;
    ptn_buf_printf(&full, "%s/%s", cwd, joined);
    joined = ptn_arena_dup(&conf->arena, ptn_buf_slice(&full));
    ptn_buf_free(&full);
    return joined;
}

static bool
set_string(struct ptn_conf *conf, const char *text, void *field,
           struct ptn_buf *why)
{
    if (!is_utf8(text)) {
        ptn_buf_adds(why, "is not valid UTF-8");
        return false;
    }
    *(const char **)field = ptn_arena_dup(&conf->arena, ptn_slice_of(text));
    return true;
}

/* From the text of a string, or of a preset. `file` is where it stands. */
static bool
set_text(struct ptn_conf *conf, const struct ptn_option *row, const char *text,
         const char *file, void *field, struct ptn_buf *why)
{
    switch (row->type) {
    case PTN_OPT_SIZE:
    case PTN_OPT_DURATION:
        return set_measure(row, text, field, why);
    case PTN_OPT_CHOICE:
        return set_choice(row, text, field, why);
    case PTN_OPT_PATH:
        if (*text)
            return set_string(conf, absolute(conf, file, text), field, why);
        ptn_buf_adds(why, "an empty path names nothing");
        return false;
    default:
        return set_string(conf, text, field, why);
    }
}

static bool
set_strings(struct ptn_conf *conf, config_setting_t *list, void *field,
            struct ptn_buf *why)
{
    int count = config_setting_length(list);
    const char **items =
        ptn_arena_alloc(&conf->arena, (size_t)count * sizeof *items + 1);

    for (int i = 0; i < count; i++) {
        const char *text = config_setting_get_string_elem(list, i);

        if (!text) {
            ptn_buf_adds(why, "all of its elements have to be strings");
            return false;
        }
        if (!set_string(conf, text, &items[i], why))
            return false;
    }
    *(struct ptn_strings *)field = (struct ptn_strings){items, (size_t)count};
    return true;
}

static const char *
expected(enum ptn_option_type type)
{
    switch (type) {
    case PTN_OPT_BOOL:
        return "true or false, without quotes, is needed";
    case PTN_OPT_INT:
        return "a whole number, without quotes, is needed";
    case PTN_OPT_SIZE:
        return "a size is needed, such as \"35M\"";
    case PTN_OPT_DURATION:
        return "a time with its unit is needed, such as \"30s\"";
    case PTN_OPT_STRINGS:
        return "a list of strings is needed, such as [ \"...\" ]";
    default:
        return "a string is needed, such as \"...\"";
    }
}

static bool
is_int(int type)
{
    return type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
}

bool
ptn_conf_value(struct ptn_conf *conf, const struct ptn_option *row,
               config_setting_t *setting, void *field, struct ptn_buf *why)
{
    struct ptn_conf_place place = ptn_conf_setting_place(conf, setting);
    int type = config_setting_type(setting);

    if (row->type == PTN_OPT_BOOL && type == CONFIG_TYPE_BOOL) {
        *(bool *)field = config_setting_get_bool(setting) != 0;
        return true;
    }
    if (row->type == PTN_OPT_INT && is_int(type))
        return set_int(row, config_setting_get_int64(setting), field, why);
    if (row->type == PTN_OPT_STRINGS &&
        (type == CONFIG_TYPE_ARRAY || type == CONFIG_TYPE_LIST))
        return set_strings(conf, setting, field, why);
    if (row->type == PTN_OPT_SIZE && is_int(type) &&
        config_setting_get_int64(setting) >= 0) {
        char text[24];

        snprintf(text, sizeof text, "%lld", config_setting_get_int64(setting));
        return set_measure(row, text, field, why);
    }
    if (type == CONFIG_TYPE_STRING && row->type != PTN_OPT_BOOL &&
        row->type != PTN_OPT_INT && row->type != PTN_OPT_STRINGS)
        return set_text(conf, row, config_setting_get_string(setting),
                        place.file, field, why);
    if (row->type == PTN_OPT_CHOICE) {
        ptn_buf_adds(why, "a word is needed: ");
        ptn_conf_add_choices(row, why);
    } else {
        ptn_buf_adds(why, expected(row->type));
    }
    return false;
}

/* A preset list is words with blanks between them. */
static void
preset_strings(struct ptn_conf *conf, const char *text, void *field)
{
    const char **items =
        ptn_arena_alloc(&conf->arena, (strlen(text) + 1) * sizeof *items);
    size_t count = 0;

    while (*text) {
        size_t len = strcspn(text, " ");

        if (len > 0)
            items[count++] =
                ptn_arena_dup(&conf->arena, (struct ptn_slice){text, len});
        text += len + strspn(text + len, " ");
    }
    *(struct ptn_strings *)field = (struct ptn_strings){items, count};
}

void
ptn_conf_preset(struct ptn_conf *conf, const struct ptn_option *row,
                void *field)
{
    struct ptn_buf why = PTN_BUF_INIT;
    bool good = true;

    if (!row->preset)
        return;
    if (row->type == PTN_OPT_BOOL)
        *(bool *)field = strcmp(row->preset, "true") == 0;
    else if (row->type == PTN_OPT_INT)
        good = set_int(row, strtoll(row->preset, NULL, 10), field, &why);
    else if (row->type == PTN_OPT_STRINGS)
        preset_strings(conf, row->preset, field);
    else
        good = set_text(conf, row, row->preset, conf->file, field, &why);
    if (!good) /* the author of the rows has to see it */
        ptn_conf_error(conf, (struct ptn_conf_place){NULL, 0},
                       "%s: the default of this option is wrong: %s", row->name,
                       ptn_buf_cstr(&why));
    ptn_buf_free(&why);
}

static void
add_quoted(const char *text, struct ptn_buf *out)
{
    ptn_buf_addc(out, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            ptn_buf_addc(out, '\\');
        if (*text == '\n')
            ptn_buf_adds(out, "\\n");
        else
            ptn_buf_addc(out, *text);
    }
    ptn_buf_addc(out, '"');
}

static void
add_strings(const struct ptn_strings *list, struct ptn_buf *out)
{
    ptn_buf_adds(out, "[");
    for (size_t i = 0; i < list->count; i++) {
        ptn_buf_adds(out, i == 0 ? " " : ", ");
        add_quoted(list->items[i], out);
    }
    ptn_buf_adds(out, " ]");
}

void
ptn_conf_value_text(const struct ptn_option *row, const void *field,
                    struct ptn_buf *out)
{
    const char *text;

    switch (row->type) {
    case PTN_OPT_BOOL:
        ptn_buf_adds(out, *(const bool *)field ? "true" : "false");
        return;
    case PTN_OPT_INT:
        add_number(row, *(const int64_t *)field, out);
        return;
    case PTN_OPT_SIZE:
    case PTN_OPT_DURATION:
        ptn_buf_addc(out, '"');
        add_number(row, (int64_t) * (const uint64_t *)field, out);
        ptn_buf_addc(out, '"');
        return;
    case PTN_OPT_STRINGS:
        add_strings(field, out);
        return;
    case PTN_OPT_CHOICE:
        add_quoted(row->choices[*(const int *)field], out);
        return;
    default:
        text = *(const char *const *)field;
        if (text)
            add_quoted(text, out);
        else
            ptn_buf_adds(out, "(none)");
    }
}
