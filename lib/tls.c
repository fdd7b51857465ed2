/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/socket.h>

struct tls { SSL *ssl; bool failed; };

/* --- the socket, as OpenSSL's own would be, but that a peer that has gone is no signal --- */

static int
socket_write(BIO *b, const char *p, int n)
{
	ssize_t r = send((int)(intptr_t)BIO_get_data(b), p, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);

	BIO_clear_retry_flags(b);
	if (r == -1 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(b);
	return (int)r;
}

static int
socket_read(BIO *b, char *out, int cap)
{
	ssize_t r = recv((int)(intptr_t)BIO_get_data(b), out, (size_t)cap, MSG_DONTWAIT);

	BIO_clear_retry_flags(b);
	if (r == -1 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_read(b);
	if (r == 0)
		BIO_set_flags(b, BIO_FLAGS_IN_EOF);
	return (int)r;
}

static long
socket_ctrl(BIO *b, int what, long n, void *p)
{
	(void)n;
	(void)p;
	if (what == BIO_CTRL_EOF)
		return BIO_test_flags(b, BIO_FLAGS_IN_EOF) != 0;
	return what == BIO_CTRL_FLUSH;
}

/* One for the process's life. */
static const BIO_METHOD *
socket_method(void)
{
	static BIO_METHOD *m;

	if (m != NULL || (m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket")) == NULL)
		return m;
	BIO_meth_set_write(m, socket_write);
	BIO_meth_set_read(m, socket_read);
	BIO_meth_set_ctrl(m, socket_ctrl);
	return m;
}

static BIO *
socket_new(int fd)
{
	const BIO_METHOD *m = socket_method();
	BIO *b = m == NULL ? NULL : BIO_new(m);

	if (b != NULL) {
		BIO_set_data(b, (void *)(intptr_t)fd);
		BIO_set_init(b, 1);
	}
	return b;
}

/* --- errors --- */

/* The oldest of OpenSSL's reasons, which is the cause of the others; they are forgotten. */
static const char *
reason(void)
{
	unsigned long code = ERR_get_error();
	const char *text = code == 0 ? NULL : ERR_reason_error_string(code);

	ERR_clear_error();
	return text != NULL ? text : "no reason given";
}

static int
failed(const char *what, struct err *e)
{
	return err_set(e, ERR_TEMP, "4.7.0", "TLS: %s: %s", what, reason());
}

/* Why the call that returned r did not do what it should. */
static enum tls_status
unfinished(struct tls *t, int r, const char *what, struct err *e)
{
	int sys = errno;

	switch (SSL_get_error(t->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_CLOSED;
	case SSL_ERROR_SYSCALL:
		t->failed = true;
		ERR_clear_error();
		if (sys == 0) {
			err_set(e, ERR_TEMP, "4.4.2", "TLS: %s: the peer closed the connection", what);
		} else {
			err_set(e, ERR_TEMP, "4.4.2", "TLS: %s: %s", what, strerror(sys));
			e->sys = sys;
		}
		return TLS_FAILED;
	default:
		t->failed = true;
		failed(what, e);
		return TLS_FAILED;
	}
}

/* --- the layer --- */

SSL_CTX *
tls_context(enum tls_side side, struct err *e)
{
	SSL_CTX *ctx = SSL_CTX_new(side == TLS_SERVER ? TLS_server_method() : TLS_client_method());

	if (ctx == NULL) {
		failed("context", e);
		return NULL;
	}
	if (SSL_CTX_get_min_proto_version(ctx) < TLS1_2_VERSION &&
	    !SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION)) {
		failed("TLS 1.2", e);
		SSL_CTX_free(ctx);
		return NULL;
	}
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
	    SSL_MODE_RELEASE_BUFFERS);
	return ctx;
}

struct tls *
tls_new(SSL_CTX *ctx, int fd, enum tls_side side, struct err *e)
{
	struct tls *t = calloc(1, sizeof *t);
	BIO *b = socket_new(fd);

	if (t == NULL || b == NULL || (t->ssl = SSL_new(ctx)) == NULL) {
		BIO_free(b);
		free(t);
		ERR_clear_error();
		err_set(e, ERR_TEMP, "4.3.0", "TLS: no memory");
		return NULL;
	}
	SSL_set_bio(t->ssl, b, b);
	if (side == TLS_SERVER)
		SSL_set_accept_state(t->ssl);
	else
		SSL_set_connect_state(t->ssl);
	return t;
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	SSL_free(t->ssl);
	free(t);
}

SSL *
tls_ssl(struct tls *t)
{
	return t->ssl;
}

enum tls_status
tls_handshake(struct tls *t, struct err *e)
{
	int r;

	errno = 0;
	ERR_clear_error();
	r = SSL_do_handshake(t->ssl);
	return r == 1 ? TLS_OK : unfinished(t, r, "handshake", e);
}

enum tls_status
tls_read(struct tls *t, void *out, size_t cap, size_t *n, struct err *e)
{
	int r;

	errno = 0;
	ERR_clear_error();
	r = SSL_read_ex(t->ssl, out, cap, n);
	return r == 1 ? TLS_OK : unfinished(t, r, "reading", e);
}

enum tls_status
tls_write(struct tls *t, struct span s, size_t *n, struct err *e)
{
	enum tls_status st;
	int r;

	errno = 0;
	ERR_clear_error();
	r = SSL_write_ex(t->ssl, s.p, s.n, n);
	if (r == 1)
		return TLS_OK;
	st = unfinished(t, r, "writing", e);
	if (st == TLS_CLOSED) {
		err_set(e, ERR_TEMP, "4.4.2", "TLS: writing: the peer closed the connection");
		return TLS_FAILED;
	}
	return st;
}

bool
tls_pending(const struct tls *t)
{
	return SSL_has_pending(t->ssl) != 0;
}

void
tls_cleanse(struct tls *t)
{
	SSL_set_options(t->ssl, SSL_OP_CLEANSE_PLAINTEXT);
}

void
tls_shut(struct tls *t)
{
	if (!t->failed && SSL_is_init_finished(t->ssl))
		(void)SSL_shutdown(t->ssl);
	ERR_clear_error();
}

const char *
tls_version(const struct tls *t)
{
	return SSL_get_version(t->ssl);
}

const char *
tls_cipher(const struct tls *t)
{
	const char *name = SSL_get_cipher_name(t->ssl);

	return name != NULL ? name : "none";
}

const char *
tls_name(const struct tls *t)
{
	return SSL_get_servername(t->ssl, TLSEXT_NAMETYPE_host_name);
}

bool
tls_resumed(const struct tls *t)
{
	return SSL_session_reused(t->ssl) == 1;
}
