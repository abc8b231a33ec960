# SPDX-License-Identifier: LGPL-2.1-or-later
#
# IMAP.
#
# The parts go into a convenience library, which unit tests can link too. To
# begin, uncomment the two LTLIBRARIES lines and name the first source.
# noinst_LTLIBRARIES += modules/imap/libimap.la
# postern_module_LTLIBRARIES += modules/imap/imap.la
modules_imap_libimap_la_SOURCES =
modules_imap_libimap_la_CPPFLAGS = $(module_cppflags) \
	-I$(top_srcdir)/modules/imap
modules_imap_imap_la_SOURCES =
modules_imap_imap_la_LDFLAGS = $(module_ldflags)
modules_imap_imap_la_LIBADD = \
	modules/imap/libimap.la libpostern-mail.la libpostern.la
