# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Unit tests of authentication, over the server of tests/unit/net.
unit_tests += tests/unit/auth/sasl
tests_unit_auth_sasl_SOURCES = tests/unit/auth/sasl.c $(net_fixture)
unit_tests += tests/unit/auth/throttle
tests_unit_auth_throttle_SOURCES = tests/unit/auth/throttle.c
unit_tests += tests/unit/auth/flood
tests_unit_auth_flood_SOURCES = tests/unit/auth/flood.c
if HAVE_GSASL
unit_tests += tests/unit/auth/scram
tests_unit_auth_scram_SOURCES = tests/unit/auth/scram.c
tests_unit_auth_scram_LDADD = plugins/sasl_gsasl/libsasl_gsasl.la \
	$(passwd_test_libs) $(GSASL_LIBS)
endif
