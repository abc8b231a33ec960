# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Unit tests of the keys and the sign channel.
unit_tests += tests/unit/warden/channel
unit_tests += tests/unit/warden/escrow
unit_tests += tests/unit/warden/keys
unit_tests += tests/unit/warden/secret
tests_unit_warden_channel_SOURCES = tests/unit/warden/channel.c \
	tests/unit/warden/fixture.c tests/unit/warden/fixture.h
tests_unit_warden_keys_SOURCES = tests/unit/warden/keys.c \
	tests/unit/warden/fixture.c tests/unit/warden/fixture.h

if HAVE_OPENSSL
unit_tests += tests/unit/warden/errand
tests_unit_warden_errand_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
tests_unit_warden_errand_LDADD = plugins/tls_openssl/libtls_openssl.la \
	$(LDADD) $(OPENSSL_LIBS)
endif
unit_tests += tests/unit/warden/unlock
tests_unit_warden_unlock_SOURCES = tests/unit/warden/unlock.c \
	tests/unit/warden/fixture.c tests/unit/warden/fixture.h
