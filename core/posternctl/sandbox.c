/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the processes of a running server have given up.
 */
#include "posternctl/ctl.h"
#include "proc/plan.h"

static const struct ctl_view path_view = {.kind = "path",
                                          .titles = {"PID", "ACCESS", "PATH"},
                                          .keys = {"pid", "access", "path"},
                                          .columns = 3};

/* Why a guard does not stand, or not whole; the same for many, said once. */
static void
print_note(struct ptn_slice records, const char *key)
{
    char *text = ptn_alloc(CTL_CELL_MAX), *last = ptn_alloc(CTL_CELL_MAX);

    while (records.len > 0) {
        struct ptn_slice line = ptn_record_next(&records);

        if (!ptn_record_is(line, "process") ||
            !ptn_record_get(line, key, text, CTL_CELL_MAX) ||
            strcmp(text, last) == 0)
            continue;
        printf("%s: %s\n", key, text);
        memcpy(last, text, CTL_CELL_MAX);
    }
    ptn_free(text);
    ptn_free(last);
}

static void
print_rest(struct ptn_slice records)
{
    print_note(records, "seccomp_note");
    print_note(records, "landlock_note");
    putchar('\n');
    ctl_view_print(&path_view, records);
}

static const struct ctl_view process_view = {
    .kind = "process",
    .titles = {"ROLE", "PID", "UID", "SECCOMP", "RULES", "LANDLOCK", "ABI",
               "NO-NEW-PRIVS", "DUMPABLE", "DATA-LIMIT"},
    .keys = {"role", "pid", "uid", "seccomp", "rules", "landlock", "abi",
             "no_new_privs", "dumpable", "limit_data"},
    .columns = 10,
    .more = print_rest};

static int
show(const struct ctl *ctl)
{
    struct ptn_buf answer = PTN_BUF_INIT, out = PTN_BUF_INIT;
    struct ptn_json json = PTN_JSON_INIT(&out);
    int status;

    if (!ctl->json)
        return ctl_show(ctl, "sandbox", &process_view);
    status = ctl_ask(ctl, "sandbox", &answer);
    if (status == CTL_OK) {
        ptn_json_object(&json, NULL);
        ctl_json_records(&json, "processes", "process", ptn_buf_slice(&answer));
        ctl_json_records(&json, "paths", "path", ptn_buf_slice(&answer));
        ptn_json_end_object(&json);
        ctl_json_print(&out);
    }
    ptn_buf_free(&answer);
    return status;
}

const struct ctl_command ctl_sandbox_commands[] = {
    {.words = "sandbox", .doc = "what processes have given up"},
    {.words = "sandbox show",
     .fn = show,
     .flags = CTL_ASKS,
     .doc = "the sandbox of each process: system calls, files, limits",
     .about =
         "SECCOMP and RULES: whether system calls are filtered, and by how\n"
         "many rules. LANDLOCK and ABI: whether files, ports and signals\n"
         "are, and what the kernel knows of that. Then the files and\n"
         "folders that each process may use.\n",
     .example = "posternctl sandbox show"},
    {.words = NULL},
};
