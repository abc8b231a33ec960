/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The text of a configuration: the file with everything that it includes,
 * as one run of lines that remember where each came from. Including is done
 * here and not by libconfig, so that paths mean the same with each of its
 * versions: relative to the folder of the file that says @include.
 */
#ifndef PTN_CONF_SOURCE_H
#define PTN_CONF_SOURCE_H

#include "conf/conf.h"
#include <postern/buf.h>

#define PTN_CONF_FILE_MAX (16u << 20) /* octets of all files together */
#define PTN_CONF_DEPTH_MAX 10         /* files that include files */

/* From line `from` of the text on, lines are those of `file`. */
struct ptn_conf_run {
    int from;
    const char *file;
    int line;
};

struct ptn_conf_source {
    struct ptn_buf text;
    int lines; /* complete lines in text */
    struct ptn_conf_run *runs;
    size_t run_count, run_cap;
};

/* Reads conf->file. What is wrong becomes notes; false when the text is not
 * fit to be parsed. */
bool ptn_conf_source_read(struct ptn_conf *conf, struct ptn_conf_source *src);
/* The text is the caller's, whole: nothing is included. */
void ptn_conf_source_set(struct ptn_conf_source *src, const char *file,
                         struct ptn_slice text);
void ptn_conf_source_free(struct ptn_conf_source *src);

/* Where a line (from 1) of the text came from. */
struct ptn_conf_place ptn_conf_source_place(const struct ptn_conf_source *src,
                                            int line);

/* What libconfig gets wrong or says too little about: settings given twice,
 * brackets that do not match, open strings, integers beyond 32 bits (which
 * libconfig 1.5 cuts silently), NUL in a string. Adds notes; false when the
 * text cannot be parsed. */
bool ptn_conf_scan(struct ptn_conf *conf, const struct ptn_conf_source *src);

/* `path` as seen from the folder of `file`, in the arena. */
const char *ptn_conf_resolve(struct ptn_conf *conf, const char *file,
                             const char *path);

#endif
