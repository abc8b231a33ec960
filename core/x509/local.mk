# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The formats of keys and certificates, for the providers of TLS.
libpostern_core_la_SOURCES += core/x509/cert.c
libpostern_core_la_SOURCES += core/x509/crypt.c
libpostern_core_la_SOURCES += core/x509/der.c core/x509/der.h
libpostern_core_la_SOURCES += core/x509/encrypt.c
libpostern_core_la_SOURCES += core/x509/inner.h
libpostern_core_la_SOURCES += core/x509/issue.c
libpostern_core_la_SOURCES += core/x509/keys.c
libpostern_core_la_SOURCES += core/x509/name.c
libpostern_core_la_SOURCES += core/x509/oid.c core/x509/oid.h
libpostern_core_la_SOURCES += core/x509/parse.c
libpostern_core_la_SOURCES += core/x509/pem.c core/x509/pem.h
libpostern_core_la_SOURCES += core/x509/pkcs12.c
libpostern_core_la_SOURCES += core/x509/pkcs12_make.c
