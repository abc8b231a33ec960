# SPDX-License-Identifier: GPL-2.0-or-later
#
# The certificate repository. Add lines like
# libpostern_core_la_SOURCES += core/pki/NAME.c core/pki/NAME.h
