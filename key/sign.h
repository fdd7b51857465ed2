/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* key/sign.h - signatures with the private keys of tlscert, of what a TLS server signs and nothing else. */
#ifndef KEY_SIGN_H
#define KEY_SIGN_H

#include "lib/certfile.h"
#include "lib/msg.h"

struct keys { uint32_t n; struct { EVP_PKEY *key; unsigned char id[MSG_KEY_ID]; } at[TLSCERT_MAX]; };

/*
 * The keys of all lines of tlscert; all: what tlscert_read made.  A certificate that is valid no more, or not yet,
 * is logged.  -1: ERR_PERM, as certfile_verify; out is empty.
 */
int keys_read(const struct conf *c, struct span all, struct keys *out, struct err *e);
void keys_free(struct keys *k);
EVP_PKEY *keys_find(const struct keys *k, const unsigned char id[MSG_KEY_ID]);

/*
 * Is it what a server signs in TLS 1.3 (CertificateVerify: RFC 8446, 4.4.3), or in TLS 1.2 (ServerKeyExchange of
 * a named curve: RFC 8422, 5.4)?  So a session process that was taken over gets no certificate or letter signed.
 */
bool sign_is_tls(struct span text);

/* sig: MSG_SIGNATURE octets, *n of them.  -1: ERR_PERM, what is asked for does not go with the key. */
int sign_text(EVP_PKEY *key, uint32_t hash, bool pss, struct span text, unsigned char *sig, size_t *n,
    struct err *e);

/* Brings in what OpenSSL reads from files and loads late: before the sandbox closes. */
int sign_prepare(struct err *e);

#endif
