/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The text of a module's note, line by line (module/note.h). Newer minors may
 * add keys; what has no meaning here is none of our business.
 */
#include "module/note.h"

static bool
copy_word(struct ptn_slice from, char to[PTN_NOTE_WORD_MAX + 1])
{
    if (from.len == 0 || from.len > PTN_NOTE_WORD_MAX)
        return false;
    for (size_t i = 0; i < from.len; i++)
        if (from.data[i] < 0x20 || from.data[i] > 0x7e)
            return false;
    memcpy(to, from.data, from.len);
    to[from.len] = '\0';
    return true;
}

static bool
read_u16(struct ptn_slice text, uint16_t *out)
{
    uint64_t value;

    if (!ptn_slice_to_u64(text, UINT16_MAX, &value))
        return false;
    *out = (uint16_t)value;
    return true;
}

/* The two parts around the first `c`. */
static bool
split(struct ptn_slice s, char c, struct ptn_slice *before,
      struct ptn_slice *after)
{
    const char *at = s.len ? memchr(s.data, c, s.len) : NULL;

    if (!at)
        return false;
    *before = ptn_slice_sub(s, 0, (size_t)(at - s.data));
    *after = ptn_slice_sub(s, before->len + 1, s.len - before->len - 1);
    return true;
}

static bool
read_abi(struct ptn_slice value, struct ptn_note *out)
{
    struct ptn_slice major, minor;

    out->has_abi = split(value, '.', &major, &minor) &&
                   read_u16(major, &out->abi_major) &&
                   read_u16(minor, &out->abi_minor);
    return out->has_abi;
}

static bool
read_contract(struct ptn_slice value, bool provided, struct ptn_note *out)
{
    struct ptn_note_contract *c = &out->contracts[out->count];
    struct ptn_slice name, version;

    if (out->count == PTN_NOTE_CONTRACTS_MAX ||
        !split(value, '/', &name, &version) || !copy_word(name, c->name) ||
        !read_u16(version, &c->version))
        return false;
    c->provided = provided;
    out->count++;
    return true;
}

static bool
read_line(struct ptn_slice line, struct ptn_note *out)
{
    struct ptn_slice key, value;

    if (!split(line, '=', &key, &value))
        return false;
    if (ptn_slice_eq(key, PTN_SLICE("abi")))
        return read_abi(value, out);
    if (ptn_slice_eq(key, PTN_SLICE("name")))
        return copy_word(value, out->name);
    if (ptn_slice_eq(key, PTN_SLICE("version")))
        return copy_word(value, out->version);
    if (ptn_slice_eq(key, PTN_SLICE("license")))
        return copy_word(value, out->license);
    if (ptn_slice_eq(key, PTN_SLICE("needs")))
        return read_contract(value, false, out);
    if (ptn_slice_eq(key, PTN_SLICE("provides")))
        return read_contract(value, true, out);
    return true;
}

bool
ptn_note_parse(struct ptn_slice text, struct ptn_note *out)
{
    const char *end = text.len ? memchr(text.data, '\0', text.len) : NULL;
    struct ptn_slice line;

    *out = (struct ptn_note){.count = 0};
    if (!end)
        return false;
    text.len = (size_t)(end - text.data);
    while (split(text, '\n', &line, &text))
        if (!read_line(line, out))
            return false;
    return text.len == 0 && *out->name && *out->version && *out->license &&
           out->has_abi;
}

enum ptn_note_found
ptn_note_find(struct ptn_elf *elf, const char *name, struct ptn_note *out)
{
    enum ptn_note_found found = PTN_NOTE_NONE;
    struct ptn_elf_note note = {.at = 0};

    while (ptn_elf_next_note(elf, &note)) {
        if (note.type != PTN_NOTE_TYPE ||
            !ptn_slice_eq(note.owner, PTN_SLICE(PTN_NOTE_OWNER)))
            continue;
        if (!ptn_note_parse(note.text, out))
            return PTN_NOTE_MALFORMED;
        found = PTN_NOTE_FOUND;
        if (strcmp(out->name, name) == 0)
            break;
    }
    return found;
}

/* Every contract of the table stands in the note, and no others do. */
static bool
covers(const struct ptn_note *note, const struct ptn_contract *table,
       bool provided)
{
    size_t in_table = 0, in_note = 0;

    for (size_t i = 0; i < note->count; i++)
        in_note += note->contracts[i].provided == provided;
    for (; table && table->name; table++, in_table++) {
        bool found = false;

        for (size_t i = 0; i < note->count; i++) {
            const struct ptn_note_contract *c = &note->contracts[i];

            found = found ||
                    (c->provided == provided && c->version == table->version &&
                     strcmp(c->name, table->name) == 0);
        }
        if (!found)
            return false;
    }
    return in_table == in_note;
}

static bool
same(const char *note, const char *descriptor)
{
    return descriptor && strcmp(note, descriptor) == 0;
}

const char *
ptn_note_differs(const struct ptn_note *note, const struct ptn_module *module)
{
    if (note->abi_major != module->abi_major ||
        note->abi_minor != module->abi_minor)
        return "abi";
    if (!same(note->name, module->name))
        return "name";
    if (!same(note->version, module->version))
        return "version";
    if (!same(note->license, module->license))
        return "license";
    if (!covers(note, module->needs, false))
        return "needs";
    return covers(note, module->provides, true) ? NULL : "provides";
}
