# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The loader's tests, and the modules that it opens or refuses. These find
# the server's functions in the program, as it exports them.
# A static build makes no shared objects to open.
if !STATIC_MODULES
unit_tests += tests/unit/module/loader tests/unit/module/inspect
tests_unit_module_loader_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
check_LTLIBRARIES += $(module_fixtures)
endif
# -rpath makes libtool build a shared object although it is not installed.
fixture_ldflags = -module -avoid-version -rpath /nowhere -Wl,-z,now
fixture_cppflags = $(public_cppflags) -I$(top_srcdir)
module_fixtures = tests/unit/module/fixgood.la \
	tests/unit/module/fixplain.la \
	tests/unit/module/fixneeds.la \
	tests/unit/module/fixnewer.la \
	tests/unit/module/fixcirclea.la \
	tests/unit/module/fixcircleb.la \
	tests/unit/module/fixliar.la \
	tests/unit/module/fixundeclared.la \
	tests/unit/module/fixfails.la \
	tests/unit/module/fixstart.la \
	tests/unit/module/fixname.la \
	tests/unit/module/fixnosym.la \
	tests/unit/module/fixunresolved.la \
	tests/unit/module/fixnote.la \
	tests/unit/module/fixnotelies.la \
	tests/unit/module/fixnotemajor.la \
	tests/unit/module/fixmajor.la \
	tests/unit/module/fixminor.la \
	tests/unit/module/fixmagic.la \
	tests/unit/module/fixsmall.la
tests_unit_module_fixgood_la_SOURCES = tests/unit/module/fixture.c
tests_unit_module_fixgood_la_CPPFLAGS = $(fixture_cppflags) -DFIXTURE=fixgood \
	-DFIXTURE_PROVIDES='"fix.store"'
tests_unit_module_fixgood_la_LDFLAGS = $(fixture_ldflags)
tests_unit_module_fixgood_la_LIBADD =
tests_unit_module_fixplain_la_SOURCES = tests/unit/module/fixture.c
tests_unit_module_fixplain_la_CPPFLAGS = $(fixture_cppflags) -DFIXTURE=fixplain
tests_unit_module_fixplain_la_LDFLAGS = $(fixture_ldflags)
tests_unit_module_fixplain_la_LIBADD =
tests_unit_module_fixneeds_la_SOURCES = tests/unit/module/fixture.c
tests_unit_module_fixneeds_la_CPPFLAGS = $(fixture_cppflags) -DFIXTURE=fixneeds \
	-DFIXTURE_NEEDS='"fix.store"' -DFIXTURE_NEEDS_VERSION=1
tests_unit_module_fixneeds_la_LDFLAGS = $(fixture_ldflags)
tests_unit_module_fixneeds_la_LIBADD =
tests_unit_module_fixnewer_la_SOURCES = tests/unit/module/fixture.c
tests_unit_module_fixnewer_la_CPPFLAGS = $(fixture_cppflags) -DFIXTURE=fixnewer \
	-DFIXTURE_NEEDS='"fix.store"' -DFIXTURE_NEEDS_VERSION=2
tests_unit_module_fixnewer_la_LDFLAGS = $(fixture_ldflags)
tests_unit_module_fixnewer_la_LIBADD =
tests_unit_module_fixcirclea_la_SOURCES = tests/unit/module/fixture.c
tests_unit_module_fixcirclea_la_CPPFLAGS = $(fixture_cppflags) -DFIXTURE=fixcirclea \
	-DFIXTURE_NEEDS='"fix.b"' -DFIXTURE_NEEDS_VERSION=1 \
	-DFIXTURE_PROVIDES='"fix.a"'
tests_unit_module_fixcirclea_la_LDFLAGS = $(fixture_ldflags)
tests_unit_module_fixcirclea_la_LIBADD =
tests_unit_module_fixcircleb_la_SOURCES = tests/unit/module/fixture.c
tests_unit_module_fixcircleb_la_CPPFLAGS = $(fixture_cppflags) -DFIXTURE=fixcircleb \
	-DFIXTURE_NEEDS='"fix.a"' -DFIXTURE_NEEDS_VERSION=1 \
	-DFIXTURE_PROVIDES='"fix.b"'
tests_unit_module_fixcircleb_la_LDFLAGS = $(fixture_ldflags)
tests_unit_module_fixcircleb_la_LIBADD =
tests_unit_module_fixliar_la_SOURCES = tests/unit/module/fixture.c
tests_unit_module_fixliar_la_CPPFLAGS = $(fixture_cppflags) -DFIXTURE=fixliar \
	-DFIXTURE_LIES
tests_unit_module_fixliar_la_LDFLAGS = $(fixture_ldflags)
tests_unit_module_fixliar_la_LIBADD =
tests_unit_module_fixundeclared_la_SOURCES = tests/unit/module/fixture.c
tests_unit_module_fixundeclared_la_CPPFLAGS = $(fixture_cppflags) -DFIXTURE=fixundeclared \
	-DFIXTURE_UNDECLARED
tests_unit_module_fixundeclared_la_LDFLAGS = $(fixture_ldflags)
tests_unit_module_fixundeclared_la_LIBADD =
tests_unit_module_fixfails_la_SOURCES = tests/unit/module/fixture.c
tests_unit_module_fixfails_la_CPPFLAGS = $(fixture_cppflags) -DFIXTURE=fixfails \
	-DFIXTURE_FAILS
tests_unit_module_fixfails_la_LDFLAGS = $(fixture_ldflags)
tests_unit_module_fixfails_la_LIBADD =
tests_unit_module_fixstart_la_SOURCES = tests/unit/module/fixture.c
tests_unit_module_fixstart_la_CPPFLAGS = $(fixture_cppflags) -DFIXTURE=fixstart \
	-DFIXTURE_START_FAILS
tests_unit_module_fixstart_la_LDFLAGS = $(fixture_ldflags)
tests_unit_module_fixstart_la_LIBADD =
tests_unit_module_fixname_la_SOURCES = tests/unit/module/fixture.c
tests_unit_module_fixname_la_CPPFLAGS = $(fixture_cppflags) -DFIXTURE=fixname \
	-DFIXTURE_NAME='"somebody"'
tests_unit_module_fixname_la_LDFLAGS = $(fixture_ldflags)
tests_unit_module_fixname_la_LIBADD =
tests_unit_module_fixnosym_la_SOURCES = tests/unit/module/fixture.c
tests_unit_module_fixnosym_la_CPPFLAGS = $(fixture_cppflags) -DFIXTURE=fixnosym \
	-DFIXTURE_NO_SYMBOL
tests_unit_module_fixnosym_la_LDFLAGS = $(fixture_ldflags)
tests_unit_module_fixnosym_la_LIBADD =
tests_unit_module_fixunresolved_la_SOURCES = tests/unit/module/fixture.c
tests_unit_module_fixunresolved_la_CPPFLAGS = $(fixture_cppflags) -DFIXTURE=fixunresolved \
	-DFIXTURE_UNRESOLVED
# Bound lazily: as an author may build who forgets -z now.
tests_unit_module_fixunresolved_la_LDFLAGS = $(fixture_ldflags) -Wl,-z,lazy
tests_unit_module_fixunresolved_la_LIBADD =
tests_unit_module_fixmajor_la_SOURCES = tests/unit/module/broken.c
tests_unit_module_fixmajor_la_CPPFLAGS = $(fixture_cppflags) -DFIXTURE=fixmajor \
	-DFIXTURE_MAGIC=PTN_MODULE_MAGIC -DFIXTURE_MAJOR=2 \
	-DFIXTURE_MINOR=0 -DFIXTURE_SIZE=200
tests_unit_module_fixmajor_la_LDFLAGS = $(fixture_ldflags)
tests_unit_module_fixmajor_la_LIBADD =
tests_unit_module_fixminor_la_SOURCES = tests/unit/module/broken.c
tests_unit_module_fixminor_la_CPPFLAGS = $(fixture_cppflags) -DFIXTURE=fixminor \
	-DFIXTURE_MAGIC=PTN_MODULE_MAGIC -DFIXTURE_MAJOR=1 \
	-DFIXTURE_MINOR=9 -DFIXTURE_SIZE=200
tests_unit_module_fixminor_la_LDFLAGS = $(fixture_ldflags)
tests_unit_module_fixminor_la_LIBADD =
tests_unit_module_fixmagic_la_SOURCES = tests/unit/module/broken.c
tests_unit_module_fixmagic_la_CPPFLAGS = $(fixture_cppflags) -DFIXTURE=fixmagic \
	-DFIXTURE_MAGIC=0x7f454c46 -DFIXTURE_MAJOR=1 \
	-DFIXTURE_MINOR=0 -DFIXTURE_SIZE=200
tests_unit_module_fixmagic_la_LDFLAGS = $(fixture_ldflags)
tests_unit_module_fixmagic_la_LIBADD =
tests_unit_module_fixsmall_la_SOURCES = tests/unit/module/broken.c
tests_unit_module_fixsmall_la_CPPFLAGS = $(fixture_cppflags) -DFIXTURE=fixsmall \
	-DFIXTURE_MAGIC=PTN_MODULE_MAGIC -DFIXTURE_MAJOR=1 \
	-DFIXTURE_MINOR=0 -DFIXTURE_SIZE=24
tests_unit_module_fixsmall_la_LDFLAGS = $(fixture_ldflags)
tests_unit_module_fixsmall_la_LIBADD =
tests_unit_module_fixnote_la_SOURCES = tests/unit/module/fixture.c
tests_unit_module_fixnote_la_CPPFLAGS = $(fixture_cppflags) -DFIXTURE=fixnote \
	-DFIXTURE_PROVIDES='"fix.store"' \
	-DFIXTURE_NOTE='PTN_NOTE_PROVIDES("fix.store", 1)'
tests_unit_module_fixnote_la_LDFLAGS = $(fixture_ldflags)
tests_unit_module_fixnote_la_LIBADD =
tests_unit_module_fixnotelies_la_SOURCES = tests/unit/module/fixture.c
tests_unit_module_fixnotelies_la_CPPFLAGS = $(fixture_cppflags) \
	-DFIXTURE=fixnotelies -DFIXTURE_PROVIDES='"fix.store"' \
	-DFIXTURE_NOTE='PTN_NOTE_PROVIDES("fix.store", 2)'
tests_unit_module_fixnotelies_la_LDFLAGS = $(fixture_ldflags)
tests_unit_module_fixnotelies_la_LIBADD =
tests_unit_module_fixnotemajor_la_SOURCES = tests/unit/module/broken.c
tests_unit_module_fixnotemajor_la_CPPFLAGS = $(fixture_cppflags) \
	-DFIXTURE=fixnotemajor \
	-DFIXTURE_NOTE_MAJOR=3 -DFIXTURE_MAGIC=PTN_MODULE_MAGIC \
	-DFIXTURE_MAJOR=3 -DFIXTURE_MINOR=1 -DFIXTURE_SIZE=200
tests_unit_module_fixnotemajor_la_LDFLAGS = $(fixture_ldflags)
tests_unit_module_fixnotemajor_la_LIBADD =
noinst_HEADERS += tests/unit/module/trace.h
