# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The module loader and the service registry.
libpostern_core_la_SOURCES += \
	core/module/check.c \
	core/module/closure.c \
	core/module/elf.c core/module/elf.h \
	core/module/host.c \
	core/module/imports.c \
	core/module/inspect.c core/module/inspect.h \
	core/module/loader.c core/module/loader.h \
	core/module/modules.c core/module/modules.h \
	core/module/note.c core/module/note.h \
	core/module/order.c \
	core/module/registry.h
