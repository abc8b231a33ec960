# SPDX-License-Identifier: GPL-2.0-or-later
#
# Structured logging and redaction. Add lines like
# libpostern_core_la_SOURCES += core/log/NAME.c core/log/NAME.h
