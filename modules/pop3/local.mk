# SPDX-License-Identifier: LGPL-2.1-or-later
#
# POP3.
#
# The parts go into a convenience library, which unit tests can link too. To
# begin, uncomment the two LTLIBRARIES lines and name the first source.
# noinst_LTLIBRARIES += modules/pop3/libpop3.la
# postern_module_LTLIBRARIES += modules/pop3/pop3.la
modules_pop3_libpop3_la_SOURCES =
modules_pop3_libpop3_la_CPPFLAGS = $(module_cppflags) \
	-I$(top_srcdir)/modules/pop3
modules_pop3_pop3_la_SOURCES =
modules_pop3_pop3_la_LDFLAGS = $(module_ldflags)
modules_pop3_pop3_la_LIBADD = \
	modules/pop3/libpop3.la libpostern-mail.la libpostern.la
