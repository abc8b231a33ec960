/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The stage's directory and store.
 */
#ifndef TESTS_UNIT_STAGE_PROPS_H
#define TESTS_UNIT_STAGE_PROPS_H

#include "tests/unit/stage/stage.h"

/* Makes them findable for the module's init. */
void stage_props_offer(struct stage *st);
void stage_props_free(struct stage *st);

#endif
