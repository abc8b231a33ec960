# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The second TLS provider.
#
# The parts go into a convenience library, which unit tests can link too. To
# begin, uncomment the two LTLIBRARIES lines and name the first source.
if HAVE_OPENSSL
# noinst_LTLIBRARIES += plugins/tls_openssl/libtls_openssl.la
# postern_module_LTLIBRARIES += plugins/tls_openssl/tls_openssl.la
endif
plugins_tls_openssl_libtls_openssl_la_SOURCES =
plugins_tls_openssl_libtls_openssl_la_CPPFLAGS = $(module_cppflags) \
	-I$(top_srcdir)/plugins/tls_openssl $(OPENSSL_CFLAGS)
plugins_tls_openssl_tls_openssl_la_SOURCES =
plugins_tls_openssl_tls_openssl_la_LDFLAGS = $(module_ldflags)
plugins_tls_openssl_tls_openssl_la_LIBADD = \
	plugins/tls_openssl/libtls_openssl.la libpostern.la $(OPENSSL_LIBS)
