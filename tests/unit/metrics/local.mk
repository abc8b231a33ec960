# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Unit tests of what processes count.
unit_tests += tests/unit/metrics/metrics
