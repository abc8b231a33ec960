/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The two channels between a worker and a warden, pairs of sockets that keep
 * message boundaries, and handing their ends on.
 */
#ifndef PTN_PROC_CHANNELS_H
#define PTN_PROC_CHANNELS_H

#include <postern/error.h>
#include <sys/types.h>

enum {
    PTN_CHANNEL_SIGN, /* the worker asks and waits */
    PTN_CHANNEL_AUTH, /* the worker asks and is told later */
    PTN_CHANNELS,
};

/* Makes both: one's ends and the other's. -1: all are -1. */
int ptn_channels_new(int ends[PTN_CHANNELS], int others[PTN_CHANNELS],
                     struct ptn_error *err);
/* Closes those that are not -1, and makes all -1. */
void ptn_channels_close(int ends[PTN_CHANNELS]);

/* Sends a message over `fd`, a type and perhaps a text, with both ends; they
 * stay the caller's to close. Does not wait. */
int ptn_channels_send(int fd, char type, const char *text,
                      const int ends[PTN_CHANNELS]);

/* Does not wait, either: what recv(2) answers, and the ends that came with
 * the message, or -1. */
ssize_t ptn_channels_receive(int fd, void *into, size_t size,
                             int ends[PTN_CHANNELS]);

#endif
