/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sizes and times as the config file writes them: a number and a unit.
 */
#ifndef PTN_CONF_UNIT_H
#define PTN_CONF_UNIT_H

#include <postern/buf.h>

/* "512", "4k", "35M", "2G", "1T" (powers of 1024, also "4K") -> octets.
 * False when it is none of these or too large. */
PTN_API bool ptn_unit_size(const char *text, uint64_t *out);

/* "250ms", "30s", "5m", "1h", "7d", "2w" -> milliseconds. "0" needs no
 * unit. False as above. */
bool ptn_unit_duration(const char *text, uint64_t *out);

/* The shortest text that the two above read back to the same value. */
PTN_API void ptn_unit_add_size(struct ptn_buf *out, uint64_t octets);
void ptn_unit_add_duration(struct ptn_buf *out, uint64_t ms);

#endif
