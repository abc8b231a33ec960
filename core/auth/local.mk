# SPDX-License-Identifier: LGPL-2.1-or-later
#
# SASL exchanges and throttling. Add lines like
# libpostern_core_la_SOURCES += core/auth/NAME.c core/auth/NAME.h
