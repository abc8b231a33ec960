/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pure functions.
 */
#include "newline.h"

unsigned
smtp_newline_faults(struct ptn_slice text, size_t max_line)
{
    unsigned faults = 0;
    size_t start = 0;
    if (text.len > 0 && memchr(text.data, '\0', text.len))
        faults |= PTN_FAULT_NUL;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '\n' && (i == 0 || text.data[i - 1] != '\r'))
            faults |= PTN_FAULT_BARE_LF;
        if (c == '\r' && (i + 1 == text.len || text.data[i + 1] != '\n'))
            faults |= PTN_FAULT_BARE_CR;
        if (c != '\n')
            continue;
        if (i - start > max_line)
            faults |= PTN_FAULT_LONG_LINE;
        start = i + 1;
    }
    if (text.len - start > max_line)
        faults |= PTN_FAULT_LONG_LINE;
    return faults;
}

void
smtp_newline_mend(struct ptn_buf *text)
{
    struct ptn_buf out = PTN_BUF_INIT;
    ptn_buf_reserve(&out, text->len + text->len / 16 + 16);
    for (size_t i = 0; i < text->len; i++) {
        char c = text->data[i];
        if (c != '\r' && c != '\n') {
            ptn_buf_addc(&out, c);
            continue;
        }
        ptn_buf_add(&out, "\r\n", 2);
        if (c == '\r' && i + 1 < text->len && text->data[i + 1] == '\n')
            i++;
    }
    ptn_buf_free(text);
    *text = out;
}
