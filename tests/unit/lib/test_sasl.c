/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/sasl.h"

#include <check.h>

#include "tests/unit/suites.h"

#define BAD "5.5.2"
#define LONG "5.5.6"

static const struct { const char *text; const char *want, *dsn; } codes[] = {
	{ "", "", NULL },		/* RFC 4648, 10 */
	{ "Zg==", "f", NULL },
	{ "Zm8=", "fo", NULL },
	{ "Zm9v", "foo", NULL },
	{ "Zm9vYg==", "foob", NULL },
	{ "Zm9vYmE=", "fooba", NULL },
	{ "Zm9vYmFy", "foobar", NULL },
	{ "Zm9vYmFyeA==", NULL, LONG },
	{ "=", NULL, BAD },
	{ "====", NULL, BAD },
	{ "=AAA", NULL, BAD },		/* RFC 4954, 4 */
	{ "AAA=BBB", NULL, BAD },
	{ "AAA=BBBB", NULL, BAD },
	{ "A===", NULL, BAD },
	{ "AA=A", NULL, BAD },
	{ "Zg", NULL, BAD },
	{ "Zm9", NULL, BAD },
	{ "Z", NULL, BAD },
	{ "Zh==", NULL, BAD },		/* bits behind the last octet */
	{ "Zm9=", NULL, BAD },
	{ "Zm 9v", NULL, BAD },
	{ "Zm-v", NULL, BAD },
	{ "Zm9v\r", NULL, BAD },
	{ "Zm\xc3\xa4v", NULL, BAD },
};

START_TEST(base64_is_strict)
{
	unsigned char out[6];
	struct err e = { 0 };
	char text[16];
	size_t n = 99;
	int r = sasl_decode(span_str(codes[_i].text), out, sizeof out, &n, &e);

	ck_assert_int_eq(r, codes[_i].want != NULL ? 0 : -1);
	if (r == -1) {
		ck_assert_str_eq(e.dsn, codes[_i].dsn);
		return;
	}
	ck_assert(span_is(span_of(out, n), codes[_i].want));
	sasl_encode(span_of(out, n), text);
	ck_assert_str_eq(text, codes[_i].text);
}
END_TEST

#define M(s) s, sizeof s - 1

static const struct { const char *message; size_t n; const char *user, *word, *dsn; } plains[] = {
	{ M("\0ann\0secret"), "ann", "secret", NULL },
	{ M("ann\0ann\0secret"), "ann", "secret", NULL },
	{ M("\0ann@x.example\0s p"), "ann@x.example", "s p", NULL },
	{ M("bob\0ann\0secret"), NULL, NULL, "5.7.8" },
	{ M("Ann\0ann\0secret"), NULL, NULL, "5.7.8" },
	{ M("\0ann\0"), NULL, NULL, "5.7.8" },
	{ M("\0\0secret"), NULL, NULL, "5.7.8" },
	{ M("\0a\nn\0secret"), NULL, NULL, "5.7.8" },
	{ M("\0a\x7fn\0secret"), NULL, NULL, "5.7.8" },
	{ M("\0ann\0secret\0"), NULL, NULL, BAD },
	{ M("\0ann\0se\0cret"), NULL, NULL, BAD },
	{ M("ann\0secret"), NULL, NULL, BAD },
	{ M("ann"), NULL, NULL, BAD },
	{ M(""), NULL, NULL, BAD },
};

START_TEST(plain_has_three_parts)
{
	struct span user, word;
	struct err e = { 0 };
	int r = sasl_plain(span_of(plains[_i].message, plains[_i].n), &user, &word, &e);

	ck_assert_int_eq(r, plains[_i].user != NULL ? 0 : -1);
	if (r == -1)
		ck_assert_str_eq(e.dsn, plains[_i].dsn);
	else
		ck_assert(span_is(user, plains[_i].user) && span_is(word, plains[_i].word));
}
END_TEST

START_TEST(names_and_passwords_have_their_length)
{
	char text[600] = "";
	struct span user, word;
	struct err e;

	for (int longer = 0; longer < 2; longer++) {
		memset(text, 'u', sizeof text);
		text[0] = text[1 + 255 + longer] = '\0';
		ck_assert_int_eq(sasl_plain(span_of(text, 1 + 255 + (size_t)longer + 1 + 255), &user, &word, &e), -longer);
		text[1 + 255 + longer] = 'u';
		text[2] = '\0';
		ck_assert_int_eq(sasl_plain(span_of(text, 3 + 255 + (size_t)longer), &user, &word, &e), -longer);
	}
}
END_TEST

Suite *suite_sasl(void);
Suite *
suite_sasl(void)
{
	Suite *s = suite_create("sasl");
	TCase *t = tcase_create("sasl");

	tcase_add_loop_test(t, base64_is_strict, 0, sizeof codes / sizeof *codes);
	tcase_add_loop_test(t, plain_has_three_parts, 0, sizeof plains / sizeof *plains);
	tcase_add_test(t, names_and_passwords_have_their_length);
	suite_add_tcase(s, t);
	return s;
}
