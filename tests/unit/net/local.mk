# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Unit tests of listeners, sessions and framing. Those that need a server share
# the one of fixture.h.
net_fixture = tests/unit/net/fixture.c tests/unit/net/fixture.h \
	tests/unit/net/fake_protocol.c tests/unit/net/fake_protocol.h \
	tests/unit/net/fake_tls.c
unit_tests += tests/unit/net/address
unit_tests += tests/unit/net/framing
unit_tests += tests/unit/net/dispatch
tests_unit_net_dispatch_SOURCES = tests/unit/net/dispatch.c $(net_fixture)
unit_tests += tests/unit/net/proxied
tests_unit_net_proxied_SOURCES = tests/unit/net/proxied.c $(net_fixture)
unit_tests += tests/unit/net/tls
tests_unit_net_tls_SOURCES = tests/unit/net/tls.c $(net_fixture)
