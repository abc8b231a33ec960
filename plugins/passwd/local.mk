# SPDX-License-Identifier: GPL-2.0-or-later
#
# The user directory in a file.
#
# The parts go into a convenience library, which unit tests can link too. To
# begin, uncomment the two LTLIBRARIES lines and name the first source.
# noinst_LTLIBRARIES += plugins/passwd/libpasswd.la
# postern_module_LTLIBRARIES += plugins/passwd/passwd.la
plugins_passwd_libpasswd_la_SOURCES =
plugins_passwd_libpasswd_la_CPPFLAGS = $(module_cppflags) \
	-I$(top_srcdir)/plugins/passwd $(CRYPT_CFLAGS)
plugins_passwd_passwd_la_SOURCES =
plugins_passwd_passwd_la_LDFLAGS = $(module_ldflags)
plugins_passwd_passwd_la_LIBADD = \
	plugins/passwd/libpasswd.la libpostern.la $(CRYPT_LIBS)
