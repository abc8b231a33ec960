# SPDX-License-Identifier: GPL-2.0-or-later
#
# Listeners, sessions, framing and TLS policy. Add lines like
# libpostern_core_la_SOURCES += core/net/NAME.c core/net/NAME.h
libpostern_core_la_SOURCES += core/net/hello.c
