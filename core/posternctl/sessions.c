/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The sessions of all workers: who is there, and goodbye. Workers answer in
 * pages, so that many sessions hold up none of them.
 */
#include "posternctl/ctl.h"
#include "proc/plan.h"

static const struct ctl_view session_view = {
    .kind = "session",
    .titles = {"SESSION", "LISTENER", "PEER", "USER", "TLS", "AGE", "IDLE",
               "MEMORY"},
    .keys = {"id", "listener", "peer", "user", "tls", "age_ms", "idle_ms",
             "memory"},
    .columns = 8};

static void
add_filter(const struct ctl *ctl, struct ptn_buf *request)
{
    static const char *const keys[] = {"listener", "user"};

    for (size_t i = 0; i < PTN_COUNT(keys); i++)
        if (ctl_option(ctl, keys[i]))
            ptn_record_add(request, keys[i], ctl_option(ctl, keys[i]));
}

/* One page of the workers, or of one; records are appended. */
static int
ask_page(const struct ctl *ctl, const char *worker, const char *after,
         struct ptn_buf *records)
{
    struct ptn_buf request = PTN_BUF_INIT;
    int status;

    ptn_buf_adds(&request, "sessions");
    add_filter(ctl, &request);
    if (worker) {
        ptn_record_add(&request, "of", worker);
        ptn_record_add(&request, "after", after);
    }
    status = ctl_ask(ctl, ptn_buf_cstr(&request), records);
    ptn_buf_free(&request);
    return status;
}

/* A worker that has said "more" is asked for the page behind; the answer
 * stands at the end, where this looks on. */
static int
ask_all(const struct ctl *ctl, struct ptn_buf *records)
{
    int status = ask_page(ctl, NULL, NULL, records);
    size_t at = 0;

    while (status == CTL_OK && at < records->len) {
        struct ptn_slice rest =
            ptn_slice_sub(ptn_buf_slice(records), at, records->len - at);
        struct ptn_slice line = ptn_record_next(&rest);
        struct ptn_buf page = PTN_BUF_INIT;
        char worker[16], after[24];

        at = records->len - rest.len;
        if (!ptn_record_is(line, "more") ||
            !ptn_record_get(line, "worker", worker, sizeof worker) ||
            !ptn_record_get(line, "after", after, sizeof after))
            continue;
        status = ask_page(ctl, worker, after, &page);
        ptn_buf_addslice(records, ptn_buf_slice(&page));
        ptn_buf_free(&page);
    }
    return status;
}

static int
list(const struct ctl *ctl)
{
    struct ptn_buf records = PTN_BUF_INIT, out = PTN_BUF_INIT;
    struct ptn_json json = PTN_JSON_INIT(&out);
    int status = ask_all(ctl, &records);

    if (status == CTL_OK && ctl->json) {
        ctl_json_records(&json, NULL, "session", ptn_buf_slice(&records));
        ctl_json_print(&out);
    } else if (status == CTL_OK) {
        ctl_view_print(&session_view, ptn_buf_slice(&records));
    }
    ptn_buf_free(&records);
    return status;
}

/* One page of goodbyes; how many there were. */
static int
kick_page(const struct ctl *ctl, const char *id, uint64_t *count)
{
    struct ptn_buf request = PTN_BUF_INIT, answer = PTN_BUF_INIT;
    struct ptn_slice rest;
    int status;

    *count = 0;
    ptn_buf_adds(&request, "kick");
    if (id)
        ptn_record_add(&request, "id", id);
    add_filter(ctl, &request);
    if (ctl_option(ctl, "now"))
        ptn_record_add(&request, "now", "yes");
    status = ctl_ask(ctl, ptn_buf_cstr(&request), &answer);
    rest = ptn_buf_slice(&answer);
    while (rest.len > 0) {
        struct ptn_slice line = ptn_record_next(&rest);
        char text[24];
        uint64_t one;

        if (ptn_record_is(line, "kicked") &&
            ptn_record_get(line, "count", text, sizeof text) &&
            ptn_slice_to_u64(ptn_slice_of(text), INT64_MAX, &one))
            *count += one;
    }
    ptn_buf_free(&request);
    ptn_buf_free(&answer);
    return status;
}

/* All that the options tell, or the session `id` of these. */
static int
kick_some(const struct ctl *ctl, const char *id, uint64_t *total)
{
    uint64_t count;
    int status;

    do {
        status = kick_page(ctl, id, &count);
        *total += count;
    } while (status == CTL_OK && count > 0 && !id);
    return status;
}

static int
tell_kicked(const struct ctl *ctl, uint64_t total)
{
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_json json = PTN_JSON_INIT(&out);

    if (ctl->json) {
        ptn_json_object(&json, NULL);
        ptn_json_number(&json, "kicked", (int64_t)total);
        ptn_json_end_object(&json);
        ctl_json_print(&out);
    } else {
        printf("%llu session%s told to go\n", (unsigned long long)total,
               total == 1 ? "" : "s");
    }
    if (total > 0)
        return CTL_OK;
    fputs("posternctl: there is no such session\n", stderr);
    return CTL_FAILED;
}

static int
kick(const struct ctl *ctl)
{
    uint64_t total = 0;
    int status = CTL_OK;

    if (ctl->count == 0 && !ctl_option(ctl, "user") &&
        !ctl_option(ctl, "listener")) {
        fputs("posternctl: say which: ids, --user or --listener\n", stderr);
        return CTL_USAGE;
    }
    if (ctl->count == 0)
        status = kick_some(ctl, NULL, &total);
    for (int i = 0; i < ctl->count && status == CTL_OK; i++)
        status = kick_some(ctl, ctl->words[i], &total);
    return status == CTL_OK ? tell_kicked(ctl, total) : status;
}

/* clang-format off */
#define WHICH                                                                  \
    {"listener", "LISTENER", "only those of this listener"},                   \
    {"user", "USER", "only those of this user"}
/* clang-format on */

const struct ctl_command ctl_session_commands[] = {
    {.words = "sessions", .doc = "connections that are being served"},
    {.words = "sessions list",
     .fn = list,
     .flags = CTL_ASKS,
     .doc = "id, peer, user, TLS, age, idle time and memory of each",
     .about = "With --json also the protocol, the cipher, the phase and the "
              "worker. Memory is\nwhat the session holds now, of the server "
              "and its modules.",
     .options = (const struct ctl_option[]){WHICH, {NULL, NULL, NULL}},
     .example = "posternctl sessions list --user anna@example.org"},
    {.words = "sessions kick",
     .fn = kick,
     .flags = CTL_ASKS,
     .arguments = "[SESSION...]",
     .doc = "say goodbye in the protocol's words, and end them",
     .about = "A command that is half done is finished before.",
     .options = (const struct ctl_option[]){WHICH,
                                            {"now", NULL,
                                             "hang up at once, without a word"},
                                            {NULL, NULL, NULL}},
     .exits =
         (const struct ctl_exit[]){{CTL_FAILED, "there is no such session"},
                                   {0, NULL}},
     .example = "posternctl sessions kick --user anna@example.org"},
    {.words = NULL},
};
