/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Dates: of header fields (RFC 5322 section 3.3) and of IMAP.
 */
#ifndef POSTERN_MAIL_DATE_H
#define POSTERN_MAIL_DATE_H

#include <postern/buf.h>
#include <postern/types.h>

/* "Fri, 21 Nov 1997 09:55:06 -0600": seconds since 1970 and the zone in
 * minutes. Obsolete forms are read, too. False when it is no date. */
PTN_API bool ptn_date_parse(struct ptn_slice text, int64_t *seconds,
                            int32_t *zone);
/* Such a date for a header field. */
PTN_API void ptn_date_format(int64_t seconds, int32_t zone,
                             struct ptn_buf *out);

/* IMAP date-time "17-Jul-1996 02:44:25 -0700" without its quotes, and IMAP
 * date "17-Jul-1996" (as days since 1970). */
PTN_API bool ptn_imap_datetime_parse(struct ptn_slice text, int64_t *seconds,
                                     int32_t *zone);
PTN_API void ptn_imap_datetime_format(int64_t seconds, int32_t zone,
                                      struct ptn_buf *out);
PTN_API bool ptn_imap_date_parse(struct ptn_slice text, int32_t *days);

#endif
