# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Unit tests of this area. Add lines like
# unit_tests += tests/unit/pki/NAME
