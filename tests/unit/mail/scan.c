/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Scans the messages in the files named and writes what it found, for
 * judge.py: a line each for the envelope, the structure, the subject in
 * UTF-8 (all in hexadecimal), and for every entity.
 */
#include "parts.h"

#include <err.h>
#include <stdio.h>

static void
print_hex(const char *what, struct ptn_slice text)
{
    printf("%s ", what);
    for (size_t i = 0; i < text.len; i++)
        printf("%02x", (unsigned char)text.data[i]);
    printf("\n");
}

static void
print_subject(struct ptn_slice message)
{
    struct ptn_header header = {.source = {message}};
    struct ptn_buf decoded = PTN_BUF_INIT;

    ptn_header_collect(&header);
    ptn_header_decode(header.value[PTN_FIELD_SUBJECT], &decoded);
    print_hex("subject", ptn_buf_slice(&decoded));
    ptn_buf_free(&decoded);
}

static void
print_entities(struct ptn_slice parts)
{
    static const char *const kinds[] = {"leaf", "multipart", "message"};
    struct ptn_parts_entity e;

    for (size_t at = 0; ptn_parts_next(parts, &at, &e);)
        printf("entity %s %llu %llu %llu %c\n", kinds[e.kind],
               (unsigned long long)e.header, (unsigned long long)e.body,
               (unsigned long long)e.body_len, e.encoding);
}

static void
read_file(const char *path, struct ptn_buf *out)
{
    FILE *f = fopen(path, "rb");
    size_t n;

    if (!f)
        err(1, "%s", path);
    do {
        n = fread(ptn_buf_reserve(out, 4096), 1, 4096, f);
        out->len += n;
    } while (n);
    fclose(f);
}

int
main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct ptn_buf message = PTN_BUF_INIT;
        struct ptn_message_scan scan;

        read_file(argv[i], &message);
        ptn_message_scan(PTN_SLICE(""), ptn_buf_slice(&message), &scan);
        print_hex("envelope", ptn_buf_slice(&scan.envelope));
        print_hex("structure", ptn_buf_slice(&scan.structure));
        print_subject(ptn_buf_slice(&message));
        print_entities(ptn_buf_slice(&scan.parts));
        printf("end\n");
        ptn_message_scan_free(&scan);
        ptn_buf_free(&message);
    }
    return 0;
}
