# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Unit tests of the directory in a file.
passwd_test_libs = plugins/passwd/libpasswd.la $(LDADD)
noinst_HEADERS += tests/unit/passwd/fixture.h
unit_tests += tests/unit/passwd/directory tests/unit/passwd/edit \
	tests/unit/passwd/entry tests/unit/passwd/secret \
	tests/unit/passwd/man tests/unit/passwd/table
tests_unit_passwd_directory_LDADD = $(passwd_test_libs)
tests_unit_passwd_edit_LDADD = $(passwd_test_libs)
tests_unit_passwd_entry_LDADD = $(passwd_test_libs)
tests_unit_passwd_man_LDADD = $(passwd_test_libs)
tests_unit_passwd_secret_LDADD = $(passwd_test_libs)
tests_unit_passwd_table_LDADD = $(passwd_test_libs)
