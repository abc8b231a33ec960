/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SHA-256 (FIPS 180-4), for what core itself has to hash: never for
 * passwords, and no secret goes through it. Pure.
 */
#ifndef PTN_BASE_SHA256_H
#define PTN_BASE_SHA256_H

#include <postern/types.h>

#define PTN_SHA256_SIZE 32

PTN_API void ptn_sha256(struct ptn_slice data, uint8_t out[PTN_SHA256_SIZE]);

#endif
