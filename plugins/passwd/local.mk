# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The user directory in a file.
#
# The parts go into a convenience library, which unit tests link too.
noinst_LTLIBRARIES += plugins/passwd/libpasswd.la
postern_module_LTLIBRARIES += plugins/passwd/passwd.la
plugins_passwd_libpasswd_la_SOURCES = \
	plugins/passwd/convert.c \
	plugins/passwd/directory.c \
	plugins/passwd/edit.c \
	plugins/passwd/entry.c plugins/passwd/entry.h \
	plugins/passwd/file.c plugins/passwd/file.h \
	plugins/passwd/passwd.c plugins/passwd/passwd.h \
	plugins/passwd/reader.c plugins/passwd/reader.h \
	plugins/passwd/resolve.c \
	plugins/passwd/scram.c plugins/passwd/scram.h \
	plugins/passwd/secret.c plugins/passwd/secret.h \
	plugins/passwd/table.c plugins/passwd/table.h \
	plugins/passwd/write.c plugins/passwd/write.h
plugins_passwd_libpasswd_la_CPPFLAGS = $(module_cppflags) \
	-I$(top_srcdir)/plugins/passwd $(CRYPT_CFLAGS)
plugins_passwd_passwd_la_SOURCES =
plugins_passwd_passwd_la_LDFLAGS = $(module_ldflags)
plugins_passwd_passwd_la_LIBADD = \
	plugins/passwd/libpasswd.la libpostern.la $(CRYPT_LIBS)
dist_man_MANS += plugins/passwd/postern-passwd.5
