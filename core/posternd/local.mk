# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The daemon's program.
sbin_PROGRAMS += core/posternd/posternd
core_posternd_posternd_SOURCES = core/posternd/posternd.c
core_posternd_posternd_CPPFLAGS = $(libpostern_core_la_CPPFLAGS)
core_posternd_posternd_CFLAGS = $(prog_cflags)
core_posternd_posternd_LDFLAGS = $(prog_ldflags) $(module_preopen)
EXTRA_core_posternd_posternd_DEPENDENCIES = $(module_objects)
core_posternd_posternd_LDADD = $(module_libs) libpostern.la $(core_libs)
dist_man_MANS += core/posternd/posternd.8
