/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a reload says: to the log, and as records to posternctl(8).
 *
 *   note     severity= text= file= line=       (effective.h)
 *   plan     listener=mx group=main action=rebind
 *   reason   listener=mx path= old= new= file= line=   (or file_changed=)
 *   group    name=main action=touched
 *   live     path= old= new= file= line=   taken over without new workers
 *   refused  path= old= new= file= line=   needs a restart
 *   result   outcome=done|refused|failed text=
 */
#ifndef PTN_PROC_RELOAD_H
#define PTN_PROC_RELOAD_H

#include "conf/diff.h"
#include <postern/buf.h>

/* Compares the plans that two checkers wrote. */
struct ptn_diff *ptn_reload_compare(struct ptn_slice old, struct ptn_slice now);

/* All but notes and the result. */
void ptn_reload_write(const struct ptn_diff *diff, struct ptn_buf *out);
/* The same for the log: a line for each listener that is touched, for each
 * value that was taken over, and for each that was refused. */
void ptn_reload_log(const struct ptn_diff *diff);

/* Logs the notes in the text of a checker; answers how many are errors.
 * `out` gets them as they are, or is NULL. */
size_t ptn_reload_take_notes(struct ptn_slice text, struct ptn_buf *out);

/* The last record. */
enum ptn_reload_outcome {
    PTN_RELOAD_DONE,
    PTN_RELOAD_REFUSED, /* the configuration is wrong, or needs a restart */
    PTN_RELOAD_FAILED,  /* the system said no */
};
void ptn_reload_write_result(enum ptn_reload_outcome outcome, const char *text,
                             struct ptn_buf *out);
/* Why nothing was applied: what the refused ones need; as its text, and as
 * the result. */
void ptn_reload_add_refusal(const struct ptn_diff *diff, struct ptn_buf *out);
void ptn_reload_write_refusal(const struct ptn_diff *diff, struct ptn_buf *out);

#endif
