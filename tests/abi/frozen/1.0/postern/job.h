/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Work that may block. It runs on a lane (a bounded pool of threads) or
 * anywhere a provider likes, and completes exactly once, on the loop of the
 * session that waits for it; also when the session ended meanwhile.
 *
 *            ptn_session_run            lane thread
 *   module ---------------------> run(job) ---+
 *            ptn_session_await                |   loop thread
 *   module ---> a provider keeps the job      +---> done(session, job)
 *                     ptn_job_complete -------+
 */
#ifndef POSTERN_JOB_H
#define POSTERN_JOB_H

#include <postern/types.h>

struct ptn_session;

/* What a handler or a completion tells the dispatcher. */
enum ptn_result {
    PTN_DONE,    /* the command is finished; give me the next input */
    PTN_PENDING, /* a job or a drain callback goes on with it; no input */
    PTN_CLOSE,   /* send what is queued, then end the session */
};

enum ptn_lane {
    PTN_LANE_DISK, /* reads and writes of files */
    PTN_LANE_SLOW, /* slow by design: password hashes, name lookups */
};

/* Embedded in the caller's own struct, zeroed before its first use, which
 * must live until `done` was called: that may free it. `private_` is
 * core's. */
struct ptn_job {
    /* On a lane's thread, not touching the session. NULL with
     * ptn_session_await. */
    void (*run)(struct ptn_job *job);
    /* On the session's loop. When `cancelled` the session is going away:
     * free what the job holds, send nothing; the result is ignored. */
    enum ptn_result (*done)(struct ptn_session *session, struct ptn_job *job);
    bool cancelled;
    struct {
        struct ptn_job *next;
        struct ptn_session *session;
        void *owner;
    } private_;
};

/* Queues `job` on a lane. 0, or -1 when the lane is full: a temporary
 * failure to tell the peer; `done` will not be called. After 0 the handler
 * returns PTN_PENDING. Several jobs of a session may be under way. */
PTN_API int ptn_session_run(struct ptn_session *session, enum ptn_lane lane,
                            struct ptn_job *job) PTN_WARN_UNUSED;

/* Announces that somebody will call ptn_job_complete(job), once. Call it
 * before the job can complete. */
PTN_API void ptn_session_await(struct ptn_session *session,
                               struct ptn_job *job);

/* From any thread. `done` runs soon after, on the session's loop, never
 * inside this call. */
PTN_API void ptn_job_complete(struct ptn_job *job);

#endif
