/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Comments and folding white space. Pure functions; any thread.
 */
#include "cfws.h"

#include "chars.h"

/* Parentheses within more of them than this are plain characters. */
#define COMMENT_DEPTH_MAX 32

const char *
ptn_comment_end(const char *at, const char *end)
{
    int depth = 0;

    for (; at < end; at++) {
        if (*at == '\\' && end - at > 1)
            at++;
        else if (*at == '(' && depth < COMMENT_DEPTH_MAX)
            depth++;
        else if (*at == ')' && !--depth)
            return at + 1;
    }
    return end;
}

const char *
ptn_cfws_end(const char *at, const char *end)
{
    while (at < end) {
        if (*at == '(')
            at = ptn_comment_end(at, end);
        else if (ptn_is_blank((unsigned char)*at))
            at++;
        else
            break;
    }
    return at;
}
