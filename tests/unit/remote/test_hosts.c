/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Which addresses are tried, in which order (RFC 5321, 5.1), and which rest. */
#include <arpa/inet.h>
#include <check.h>
#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "remote/backoff.h"
#include "remote/hosts.h"

static struct resolved res;
static struct hosts out;
static struct own own;
static struct hosts_rules rules;
static struct err e;
static const char *rests;		/* the address that does */

static struct netaddr
addr(const char *text, uint16_t port)
{
	struct netaddr a = { .port = 0 };

	ck_assert_int_eq(netaddr_parse(span_str(text), &a, &e), 0);
	a.port = port;
	return a;
}

static bool
is_resting(const void *arg, const struct netaddr *a)
{
	char text[48];

	(void)arg;
	netaddr_print(a, text, sizeof text);
	return rests != NULL && strcmp(text, rests) == 0;
}

static void
setup(void)
{
	memset(&res, 0, sizeof res);
	memset(&own, 0, sizeof own);
	e = (struct err){ 0 };
	rests = NULL;
	rules = (struct hosts_rules){ .me = "me.example", .own = &own, .port = 25, .seed = 1,
	    .resting = is_resting };
}

/* "10 a.example 192.0.2.1 2001:db8::1, 20 b.example ?": hosts; "?" some of it is not known now. */
static void
hosts_are(const char *text)
{
	struct span rest = span_str(text), host, word;

	while (rest.n > 0) {
		struct resolved_host *h = &res.host[res.nhost++];
		uint64_t n;

		host = span_sub(rest, 0, span_find(rest, ','));
		rest = span_sub(rest, host.n + 1, rest.n);
		ck_assert(span_word(&host, &word) && span_u64(word, 65535, &n));
		h->preference = (uint16_t)n;
		ck_assert(span_word(&host, &word));
		span_text(word, h->name, sizeof h->name);
		while (span_word(&host, &word)) {
			char a[48];

			span_text(word, a, sizeof a);
			if (span_is(word, "?"))
				snprintf(h->why, sizeof h->why, "SERVFAIL");
			else
				h->addr[h->naddr++] = addr(a, 0);
		}
	}
}

/* The candidates' addresses in order. */
static const char *
order(void)
{
	static char text[2000];
	size_t n = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < out.n; i++) {
		char a[48];

		netaddr_print(&out.c[i].to, a, sizeof a);
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i == 0 ? "" : " ", a);
		ck_assert_uint_eq(out.c[i].to.port, rules.port);
	}
	return text;
}

static const struct { const char *name, *hosts, *listen, *local, *rests; const char *want; } orders[] = {
	{ "preference", "10 a 192.0.2.1, 20 b 192.0.2.2", "", "", NULL, "192.0.2.1 192.0.2.2" },
	{ "families by turns", "10 a 2001:db8::1 2001:db8::2 2001:db8::3 192.0.2.1 192.0.2.2", "", "", NULL,
	    "2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2 2001:db8::3" },
	{ "who rests is last", "10 a 192.0.2.1, 20 b 192.0.2.2, 30 c 192.0.2.3", "", "", "192.0.2.1",
	    "192.0.2.2 192.0.2.3 192.0.2.1" },
	{ "two names, one address", "10 a 192.0.2.1, 20 b 192.0.2.1 192.0.2.2", "", "", NULL, "192.0.2.1 192.0.2.2" },
	{ "without address", "10 a, 20 b 192.0.2.2", "", "", NULL, "192.0.2.2" },
	{ "not known now", "10 a ?, 20 b 192.0.2.2", "", "", NULL, "192.0.2.2" },
	{ "we by name", "10 a 192.0.2.1, 20 Me.Example 192.0.2.9, 30 b 192.0.2.2", "", "", NULL,
	    "192.0.2.1" },
	{ "we by address", "10 a 192.0.2.1, 20 b 192.0.2.9, 30 c 192.0.2.3", "192.0.2.9:25", "", NULL,
	    "192.0.2.1" },
	{ "we by its second address", "10 a 192.0.2.1, 20 b 192.0.2.8 192.0.2.9", "192.0.2.9:25", "", NULL,
	    "192.0.2.1" },
	{ "another port is not we", "10 a 192.0.2.9", "192.0.2.9:2525", "", NULL, "192.0.2.9" },
	{ "all addresses", "10 a 192.0.2.1, 20 b 192.0.2.9", "0.0.0.0:25", "192.0.2.9", NULL, "192.0.2.1" },
	{ "of the other family", "10 a 2001:db8::9", "0.0.0.0:25", "2001:db8::9", NULL, "2001:db8::9" },
	{ "all of IPv6", "10 a 192.0.2.1, 20 b 2001:db8::9", "[::]:25", "2001:db8::9", NULL, "192.0.2.1" },
	{ "equals of ours go too", "10 a 192.0.2.1, 20 b 192.0.2.2, 20 c 192.0.2.9", "192.0.2.9:25", "", NULL,
	    "192.0.2.1" },
	{ "all are we", "10 a 192.0.2.9, 20 b 192.0.2.2", "192.0.2.9:25", "", NULL, "5.4.6" },
	{ "loopback, with a listener", "10 a 127.0.0.5", "0.0.0.0:25", "", NULL, "5.4.6" },
	{ "loopback, without", "10 a 127.0.0.5 ::1", "", "", NULL, "5.4.4 MX host a: no address that" },
	{ "nobody's", "10 a 0.0.0.0 :: 224.0.0.1 255.255.255.255 ff02::1 fe80::1 0.1.2.3", "", "", NULL, "5.4.4" },
	{ "none at all", "10 a, 20 b", "", "", NULL, "5.4.4 MX host a: no address" },
	{ "none now", "10 a, 20 b ?, 30 c ?", "", "", NULL, "4.4.3 MX host b: SERVFAIL" },
	{ "none now above us", "10 a ?, 20 me.example", "", "", NULL, "4.4.3 MX host a: SERVFAIL" },
	{ "none now behind us", "10 a, 20 me.example, 30 b ?", "", "", NULL, "5.4.4 MX host a: no address" },
};

START_TEST(orders_and_loops)
{
	struct listener l;

	hosts_are(orders[_i].hosts);
	if (orders[_i].listen[0] != '\0') {
		ck_assert_int_eq(listener_parse(span_str(orders[_i].listen), &l, &e), 0);
		own.listen[own.nlisten++] = l.addr;
	}
	if (orders[_i].local[0] != '\0')
		own.local[own.nlocal++] = addr(orders[_i].local, 0);
	rests = orders[_i].rests;
	if (hosts_order(&res, &rules, &out, &e) == -1) {
		char got[sizeof e.dsn + 1 + sizeof e.what];

		snprintf(got, sizeof got, "%s %s", e.dsn, e.what);
		ck_assert_msg(strncmp(got, orders[_i].want, strlen(orders[_i].want)) == 0, "%s: %s", orders[_i].name, got);
		ck_assert_int_eq(e.kind, e.dsn[0] == '4' ? ERR_TEMP : ERR_PERM);
	} else {
		ck_assert_msg(strcmp(order(), orders[_i].want) == 0, "%s: %s", orders[_i].name, order());
	}
}
END_TEST

/* An explicit route may point anywhere. */
START_TEST(a_route_may_lead_home)
{
	hosts_are("0 me.example 127.0.0.1 192.0.2.9");
	own.listen[own.nlisten++] = addr("192.0.2.9", 2525);
	res.source = SOURCE_HOST;
	rules.port = 2525;
	ck_assert_int_eq(hosts_order(&res, &rules, &out, &e), 0);
	ck_assert_str_eq(order(), "127.0.0.1 192.0.2.9");
}
END_TEST

/* Every order of equals comes about equally often; those of other preference stay where they are. */
START_TEST(equals_are_shuffled)
{
	unsigned first[4] = { 0 };

	hosts_are("5 z 192.0.2.50, 10 a 192.0.2.1, 10 b 192.0.2.2, 10 c 192.0.2.3, 20 y 192.0.2.60");
	for (rules.seed = 0; rules.seed < 3000; rules.seed++) {
		ck_assert_int_eq(hosts_order(&res, &rules, &out, &e), 0);
		ck_assert_uint_eq(out.n, 5);
		ck_assert_uint_eq(out.c[0].to.a[15], 50);
		ck_assert_uint_eq(out.c[4].to.a[15], 60);
		first[out.c[1].to.a[15]]++;
	}
	for (int i = 1; i <= 3; i++)
		ck_assert_msg(first[i] > 900 && first[i] < 1100, "%u", first[i]);
}
END_TEST

/* "10 3 2525 a.example 192.0.2.1, …": hosts of SRV records. */
static void
services_are(const char *text)
{
	struct span rest = span_str(text), host, word;
	uint64_t n[3];

	res = (struct resolved){ .source = SOURCE_SRV };
	while (rest.n > 0) {
		struct resolved_host *h = &res.host[res.nhost++];
		char a[48];

		host = span_sub(rest, 0, span_find(rest, ','));
		rest = span_sub(rest, host.n + 1, rest.n);
		for (int i = 0; i < 3; i++)
			ck_assert(span_word(&host, &word) && span_u64(word, 65535, &n[i]));
		h->preference = (uint16_t)n[0];
		h->weight = (uint16_t)n[1];
		h->port = (uint16_t)n[2];
		ck_assert(span_word(&host, &word));
		span_text(word, h->name, sizeof h->name);
		while (span_word(&host, &word)) {
			span_text(word, a, sizeof a);
			h->addr[h->naddr++] = addr(a, 0);
		}
	}
}

static const struct { const char *hosts, *want; } services[] = {
	{ "20 0 26 b 192.0.2.2, 30 0 25 c 192.0.2.3", "192.0.2.2:26 192.0.2.3:25" },
	{ "10 0 26 a 192.0.2.1, 20 0 27 a 192.0.2.1, 20 0 27 a 192.0.2.1", "192.0.2.1:26 192.0.2.1:27" },
	/* ours is 192.0.2.9, port 2525 */
	{ "10 0 26 a 192.0.2.1, 20 0 2525 us 192.0.2.9, 30 0 25 c 192.0.2.3", "192.0.2.1:26" },
	{ "10 0 26 a 192.0.2.1, 20 0 25 us 192.0.2.9", "192.0.2.1:26 192.0.2.9:25" },
	{ "10 0 26 a 192.0.2.1, 10 0 2525 us 192.0.2.9", "5.4.6 its SRV records lead back" },
	{ "10 0 26 me.example 192.0.2.1", "5.4.6" },
	{ "10 0 2525 a 127.0.0.1 ::1", "5.4.4 SRV host a: no address that" },
	{ "10 0 2525 a", "5.4.4 SRV host a: no address" },
};

START_TEST(services_have_ports)
{
	char got[600] = "", a[48];
	size_t n = 0;

	own.listen[own.nlisten++] = addr("192.0.2.9", 2525);
	services_are(services[_i].hosts);
	if (hosts_order(&res, &rules, &out, &e) == -1)
		snprintf(got, sizeof got, "%s %s", e.dsn, e.what);
	for (uint32_t i = 0; got[0] != '5' && i < out.n; i++) {
		netaddr_print(&out.c[i].to, a, sizeof a);
		n += (size_t)snprintf(got + n, sizeof got - n, "%s%s:%u", i == 0 ? "" : " ", a, out.c[i].to.port);
	}
	if (services[_i].want[0] == '5')
		got[strlen(services[_i].want)] = '\0';
	ck_assert_str_eq(got, services[_i].want);
}
END_TEST

/* RFC 2782: the first of a priority by weight, the second by the weights that are left, and so on; who has none comes
 * first hardly ever, and no priority before a lower one. */
START_TEST(services_are_weighed)
{
	unsigned first[5] = { 0 }, second = 0;

	services_are("5 0 25 z 192.0.2.50, 10 1 25 a 192.0.2.1, 10 0 25 b 192.0.2.2, 10 3 25 c 192.0.2.3, "
	    "10 96 25 d 192.0.2.4, 20 9 25 y 192.0.2.60");
	for (rules.seed = 0; rules.seed < 10000; rules.seed++) {
		ck_assert_int_eq(hosts_order(&res, &rules, &out, &e), 0);
		ck_assert_uint_eq(out.n, 6);
		ck_assert(out.c[0].to.a[15] == 50 && out.c[5].to.a[15] == 60);
		first[out.c[1].to.a[15]]++;
		second += out.c[1].to.a[15] == 4 && out.c[2].to.a[15] == 3;
	}
	ck_assert_msg(first[1] > 60 && first[1] < 140, "%u", first[1]);		/* 1 in 101 */
	ck_assert_msg(first[2] > 60 && first[2] < 140, "%u", first[2]);		/* the same: 0 is chosen for 0 */
	ck_assert_msg(first[3] > 240 && first[3] < 360, "%u", first[3]);	/* 3 */
	ck_assert_msg(first[4] > 9400, "%u", first[4]);				/* 96 */
	ck_assert_msg(second > 5400 && second < 6000, "%u", second);		/* of those, 3 in 5 */
}
END_TEST

/* Without weights each comes first as often, as MX hosts do. */
START_TEST(services_without_weights)
{
	unsigned first[4] = { 0 };

	services_are("10 0 25 a 192.0.2.1, 10 0 25 b 192.0.2.2, 10 0 25 c 192.0.2.3");
	for (rules.seed = 0; rules.seed < 3000; rules.seed++) {
		ck_assert_int_eq(hosts_order(&res, &rules, &out, &e), 0);
		first[out.c[0].to.a[15]]++;
	}
	for (int i = 1; i <= 3; i++)
		ck_assert_msg(first[i] > 900 && first[i] < 1100, "%u", first[i]);
}
END_TEST

static const struct { const char *dest; int is; const char *want; } domains[] = {
	{ "Example.COM", 0, "example.com" }, { "local.", 0, "local" }, { "[192.0.2.1]", 1, "192.0.2.1" },
	{ "[IPv6:2001:db8::1]", 1, "2001:db8::1" }, { "[ipv6:::1]", 1, "::1" }, { "[2001:db8::1]", 1, NULL },
	{ "[IPv6:192.0.2.1]", 1, NULL }, { "[]", 1, NULL }, { "[[::1]]", 1, NULL }, { "a b.example", 1, NULL },
	{ "", 1, NULL }, { ".", 1, NULL }, { "a..b", 1, NULL }, { "\xc3\xa4.example", 1, NULL },
	{ "[192.0.2.1", 1, NULL }, { "[x400:y]", 1, NULL },
};

START_TEST(destinations)
{
	char name[RESOLVE_NAME], text[48];
	struct netaddr a;
	int is = hosts_domain(domains[_i].dest, &a, name);

	ck_assert_int_eq(is, domains[_i].want == NULL ? -1 : domains[_i].is);
	if (is == 0)
		ck_assert_str_eq(name, domains[_i].want);
	if (is == 1) {
		netaddr_print(&a, text, sizeof text);
		ck_assert_str_eq(text, domains[_i].want);
		ck_assert_uint_eq(a.port, 25);
	}
}
END_TEST

START_TEST(names_in_reports)
{
	struct candidate c = { .to = addr("2001:db8::1", 25), .name = "mx.example" };
	char text[96];

	hosts_name(&c, text, sizeof text);
	ck_assert_str_eq(text, "mx.example [2001:db8::1]:25");
	memset(c.name, 'x', 250);
	hosts_name(&c, text, sizeof text);
	ck_assert_uint_eq(strlen(text), sizeof text - 1);
	ck_assert_ptr_nonnull(strstr(text, "x [2001:db8::1]:25"));
	c.name[0] = '\0';
	hosts_name(&c, text, sizeof text);
	ck_assert_str_eq(text, "[2001:db8::1]:25");
}
END_TEST

/* All that getifaddrs finds, and no more; again and again, and whatever was left unread. */
START_TEST(this_machines_addresses)
{
	int fd = own_open(&e);
	struct { struct nlmsghdr h; struct ifaddrmsg m; } ask = { .h = { .nlmsg_len = sizeof ask,
	    .nlmsg_type = RTM_GETADDR, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP } };
	struct own found = { .nlisten = 1 };
	struct ifaddrs *all;

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(getifaddrs(&all), 0);
	for (int i = 0; i < 3; i++) {
		uint32_t n = 0;

		ck_assert_int_eq(write(fd, &ask, sizeof ask), sizeof ask);
		ck_assert_msg(own_addresses(&found, fd, &e) == 0, "%s", e.what);
		for (const struct ifaddrs *a = all; a != NULL; a = a->ifa_next) {
			char text[INET6_ADDRSTRLEN];
			const void *at = a->ifa_addr == NULL ? NULL : a->ifa_addr->sa_family == AF_INET ?
			    (const void *)&((const struct sockaddr_in *)(const void *)a->ifa_addr)->sin_addr :
			    a->ifa_addr->sa_family == AF_INET6 ?
			    (const void *)&((const struct sockaddr_in6 *)(const void *)a->ifa_addr)->sin6_addr :
			    NULL;
			struct netaddr want;
			uint32_t k = 0;

			if (at == NULL)
				continue;
			n++;
			inet_ntop(a->ifa_addr->sa_family, at, text, sizeof text);
			want = addr(text, 0);
			while (k < found.nlocal && memcmp(&found.local[k], &want, sizeof want) != 0)
				k++;
			ck_assert_msg(k < found.nlocal, "%s", text);
		}
		ck_assert_uint_eq(found.nlocal, n);
		ck_assert_uint_eq(found.nlisten, 1);
	}
	freeifaddrs(all);
	close(fd);
	ck_assert_int_eq(own_addresses(&found, fd, &e), -1);
	ck_assert_uint_gt(found.nlocal, 0);		/* what was known stays */
}
END_TEST

/* --- back-off --- */

START_TEST(rest_grows_and_ends)
{
	static struct backoff b;
	struct netaddr a = addr("192.0.2.1", 25), other = addr("192.0.2.1", 26);
	int64_t now = 1000, rest = BACKOFF_FIRST_MS;

	backoff_note(&b, &a, false, 0, now);
	ck_assert(!backoff_known(&b, &a));
	for (int i = 0; i < 12; i++) {
		backoff_note(&b, &a, true, 0, now);
		backoff_note(&b, &a, true, 0, now + 1);	/* at the same time: it does not count */
		ck_assert(backoff_resting(&b, &a, now) && !backoff_resting(&b, &other, now));
		ck_assert(backoff_resting(&b, &a, now + rest - 1));
		ck_assert(!backoff_resting(&b, &a, now + rest));
		ck_assert(backoff_known(&b, &a));
		now += rest;
		rest = rest * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : rest * 2;
	}
	ck_assert_int_eq(rest, BACKOFF_MAX_MS);
	backoff_note(&b, &a, false, 0, now);
	ck_assert(!backoff_known(&b, &a) && !backoff_resting(&b, &a, now));
}
END_TEST

/* One that is silent for the five minutes of a greeting: what waits for it is tried again before that, and
 * begins with another. */
START_TEST(rest_outlasts_what_it_cost)
{
	static const struct { uint32_t cost_ms; int64_t rest; } rows[] = {
		{ 0, BACKOFF_FIRST_MS }, { 2000, BACKOFF_FIRST_MS }, { 30000, 120000 }, { 300000, 1200000 },
		{ 1800000, BACKOFF_MAX_MS }, { UINT32_MAX, BACKOFF_MAX_MS },
	};
	struct netaddr a = addr("192.0.2.1", 25);

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct backoff b = { .entry = { { .failures = 0 } } };
		int64_t next = rows[i].rest * 2 < BACKOFF_MAX_MS ? rows[i].rest * 2 : BACKOFF_MAX_MS, now = 1000;

		backoff_note(&b, &a, true, rows[i].cost_ms, now);
		now += rows[i].rest;
		ck_assert(backoff_resting(&b, &a, now - 1) && !backoff_resting(&b, &a, now));
		backoff_note(&b, &a, true, rows[i].cost_ms, now);
		ck_assert(backoff_resting(&b, &a, now + next - 1) && !backoff_resting(&b, &a, now + next));
	}
}
END_TEST

/* However many fail, the table stays as large as it is, and the last is remembered. */
START_TEST(the_table_is_bounded)
{
	static struct backoff b;
	struct netaddr a = addr("2001:db8::", 25);
	uint32_t kept = 0;

	for (uint32_t i = 0; i < 20000; i++) {
		memcpy(a.a + 8, &i, sizeof i);
		backoff_note(&b, &a, true, 0, i);
		ck_assert(backoff_resting(&b, &a, i));
	}
	for (uint32_t i = 0; i < 20000; i++) {
		memcpy(a.a + 8, &i, sizeof i);
		kept += backoff_known(&b, &a);
	}
	ck_assert_uint_le(kept, BACKOFF_ENTRIES);
	ck_assert_uint_ge(kept, BACKOFF_ENTRIES * 9 / 10);
}
END_TEST

/* What the parent writes its sessions see; none of them can write. */
START_TEST(shared_to_read)
{
	struct netaddr a = addr("192.0.2.1", 25);
	const struct backoff *seen;
	struct backoff *b;
	int status;
	pid_t pid;

	ck_assert_int_eq(backoff_share(&b, &seen, &e), 0);
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 500 && !backoff_resting(seen, &a, 5); i++)
			usleep(10000);
		_exit(!backoff_resting(seen, &a, 5) ||
		    mprotect((void *)(uintptr_t)seen, sizeof *seen, PROT_READ | PROT_WRITE) == 0);
	}
	backoff_note(b, &a, true, 0, 5);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	pid = fork();		/* the parent's own mapping is not there to be written to */
	if (pid == 0) {
		b->entry[0].failures = 1;
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_ne(status, 0);
}
END_TEST

Suite *suite_hosts(void);
Suite *
suite_hosts(void)
{
	Suite *s = suite_create("hosts");
	TCase *tc = tcase_create("hosts");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, orders_and_loops, 0, sizeof orders / sizeof *orders);
	tcase_add_test(tc, a_route_may_lead_home);
	tcase_add_test(tc, equals_are_shuffled);
	tcase_add_loop_test(tc, services_have_ports, 0, sizeof services / sizeof *services);
	tcase_add_test(tc, services_are_weighed);
	tcase_add_test(tc, services_without_weights);
	tcase_add_loop_test(tc, destinations, 0, sizeof domains / sizeof *domains);
	tcase_add_test(tc, names_in_reports);
	tcase_add_test(tc, this_machines_addresses);
	tcase_add_test(tc, rest_grows_and_ends);
	tcase_add_test(tc, rest_outlasts_what_it_cost);
	tcase_add_test(tc, the_table_is_bounded);
	tcase_add_test(tc, shared_to_read);
	suite_add_tcase(s, tc);
	return s;
}
