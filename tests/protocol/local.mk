# SPDX-License-Identifier: GPL-2.0-or-later
#
# Protocol dialogues, replayed against the modules.
