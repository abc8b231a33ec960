# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The configuration: walker, schema, suggestions, dump.
libpostern_core_la_SOURCES += core/conf/conf.h \
	core/conf/address.c \
	core/conf/bind.c \
	core/conf/certs.c \
	core/conf/concern.c \
	core/conf/conf.c \
	core/conf/diff.c core/conf/diff.h \
	core/conf/effective.c \
	core/conf/groups.c \
	core/conf/legacy.c \
	core/conf/listeners.c \
	core/conf/logs.c \
	core/conf/notes.c core/conf/notes.h \
	core/conf/policies.c \
	core/conf/print.c \
	core/conf/scan.c \
	core/conf/schema.c \
	core/conf/source.c core/conf/source.h \
	core/conf/suggest.c core/conf/suggest.h \
	core/conf/tls.c \
	core/conf/unit.c core/conf/unit.h \
	core/conf/value.c \
	core/conf/walk.c core/conf/walk.h
dist_man_MANS += core/conf/postern.conf.5
