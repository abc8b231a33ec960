# SPDX-License-Identifier: LGPL-2.1-or-later
#
# SASL exchanges and throttling.
libpostern_core_la_SOURCES += core/auth/mechanisms.c
libpostern_core_la_SOURCES += core/auth/sasl.c core/auth/sasl.h
libpostern_core_la_SOURCES += core/auth/throttle.c core/auth/throttle.h
