# SPDX-License-Identifier: GPL-2.0-or-later
#
# The certificate repository.
libpostern_core_la_SOURCES += core/pki/pki.h
