/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Descriptors that the loader must refuse by their first four fields: what
 * follows those is not even there.
 */
#include <postern/module.h>

struct head {
    uint32_t magic;
    uint16_t abi_major, abi_minor;
    uint32_t size;
};

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)

PTN_API const struct head PASTE(FIXTURE, _LTX_postern_module) = {
    FIXTURE_MAGIC, FIXTURE_MAJOR, FIXTURE_MINOR, FIXTURE_SIZE};
