# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Scripts for those who build, test and try the tree.
EXTRA_DIST += tools/lib.sh tools/packages tools/abi \
	tools/quickstart tools/test tools/testbed tools/wolfssl \
	tools/wolfssl-finished.patch tools/wolfssl-staple.patch \
	tools/wolfssl-x25519.patch
