# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A module that does what no module should do, for test_guard.py. Never
# installed: a test puts it beside the others in a folder of its own.
check_LTLIBRARIES += tests/integration/misbehave/misbehave.la
tests_integration_misbehave_misbehave_la_SOURCES = \
	tests/integration/misbehave/misbehave.c
tests_integration_misbehave_misbehave_la_CPPFLAGS = $(public_cppflags)
tests_integration_misbehave_misbehave_la_LDFLAGS = $(module_ldflags) \
	-rpath /nowhere
tests_integration_misbehave_misbehave_la_LIBADD = libpostern.la

# A static build loads no plugins: there, a server that has it inside.
if STATIC_MODULES
check_PROGRAMS += tests/integration/misbehave/posternd
endif
tests_integration_misbehave_posternd_SOURCES = core/posternd/posternd.c
tests_integration_misbehave_posternd_CPPFLAGS = \
	$(core_posternd_posternd_CPPFLAGS)
tests_integration_misbehave_posternd_CFLAGS = $(prog_cflags)
tests_integration_misbehave_posternd_LDFLAGS = \
	$(core_posternd_posternd_LDFLAGS) \
	-dlpreopen tests/integration/misbehave/misbehave.la
EXTRA_tests_integration_misbehave_posternd_DEPENDENCIES = $(module_objects) \
	tests/integration/misbehave/misbehave.la
tests_integration_misbehave_posternd_LDADD = $(core_posternd_posternd_LDADD)
