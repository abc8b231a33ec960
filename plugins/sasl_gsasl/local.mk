# SPDX-License-Identifier: LGPL-2.1-or-later
#
# SCRAM by GNU SASL.
if HAVE_GSASL
noinst_LTLIBRARIES += plugins/sasl_gsasl/libsasl_gsasl.la
postern_module_LTLIBRARIES += plugins/sasl_gsasl/sasl_gsasl.la
dist_man_MANS += plugins/sasl_gsasl/postern-sasl_gsasl.5
endif
plugins_sasl_gsasl_libsasl_gsasl_la_SOURCES = plugins/sasl_gsasl/sasl_gsasl.c
plugins_sasl_gsasl_libsasl_gsasl_la_CPPFLAGS = $(module_cppflags) \
	$(GSASL_CFLAGS)
plugins_sasl_gsasl_sasl_gsasl_la_SOURCES =
plugins_sasl_gsasl_sasl_gsasl_la_LDFLAGS = $(module_ldflags)
plugins_sasl_gsasl_sasl_gsasl_la_LIBADD = \
	plugins/sasl_gsasl/libsasl_gsasl.la libpostern.la $(GSASL_LIBS)
