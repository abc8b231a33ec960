# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Unit tests of this area, on a session and a store in memory.
unit_tests += tests/unit/imap/parser tests/unit/imap/section \
	tests/unit/imap/dialogue tests/unit/imap/man
tests_unit_imap_parser_LDADD = modules/imap/libimap.la $(LDADD)
tests_unit_imap_parser_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/modules/imap
tests_unit_imap_section_LDADD = modules/imap/libimap.la $(LDADD)
tests_unit_imap_section_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/modules/imap
check_LTLIBRARIES += tests/unit/imap/libfake.la
tests_unit_imap_libfake_la_SOURCES = modules/imap/imap.c \
	tests/unit/imap/fake.c tests/unit/imap/fake.h
tests_unit_imap_libfake_la_CPPFLAGS = $(AM_CPPFLAGS) \
	-I$(top_srcdir)/modules/imap
imap_fake = tests/unit/imap/libfake.la modules/imap/libimap.la $(harness_libs)
imap_fake_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/modules/imap \
	-I$(top_srcdir)/tests/unit/imap
tests_unit_imap_dialogue_LDADD = $(imap_fake)
tests_unit_imap_dialogue_CPPFLAGS = $(imap_fake_cppflags)
tests_unit_imap_man_LDADD = $(imap_fake)
tests_unit_imap_man_CPPFLAGS = $(imap_fake_cppflags)
