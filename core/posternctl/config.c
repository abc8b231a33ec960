/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is wrong with a configuration, and what it says in effect. No server
 * is asked.
 */
#include "posternctl/ctl.h"
#include "proc/admin.h"

static int
check(const struct ctl *ctl)
{
    struct ptn_server_options options = {.config = ctl->config, .workers = -1};

    return ptn_server_check(&options);
}

static int
show(const struct ctl *ctl)
{
    return ptn_admin_show(ctl->config, stdout, stderr) == 0 ? CTL_OK
                                                            : CTL_CONFIG;
}

const struct ctl_command ctl_config_commands[] = {
    {.words = "config", .doc = "the configuration file"},
    {.words = "config check",
     .fn = check,
     .flags = CTL_READS | CTL_NO_JSON,
     .doc = "say everything that is wrong with the configuration",
     .example = "posternctl -c new.conf config check && posternctl reload"},
    {.words = "config show",
     .fn = show,
     .flags = CTL_READS,
     .doc = "the effective values and where each comes from",
     .about = "Each value with its file and line, or \"default\". Secrets are "
              "hidden.",
     .example = "posternctl config show | grep min_version"},
    {.words = NULL},
};
