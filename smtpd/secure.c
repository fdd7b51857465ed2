/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "smtpd/secure.h"

#include <openssl/err.h>
#include <stdlib.h>

#include "lib/log.h"
#include "lib/tlscert.h"
#include "smtpd/keyring.h"

enum { RESUME_S = 7200 };	/* for who comes again (RFC 8446, 4.6.1: a week at most) */

/* Forward secrecy alone: no private key decrypts anything here (RFC 9325, 4.1 and 4.2). */
static const char ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:!aNULL";

struct name { struct span pattern; SSL_CTX *ctx; };
struct secure {
	uint32_t n;
	struct name *name;		/* of a line each; lines of the same name share a context */
	struct buf text;		/* the patterns */
	SSL_CTX *any;			/* for who asks for another name, or none; borrowed */
};

static struct link *asked;		/* of this process's session */

static int
sign(void *arg, const struct keyring_wish *w, unsigned char *sig, size_t *n)
{
	struct err e = { 0 };

	if (link_sign(arg, w->key, w->hash, w->pss, w->text, sig, n, &e) == 0)
		return 0;
	log_line(LOG_WARN, NULL, "not-signed", "why=%s", log_q(e.what));
	return -1;
}

/* --- sessions that are resumed --- */

static int
session_name(const unsigned char *id, unsigned n, unsigned char out[MSG_SESSION_ID])
{
	if (n != MSG_SESSION_ID)
		return -1;
	memcpy(out, id, n);
	return 0;
}

static int
on_new(SSL *ssl, SSL_SESSION *session)
{
	unsigned char name[MSG_SESSION_ID], text[MSG_SESSION_TEXT], *p = text;
	unsigned n;
	const unsigned char *id = SSL_SESSION_get_id(session, &n);
	int len = i2d_SSL_SESSION(session, NULL);

	(void)ssl;
	if (len > 0 && len <= MSG_SESSION_TEXT && session_name(id, n, name) == 0 &&
	    i2d_SSL_SESSION(session, &p) == len)
		link_keep(asked, name, span_of(text, (size_t)len));
	OPENSSL_cleanse(text, sizeof text);
	return 0;
}

static SSL_SESSION *
on_get(SSL *ssl, const unsigned char *id, int n, int *copy)
{
	unsigned char name[MSG_SESSION_ID], text[MSG_SESSION_TEXT];
	const unsigned char *p = text;
	SSL_SESSION *session = NULL;
	size_t len;

	(void)ssl;
	*copy = 0;
	if (n > 0 && session_name(id, (unsigned)n, name) == 0 && link_recall(asked, name, text, &len) == 0 && len > 0)
		session = d2i_SSL_SESSION(NULL, &p, (long)len);
	OPENSSL_cleanse(text, sizeof text);
	return session;
}

/* --- contexts --- */

static SSL_CTX *
context_for(const struct secure *s, struct span name)
{
	for (int wild = 0; wild < 2; wild++)
		for (uint32_t i = 0; i < s->n; i++)
			if ((s->name[i].pattern.p[0] == '*') == (wild == 1) && tlscert_fits(s->name[i].pattern, name))
				return s->name[i].ctx;
	return NULL;
}

static int
on_name(SSL *ssl, int *alert, void *arg)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	SSL_CTX *ctx = name == NULL ? NULL : context_for(arg, span_str(name));

	(void)alert;
	if (ctx == NULL)
		return SSL_TLSEXT_ERR_NOACK;	/* it judges the other certificate itself */
	SSL_set_SSL_CTX(ssl, ctx);
	return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *
context_new(struct secure *s, struct err *e)
{
	SSL_CTX *ctx = tls_context(TLS_SERVER, e);

	if (ctx == NULL)
		return NULL;
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);	/* tickets are names of what accord-key keeps */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_set_timeout(ctx, RESUME_S);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_sess_set_new_cb(ctx, on_new);
	SSL_CTX_sess_set_get_cb(ctx, on_get);
	SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
	SSL_CTX_set_tlsext_servername_arg(ctx, s);
	if (SSL_CTX_set_cipher_list(ctx, ciphers) == 1 &&
	    SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"accord", 6) == 1)
		return ctx;
	SSL_CTX_free(ctx);
	ERR_clear_error();
	err_set(e, ERR_TEMP, "4.7.0", "TLS: no ciphers");
	return NULL;
}

static int
context_add(SSL_CTX *ctx, const struct chain *chain, struct err *e)
{
	EVP_PKEY *key = keyring_key(X509_get0_pubkey(chain->cert[0]), e);
	bool ok;

	if (key == NULL)
		return -1;
	ok = SSL_CTX_use_certificate(ctx, chain->cert[0]) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1;
	for (uint32_t i = 1; ok && i < chain->n; i++)
		ok = SSL_CTX_add1_chain_cert(ctx, chain->cert[i]) == 1;
	EVP_PKEY_free(key);
	if (!ok)
		err_set(e, ERR_PERM, NULL, "expected a certificate that TLS can use: %s",
		    ERR_reason_error_string(ERR_peek_error()));
	ERR_clear_error();
	return ok ? 0 : -1;
}

/* A second line for a name is for a key of another kind. */
static SSL_CTX *
context_of(struct secure *s, struct span pattern, struct err *e)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (span_eqi(s->name[i].pattern, pattern)) {
			SSL_CTX_up_ref(s->name[i].ctx);
			return s->name[i].ctx;
		}
	return context_new(s, e);
}

static int
secure_add(struct secure *s, struct span pattern, struct span pem, struct err *e)
{
	struct chain chain;
	SSL_CTX *ctx;
	int r;

	if (chain_parse(pem, &chain, e) == -1)
		return -1;
	r = (ctx = context_of(s, pattern, e)) == NULL ? -1 : context_add(ctx, &chain, e);
	chain_free(&chain);
	if (r == -1) {
		SSL_CTX_free(ctx);
		return -1;
	}
	s->name[s->n++] = (struct name){ pattern, ctx };
	if (s->any == NULL || span_is(pattern, "*"))
		s->any = ctx;
	return 0;
}

struct secure *
secure_new(const struct conf *c, struct span all, struct err *e)
{
	const struct span *lines;
	uint32_t n = conf_lines(c, CONF_TLSCERT, &lines);
	struct secure *s;

	e->kind = ERR_NONE;
	if (n == 0)
		return NULL;
	if ((s = calloc(1, sizeof *s)) == NULL || (s->name = calloc(n, sizeof *s->name)) == NULL) {
		free(s);
		err_sys(e, "tlscert");
		return NULL;
	}
	buf_init(&s->text, (size_t)n * 4096);
	if (buf_room(&s->text, (size_t)n * 4096, e) == NULL)
		n = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct tlscert_files f;
		struct tlscert t;
		size_t at = s->text.n;

		if (tlscert_parse(lines[i], &t, e) == -1 || buf_add(&s->text, t.name, e) == -1 ||
		    (tlscert_entry(all, i, &f) == -1 ? err_set(e, ERR_PROTO, NULL, "no files came") :
		    f.key.n > 0 ? err_set(e, ERR_BUG, NULL, "a private key came, which is not to be here") :
		    secure_add(s, span_sub(buf_view(&s->text), at, s->text.n), f.cert, e)) == -1) {
			tlscert_in_line(c, i, e);
			break;
		}
	}
	if (e->kind == ERR_NONE)
		return s;
	secure_free(s);
	return NULL;
}

void
secure_free(struct secure *s)
{
	if (s == NULL)
		return;
	for (uint32_t i = 0; i < s->n; i++)
		SSL_CTX_free(s->name[i].ctx);
	buf_free(&s->text);
	free(s->name);
	free(s);
}

/* --- what OpenSSL brings in late --- */

/* A certificate of nobody, for try_handshake. */
static int
try_certificate(SSL_CTX *ctx)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	int ok = key != NULL && x != NULL && X509_set_version(x, X509_VERSION_3) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(x), 0) != NULL && X509_gmtime_adj(X509_getm_notAfter(x), 60) != NULL &&
	    X509_set_pubkey(x, key) == 1 && X509_sign(x, key, EVP_sha256()) > 0 &&
	    SSL_CTX_use_certificate(ctx, x) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1;

	X509_free(x);
	EVP_PKEY_free(key);
	return ok ? 0 : -1;
}

/* Both sides take turns until each has what it wants. */
static void
try_sides(SSL *server, SSL *client)
{
	enum { TURNS = 10 };
	char octet;
	size_t n;

	for (int i = 0; i < TURNS; i++) {
		(void)SSL_do_handshake(client);
		(void)SSL_do_handshake(server);
	}
	(void)SSL_write_ex(client, "", 1, &n);
	(void)SSL_read_ex(server, &octet, 1, &n);
	(void)SSL_write_ex(server, "", 1, &n);
	(void)SSL_read_ex(client, &octet, 1, &n);
}

/*
 * A handshake with itself: what OpenSSL looks up, reads and allocates once is here before the sandbox closes and
 * before sessions are forked, each of which would else have its own copy (100 KB).
 */
static void
try_handshake(SSL_CTX *server, SSL_CTX *client, int version)
{
	SSL *a = SSL_new(server), *b = SSL_new(client);
	BIO *in = NULL, *out = NULL;

	if (a != NULL && b != NULL && SSL_set_max_proto_version(a, version) == 1 && BIO_new_bio_pair(&in, 0, &out, 0) == 1) {
		SSL_set_bio(a, in, in);
		SSL_set_bio(b, out, out);
		SSL_set_accept_state(a);
		SSL_set_connect_state(b);
		try_sides(a, b);
	}
	SSL_free(a);
	SSL_free(b);
	ERR_clear_error();
}

int
secure_prepare(struct err *e)
{
	SSL_CTX *server = NULL, *client = NULL;

	if (keyring_open(e) == 0 && (server = tls_context(TLS_SERVER, e)) != NULL)
		client = tls_context(TLS_CLIENT, e);
	if (client != NULL && try_certificate(server) == 0) {
		try_handshake(server, client, TLS1_3_VERSION);
		try_handshake(server, client, TLS1_2_VERSION);
	}
	SSL_CTX_free(client);
	SSL_CTX_free(server);
	ERR_clear_error();
	return client != NULL ? 0 : -1;
}

struct tls *
secure_begin(const struct secure *s, struct link *l, int fd, struct err *e)
{
	asked = l;
	keyring_ask(sign, l);
	return tls_new(s->any, fd, TLS_SERVER, e);
}
