# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The default store and queue.
#
# The parts go into a convenience library, which unit tests can link too. To
# begin, uncomment the two LTLIBRARIES lines and name the first source.
# noinst_LTLIBRARIES += plugins/vault/libvault.la
# postern_module_LTLIBRARIES += plugins/vault/vault.la
plugins_vault_libvault_la_SOURCES =
plugins_vault_libvault_la_CPPFLAGS = $(module_cppflags) \
	-I$(top_srcdir)/plugins/vault $(LMDB_CFLAGS)
plugins_vault_vault_la_SOURCES =
plugins_vault_vault_la_LDFLAGS = $(module_ldflags)
plugins_vault_vault_la_LIBADD = \
	plugins/vault/libvault.la libpostern-mail.la libpostern.la $(LMDB_LIBS)
