# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What processes count, and the sums of it.
libpostern_core_la_SOURCES += core/metrics/area.c core/metrics/area.h
libpostern_core_la_SOURCES += core/metrics/tally.c core/metrics/tally.h
