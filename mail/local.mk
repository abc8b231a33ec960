# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the mail modules share.
libpostern_mail_core_la_SOURCES += mail/chars.h
libpostern_mail_core_la_SOURCES += mail/date.c
libpostern_mail_core_la_SOURCES += mail/flags.c
libpostern_mail_core_la_SOURCES += mail/mailbox_name.c
libpostern_mail_core_la_SOURCES += mail/mutf7.c
libpostern_mail_core_la_SOURCES += mail/path.c
libpostern_mail_core_la_SOURCES += mail/set.c
libpostern_mail_core_la_SOURCES += mail/uidmap.c
libpostern_mail_core_la_SOURCES += mail/utf8.c mail/utf8.h
