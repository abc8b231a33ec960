/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the server knows of each certificate in use: which one whoever has
 * the keys means to be served, since when, what files were refused, and
 * whether it was seen to be served (round.h, activation.h). The main thread
 * of the supervisor, or of the single process.
 *
 *   new --it is served--> LIVE     --it is not--> ALARM, and the one before
 *    |                                            is served again
 *    +---nobody could look--> UNSEEN
 *
 * A line of news, from a warden:
 *
 *   certificate name= fingerprint= not_before= not_after= since= refused=
 *               locked=yes
 */
#ifndef PTN_PROC_LEDGER_H
#define PTN_PROC_LEDGER_H

#include "base/map.h"
#include "warden/keys.h"

/* Octets of a certificate's name in the configuration, and its end. */
#define PTN_LEDGER_NAME 256
#define PTN_LEDGER_FINGERPRINT (2 * PTN_FINGERPRINT_SIZE + 1)

enum ptn_ledger_state {
    PTN_LEDGER_TAKEN,  /* as it was at the start: nobody has looked */
    PTN_LEDGER_LIVE,   /* it was seen on all its listeners */
    PTN_LEDGER_UNSEEN, /* nobody could look: `why` */
    PTN_LEDGER_ALARM,  /* something else was seen: `why` */
};

struct ptn_ledger_entry {
    char name[PTN_LEDGER_NAME];
    char fingerprint[PTN_LEDGER_FINGERPRINT]; /* "": there is none */
    int64_t not_before, not_after, since;     /* seconds since 1970 */
    char *refused;                            /* or NULL */
    enum ptn_ledger_state state;
    char *why;    /* or NULL */
    char *where;  /* the listeners where it was seen, or NULL */
    bool changed; /* and nobody has looked yet */
    bool told;    /* by the news at hand */
    bool locked;  /* its key waits for a passphrase */
    char checked[PTN_LEDGER_FINGERPRINT]; /* by the round under way; or "" */
    /* After an alarm: the one before is asked for; and it is what is meant
     * now, until the files change. */
    bool going_back, restored;
    char last_good[PTN_LEDGER_FINGERPRINT];
    char alarm_of[PTN_LEDGER_FINGERPRINT]; /* what was not served, in ALARM */
    int64_t stapled_until; /* seconds since 1970; 0: nothing is stapled */
};

struct ptn_ledger {
    struct ptn_map by_name;
    struct ptn_ledger_entry **all; /* in the order in which they came */
    size_t count;
    uint64_t changes; /* that were seen to be served */
};

#define PTN_LEDGER_INIT ((struct ptn_ledger){PTN_MAP_INIT, NULL, 0, 0})
void ptn_ledger_free(struct ptn_ledger *ledger);

/* A line of news. */
void ptn_ledger_write_word(const struct ptn_keys_word *word,
                           struct ptn_buf *out);
/* Takes news. `first`: nothing has changed by them, they are what the server
 * begins with. Answers whether something has. */
bool ptn_ledger_take(struct ptn_ledger *ledger, struct ptn_slice news,
                     bool first);
/* Forgets those that `all`, the news of a new warden, does not tell of. */
void ptn_ledger_keep(struct ptn_ledger *ledger, struct ptn_slice all);
/* NULL: there is none. */
struct ptn_ledger_entry *ptn_ledger_find(const struct ptn_ledger *ledger,
                                         const char *name);

/* What was found out; the entry copies both texts, which may be NULL. */
void ptn_ledger_judge(struct ptn_ledger *ledger, struct ptn_ledger_entry *entry,
                      enum ptn_ledger_state state, const char *why,
                      const char *where);

/* The one before that of the alarm was seen. The alarm stays. */
void ptn_ledger_settle_back(struct ptn_ledger *ledger,
                            struct ptn_ledger_entry *entry, const char *where);
/* Those that have changed are to be checked; answers how many. With `names`,
 * appends a record "certificate name=" of each. */
size_t ptn_ledger_check(struct ptn_ledger *ledger, struct ptn_buf *names);

/* "live", ...; "" for one that nobody has looked for. */
const char *ptn_ledger_word(const struct ptn_ledger_entry *entry);

/* Appends the records `certificate` of a plan, each with what is known here:
 * days_left= since= serving= where= refusal= alarm= alarm_of= unseen= */
void ptn_ledger_annotate(const struct ptn_ledger *ledger,
                         struct ptn_slice records, struct ptn_buf *out);

/* The answer to the request "certificate name=": a record of the same, with
 * meant=, the fingerprint; none for one that is not known. */
void ptn_ledger_answer(const struct ptn_ledger *ledger, struct ptn_slice args,
                       struct ptn_buf *out);

#endif
