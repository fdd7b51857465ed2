/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/sha256.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/suites.h"

/* FIPS 180-4's examples (NIST, SHA256.pdf: one block, two blocks, none), its million of "a", and lengths about the
 * padding's edges, by another implementation. */
static const struct { const char *text; size_t times; const char *digest; } cases[] = {
	{ "abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
	    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	{ "", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
	{ "a", 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318" },
	{ "a", 56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a" },
	{ "a", 63, "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34" },
	{ "a", 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb" },
	{ "a", 65, "635361c48bb9eab14198e76ea8ab7f1a41685d6ad62aa9146d301d4f17eb0ae0" },
	{ "a", 119, "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb" },
	{ "a", 120, "2f3d335432c70b580af0e8e1b3674a7c020d683aa5f73aaaedfdc55af904c21c" },
	{ "a", 128, "6836cf13bac400e9105071cd6af47084dfacad4e5e302c94bfed24e013afb73e" },
};

START_TEST(digests_are_those_of_the_standard)
{
	size_t one = strlen(cases[_i].text), n = one * cases[_i].times;
	unsigned char *in = malloc(n + 1), digest[32];
	char hex[65];

	for (size_t i = 0; i < n; i++)
		in[i] = (unsigned char)cases[_i].text[i % one];
	sha256((struct span){ in, n }, digest);
	for (int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	ck_assert_str_eq(hex, cases[_i].digest);
	free(in);
}
END_TEST

/* In pieces of each size it is the same. */
START_TEST(digests_of_pieces)
{
	unsigned char in[200], want[SHA256_DIGEST], digest[SHA256_DIGEST];
	struct sha256 s;

	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (unsigned char)(i * 7);
	sha256(span_of(in, sizeof in), want);
	for (size_t piece = 1; piece <= sizeof in; piece++) {
		sha256_init(&s);
		for (size_t at = 0; at < sizeof in; at += piece)
			sha256_add(&s, span_sub(span_of(in, sizeof in), at, at + piece));
		sha256_end(&s, digest);
		ck_assert_msg(sha256_same(digest, want, sizeof digest), "pieces of %zu", piece);
	}
	digest[31] ^= 1;
	ck_assert(!sha256_same(digest, want, sizeof digest));
}
END_TEST

/* RFC 4231, 4.2, 4.3 and 4.4; a key as long as a block, by another implementation. */
static const struct { const char *key, *in; size_t nkey, nin; const char *digest; } macs[] = {
	{ "\x0b", "Hi There", 20, 8, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
	{ "Jefe", "what do ya want for nothing?", 4, 28,
	    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	{ "\xaa", "\xdd", 20, 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
	{ "k", "", 64, 0, "83026a325aaee70e36cfe607536aa1054104ad1077c36134810d4ccded1ccd3b" },
};

START_TEST(macs_are_those_of_the_standard)
{
	unsigned char key[64], in[64], digest[SHA256_DIGEST];
	char hex[65];

	for (size_t i = 0; i < macs[_i].nkey; i++)
		key[i] = (unsigned char)macs[_i].key[i % strlen(macs[_i].key)];
	for (size_t i = 0; i < macs[_i].nin; i++)
		in[i] = (unsigned char)macs[_i].in[i % strlen(macs[_i].in)];
	hmac_sha256(span_of(key, macs[_i].nkey), span_of(in, macs[_i].nin), digest);
	for (int i = 0; i < SHA256_DIGEST; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	ck_assert_str_eq(hex, macs[_i].digest);
}
END_TEST

Suite *suite_sha256(void);
Suite *
suite_sha256(void)
{
	Suite *s = suite_create("sha256");
	TCase *tc = tcase_create("sha256");

	tcase_add_loop_test(tc, digests_are_those_of_the_standard, 0, sizeof cases / sizeof *cases);
	tcase_add_test(tc, digests_of_pieces);
	tcase_add_loop_test(tc, macs_are_those_of_the_standard, 0, sizeof macs / sizeof *macs);
	suite_add_tcase(s, tc);
	return s;
}
