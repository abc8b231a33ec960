/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading certificates again, in whoever has the keys: when somebody asks,
 * when their files change, and every now and then where nobody tells of
 * changes. On a lane, as thousands of files take their time.
 *
 *   resting --event--> settling (a moment of peace) --> reading --+
 *      ^                                                               |
 *      +---- told <--- all of use, or refused for good ----------------+
 *                          a pair may be half there: look again soon
 */
#ifndef PTN_PROC_READING_H
#define PTN_PROC_READING_H

#include "loop/loop.h"
#include "warden/keys.h"

struct ptn_reading;

/* `read` is called on the loop when files were read; `asked`: and everything
 * was that ptn_reading_ask was called for. */
struct ptn_reading *ptn_reading_new(struct ptn_loop *loop,
                                    struct ptn_keys *keys,
                                    void (*read)(void *arg, bool asked),
                                    void *arg);
/* On the loop's thread; waits for what is under way. NULL is nothing. */
void ptn_reading_free(struct ptn_reading *reading);

/* Everything, now. */
void ptn_reading_ask(struct ptn_reading *reading);
/* What is held by that fingerprint is not served as it should be: the one
 * before it is held again, as soon as nothing is being read, and `read` is
 * called (ptn_keys_restore). */
void ptn_reading_restore(struct ptn_reading *reading, const char *name,
                         const char *fingerprint);
/* Those that somebody has marked (ptn_keys_mark), now. */
void ptn_reading_go(struct ptn_reading *reading);

#endif
