/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/tls.h - the TLS layer of one connection (RFC 8446, RFC 5246; STARTTLS is RFC 3207), on a socket that does
 * not block: nothing here waits, its caller polls.  It sets no policy: which peers are believed, and what
 * certificate is shown, is in the context and in what the caller sets on tls_ssl().
 */
#ifndef LIB_TLS_H
#define LIB_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "lib/err.h"
#include "lib/span.h"

enum tls_side { TLS_CLIENT, TLS_SERVER };

enum tls_status {
	TLS_OK,
	TLS_WANT_READ, TLS_WANT_WRITE,	/* again, once the socket can be read, or written */
	TLS_CLOSED,	/* the peer has ended the layer in order (close_notify), so nothing was cut off */
	TLS_FAILED	/* *e is set; the connection is of no use any more */
};

struct tls;

/*
 * A context with what holds for all of accord: TLS 1.2 and 1.3 (what the system's openssl.cnf narrows further
 * stays), no renegotiation, no compression, no buffers while a session is idle.  Reads that file, so it is made
 * before the sandbox closes.  The caller's, to be freed by SSL_CTX_free.  NULL: ERR_TEMP 4.7.0.
 */
SSL_CTX *tls_context(enum tls_side side, struct err *e);

/* The layer over fd, which is borrowed.  NULL: ERR_TEMP 4.3.0. */
struct tls *tls_new(SSL_CTX *ctx, int fd, enum tls_side side, struct err *e);

/* Ends it without a word; NULL is fine. */
void tls_free(struct tls *t);

/* What it is made of: to set the peer's name before the handshake, to ask for certificates behind it. */
SSL *tls_ssl(struct tls *t);

/* Until TLS_OK.  TLS_FAILED: ERR_TEMP 4.7.0 with what OpenSSL, or the peer by its alert, says. */
enum tls_status tls_handshake(struct tls *t, struct err *e);

/* 1 to cap octets into out, *n of them, with TLS_OK.  A connection that ends without close_notify has failed. */
enum tls_status tls_read(struct tls *t, void *out, size_t cap, size_t *n, struct err *e);

/* *n octets of s are taken, with TLS_OK: one or more, not always all.  After TLS_WANT_… the same s again. */
enum tls_status tls_write(struct tls *t, struct span s, size_t *n, struct err *e);

/* Is there something to read that poll does not know of? */
bool tls_pending(const struct tls *t);

/* What is read is kept nowhere in it once it has been read: it may be a password. */
void tls_cleanse(struct tls *t);

/* Says close_notify, if the socket takes it now. */
void tls_shut(struct tls *t);

/* The name that the peer asked for, or NULL; was a session resumed? */
const char *tls_name(const struct tls *t);
bool tls_resumed(const struct tls *t);

/* Behind the handshake: "TLSv1.3", "TLS_AES_256_GCM_SHA384". */
const char *tls_version(const struct tls *t);
const char *tls_cipher(const struct tls *t);

#endif
