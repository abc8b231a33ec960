# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What an ACME authority looks for on port 80.
#
# The parts go into a convenience library, which unit tests link too.
noinst_LTLIBRARIES += modules/acme_http/libacme_http.la
if WITH_ACME_HTTP
postern_module_LTLIBRARIES += modules/acme_http/acme_http.la
endif
modules_acme_http_libacme_http_la_SOURCES = modules/acme_http/acme_http.c
modules_acme_http_libacme_http_la_CPPFLAGS = $(module_cppflags)
modules_acme_http_acme_http_la_SOURCES =
modules_acme_http_acme_http_la_LDFLAGS = $(module_ldflags)
modules_acme_http_acme_http_la_LIBADD = \
	modules/acme_http/libacme_http.la libpostern.la
dist_man_MANS += modules/acme_http/postern-acme_http.5
