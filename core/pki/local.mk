# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The certificate repository.
libpostern_core_la_SOURCES += core/pki/pki.c core/pki/pki.h \
	core/pki/pki_inner.h core/pki/refresh.c core/pki/watch.c core/pki/watch.h \
	core/pki/challenge.c \
	core/pki/clients.c core/pki/clients.h core/pki/identity.c core/pki/identity.h \
	core/pki/chain.c core/pki/chain.h core/pki/intake.c core/pki/intake.h \
	core/pki/manage.c core/pki/manage.h \
	core/pki/manage_change.c core/pki/manage_check.c \
	core/pki/manage_ensure.c \
	core/pki/manage_import.c core/pki/manage_inner.h \
	core/pki/manage_life.c core/pki/manage_names.c \
	core/pki/manage_secret.c core/pki/pem.c core/pki/pem.h \
	core/pki/repository.c core/pki/repository.h \
	core/pki/repository_files.c core/pki/repository_inner.h \
	core/pki/repository_promise.c \
	core/pki/index.c core/pki/index.h core/pki/keyring.h
