# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The installed headers of the mail library: its syntax and its contracts.
mailinclude_HEADERS += mail/include/postern/mail/address.h
mailinclude_HEADERS += mail/include/postern/mail/date.h
mailinclude_HEADERS += mail/include/postern/mail/flags.h
mailinclude_HEADERS += mail/include/postern/mail/delivery.h
mailinclude_HEADERS += mail/include/postern/mail/message.h
mailinclude_HEADERS += mail/include/postern/mail/search.h
mailinclude_HEADERS += mail/include/postern/mail/set.h
mailinclude_HEADERS += mail/include/postern/mail/store.h
mailinclude_HEADERS += mail/include/postern/mail/stream.h
mailinclude_HEADERS += mail/include/postern/mail/uidmap.h
