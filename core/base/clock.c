/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The two clocks. Callable from any thread; no system call where the kernel
 * offers a vDSO.
 */
#include "base/clock.h"
#include <time.h>

static uint64_t
microseconds(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

uint64_t
ptn_clock_ms(void)
{
    return microseconds(CLOCK_MONOTONIC) / 1000u;
}

uint64_t
ptn_clock_us(void)
{
    return microseconds(CLOCK_MONOTONIC);
}

int64_t
ptn_clock_wall_ms(void)
{
    return (int64_t)(microseconds(CLOCK_REALTIME) / 1000u);
}
