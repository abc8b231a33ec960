/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a log entry is on its way into: a file, syslog or journald.
 */
#ifndef PTN_LOG_SINK_H
#define PTN_LOG_SINK_H

#include "log/line.h"
#include <sys/socket.h>
#include <sys/uio.h>

/* Each sends one entry; -1 with errno when it got nowhere. `flags` are
 * those of send(2). Safe in a signal handler. */
int ptn_log_send_line(int fd, const struct ptn_log_sink *sink,
                      const struct ptn_log_entry *entry);
int ptn_log_send_syslog(int fd, const struct ptn_log_sink *sink,
                        const struct ptn_log_entry *entry, int flags);
int ptn_log_send_journald(int fd, const struct ptn_log_sink *sink,
                          const struct ptn_log_entry *entry, int flags);

/* Sends one datagram to the socket of the sink. */
int ptn_log_send_to(int fd, const struct ptn_log_sink *sink,
                    const struct msghdr *message, int flags);

#endif
