/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Lines of a file, one after the other, in bounded memory.
 */
#ifndef PASSWD_READER_H
#define PASSWD_READER_H

#include <postern/buf.h>

struct passwd_reader {
    int fd;
    size_t max;        /* octets of a line */
    struct ptn_buf in; /* what was read and not yet given out */
    size_t pos;        /* in `in` */
    uint64_t offset;   /* of in.data[0] in the file */
    bool eof, skipping;

    /* The line at hand, without its line end. */
    struct ptn_slice line;
    uint64_t line_offset;
    int number;    /* from 1 */
    bool overlong; /* over `max`: line is empty */
};

void passwd_reader_init(struct passwd_reader *r, int fd, size_t max);
void passwd_reader_deinit(struct passwd_reader *r); /* the fd stays open */
/* 1: a line; 0: the end; -1: an error, in errno. */
int passwd_reader_next(struct passwd_reader *r);

#endif
