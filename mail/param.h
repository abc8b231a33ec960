/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Content-Type, Content-Disposition and their parameters (RFC 2045 section
 * 5.1, RFC 2183), with the continuations of RFC 2231.
 */
#ifndef PTN_MAIL_PARAM_H
#define PTN_MAIL_PARAM_H

#include <postern/buf.h>

#define PTN_PARAMS_MAX 64     /* of one field; more are not told */
#define PTN_PARAM_NAME_MAX 64 /* octets; longer ones are not told */

struct ptn_param {
    struct ptn_slice name;  /* without "*0*" */
    struct ptn_slice value; /* without quotes, but with escapes and folds */
    int16_t section;        /* of a continued value, or -1 */
    bool extended;          /* the name had a "*" at its end */
    bool quoted;
};

struct ptn_params {
    size_t count;
    struct ptn_param list[PTN_PARAMS_MAX];
};

/* A field's value: "type/subtype; a=b" or, without the slash and subtype,
 * "disposition; a=b". False when it does not begin with the tokens that it
 * should; then params->count is 0. `params` may be NULL. */
bool ptn_content_type_parse(struct ptn_slice value, struct ptn_slice *type,
                            struct ptn_slice *subtype,
                            struct ptn_params *params);
bool ptn_disposition_parse(struct ptn_slice value,
                           struct ptn_slice *disposition,
                           struct ptn_params *params);

/* One token, comments around it passed over: data NULL when there is none. */
struct ptn_slice ptn_token_parse(struct ptn_slice value);

/* Appends the value of the parameter `name`, continuations joined; of an
 * extended value the charset is cut off and the octets are decoded. False
 * when there is none. */
bool ptn_params_get(const struct ptn_params *params, struct ptn_slice name,
                    struct ptn_buf *out);

/* Appends IMAP's form: ("name" "value" ...), or NIL. A continued value is
 * joined; one that names a charset keeps its extended form, "name*". The
 * content of `scratch` is lost. */
void ptn_params_write(const struct ptn_params *params, struct ptn_buf *scratch,
                      struct ptn_buf *out);

#endif
