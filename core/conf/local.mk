# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The configuration: walker, schema, suggestions, dump. Add lines like
# libpostern_core_la_SOURCES += core/conf/NAME.c core/conf/NAME.h
libpostern_core_la_SOURCES += core/conf/conf.h
