# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Strings, buffers, arenas, lists, maps, clock and errors.
libpostern_core_la_SOURCES += core/base/altstack.c core/base/altstack.h
libpostern_core_la_SOURCES += core/base/arena.c
libpostern_core_la_SOURCES += core/base/base64.c
libpostern_core_la_SOURCES += core/base/buf.c
libpostern_core_la_SOURCES += core/base/cidr.c core/base/cidr.h
libpostern_core_la_SOURCES += core/base/clock.c core/base/clock.h
libpostern_core_la_SOURCES += core/base/error.c
libpostern_core_la_SOURCES += core/base/json.c core/base/json.h
libpostern_core_la_SOURCES += core/base/list.h
libpostern_core_la_SOURCES += core/base/map.c core/base/map.h
libpostern_core_la_SOURCES += core/base/memory.c core/base/memory.h
libpostern_core_la_SOURCES += core/base/sha256.c core/base/sha256.h
libpostern_core_la_SOURCES += core/base/siphash.c core/base/siphash.h
libpostern_core_la_SOURCES += core/base/slice.c
