# SPDX-License-Identifier: LGPL-2.1-or-later
#
# SASL exchanges and throttling.
libpostern_core_la_SOURCES += core/auth/desk.c core/auth/desk.h
libpostern_core_la_SOURCES += core/auth/engine.c core/auth/engine.h
libpostern_core_la_SOURCES += core/auth/engine_inner.h
libpostern_core_la_SOURCES += core/auth/engine_offers.c
libpostern_core_la_SOURCES += core/auth/exchange.c core/auth/exchange.h
libpostern_core_la_SOURCES += core/auth/offer.c
libpostern_core_la_SOURCES += core/auth/pipe.c core/auth/pipe.h
libpostern_core_la_SOURCES += core/auth/plain.c
libpostern_core_la_SOURCES += core/auth/remote.c core/auth/remote.h
libpostern_core_la_SOURCES += core/auth/sasl.c core/auth/sasl.h
libpostern_core_la_SOURCES += core/auth/service.h
libpostern_core_la_SOURCES += core/auth/throttle.c core/auth/throttle.h
libpostern_core_la_SOURCES += core/auth/wire.c core/auth/wire.h
