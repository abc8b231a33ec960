# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The default TLS provider.
#
# The parts go into a convenience library, which unit tests can link too.
if HAVE_WOLFSSL
noinst_LTLIBRARIES += plugins/tls_wolfssl/libtls_wolfssl.la
postern_module_LTLIBRARIES += plugins/tls_wolfssl/tls_wolfssl.la
dist_man_MANS += plugins/tls_wolfssl/postern-tls_wolfssl.5
endif
plugins_tls_wolfssl_libtls_wolfssl_la_SOURCES = \
	plugins/tls_wolfssl/tls_wolfssl.h \
	plugins/tls_wolfssl/binding.c \
	plugins/tls_wolfssl/cert.c plugins/tls_wolfssl/cert.h \
	plugins/tls_wolfssl/context.c \
	plugins/tls_wolfssl/error.c \
	plugins/tls_wolfssl/file.c \
	plugins/tls_wolfssl/groups.c \
	plugins/tls_wolfssl/hello.c \
	plugins/tls_wolfssl/io.c \
	plugins/tls_wolfssl/key.c \
	plugins/tls_wolfssl/library.c \
	plugins/tls_wolfssl/ops.c \
	plugins/tls_wolfssl/pair.c \
	plugins/tls_wolfssl/peer.c \
	plugins/tls_wolfssl/pem.c \
	plugins/tls_wolfssl/remote.c \
	plugins/tls_wolfssl/session.c \
	plugins/tls_wolfssl/sign.c \
	plugins/tls_wolfssl/tickets.c
plugins_tls_wolfssl_libtls_wolfssl_la_CPPFLAGS = $(module_cppflags) \
	-I$(top_srcdir)/plugins/tls_wolfssl $(WOLFSSL_CFLAGS)
plugins_tls_wolfssl_tls_wolfssl_la_SOURCES = plugins/tls_wolfssl/module.c
plugins_tls_wolfssl_tls_wolfssl_la_CPPFLAGS = \
	$(plugins_tls_wolfssl_libtls_wolfssl_la_CPPFLAGS)
plugins_tls_wolfssl_tls_wolfssl_la_LDFLAGS = $(module_ldflags)
plugins_tls_wolfssl_tls_wolfssl_la_LIBADD = \
	plugins/tls_wolfssl/libtls_wolfssl.la libpostern.la $(WOLFSSL_LIBS)

# Another wolfSSL has structs of other sizes: after a new configure, what was
# compiled for the one before goes with it.
$(plugins_tls_wolfssl_libtls_wolfssl_la_OBJECTS): config.status
