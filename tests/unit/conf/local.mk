# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Unit tests of the configuration.
unit_tests += tests/unit/conf/bad
tests_unit_conf_bad_SOURCES = tests/unit/conf/bad.c \
	tests/unit/conf/fixture.c tests/unit/conf/fixture.h
EXTRA_DIST += tests/unit/conf/bad/address-ipv6-bare.conf \
	tests/unit/conf/bad/address-name.conf \
	tests/unit/conf/bad/address-no-port.conf \
	tests/unit/conf/bad/address-none.conf \
	tests/unit/conf/bad/address-port-alone.conf \
	tests/unit/conf/bad/address-port.conf \
	tests/unit/conf/bad/all-at-once.conf \
	tests/unit/conf/bad/block-not-loaded.conf \
	tests/unit/conf/bad/block-unknown.conf \
	tests/unit/conf/bad/cert-ed25519.conf \
	tests/unit/conf/bad/cert-key-type.conf \
	tests/unit/conf/bad/cert-names.conf \
	tests/unit/conf/bad/cert-no-cert.conf \
	tests/unit/conf/bad/cert-no-key.conf \
	tests/unit/conf/bad/cert-star.conf \
	tests/unit/conf/bad/choice-far.conf \
	tests/unit/conf/bad/choice-near.conf \
	tests/unit/conf/bad/choice-tied.conf \
	tests/unit/conf/bad/domain-bad.conf \
	tests/unit/conf/bad/given-twice-block.conf \
	tests/unit/conf/bad/given-twice-many.conf \
	tests/unit/conf/bad/given-twice.conf \
	tests/unit/conf/bad/hostname-bad.conf \
	tests/unit/conf/bad/hostname-label.conf \
	tests/unit/conf/bad/include-folder.conf \
	tests/unit/conf/bad/include-itself.conf \
	tests/unit/conf/bad/include-missing.conf \
	tests/unit/conf/bad/include-place.conf \
	tests/unit/conf/bad/integer-large-hex.conf \
	tests/unit/conf/bad/integer-large-long.conf \
	tests/unit/conf/bad/integer-large.conf \
	tests/unit/conf/bad/limits-key.conf \
	tests/unit/conf/bad/limits-marks.conf \
	tests/unit/conf/bad/limits-shared-once.conf \
	tests/unit/conf/bad/listener-not-group.conf \
	tests/unit/conf/bad/listeners-empty.conf \
	tests/unit/conf/bad/listeners-none.conf \
	tests/unit/conf/bad/load-missing.conf \
	tests/unit/conf/bad/load-path.conf \
	tests/unit/conf/bad/load-twice.conf \
	tests/unit/conf/bad/load-type.conf \
	tests/unit/conf/bad/log-facility-idle.conf \
	tests/unit/conf/bad/log-file-idle.conf \
	tests/unit/conf/bad/log-file-missing.conf \
	tests/unit/conf/bad/log-format-idle.conf \
	tests/unit/conf/bad/log-socket-idle.conf \
	tests/unit/conf/bad/module-block-missing.conf \
	tests/unit/conf/bad/module-key.conf \
	tests/unit/conf/bad/module-required.conf \
	tests/unit/conf/bad/part.inc \
	tests/unit/conf/bad/path-empty.conf \
	tests/unit/conf/bad/port-any-ipv4.conf \
	tests/unit/conf/bad/port-own.conf \
	tests/unit/conf/bad/port-same.conf \
	tests/unit/conf/bad/port-wildcard.conf \
	tests/unit/conf/bad/protocol-check-too.conf \
	tests/unit/conf/bad/protocol-check.conf \
	tests/unit/conf/bad/protocol-key.conf \
	tests/unit/conf/bad/protocol-missing.conf \
	tests/unit/conf/bad/protocol-unknown-far.conf \
	tests/unit/conf/bad/protocol-unknown.conf \
	tests/unit/conf/bad/range-int.conf \
	tests/unit/conf/bad/range-size.conf \
	tests/unit/conf/bad/range-time.conf \
	tests/unit/conf/bad/syntax-bracket-extra.conf \
	tests/unit/conf/bad/syntax-bracket-mismatch.conf \
	tests/unit/conf/bad/syntax-comment-open.conf \
	tests/unit/conf/bad/syntax-missing-brace.conf \
	tests/unit/conf/bad/syntax-missing-quote.conf \
	tests/unit/conf/bad/syntax-missing-semicolon.conf \
	tests/unit/conf/bad/syntax-nul.conf \
	tests/unit/conf/bad/syntax-too-deep.conf \
	tests/unit/conf/bad/tls-certificate-unknown.conf \
	tests/unit/conf/bad/tls-certificates-empty.conf \
	tests/unit/conf/bad/tls-group.conf \
	tests/unit/conf/bad/tls-implicit-require.conf \
	tests/unit/conf/bad/tls-missing.conf \
	tests/unit/conf/bad/tls-mode-bool.conf \
	tests/unit/conf/bad/tls-mode-key.conf \
	tests/unit/conf/bad/tls-mode-off.conf \
	tests/unit/conf/bad/tls-mode-value.conf \
	tests/unit/conf/bad/tls-none-login.conf \
	tests/unit/conf/bad/tls-none-with-certificates.conf \
	tests/unit/conf/bad/tls-policy-mode.conf \
	tests/unit/conf/bad/tls-policy-none.conf \
	tests/unit/conf/bad/tls-policy-unknown.conf \
	tests/unit/conf/bad/tls-version-unsupported.conf \
	tests/unit/conf/bad/tls-version-word.conf \
	tests/unit/conf/bad/tls-versions.conf \
	tests/unit/conf/bad/type-block-of-module.conf \
	tests/unit/conf/bad/type-bool.conf \
	tests/unit/conf/bad/type-group.conf \
	tests/unit/conf/bad/type-int-as-string.conf \
	tests/unit/conf/bad/type-list-as-string.conf \
	tests/unit/conf/bad/type-list-elements.conf \
	tests/unit/conf/bad/type-string-as-int.conf \
	tests/unit/conf/bad/unit-size.conf \
	tests/unit/conf/bad/unit-time-missing.conf \
	tests/unit/conf/bad/unit-time-number.conf \
	tests/unit/conf/bad/unknown-key-far.conf \
	tests/unit/conf/bad/unknown-key.conf \
	tests/unit/conf/bad/utf8-bad.conf
unit_tests += tests/unit/conf/good
tests_unit_conf_good_SOURCES = tests/unit/conf/good.c \
	tests/unit/conf/fixture.c tests/unit/conf/fixture.h
unit_tests += tests/unit/conf/diff
tests_unit_conf_diff_SOURCES = tests/unit/conf/diff.c \
	tests/unit/conf/fixture.c tests/unit/conf/fixture.h
unit_tests += tests/unit/conf/suggest
unit_tests += tests/unit/conf/man
