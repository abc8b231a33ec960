/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the tests of the mail library share: cmocka with what it needs, and
 * a look at a buffer as text.
 */
#ifndef TEST_MAIL_H
#define TEST_MAIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the four above */
#include <cmocka.h>

#include <postern/arena.h>
#include <postern/buf.h>

#define S(literal) PTN_SLICE(literal)

/* The buffer holds exactly `text`; it is freed. */
#define assert_buf(buf, text)                                                  \
    do {                                                                       \
        assert_string_equal(ptn_buf_cstr(buf), text);                          \
        assert_int_equal((buf)->len, strlen(text));                            \
        ptn_buf_free(buf);                                                     \
    } while (0)

#define assert_slice(slice, text)                                              \
    do {                                                                       \
        struct ptn_buf copy_ = PTN_BUF_INIT;                                   \
        ptn_buf_addslice(&copy_, slice);                                       \
        assert_buf(&copy_, text);                                              \
    } while (0)

#endif
