# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Unit tests of the SMTP module, and the stage that it and POP3 play on.
stage_sources = tests/unit/stage/stage.c tests/unit/stage/props.c
noinst_HEADERS += tests/unit/stage/stage.h tests/unit/stage/props.h \
	tests/unit/stage/manpage.h \
	tests/unit/smtp/fixture.h
smtp_test_libs = modules/smtp/libsmtp.la $(LDADD)
unit_tests += tests/unit/smtp/args tests/unit/smtp/newline \
	tests/unit/smtp/commands tests/unit/smtp/auth \
	tests/unit/smtp/content tests/unit/smtp/deliver \
	tests/unit/smtp/man
tests_unit_smtp_args_LDADD = $(smtp_test_libs)
tests_unit_smtp_newline_LDADD = $(smtp_test_libs)
tests_unit_smtp_commands_SOURCES = tests/unit/smtp/commands.c $(stage_sources)
tests_unit_smtp_commands_LDADD = $(smtp_test_libs)
tests_unit_smtp_auth_SOURCES = tests/unit/smtp/auth.c $(stage_sources)
tests_unit_smtp_auth_LDADD = $(smtp_test_libs)
tests_unit_smtp_content_SOURCES = tests/unit/smtp/content.c $(stage_sources)
tests_unit_smtp_content_LDADD = $(smtp_test_libs)
tests_unit_smtp_deliver_SOURCES = tests/unit/smtp/deliver.c $(stage_sources)
tests_unit_smtp_deliver_LDADD = $(smtp_test_libs)
tests_unit_smtp_man_SOURCES = tests/unit/smtp/man.c $(stage_sources)
tests_unit_smtp_man_LDADD = $(smtp_test_libs)
