# SPDX-License-Identifier: GPL-2.0-or-later
#
# Strings, buffers, arenas, lists, maps, clock and errors. Add lines like
# libpostern_core_la_SOURCES += core/base/NAME.c core/base/NAME.h
