/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the processors we know of keep where, in the context that a signal
 * handler gets. PTN_MACHINE is 1 where this is known; without it, a crash
 * has no exact place and a refused system call cannot be told of.
 */
#ifndef PTN_PROC_MACHINE_H
#define PTN_PROC_MACHINE_H

#include <stdint.h>
#include <ucontext.h>

#if defined __x86_64__
#define PTN_MACHINE 1
#define PTN_MACHINE_PC(uc) ((uc)->uc_mcontext.gregs[REG_RIP])
#define PTN_MACHINE_SET_RESULT(uc, value)                                      \
    ((uc)->uc_mcontext.gregs[REG_RAX] = (value))
#define PTN_MACHINE_ARGUMENTS(uc)                                              \
    {                                                                          \
        (uc)->uc_mcontext.gregs[REG_RDI], (uc)->uc_mcontext.gregs[REG_RSI],    \
            (uc)->uc_mcontext.gregs[REG_RDX],                                  \
            (uc)->uc_mcontext.gregs[REG_R10], (uc)->uc_mcontext.gregs[REG_R8], \
            (uc)->uc_mcontext.gregs[REG_R9]                                    \
    }
#elif defined __i386__
#define PTN_MACHINE 1
#define PTN_MACHINE_PC(uc) ((uc)->uc_mcontext.gregs[REG_EIP])
#define PTN_MACHINE_SET_RESULT(uc, value)                                      \
    ((uc)->uc_mcontext.gregs[REG_EAX] = (greg_t)(value))
#define PTN_MACHINE_ARGUMENTS(uc)                                              \
    {                                                                          \
        (uc)->uc_mcontext.gregs[REG_EBX], (uc)->uc_mcontext.gregs[REG_ECX],    \
            (uc)->uc_mcontext.gregs[REG_EDX],                                  \
            (uc)->uc_mcontext.gregs[REG_ESI],                                  \
            (uc)->uc_mcontext.gregs[REG_EDI], (uc)->uc_mcontext.gregs[REG_EBP] \
    }
#elif defined __aarch64__
#define PTN_MACHINE 1
#define PTN_MACHINE_PC(uc) ((uc)->uc_mcontext.pc)
#define PTN_MACHINE_SET_RESULT(uc, value)                                      \
    ((uc)->uc_mcontext.regs[0] = (unsigned long)(value))
#define PTN_MACHINE_ARGUMENTS(uc)                                              \
    {                                                                          \
        (long)(uc)->uc_mcontext.regs[0], (long)(uc)->uc_mcontext.regs[1],      \
            (long)(uc)->uc_mcontext.regs[2], (long)(uc)->uc_mcontext.regs[3],  \
            (long)(uc)->uc_mcontext.regs[4], (long)(uc)->uc_mcontext.regs[5]   \
    }
#elif defined __arm__
#define PTN_MACHINE 1
#define PTN_MACHINE_PC(uc) ((uc)->uc_mcontext.arm_pc)
#define PTN_MACHINE_SET_RESULT(uc, value)                                      \
    ((uc)->uc_mcontext.arm_r0 = (unsigned long)(value))
#define PTN_MACHINE_ARGUMENTS(uc)                                              \
    {                                                                          \
        (long)(uc)->uc_mcontext.arm_r0, (long)(uc)->uc_mcontext.arm_r1,        \
            (long)(uc)->uc_mcontext.arm_r2, (long)(uc)->uc_mcontext.arm_r3,    \
            (long)(uc)->uc_mcontext.arm_r4, (long)(uc)->uc_mcontext.arm_r5     \
    }
#elif defined __riscv
#define PTN_MACHINE 1
#define PTN_MACHINE_PC(uc) ((uc)->uc_mcontext.__gregs[REG_PC])
#define PTN_MACHINE_SET_RESULT(uc, value)                                      \
    ((uc)->uc_mcontext.__gregs[REG_A0] = (unsigned long)(value))
#define PTN_MACHINE_ARGUMENTS(uc)                                              \
    {                                                                          \
        (long)(uc)->uc_mcontext.__gregs[REG_A0],                               \
            (long)(uc)->uc_mcontext.__gregs[REG_A0 + 1],                       \
            (long)(uc)->uc_mcontext.__gregs[REG_A0 + 2],                       \
            (long)(uc)->uc_mcontext.__gregs[REG_A0 + 3],                       \
            (long)(uc)->uc_mcontext.__gregs[REG_A0 + 4],                       \
            (long)(uc)->uc_mcontext.__gregs[REG_A0 + 5]                        \
    }
#else
#define PTN_MACHINE 0
#endif

/* Where the signal came in; 0 = not known here. */
static inline uintptr_t
ptn_machine_pc(const ucontext_t *context)
{
#if PTN_MACHINE
    return (uintptr_t)PTN_MACHINE_PC(context);
#else
    (void)context;
    return 0;
#endif
}

#endif
