# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Configuration files: the default one and one example per scenario.
# dist_examples_DATA += conf/NAME.conf
examplesdir = $(docdir)/examples
dist_examples_DATA =
