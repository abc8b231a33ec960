# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Unit tests of the mail library.
unit_tests += tests/unit/mail/address_list
unit_tests += tests/unit/mail/date
unit_tests += tests/unit/mail/delivery
unit_tests += tests/unit/mail/flags
unit_tests += tests/unit/mail/header
unit_tests += tests/unit/mail/mailbox_name
unit_tests += tests/unit/mail/message
unit_tests += tests/unit/mail/mime_work
unit_tests += tests/unit/mail/mutf7
unit_tests += tests/unit/mail/path
unit_tests += tests/unit/mail/search
unit_tests += tests/unit/mail/set
unit_tests += tests/unit/mail/stream
unit_tests += tests/unit/mail/uidmap
noinst_HEADERS += tests/unit/mail/test.h
EXTRA_DIST += tests/unit/mail/expected

# Python's email package judges what this program finds in messages.
check_PROGRAMS += tests/unit/mail/scan
TESTS += tests/unit/mail/judge.py
EXTRA_DIST += tests/unit/mail/judge.py
