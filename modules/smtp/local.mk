# SPDX-License-Identifier: LGPL-2.1-or-later
#
# SMTP, submission and LMTP.
#
# The parts go into a convenience library, which unit tests link too.
noinst_LTLIBRARIES += modules/smtp/libsmtp.la
if WITH_SMTP
postern_module_LTLIBRARIES += modules/smtp/smtp.la
endif
modules_smtp_libsmtp_la_SOURCES = \
	modules/smtp/args.c modules/smtp/args.h \
	modules/smtp/cmd_auth.c \
	modules/smtp/cmd_bdat.c \
	modules/smtp/cmd_data.c \
	modules/smtp/cmd_hello.c \
	modules/smtp/cmd_mail.c \
	modules/smtp/cmd_misc.c \
	modules/smtp/cmd_rcpt.c \
	modules/smtp/cmd_starttls.c \
	modules/smtp/deliver.c \
	modules/smtp/newline.c modules/smtp/newline.h \
	modules/smtp/smtp.c modules/smtp/smtp.h \
	modules/smtp/tx.c modules/smtp/tx.h \
	modules/smtp/verbs.c
modules_smtp_libsmtp_la_CPPFLAGS = $(module_cppflags) \
	-I$(top_srcdir)/modules/smtp
modules_smtp_smtp_la_SOURCES =
modules_smtp_smtp_la_LDFLAGS = $(module_ldflags)
modules_smtp_smtp_la_LIBADD = \
	modules/smtp/libsmtp.la libpostern-mail.la libpostern.la
dist_man_MANS += modules/smtp/postern-smtp.5
