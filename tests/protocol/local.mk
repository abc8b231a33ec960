# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Protocol dialogues, replayed against the modules: tests/protocol/replay.py
# says how they are written.
if HAVE_PYTHON
TESTS += tests/protocol/replay.py
endif
EXTRA_DIST += tests/protocol/replay.py tests/protocol/imap tests/protocol/pop3 \
	tests/protocol/smtp
