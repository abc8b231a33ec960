# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Listeners, sessions, framing and TLS policy.
libpostern_core_la_SOURCES += core/net/access.c
libpostern_core_la_SOURCES += core/net/address.c
libpostern_core_la_SOURCES += core/net/causes.c
libpostern_core_la_SOURCES += core/net/counters.h
libpostern_core_la_SOURCES += core/net/dispatch.c
libpostern_core_la_SOURCES += core/net/framing.c core/net/framing.h
libpostern_core_la_SOURCES += core/net/hello.c
libpostern_core_la_SOURCES += core/net/inner.h
libpostern_core_la_SOURCES += core/net/listener.c
libpostern_core_la_SOURCES += core/net/memory.c
libpostern_core_la_SOURCES += core/net/meter.c core/net/meter.h
libpostern_core_la_SOURCES += core/net/net.c core/net/net.h
libpostern_core_la_SOURCES += core/net/policy.c
libpostern_core_la_SOURCES += core/net/proxied.c
libpostern_core_la_SOURCES += core/net/proxy.c core/net/proxy.h
libpostern_core_la_SOURCES += core/net/session.c
libpostern_core_la_SOURCES += core/net/sessions.c
libpostern_core_la_SOURCES += core/net/tls.c
libpostern_core_la_SOURCES += core/net/transfer.c
libpostern_core_la_SOURCES += core/net/wire.c core/net/wire.h
