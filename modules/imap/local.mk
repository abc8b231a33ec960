# SPDX-License-Identifier: LGPL-2.1-or-later
#
# IMAP.
#
# The parts are in a convenience library, which unit tests link too.
noinst_LTLIBRARIES += modules/imap/libimap.la
if WITH_IMAP
postern_module_LTLIBRARIES += modules/imap/imap.la
endif
modules_imap_libimap_la_SOURCES = \
	modules/imap/cmd_append.c \
	modules/imap/cmd_basic.c \
	modules/imap/cmd_copy.c \
	modules/imap/cmd_expunge.c \
	modules/imap/cmd_fetch.c \
	modules/imap/cmd_idle.c \
	modules/imap/cmd_list.c \
	modules/imap/cmd_login.c \
	modules/imap/cmd_mailbox.c \
	modules/imap/cmd_quota.c \
	modules/imap/cmd_search.c \
	modules/imap/cmd_select.c \
	modules/imap/cmd_status.c \
	modules/imap/cmd_store.c \
	modules/imap/commands.c \
	modules/imap/fetch.h \
	modules/imap/fetch_body.c \
	modules/imap/fetch_parse.c \
	modules/imap/format.c \
	modules/imap/format.h \
	modules/imap/gather.c \
	modules/imap/imap.h \
	modules/imap/parser.c \
	modules/imap/parser.h \
	modules/imap/section.c \
	modules/imap/section.h \
	modules/imap/session.c \
	modules/imap/special_use.c \
	modules/imap/special_use.h \
	modules/imap/view.c \
	modules/imap/view.h \
	modules/imap/walk.c \
	modules/imap/walk.h
modules_imap_libimap_la_CPPFLAGS = $(module_cppflags) \
	-I$(top_srcdir)/modules/imap
modules_imap_imap_la_SOURCES = modules/imap/imap.c
modules_imap_imap_la_CPPFLAGS = $(module_cppflags) \
	-I$(top_srcdir)/modules/imap
modules_imap_imap_la_LDFLAGS = $(module_ldflags)
modules_imap_imap_la_LIBADD = \
	modules/imap/libimap.la libpostern-mail.la libpostern.la
dist_man_MANS += modules/imap/postern-imap.5
