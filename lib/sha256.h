/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/sha256.h - SHA-256 (FIPS 180-4), which names content that was left out, and HMAC-SHA-256 (RFC 2104), by
 * which this host knows again what it has issued.  Written out because convertd may link nothing that has it:
 * OpenSSL is not linked beside jbigkit (LICENSE).  Pure.
 */
#ifndef LIB_SHA256_H
#define LIB_SHA256_H

#include "lib/span.h"

enum { SHA256_DIGEST = 32, SHA256_BLOCK = 64 };

struct sha256 {
	uint32_t h[8];
	uint64_t octets;		/* so far */
	unsigned char rest[SHA256_BLOCK];	/* octets % SHA256_BLOCK of them */
};

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, struct span in);
void sha256_end(struct sha256 *s, unsigned char digest[SHA256_DIGEST]);

/* All at once. */
void sha256(struct span in, unsigned char digest[SHA256_DIGEST]);

/* key: at most SHA256_BLOCK octets. */
void hmac_sha256(struct span key, struct span in, unsigned char digest[SHA256_DIGEST]);

/* Equal, in a time that does not tell where they differ. */
bool sha256_same(const unsigned char *a, const unsigned char *b, size_t n);

#endif
