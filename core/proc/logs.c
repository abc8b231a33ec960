/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The log as something that all processes have. Main thread.
 */
#include "proc/logs.h"
#include "log/log.h"
#include "proc/begin.h"
#include "proc/inner.h"
#include <errno.h>
#include <unistd.h>

static void
send_to(int channel, char type, const int ends[PTN_CHANNELS])
{
    if (channel >= 0 && ptn_channels_send(channel, type, "", ends) != 0)
        ptn_log(PTN_LOG_WARNING, "log.not-handed-on",
                PTN_FS("error", strerror(errno)));
}

/* The channels carry two descriptors at a time; both are the log. */
void
ptn_logs_reopen(struct ptn_supervisor *s)
{
    int fd, ends[PTN_CHANNELS];

    ptn_begin_reopen_log(s->current->conf);
    fd = ptn_log_fd();
    if (fd < 0)
        return;
    for (int i = 0; i < PTN_CHANNELS; i++)
        ends[i] = fd;
    for (unsigned i = 0; i < s->crew.count; i++)
        send_to(s->crew.workers[i].channel, PTN_MESSAGE_LOG, ends);
    for (struct ptn_keeper *k = s->keepers.all; k; k = k->next)
        send_to(k->warden.channel, PTN_WARDEN_LOG, ends);
}

void
ptn_logs_take(int ends[PTN_CHANNELS])
{
    if (ends[0] < 0)
        return;
    ptn_log_take_fd(ends[0]);
    ends[0] = -1;
    ptn_channels_close(ends);
}

void
ptn_logs_take_level(const struct ptn_conf *before, const struct ptn_conf *now)
{
    if (before->server.log_level != now->server.log_level)
        ptn_log_set_level((enum ptn_log_level)now->server.log_level);
}

bool
ptn_logs_is_reopen(struct ptn_slice args)
{
    char word[8];

    return ptn_record_get(args, "reopen", word, sizeof word);
}

int
ptn_logs_answer(struct ptn_slice args, struct ptn_buf *out,
                struct ptn_error *err)
{
    enum ptn_log_level level;
    char word[16];

    if (ptn_record_get(args, "level", word, sizeof word)) {
        if (!ptn_log_level_of(word, &level))
            return ptn_error_set(err, PTN_ERR_INVALID,
                                 "\"%s\" is not a level; say error, warning, "
                                 "info or debug",
                                 word);
        ptn_log_set_level(level);
        ptn_log(PTN_LOG_WARNING, "log.level", PTN_FS("level", word));
    }
    ptn_buf_adds(out, "log");
    ptn_record_add(out, "level", ptn_log_level_name(ptn_log_get_level()));
    ptn_buf_addc(out, '\n');
    return 0;
}
