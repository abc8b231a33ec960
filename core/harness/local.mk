# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The harness for tests of modules, libpostern-test: a static library with all
# of core in it, whose own parts are found first, so that core's loop, sockets
# and files are not linked beside them. Tests of the tree link the parts.
noinst_LTLIBRARIES += libpostern-harness.la
libpostern_harness_la_SOURCES = \
	core/harness/auth.c \
	core/harness/directory.c \
	core/harness/inner.h \
	core/harness/loader.c \
	core/harness/loop.c \
	core/harness/peer.c \
	core/harness/server.c core/harness/server.h \
	core/harness/tls.c \
	core/harness/wire.c
libpostern_harness_la_CPPFLAGS = $(libpostern_core_la_CPPFLAGS)
coreinclude_HEADERS += core/include/postern/test.h
