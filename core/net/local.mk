# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Listeners, sessions, framing and TLS policy.
libpostern_core_la_SOURCES += core/net/counters.h
libpostern_core_la_SOURCES += core/net/hello.c
libpostern_core_la_SOURCES += core/net/net.h
