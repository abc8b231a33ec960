# SPDX-License-Identifier: GPL-2.0-or-later
#
# Supervisor, warden, workers, control socket, metrics. Add lines like
# libpostern_core_la_SOURCES += core/proc/NAME.c core/proc/NAME.h
