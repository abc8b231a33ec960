/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Numbers as the machine has them, texts with their length before them. A
 * reader that has met a fault stays at the end and says so once. Pure
 * functions, any thread.
 */
#include "auth/wire.h"

struct reader {
    struct ptn_slice rest;
    bool bad;
};

static void
put(struct ptn_buf *out, const void *value, size_t size)
{
    ptn_buf_add(out, value, size);
}

static void
put_slice(struct ptn_buf *out, struct ptn_slice s)
{
    uint16_t len = s.len < UINT16_MAX ? (uint16_t)s.len : UINT16_MAX;

    put(out, &len, sizeof len);
    ptn_buf_add(out, s.data, len);
}

static void
put_head(struct ptn_buf *out, enum ptn_wire_type type, uint32_t id)
{
    ptn_buf_addc(out, (char)type);
    put(out, &id, sizeof id);
}

static void
get(struct reader *r, void *value, size_t size)
{
    memset(value, 0, size);
    r->bad = r->bad || r->rest.len < size;
    if (r->bad)
        return;
    memcpy(value, r->rest.data, size);
    r->rest = ptn_slice_sub(r->rest, size, r->rest.len - size);
}

static struct ptn_slice
get_slice(struct reader *r)
{
    struct ptn_slice s = {NULL, 0};
    uint16_t len;

    get(r, &len, sizeof len);
    r->bad = r->bad || r->rest.len < len;
    if (r->bad)
        return s;
    s = ptn_slice_sub(r->rest, 0, len);
    r->rest = ptn_slice_sub(r->rest, len, r->rest.len - len);
    return s;
}

static bool
get_bool(struct reader *r)
{
    uint8_t value;

    get(r, &value, sizeof value);
    r->bad = r->bad || value > 1;
    return value == 1;
}

static void
put_bool(struct ptn_buf *out, bool value)
{
    ptn_buf_addc(out, value ? 1 : 0);
}

static bool
is_read(const struct reader *r)
{
    return !r->bad && r->rest.len == 0;
}

int
ptn_wire_take(struct ptn_slice *message, uint32_t *id)
{
    struct reader r = {*message, false};
    char type;

    get(&r, &type, sizeof type);
    get(&r, id, sizeof *id);
    *message = r.rest;
    return r.bad ? 0 : type;
}

void
ptn_wire_put_start(struct ptn_buf *out, uint32_t id,
                   const struct ptn_auth_start *s)
{
    uint32_t attempts = s->attempts;

    put_head(out, PTN_WIRE_START, id);
    put(out, &attempts, sizeof attempts);
    put_bool(out, s->command);
    put_slice(out, s->mechanism);
    put_slice(out, s->network);
    put_slice(out, s->client);
    for (size_t i = 0; i < PTN_BINDINGS; i++)
        put_slice(out, s->bindings[i]);
    put_bool(out, s->response.data != NULL);
    put_slice(out, s->response);
}

bool
ptn_wire_get_start(struct ptn_slice message, struct ptn_auth_start *out)
{
    struct reader r = {message, false};
    uint32_t attempts;

    get(&r, &attempts, sizeof attempts);
    out->attempts = attempts;
    out->command = get_bool(&r);
    out->mechanism = get_slice(&r);
    out->network = get_slice(&r);
    out->client = get_slice(&r);
    for (size_t i = 0; i < PTN_BINDINGS; i++) {
        out->bindings[i] = get_slice(&r);
        r.bad = r.bad || out->bindings[i].len > PTN_SASL_BINDING_MAX;
    }
    bool has_response = get_bool(&r);
    out->response = get_slice(&r);
    if (!has_response)
        out->response = (struct ptn_slice){NULL, 0};
    return is_read(&r) && out->mechanism.len <= PTN_SASL_MECHANISM_MAX &&
           out->network.len < PTN_SASL_NETWORK_MAX &&
           out->client.len <= PTN_USER_NAME_MAX;
}

void
ptn_wire_put_step(struct ptn_buf *out, uint32_t id, struct ptn_slice response)
{
    put_head(out, PTN_WIRE_STEP, id);
    put_slice(out, response);
}

bool
ptn_wire_get_step(struct ptn_slice message, struct ptn_slice *response)
{
    struct reader r = {message, false};

    *response = get_slice(&r);
    return is_read(&r);
}

void
ptn_wire_put_drop(struct ptn_buf *out, uint32_t id)
{
    put_head(out, PTN_WIRE_DROP, id);
}

void
ptn_wire_put_answer(struct ptn_buf *out, uint32_t id,
                    const struct ptn_auth_answer *a)
{
    uint32_t outcome = a->outcome;
    uint64_t quota = a->user ? a->user->quota : 0;

    put_head(out, PTN_WIRE_ANSWER, id);
    put(out, &outcome, sizeof outcome);
    put_slice(out, a->data);
    put_slice(out, a->name);
    put_slice(out, a->why);
    put_slice(out, ptn_slice_of(a->user ? a->user->name : ""));
    put(out, &quota, sizeof quota);
}

bool
ptn_wire_get_answer(struct ptn_slice message, struct ptn_auth_answer *out,
                    struct ptn_user *user)
{
    struct reader r = {message, false};
    struct ptn_slice name;
    uint32_t outcome;

    get(&r, &outcome, sizeof outcome);
    out->outcome = (enum ptn_auth)outcome;
    out->data = get_slice(&r);
    out->name = get_slice(&r);
    out->why = get_slice(&r);
    name = get_slice(&r);
    get(&r, &user->quota, sizeof user->quota);
    if (!is_read(&r) || name.len > PTN_USER_NAME_MAX ||
        outcome > PTN_AUTH_THROTTLED ||
        (outcome == PTN_AUTH_OK) != (name.len > 0))
        return false;
    memcpy(user->name, name.data, name.len);
    user->name[name.len] = '\0';
    out->user = name.len > 0 ? user : NULL;
    return true;
}

void
ptn_wire_put_offers(struct ptn_buf *out, const struct ptn_auth_service *s)
{
    uint8_t count = (uint8_t)s->offer_count;

    put_head(out, PTN_WIRE_OFFERS, 0);
    put(out, &count, sizeof count);
    for (size_t i = 0; i < s->offer_count; i++) {
        uint32_t bindings = s->offers[i].bindings;

        put_slice(out, ptn_slice_of(s->offers[i].name));
        put(out, &bindings, sizeof bindings);
        put_bool(out, s->offers[i].client);
    }
}

bool
ptn_wire_get_offers(struct ptn_slice message, struct ptn_auth_service *s)
{
    struct ptn_auth_offer offers[PTN_SASL_OFFERS];
    struct reader r = {message, false};
    uint8_t count;

    memset(offers, 0, sizeof offers);
    get(&r, &count, sizeof count);
    for (size_t i = 0; i < count; i++) {
        struct ptn_slice name = get_slice(&r);
        uint32_t bindings;

        get(&r, &bindings, sizeof bindings);
        bool client = get_bool(&r);
        if (r.bad || i >= PTN_SASL_OFFERS || name.len > PTN_SASL_MECHANISM_MAX)
            return false;
        memcpy(offers[i].name, name.data, name.len);
        offers[i].bindings = bindings;
        offers[i].client = client;
    }
    if (!is_read(&r))
        return false;
    memcpy(s->offers, offers, sizeof offers);
    s->offer_count = count;
    return true;
}
