/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of the errand desk share.
 */
#ifndef PTN_WARDEN_ERRAND_INNER_H
#define PTN_WARDEN_ERRAND_INNER_H

#include "warden/errand_desk.h"
#include "warden/errand_wire.h"

/* Does what one request asks, and appends what is to be answered. -1 with
 * `err`. `first` and `second` are the envoy's: anything may be in them. */
int ptn_errand_work(const struct ptn_errand_office *office,
                    enum ptn_errand_op op, const char *first,
                    struct ptn_slice second, struct ptn_buf *answer,
                    struct ptn_error *err);

#endif
