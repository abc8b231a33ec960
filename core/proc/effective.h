/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Effective values on their way from a checker to whoever compares them: as
 * records in the plan (plan.h), each a line.
 *
 *   value   path=listeners.mx.tls.mode text="explicit" flags=0 file= line=
 *   serves  name=mx group=main addresses=*:25 modules=... certificates=...
 *           file= line=
 *   file    name=default digest=... path=...
 *   note    severity=error text=... file= line=
 */
#ifndef PTN_PROC_EFFECTIVE_H
#define PTN_PROC_EFFECTIVE_H

#include "conf/diff.h"
#include "proc/setup.h"
#include <postern/buf.h>

/* `value` and `serves`. The configuration was read with PTN_CONF_RECORD. */
void ptn_effective_write(const struct ptn_setup *setup, struct ptn_buf *out);

/* `file`: the certificates' files as they are at this moment. With the
 * rights of whoever may read them; only core's own blocks are needed. */
void ptn_effective_write_files(const struct ptn_conf *conf,
                               struct ptn_buf *out);

/* `note`: what is wrong with the configuration; or one failure or warning
 * beyond it. Without a place, or a line, these are left out. */
void ptn_effective_write_notes(const struct ptn_conf *conf,
                               struct ptn_buf *out);
void ptn_effective_write_error(const struct ptn_error *err,
                               struct ptn_buf *out);
void ptn_effective_write_warning(struct ptn_conf_place place, const char *text,
                                 struct ptn_buf *out);

/* From a text with such records among others. The caller frees it. */
struct ptn_effective *ptn_effective_read(struct ptn_slice text);

#endif
