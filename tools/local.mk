# SPDX-License-Identifier: GPL-2.0-or-later
#
# Scripts for those who build, test and try the tree.
EXTRA_DIST += tools/lib.sh tools/packages tools/test tools/wolfssl
