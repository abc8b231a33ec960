/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a process says of itself in its last moment, or when the sandbox has
 * stopped it: a report of fixed size that a signal handler can fill and
 * send. Children send theirs over one datagram socket to the supervisor,
 * and the kernel adds whose it is; a single process logs its own at once.
 */
#ifndef PTN_PROC_REPORT_H
#define PTN_PROC_REPORT_H

#include <postern/arena.h>
#include <postern/buf.h>
#include <postern/error.h>
#include <postern/log.h>
#include <sys/types.h>

enum {
    PTN_REPORT_FRAMES = 16,
    PTN_REPORT_PATH = 96,
    /* Log fields of one report, at the most. */
    PTN_REPORT_FIELDS = PTN_REPORT_FRAMES + 6,
    PTN_REPORT_FIRST = 8,
    PTN_REPORT_STATE_MAX = 65536,
};

/* A place in the code. */
struct ptn_report_frame {
    uint64_t offset;            /* as the file's own headers count */
    char path[PTN_REPORT_PATH]; /* of the file; its end, if it is longer */
};

enum ptn_report_kind {
    PTN_REPORT_CRASH = 1,
    PTN_REPORT_DENIED,
    PTN_REPORT_STATE, /* followed by a text, in place of the rest */
};

struct ptn_report {
    uint32_t kind;   /* enum ptn_report_kind */
    int32_t number;  /* the signal; the system call */
    uint64_t detail; /* the address that was touched; an argument */
    char process[16];
    char group[32];      /* of workers; "" = none */
    char plugin[32];     /* the innermost one on the stack; "" = none */
    char what[64];       /* what was tried; "" = see `number` */
    char path[256];      /* the path that goes with it, or "" */
    uint32_t error;      /* the errno that it got */
    uint32_t suppressed; /* reports like this that were not sent */
    uint32_t count;      /* frames */
    struct ptn_report_frame frames[PTN_REPORT_FRAMES];
};

/* One report as log fields. The texts that they point to live here. */
struct ptn_report_text {
    char frames[PTN_REPORT_FRAMES][128];
    char address[24];
};

/* Fills at most PTN_REPORT_FIELDS fields with the plugin, the address and
 * the back-trace; answers how many. Looks the functions' names up. May be
 * called in a signal handler, as may the next. */
size_t ptn_report_fields(const struct ptn_report *report,
                         struct ptn_report_text *text,
                         struct ptn_log_field *fields);
/* Logs a report of this very process. */
void ptn_report_log(const struct ptn_report *report);

/* "Segmentation fault", for the signals that crashes come with. */
const char *ptn_report_signal_name(int number);

/* --- the supervisor's end --- */

struct ptn_reports;

/* NULL with `err`. */
struct ptn_reports *ptn_reports_new(struct ptn_error *err);
void ptn_reports_free(struct ptn_reports *reports);
/* Readable: call take, which logs what is to be logged at once, and keeps
 * reports of crashes for the process's end. */
int ptn_reports_fd(const struct ptn_reports *reports);
void ptn_reports_take(struct ptn_reports *reports);

/* The process was ended by a signal: logs `event` with these fields, at most
 * PTN_REPORT_FIRST, and after them those of its report, if it sent one. */
void ptn_reports_death(struct ptn_reports *reports, pid_t pid,
                       const char *event, const struct ptn_log_field *first,
                       size_t count);

/* Appends the states that living children have told, and what the kernel
 * says of them. */
void ptn_reports_write(struct ptn_reports *reports, struct ptn_buf *out);

/* In a child: keeps the sending end only, and answers it. */
int ptn_reports_leave(struct ptn_reports *reports);

#endif
