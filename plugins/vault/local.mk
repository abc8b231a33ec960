# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The default store.
#
# The parts go into a convenience library, which unit tests link too.
noinst_LTLIBRARIES += plugins/vault/libvault.la
postern_module_LTLIBRARIES += plugins/vault/vault.la
plugins_vault_libvault_la_SOURCES = \
	plugins/vault/apply.c \
	plugins/vault/body.c \
	plugins/vault/commit.c plugins/vault/commit.h \
	plugins/vault/compact.c plugins/vault/compact.h \
	plugins/vault/crc.c plugins/vault/crc.h \
	plugins/vault/fetch.c \
	plugins/vault/format.h \
	plugins/vault/index.c plugins/vault/index.h \
	plugins/vault/list.c \
	plugins/vault/log.c plugins/vault/log.h \
	plugins/vault/module.c \
	plugins/vault/op_copy.c plugins/vault/op_copy.h \
	plugins/vault/op_deliver.c \
	plugins/vault/op_expunge.c \
	plugins/vault/op_flags.c \
	plugins/vault/op_mailbox.c \
	plugins/vault/open.c \
	plugins/vault/ops_common.c \
	plugins/vault/read.c plugins/vault/read.h \
	plugins/vault/record.c plugins/vault/record.h \
	plugins/vault/recover.c plugins/vault/recover.h \
	plugins/vault/segment.c \
	plugins/vault/state.c plugins/vault/state.h \
	plugins/vault/txn.c plugins/vault/txn.h \
	plugins/vault/uidset.c \
	plugins/vault/vault.h \
	plugins/vault/watch.c plugins/vault/watch.h
plugins_vault_libvault_la_CPPFLAGS = $(module_cppflags) \
	-I$(top_srcdir)/plugins/vault $(LMDB_CFLAGS)
plugins_vault_vault_la_SOURCES =
plugins_vault_vault_la_LDFLAGS = $(module_ldflags)
plugins_vault_vault_la_LIBADD = \
	plugins/vault/libvault.la libpostern-mail.la libpostern.la $(LMDB_LIBS)
dist_man_MANS += plugins/vault/postern-vault.5
