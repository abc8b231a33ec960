# SPDX-License-Identifier: GPL-2.0-or-later
#
# The installed headers of the mail library: its syntax and its contracts.
# mailinclude_HEADERS += mail/include/postern/mail/NAME.h
