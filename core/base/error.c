/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Filling struct ptn_error (postern/error.h). No allocation, so that it
 * works when memory is what is missing. Callable from any thread: the
 * caller owns the struct.
 */
#include <errno.h>
#include <postern/error.h>
#include <stdarg.h>
#include <stdio.h>

/* Formats into the text from `at` on; answers where the text ends. */
PTN_PRINTF(3, 0)
static size_t
format_at(struct ptn_error *err, size_t at, const char *fmt, va_list ap)
{
    size_t room = sizeof err->text - at;
    int n = vsnprintf(err->text + at, room, fmt, ap);

    if (n < 0) {
        err->text[at] = '\0';
        return at;
    }
    return (size_t)n < room ? at + (size_t)n : sizeof err->text - 1;
}

/* Puts ": more" at `at`, as far as there is room. */
static void
append(struct ptn_error *err, size_t at, const char *more)
{
    size_t room = sizeof err->text - 1 - at;
    size_t len = strlen(more);

    if (room < 3)
        return;
    if (len > room - 2)
        len = room - 2;
    memcpy(err->text + at, ": ", 2);
    memcpy(err->text + at + 2, more, len);
    err->text[at + 2 + len] = '\0';
}

int
ptn_error_set(struct ptn_error *err, enum ptn_error_code code, const char *fmt,
              ...)
{
    va_list ap;

    if (!err)
        return -1;
    *err = (struct ptn_error){.code = code};
    va_start(ap, fmt);
    format_at(err, 0, fmt, ap);
    va_end(ap);
    return -1;
}

int
ptn_error_errno(struct ptn_error *err, const char *fmt, ...)
{
    int saved = errno;
    char reason[128];
    va_list ap;

    if (!err)
        return -1;
    *err = (struct ptn_error){.code = PTN_ERR_SYSTEM, .number = saved};
    va_start(ap, fmt);
    size_t at = format_at(err, 0, fmt, ap);
    va_end(ap);
    /* The GNU strerror_r: it answers a string, perhaps not in `reason`. */
    append(err, at, strerror_r(saved, reason, sizeof reason));
    errno = saved;
    return -1;
}

int
ptn_error_prefix(struct ptn_error *err, const char *fmt, ...)
{
    char old[PTN_ERROR_TEXT_MAX];
    va_list ap;

    if (!err)
        return -1;
    memcpy(old, err->text, sizeof old);
    va_start(ap, fmt);
    size_t at = format_at(err, 0, fmt, ap);
    va_end(ap);
    append(err, at, old);
    return -1;
}
