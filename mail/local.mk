# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the mail modules share.
libpostern_mail_core_la_SOURCES += mail/address_list.c mail/address_list.h
libpostern_mail_core_la_SOURCES += mail/cfws.c mail/cfws.h
libpostern_mail_core_la_SOURCES += mail/chars.h
libpostern_mail_core_la_SOURCES += mail/charset.c mail/charset.h
libpostern_mail_core_la_SOURCES += mail/date.c
libpostern_mail_core_la_SOURCES += mail/delivery.c
libpostern_mail_core_la_SOURCES += mail/envelope.c mail/envelope.h
libpostern_mail_core_la_SOURCES += mail/flags.c
libpostern_mail_core_la_SOURCES += mail/fold.c mail/fold.h
libpostern_mail_core_la_SOURCES += mail/header.c mail/header.h
libpostern_mail_core_la_SOURCES += mail/imap_text.c mail/imap_text.h
libpostern_mail_core_la_SOURCES += mail/mailbox_name.c
libpostern_mail_core_la_SOURCES += mail/message.c
libpostern_mail_core_la_SOURCES += mail/mime.c mail/mime.h
libpostern_mail_core_la_SOURCES += mail/mutf7.c
libpostern_mail_core_la_SOURCES += mail/param.c mail/param.h
libpostern_mail_core_la_SOURCES += mail/parts.c mail/parts.h
libpostern_mail_core_la_SOURCES += mail/path.c
libpostern_mail_core_la_SOURCES += mail/search_content.c
libpostern_mail_core_la_SOURCES += mail/search_match.c
libpostern_mail_core_la_SOURCES += mail/search_parse.c
libpostern_mail_core_la_SOURCES += mail/search_program.h
libpostern_mail_core_la_SOURCES += mail/set.c
libpostern_mail_core_la_SOURCES += mail/stream.c
libpostern_mail_core_la_SOURCES += mail/structure.c mail/structure.h
libpostern_mail_core_la_SOURCES += mail/transfer.c mail/transfer.h
libpostern_mail_core_la_SOURCES += mail/uidmap.c
libpostern_mail_core_la_SOURCES += mail/utf8.c mail/utf8.h
libpostern_mail_core_la_SOURCES += mail/words.c
