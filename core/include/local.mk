# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The installed headers of the core: all that a module or plugin may include.
# coreinclude_HEADERS += core/include/postern/NAME.h
coreinclude_HEADERS += core/include/postern/arena.h
coreinclude_HEADERS += core/include/postern/buf.h
coreinclude_HEADERS += core/include/postern/directory.h
coreinclude_HEADERS += core/include/postern/errand.h
coreinclude_HEADERS += core/include/postern/error.h
coreinclude_HEADERS += core/include/postern/job.h
coreinclude_HEADERS += core/include/postern/log.h
coreinclude_HEADERS += core/include/postern/metric.h
coreinclude_HEADERS += core/include/postern/module.h
coreinclude_HEADERS += core/include/postern/ocsp.h
coreinclude_HEADERS += core/include/postern/option.h
coreinclude_HEADERS += core/include/postern/protocol.h
coreinclude_HEADERS += core/include/postern/sasl.h
coreinclude_HEADERS += core/include/postern/session.h
coreinclude_HEADERS += core/include/postern/tls.h
coreinclude_HEADERS += core/include/postern/types.h
coreinclude_HEADERS += core/include/postern/x509.h
dist_man_MANS += core/include/postern-module.7

# The reference of all of them is made from them; the guide goes beside it.
dist_doc_DATA += plugins/README.md
EXTRA_DIST += tools/apidoc
if HAVE_PYTHON
man_MANS += core/include/postern-api.7
doc_DATA += core/include/api.html
CLEANFILES += core/include/postern-api.7 core/include/api.html
api_headers = $(coreinclude_HEADERS) $(mailinclude_HEADERS)
api_paths = $(api_headers:%=$(top_srcdir)/%)
core/include/postern-api.7: $(api_headers) tools/apidoc
	$(AM_V_GEN)$(MKDIR_P) core/include && \
	$(PYTHON) $(top_srcdir)/tools/apidoc man $(api_paths) > $@.new && \
	mv $@.new $@
core/include/api.html: $(api_headers) tools/apidoc
	$(AM_V_GEN)$(MKDIR_P) core/include && \
	$(PYTHON) $(top_srcdir)/tools/apidoc html $(api_paths) > $@.new && \
	mv $@.new $@
endif
