# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Rules that a machine can check. Each lint is first shown small trees that
# break its rule, then this one. Python's standard library is all they need.
lints = tests/lint/layers.py tests/lint/sizes.py tests/lint/words.py \
	tests/lint/format.py tests/lint/rfc.py tests/lint/symbols.py
EXTRA_DIST += $(lints) tests/lint/lint.py tests/rfc.tsv
if HAVE_PYTHON
TESTS += $(lints)
endif
