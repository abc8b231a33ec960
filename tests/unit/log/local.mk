# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Unit tests of the log.
unit_tests += tests/unit/log/line
unit_tests += tests/unit/log/sink
