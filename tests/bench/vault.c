/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the vault costs by itself: durable deliveries a second with 1 to 50
 * of them under way, one flag change after the other, and reading. Reports;
 * judges nothing. Usage: vault [FOLDER], a new folder in it is used and
 * removed.
 */
#include "tests/unit/vault/rig.h"

#include <postern/mail/flags.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#define MESSAGE 4096
#define MAILBOX 10000

static double
seconds(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

struct measure {
    double wall, cpu;
};

static struct measure
begin(void)
{
    return (struct measure){seconds(CLOCK_MONOTONIC),
                            seconds(CLOCK_PROCESS_CPUTIME_ID)};
}

static void
report(struct measure from, const char *what, unsigned count)
{
    double wall = seconds(CLOCK_MONOTONIC) - from.wall;
    double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - from.cpu;

    printf("%-36s %9.0f /s %8.2f us wall %8.2f us cpu\n", what, count / wall,
           wall / count * 1e6, cpu / count * 1e6);
}

struct client {
    struct rig *r;
    const char *text;
    unsigned count;
    char user[32];
};

static void *
client_main(void *arg)
{
    struct client *c = arg;

    for (unsigned i = 0; i < c->count; i++)
        rig_deliver(c->r, c->user, c->text, NULL);
    return NULL;
}

static void
deliver(struct rig *r, const char *text, unsigned clients, unsigned count)
{
    struct client all[64];
    pthread_t threads[64];
    char what[64];
    struct measure m = begin();

    for (unsigned i = 0; i < clients; i++) {
        all[i] =
            (struct client){.r = r, .text = text, .count = count / clients};
        snprintf(all[i].user, sizeof(all[i].user), "bench%u@example.test", i);
        pthread_create(&threads[i], NULL, client_main, &all[i]);
    }
    for (unsigned i = 0; i < clients; i++)
        pthread_join(threads[i], NULL);
    snprintf(what, sizeof(what), "deliver 4 KiB, %u at once", clients);
    report(m, what, count / clients * clients);
}

static void
fill(struct rig *r, const char *text)
{
    struct client all[50];
    pthread_t threads[50];

    for (unsigned i = 0; i < 50; i++) {
        all[i] = (struct client){.r = r, .text = text, .count = MAILBOX / 50};
        strcpy(all[i].user, USER);
        pthread_create(&threads[i], NULL, client_main, &all[i]);
    }
    for (unsigned i = 0; i < 50; i++)
        pthread_join(threads[i], NULL);
}

static bool
count_message(void *arg, const struct ptn_message *m)
{
    *(size_t *)arg += m->envelope.len + m->size;
    return true;
}

static void
fetch(struct rig *r, struct ptn_mailbox *m, unsigned items, const char *what)
{
    static uint32_t uids[MAILBOX];
    struct measure from;
    size_t sum = 0;

    for (uint32_t i = 0; i < MAILBOX; i++)
        uids[i] = i + 1;
    from = begin();
    for (unsigned at = 0; at < MAILBOX; at += 500)
        vault_fetch(&r->v, m, uids + at, 500, items, count_message, &sum);
    report(from, what, MAILBOX);
}

static void
read_bodies(struct rig *r, struct ptn_mailbox *m)
{
    struct measure from = begin();
    char octets[MESSAGE];
    struct ptn_body *body;
    uint64_t size;

    for (uint32_t uid = 1; uid <= MAILBOX; uid++) {
        vault_body_open(&r->v, m, uid, &body, &size);
        vault_body_read(&r->v, body, 0, octets, sizeof(octets), true);
        vault_body_close(&r->v, body);
    }
    report(from, "one body", MAILBOX);
}

static void
look(struct rig *r, struct ptn_mailbox *m)
{
    const struct ptn_store_changes tell = {NULL, NULL, NULL};
    uint64_t now = rig_info(r, m).modseq;
    struct ptn_uidmap *uids = ptn_uidmap_new();
    struct ptn_mailbox_info info;
    struct ptn_mailbox *other;
    struct measure from = begin();

    for (unsigned i = 0; i < 100000; i++)
        vault_changes(&r->v, m, now, uids, &tell, &now);
    report(from, "changes, nothing new", 100000);
    from = begin();
    for (unsigned i = 0; i < 10000; i++) {
        vault_mailbox_open(&r->v, USER, INBOX, false, &other, &info, uids);
        vault_mailbox_close(&r->v, other);
    }
    report(from, "open a mailbox of 10,000", 10000);
    ptn_uidmap_free(uids);
}

static void
flag(struct rig *r, struct ptn_mailbox *m)
{
    struct measure from = begin();

    for (uint32_t uid = 1; uid <= 2000; uid++)
        rig_flags(r, m, uid, PTN_FLAGS_ADD, PTN_FLAG_SEEN);
    report(from, "flags, one by one", 2000);
}

int
main(int argc, char **argv)
{
    static const unsigned clients[] = {1, 4, 16, 50};
    char text[MESSAGE + 1];
    struct rig r = {.open = false};
    struct ptn_mailbox *m;

    memset(text, 'x', MESSAGE);
    text[MESSAGE] = '\0';
    rig_bench(&r, argc > 1 ? argv[1] : "/var/tmp");
    for (size_t i = 0; i < PTN_COUNT(clients); i++)
        deliver(&r, text, clients[i], clients[i] < 16 ? 3000 : 20000);
    fill(&r, text);
    m = rig_mailbox(&r, USER, "INBOX", NULL);
    fetch(&r, m, PTN_FETCH_FLAGS, "fetch flags of 10,000");
    fetch(&r, m, PTN_FETCH_ENVELOPE, "fetch envelopes of 10,000");
    read_bodies(&r, m);
    look(&r, m);
    flag(&r, m);
    vault_mailbox_close(&r.v, m);
    rig_teardown(&r);
    return EXIT_SUCCESS;
}
