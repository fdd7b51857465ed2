/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* lib/certfile.h - what is in the files of tlscert: certificates and private keys in PEM (RFC 7468). */
#ifndef LIB_CERTFILE_H
#define LIB_CERTFILE_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "lib/tlscert.h"

enum {
	CHAIN_MAX = 10		/* certificates in one file */
};

/* A certificate, and those that lead from it to a root. */
struct chain { uint32_t n; X509 *cert[CHAIN_MAX]; };
int chain_parse(struct span pem, struct chain *out, struct err *e);
void chain_free(struct chain *c);

/* The private key of the file, which must not be encrypted; the caller's.  NULL: ERR_PERM. */
EVP_PKEY *certfile_key(struct span pem, struct err *e);

/* RSA from 2048 bits, P-256, P-384, P-521 or Ed25519: what TLS 1.2 and 1.3 sign with.  -1: ERR_PERM. */
int certfile_usable(EVP_PKEY *key, struct err *e);

/* Its name among keys. */
int certfile_id(EVP_PKEY *key, unsigned char id[MSG_KEY_ID], struct err *e);

/*
 * Everything that can be wrong with the n-th line: files that hold something else, a key of another certificate.
 * warn: of NULL or text, empty unless it has expired, or is not valid yet.  The key is the caller's, out may be NULL.
 */
int certfile_verify(const struct conf *c, struct span all, uint32_t n, EVP_PKEY **out, char warn[200], struct err *e);

#endif
