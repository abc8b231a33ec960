# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Unit tests of the loop, its timers and its lanes.
unit_tests += tests/unit/loop/jobs
unit_tests += tests/unit/loop/loop
unit_tests += tests/unit/loop/wheel
