# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The admin tool's program.
bin_PROGRAMS += core/posternctl/posternctl
core_posternctl_posternctl_SOURCES = \
	core/posternctl/ctl.h \
	core/posternctl/password.c \
	core/posternctl/posternctl.c \
	core/posternctl/status.c \
	core/posternctl/table.c \
	core/posternctl/user.c
core_posternctl_posternctl_CPPFLAGS = $(libpostern_core_la_CPPFLAGS)
core_posternctl_posternctl_CFLAGS = $(prog_cflags)
core_posternctl_posternctl_LDFLAGS = $(prog_ldflags) $(module_preopen)
EXTRA_core_posternctl_posternctl_DEPENDENCIES = $(module_objects)
core_posternctl_posternctl_LDADD = $(module_libs) libpostern.la $(core_libs)
dist_man_MANS += core/posternctl/posternctl.8
