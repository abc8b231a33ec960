# SPDX-License-Identifier: GPL-2.0-or-later
#
# Unit tests of this area. Add lines like
# unit_tests += tests/unit/mail/NAME
