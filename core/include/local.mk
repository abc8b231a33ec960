# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The installed headers of the core: all that a module or plugin may include.
# coreinclude_HEADERS += core/include/postern/NAME.h
coreinclude_HEADERS += core/include/postern/arena.h
coreinclude_HEADERS += core/include/postern/buf.h
coreinclude_HEADERS += core/include/postern/directory.h
coreinclude_HEADERS += core/include/postern/error.h
coreinclude_HEADERS += core/include/postern/job.h
coreinclude_HEADERS += core/include/postern/log.h
coreinclude_HEADERS += core/include/postern/metric.h
coreinclude_HEADERS += core/include/postern/module.h
coreinclude_HEADERS += core/include/postern/option.h
coreinclude_HEADERS += core/include/postern/protocol.h
coreinclude_HEADERS += core/include/postern/sasl.h
coreinclude_HEADERS += core/include/postern/session.h
coreinclude_HEADERS += core/include/postern/tls.h
coreinclude_HEADERS += core/include/postern/types.h
dist_man_MANS += core/include/postern-module.7
