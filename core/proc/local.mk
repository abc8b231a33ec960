# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Supervisor, warden, workers, control socket, metrics. Add lines like
# libpostern_core_la_SOURCES += core/proc/NAME.c core/proc/NAME.h
