# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The store. Its tests share a rig (rig.h), which stands in for the core.
vault_rig = tests/unit/vault/rig.c tests/unit/vault/rig.h
vault_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/plugins/vault $(LMDB_CFLAGS)
vault_ldadd = plugins/vault/libvault.la $(LDADD) $(LMDB_LIBS)
unit_tests += tests/unit/vault/basic
tests_unit_vault_basic_SOURCES = tests/unit/vault/basic.c $(vault_rig)
tests_unit_vault_basic_CPPFLAGS = $(vault_cppflags)
tests_unit_vault_basic_LDADD = $(vault_ldadd)
unit_tests += tests/unit/vault/soak
tests_unit_vault_soak_SOURCES = tests/unit/vault/soak.c $(vault_rig)
tests_unit_vault_soak_CPPFLAGS = $(vault_cppflags)
tests_unit_vault_soak_LDADD = $(vault_ldadd)
unit_tests += tests/unit/vault/faults
tests_unit_vault_faults_SOURCES = tests/unit/vault/faults.c $(vault_rig)
tests_unit_vault_faults_CPPFLAGS = $(vault_cppflags)
tests_unit_vault_faults_LDADD = $(vault_ldadd)
unit_tests += tests/unit/vault/tails
tests_unit_vault_tails_SOURCES = tests/unit/vault/tails.c $(vault_rig)
tests_unit_vault_tails_CPPFLAGS = $(vault_cppflags)
tests_unit_vault_tails_LDADD = $(vault_ldadd)
unit_tests += tests/unit/vault/mailboxes
tests_unit_vault_mailboxes_SOURCES = tests/unit/vault/mailboxes.c $(vault_rig)
tests_unit_vault_mailboxes_CPPFLAGS = $(vault_cppflags)
tests_unit_vault_mailboxes_LDADD = $(vault_ldadd)
unit_tests += tests/unit/vault/watch
tests_unit_vault_watch_SOURCES = tests/unit/vault/watch.c $(vault_rig)
tests_unit_vault_watch_CPPFLAGS = $(vault_cppflags)
tests_unit_vault_watch_LDADD = $(vault_ldadd)
unit_tests += tests/unit/vault/crash
tests_unit_vault_crash_SOURCES = tests/unit/vault/crash.c $(vault_rig)
tests_unit_vault_crash_CPPFLAGS = $(vault_cppflags)
tests_unit_vault_crash_LDADD = $(vault_ldadd)
unit_tests += tests/unit/vault/man
tests_unit_vault_man_SOURCES = tests/unit/vault/man.c $(vault_rig)
tests_unit_vault_man_CPPFLAGS = $(vault_cppflags)
tests_unit_vault_man_LDADD = $(vault_ldadd)
unit_tests += tests/unit/vault/uidset
tests_unit_vault_uidset_SOURCES = tests/unit/vault/uidset.c $(vault_rig)
tests_unit_vault_uidset_CPPFLAGS = $(vault_cppflags)
tests_unit_vault_uidset_LDADD = $(vault_ldadd)
# Measures only: `make tests/bench/vault && tests/bench/vault`.
EXTRA_PROGRAMS = tests/bench/vault
tests_bench_vault_SOURCES = tests/bench/vault.c $(vault_rig)
tests_bench_vault_CPPFLAGS = $(vault_cppflags)
tests_bench_vault_LDADD = $(vault_ldadd)
