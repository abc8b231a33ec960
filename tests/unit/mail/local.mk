# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Unit tests of the mail library.
unit_tests += tests/unit/mail/date
unit_tests += tests/unit/mail/delivery
unit_tests += tests/unit/mail/flags
unit_tests += tests/unit/mail/mailbox_name
unit_tests += tests/unit/mail/mutf7
unit_tests += tests/unit/mail/path
unit_tests += tests/unit/mail/search
unit_tests += tests/unit/mail/set
unit_tests += tests/unit/mail/uidmap
noinst_HEADERS += tests/unit/mail/test.h
