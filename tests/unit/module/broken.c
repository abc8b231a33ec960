/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Descriptors that the loader must refuse by their first four fields: what
 * follows those is not even there. Each has a constructor that leaves a trace:
 * a module that is refused by its file has not run.
 */
#include "tests/unit/module/trace.h"
#ifdef FIXTURE_NOTE_MAJOR
#include <postern/module.h>
#undef PTN_ABI_MAJOR
#define PTN_ABI_MAJOR FIXTURE_NOTE_MAJOR
#endif
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

#ifdef FIXTURE_NOTE_MAJOR
#define NOTE_OF(name) PTN_MODULE_NOTE(name, "1", "LGPL-2.1-or-later", "")
NOTE_OF(FIXTURE);
#endif
