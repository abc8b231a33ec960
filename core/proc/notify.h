/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the service manager is told, as sd_notify(3) has it. Nothing happens
 * where NOTIFY_SOCKET is not set.
 */
#ifndef PTN_PROC_NOTIFY_H
#define PTN_PROC_NOTIFY_H

void ptn_notify_ready(void);
void ptn_notify_reloading(void);
void ptn_notify_stopping(void);

#endif
