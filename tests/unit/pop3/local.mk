# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Unit tests of the POP3 module, on the stage of tests/unit/stage.
pop3_test_libs = modules/pop3/libpop3.la $(LDADD)
noinst_HEADERS += tests/unit/pop3/fixture.h
unit_tests += tests/unit/pop3/authorization tests/unit/pop3/man \
	tests/unit/pop3/transaction
tests_unit_pop3_authorization_SOURCES = \
	tests/unit/pop3/authorization.c $(stage_sources)
tests_unit_pop3_authorization_LDADD = $(pop3_test_libs)
tests_unit_pop3_transaction_SOURCES = \
	tests/unit/pop3/transaction.c $(stage_sources)
tests_unit_pop3_transaction_LDADD = $(pop3_test_libs)
tests_unit_pop3_man_SOURCES = tests/unit/pop3/man.c $(stage_sources)
tests_unit_pop3_man_LDADD = $(pop3_test_libs)
