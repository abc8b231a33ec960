/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Unlocking, as the supervisor sees it. Its one thread.
 *
 *   control socket --passphrase--> all wardens --verdict of the current-->
 *   warden --command wanted--> fork; the ends of its pipes --> that warden
 */
#include "proc/unlock.h"
#include "base/clock.h"
#include "proc/command.h"
#include "proc/plan.h"
#include <assert.h>
#include <postern/log.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const words[] = {
    [PTN_KEYS_OPENED] = "opened", [PTN_KEYS_WRONG] = "wrong",
    [PTN_KEYS_PLAIN] = "plain",   [PTN_KEYS_KEPT] = "kept",
    [PTN_KEYS_FAILED] = "failed",
};

/* --- requests --- */

int
ptn_unlock_parse(struct ptn_control_call *call, char name[256],
                 char *passphrase, struct ptn_error *err)
{
    bool good = ptn_record_get(call->args, "name", name, 256) && *name &&
                !strpbrk(name, " \t\n") &&
                ptn_record_get(call->args, "passphrase", passphrase,
                               PTN_TLS_PASSPHRASE_MAX + 1) &&
                *passphrase;

    ptn_wipe((char *)(uintptr_t)call->args.data, call->args.len);
    return good ? 0
                : ptn_error_set(err, PTN_ERR_INVALID,
                                "a name and a passphrase of 1 to %d octets "
                                "are needed",
                                PTN_TLS_PASSPHRASE_MAX);
}

unsigned
ptn_unlocks_keep(struct ptn_unlocks *u, struct ptn_control_call *call)
{
    int place = 0;

    while (u->calls[place].call)
        place++;
    assert(place < PTN_CONTROL_CLIENTS);
    u->last_tag += u->last_tag == UINT32_MAX ? 2 : 1; /* 0 is nobody's */
    u->calls[place].call = call;
    u->calls[place].tag = u->last_tag;
    u->calls[place].due = ptn_clock_ms() + PTN_UNLOCK_MS;
    return u->last_tag;
}

/* NULL: nobody waits for it any more. */
static struct ptn_control_call *
take_call(struct ptn_unlocks *u, unsigned tag)
{
    for (size_t i = 0; i < PTN_CONTROL_CLIENTS; i++) {
        struct ptn_control_call *call = u->calls[i].call;

        if (!call || u->calls[i].tag != tag)
            continue;
        u->calls[i].call = NULL;
        return call;
    }
    return NULL;
}

void
ptn_unlocks_conclude(struct ptn_unlocks *u, unsigned tag,
                     enum ptn_keys_verdict verdict, const char *text)
{
    struct ptn_control_call *call = take_call(u, tag);

    if (!call)
        return;
    ptn_buf_adds(&call->out, "unlock");
    ptn_record_add(&call->out, "verdict", words[verdict]);
    if (*text)
        ptn_record_add(&call->out, "text", text);
    ptn_buf_addc(&call->out, '\n');
    ptn_control_done(call, NULL);
}

/* "TAG NAME", an octet of zero, the passphrase. */
static bool
hand_over(struct ptn_warden *w, unsigned tag, const char *name,
          const char *passphrase)
{
    char message[16 + 256 + PTN_TLS_PASSPHRASE_MAX + 2];
    int n = snprintf(message, sizeof message, "%u %s", tag, name);
    size_t len = (size_t)n + 1 + strlen(passphrase);
    bool sent;

    memcpy(message + n + 1, passphrase, strlen(passphrase) + 1);
    sent =
        ptn_warden_say(w, PTN_WARDEN_UNLOCK, (struct ptn_slice){message, len});
    ptn_wipe(message, sizeof message);
    return sent;
}

/* One that is about to take over hears of it, too. */
static bool
send_all(struct ptn_keepers *keepers, unsigned tag, const char *name,
         const char *passphrase)
{
    bool sent = false;

    for (struct ptn_keeper *k = keepers->all; k; k = k->next) {
        bool current = k == keepers->current;

        if (!k->warden.retired &&
            hand_over(&k->warden, current ? tag : 0, name, passphrase))
            sent = sent || (current && k->warden.ready);
    }
    return sent;
}

int
ptn_unlocks_ask(struct ptn_unlocks *u, struct ptn_keepers *keepers,
                struct ptn_control_call *call, struct ptn_error *err)
{
    char name[256], passphrase[PTN_TLS_PASSPHRASE_MAX + 1];
    int result = ptn_unlock_parse(call, name, passphrase, err);
    unsigned tag = 0;

    if (result == 0) {
        tag = ptn_unlocks_keep(u, call);
        if (!send_all(keepers, tag, name, passphrase)) {
            (void)take_call(u, tag);
            result = ptn_error_set(err, PTN_ERR_SYSTEM,
                                   "there is no warden at this moment; ask "
                                   "again");
        }
    }
    ptn_wipe(passphrase, sizeof passphrase);
    return result == 0 ? PTN_CONTROL_LATER : -1;
}

/* "TAG VERDICT TEXT" */
void
ptn_unlocks_take(struct ptn_unlocks *u, struct ptn_slice said)
{
    char text[PTN_ERROR_TEXT_MAX + 40], *rest;
    unsigned long tag, verdict;

    snprintf(text, sizeof text, "%.*s", (int)said.len, said.data);
    tag = strtoul(text, &rest, 10);
    verdict = strtoul(rest, &rest, 10);
    if (tag > 0 && verdict < PTN_COUNT(words))
        ptn_unlocks_conclude(u, (unsigned)tag, (enum ptn_keys_verdict)verdict,
                             *rest == ' ' ? rest + 1 : rest);
}

/* --- commands --- */

static const struct ptn_cert_conf *
find_cert(const struct ptn_conf *conf, struct ptn_slice name)
{
    for (size_t i = 0; i < conf->cert_count; i++)
        if (ptn_slice_eq(name, ptn_slice_of(conf->certs[i].name)))
            return &conf->certs[i];
    return NULL;
}

static int
start(struct ptn_unlocks *u, const struct ptn_conf *conf,
      const struct ptn_cert_conf *cert, struct ptn_command *command)
{
    struct ptn_error err = PTN_ERROR_INIT;
    int place = 0, result;

    while (place < PTN_UNLOCK_COMMANDS && u->commands[place].pid)
        place++;
    if (place == PTN_UNLOCK_COMMANDS)
        result = ptn_error_set(&err, PTN_ERR_LIMIT,
                               "%d commands for passphrases run already",
                               PTN_UNLOCK_COMMANDS);
    else
        result = ptn_command_start(conf, cert, command, &err);
    if (result != 0) {
        err.file = cert->place.file;
        err.line = cert->place.line;
        ptn_log_error(PTN_LOG_ERROR, "certificate.command-failed", &err);
        return -1;
    }
    u->commands[place].pid = command->pid;
    u->commands[place].due = ptn_clock_ms() + PTN_COMMAND_MS;
    return 0;
}

void
ptn_unlocks_run(struct ptn_unlocks *u, struct ptn_keeper *k,
                struct ptn_slice name)
{
    const struct ptn_conf *conf = k->generation->conf;
    const struct ptn_cert_conf *cert = find_cert(conf, name);
    struct ptn_command command;

    if (!cert || cert->passphrase_command.count == 0)
        return; /* no warden of ours asks for that */
    if (start(u, conf, cert, &command) != 0) {
        (void)ptn_warden_say(&k->warden, PTN_WARDEN_COMMAND, name);
        return;
    }
    if (ptn_channels_send(k->warden.channel, PTN_WARDEN_COMMAND, cert->name,
                          command.ends) != 0)
        ptn_command_kill(command.pid);
    ptn_channels_close(command.ends);
}

bool
ptn_unlocks_bury(struct ptn_unlocks *u, pid_t pid, int status)
{
    for (size_t i = 0; i < PTN_UNLOCK_COMMANDS; i++) {
        if (u->commands[i].pid != pid)
            continue;
        u->commands[i].pid = 0;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            ptn_log(PTN_LOG_WARNING, "certificate.command-ended",
                    PTN_FN("pid", pid),
                    PTN_FN(WIFSIGNALED(status) ? "signal" : "status",
                           WIFSIGNALED(status) ? WTERMSIG(status)
                                               : WEXITSTATUS(status)));
        return true;
    }
    return false;
}

/* --- what is due --- */

static void
sooner(uint64_t *earliest, uint64_t candidate)
{
    if (candidate && (!*earliest || candidate < *earliest))
        *earliest = candidate;
}

uint64_t
ptn_unlocks_due(const struct ptn_unlocks *u)
{
    uint64_t earliest = 0;

    for (size_t i = 0; i < PTN_CONTROL_CLIENTS; i++)
        if (u->calls[i].call)
            sooner(&earliest, u->calls[i].due);
    for (size_t i = 0; i < PTN_UNLOCK_COMMANDS; i++)
        if (u->commands[i].pid)
            sooner(&earliest, u->commands[i].due);
    return earliest;
}

void
ptn_unlocks_do_due(struct ptn_unlocks *u)
{
    struct ptn_error err = PTN_ERROR_INIT;
    uint64_t now = ptn_clock_ms();

    for (size_t i = 0; i < PTN_CONTROL_CLIENTS; i++) {
        struct ptn_control_call *call = u->calls[i].call;

        if (!call || u->calls[i].due > now)
            continue;
        u->calls[i].call = NULL;
        ptn_error_set(&err, PTN_ERR_SYSTEM,
                      "the warden does not answer; its log lines say why");
        ptn_control_done(call, &err);
    }
    for (size_t i = 0; i < PTN_UNLOCK_COMMANDS; i++)
        if (u->commands[i].pid && u->commands[i].due &&
            u->commands[i].due <= now) {
            ptn_command_kill(u->commands[i].pid);
            u->commands[i].due = 0;
        }
}

void
ptn_unlocks_end(struct ptn_unlocks *u)
{
    for (size_t i = 0; i < PTN_UNLOCK_COMMANDS; i++)
        if (u->commands[i].pid)
            ptn_command_kill(u->commands[i].pid);
    for (size_t i = 0; i < PTN_CONTROL_CLIENTS; i++)
        u->calls[i].call = NULL; /* the control socket's to forget */
}
