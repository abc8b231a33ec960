/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Walks blocks of the parsed file. It keeps nothing; all state is the
 * config generation's. One thread.
 */
#include "conf/walk.h"
#include "conf/diff.h"
#include "conf/suggest.h"

struct ptn_conf_place
ptn_conf_setting_place(const struct ptn_conf *conf,
                       const config_setting_t *setting)
{
    const char *origin = ptn_conf_built_in_origin(conf, setting);

    if (origin)
        return (struct ptn_conf_place){origin, 0};
    return ptn_conf_source_place(conf->tree->source,
                                 (int)config_setting_source_line(setting));
}

struct ptn_conf_place
ptn_conf_path_place(const struct ptn_conf *conf, const char *path)
{
    char *part = ptn_strdup(path);
    struct ptn_conf_place place = {conf->file, 0};

    for (char *dot = part; dot;) {
        const config_setting_t *setting =
            config_lookup(&conf->tree->config, part);

        if (setting) {
            place = ptn_conf_setting_place(conf, setting);
            break;
        }
        dot = strrchr(part, '.');
        if (dot)
            *dot = '\0';
    }
    ptn_free(part);
    return place;
}

void
ptn_conf_error_at(struct ptn_conf *conf, const char *path, const char *fmt, ...)
{
    struct ptn_buf text = PTN_BUF_INIT;
    va_list ap;

    va_start(ap, fmt);
    ptn_buf_vprintf(&text, fmt, ap);
    va_end(ap);
    ptn_conf_error(conf, ptn_conf_path_place(conf, path), "%s: %s", path,
                   ptn_buf_cstr(&text));
    ptn_buf_free(&text);
}

void
ptn_conf_error_name(struct ptn_conf *conf, const char *path, const char *what,
                    const struct ptn_suggest *name, const char *remedy)
{
    if (name->best)
        ptn_conf_error_at(conf, path,
                          "there is no %s \"%s\"; did you mean \"%s\"?", what,
                          name->word, name->best);
    else
        ptn_conf_error_at(conf, path, "there is no %s \"%s\"; %s", what,
                          name->word, remedy);
}

const char *
ptn_conf_path(struct ptn_conf *conf, const char *a, const char *b)
{
    struct ptn_buf path = PTN_BUF_INIT;
    const char *result;

    ptn_buf_adds(&path, a);
    if (*a)
        ptn_buf_addc(&path, '.');
    ptn_buf_adds(&path, b);
    result = ptn_arena_dup(&conf->arena, ptn_buf_slice(&path));
    ptn_buf_free(&path);
    return result;
}

config_setting_t *
ptn_conf_group(struct ptn_conf *conf, const char *path,
               config_setting_t *parent, const char *name)
{
    config_setting_t *group =
        parent ? config_setting_get_member(parent, name) : NULL;

    if (!group || config_setting_is_group(group))
        return group;
    ptn_conf_error(conf, ptn_conf_setting_place(conf, group),
                   "%s: a group is needed: %s: { ... }",
                   ptn_conf_path(conf, path, name), name);
    return NULL;
}

static const char *
mark(struct ptn_conf *conf, const struct ptn_option *row, const void *field)
{
    struct ptn_buf text = PTN_BUF_INIT;
    char hash[PTN_MARK_SIZE];

    ptn_conf_value_text(row, field, &text);
    ptn_effective_mark(ptn_buf_slice(&text), hash);
    ptn_wipe(text.data, text.len);
    ptn_buf_free(&text);
    return ptn_arena_dup(&conf->arena, ptn_slice_of(hash));
}

static void
record(const struct ptn_conf_block *block, const struct ptn_option *row,
       const config_setting_t *setting, const void *field)
{
    struct ptn_conf *conf = block->conf;
    struct ptn_buf text = PTN_BUF_INIT;

    if (!conf->tree->record)
        return;
    if (conf->value_count == conf->tree->value_cap) {
        conf->tree->value_cap = conf->value_count * 2 + 64;
        conf->values = ptn_realloc(conf->values, conf->tree->value_cap *
                                                     sizeof *conf->values);
    }
    if (row->flags & PTN_OPT_SECRET)
        ptn_buf_adds(&text, "(hidden)");
    else
        ptn_conf_value_text(row, field, &text);
    conf->values[conf->value_count++] = (struct ptn_conf_value){
        .path = ptn_conf_path(conf, block->path, row->name),
        .text = ptn_arena_dup(&conf->arena, ptn_buf_slice(&text)),
        .place = setting ? ptn_conf_setting_place(conf, setting)
                         : (struct ptn_conf_place){NULL, 0},
        .flags = row->flags,
        .mark = row->flags & PTN_OPT_SECRET ? mark(conf, row, field) : NULL,
    };
    ptn_buf_free(&text);
}

/* `shared`: it stands in a block of several users, which notes its own
 * mistakes. A number that libconfig has cut was noted before. */
static void
set(const struct ptn_conf_block *block, const struct ptn_option *row,
    config_setting_t *setting, bool shared, void *field)
{
    struct ptn_conf *conf = block->conf;
    struct ptn_conf_place place = ptn_conf_setting_place(conf, setting);
    const char *path = ptn_conf_path(conf, block->path, row->name);
    struct ptn_buf why = PTN_BUF_INIT;

    if (!ptn_conf_value(conf, row, setting, field, &why) && !shared &&
        !ptn_conf_is_noted(conf, place, path))
        ptn_conf_error(conf, place, "%s: %s", path, ptn_buf_cstr(&why));
    ptn_buf_free(&why);
}

static void
note_missing(const struct ptn_conf_block *block, const struct ptn_option *row)
{
    struct ptn_buf hint = PTN_BUF_INIT;

    if (row->choices) {
        ptn_buf_adds(&hint, "; say ");
        ptn_conf_add_choices(row, &hint);
    }
    ptn_conf_error(block->conf, block->place, "%s: is required%s",
                   ptn_conf_path(block->conf, block->path, row->name),
                   ptn_buf_cstr(&hint));
    ptn_buf_free(&hint);
}

void
ptn_conf_fill(const struct ptn_conf_block *block, const struct ptn_option *rows,
              void *out)
{
    for (const struct ptn_option *row = rows; row && row->name; row++) {
        void *field = (char *)out + row->offset;
        config_setting_t *setting = NULL;
        size_t layer = 0;

        for (; layer < PTN_COUNT(block->layers); layer++) {
            if (block->layers[layer])
                setting =
                    config_setting_get_member(block->layers[layer], row->name);
            if (setting)
                break;
        }
        ptn_conf_preset(block->conf, row, field);
        if (setting)
            set(block, row, setting, layer > 0, field);
        else if (row->flags & PTN_OPT_REQUIRED)
            note_missing(block, row);
        record(block, row, setting, field);
    }
}

static bool
try_known(const struct ptn_conf_known *known, const char *key,
          struct ptn_suggest *s)
{
    for (size_t i = 0; i < PTN_COUNT(known->tables); i++) {
        const struct ptn_option *row = known->tables[i];

        for (; row && row->name; row++) {
            if (strcmp(row->name, key) == 0)
                return true;
            ptn_suggest_try(s, row->name);
        }
    }
    for (size_t i = 0; known->extra && known->extra[i]; i++) {
        if (strcmp(known->extra[i], key) == 0)
            return true;
        ptn_suggest_try(s, known->extra[i]);
    }
    return false;
}

void
ptn_conf_check_keys(struct ptn_conf *conf, const char *path,
                    config_setting_t *group, const struct ptn_conf_known *known)
{
    int count = group ? config_setting_length(group) : 0;

    for (int i = 0; i < count; i++) {
        config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
        const char *key = config_setting_name(setting);
        struct ptn_suggest s = ptn_suggest_begin(key);

        if (try_known(known, key, &s))
            continue;
        if (s.best)
            ptn_conf_error(conf, ptn_conf_setting_place(conf, setting),
                           "%s: unknown key; did you mean \"%s\"?",
                           ptn_conf_path(conf, path, key), s.best);
        else
            ptn_conf_error(conf, ptn_conf_setting_place(conf, setting),
                           "%s: unknown key", ptn_conf_path(conf, path, key));
    }
}
