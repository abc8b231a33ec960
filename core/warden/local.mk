# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Private keys: where they are kept, and how workers have them sign.
libpostern_core_la_SOURCES += \
	core/warden/challenges.c \
	core/warden/client.c core/warden/client.h \
	core/warden/desk.c core/warden/desk.h \
	core/warden/errand_client.c core/warden/errand_client.h \
	core/warden/errand_desk.c core/warden/errand_desk.h \
	core/warden/errand_inner.h core/warden/errand_wire.h \
	core/warden/errand_work.c \
	core/warden/escrow.c core/warden/escrow.h \
	core/warden/keys.c core/warden/keys.h \
	core/warden/keys_inner.h core/warden/keys_load.c \
	core/warden/keys_news.c core/warden/keys_unlock.c \
	core/warden/secret.c core/warden/secret.h \
	core/warden/staples.c \
	core/warden/wire.h
