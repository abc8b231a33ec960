# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The certificate repository.
libpostern_core_la_SOURCES += core/pki/pki.h
libpostern_core_la_SOURCES += core/pki/absent.c
