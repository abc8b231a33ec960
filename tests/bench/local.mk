# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Measurements; nothing here decides whether a change is good.
EXTRA_DIST += tests/bench/certificates tests/bench/compare \
	tests/bench/sandbox tests/bench/starts \
	tests/bench/warden \
	tests/bench/README.md
