# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The event loop, timers and job lanes.
libpostern_core_la_SOURCES += core/loop/inner.h
libpostern_core_la_SOURCES += core/loop/jobs.c
libpostern_core_la_SOURCES += core/loop/lane.c core/loop/lane.h
libpostern_core_la_SOURCES += core/loop/loop.c core/loop/loop.h
libpostern_core_la_SOURCES += core/loop/timer.c
libpostern_core_la_SOURCES += core/loop/watch.c
libpostern_core_la_SOURCES += core/loop/wheel.c core/loop/wheel.h
