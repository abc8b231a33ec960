# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Unit tests, with cmocka: one program for each source file tested. Each area of
# the tree has a fragment of its own here, which says, for tests/unit/base/buf.c,
#   unit_tests += tests/unit/base/buf
# A program that needs more than the core and mail/ has its own _LDADD, such as
#   tests_unit_smtp_reply_LDADD = modules/smtp/libsmtp.la $(LDADD)
# and one that loads plugins links libpostern.la in place of the core's parts.
# One cmocka group a program: its output is TAP.
unit_tests =
include tests/unit/base/local.mk
include tests/unit/log/local.mk
include tests/unit/metrics/local.mk
include tests/unit/conf/local.mk
include tests/unit/loop/local.mk
include tests/unit/module/local.mk
include tests/unit/net/local.mk
include tests/unit/pki/local.mk
include tests/unit/acme/local.mk
include tests/unit/warden/local.mk
include tests/unit/acme_http/local.mk
include tests/unit/auth/local.mk
include tests/unit/harness/local.mk
include tests/unit/proc/local.mk
include tests/unit/mail/local.mk
include tests/unit/smtp/local.mk
include tests/unit/pop3/local.mk
include tests/unit/imap/local.mk
include tests/unit/tls/local.mk
include tests/unit/vault/local.mk
include tests/unit/passwd/local.mk
if HAVE_CMOCKA
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif
