/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* What `accord send` and `accord convert` make of a text, and what the verbs print. */
#include "cmd/compose.h"

#include <check.h>
#include <stdlib.h>

static struct err e;

/* The message of a text to one recipient, NUL-terminated. */
static char *
compose(const char *subject, const char *text)
{
	static struct buf out;
	char *const to[] = { (char *)(uintptr_t)"b@far.example" };
	struct compose c = { .from = "a@here.example", .subject = subject, .host = "here.example",
	    .to = to, .nto = 1 };

	buf_free(&out);
	buf_init(&out, 100000);
	ck_assert_msg(compose_message(&c, span_str(text), NULL, &out, &e) == 0, "%s", e.what);
	ck_assert_int_eq(buf_add_byte(&out, '\0', &e), 0);
	return (char *)out.p;
}

START_TEST(a_text_gets_the_fields_it_needs)
{
	const char *m = compose("hello", "line one\n.two\nGr\xc3\xbc\xc3\x9f" "e\n");

	ck_assert_ptr_nonnull(strstr(m, "\r\nFrom: <a@here.example>\r\nTo: <b@far.example>\r\n"));
	ck_assert_ptr_nonnull(strstr(m, "\r\nSubject: hello\r\n"));
	ck_assert_ptr_nonnull(strstr(m, "@here.example>\r\nFrom: <a@here.example>\r\n"));
	ck_assert_ptr_nonnull(strstr(m, "\r\n\r\nline one\r\n"));
	ck_assert_ptr_nonnull(strstr(m, "Gr=C3=BC=C3=9Fe\r\n"));
	for (const char *p = m; *p != '\0'; p++)
		ck_assert_int_lt((unsigned char)*p, 0x80);
}
END_TEST

START_TEST(a_message_of_its_own_stays_as_it_is)
{
	ck_assert_str_eq(compose("unused", "From: me\nX: y\n\nbody\n"), "From: me\r\nX: y\r\n\r\nbody\r\n");
}
END_TEST

START_TEST(an_encoded_subject_never_cuts_a_character)
{
	char subject[400];
	size_t n = 0;

	for (int shift = 0; shift < 4; shift++) {
		const char *m, *at;

		n = (size_t)shift;
		memset(subject, 'x', n);
		while (n < 200) {		/* characters of four octets */
			memcpy(subject + n, "\xf0\x9f\x93\xa0", 4);
			n += 4;
		}
		subject[n] = '\0';
		m = compose(subject, "x\n");
		for (at = m; (at = strstr(at, "=?utf-8?B?")) != NULL; at++) {
			const char *end = strstr(at, "?=");

			ck_assert_ptr_nonnull(end);
			ck_assert_int_le(end + 2 - at, 75);
		}
	}
}
END_TEST

START_TEST(an_image_with_a_permission_that_is_no_expression_is_refused)
{
	struct buf out;

	buf_init(&out, 10000);
	ck_assert_int_eq(compose_image(span_str("II*"), "image/tiff", "(& (oops", &out, &e), -1);
	ck_assert_int_eq(e.kind, ERR_PERM);
	buf_clear(&out);
	ck_assert_int_eq(compose_image(span_str("II*"), "image/tiff", "any", &out, &e), 0);
	ck_assert_ptr_nonnull(memmem(out.p, out.n, "Content-Convert: ANY\r\n", 22));
	buf_free(&out);
}
END_TEST

static const struct { const char *in, *want; } strings[] = {
	{ "plain", "\"plain\"" },
	{ "a\"b\\c\n\x1b", "\"a\\\"b\\\\c\\u000a\\u001b\"" },
	{ "\xc3\xa4\xe4\xb8\x96\xf0\x9f\x93\xa0", "\"\xc3\xa4\xe4\xb8\x96\xf0\x9f\x93\xa0\"" },
	{ "\xc3", "\"\\ufffd\"" },			/* cut short */
	{ "\xc0\xaf", "\"\\ufffd\\ufffd\"" },		/* overlong */
	{ "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" },	/* a surrogate */
	{ "\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
	{ "\xff\x7f", "\"\\ufffd\\u007f\"" },
};

START_TEST(json_is_always_well_formed)
{
	char got[200] = "";
	FILE *f = fmemopen(got, sizeof got, "w");

	json_string(f, span_str(strings[_i].in));
	fclose(f);
	ck_assert_str_eq(got, strings[_i].want);
}
END_TEST

Suite *suite_compose(void);
Suite *
suite_compose(void)
{
	Suite *s = suite_create("compose");
	TCase *tc = tcase_create("compose");

	tcase_add_test(tc, a_text_gets_the_fields_it_needs);
	tcase_add_test(tc, a_message_of_its_own_stays_as_it_is);
	tcase_add_test(tc, an_encoded_subject_never_cuts_a_character);
	tcase_add_test(tc, an_image_with_a_permission_that_is_no_expression_is_refused);
	tcase_add_loop_test(tc, json_is_always_well_formed, 0, sizeof strings / sizeof *strings);
	suite_add_tcase(s, tc);
	return s;
}
