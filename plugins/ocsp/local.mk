# SPDX-License-Identifier: LGPL-2.1-or-later
#
# OCSP responses for stapling: libcurl, libcrypto. Beside plugins/acme, which
# needs the same.
#
# The parts go into a convenience library, which unit tests link too.
if WITH_ACME
noinst_LTLIBRARIES += plugins/ocsp/libocsp.la
postern_module_LTLIBRARIES += plugins/ocsp/ocsp.la
dist_man_MANS += plugins/ocsp/postern-ocsp.5
endif
plugins_ocsp_libocsp_la_SOURCES = \
	plugins/ocsp/check.c \
	plugins/ocsp/fetch.c \
	plugins/ocsp/module.c \
	plugins/ocsp/ocsp.h \
	plugins/ocsp/run.c
plugins_ocsp_libocsp_la_CPPFLAGS = $(module_cppflags) \
	-I$(top_srcdir)/plugins/ocsp $(ACME_CFLAGS)
plugins_ocsp_ocsp_la_SOURCES =
plugins_ocsp_ocsp_la_LDFLAGS = $(module_ldflags)
plugins_ocsp_ocsp_la_LIBADD = \
	plugins/ocsp/libocsp.la libpostern.la $(ACME_LIBS)
