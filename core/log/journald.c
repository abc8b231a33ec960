/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * journald's native protocol: one datagram of KEY=value lines; a value that
 * may hold anything is its key, a line end, its length in 64 bits, little
 * endian, itself, and a line end. MESSAGE is the line of text; each field of
 * an entry is POSTERN_KEY besides, for `journalctl POSTERN_LISTENER=mx`.
 */
#include "log/sink.h"

enum {
    FIELDS_MAX = 24,
    KEY_MAX = 40,
    DATA_MAX = 12288,
};

struct datagram {
    size_t len;
    char data[DATA_MAX];
};

static void
add(struct datagram *d, struct ptn_slice text)
{
    size_t room = sizeof d->data - d->len;
    size_t n = text.len < room ? text.len : room;

    if (n > 0)
        memcpy(d->data + d->len, text.data, n);
    d->len += n;
}

static void
add_value(struct datagram *d, struct ptn_slice key, struct ptn_slice value)
{
    char length[8];

    if (value.len > PTN_LOG_LINE_MAX)
        value.len = PTN_LOG_LINE_MAX;
    if (key.len + value.len + sizeof length + 2 > sizeof d->data - d->len)
        return;
    for (size_t i = 0; i < sizeof length; i++)
        length[i] = (char)(value.len >> (8 * i) & 0xff);
    add(d, key);
    add(d, PTN_SLICE("\n"));
    add(d, (struct ptn_slice){length, sizeof length});
    add(d, value);
    add(d, PTN_SLICE("\n"));
}

/* Capitals, digits and "_" alone are a key. */
static void
add_field(struct datagram *d, const struct ptn_log_field *field)
{
    char key[KEY_MAX] = "POSTERN_";
    struct ptn_log_line number;
    size_t len = strlen(key);

    for (const char *c = field->key; *c && len < sizeof key; c++)
        key[len++] = *c >= 'a' && *c <= 'z'   ? (char)(*c - 'a' + 'A')
                     : *c >= '0' && *c <= '9' ? *c
                                              : '_';
    number.len = 0;
    if (field->kind == PTN_FIELD_NUMBER)
        ptn_log_line_number(&number, field->number);
    add_value(d, (struct ptn_slice){key, len},
              field->kind == PTN_FIELD_NUMBER
                  ? (struct ptn_slice){number.text, number.len}
                  : field->text);
}

int
ptn_log_send_journald(int fd, const struct ptn_log_sink *sink,
                      const struct ptn_log_entry *entry, int flags)
{
    static const char *const priorities[] = {"PRIORITY=3\n", "PRIORITY=4\n",
                                             "PRIORITY=6\n", "PRIORITY=7\n"};
    struct ptn_log_line text;
    struct datagram d;
    struct iovec part;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    d.len = text.len = 0;
    ptn_log_line_text(&text, entry, -1);
    add(&d, PTN_SLICE("SYSLOG_IDENTIFIER=postern\n"));
    add(&d, ptn_slice_of(priorities[entry->level]));
    add_value(&d, PTN_SLICE("MESSAGE"),
              (struct ptn_slice){text.text, text.len});
    add_field(&d, &PTN_FS("process", entry->process));
    add_field(&d, &PTN_FS("event", entry->event));
    for (size_t i = 0; i < entry->count && i < FIELDS_MAX; i++)
        add_field(&d, &entry->fields[i]);
    part = (struct iovec){d.data, d.len};
    return ptn_log_send_to(fd, sink, &message, flags);
}
