# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the mail modules share. Add lines like
# libpostern_mail_core_la_SOURCES += mail/NAME.c mail/NAME.h
