/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/secure.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "lib/log.h"
#include "lib/tls.h"
#include "remote/smtp.h"

enum { SECURE_WAIT_MS = 60 * 1000, PORT_SMTPS = 465 };

/* --- whom we believe --- */

static int
add_authorities(SSL_CTX *ctx, struct span pem, struct err *e)
{
	BIO *in = BIO_new_mem_buf(pem.p, pem.n > INT32_MAX ? INT32_MAX : (int)pem.n);
	X509 *cert;
	unsigned n = 0;

	while (in != NULL && (cert = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
		n += X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), cert) == 1;
		X509_free(cert);
	}
	BIO_free(in);
	ERR_clear_error();
	return n > 0 ? 0 : err_set(e, ERR_PERM, NULL, "tlsca: expected a file of certificates in PEM");
}

SSL_CTX *
secure_context(const struct conf *conf, struct span ca, struct err *e)
{
	SSL_CTX *ctx = tls_context(TLS_CLIENT, e);

	if (ctx == NULL)
		return NULL;
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	if (!tlspolicy_verifies(conf) || add_authorities(ctx, ca, e) == 0)
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

/* --- what is wanted --- */

void
secure_want(struct session *s, const struct tls_policy *want)
{
	if (tlspolicy_same(&s->want, want))
		return;
	smtp_quit(s);
	s->want = *want;
}

bool
secure_first(const struct session *s, const struct netaddr *to)
{
	return (to->port == PORT_SMTPS || s->want.implicit) && s->want.level != TLS_LEVEL_NONE;
}

bool
secure_clear_again(struct session *s, const struct netaddr *to)
{
	if (secure_first(s, to) || s->want.level != TLS_LEVEL_MAY || !s->tls_failed || s->in_clear)
		return false;
	s->in_clear = true;
	return true;
}

/* The host of the address that is tried, as DNS or the route names it; "" for an address. */
static void
host_name(const struct session *s, char out[RESOLVE_NAME])
{
	struct span dest = span_str(s->dest);

	out[0] = '\0';
	if (!s->reach.direct)
		snprintf(out, RESOLVE_NAME, "%s", s->reach.hosts->c[s->reach.at].name);
	else if (dest.n > 0 && dest.p[0] != '[')
		span_text(span_sub(dest, 0, span_rfind(dest, ':')), out, RESOLVE_NAME);
}

/* The names of which the certificate has to have one. */
static bool
believe_names(const struct session *s, SSL *ssl, const char *host)
{
	struct span dest = span_str(s->dest), domain = span_sub(dest, 0, span_rfind(dest, ':'));
	char name[RESOLVE_NAME];
	bool mx = !s->reach.direct && s->reach.hosts->source == SOURCE_MX;

	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (s->want.name.n > 0) {
		span_text(s->want.name, name, sizeof name);
		return SSL_set1_host(ssl, name) == 1;
	}
	if (domain.n == 0 || domain.n >= sizeof name || domain.p[0] == '[')
		return false;
	span_text(domain, name, sizeof name);
	if (SSL_set1_host(ssl, name) != 1)
		return false;
	return !mx || s->reach.hosts->dnssec != DNSSEC_SECURE || host[0] == '\0' || SSL_add1_host(ssl, host) == 1;
}

static bool
has_print(struct span prints, const unsigned char *got)
{
	unsigned char print[TLS_PRINT];

	while (tlspolicy_print(&prints, print))
		if (memcmp(print, got, sizeof print) == 0)
			return true;
	return false;
}

/* Of the certificate, or of its public key (SubjectPublicKeyInfo). */
static bool
print_fits(SSL *ssl, struct span prints)
{
	X509 *cert = SSL_get0_peer_certificate(ssl);
	unsigned char got[EVP_MAX_MD_SIZE], *der = NULL;
	unsigned n = 0;
	bool fits = false;
	int len;

	if (cert == NULL)
		return false;
	if (X509_digest(cert, EVP_sha256(), got, &n) == 1 && n == TLS_PRINT)
		fits = has_print(prints, got);
	len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	if (len > 0 && EVP_Digest(der, (size_t)len, got, &n, EVP_sha256(), NULL) == 1)
		fits |= has_print(prints, got);
	OPENSSL_free(der);
	return fits;
}

/* --- the handshake --- */

static int
layer_set(struct session *s, SSL *ssl, const char *host, struct err *e)
{
	if (host[0] != '\0' && SSL_set_tlsext_host_name(ssl, host) != 1)
		return err_set(e, ERR_TEMP, "4.3.0", "TLS: no memory");
	if (s->want.level != TLS_LEVEL_VERIFY)
		return 0;
	SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	if (believe_names(s, ssl, host))
		return 0;
	return err_set(e, ERR_TEMP, "4.7.5", "TLS: no name is known that the certificate could be verified by: the setting "
	    "tlspolicy wants verify=NAME for an address");
}

/* OpenSSL's "certificate verify failed" has its reason elsewhere. */
static int
say_why(SSL *ssl, struct err *e)
{
	long why = SSL_get_verify_result(ssl);

	if (e->sys != 0 || strcmp(e->dsn, "4.7.0") != 0)
		return -1;
	if (why != X509_V_OK)
		return err_set(e, ERR_TEMP, "4.7.5", "TLS: the certificate is not believed: %s",
		    X509_verify_cert_error_string(why));
	memcpy(e->dsn, "4.7.5", sizeof "4.7.5");
	return -1;
}

int
secure_begin(struct session *s, struct err *e)
{
	static const char *const proofs[] = { "none", "none", "none", "authority", "fingerprint" };
	char host[RESOLVE_NAME];
	struct tls *t = s->tls_ctx == NULL ? NULL : tls_new(s->tls_ctx, s->w.fd, TLS_CLIENT, e);

	if (t == NULL)
		return s->tls_ctx != NULL ? -1 : err_set(e, ERR_TEMP, "4.7.4", "TLS: this process cannot");
	s->tls_failed = true;		/* until it has not */
	host_name(s, host);
	if (layer_set(s, tls_ssl(t), host, e) == -1) {
		tls_free(t);
		return -1;
	}
	if (wire_secure(&s->w, t, SECURE_WAIT_MS, e) == -1) {
		say_why(tls_ssl(t), e);
	} else if (s->want.level == TLS_LEVEL_FINGERPRINT && !print_fits(tls_ssl(t), s->want.prints)) {
		err_set(e, ERR_TEMP, "4.7.5", "TLS: the certificate has none of the fingerprints of the setting tlspolicy");
	} else {
		s->tls_failed = false;
		log_line(LOG_INFO, s->job->id, "secured", "relay=%s version=%s cipher=%s proof=%s", log_q(s->mta),
		    tls_version(t), tls_cipher(t), proofs[s->want.level]);
		inquiry_tellf(s->inquiry, INQUIRY_SECURED, "%s %s", tls_version(t), tls_cipher(t));
		return 0;
	}
	log_line(LOG_WARN, s->job->id, "unsecured", "relay=%s why=%s", log_q(s->mta), log_q(e->what));
	return -1;
}
