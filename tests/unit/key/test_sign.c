/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "key/sign.h"

#include <check.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/suites.h"

static unsigned char text[400];

/* RFC 8446, 4.4.3: what a server signs, with a transcript's hash of n octets. */
static size_t
tls13(size_t n)
{
	static const char what[] = "TLS 1.3, server CertificateVerify";

	memset(text, ' ', 64);
	memcpy(text + 64, what, sizeof what);
	memset(text + 64 + sizeof what, 7, n);
	return 64 + sizeof what + n;
}

/* RFC 8422, 5.4: both sides' randoms, then named_curve, a curve, a point of n octets. */
static size_t
tls12(int type, size_t n)
{
	memset(text, 9, sizeof text);
	text[64] = (unsigned char)type;
	text[65] = 0, text[66] = 29;
	text[67] = (unsigned char)n;
	return 64 + 4 + n;
}

START_TEST(nothing_but_TLS_is_signed)
{
	size_t n;

	ck_assert(sign_is_tls(span_of(text, tls13(32))));
	ck_assert(sign_is_tls(span_of(text, tls13(48))));
	ck_assert(!sign_is_tls(span_of(text, tls13(31))));
	ck_assert(!sign_is_tls(span_of(text, tls13(64))));
	n = tls13(32);
	text[63] = 'x';
	ck_assert(!sign_is_tls(span_of(text, n)));
	n = tls13(32);
	memcpy(text + 64, "TLS 1.3, client", 15);
	ck_assert(!sign_is_tls(span_of(text, n)));
	ck_assert(sign_is_tls(span_of(text, tls12(3, 32))));
	ck_assert(sign_is_tls(span_of(text, tls12(3, 133))));
	ck_assert(!sign_is_tls(span_of(text, tls12(3, 32) - 1)));
	ck_assert(!sign_is_tls(span_of(text, tls12(3, 32) + 1)));
	ck_assert(!sign_is_tls(span_of(text, tls12(1, 32))));
	for (n = 0; n < 68; n++)
		ck_assert(!sign_is_tls(span_of(text, n)));
	ck_assert(!sign_is_tls(span_str("-----BEGIN CERTIFICATE REQUEST-----\n0123456789012345678901234567890123456789"
	    "0123456789012345678901234567890123456789012345678901234567890123456789")));
}
END_TEST

static bool
verifies(EVP_PKEY *key, const char *hash, bool pss, const unsigned char *sig, size_t n, size_t len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *how;
	bool ok = EVP_DigestVerifyInit_ex(ctx, &how, hash, NULL, NULL, key, NULL) == 1;

	if (pss)
		ok = ok && EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST) == 1;
	ok = ok && EVP_DigestVerify(ctx, sig, n, text, len) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

static const struct { const char *kind; uint32_t hash; bool pss; const char *name; int want; } how[] = {
	{ "RSA", SIGN_SHA256, true, "SHA256", 0 },
	{ "RSA", SIGN_SHA512, true, "SHA512", 0 },
	{ "RSA", SIGN_SHA384, false, "SHA384", 0 },
	{ "RSA", SIGN_NONE, false, NULL, -1 },
	{ "RSA", SIGN_HASHES, true, NULL, -1 },
	{ "EC", SIGN_SHA256, false, "SHA256", 0 },
	{ "EC", SIGN_SHA256, true, NULL, -1 },
	{ "EC", SIGN_NONE, false, NULL, -1 },
	{ "ED25519", SIGN_NONE, false, NULL, 0 },
	{ "ED25519", SIGN_SHA256, false, NULL, -1 },
};

START_TEST(signatures_verify)
{
	EVP_PKEY *key = strcmp(how[_i].kind, "EC") == 0 ? EVP_EC_gen("P-256") :
	    strcmp(how[_i].kind, "RSA") == 0 ? EVP_RSA_gen(2048) : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	unsigned char sig[MSG_SIGNATURE];
	size_t n, len = tls13(32);
	struct err e = { 0 };

	ck_assert_msg(sign_text(key, how[_i].hash, how[_i].pss, span_of(text, len), sig, &n, &e) == how[_i].want,
	    "%s", e.what);
	if (how[_i].want == 0)
		ck_assert(verifies(key, how[_i].name, how[_i].pss, sig, n, len));
	EVP_PKEY_free(key);
}
END_TEST

Suite *suite_sign(void);
Suite *
suite_sign(void)
{
	Suite *s = suite_create("sign");
	TCase *t = tcase_create("sign");

	tcase_add_test(t, nothing_but_TLS_is_signed);
	tcase_add_loop_test(t, signatures_verify, 0, sizeof how / sizeof *how);
	suite_add_tcase(s, t);
	return s;
}
