/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What cmocka wants to have included, in its order.
 */
#ifndef TESTS_UNIT_BASE_TEST_H
#define TESTS_UNIT_BASE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
