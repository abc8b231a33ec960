# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The interface of plugins: one built out of tree from the installed headers,
# and headers frozen as authors had them.
abi_tests = tests/abi/out_of_tree.sh tests/abi/frozen.py \
	tests/abi/abidiff.py tests/abi/apidoc.py
EXTRA_DIST += $(abi_tests) tests/abi/frozen
TESTS += tests/abi/out_of_tree.sh
if HAVE_PYTHON
TESTS += tests/abi/frozen.py tests/abi/abidiff.py tests/abi/apidoc.py
endif
