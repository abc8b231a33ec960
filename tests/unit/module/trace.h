/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A constructor that makes the file that FIXTURE_TRACE names.
 */
#ifndef TESTS_UNIT_MODULE_TRACE_H
#define TESTS_UNIT_MODULE_TRACE_H

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((constructor)) static void
leave_trace(void)
{
    const char *path = getenv("FIXTURE_TRACE");
    int fd = path ? open(path, O_WRONLY | O_CREAT, 0600) : -1;

    if (fd >= 0)
        close(fd);
}

#endif
