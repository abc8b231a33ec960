# SPDX-License-Identifier: LGPL-2.1-or-later
#
# SMTP, submission and LMTP.
#
# The parts go into a convenience library, which unit tests can link too. To
# begin, uncomment the two LTLIBRARIES lines and name the first source.
# noinst_LTLIBRARIES += modules/smtp/libsmtp.la
# postern_module_LTLIBRARIES += modules/smtp/smtp.la
modules_smtp_libsmtp_la_SOURCES =
modules_smtp_libsmtp_la_CPPFLAGS = $(module_cppflags) \
	-I$(top_srcdir)/modules/smtp
modules_smtp_smtp_la_SOURCES =
modules_smtp_smtp_la_LDFLAGS = $(module_ldflags)
modules_smtp_smtp_la_LIBADD = \
	modules/smtp/libsmtp.la libpostern-mail.la libpostern.la
