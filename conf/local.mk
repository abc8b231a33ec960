# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Configuration files: the default one and one example per scenario.
# dist_examples_DATA += conf/NAME.conf
examplesdir = $(docdir)/examples
dist_examples_DATA =

# What systemd gets: the service and the user that it runs as.
EXTRA_DIST += conf/postern.service.in conf/postern.sysusers.in
CLEANFILES += conf/postern.service conf/postern.sysusers
substitute = $(AM_V_GEN)$(MKDIR_P) $(@D) && $(SED) \
	-e 's|@sbindir[@]|$(sbindir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g' \
	-e 's|@statedir[@]|$(localstatedir)/lib/postern|g'
conf/postern.service: conf/postern.service.in Makefile
	$(substitute) $(srcdir)/conf/postern.service.in >$@
conf/postern.sysusers: conf/postern.sysusers.in Makefile
	$(substitute) $(srcdir)/conf/postern.sysusers.in >$@
if HAVE_SYSTEMD_UNITS
systemdsystemunit_DATA = conf/postern.service
noinst_DATA = conf/postern.sysusers
install-data-local: conf/postern.sysusers
	$(MKDIR_P) '$(DESTDIR)$(sysusersdir)'
	$(INSTALL_DATA) conf/postern.sysusers \
		'$(DESTDIR)$(sysusersdir)/postern.conf'
uninstall-local:
	rm -f '$(DESTDIR)$(sysusersdir)/postern.conf'
endif
