/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The two steps into the sandbox, and the state of this process's own. That
 * belongs to the process, as the log's does; main thread.
 */
#include "proc/sandbox.h"
#include "log/log.h"
#include "proc/crash.h"
#include "proc/heir.h"
#include "proc/plan.h"
#include "proc/sandbox_inner.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static struct {
    enum ptn_sandbox_role role;
    bool entered, is_off, is_inherited;
    struct ptn_guard_state seccomp, landlock;
    struct ptn_sandbox_paths paths;
} own;

static const char *const role_names[] = {"supervisor", "checker", "warden",
                                         "worker",     "single",  "envoy"};

/* --- the two steps --- */

static bool
inherits(void)
{
    const char *value = getenv(PTN_SANDBOX_VARIABLE);

    return value && strcmp(value, PTN_SANDBOX_INHERITED) == 0;
}

void
ptn_sandbox_begin(void)
{
    if (!inherits())
        return;
    /* The single process's filter asks more of the handler than any other
     * that a process may inherit. */
    ptn_sandbox_know(PTN_SANDBOX_SINGLE);
    ptn_sandbox_set_quiet(true);
    ptn_sandbox_watch();
}

bool
ptn_sandbox_is_in_force(void)
{
    return own.entered && !own.is_off;
}

bool
ptn_sandbox_is_inherited(void)
{
    return own.is_inherited;
}

static bool
may_inherit(enum ptn_sandbox_role role)
{
    return role == PTN_SANDBOX_SUPERVISOR || role == PTN_SANDBOX_SINGLE;
}

int
ptn_sandbox_enter(const struct ptn_conf *conf, enum ptn_sandbox_role role,
                  struct ptn_error *err)
{
    own.role = role;
    own.entered = true;
    own.seccomp = own.landlock = (struct ptn_guard_state){0};
    own.paths = (struct ptn_sandbox_paths){0};
    own.is_off = conf->server.sandbox == PTN_SANDBOX_OFF;
    own.is_inherited = inherits() && (may_inherit(role) || ptn_heir_is_check());
    ptn_sandbox_watch();
    ptn_sandbox_set_confined(false);
    ptn_sandbox_set_quiet(false);
    if (own.is_off)
        return 0;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return ptn_error_errno(err, "prctl(PR_SET_NO_NEW_PRIVS)");
    if (own.is_inherited)
        return 0;
    return ptn_sandbox_seccomp(role, &own.seccomp, err);
}

/* The state goes to the supervisor, which is asked for it. */
static void
tell(void)
{
    struct ptn_buf text = PTN_BUF_INIT;

    ptn_sandbox_write(&text);
    ptn_crash_send_text(ptn_buf_slice(&text));
    ptn_buf_free(&text);
}

static const char *
reason_of(const struct ptn_guard_state *state)
{
    return state->reason ? state->reason : "in force";
}

/* Once for the whole server, by the process that the others come from. */
static void
log_weakness(void)
{
    if (own.is_off)
        ptn_log(PTN_LOG_WARNING, "sandbox.off",
                PTN_FS("hint", "server.sandbox is \"off\": a fault in a plugin "
                               "can do whatever the server's user may"));
    else if (own.is_inherited)
        ptn_log(PTN_LOG_INFO, "sandbox.inherited");
    else if (own.seccomp.reason || own.landlock.reason)
        ptn_log(PTN_LOG_WARNING, "sandbox.partial",
                PTN_FS("seccomp", reason_of(&own.seccomp)),
                PTN_FS("landlock", reason_of(&own.landlock)));
}

int
ptn_sandbox_confine(const struct ptn_conf *conf,
                    const struct ptn_modules *modules, struct ptn_error *err)
{
    struct ptn_landlock want = {.role = own.role, .conf = conf};
    int result = 0;

    ptn_sandbox_gather(&own.paths, own.role, conf, modules);
    want.paths = &own.paths;
    if (!own.is_off && !own.is_inherited)
        result = ptn_sandbox_landlock(&want, &own.landlock, err);
    ptn_sandbox_set_confined(own.landlock.on);
    if (result == 0)
        tell();
    if (result == 0 && may_inherit(own.role))
        log_weakness();
    return result;
}

/* --- the state as records --- */

static void
write_guard(struct ptn_buf *out, const char *name, const char *level,
            const struct ptn_guard_state *state)
{
    char key[32];

    ptn_record_add(out, name,
                   state->on          ? "on"
                   : own.is_inherited ? "inherited"
                                      : "off");
    ptn_record_addn(out, level, state->level);
    if (!state->reason)
        return;
    snprintf(key, sizeof key, "%s_note", name);
    ptn_record_add(out, key, state->reason);
}

static const char *
spell(unsigned access)
{
    if (access & PTN_ACCESS_WRITE)
        return access & PTN_ACCESS_READ ? "read,write" : "write";
    if (access & PTN_SANDBOX_REPLACE)
        return "replace";
    if (access & PTN_SANDBOX_APPEND)
        return access & PTN_ACCESS_READ ? "read,append" : "append";
    return access & PTN_SANDBOX_EXECUTE ? "read,execute" : "read";
}

void
ptn_sandbox_write(struct ptn_buf *out)
{
    ptn_buf_adds(out, "process");
    ptn_record_add(out, "role", role_names[own.role]);
    ptn_record_add(out, "sandbox", own.is_off ? "off" : "on");
    write_guard(out, "seccomp", "rules", &own.seccomp);
    write_guard(out, "landlock", "abi", &own.landlock);
    ptn_record_add(out, "dumpable",
                   prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) ? "yes" : "no");
    ptn_buf_addc(out, '\n');
    for (size_t i = 0; own.landlock.on && i < own.paths.count; i++) {
        ptn_buf_adds(out, "path");
        ptn_record_addn(out, "pid", (uint64_t)getpid());
        ptn_record_add(out, "path", own.paths.items[i].path);
        ptn_record_add(out, "access", spell(own.paths.items[i].access));
        ptn_buf_addc(out, '\n');
    }
}

static void
write_limit(struct ptn_buf *out, pid_t pid, const char *key, int resource)
{
    struct rlimit limit;

    if (prlimit(pid, (__rlimit_resource_t)resource, NULL, &limit) != 0)
        return;
    if (limit.rlim_cur == RLIM_INFINITY)
        ptn_record_add(out, key, "unlimited");
    else
        ptn_record_addn(out, key, limit.rlim_cur);
}

/* "Seccomp:\t2" of /proc/PID/status. */
static void
write_status(struct ptn_buf *out, pid_t pid)
{
    static const struct {
        const char *field, *key;
        bool truth;
    } wanted[] = {{"NoNewPrivs:", "no_new_privs", true},
                  {"Seccomp_filters:", "filters", false},
                  {"Uid:", "uid", false}};
    char path[64], line[256];
    FILE *file;

    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        for (size_t i = 0; i < PTN_COUNT(wanted); i++) {
            size_t len = strlen(wanted[i].field);
            unsigned long value;

            if (strncmp(line, wanted[i].field, len) != 0)
                continue;
            value = strtoul(line + len, NULL, 10);
            if (wanted[i].truth)
                ptn_record_add(out, wanted[i].key, value ? "yes" : "no");
            else
                ptn_record_addn(out, wanted[i].key, value);
        }
    if (file)
        fclose(file);
}

void
ptn_sandbox_write_process(pid_t pid, struct ptn_slice state,
                          struct ptn_buf *out)
{
    ptn_buf_addslice(out, ptn_record_next(&state));
    ptn_record_addn(out, "pid", (uint64_t)pid);
    write_status(out, pid);
    write_limit(out, pid, "limit_core", RLIMIT_CORE);
    write_limit(out, pid, "limit_files", RLIMIT_NOFILE);
    write_limit(out, pid, "limit_data", RLIMIT_DATA);
    write_limit(out, pid, "limit_locked", RLIMIT_MEMLOCK);
    ptn_buf_addc(out, '\n');
    ptn_buf_addslice(out, state);
}

void
ptn_sandbox_write_own(struct ptn_buf *out)
{
    struct ptn_buf state = PTN_BUF_INIT;

    ptn_sandbox_write(&state);
    ptn_sandbox_write_process(getpid(), ptn_buf_slice(&state), out);
    ptn_buf_free(&state);
}
