# SPDX-License-Identifier: GPL-2.0-or-later
#
# Configuration files: the default one and one example per scenario.
# dist_examples_DATA += conf/NAME.conf
examplesdir = $(docdir)/examples
dist_examples_DATA =
