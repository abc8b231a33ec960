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

# A store in memory for mail modules.
noinst_LTLIBRARIES += libpostern-mail-harness.la
libpostern_mail_harness_la_SOURCES = mail/test/store.c
libpostern_mail_harness_la_CPPFLAGS = $(mail_cppflags)
mailinclude_HEADERS += mail/include/postern/mail/test.h

# One archive with everything, without those parts of core that the harness
# stands in for.
testlibdir = $(libdir)
testlib_DATA = libpostern-test.a
libpostern_test_parts = libpostern-harness.la libpostern-mail-harness.la \
	libpostern-mail-core.la libpostern-core.la
libpostern-test.a: $(libpostern_test_parts) core/harness/merge.sh
	$(AM_V_AR)$(SHELL) $(top_srcdir)/core/harness/merge.sh '$(AR)' '$(NM)' $@ \
		$(libpostern_test_parts:%.la=.libs/%.a)
EXTRA_DIST += core/harness/merge.sh
CLEANFILES += libpostern-test.a
pkgconfig_DATA += core/harness/postern-test.pc
