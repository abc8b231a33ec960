# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The admin tool's program.
bin_PROGRAMS += core/posternctl/posternctl
core_posternctl_posternctl_SOURCES = \
	core/posternctl/ask.c \
	core/posternctl/cert.c core/posternctl/cert.h \
	core/posternctl/cert_bind.c \
	core/posternctl/cert_change.c \
	core/posternctl/cert_export.c \
	core/posternctl/cert_import.c \
	core/posternctl/cert_input.c \
	core/posternctl/cert_errand.c \
	core/posternctl/cert_live.c \
	core/posternctl/cert_make.c \
	core/posternctl/cert_office.c \
	core/posternctl/cert_show.c \
	core/posternctl/cert_unlock.c \
	core/posternctl/cert_view.c \
	core/posternctl/commands.c \
	core/posternctl/completion.c \
	core/posternctl/config.c \
	core/posternctl/ctl.h \
	core/posternctl/help.c \
	core/posternctl/module.c \
	core/posternctl/inspect.c \
	core/posternctl/log.c \
	core/posternctl/metrics.c \
	core/posternctl/orders.c \
	core/posternctl/password.c \
	core/posternctl/posternctl.c \
	core/posternctl/record.c \
	core/posternctl/reload.c \
	core/posternctl/sandbox.c \
	core/posternctl/sessions.c \
	core/posternctl/state.c \
	core/posternctl/table.c \
	core/posternctl/user.c
core_posternctl_posternctl_CPPFLAGS = $(libpostern_core_la_CPPFLAGS) \
	-DPTN_PKGDATADIR='"$(pkgdatadir)"'
core_posternctl_posternctl_CFLAGS = $(prog_cflags)
core_posternctl_posternctl_LDFLAGS = $(prog_ldflags) $(module_preopen)
EXTRA_core_posternctl_posternctl_DEPENDENCIES = $(module_objects)
core_posternctl_posternctl_LDADD = $(module_libs) libpostern.la $(core_libs)
dist_man_MANS += core/posternctl/posternctl.8

# Where bash-completion looks for the completion of a command of this name.
bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = core/posternctl/posternctl.bash
