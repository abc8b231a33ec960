# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The module acme_http, in the harness for authors of modules.
unit_tests += tests/unit/acme_http/acme_http
tests_unit_acme_http_acme_http_LDADD = \
	modules/acme_http/libacme_http.la $(harness_libs)
