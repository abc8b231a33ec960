# SPDX-License-Identifier: GPL-2.0-or-later
#
# The installed headers of the core: all that a module or plugin may include.
# coreinclude_HEADERS += core/include/postern/NAME.h
