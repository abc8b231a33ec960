# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The real daemon and real clients, by pytest: tools/test runs them, on what
# POSTERN_PREFIX names: a prefix under which the tree has been installed. npm's
# clients are those of npm/package-lock.json, found by NODE_PATH.
EXTRA_DIST += tests/integration
