# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Unit tests of strings, buffers, arenas and maps.
noinst_HEADERS += tests/unit/base/test.h
unit_tests += tests/unit/base/arena
unit_tests += tests/unit/base/base64
unit_tests += tests/unit/base/buf
unit_tests += tests/unit/base/cidr
unit_tests += tests/unit/base/error
unit_tests += tests/unit/base/json
unit_tests += tests/unit/base/map
unit_tests += tests/unit/base/memory
unit_tests += tests/unit/base/sha256
unit_tests += tests/unit/base/slice
