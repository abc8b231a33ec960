/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A configuration as it is read with stand-ins for modules.
 */
#ifndef TESTS_UNIT_CONF_FIXTURE_H
#define TESTS_UNIT_CONF_FIXTURE_H

#include "conf/conf.h"

/* The block of the module "store". A module "queue" has a required key,
 * "path". */
struct fixture_store {
    const char *path;
    uint64_t size;
    const char *password;
};

/* What the protocol "echo" adds to a listener. */
struct fixture_echo {
    bool shout;
    const char *prompt;
};

/* All steps, up to ptn_conf_finish. `store` may be NULL. */
struct ptn_conf *fixture_read(const char *file, unsigned flags,
                              const struct fixture_store **store);

/* The steps after ptn_conf_read and the modules' blocks. */
void fixture_bind(struct ptn_conf *conf);

/* What ptn_conf_print_notes prints; free it. */
char *fixture_notes(const char *file);

/* Writes `text` to a new file and answers its path; both are removed with
 * fixture_remove. */
const char *fixture_write(const char *text);
void fixture_remove(const char *path);

#endif
