/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), by the processor where it can.
 */
#ifndef VAULT_CRC_H
#define VAULT_CRC_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from `crc`; begin with 0. Any thread. */
uint32_t vault_crc(uint32_t crc, const void *data, size_t len);
/* The same without help by the processor: for tests. */
uint32_t vault_crc_plain(uint32_t crc, const void *data, size_t len);

#endif
