/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "key/sign.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "lib/log.h"

enum {
	RANDOMS = 32 + 32,	/* octets of both sides (RFC 5246, 7.4.1) */
	NAMED_CURVE = 3		/* RFC 8422, 5.4 */
};

void
keys_free(struct keys *k)
{
	for (uint32_t i = 0; i < k->n; i++)
		EVP_PKEY_free(k->at[i].key);
	k->n = 0;
}

int
keys_read(const struct conf *c, struct span all, struct keys *out, struct err *e)
{
	const struct span *lines;
	uint32_t n = conf_lines(c, CONF_TLSCERT, &lines);
	char warn[200];

	out->n = 0;
	if (n > TLSCERT_MAX)
		return err_set(e, ERR_PERM, NULL, "tlscert: expected at most %d lines", TLSCERT_MAX);
	for (uint32_t i = 0; i < n; i++) {
		EVP_PKEY *key = NULL;

		if (certfile_verify(c, all, i, &key, warn, e) == -1 || certfile_id(key, out->at[i].id, e) == -1) {
			EVP_PKEY_free(key);
			keys_free(out);
			return -1;
		}
		out->at[out->n++].key = key;
		if (warn[0] != '\0')
			log_line(LOG_WARN, NULL, "certificate", "line=%u entry=%s why=%s",
			    c->v[CONF_TLSCERT].lineno[i], log_qs(lines[i]), log_q(warn));
	}
	return 0;
}

EVP_PKEY *
keys_find(const struct keys *k, const unsigned char id[MSG_KEY_ID])
{
	for (uint32_t i = 0; i < k->n; i++)
		if (memcmp(k->at[i].id, id, MSG_KEY_ID) == 0)
			return k->at[i].key;
	return NULL;
}

static bool
is_tls13(struct span text)
{
	static const char what[] = "TLS 1.3, server CertificateVerify";	/* with its NUL */
	const size_t head = 64 + sizeof what;

	if (text.n != head + 32 && text.n != head + 48)
		return false;
	for (size_t i = 0; i < 64; i++)
		if (text.p[i] != ' ')
			return false;
	return memcmp(text.p + 64, what, sizeof what) == 0;
}

static bool
is_tls12(struct span text)
{
	return text.n > RANDOMS + 4 && text.p[RANDOMS] == NAMED_CURVE &&
	    text.n == (size_t)RANDOMS + 4 + text.p[RANDOMS + 3];
}

bool
sign_is_tls(struct span text)
{
	return is_tls13(text) || is_tls12(text);
}

static int
refused(struct err *e)
{
	unsigned long code = ERR_get_error();
	const char *text = code == 0 ? NULL : ERR_reason_error_string(code);

	ERR_clear_error();
	return err_set(e, ERR_PERM, "5.7.0", "no signature: %s", text != NULL ? text : "no reason given");
}

int
sign_text(EVP_PKEY *key, uint32_t hash, bool pss, struct span text, unsigned char *sig, size_t *n, struct err *e)
{
	static const char *const names[SIGN_HASHES] = { NULL, "SHA256", "SHA384", "SHA512" };
	bool rsa = EVP_PKEY_is_a(key, "RSA"), alone = EVP_PKEY_is_a(key, "ED25519");
	EVP_PKEY_CTX *how = NULL;
	EVP_MD_CTX *ctx;
	bool ok;

	if (hash >= SIGN_HASHES || (hash == SIGN_NONE) != alone || (pss && !rsa))
		return err_set(e, ERR_PERM, "5.7.0", "no signature: hash %u does not go with the key", hash);
	ctx = EVP_MD_CTX_new();
	*n = MSG_SIGNATURE;
	ok = ctx != NULL && EVP_DigestSignInit_ex(ctx, &how, names[hash], NULL, NULL, key, NULL) == 1 &&
	    (!pss || (EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST) == 1)) &&
	    EVP_DigestSign(ctx, sig, n, text.p, text.n) == 1;
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : refused(e);
}

/* A key of each kind is made, written, read and used once. */
static int
try_kind(const char *kind, const char *curve, uint32_t hash)
{
	static const unsigned char text[] = "accord";
	unsigned char sig[MSG_SIGNATURE];
	EVP_PKEY *key = curve != NULL ? EVP_PKEY_Q_keygen(NULL, NULL, kind, curve) :
	    EVP_PKEY_Q_keygen(NULL, NULL, kind), *again = NULL;
	BIO *b = BIO_new(BIO_s_mem());
	struct err e;
	size_t n;
	int r = -1;

	if (key != NULL && b != NULL && PEM_write_bio_PKCS8PrivateKey(b, key, NULL, NULL, 0, NULL, NULL) == 1 &&
	    (again = PEM_read_bio_PrivateKey(b, NULL, NULL, NULL)) != NULL)
		r = sign_text(again, hash, false, span_of(text, sizeof text), sig, &n, &e);
	BIO_free(b);
	EVP_PKEY_free(again);
	EVP_PKEY_free(key);
	return r;
}

int
sign_prepare(struct err *e)
{
	(void)OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL);
	if (try_kind("EC", "P-256", SIGN_SHA256) == -1)
		return refused(e);
	(void)try_kind("ED25519", NULL, SIGN_NONE);	/* which a system's settings may forbid */
	ERR_clear_error();
	return 0;
}
