/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/sha256.h"

/* 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t
turn(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

static uint32_t
word(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* 6.2.2, steps 2 and 3: v is a to h. */
static void
rounds(uint32_t v[8], const uint32_t w[64])
{
	for (int t = 0; t < 64; t++) {
		uint32_t e = v[4], a = v[0];
		uint32_t t1 = v[7] + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & v[5]) ^ (~e & v[6])) +
		    k[t] + w[t];
		uint32_t t2 = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) +
		    ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));

		memmove(v + 1, v, 7 * sizeof *v);
		v[4] += t1;
		v[0] = t1 + t2;
	}
}

static void
block(uint32_t h[8], const unsigned char *p)
{
	uint32_t w[64], v[8];

	for (int t = 0; t < 16; t++)
		w[t] = word(p + 4 * t);
	for (int t = 16; t < 64; t++)
		w[t] = (turn(w[t - 2], 17) ^ turn(w[t - 2], 19) ^ w[t - 2] >> 10) + w[t - 7] +
		    (turn(w[t - 15], 7) ^ turn(w[t - 15], 18) ^ w[t - 15] >> 3) + w[t - 16];
	memcpy(v, h, sizeof v);
	rounds(v, w);
	for (int i = 0; i < 8; i++)
		h[i] += v[i];
}

void
sha256_init(struct sha256 *s)
{
	*s = (struct sha256){ .h = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
	    0x1f83d9ab, 0x5be0cd19 } };
}

void
sha256_add(struct sha256 *s, struct span in)
{
	size_t have = s->octets % SHA256_BLOCK;

	s->octets += in.n;
	if (have > 0) {
		struct span first = span_sub(in, 0, SHA256_BLOCK - have);

		if (first.n > 0)
			memcpy(s->rest + have, first.p, first.n);
		in = span_sub(in, first.n, in.n);
		if (have + first.n < SHA256_BLOCK)
			return;
		block(s->h, s->rest);
	}
	for (; in.n >= SHA256_BLOCK; in = span_sub(in, SHA256_BLOCK, in.n))
		block(s->h, in.p);
	if (in.n > 0)
		memcpy(s->rest, in.p, in.n);
}

void
sha256_end(struct sha256 *s, unsigned char digest[SHA256_DIGEST])
{
	unsigned char end[2 * SHA256_BLOCK] = { 0 };
	size_t rest = s->octets % SHA256_BLOCK;
	size_t n = rest < SHA256_BLOCK - 8 ? SHA256_BLOCK : 2 * SHA256_BLOCK;

	memcpy(end, s->rest, rest);
	end[rest] = 0x80;		/* 5.1.1: a bit, zeros, the length in bits */
	for (int i = 0; i < 8; i++)
		end[n - 1 - (size_t)i] = (unsigned char)(s->octets * 8 >> 8 * i);
	for (size_t i = 0; i < n; i += SHA256_BLOCK)
		block(s->h, end + i);
	for (int i = 0; i < SHA256_DIGEST; i++)
		digest[i] = (unsigned char)(s->h[i / 4] >> (24 - 8 * (i % 4)));
}

void
sha256(struct span in, unsigned char digest[SHA256_DIGEST])
{
	struct sha256 s;

	sha256_init(&s);
	sha256_add(&s, in);
	sha256_end(&s, digest);
}

void
hmac_sha256(struct span key, struct span in, unsigned char digest[SHA256_DIGEST])
{
	unsigned char pad[SHA256_BLOCK];
	struct sha256 s;

	for (int outer = 0; outer < 2; outer++) {
		memset(pad, outer ? 0x5c : 0x36, sizeof pad);
		for (size_t i = 0; i < key.n && i < sizeof pad; i++)
			pad[i] ^= key.p[i];
		sha256_init(&s);
		sha256_add(&s, span_of(pad, sizeof pad));
		sha256_add(&s, outer ? span_of(digest, SHA256_DIGEST) : in);
		sha256_end(&s, digest);
	}
	explicit_bzero(pad, sizeof pad);
	explicit_bzero(&s, sizeof s);
}

bool
sha256_same(const unsigned char *a, const unsigned char *b, size_t n)
{
	unsigned char differ = 0;

	for (size_t i = 0; i < n; i++)
		differ |= a[i] ^ b[i];
	return differ == 0;
}
