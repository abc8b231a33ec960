# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Unit tests of authentication, over the server of tests/unit/net.
unit_tests += tests/unit/auth/sasl
tests_unit_auth_sasl_SOURCES = tests/unit/auth/sasl.c $(net_fixture)
unit_tests += tests/unit/auth/throttle
tests_unit_auth_throttle_SOURCES = tests/unit/auth/throttle.c
