# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The starter for plugin authors. It is shipped and installed as it stands, for
# folders outside the tree: `posternctl module new` copies it, tests/abi builds
# and tests it there.
skeletondir = $(pkgdatadir)/skeleton
dist_skeleton_DATA = plugins/skeleton/Makefile plugins/skeleton/README.md \
	plugins/skeleton/skeleton.c plugins/skeleton/test_skeleton.c \
	plugins/skeleton/test_server.sh
