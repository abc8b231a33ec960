# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The second TLS provider.
#
# The parts go into a convenience library, which unit tests can link too.
if HAVE_OPENSSL
noinst_LTLIBRARIES += plugins/tls_openssl/libtls_openssl.la
postern_module_LTLIBRARIES += plugins/tls_openssl/tls_openssl.la
dist_man_MANS += plugins/tls_openssl/postern-tls_openssl.5
endif
plugins_tls_openssl_libtls_openssl_la_SOURCES = \
	plugins/tls_openssl/tls_openssl.h \
	plugins/tls_openssl/binding.c \
	plugins/tls_openssl/cert.c \
	plugins/tls_openssl/context.c \
	plugins/tls_openssl/error.c \
	plugins/tls_openssl/file.c \
	plugins/tls_openssl/hello.c \
	plugins/tls_openssl/io.c \
	plugins/tls_openssl/key.c \
	plugins/tls_openssl/library.c \
	plugins/tls_openssl/ops.c \
	plugins/tls_openssl/peer.c \
	plugins/tls_openssl/remote.c \
	plugins/tls_openssl/session.c \
	plugins/tls_openssl/sign.c \
	plugins/tls_openssl/tickets.c
plugins_tls_openssl_libtls_openssl_la_CPPFLAGS = $(module_cppflags) \
	-I$(top_srcdir)/plugins/tls_openssl $(OPENSSL_CFLAGS)
plugins_tls_openssl_tls_openssl_la_SOURCES = plugins/tls_openssl/module.c
plugins_tls_openssl_tls_openssl_la_CPPFLAGS = \
	$(plugins_tls_openssl_libtls_openssl_la_CPPFLAGS)
plugins_tls_openssl_tls_openssl_la_LDFLAGS = $(module_ldflags)
plugins_tls_openssl_tls_openssl_la_LIBADD = \
	plugins/tls_openssl/libtls_openssl.la libpostern.la $(OPENSSL_LIBS)
