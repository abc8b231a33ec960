/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The warden's side of sign channels: a thread for each worker, so that no
 * worker's flood, and nothing else that the warden does, delays a signature.
 */
#ifndef PTN_WARDEN_DESK_H
#define PTN_WARDEN_DESK_H

#include "warden/keys.h"
#include <stdatomic.h>

struct ptn_desks {
    struct ptn_keys *keys;
    atomic_uint open; /* channels whose other end is there */
};

/* `group` is that of the worker, NULL for one who may use all keys. Serves
 * the channel until its other end is closed, on a thread of its own.
 * Takes `fd`, also when it fails. `desks` lives as long as the process. */
int ptn_desk_open(struct ptn_desks *desks, int fd, const char *group,
                  struct ptn_error *err);

#endif
