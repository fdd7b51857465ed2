/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "ldap/entry.h"

#include <check.h>
#include <string.h>

#define COUNT(a) (sizeof (a) / sizeof *(a))

static const char box[] = "jo@x.example", fax[] = "FAX=+12025550100@x.example";

static const struct {
	const char *name, *addr, *features[2], *fax[2];
	enum cap_state want;
	const char *has, *lacks, *why;
} entries[] = {
	{ "nothing", box, { NULL }, { NULL }, CAP_NONE, NULL, NULL, NULL },
	{ "an expression", box, { "(& (color=Binary) (image-coding=MMR))" }, { NULL }, CAP_KNOWN, "image-coding=MMR", NULL, NULL },
	{ "any", box, { " Any " }, { NULL }, CAP_ANY, NULL, NULL, NULL },
	{ "a broken one", box, { "(& (color=" }, { NULL }, CAP_NONE, NULL, NULL, "column" },
	{ "none that can be met", box, { "(& (dpi=200) (dpi=300))" }, { NULL }, CAP_NONE, NULL, NULL, "something can meet" },
	{ "empty", box, { "" }, { NULL }, CAP_NONE, NULL, NULL, "" },
	{ "two", box, { "(dpi=200)", "(dpi=300)" }, { NULL }, CAP_NONE, NULL, NULL, "more than one value" },
	{ "a person's fax number", box, { NULL }, { "+1 202 555 0100$twoDimensional" }, CAP_NONE, NULL, NULL, NULL },
	{ "a machine's number", fax, { NULL }, { "+1 202 555 0100" }, CAP_KNOWN, "image-coding=MH)", "51/49", NULL },
	{ "its terms", fax, { NULL }, { "+1 202 555 0100$twoDimensional$fineResolution" }, CAP_KNOWN, "[MH,MR]", NULL, NULL },
	{ "fine", fax, { NULL }, { "+1$fineResolution" }, CAP_KNOWN, "51/49", NULL, NULL },
	{ "standard", fax, { NULL }, { "+1$uncompressed" }, CAP_KNOWN, "102/49", "51/49", NULL },
	{ "width", fax, { NULL }, { "+1$b4Width" }, CAP_KNOWN, "size-x<=1275/127", NULL, NULL },
	{ "the larger width", fax, { NULL }, { "+1$b4Width$a3Width" }, CAP_KNOWN, "size-x<=1515/127", NULL, NULL },
	{ "length", fax, { NULL }, { "+1$b4Length" }, CAP_KNOWN, "size-y<=1820/127", NULL, NULL },
	{ "no limit", fax, { NULL }, { "+1$b4Length$unlimitedLength" }, CAP_KNOWN, "size-x", "size-y", NULL },
	{ "any case", fax, { NULL }, { "+1$TWODIMENSIONAL" }, CAP_KNOWN, "MR", NULL, NULL },
	{ "an unknown term", fax, { NULL }, { "+1$colour" }, CAP_NONE, NULL, NULL, "none of RFC 4517" },
	{ "an empty term", fax, { NULL }, { "+1$" }, CAP_NONE, NULL, NULL, NULL },
	{ "no number", fax, { NULL }, { "$twoDimensional" }, CAP_NONE, NULL, NULL, "none of RFC 4517" },
	{ "two machines", fax, { NULL }, { "+1", "+2" }, CAP_NONE, NULL, NULL, "several machines" },
	{ "an expression wins", fax, { "(dpi=400)" }, { "+1" }, CAP_KNOWN, "dpi=400", "MH", NULL },
};

static struct entry_values
values(const char *const v[2])
{
	struct entry_values out = { .n = 0 };

	for (int i = 0; i < 2 && v[i] != NULL; i++)
		out.value[out.n++] = span_str(v[i]);
	return out;
}

START_TEST(entries_are_read)
{
	struct entry in = { .features = values(entries[_i].features), .fax = values(entries[_i].fax) };
	const char *name = entries[_i].name;
	enum cap_state got;
	uint64_t since_s;
	struct buf text;
	struct err e;

	buf_init(&text, MSG_MAX);
	got = entry_read(&in, span_str(entries[_i].addr), &text, &since_s, &e);
	ck_assert_msg(got == entries[_i].want, "%s: %d: %s", name, got, e.what);
	ck_assert_int_eq(buf_add_byte(&text, '\0', &(struct err){ 0 }), 0);
	if (entries[_i].has != NULL)
		ck_assert_msg(strstr((char *)text.p, entries[_i].has) != NULL, "%s: %s", name, text.p);
	if (entries[_i].lacks != NULL)
		ck_assert_msg(strstr((char *)text.p, entries[_i].lacks) == NULL, "%s: %s", name, text.p);
	if (entries[_i].why != NULL)
		ck_assert_msg(e.kind == ERR_PERM && strstr(e.what, entries[_i].why) != NULL, "%s: %s", name, e.what);
	ck_assert_uint_eq(since_s, 0);
	buf_free(&text);
}
END_TEST

static const struct { const char *text; bool right; uint64_t s; } times[] = {
	{ "19700101000000Z", true, 0 }, { "20260131120000Z", true, 1769860800 }, { "20260131120000.5Z", true, 1769860800 },
	{ "20260131120000,25Z", true, 1769860800 }, { "20260131120000", false, 0 }, { "20260131120000+0100", false, 0 },
	{ "2026013112Z", false, 0 }, { "20261331120000Z", false, 0 }, { "20260100120000Z", false, 0 },
	{ "20260131240000Z", false, 0 }, { "", false, 0 }, { "20260131120000Zx", false, 0 }, { "99999999999999999999Z", false, 0 },
	{ "-2260131120000Z", false, 0 }, { "19690101000000Z", false, 0 },
};

START_TEST(times_are_read)
{
	uint64_t got = 0;

	ck_assert_int_eq(entry_time(span_str(times[_i].text), &got), times[_i].right);
	ck_assert_uint_eq(got, times[_i].s);
}
END_TEST

START_TEST(a_time_comes_with_the_rest)
{
	struct entry in = { .features = { { span_str("any") }, 1 }, .time = { { span_str("20260131120000Z") }, 1 } };
	uint64_t since_s;
	struct buf text;
	struct err e;

	buf_init(&text, 10);
	ck_assert_int_eq(entry_read(&in, span_str(box), &text, &since_s, &e), CAP_ANY);
	ck_assert_uint_eq(since_s, 1769860800);
	in.time.n = 2;
	ck_assert_int_eq(entry_read(&in, span_str(box), &text, &since_s, &e), CAP_ANY);
	ck_assert_uint_eq(since_s, 0);
}
END_TEST

Suite *suite_entry(void);
Suite *
suite_entry(void)
{
	Suite *s = suite_create("entry");
	TCase *tc = tcase_create("entry");

	tcase_add_loop_test(tc, entries_are_read, 0, COUNT(entries));
	tcase_add_loop_test(tc, times_are_read, 0, COUNT(times));
	tcase_add_test(tc, a_time_comes_with_the_rest);
	suite_add_tcase(s, tc);
	return s;
}
