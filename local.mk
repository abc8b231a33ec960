# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The store. Its tests share a rig (rig.h), which stands in for the core.
vault_rig = tests/unit/vault/rig.c tests/unit/vault/rig.h
vault_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/plugins/vault $(LMDB_CFLAGS)
vault_ldadd = plugins/vault/libvault.la $(LDADD) $(LMDB_LIBS)
