# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The module loader and the service registry. Add lines like
# libpostern_core_la_SOURCES += core/module/NAME.c core/module/NAME.h
