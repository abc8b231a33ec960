# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The admin tool's program. Uncomment the first line with its first source.
# bin_PROGRAMS += core/posternctl/posternctl
core_posternctl_posternctl_SOURCES =
core_posternctl_posternctl_CPPFLAGS = $(libpostern_core_la_CPPFLAGS)
core_posternctl_posternctl_CFLAGS = $(prog_cflags)
core_posternctl_posternctl_LDFLAGS = $(prog_ldflags)
core_posternctl_posternctl_LDADD = libpostern.la $(core_libs)
