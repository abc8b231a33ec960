/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a tool tells about a configuration's modules and its TLS, as records.
 */
#ifndef PTN_PROC_INSPECT_H
#define PTN_PROC_INSPECT_H

#include "proc/setup.h"
#include <postern/buf.h>

/*   module  name= version= license= abi= needs= provides= file= doc=
 *   uses    listener= protocol= modules= tls= */
void ptn_inspect_modules(const struct ptn_setup *setup, struct ptn_buf *out);

/*   tls     listener= mode= require= min= max= client= alpn= problem=
 *   shown   listener= certificate= names= not_after= key= self_signed= chain=
 *           match= fingerprint= problem=
 *   probed  listener= certificate= asked= version= cipher= group=
 *           without_certificate= fingerprint= same= problem=
 *                                                (with `online`)
 *
 * `listener` NULL: all that have TLS. Answers how many problems there are;
 * -1: there is no such listener. */
int ptn_inspect_tls(struct ptn_setup *setup, const char *listener, bool online,
                    struct ptn_buf *out);

#endif
