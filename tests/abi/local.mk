# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Plugins built out of tree, from installed and from frozen headers.
