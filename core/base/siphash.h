/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash. Without the key
 * nobody can make many inputs that fall into one slot of a table.
 */
#ifndef PTN_BASE_SIPHASH_H
#define PTN_BASE_SIPHASH_H

#include <postern/types.h>

uint64_t ptn_siphash(const uint64_t key[2], const void *data, size_t len);

#endif
