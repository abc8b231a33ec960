# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Both TLS providers, judged by OpenSSL's client and command line.
if HAVE_OPENSSL
tls_test_cppflags = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
tls_test_ldflags = $(AM_LDFLAGS)
tls_test_ldadd = plugins/tls_openssl/libtls_openssl.la
if HAVE_WOLFSSL
tls_test_cppflags += -DTEST_WOLFSSL
tls_test_ldadd += plugins/tls_wolfssl/libtls_wolfssl.la $(WOLFSSL_LIBS)
endif
tls_test_ldadd += $(LDADD) $(OPENSSL_LIBS)
tls_fixture = tests/unit/tls/fixture.c tests/unit/tls/fixture.h

unit_tests += tests/unit/tls/hello

unit_tests += tests/unit/tls/cost
tests_unit_tls_cost_SOURCES = tests/unit/tls/cost.c $(tls_fixture)
tests_unit_tls_cost_CPPFLAGS = $(tls_test_cppflags)
tests_unit_tls_cost_LDADD = $(tls_test_ldadd)
tests_unit_tls_cost_LDFLAGS = $(tls_test_ldflags)

unit_tests += tests/unit/tls/facts
tests_unit_tls_facts_SOURCES = tests/unit/tls/facts.c $(tls_fixture)
tests_unit_tls_facts_CPPFLAGS = $(tls_test_cppflags)
tests_unit_tls_facts_LDADD = $(tls_test_ldadd)
tests_unit_tls_facts_LDFLAGS = $(tls_test_ldflags)

unit_tests += tests/unit/tls/files
tests_unit_tls_files_SOURCES = tests/unit/tls/files.c $(tls_fixture)
tests_unit_tls_files_CPPFLAGS = $(tls_test_cppflags)
tests_unit_tls_files_LDADD = $(tls_test_ldadd)
tests_unit_tls_files_LDFLAGS = $(tls_test_ldflags)

unit_tests += tests/unit/tls/handshake
tests_unit_tls_handshake_SOURCES = tests/unit/tls/handshake.c $(tls_fixture)
tests_unit_tls_handshake_CPPFLAGS = $(tls_test_cppflags)
tests_unit_tls_handshake_LDADD = $(tls_test_ldadd)
tests_unit_tls_handshake_LDFLAGS = $(tls_test_ldflags)

unit_tests += tests/unit/tls/abuse
tests_unit_tls_abuse_SOURCES = tests/unit/tls/abuse.c $(tls_fixture)
tests_unit_tls_abuse_CPPFLAGS = $(tls_test_cppflags)
tests_unit_tls_abuse_LDADD = $(tls_test_ldadd)
tests_unit_tls_abuse_LDFLAGS = $(tls_test_ldflags)

unit_tests += tests/unit/tls/keys
tests_unit_tls_keys_SOURCES = tests/unit/tls/keys.c $(tls_fixture)
tests_unit_tls_keys_CPPFLAGS = $(tls_test_cppflags)
tests_unit_tls_keys_LDADD = $(tls_test_ldadd)
tests_unit_tls_keys_LDFLAGS = $(tls_test_ldflags)

unit_tests += tests/unit/tls/binding
tests_unit_tls_binding_SOURCES = tests/unit/tls/binding.c $(tls_fixture)
tests_unit_tls_binding_CPPFLAGS = $(tls_test_cppflags)
tests_unit_tls_binding_LDADD = $(tls_test_ldadd)
tests_unit_tls_binding_LDFLAGS = $(tls_test_ldflags)

unit_tests += tests/unit/tls/peer
tests_unit_tls_peer_SOURCES = tests/unit/tls/peer.c $(tls_fixture)
tests_unit_tls_peer_CPPFLAGS = $(tls_test_cppflags)
tests_unit_tls_peer_LDADD = $(tls_test_ldadd)
tests_unit_tls_peer_LDFLAGS = $(tls_test_ldflags)

unit_tests += tests/unit/tls/remote
tests_unit_tls_remote_SOURCES = tests/unit/tls/remote.c $(tls_fixture)
tests_unit_tls_remote_CPPFLAGS = $(tls_test_cppflags)
tests_unit_tls_remote_LDADD = $(tls_test_ldadd)
tests_unit_tls_remote_LDFLAGS = $(tls_test_ldflags)

unit_tests += tests/unit/tls/old
tests_unit_tls_old_SOURCES = tests/unit/tls/old.c $(tls_fixture)
tests_unit_tls_old_CPPFLAGS = $(tls_test_cppflags)
tests_unit_tls_old_LDADD = $(tls_test_ldadd)
tests_unit_tls_old_LDFLAGS = $(tls_test_ldflags)

unit_tests += tests/unit/tls/staple
tests_unit_tls_staple_SOURCES = tests/unit/tls/staple.c $(tls_fixture)
tests_unit_tls_staple_CPPFLAGS = $(tls_test_cppflags)
tests_unit_tls_staple_LDADD = $(tls_test_ldadd)
tests_unit_tls_staple_LDFLAGS = $(tls_test_ldflags)

unit_tests += tests/unit/tls/tickets
tests_unit_tls_tickets_SOURCES = tests/unit/tls/tickets.c $(tls_fixture)
tests_unit_tls_tickets_CPPFLAGS = $(tls_test_cppflags)
tests_unit_tls_tickets_LDADD = $(tls_test_ldadd)
tests_unit_tls_tickets_LDFLAGS = $(tls_test_ldflags)
endif
