/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * RFC 2938.  MD5 (RFC 1321) is written out here because it serves as a name only: a cryptographic
 * library may refuse it, and no parser should need one.
 */
#include "lib/features.h"

static const uint32_t md5_add[64] = {
	0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee,
	0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
	0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be,
	0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
	0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa,
	0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
	0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed,
	0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
	0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c,
	0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
	0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05,
	0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
	0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039,
	0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
	0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1,
	0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};
static const unsigned char md5_turn[4][4] = {
	{ 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 }
};

struct md5 { uint32_t s[4]; unsigned char block[64]; uint64_t n; };

static uint32_t
md5_mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
	switch (round) {
	case 0:
		return (b & c) | (~b & d);
	case 1:
		return (b & d) | (c & ~d);
	case 2:
		return b ^ c ^ d;
	default:
		return c ^ (b | ~d);
	}
}

static void
md5_block(struct md5 *m)
{
	static const unsigned char step[4] = { 1, 5, 3, 7 }, start[4] = { 0, 1, 5, 0 };
	uint32_t x[16], a = m->s[0], b = m->s[1], c = m->s[2], d = m->s[3], sum;

	for (size_t i = 0; i < 16; i++)
		x[i] = (uint32_t)m->block[4 * i] | (uint32_t)m->block[4 * i + 1] << 8 |
		    (uint32_t)m->block[4 * i + 2] << 16 | (uint32_t)m->block[4 * i + 3] << 24;
	for (unsigned i = 0; i < 64; i++) {
		unsigned round = i / 16, turn = md5_turn[round][i % 4];

		sum = a + md5_mix(round, b, c, d) + md5_add[i] +
		    x[(start[round] + step[round] * i) % 16];
		a = d;
		d = c;
		c = b;
		b += sum << turn | sum >> (32 - turn);
	}
	m->s[0] += a;
	m->s[1] += b;
	m->s[2] += c;
	m->s[3] += d;
}

static void
md5_byte(struct md5 *m, unsigned char c)
{
	m->block[m->n++ % 64] = c;
	if (m->n % 64 == 0)
		md5_block(m);
}

static void
md5_end(struct md5 *m, unsigned char out[16])
{
	uint64_t bits = m->n * 8;

	md5_byte(m, 0x80);
	while (m->n % 64 != 56)
		md5_byte(m, 0);
	for (unsigned i = 0; i < 8; i++)
		md5_byte(m, (unsigned char)(bits >> 8 * i));
	for (unsigned i = 0; i < 16; i++)
		out[i] = (unsigned char)(m->s[i / 4] >> 8 * (i % 4));
}

void
feat_hash(struct span text, char out[29])
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
	struct md5 m = { .s = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 } };
	unsigned char sum[17] = { 0 };		/* one more, for the spare bits */
	bool quoted = false;

	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = text.p[i];

		quoted ^= c == '"';
		if (quoted)
			md5_byte(&m, c);
		else if (c > 0x20 && c != 0x7f)
			md5_byte(&m, (unsigned char)ascii_upper(c));
	}
	md5_end(&m, sum);
	out[0] = 'h';
	out[1] = '.';
	for (unsigned i = 0; i < 26; i++) {
		unsigned at = i * 5, two = (unsigned)sum[at / 8] << 8 | sum[at / 8 + 1];

		out[2 + i] = digits[two >> (11 - at % 8) & 31];
	}
	out[28] = '\0';
}
