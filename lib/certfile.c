/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/certfile.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>

#include "lib/clock.h"
#include "lib/sha256.h"

enum { RSA_BITS_MIN = 2048 };

/* There is nobody to ask for a passphrase. */
static int
no_passphrase(char *out, int cap, int writing, void *arg)
{
	(void)out, (void)cap, (void)writing, (void)arg;
	return -1;
}

static BIO *
bio_of(struct span s)
{
	return s.n == 0 ? NULL : BIO_new_mem_buf(s.p, (int)s.n);
}

void
chain_free(struct chain *c)
{
	for (uint32_t i = 0; i < c->n; i++)
		X509_free(c->cert[i]);
	c->n = 0;
}

int
chain_parse(struct span pem, struct chain *out, struct err *e)
{
	BIO *b = bio_of(pem);
	X509 *x = NULL;

	out->n = 0;
	while (b != NULL && out->n < CHAIN_MAX &&
	    (x = PEM_read_bio_X509(b, NULL, no_passphrase, NULL)) != NULL)
		out->cert[out->n++] = x;
	if (x != NULL && BIO_pending(b) > 0 && (x = PEM_read_bio_X509(b, NULL, no_passphrase, NULL)) != NULL) {
		X509_free(x);
		chain_free(out);
		err_set(e, ERR_PERM, NULL, "expected at most %d certificates", CHAIN_MAX);
	} else if (out->n == 0) {
		err_set(e, ERR_PERM, NULL, "expected certificates in PEM, that of the host first");
	}
	BIO_free(b);
	ERR_clear_error();
	return out->n > 0 ? 0 : -1;
}

EVP_PKEY *
certfile_key(struct span pem, struct err *e)
{
	BIO *b = bio_of(pem);
	EVP_PKEY *key = b == NULL ? NULL : PEM_read_bio_PrivateKey(b, NULL, no_passphrase, NULL);

	if (key == NULL)
		err_set(e, ERR_PERM, NULL, "expected a private key in PEM, without a passphrase");
	BIO_free(b);
	ERR_clear_error();
	return key;
}

int
certfile_usable(EVP_PKEY *key, struct err *e)
{
	static const char *const curves[] = { "prime256v1", "P-256", "secp384r1", "P-384", "secp521r1", "P-521" };
	char curve[40] = "";

	if (EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) >= RSA_BITS_MIN)
		return 0;
	if (EVP_PKEY_is_a(key, "ED25519"))
		return 0;
	if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, curve, sizeof curve, NULL) == 1)
		for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
			if (strcmp(curve, curves[i]) == 0)
				return 0;
	ERR_clear_error();
	return err_set(e, ERR_PERM, NULL, "expected a key of RSA (%d bits or more), P-256, P-384, P-521 or Ed25519",
	    RSA_BITS_MIN);
}

int
certfile_id(EVP_PKEY *key, unsigned char id[MSG_KEY_ID], struct err *e)
{
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(key, &der);

	if (n <= 0) {
		ERR_clear_error();
		return err_set(e, ERR_PERM, NULL, "a key without a public half");
	}
	sha256(span_of(der, (size_t)n), id);
	OPENSSL_free(der);
	return 0;
}

static void
warn_of_time(X509 *x, char warn[200])
{
	time_t now = (time_t)(clock_us() / 1000000);

	warn[0] = '\0';
	if (X509_cmp_time(X509_get0_notAfter(x), &now) < 0)
		snprintf(warn, 200, "the certificate has expired");
	else if (X509_cmp_time(X509_get0_notBefore(x), &now) > 0)
		snprintf(warn, 200, "the certificate is not valid yet");
	ERR_clear_error();
}

/* What of the two files is wrong is said with its name. */
static int
verify(const struct tlscert *t, const struct tlscert_files *f, EVP_PKEY **key, char warn[200], struct err *e)
{
	struct chain chain;
	int r = 0;

	if (chain_parse(f->cert, &chain, e) == -1 || certfile_usable(X509_get0_pubkey(chain.cert[0]), e) == -1) {
		chain_free(&chain);
		return err_in(e, "%.*s", (int)t->cert.n, (const char *)t->cert.p);
	}
	if ((*key = certfile_key(f->key, e)) == NULL)
		r = err_in(e, "%.*s", (int)t->key.n, (const char *)t->key.p);
	else if (EVP_PKEY_eq(X509_get0_pubkey(chain.cert[0]), *key) != 1)
		r = err_set(e, ERR_PERM, NULL, "%.*s: expected the private key of the first certificate in %.*s",
		    (int)t->key.n, (const char *)t->key.p, (int)t->cert.n, (const char *)t->cert.p);
	if (warn != NULL)
		warn_of_time(chain.cert[0], warn);
	chain_free(&chain);
	ERR_clear_error();
	return r;
}

int
certfile_verify(const struct conf *c, struct span all, uint32_t n, EVP_PKEY **out, char warn[200], struct err *e)
{
	const struct span *lines;
	struct tlscert_files f;
	struct tlscert t;
	EVP_PKEY *key = NULL;
	int r = 0;

	if (n >= conf_lines(c, CONF_TLSCERT, &lines) || tlscert_parse(lines[n], &t, e) == -1 ||
	    tlscert_entry(all, n, &f) == -1)
		return err_set(e, ERR_PROTO, NULL, "tlscert: no files came for entry %u", n + 1);
	if (verify(&t, &f, &key, warn, e) == -1)
		r = tlscert_in_line(c, n, e);
	if (r == -1 || out == NULL)
		EVP_PKEY_free(key);
	else
		*out = key;
	return r;
}
