/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Fuzz target: header fields are told apart and decoded. The fields of a
 * header are the header, piece by piece; decoding gives no more than the
 * input can hold; a date that is read can be written and read again.
 */
#include <assert.h>
#include <postern/mail/date.h>
#include <postern/mail/delivery.h>
#include <postern/mail/message.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define GROWTH_MAX 12 /* octets of UTF-8 that one octet can become */

static void
check_date(struct ptn_slice text)
{
    struct ptn_buf written = PTN_BUF_INIT;
    int64_t seconds, again;
    int32_t zone, zone_again, days;

    if (ptn_date_parse(text, &seconds, &zone)) {
        ptn_date_format(seconds, zone, &written);
        assert(ptn_date_parse(ptn_buf_slice(&written), &again, &zone_again));
        assert(again == seconds && zone_again == zone);
    }
    if (ptn_imap_datetime_parse(text, &seconds, &zone)) {
        written.len = 0;
        ptn_imap_datetime_format(seconds, zone, &written);
        assert(ptn_imap_datetime_parse(ptn_buf_slice(&written), &again,
                                       &zone_again));
        assert(again == seconds && zone_again == zone);
    }
    ptn_imap_date_parse(text, &days);
    ptn_buf_free(&written);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ptn_slice header = {(const char *)data, size};
    struct ptn_buf decoded = PTN_BUF_INIT;
    struct ptn_header_field field;
    size_t at = 0, from = 0;

    while (ptn_header_next(header, &at, &field)) {
        assert(field.whole.data == header.data + from && at > from);
        assert(field.whole.len == at - from);
        assert(field.value.data >= field.whole.data &&
               field.value.data + field.value.len <=
                   field.whole.data + field.whole.len);
        from = at;
        decoded.len = 0;
        ptn_header_decode(field.value, &decoded);
        assert(decoded.len <= GROWTH_MAX * field.value.len);
        check_date(field.value);
    }
    assert(ptn_header_length(header) >= from);
    assert(ptn_header_length(header) <= from + 2);
    assert(ptn_hops_count(header) <= PTN_HOPS_MAX + 1);
    check_date(header);
    ptn_buf_free(&decoded);
    return 0;
}
