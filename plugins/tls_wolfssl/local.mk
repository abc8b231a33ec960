# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The default TLS provider.
#
# The parts go into a convenience library, which unit tests can link too. To
# begin, uncomment the two LTLIBRARIES lines and name the first source.
if HAVE_WOLFSSL
# noinst_LTLIBRARIES += plugins/tls_wolfssl/libtls_wolfssl.la
# postern_module_LTLIBRARIES += plugins/tls_wolfssl/tls_wolfssl.la
endif
plugins_tls_wolfssl_libtls_wolfssl_la_SOURCES =
plugins_tls_wolfssl_libtls_wolfssl_la_CPPFLAGS = $(module_cppflags) \
	-I$(top_srcdir)/plugins/tls_wolfssl $(WOLFSSL_CFLAGS)
plugins_tls_wolfssl_tls_wolfssl_la_SOURCES =
plugins_tls_wolfssl_tls_wolfssl_la_LDFLAGS = $(module_ldflags)
plugins_tls_wolfssl_tls_wolfssl_la_LIBADD = \
	plugins/tls_wolfssl/libtls_wolfssl.la libpostern.la $(WOLFSSL_LIBS)
