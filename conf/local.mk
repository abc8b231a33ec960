# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Configuration files: the default one and one example per scenario, each held to
# `posternd --check` by tests/abi/out_of_tree.sh.
examplesdir = $(docdir)/examples
dist_man_MANS += conf/postern-certificates.7
dist_examples_DATA = conf/acme.conf conf/behind-an-mta.conf conf/many-domains.conf \
	conf/mx-only.conf conf/openssl.conf conf/own-protocol.conf \
	conf/postern.conf conf/submission-only.conf \
	conf/small-device.conf

# The default one becomes the configuration where there is none yet.
confdir = $(sysconfdir)/postern
install-default-conf:
	$(MKDIR_P) '$(DESTDIR)$(confdir)'
	test -f '$(DESTDIR)$(confdir)/postern.conf' || \
		$(INSTALL_DATA) $(srcdir)/conf/postern.conf \
		'$(DESTDIR)$(confdir)/postern.conf'
uninstall-default-conf:
	! cmp -s $(srcdir)/conf/postern.conf \
		'$(DESTDIR)$(confdir)/postern.conf' || \
		rm -f '$(DESTDIR)$(confdir)/postern.conf'
.PHONY: install-default-conf uninstall-default-conf install-sysusers \
	uninstall-sysusers

# What systemd gets: the service and the user that it runs as.
EXTRA_DIST += conf/postern.service.in conf/postern.socket.in \
	conf/postern.sysusers.in
CLEANFILES += conf/postern.service conf/postern.socket conf/postern.sysusers
substitute = $(AM_V_GEN)$(MKDIR_P) $(@D) && $(SED) \
	-e 's|@sbindir[@]|$(sbindir)|g' -e 's|@bindir[@]|$(bindir)|g' \
	-e 's|@sysconfdir[@]|$(sysconfdir)|g' \
	-e 's|@statedir[@]|$(localstatedir)/lib/postern|g'
conf/postern.service: conf/postern.service.in Makefile
	$(substitute) $(srcdir)/conf/postern.service.in >$@
conf/postern.socket: conf/postern.socket.in Makefile
	$(substitute) $(srcdir)/conf/postern.socket.in >$@
conf/postern.sysusers: conf/postern.sysusers.in Makefile
	$(substitute) $(srcdir)/conf/postern.sysusers.in >$@
if HAVE_SYSTEMD_UNITS
systemdsystemunit_DATA = conf/postern.service conf/postern.socket
noinst_DATA = conf/postern.sysusers
install-sysusers: conf/postern.sysusers
	$(MKDIR_P) '$(DESTDIR)$(sysusersdir)'
	$(INSTALL_DATA) conf/postern.sysusers \
		'$(DESTDIR)$(sysusersdir)/postern.conf'
uninstall-sysusers:
	rm -f '$(DESTDIR)$(sysusersdir)/postern.conf'
install_sysusers = install-sysusers
uninstall_sysusers = uninstall-sysusers
endif
install-data-local: install-default-conf $(install_sysusers)
uninstall-local: uninstall-default-conf $(uninstall_sysusers)
