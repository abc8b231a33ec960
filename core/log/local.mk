# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Structured logging and redaction.
libpostern_core_la_SOURCES += core/log/journald.c
libpostern_core_la_SOURCES += core/log/json.c
libpostern_core_la_SOURCES += core/log/line.c core/log/line.h
libpostern_core_la_SOURCES += core/log/log.c core/log/log.h
libpostern_core_la_SOURCES += core/log/sink.h
libpostern_core_la_SOURCES += core/log/syslog.c
