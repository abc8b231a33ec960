# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The harness for authors of modules: a protocol of its own plays in it.
unit_tests += tests/unit/harness/harness
tests_unit_harness_harness_LDADD = $(harness_libs)
