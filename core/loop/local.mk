# SPDX-License-Identifier: GPL-2.0-or-later
#
# The event loop, timers and job lanes. Add lines like
# libpostern_core_la_SOURCES += core/loop/NAME.c core/loop/NAME.h
