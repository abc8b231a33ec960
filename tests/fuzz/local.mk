# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Fuzz targets. Each defines LLVMFuzzerTestOneInput; tests/fuzz/NAME.c has its
# corpus, at least one file, in tests/fuzz/corpus/NAME/ and is named here:
#   fuzz_targets += tests/fuzz/NAME
# (with an _LDADD of its own if it needs more than the core and mail/).
# `make check` replays the corpora. ./configure CC=clang --enable-fuzz links the
# targets with libFuzzer; then `tests/fuzz/NAME CORPUS-FOLDER` searches on.
fuzz_targets =

check_LTLIBRARIES += tests/fuzz/libreplay.la
tests_fuzz_libreplay_la_SOURCES = tests/fuzz/replay.c
check_PROGRAMS += $(fuzz_targets)
EXTRA_DIST += tests/fuzz/corpus
if !FUZZ
TESTS += $(fuzz_targets)
endif

fuzz_targets += tests/fuzz/imap_session
tests_fuzz_imap_session_LDADD = $(imap_fake)
tests_fuzz_imap_session_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/modules/imap

fuzz_targets += tests/fuzz/header
fuzz_targets += tests/fuzz/message
fuzz_targets += tests/fuzz/name
fuzz_targets += tests/fuzz/search
fuzz_targets += tests/fuzz/tls_hello
fuzz_targets += tests/fuzz/proxy
noinst_HEADERS += tests/fuzz/imap_grammar.h
fuzz_targets += tests/fuzz/framing
fuzz_targets += tests/fuzz/x509

fuzz_targets += tests/fuzz/smtp_session tests/fuzz/pop3_session \
	tests/fuzz/passwd
noinst_HEADERS += tests/fuzz/session.h
tests_fuzz_smtp_session_LDADD = modules/smtp/libsmtp.la $(harness_libs)
tests_fuzz_pop3_session_LDADD = modules/pop3/libpop3.la $(harness_libs)
tests_fuzz_passwd_LDADD = $(passwd_test_libs)
fuzz_targets += tests/fuzz/conf
fuzz_targets += tests/fuzz/module_file
fuzz_targets += tests/fuzz/acme_http
tests_fuzz_acme_http_LDADD = modules/acme_http/libacme_http.la $(harness_libs)
