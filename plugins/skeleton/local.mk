# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The starter for plugin authors: tests build it out of tree. It is shipped as it
# stands, and installed as an example.
# EXTRA_DIST += plugins/skeleton/NAME
