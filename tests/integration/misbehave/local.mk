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
