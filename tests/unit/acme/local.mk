# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Unit tests of the ACME client; the authority is in tests/integration.
if WITH_ACME
acme_test_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/plugins/acme $(ACME_CFLAGS)
acme_test_ldadd = plugins/acme/libacme.la $(LDADD) $(ACME_LIBS)
acme_fixture = tests/unit/acme/fixture.c tests/unit/acme/fixture.h
unit_tests += tests/unit/acme/jws tests/unit/acme/man \
	tests/unit/acme/problem tests/unit/acme/schedule
tests_unit_acme_jws_SOURCES = tests/unit/acme/jws.c $(acme_fixture)
tests_unit_acme_jws_CPPFLAGS = $(acme_test_cppflags)
tests_unit_acme_jws_LDADD = $(acme_test_ldadd)
tests_unit_acme_man_LDADD = $(acme_test_ldadd)
tests_unit_acme_problem_SOURCES = tests/unit/acme/problem.c $(acme_fixture)
tests_unit_acme_problem_CPPFLAGS = $(acme_test_cppflags)
tests_unit_acme_problem_LDADD = $(acme_test_ldadd)
tests_unit_acme_schedule_SOURCES = tests/unit/acme/schedule.c $(acme_fixture)
tests_unit_acme_schedule_CPPFLAGS = $(acme_test_cppflags)
tests_unit_acme_schedule_LDADD = $(acme_test_ldadd)
endif
