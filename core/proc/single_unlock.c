/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Passphrases of keys in the single process, which has the keys itself: from
 * the control socket, and from passphrase_command, before it serves. Main
 * thread.
 */
#include "proc/command.h"
#include "proc/single_inner.h"
#include <postern/log.h>
#include <sys/wait.h>

static void
conclude(void *arg, unsigned tag, enum ptn_keys_verdict verdict,
         const char *text)
{
    struct ptn_single *s = arg;

    ptn_unlocks_conclude(&s->unlocks, tag, verdict, text);
}

int
ptn_single_unlock(struct ptn_single *s, struct ptn_control_call *call,
                  struct ptn_error *err)
{
    char name[256], passphrase[PTN_TLS_PASSPHRASE_MAX + 1];
    int result = ptn_unlock_parse(call, name, passphrase, err);

    if (result == 0 && !s->round)
        result = ptn_error_set(err, PTN_ERR_INVALID, "no listener has TLS");
    if (result == 0) {
        ptn_keys_offer(s->setup.keys, name, ptn_slice_of(passphrase),
                       ptn_unlocks_keep(&s->unlocks, call));
        ptn_single_read_marked(s);
    }
    ptn_wipe(passphrase, sizeof passphrase);
    return result == 0 ? PTN_CONTROL_LATER : -1;
}

static void
run_command(struct ptn_single *s, const struct ptn_cert_conf *cert)
{
    char secret[PTN_TLS_PASSPHRASE_MAX];
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_command command;
    size_t len = 0;
    int status;

    if (ptn_command_start(s->setup.conf, cert, &command, &err) == 0) {
        len = ptn_command_read(cert->name, command.ends, secret);
        ptn_command_kill(command.pid); /* if it still runs */
        (void)waitpid(command.pid, &status, 0);
    } else {
        ptn_log_error(PTN_LOG_ERROR, "certificate.command-failed", &err);
    }
    if (len > 0)
        ptn_keys_offer(s->setup.keys, cert->name,
                       (struct ptn_slice){secret, len}, 0);
    else
        (void)ptn_keys_mark_named(s->setup.keys, cert->name);
    ptn_wipe(secret, sizeof secret);
}

void
ptn_single_run_commands(struct ptn_single *s)
{
    const struct ptn_cert_conf *cert;

    while (s->setup.keys && (cert = ptn_keys_next_command(s->setup.keys)))
        run_command(s, cert);
}

void
ptn_single_read_again(struct ptn_single *s)
{
    if (!s->setup.keys)
        return;
    (void)ptn_keys_load_marked(s->setup.keys, false, 0);
    ptn_keys_each_verdict(s->setup.keys, conclude, s);
}

/* Once it serves, the sandbox lets it execute no other program. */
static void
leave_commands(struct ptn_single *s)
{
    const struct ptn_cert_conf *cert;

    while ((cert = ptn_keys_next_command(s->setup.keys)))
        ptn_log(PTN_LOG_ERROR, "certificate.command-failed",
                PTN_FS("certificate", cert->name),
                PTN_FS("why", "a single process runs it only when it starts; "
                              "restart it, or use posternctl cert unlock"));
}

void
ptn_single_unlocked(struct ptn_single *s)
{
    ptn_keys_each_verdict(s->setup.keys, conclude, s);
    leave_commands(s);
}
