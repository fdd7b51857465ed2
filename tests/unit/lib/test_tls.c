/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Both sides of lib/tls over a pair of sockets in this process, taking turns. */
#include <check.h>
#include <fcntl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/tls.h"

static SSL_CTX *ctx[2];
static struct tls *side[2];
static int sock[2];
static struct err e;

/* A key and a certificate of its own for the server. */
static void
certify(SSL_CTX *c)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();

	ck_assert_ptr_nonnull(key);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	ck_assert_int_eq(X509_set_pubkey(cert, key), 1);
	ck_assert_int_gt(X509_sign(cert, key, EVP_sha256()), 0);
	ck_assert_int_eq(SSL_CTX_use_certificate(c, cert), 1);
	ck_assert_int_eq(SSL_CTX_use_PrivateKey(c, key), 1);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void
setup(void)
{
	setenv("OPENSSL_CONF", "/dev/null", 1);		/* what holds wherever it is built */
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sock), 0);
	for (int i = 0; i < 2; i++) {
		ctx[i] = tls_context((enum tls_side)i, &e);
		ck_assert_msg(ctx[i] != NULL, "%s", e.what);
		if (i == TLS_SERVER)
			certify(ctx[i]);
	}
}

static void
teardown(void)
{
	for (int i = 0; i < 2; i++) {
		tls_free(side[i]);
		side[i] = NULL;
		SSL_CTX_free(ctx[i]);
		if (sock[i] != -1)
			close(sock[i]);
	}
}

static void
layers(void)
{
	for (int i = 0; i < 2; i++) {
		side[i] = tls_new(ctx[i], sock[i], (enum tls_side)i, &e);
		ck_assert_msg(side[i] != NULL, "%s", e.what);
	}
}

/* Both handshakes, in turns; the state of each where nothing moves any more. */
static void
shake(enum tls_status st[2])
{
	st[0] = st[1] = TLS_WANT_READ;
	for (int turn = 0; turn < 20; turn++)
		for (int i = 0; i < 2; i++)
			if (st[i] == TLS_WANT_READ || st[i] == TLS_WANT_WRITE)
				st[i] = tls_handshake(side[i], &e);
}

static void
shaken(void)
{
	enum tls_status st[2];

	layers();
	shake(st);
	ck_assert_msg(st[0] == TLS_OK && st[1] == TLS_OK, "%d %d %s", st[0], st[1], e.what);
}

static void
drop(int i)
{
	close(sock[i]);
	sock[i] = -1;
}

START_TEST(octets_go_both_ways)
{
	char got[10];
	size_t n;

	shaken();
	ck_assert_str_eq(tls_version(side[0]), "TLSv1.3");
	ck_assert_str_eq(tls_cipher(side[0]), tls_cipher(side[1]));
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(tls_read(side[!i], got, sizeof got, &n, &e), TLS_WANT_READ);
		ck_assert_int_eq(tls_write(side[i], span_str("hello, you"), &n, &e), TLS_OK);
		ck_assert_uint_eq(n, 10);
		ck_assert(!tls_pending(side[!i]));
		ck_assert_int_eq(tls_read(side[!i], got, 5, &n, &e), TLS_OK);
		ck_assert_uint_eq(n, 5);
		ck_assert(tls_pending(side[!i]));	/* which poll does not tell */
		ck_assert_int_eq(tls_read(side[!i], got + 5, 5, &n, &e), TLS_OK);
		ck_assert_int_eq(memcmp(got, "hello, you", 10), 0);
		ck_assert(!tls_pending(side[!i]));
	}
}
END_TEST

/* The socket is full: what is left goes once it can be written, from other memory too. */
START_TEST(a_full_socket)
{
	static unsigned char out[1 << 20], again[1 << 20], got[1 << 16];
	size_t sent = 0, came = 0, n;
	bool was_full = false;

	for (size_t i = 0; i < sizeof out; i++)
		out[i] = again[i] = (unsigned char)(i * 7 >> 3);
	shaken();
	while (sent < sizeof out || came < sizeof out) {
		enum tls_status st = TLS_OK;

		while (sent < sizeof out && (st = tls_write(side[0], span_of((was_full ? again : out) + sent,
		    sizeof out - sent), &n, &e)) == TLS_OK)
			sent += n;
		was_full |= st == TLS_WANT_WRITE;
		ck_assert_int_ne(st, TLS_FAILED);
		while (tls_read(side[1], got, sizeof got, &n, &e) == TLS_OK) {
			ck_assert_int_eq(memcmp(got, out + came, n), 0);
			came += n;
		}
	}
	ck_assert(was_full);
	ck_assert_uint_eq(came, sizeof out);
}
END_TEST

/* An end in order is told from one that may have cut something off. */
START_TEST(ends_are_told_apart)
{
	char got[10];
	size_t n;

	shaken();
	if (_i == 0)
		tls_shut(side[0]);
	drop(0);
	ck_assert_int_eq(tls_read(side[1], got, sizeof got, &n, &e), _i == 0 ? TLS_CLOSED : TLS_FAILED);
	ck_assert_int_eq(tls_write(side[1], span_str("x"), &n, &e), TLS_FAILED);	/* and no SIGPIPE */
	ck_assert_int_eq(e.kind, ERR_TEMP);
	tls_shut(side[1]);
}
END_TEST

/* Old versions are refused, by whichever side; the words say why. */
START_TEST(old_versions_are_refused)
{
	enum tls_status st[2];

	for (int i = 0; i < 2; i++)
		SSL_CTX_set_security_level(ctx[i], 0);	/* by itself it refuses them */
	ck_assert_int_eq(SSL_CTX_set_min_proto_version(ctx[_i], TLS1_VERSION), 1);
	ck_assert_int_eq(SSL_CTX_set_max_proto_version(ctx[_i], TLS1_1_VERSION), 1);
	layers();
	shake(st);
	ck_assert_int_eq(st[!_i], TLS_FAILED);
	ck_assert_str_eq(e.dsn, "4.7.0");
	ck_assert_ptr_nonnull(strstr(e.what, "TLS: handshake: "));
	ck_assert_ptr_nonnull(strstr(e.what, "version"));
}
END_TEST

START_TEST(what_is_no_tls)
{
	static const char text[] = "EHLO client.example\r\nMAIL FROM:<a@b.example>\r\n";
	enum tls_status st;

	layers();
	ck_assert_int_eq(tls_handshake(side[1], &e), TLS_WANT_READ);
	ck_assert_int_eq(write(sock[0], text, sizeof text - 1), sizeof text - 1);
	st = tls_handshake(side[1], &e);
	ck_assert_int_eq(st, TLS_FAILED);
	ck_assert_str_eq(e.dsn, "4.7.0");
}
END_TEST

START_TEST(a_peer_that_goes_in_the_handshake)
{
	layers();
	ck_assert_int_eq(tls_handshake(side[0], &e), TLS_WANT_READ);
	drop(1);
	ck_assert_int_eq(tls_handshake(side[0], &e), TLS_FAILED);
	ck_assert_str_eq(e.dsn, "4.4.2");
}
END_TEST

Suite *suite_tls(void);
Suite *
suite_tls(void)
{
	Suite *s = suite_create("tls");
	TCase *tc = tcase_create("tls");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, octets_go_both_ways);
	tcase_add_test(tc, a_full_socket);
	tcase_add_loop_test(tc, ends_are_told_apart, 0, 2);
	tcase_add_loop_test(tc, old_versions_are_refused, 0, 2);
	tcase_add_test(tc, what_is_no_tls);
	tcase_add_test(tc, a_peer_that_goes_in_the_handshake);
	suite_add_tcase(s, tc);
	return s;
}
