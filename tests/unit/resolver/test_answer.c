/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* DNS answers as they come from the network, and what they come to. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "remote/resolver/question.h"
#include "tests/unit/resolver/wire.h"

static struct buf b;
static struct answer a;
static struct resolved res;
static struct err e;

static void
setup(void)
{
	buf_init(&b, 65536);
	e = (struct err){ 0 };
	memset(&res, 0, sizeof res);
}

static void
teardown(void)
{
	buf_free(&b);
}

static int
get(const char *name, enum dns_type type)
{
	return answer_read(buf_view(&b), name, type, &a, &e);
}

START_TEST(mx_records)
{
	wire_start(&b, "x.example", DNS_MX, 0);
	wire_mx(&b, "X.example", 20, "B.example");
	wire_mx(&b, "x.example", 10, "a.example");
	wire_mx(&b, "other.example", 1, "evil.example");	/* of nobody who was asked about */
	ck_assert_int_eq(get("x.example", DNS_MX), 0);
	ck_assert_uint_eq(a.n, 2);
	ck_assert_uint_eq(a.ttl, 300);
	ck_assert_int_eq(question_hosts(&a, RESOLVE_MX, "x.example", &res, &e), 0);
	ck_assert_uint_eq(res.nhost, 2);
	ck_assert_str_eq(res.host[0].name, "a.example");
	ck_assert_str_eq(res.host[1].name, "b.example");
}
END_TEST

START_TEST(addresses_through_aliases)
{
	wire_start(&b, "x.example", DNS_A, 0);
	wire_data(&b, "z.example", DNS_A, 60, span_of("\300\0\2\1", 4));
	wire_cname(&b, "y.example", "z.example");
	wire_cname(&b, "x.example", "Y.example");
	ck_assert_int_eq(get("x.example", DNS_A), 0);
	ck_assert_uint_eq(a.n, 1);
	ck_assert_uint_eq(a.ttl, 60);
	ck_assert_mem_eq(a.record[0].a, "\0\0\0\0\0\0\0\0\0\0\377\377\300\0\2\1", 16);
}
END_TEST

START_TEST(aliases_end)
{
	wire_start(&b, "x.example", DNS_A, 0);
	wire_cname(&b, "x.example", "y.example");
	wire_cname(&b, "y.example", "x.example");
	ck_assert_int_eq(get("x.example", DNS_A), -1);
	ck_assert_str_eq(e.dsn, "4.4.3");
	ck_assert_int_eq(e.kind, ERR_TEMP);
}
END_TEST

START_TEST(a_name_inside_a_label_is_another)
{
	static const unsigned char owner[] = "\11x.example";	/* one label, whose text looks the same */

	wire_start(&b, "x.example", DNS_MX, 0);
	wire_data(&b, "aaaaaaaaa", DNS_MX, 1, span_of("\0\1\1a\0", 5));
	memcpy(b.p + b.n - 15 - sizeof owner, owner, sizeof owner);
	ck_assert_int_eq(get("x.example", DNS_MX), 0);
	ck_assert_uint_eq(a.n, 0);
}
END_TEST

START_TEST(null_mx)
{
	wire_start(&b, "x.example", DNS_MX, 0);
	wire_mx(&b, "x.example", 0, "");
	ck_assert_int_eq(get("x.example", DNS_MX), 0);
	ck_assert_int_eq(question_hosts(&a, RESOLVE_MX, "x.example", &res, &e), -1);
	ck_assert_str_eq(e.dsn, "5.1.10");
	wire_mx(&b, "x.example", 7, "a.example");		/* then it means nothing */
	ck_assert_int_eq(get("x.example", DNS_MX), 0);
	ck_assert_int_eq(question_hosts(&a, RESOLVE_MX, "x.example", &res, &e), 0);
	ck_assert_uint_eq(res.nhost, 1);
	ck_assert_str_eq(res.host[0].name, "a.example");
}
END_TEST

static const char *const odd[] = { "a b.example", "a\1.example", "a@b.example", "a>.example", "\xc3\xa4.example" };

START_TEST(hosts_that_are_none)
{
	wire_start(&b, "x.example", DNS_MX, 0);
	wire_mx(&b, "x.example", 0, odd[_i]);
	ck_assert_int_eq(get("x.example", DNS_MX), 0);
	ck_assert_uint_eq(a.n, 0);
	ck_assert_uint_eq(a.nodd, 1);
	ck_assert_int_eq(question_hosts(&a, RESOLVE_MX, "x.example", &res, &e), -1);
	ck_assert_str_eq(e.dsn, "5.4.4");
}
END_TEST

START_TEST(no_records)
{
	wire_start(&b, "x.example", DNS_MX, 0);
	ck_assert_int_eq(get("x.example", DNS_MX), 0);
	ck_assert_int_eq(question_hosts(&a, RESOLVE_MX, "x.example", &res, &e), 0);
	ck_assert_uint_eq(res.nhost, 0);
	wire_start(&b, "x.example", DNS_MX, DNS_NXDOMAIN);
	ck_assert_int_eq(get("x.example", DNS_MX), 0);
	ck_assert_uint_eq(a.rcode, DNS_NXDOMAIN);
}
END_TEST

START_TEST(too_many_keep_the_best)
{
	char host[40];

	wire_start(&b, "x.example", DNS_MX, 0);
	for (unsigned i = 0; i < ANSWER_RECORDS + 40; i++) {	/* the best come last */
		snprintf(host, sizeof host, "h%u.example", i);
		wire_mx(&b, "x.example", i < ANSWER_RECORDS + 10 ? 200 - i : 1, host);
	}
	ck_assert_int_eq(get("x.example", DNS_MX), 0);
	ck_assert_uint_eq(a.n, ANSWER_RECORDS);
	ck_assert_int_eq(question_hosts(&a, RESOLVE_MX, "x.example", &res, &e), 0);
	ck_assert_uint_eq(res.nhost, RESOLVE_HOSTS);
	for (uint32_t i = 0; i < res.nhost; i++)
		ck_assert_uint_eq(res.host[i].preference, 1);
}
END_TEST

/* RFC 2782: all of a record is read, in whatever order they come. */
START_TEST(srv_records)
{
	wire_start(&b, "_conneg._tcp.x.example", DNS_SRV, 0);
	wire_srv(&b, "_Conneg._TCP.x.example", 20, 7, 2525, "B.example");
	wire_srv(&b, "_conneg._tcp.x.example", 10, 65535, 65535, "_a.example");
	wire_srv(&b, "_smtp._tcp.x.example", 1, 1, 25, "evil.example");
	wire_mx(&b, "_conneg._tcp.x.example", 1, "evil.example");
	ck_assert_int_eq(get("_conneg._tcp.x.example", DNS_SRV), 0);
	ck_assert_int_eq(question_hosts(&a, RESOLVE_CONNEG, "x.example", &res, &e), 0);
	ck_assert_uint_eq(res.nhost, 2);
	ck_assert_str_eq(res.host[0].name, "_a.example");
	ck_assert(res.host[0].preference == 10 && res.host[0].weight == 65535 && res.host[0].port == 65535);
	ck_assert_str_eq(res.host[1].name, "b.example");
	ck_assert(res.host[1].preference == 20 && res.host[1].weight == 7 && res.host[1].port == 2525);
}
END_TEST

/* One target ".": decidedly not.  Among others it means nothing. */
START_TEST(srv_of_nobody)
{
	wire_start(&b, "_conneg._tcp.x.example", DNS_SRV, 0);
	ck_assert_int_eq(get("_conneg._tcp.x.example", DNS_SRV), 0);
	ck_assert_int_eq(question_hosts(&a, RESOLVE_CONNEG, "x.example", &res, &e), 0);
	ck_assert_uint_eq(res.nhost, 0);
	wire_srv(&b, "_conneg._tcp.x.example", 0, 0, 0, "");
	ck_assert_int_eq(get("_conneg._tcp.x.example", DNS_SRV), 0);
	ck_assert_int_eq(question_hosts(&a, RESOLVE_CONNEG, "x.example", &res, &e), -1);
	ck_assert(e.kind == ERR_PERM && strcmp(e.dsn, "5.4.4") == 0);
	ck_assert_ptr_nonnull(strstr(e.what, "nobody says"));
	wire_srv(&b, "_conneg._tcp.x.example", 0, 0, 0, "a.example");	/* no port */
	wire_srv(&b, "_conneg._tcp.x.example", 0, 0, 25, "a b.example");
	ck_assert_int_eq(get("_conneg._tcp.x.example", DNS_SRV), 0);
	ck_assert_uint_eq(a.nodd, 2);
	ck_assert_int_eq(question_hosts(&a, RESOLVE_CONNEG, "x.example", &res, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.what, "SRV records name no host"));
	wire_srv(&b, "_conneg._tcp.x.example", 0, 0, 25, "a.example");
	ck_assert_int_eq(get("_conneg._tcp.x.example", DNS_SRV), 0);
	ck_assert_int_eq(question_hosts(&a, RESOLVE_CONNEG, "x.example", &res, &e), 0);
	ck_assert_uint_eq(res.nhost, 1);
}
END_TEST

/* Every cut of a whole answer is refused or shorter, and nothing reads past it. */
START_TEST(cut_anywhere)
{
	unsigned char *copy;

	wire_start(&b, "x.example", DNS_MX, 0);
	wire_mx(&b, "x.example", 1, "a.example");
	wire_cname(&b, "y.example", "z.example");
	for (size_t n = 0; n < b.n; n++) {
		copy = malloc(n + 1);
		memcpy(copy, b.p, n);
		ck_assert_int_eq(answer_read(span_of(copy, n), "x.example", DNS_MX, &a, &e), -1);
		ck_assert_str_eq(e.dsn, "4.4.3");
		free(copy);
	}
}
END_TEST

static const struct { const char *name; unsigned char data[8]; size_t n; unsigned type; } bad[] = {
	{ "address of three octets", { 1, 2, 3 }, 3, DNS_A },
	{ "IPv6 of four", { 1, 2, 3, 4 }, 4, DNS_AAAA },
	{ "MX without a host", { 0, 1 }, 2, DNS_MX },
	{ "a name that runs out of its record", { 0, 1, 9, 'a' }, 4, DNS_MX },
	{ "octets behind the name", { 0, 1, 1, 'a', 0, 7 }, 6, DNS_MX },
	{ "a pointer to itself", { 0, 1, 0xc0, 50 }, 4, DNS_MX },
	{ "a pointer ahead", { 0, 1, 0xc1, 0 }, 4, DNS_MX },
	{ "SRV without a target", { 0, 1, 0, 1, 0, 25 }, 6, DNS_SRV },
	{ "octets behind the target", { 0, 1, 0, 1, 0, 25, 0, 7 }, 8, DNS_SRV },
	{ "half a pointer", { 0, 1, 0xc0 }, 3, DNS_MX },
	{ "a reserved label", { 0, 1, 0x80, 0 }, 4, DNS_MX },
};

START_TEST(malformed)
{
	wire_start(&b, "x.example", bad[_i].type, 0);
	wire_data(&b, "x.example", bad[_i].type, 1, span_of(bad[_i].data, bad[_i].n));
	ck_assert_msg(get("x.example", (enum dns_type)bad[_i].type) == -1, "%s", bad[_i].name);
	ck_assert_int_eq(e.kind, ERR_TEMP);
}
END_TEST

START_TEST(compressed_names)
{
	wire_start(&b, "x.example", DNS_MX, 0);
	/* preference 5, "mx" then a pointer to "example" in the question (12 + 2) */
	wire_data(&b, "x.example", DNS_MX, 0x80000001u, span_of("\0\5\2mx\300\16", 7));
	ck_assert_int_eq(get("x.example", DNS_MX), 0);
	ck_assert_str_eq(a.record[0].name, "mx.example");
	ck_assert_uint_eq(a.ttl, 0);		/* RFC 2181, 8 */
}
END_TEST

static const struct { uint32_t six, four, want_six, want_four; } both[] = {
	{ 2, 3, 2, 3 }, { 0, 20, 0, 16 }, { 20, 0, 16, 0 }, { 20, 20, 8, 8 }, { 3, 20, 3, 13 },
	{ 20, 3, 13, 3 }, { 8, 8, 8, 8 },
};

START_TEST(addresses_of_both_families)
{
	static struct answer six, four;
	struct resolved_host h = { 0 };
	uint32_t got = 0;

	six.n = both[_i].six;
	four.n = both[_i].four;
	for (uint32_t i = 0; i < ANSWER_RECORDS; i++) {
		six.record[i].a[0] = 6;
		four.record[i].a[0] = 4;
	}
	question_addrs(&six, &four, &h);
	while (got < h.naddr && h.addr[got].a[0] == 6)
		got++;
	ck_assert_uint_eq(got, both[_i].want_six);
	ck_assert_uint_eq(h.naddr - got, both[_i].want_four);
}
END_TEST

static const struct { const char *text; uint32_t n; const char *first; } confs[] = {
	{ "", 0, "" }, { "# nameserver 192.0.2.1\nsearch x\n", 0, "" },
	{ "nameserver 192.0.2.1\n", 1, "192.0.2.1" }, { "nameserver\t2001:db8::1\r\n", 1, "2001:db8::1" },
	{ "nameserver nonsense\nnameserver 192.0.2.7\n", 1, "192.0.2.7" },
	{ "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n", 3,
	    "192.0.2.1" },
};

START_TEST(resolv_conf)
{
	struct netaddr got[8];
	char text[48] = "";
	uint32_t n = resolvconf_servers(span_str(confs[_i].text), got, 8);

	ck_assert_uint_eq(n, confs[_i].n);
	if (n > 0)
		netaddr_print(&got[0], text, sizeof text);
	ck_assert_str_eq(text, confs[_i].first);
}
END_TEST

Suite *suite_answer(void);
Suite *
suite_answer(void)
{
	Suite *s = suite_create("answer");
	TCase *tc = tcase_create("answer");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, mx_records);
	tcase_add_test(tc, addresses_through_aliases);
	tcase_add_test(tc, aliases_end);
	tcase_add_test(tc, a_name_inside_a_label_is_another);
	tcase_add_test(tc, null_mx);
	tcase_add_loop_test(tc, hosts_that_are_none, 0, sizeof odd / sizeof *odd);
	tcase_add_test(tc, no_records);
	tcase_add_test(tc, too_many_keep_the_best);
	tcase_add_test(tc, srv_records);
	tcase_add_test(tc, srv_of_nobody);
	tcase_add_test(tc, cut_anywhere);
	tcase_add_loop_test(tc, malformed, 0, sizeof bad / sizeof *bad);
	tcase_add_test(tc, compressed_names);
	tcase_add_loop_test(tc, addresses_of_both_families, 0, sizeof both / sizeof *both);
	tcase_add_loop_test(tc, resolv_conf, 0, sizeof confs / sizeof *confs);
	suite_add_tcase(s, tc);
	return s;
}
