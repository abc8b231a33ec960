# SPDX-License-Identifier: LGPL-2.1-or-later
#
# POP3.
#
# The parts go into a convenience library, which unit tests link too.
noinst_LTLIBRARIES += modules/pop3/libpop3.la
if WITH_POP3
postern_module_LTLIBRARIES += modules/pop3/pop3.la
endif
modules_pop3_libpop3_la_SOURCES = \
	modules/pop3/cmd_auth.c \
	modules/pop3/cmd_dele.c \
	modules/pop3/cmd_list.c \
	modules/pop3/cmd_retr.c \
	modules/pop3/drop.c modules/pop3/drop.h \
	modules/pop3/pop3.c modules/pop3/pop3.h \
	modules/pop3/verbs.c
modules_pop3_libpop3_la_CPPFLAGS = $(module_cppflags) \
	-I$(top_srcdir)/modules/pop3
modules_pop3_pop3_la_SOURCES =
modules_pop3_pop3_la_LDFLAGS = $(module_ldflags)
modules_pop3_pop3_la_LIBADD = \
	modules/pop3/libpop3.la libpostern-mail.la libpostern.la
dist_man_MANS += modules/pop3/postern-pop3.5
