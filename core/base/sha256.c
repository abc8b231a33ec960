/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The hash of what is in memory at once: blocks of 64 octets, the last one
 * or two with the padding and the length in bits. Pure.
 */
#include "base/sha256.h"

enum {
    BLOCK = 64,
    WORDS = 8,
    ROUNDS = 64,
    LENGTH = 8, /* octets of the length at the end */
};

/* FIPS 180-4 section 4.2.2: of the cube roots of the first primes. */
static const uint32_t constants[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t
turn(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

/* Section 6.2.2, step 1. */
static void
schedule(const uint8_t block[BLOCK], uint32_t w[ROUNDS])
{
    for (size_t i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (size_t i = 16; i < ROUNDS; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];

        w[i] = w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + w[i - 7] +
               (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
    }
}

/* Steps 2 to 4; h[0] to h[7] are a to h there. */
static void
compress(uint32_t state[WORDS], const uint8_t block[BLOCK])
{
    uint32_t w[ROUNDS], h[WORDS];

    schedule(block, w);
    memcpy(h, state, sizeof h);
    for (size_t i = 0; i < ROUNDS; i++) {
        uint32_t t1 = h[7] + (turn(h[4], 6) ^ turn(h[4], 11) ^ turn(h[4], 25)) +
                      ((h[4] & h[5]) ^ (~h[4] & h[6])) + constants[i] + w[i];
        uint32_t t2 = (turn(h[0], 2) ^ turn(h[0], 13) ^ turn(h[0], 22)) +
                      ((h[0] & h[1]) ^ (h[0] & h[2]) ^ (h[1] & h[2]));

        memmove(h + 1, h, (WORDS - 1) * sizeof *h);
        h[4] += t1;
        h[0] = t1 + t2;
    }
    for (size_t i = 0; i < WORDS; i++)
        state[i] += h[i];
}

void
ptn_sha256(struct ptn_slice data, uint8_t out[PTN_SHA256_SIZE])
{
    uint32_t state[WORDS] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                             0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    uint8_t last[2 * BLOCK] = {0};
    size_t whole = data.len / BLOCK * BLOCK, rest = data.len - whole;
    size_t padded = rest + 1 + LENGTH <= BLOCK ? BLOCK : 2 * BLOCK;
    uint64_t bits = (uint64_t)data.len * 8;

    for (size_t at = 0; at < whole; at += BLOCK)
        compress(state, (const uint8_t *)data.data + at);
    if (rest > 0)
        memcpy(last, data.data + whole, rest);
    last[rest] = 0x80;
    for (size_t i = 0; i < LENGTH; i++)
        last[padded - 1 - i] = (uint8_t)(bits >> 8 * i);
    for (size_t at = 0; at < padded; at += BLOCK)
        compress(state, last + at);
    for (size_t i = 0; i < PTN_SHA256_SIZE; i++)
        out[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}
