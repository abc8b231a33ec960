/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who has an envoy (envoy.h) for the single process. That one is in a sandbox
 * in which nothing connects to the outside or runs a program, nor can what it
 * forks; and it has keys in its memory. So before it has either, and only
 * where the configuration has work for an envoy, it forks a spawner, which
 * stays outside with nothing but the configuration, and forks envoys. It
 * lives as long as the single process and the successors of that one, who
 * inherit its channel.
 *
 *   single --EMPLOY, WISH--> spawner --fork--> envoy
 *      ^                        |                |
 *      +---MEET, REPORT, PID----+     asks the desk of the single process
 */
#ifndef PTN_PROC_SPAWNER_H
#define PTN_PROC_SPAWNER_H

#include "conf/conf.h"

/* Over a pair of sockets that keep message boundaries; one octet, and a
 * text. */
enum ptn_spawner_message {
    /* to the spawner */
    PTN_SPAWNER_EMPLOY = 'E', /* modules: the configuration is read anew */
    PTN_SPAWNER_WISH = 'W',   /* as the verb `renew` has it */
    /* to the single process */
    PTN_SPAWNER_MEET = 'M',   /* with the envoy's channel, twice */
    PTN_SPAWNER_REPORT = 'S', /* as the envoy says it */
    PTN_SPAWNER_DONE = 'A',   /* the wish's outcome: "", or why not */
    PTN_SPAWNER_PID = 'P',    /* the envoy's; 0: there is none */
};

#define PTN_SPAWNER_VARIABLE "POSTERN_SPAWNER"

/* The channel of the one there is, by inheritance, or of a new one, if `conf`
 * has work for it; -1: neither. Before there are threads, keys, a sandbox. */
int ptn_spawner_begin(struct ptn_conf *conf);

#endif
