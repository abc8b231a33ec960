# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Unit tests of what needs no running server; the rest is in
# tests/integration/test_supervisor.py.
unit_tests += tests/unit/proc/blame
unit_tests += tests/unit/proc/control
unit_tests += tests/unit/proc/inherit
unit_tests += tests/unit/proc/notify
unit_tests += tests/unit/proc/record
unit_tests += tests/unit/proc/report
unit_tests += tests/unit/proc/reload
unit_tests += tests/unit/proc/sandbox
unit_tests += tests/unit/proc/shared
unit_tests += tests/unit/proc/socket
unit_tests += tests/unit/proc/upgrade
unit_tests += tests/unit/proc/verdict
