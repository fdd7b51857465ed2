/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* The resolver's answers as packets. */
#include <check.h>
#include <stdlib.h>

#include "lib/resolve.h"

static struct resolved in, out;
static struct buf b;
static struct err e;

static void
setup(void)
{
	memset(&in, 0, sizeof in);
	memset(&out, 0, sizeof out);
	buf_init(&b, MSG_MAX);
	in = (struct resolved){ .source = SOURCE_MX, .dnssec = DNSSEC_SECURE, .ttl = 77, .nhost = 2 };
	in.host[0] = (struct resolved_host){ .preference = 10, .naddr = 2, .name = "a.example" };
	in.host[0].addr[1].a[3] = 9;
	in.host[1] = (struct resolved_host){ .preference = 300, .name = "b.example",
	    .why = "the name server refuses" };
}

static void
teardown(void)
{
	buf_free(&b);
}

static int
pass(void)
{
	buf_clear(&b);
	ck_assert_int_eq(resolve_write(&in, NULL, &b, &e), 0);
	return resolve_read(buf_view(&b), &out, &e);
}

START_TEST(as_it_was)
{
	ck_assert_int_eq(pass(), 0);
	ck_assert_mem_eq(&in, &out, sizeof in);
}
END_TEST

/* A host has a port if the records were SRV, and then only. */
START_TEST(services_as_they_were)
{
	in.source = SOURCE_SRV;
	ck_assert_int_eq(pass(), -1);
	for (uint32_t i = 0; i < in.nhost; i++) {
		in.host[i].port = (uint16_t)(65535 - i);
		in.host[i].weight = (uint16_t)(258 + i);
	}
	ck_assert_int_eq(pass(), 0);
	ck_assert_mem_eq(&in, &out, sizeof in);
	in.source = SOURCE_MX;
	ck_assert_int_eq(pass(), -1);
	ck_assert_int_eq(e.kind, ERR_PROTO);
}
END_TEST

/* The largest there is fits a packet. */
START_TEST(largest)
{
	in.nhost = RESOLVE_HOSTS;
	for (uint32_t i = 0; i < RESOLVE_HOSTS; i++) {
		in.host[i] = (struct resolved_host){ .naddr = RESOLVE_ADDRS, .preference = 65535 };
		memset(in.host[i].name, 'a', RESOLVE_NAME - 1);
		memset(in.host[i].why, 'w', RESOLVE_WHY - 1);
		for (size_t k = 63; k < RESOLVE_NAME - 1; k += 64)
			in.host[i].name[k] = '.';
	}
	ck_assert_int_eq(pass(), 0);
	ck_assert_mem_eq(&in, &out, sizeof in);
}
END_TEST

START_TEST(a_failure)
{
	struct err why = { .kind = ERR_PERM, .dsn = "5.1.10", .what = "x takes no mail" };

	ck_assert_int_eq(resolve_write(&in, &why, &b, &e), 0);
	ck_assert_int_eq(resolve_read(buf_view(&b), &out, &e), -1);
	ck_assert_int_eq(e.kind, ERR_PERM);
	ck_assert_str_eq(e.dsn, "5.1.10");
	ck_assert_str_eq(e.what, "x takes no mail");
	why.kind = ERR_TEMP;			/* the code must be of the kind's class */
	buf_clear(&b);
	ck_assert_int_eq(resolve_write(&in, &why, &b, &e), 0);
	ck_assert_int_eq(resolve_read(buf_view(&b), &out, &e), -1);
	ck_assert_str_eq(e.dsn, "4.4.3");
}
END_TEST

START_TEST(cut_short)
{
	ck_assert_int_eq(pass(), 0);
	for (size_t n = 0; n < b.n; n++) {
		unsigned char *copy = malloc(n + 1);

		memcpy(copy, b.p, n);
		ck_assert_int_eq(resolve_read(span_of(copy, n), &out, &e), -1);
		ck_assert_int_eq(e.kind, ERR_PROTO);
		free(copy);
	}
	ck_assert_int_eq(buf_add_byte(&b, 0, &e), 0);
	ck_assert_int_eq(resolve_read(buf_view(&b), &out, &e), -1);
}
END_TEST

static const char *const names[] = { "", "a b", "A.example", "a\n.example", "a..b", "x>y", "a@b" };

START_TEST(names_are_hosts)
{
	memset(in.host[1].name, 0, sizeof in.host[1].name);
	memcpy(in.host[1].name, names[_i], strlen(names[_i]));
	ck_assert_int_eq(pass(), -1);
	ck_assert_int_eq(e.kind, ERR_PROTO);
}
END_TEST

START_TEST(preference_grows)
{
	in.host[0].preference = 301;
	ck_assert_int_eq(pass(), -1);
	in.host[0].preference = 300;
	ck_assert_int_eq(pass(), 0);
	in.nhost = 0;
	ck_assert_int_eq(pass(), -1);
	in.nhost = 2;
	in.source = SOURCE_LITERAL;
	ck_assert_int_eq(pass(), -1);
}
END_TEST

static const struct { const char *line; const char *data; } anchors[] = {
	{ ". IN DS 20326 8 2 E06D44B8", "DS 20326 8 2 E06D44B8" },
	{ "example.com. 3600 IN DNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0d", "DNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0d" },
	{ "example.com ds 1 8 2 00", "ds 1 8 2 00" },
	{ "", NULL }, { ".", NULL }, { ". IN DS 1 8 2", NULL }, { ". IN TXT 1 2 3 4", NULL },
	{ "exa mple. IN DS 1 8 2 00", NULL }, { "a..b DS 1 8 2 00", NULL }, { "; DS 1 8 2 00", NULL },
	{ "/etc/root.key", NULL },
};

START_TEST(trust_anchors)
{
	struct anchor a;
	int r = anchor_parse(span_str(anchors[_i].line), &a, &e);

	ck_assert_msg(r == (anchors[_i].data == NULL ? -1 : 0), "%s", anchors[_i].line);
	if (r == 0)
		ck_assert(span_is(a.data, anchors[_i].data));
}
END_TEST

Suite *suite_resolve(void);
Suite *
suite_resolve(void)
{
	Suite *s = suite_create("resolve");
	TCase *tc = tcase_create("resolve");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, as_it_was);
	tcase_add_test(tc, services_as_they_were);
	tcase_add_test(tc, largest);
	tcase_add_test(tc, a_failure);
	tcase_add_test(tc, cut_short);
	tcase_add_loop_test(tc, names_are_hosts, 0, sizeof names / sizeof *names);
	tcase_add_test(tc, preference_grows);
	tcase_add_loop_test(tc, trust_anchors, 0, sizeof anchors / sizeof *anchors);
	suite_add_tcase(s, tc);
	return s;
}
