# SPDX-License-Identifier: GPL-2.0-or-later
#
# Rules that a machine can check.
