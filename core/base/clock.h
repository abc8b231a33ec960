/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Time. Deadlines are counted on a clock that no operator can set back;
 * only what people read comes from the wall clock.
 */
#ifndef PTN_BASE_CLOCK_H
#define PTN_BASE_CLOCK_H

#include <postern/types.h>

/* Milliseconds since some moment in the past, never going back. */
uint64_t ptn_clock_ms(void);

/* Microseconds of the same clock, for measuring how long something took. */
uint64_t ptn_clock_us(void);

/* Milliseconds since 1970, UTC. */
int64_t ptn_clock_wall_ms(void);

#endif
