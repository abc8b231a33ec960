# SPDX-License-Identifier: GPL-2.0-or-later
#
# Plugins built out of tree, from installed and from frozen headers.
