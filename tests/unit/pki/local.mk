# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Unit tests of the certificate repository.
unit_tests += tests/unit/pki/clients
unit_tests += tests/unit/pki/index
unit_tests += tests/unit/pki/manage
unit_tests += tests/unit/pki/pki
unit_tests += tests/unit/pki/repository
unit_tests += tests/unit/pki/watch
