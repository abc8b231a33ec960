/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where the log goes, of the keys under `server`. One thread.
 */
#include "conf/walk.h"

/* In the order of these numbers of RFC 5424, section 6.2.1. */
const char *const ptn_conf_facilities[] = {
    "daemon", "mail",   "user",   "auth",   "local0", "local1", "local2",
    "local3", "local4", "local5", "local6", "local7", NULL};
static const int facility_codes[] = {3,  2,  1,  4,  16, 17,
                                     18, 19, 20, 21, 22, 23};

enum {
    AUTO, /* of server.log_to; one more than enum ptn_log_target */
};

/* A setting that has no effect is a mistake of somebody who wanted one. */
static void
refuse_idle(struct ptn_conf *conf, config_setting_t *server, const char *key,
            bool useful)
{
    config_setting_t *setting =
        server ? config_setting_get_member(server, key) : NULL;

    if (setting && !useful)
        ptn_conf_error(conf, ptn_conf_setting_place(conf, setting),
                       "server.%s: means nothing with this log_to; remove it, "
                       "or change log_to",
                       key);
}

void
ptn_conf_read_log(struct ptn_conf *conf, config_setting_t *server)
{
    struct ptn_server_conf *s = &conf->server;
    enum ptn_log_target target = s->log_to != AUTO
                                     ? (enum ptn_log_target)(s->log_to - 1)
                                 : s->log_file ? PTN_LOG_TO_FILE
                                               : PTN_LOG_TO_STDERR;
    bool is_socket =
        target == PTN_LOG_TO_SYSLOG || target == PTN_LOG_TO_JOURNALD;

    refuse_idle(conf, server, "log_file", target == PTN_LOG_TO_FILE);
    refuse_idle(conf, server, "log_socket", is_socket);
    refuse_idle(conf, server, "log_facility", target == PTN_LOG_TO_SYSLOG);
    refuse_idle(conf, server, "log_format", target != PTN_LOG_TO_JOURNALD);
    if (target == PTN_LOG_TO_FILE && !s->log_file)
        ptn_conf_error_at(conf, "server.log_to",
                          "\"file\" needs log_file; add it");
    s->log = (struct ptn_log_sink){
        .target = target,
        .format = (enum ptn_log_format)s->log_format,
        .path = target == PTN_LOG_TO_FILE     ? s->log_file
                : s->log_socket               ? s->log_socket
                : target == PTN_LOG_TO_SYSLOG ? PTN_LOG_SYSLOG_SOCKET
                                              : PTN_LOG_JOURNALD_SOCKET,
        .facility = facility_codes[s->log_facility],
    };
}
