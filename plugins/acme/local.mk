# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Certificates from authorities, by ACME: libcurl, jansson, libcrypto.
#
# The parts go into a convenience library, which unit tests link too.
if WITH_ACME
noinst_LTLIBRARIES += plugins/acme/libacme.la
postern_module_LTLIBRARIES += plugins/acme/acme.la
dist_man_MANS += plugins/acme/postern-acme.5
endif
plugins_acme_libacme_la_SOURCES = \
	plugins/acme/account.c \
	plugins/acme/acme.h \
	plugins/acme/client.c \
	plugins/acme/http.c \
	plugins/acme/inner.h \
	plugins/acme/jws.c \
	plugins/acme/links.c \
	plugins/acme/module.c \
	plugins/acme/order.c \
	plugins/acme/plugin.h \
	plugins/acme/problem.c \
	plugins/acme/renewal.c \
	plugins/acme/run.c \
	plugins/acme/state.c plugins/acme/state.h
plugins_acme_libacme_la_CPPFLAGS = $(module_cppflags) \
	-I$(top_srcdir)/plugins/acme $(ACME_CFLAGS)
plugins_acme_acme_la_SOURCES =
plugins_acme_acme_la_LDFLAGS = $(module_ldflags)
plugins_acme_acme_la_LIBADD = \
	plugins/acme/libacme.la libpostern.la $(ACME_LIBS)
