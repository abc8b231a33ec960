# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The starter for plugin authors. It is shipped as it stands, for a folder
# outside the tree; tests/abi builds it there.
EXTRA_DIST += plugins/skeleton
