# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The starter for plugin authors. It is shipped and installed as it stands, for
# a folder outside the tree; tests/abi builds it there.
skeletondir = $(docdir)/examples/skeleton
dist_skeleton_DATA = plugins/skeleton/Makefile plugins/skeleton/skeleton.c
