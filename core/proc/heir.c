/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The heir's side of an upgrade. Main thread, and children that it forks
 * while it starts.
 */
#include "proc/heir.h"
#include "conf/diff.h"
#include "proc/notify.h"
#include "proc/plan.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    PATIENCE_MS = 10000, /* for a server that is running and has promised */
};

/* Facts of this process: there is one server that it can take over from. */
static struct {
    int channel; /* -1: it is no heir, or that is over */
    int control; /* -1: none came, or it was taken */
    int escrow;  /* the same */
    bool took_control;
    char control_path[PATH_MAX];
    bool is, check;
    /* Channels to those before the one that this one took over from. */
    int elders[PTN_HANDOVER_FDS];
    size_t elder_count;
    struct ptn_sockets sockets;
    struct ptn_tickets tickets;
    struct ptn_buf serving; /* records: what serves there */
} heir = {.channel = -1,
          .control = -1,
          .escrow = -1,
          .tickets = PTN_TICKETS_INIT,
          .serving = PTN_BUF_INIT};

static void
take_sockets(struct ptn_slice record, const int *fds, size_t count)
{
    struct ptn_address_conf address = {.host = ""};
    char port[16] = "0", given[8] = "";

    (void)ptn_record_get(record, "host", address.host, sizeof address.host);
    (void)ptn_record_get(record, "port", port, sizeof port);
    (void)ptn_record_get(record, "given", given, sizeof given);
    address.port = (uint16_t)strtoul(port, NULL, 10);
    for (size_t i = 0; i < count; i++) {
        bool is_given = strcmp(given, "yes") == 0;

        ptn_sockets_adopt(&heir.sockets, &address, fds[i], is_given);
        if (!is_given) /* the one before has stored it, if it could */
            ptn_notify_stored_at(&address);
    }
}

static void
take_elders(const int *fds, size_t count)
{
    memcpy(heir.elders, fds, count * sizeof *fds);
    heir.elder_count = count;
}

static void
take_control(struct ptn_slice record, const int *fds, size_t count)
{
    if (count != 1)
        return;
    heir.control = fds[0];
    (void)ptn_record_get(record, "path", heir.control_path,
                         sizeof heir.control_path);
}

/* A secret of that size; NULL when it is not there. For free_key. */
static const uint8_t *
get_key(struct ptn_slice record, size_t size, struct ptn_buf *out)
{
    char text[1024];
    bool good;

    *out = PTN_BUF_INIT;
    good = ptn_record_get(record, "key", text, sizeof text) &&
           ptn_base64_decode(out, ptn_slice_of(text)) && out->len == size;
    ptn_wipe(text, sizeof text);
    return good ? (const uint8_t *)out->data : NULL;
}

static void
free_key(struct ptn_buf *key)
{
    if (key->data)
        ptn_wipe(key->data, key->cap);
    ptn_buf_free(key);
}

static void
take_mark(struct ptn_slice record)
{
    struct ptn_buf mark;
    const uint8_t *key = get_key(record, PTN_MARK_KEY_SIZE, &mark);

    if (key)
        ptn_effective_set_mark_key(key);
    free_key(&mark);
}

static void
take_tickets(struct ptn_slice record)
{
    char group[1025];
    struct ptn_buf ring;
    const uint8_t *keys = get_key(record, PTN_TICKET_RING_SIZE, &ring);

    if (keys && ptn_record_get(record, "group", group, sizeof group))
        ptn_tickets_put(&heir.tickets, group, keys);
    free_key(&ring);
}

/* False: that was the last one. */
static bool
take(struct ptn_slice record, const int *fds, size_t count)
{
    char purpose[8] = "";

    if (ptn_record_is(record, "socket"))
        take_sockets(record, fds, count);
    else if (ptn_record_is(record, "elders"))
        take_elders(fds, count);
    else if (ptn_record_is(record, "control"))
        take_control(record, fds, count);
    else if (ptn_record_is(record, "escrow") && count == 1)
        heir.escrow = fds[0];
    else if (ptn_record_is(record, "serving"))
        ptn_buf_addslice(&heir.serving, record);
    else if (ptn_record_is(record, "mark"))
        take_mark(record);
    else if (ptn_record_is(record, "tickets"))
        take_tickets(record);
    if (!ptn_record_is(record, "begin"))
        return true;
    (void)ptn_record_get(record, "purpose", purpose, sizeof purpose);
    heir.check = strcmp(purpose, "check") == 0;
    return false;
}

int
ptn_heir_begin(struct ptn_error *err)
{
    const char *number = getenv(PTN_HANDOVER_VARIABLE);
    struct ptn_buf record = PTN_BUF_INIT;
    int fds[PTN_HANDOVER_FDS];
    size_t count;
    int n = 1;

    if (!number)
        return 0;
    heir.channel = (int)strtol(number, NULL, 10);
    heir.is = true;
    unsetenv(PTN_HANDOVER_VARIABLE);
    while (n > 0 && ptn_handover_wait(heir.channel, PATIENCE_MS) &&
           (n = ptn_handover_take(heir.channel, &record, fds, &count)) > 0 &&
           take(ptn_buf_slice(&record), fds, count))
        ;
    if (record.data)
        ptn_wipe(record.data, record.cap);
    ptn_buf_free(&record);
    return n > 0 ? 0
                 : ptn_error_set(err, PTN_ERR_SYSTEM,
                                 "the server that this one was to take over "
                                 "from has gone away");
}

bool
ptn_heir_is(void)
{
    return heir.is;
}

bool
ptn_heir_is_check(void)
{
    return heir.check;
}

void
ptn_heir_take_sockets(struct ptn_sockets *sockets)
{
    *sockets = heir.sockets;
    heir.sockets = (struct ptn_sockets){NULL, 0};
}

void
ptn_heir_take_tickets(struct ptn_tickets *tickets)
{
    *tickets = heir.tickets;
    heir.tickets = PTN_TICKETS_INIT;
}

int
ptn_heir_take_escrow(void)
{
    int fd = heir.escrow;

    heir.escrow = -1;
    return fd;
}

int
ptn_heir_take_control(const char *path)
{
    int fd = heir.control;

    heir.control = -1;
    heir.took_control = fd >= 0 && strcmp(path, heir.control_path) == 0;
    if (fd >= 0 && !heir.took_control)
        close(fd);
    return heir.took_control ? fd : -1;
}

bool
ptn_heir_served(const char *name)
{
    struct ptn_slice rest = ptn_buf_slice(&heir.serving);
    char text[PTN_ERROR_TEXT_MAX];

    while (rest.len > 0) {
        struct ptn_slice line = ptn_record_next(&rest);

        if (ptn_record_get(line, "name", text, sizeof text) &&
            strcmp(text, name) == 0)
            return true;
    }
    return false;
}

void
ptn_heir_say(struct ptn_slice records)
{
    struct ptn_error ignored = PTN_ERROR_INIT;

    while (heir.channel >= 0 && records.len > 0) {
        struct ptn_slice line = ptn_record_next(&records);

        if (line.len > PTN_HANDOVER_MAX)
            continue;
        /* As fast as the other one reads. */
        while (ptn_handover_send(heir.channel, line, NULL, 0, &ignored) != 0 &&
               ignored.number == EAGAIN)
            usleep(1000);
    }
}

void
ptn_heir_refused(unsigned count)
{
    struct ptn_buf record = PTN_BUF_INIT;

    ptn_buf_adds(&record, "refused");
    ptn_record_addn(&record, "count", count);
    ptn_buf_addc(&record, '\n');
    ptn_heir_say(ptn_buf_slice(&record));
    ptn_buf_free(&record);
}

void
ptn_heir_fail(const char *text)
{
    struct ptn_buf record = PTN_BUF_INIT;

    if (heir.channel < 0)
        return;
    ptn_buf_adds(&record, "failed");
    ptn_record_add(&record, "text", text);
    ptn_buf_addc(&record, '\n');
    ptn_heir_say(ptn_buf_slice(&record));
    ptn_buf_free(&record);
}

int
ptn_heir_ready(struct ptn_error *err)
{
    struct ptn_buf record = PTN_BUF_INIT;
    int fds[PTN_HANDOVER_FDS];
    size_t count;
    bool go;

    if (!heir.is)
        return 0;
    ptn_heir_say(heir.took_control ? PTN_SLICE("ready\tcontrol=taken\n")
                                   : PTN_SLICE("ready\tcontrol=own\n"));
    go = ptn_handover_wait(heir.channel, PATIENCE_MS) &&
         ptn_handover_take(heir.channel, &record, fds, &count) > 0 &&
         ptn_record_is(ptn_buf_slice(&record), "go");
    ptn_buf_free(&record);
    if (go)
        return 0;
    return ptn_error_set(err, PTN_ERR_SYSTEM,
                         "the server that this one was to take over from has "
                         "given that up");
}

void
ptn_heir_stop(void)
{
    struct ptn_error ignored = PTN_ERROR_INIT;

    if (heir.channel >= 0)
        (void)ptn_handover_send(heir.channel, PTN_SLICE("stop"), NULL, 0,
                                &ignored);
    for (size_t i = 0; i < heir.elder_count; i++)
        (void)ptn_handover_send(heir.elders[i], PTN_SLICE("stop"), NULL, 0,
                                &ignored);
}

/* Whether the other end is closed. */
static bool
is_gone(int channel)
{
    struct pollfd p = {.fd = channel};

    return poll(&p, 1, 0) > 0 && (p.revents & POLLHUP);
}

size_t
ptn_heir_elders(int fds[PTN_HANDOVER_FDS])
{
    size_t left = 0, count = 0;

    for (size_t i = 0; i < heir.elder_count; i++) {
        if (is_gone(heir.elders[i]))
            close(heir.elders[i]);
        else
            heir.elders[left++] = heir.elders[i];
    }
    heir.elder_count = left;
    if (heir.channel >= 0 && !is_gone(heir.channel))
        fds[count++] = heir.channel;
    for (size_t i = left; i > 0 && count < PTN_HANDOVER_FDS; i--)
        fds[count++] = heir.elders[i - 1];
    return count;
}

void
ptn_heir_forget(void)
{
    if (heir.channel >= 0)
        close(heir.channel);
    heir.channel = -1;
    while (heir.elder_count > 0)
        close(heir.elders[--heir.elder_count]);
}
