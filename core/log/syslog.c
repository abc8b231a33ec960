/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The local syslog: "<priority>postern[pid]: text". That is the form which
 * all daemons on the other side of /dev/log understand (journald and
 * rsyslog take the header of RFC 5424 for text there). They put the time to
 * it themselves.
 */
#include "log/sink.h"
#include <unistd.h>

/* RFC 5424 section 6.2.1, table 2. */
static const int severities[] = {
    [PTN_LOG_ERROR] = 3,
    [PTN_LOG_WARNING] = 4,
    [PTN_LOG_INFO] = 6,
    [PTN_LOG_DEBUG] = 7,
};

int
ptn_log_send_syslog(int fd, const struct ptn_log_sink *sink,
                    const struct ptn_log_entry *entry, int flags)
{
    struct ptn_log_line head, body;
    struct iovec parts[2];
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

    head.len = body.len = 0;
    ptn_log_line_add(&head, PTN_SLICE("<"));
    ptn_log_line_number(&head, sink->facility * 8 + severities[entry->level]);
    ptn_log_line_add(&head, PTN_SLICE(">postern["));
    ptn_log_line_number(&head, getpid());
    ptn_log_line_add(&head, PTN_SLICE("]: "));
    if (sink->format == PTN_LOG_AS_JSON)
        ptn_log_line_json(&body, entry, -1);
    else
        ptn_log_line_text(&body, entry, -1);
    parts[0] = (struct iovec){head.text, head.len};
    parts[1] = (struct iovec){body.text, body.len};
    return ptn_log_send_to(fd, sink, &message, flags);
}
