# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Supervisor, workers, control socket.
libpostern_core_la_SOURCES += \
	core/proc/activation.c core/proc/activation.h \
	core/proc/admin.c core/proc/admin.h \
	core/proc/answers.c core/proc/answers.h \
	core/proc/answer_sessions.c \
	core/proc/asks.c core/proc/asks.h \
	core/proc/begin.c core/proc/begin.h \
	core/proc/channels.c core/proc/channels.h \
	core/proc/checker.c core/proc/checker.h \
	core/proc/blame.c core/proc/blame.h \
	core/proc/child.c core/proc/child.h \
	core/proc/command.c core/proc/command.h \
	core/proc/control.c core/proc/control.h \
	core/proc/control_client.c \
	core/proc/crash.c core/proc/crash.h \
	core/proc/crew.c core/proc/crew.h \
	core/proc/effective.c core/proc/effective.h \
	core/proc/envoy.c core/proc/envoy.h \
	core/proc/envoy_child.c core/proc/envoy_child.h \
	core/proc/errand_host.c \
	core/proc/generation.c core/proc/generation.h \
	core/proc/handover.c core/proc/handover.h \
	core/proc/heir.c core/proc/heir.h \
	core/proc/hook.c core/proc/hook.h \
	core/proc/inherit.c core/proc/inherit.h \
	core/proc/inner.h \
	core/proc/inspect.c core/proc/inspect.h \
	core/proc/inspect_tls.c \
	core/proc/keeper.c core/proc/keeper.h \
	core/proc/ledger.c core/proc/ledger.h \
	core/proc/machine.h \
	core/proc/legacy.c core/proc/legacy.h \
	core/proc/logs.c core/proc/logs.h \
	core/proc/metrics.c core/proc/metrics.h \
	core/proc/notify.c core/proc/notify.h \
	core/proc/reading.c core/proc/reading.h \
	core/proc/round.c core/proc/round.h \
	core/proc/single_round.c core/proc/single_unlock.c \
	core/proc/plan.c core/proc/plan.h \
	core/proc/privileges.c core/proc/privileges.h \
	core/proc/probe.c core/proc/probe.h \
	core/proc/record.c \
	core/proc/reload.c core/proc/reload.h \
	core/proc/report.c core/proc/report.h \
	core/proc/sandbox.c core/proc/sandbox.h \
	core/proc/sandbox_inner.h \
	core/proc/sandbox_landlock.c \
	core/proc/sandbox_paths.c \
	core/proc/sandbox_seccomp.c \
	core/proc/sandbox_trap.c \
	core/proc/server.c core/proc/server.h \
	core/proc/setup.c core/proc/setup.h \
	core/proc/shared.c core/proc/shared.h \
	core/proc/single.c core/proc/single.h \
	core/proc/spawner.c core/proc/spawner.h \
	core/proc/single_envoy.c \
	core/proc/single_change.c core/proc/single_inner.h \
	core/proc/socket.c core/proc/socket.h \
	core/proc/status.c core/proc/status.h \
	core/proc/succession.c \
	core/proc/supervisor.c core/proc/supervisor.h \
	core/proc/symbol.c core/proc/symbol.h \
	core/proc/unlock.c core/proc/unlock.h \
	core/proc/upgrade.c core/proc/upgrade.h \
	core/proc/tickets.c core/proc/tickets.h \
	core/proc/verdict.c \
	core/proc/transition.c \
	core/proc/verbs.c \
	core/proc/ward.c core/proc/ward.h \
	core/proc/warden.c core/proc/warden.h \
	core/proc/worker.c core/proc/worker.h
