/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/confline.h"
#include "lib/mailbox.h"

#include <check.h>

enum { MAX_LINES = 16 };

/* Splits text at its newlines. */
static uint32_t
lines_of(const char *text, struct span line[MAX_LINES])
{
	struct span rest = span_str(text);
	uint32_t n = 0;

	while (n < MAX_LINES && span_line(&rest, &line[n]))
		n++;
	return n;
}

static const struct { const char *net, *addr; bool want; } nets[] = {
	{ "127.0.0.0/8", "127.1.2.3", true },
	{ "127.0.0.0/8", "128.0.0.1", false },
	{ "127.0.0.0/8", "::ffff:127.0.0.1", true },
	{ "10.1.2.3", "10.1.2.3", true },
	{ "10.1.2.3", "10.1.2.4", false },
	{ "10.1.2.128/25", "10.1.2.129", true },
	{ "10.1.2.128/25", "10.1.2.127", false },
	{ "0.0.0.0/0", "203.0.113.9", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "::/0", "2001:db8::1", true },
	{ "::/0", "203.0.113.9", false },
	{ "2001:db8::/33", "2001:db8:7fff::1", true },
	{ "2001:db8::/33", "2001:db8:8000::1", false },
	{ "[::1]", "::1", true },
	{ "::1/128", "[::1]", true },
};

START_TEST(networks)
{
	struct network net;
	struct netaddr a;
	struct err e = { 0 };
	struct span line = span_str(nets[_i].net);

	ck_assert_msg(network_parse(line, &net, &e) == 0, "%s", e.what);
	ck_assert_int_eq(netaddr_parse(span_str(nets[_i].addr), &a, &e), 0);
	ck_assert_int_eq(network_has(&net, &a), nets[_i].want);
	ck_assert_int_eq(networks_have(&line, 1, &a), nets[_i].want);
}
END_TEST

static const char *const bad_nets[] = {
	"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.1/24", "10.0.0", "10.0.0.0/8 x",
	"localhost", "[10.0.0.0/8]", "010.0.0.0/8", "::1%lo",
};

START_TEST(bad_networks)
{
	struct network net;
	struct err e = { 0 };

	ck_assert_int_eq(network_parse(span_str(bad_nets[_i]), &net, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.what, "expected"));
}
END_TEST

START_TEST(addresses_print)
{
	static const char *const in[] = { "192.0.2.7", "::1", "2001:db8::ff" };
	struct netaddr a;
	struct err e;
	char out[48];

	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(netaddr_parse(span_str(in[i]), &a, &e), 0);
		netaddr_print(&a, out, sizeof out);
		ck_assert_str_eq(out, in[i]);
	}
}
END_TEST

static const struct { const char *line; int r; uint16_t port; int role; const char *flags; uint32_t n; }
listeners[] = {
	{ "0.0.0.0:25", 0, 25, LISTEN_MX, "", 0 },
	{ "[::]:2525 mx norelay", 0, 2525, LISTEN_MX, "r", 0 },
	{ "127.0.0.1:1 noconperm  noconneg", 0, 1, LISTEN_MX, "pn", 0 },
	{ "127.0.0.1:1 nodrucof", 0, 1, LISTEN_MX, "d", 0 },
	{ "127.0.0.1:1 drucof", -1, 0, 0, "", 0 },
	{ "0.0.0.0:2526 mx probeonly norelay", 0, 2526, LISTEN_MX, "or", 0 },
	{ "0.0.0.0:2526 probeonly noconneg", -1, 0, 0, "", 0 },
	{ "127.0.0.1:465 submissions", 0, 465, LISTEN_SUBMISSIONS, "ta", 0 },
	{ "127.0.0.1:26 mx auth connegauth", 0, 26, LISTEN_MX, "aC", 0 },
	{ "127.0.0.1:26 connegauth", -1, 0, 0, "", 0 },
	{ "127.0.0.1:26 auth notls", -1, 0, 0, "", 0 },
	{ "127.0.0.1:587 submission notls", -1, 0, 0, "", 0 },
	{ "127.0.0.1:26 mx tls", 0, 26, LISTEN_MX, "t", 0 },
	{ "127.0.0.1:26 notls", 0, 26, LISTEN_MX, "N", 0 },
	{ "127.0.0.1:26 connegtls", 0, 26, LISTEN_MX, "c", 0 },
	{ "127.0.0.1:26 tls notls", -1, 0, 0, "", 0 },
	{ "127.0.0.1:465 submissions notls", -1, 0, 0, "", 0 },
	{ "127.0.0.1:26 notls connegtls", -1, 0, 0, "", 0 },
	{ "127.0.0.1:587\tsubmission sessions=5", 0, 587, LISTEN_SUBMISSION, "a", 5 },
	{ "[::1]:24 lmtp", 0, 24, LISTEN_LMTP, "", 0 },
	{ "::1:24", -1, 0, 0, "", 0 },
	{ "127.0.0.1", -1, 0, 0, "", 0 },
	{ "127.0.0.1:", -1, 0, 0, "", 0 },
	{ "127.0.0.1:0", -1, 0, 0, "", 0 },
	{ "127.0.0.1:65536", -1, 0, 0, "", 0 },
	{ "localhost:25", -1, 0, 0, "", 0 },
	{ ":25", -1, 0, 0, "", 0 },
	{ "", -1, 0, 0, "", 0 },
	{ "127.0.0.1:25 norelay mx", -1, 0, 0, "", 0 },
	{ "127.0.0.1:25 sessions=0", -1, 0, 0, "", 0 },
};

START_TEST(listener_lines)
{
	struct listener l;
	struct err e = { 0 };
	const char *f = listeners[_i].flags;

	ck_assert_msg(listener_parse(span_str(listeners[_i].line), &l, &e) == listeners[_i].r,
	    "%s: %s", listeners[_i].line, e.what);
	if (listeners[_i].r == -1)
		return;
	ck_assert_uint_eq(l.addr.port, listeners[_i].port);
	ck_assert_int_eq(l.role, listeners[_i].role);
	ck_assert_int_eq(l.norelay, strchr(f, 'r') != NULL);
	ck_assert_int_eq(l.noconperm, strchr(f, 'p') != NULL);
	ck_assert_int_eq(l.noconneg, strchr(f, 'n') != NULL);
	ck_assert_int_eq(l.nodrucof, strchr(f, 'd') != NULL);
	ck_assert_int_eq(l.probeonly, strchr(f, 'o') != NULL);
	ck_assert_int_eq(l.tls, strchr(f, 't') != NULL);
	ck_assert_int_eq(l.notls, strchr(f, 'N') != NULL);
	ck_assert_int_eq(l.connegtls, strchr(f, 'c') != NULL);
	ck_assert_int_eq(l.connegauth, strchr(f, 'C') != NULL);
	ck_assert_int_eq(l.auth, strchr(f, 'a') != NULL);
	ck_assert_int_eq(listener_submits(&l), l.role == LISTEN_SUBMISSION || l.role == LISTEN_SUBMISSIONS);
	ck_assert_uint_eq(l.sessions, listeners[_i].n);
	ck_assert_int_eq(listener_check(span_str(listeners[_i].line), &e),
	    listeners[_i].role == LISTEN_LMTP ? -1 : 0);
}
END_TEST

static const struct { const char *lines, *domain; bool want; } domains[] = {
	{ "example.com", "example.com", true },
	{ "Example.COM", "example.com", true },
	{ "example.com", "a.example.com", false },
	{ ".example.com", "a.b.example.com", true },
	{ ".example.com", "example.com", false },
	{ ".example.com", "badexample.com", false },
	{ "x\n[192.0.2.1]", "[192.0.2.1]", true },
	{ "", "example.com", false },
	{ "x", "", false },
};

START_TEST(domain_lines)
{
	struct span line[MAX_LINES];
	uint32_t n = lines_of(domains[_i].lines, line);

	ck_assert_int_eq(domains_have(line, n, span_str(domains[_i].domain)), domains[_i].want);
}
END_TEST

static const struct { const char *s; bool ok; } names[] = {
	{ "a", true }, { "mail.example.com", true }, { "xn--bcher-kva.example", true },
	{ ".example.com", true }, { "[192.0.2.1]", true }, { "[IPv6:2001:db8::1]", true },
	{ "a_b.example", true }, { "", false }, { ".", false }, { "a..b", false }, { "a.", false },
	{ "..a", false }, { "a b", false }, { "@a", false }, { "[192.0.2]", false }, { "[]", false },
	{ "[[::1]]", false }, { "b\xc3\xbc" "cher.example", false },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example", false },
};

START_TEST(domain_spelling)
{
	struct err e;

	ck_assert_msg((domain_line_check(span_str(names[_i].s), &e) == 0) == names[_i].ok, "%s",
	    names[_i].s);
}
END_TEST

static const char routes[] = "example.com:mx.example.net:2525\n"
    ".example.com:[192.0.2.1]\n"
    ".b.example.com:[::1]:26\n"
    "direct.example.com:\n"
    "example.com:second.example:25\n"
    "old.example:[0:0::1]:025\n"
    "mapped.example:[::ffff:192.0.2.1]\n"
    "bare.example:192.0.2.1\n"
    "upper.example:MX.Example.NET:2525\n"
    ":[127.0.0.1]:2500\n";
static const struct { const char *domain, *want; } route_cases[] = {
	{ "example.com", "mx.example.net:2525" },
	{ "EXAMPLE.com", "mx.example.net:2525" },
	{ "a.example.com", "[192.0.2.1]:25" },
	{ "a.b.example.com", "[::1]:26" },
	{ "direct.example.com", NULL },
	{ "old.example", "[::1]:25" },
	{ "mapped.example", "[192.0.2.1]:25" },
	{ "bare.example", "[192.0.2.1]:25" },
	{ "upper.example", "mx.example.net:2525" },
	{ "other.example", "[127.0.0.1]:2500" },
	{ "[192.0.2.9]", "[127.0.0.1]:2500" },
};

START_TEST(route_lines)
{
	struct span line[MAX_LINES];
	uint32_t n = lines_of(routes, line);
	char out[JOB_DEST] = "";
	int r;

	for (uint32_t i = 0; i < n; i++) {
		struct err e = { 0 };

		ck_assert_msg(route_check(line[i], &e) == 0, "%s", e.what);
	}
	r = route_find(line, n, span_str(route_cases[_i].domain), out);
	ck_assert_int_eq(r, route_cases[_i].want != NULL);
	if (r == 1)
		ck_assert_str_eq(out, route_cases[_i].want);
}
END_TEST

static const char *const bad_routes[] = {
	"", "example.com", ":", "x:[1.2.3]:25", "x:host:0", "x:host:y", "x:[::1:25", "x y:host:25",
	"x::25", "x:host:25:9", "x:ho st",
};

START_TEST(bad_route_lines)
{
	struct err e = { 0 };
	/* ":" alone says that everything goes by MX: harmless, and legal in qmail */
	int want = strcmp(bad_routes[_i], ":") == 0 ? 0 : -1;

	ck_assert_msg(route_check(span_str(bad_routes[_i]), &e) == want, "%s", bad_routes[_i]);
}
END_TEST

static const struct { const char *dest; int r; uint16_t port; } dests[] = {
	{ "[127.0.0.1]:25", 1, 25 }, { "127.0.0.1:26", 1, 26 }, { "[::1]:2525", 1, 2525 },
	{ "mx.example.com:25", 0, 0 }, { "mx.example.com", -1, 0 }, { "[::1]", -1, 0 },
	{ "::1:25", -1, 0 }, { "local", -1, 0 }, { "", -1, 0 }, { "a b:25", -1, 0 },
};

START_TEST(destinations)
{
	struct netaddr a;

	ck_assert_int_eq(route_addr(dests[_i].dest, &a), dests[_i].r);
	if (dests[_i].r == 1)
		ck_assert_uint_eq(a.port, dests[_i].port);
}
END_TEST

static const char mailboxes[] = "@example.com maildir:all\n"
    "Joe@Example.com maildir:mail/joe box\n"
    "\"a b\"@example.com maildir:ab\n"
    "\"x@y\"@example.com maildir:xy\n";
static const struct { const char *addr, *want; } mailbox_cases[] = {
	{ "joe@example.com", "maildir:mail/joe box" },
	{ "JOE@EXAMPLE.COM", "maildir:mail/joe box" },
	{ "\"joe\"@example.com", "maildir:mail/joe box" },
	{ "\"j\\oe\"@example.com", "maildir:mail/joe box" },
	{ "\"A\\ b\"@example.com", "maildir:ab" },
	{ "\"x@y\"@example.com", "maildir:xy" },
	{ "joey@example.com", "maildir:all" },
	{ "jo@example.com", "maildir:all" },
	{ "postmaster@example.com", "maildir:all" },
	{ "joe@example.net", NULL },
	{ "Postmaster@example.net", "maildir:mail/postmaster" },
	{ "postmaster", "maildir:mail/postmaster" },
	{ "x", NULL },
};

START_TEST(mailbox_lines)
{
	struct mailbox_match m;
	struct span line[MAX_LINES];
	uint32_t n = lines_of(mailboxes, line);
	bool r;

	for (uint32_t i = 0; i < n; i++) {
		struct err e = { 0 };

		ck_assert_msg(mailbox_check(line[i], &e) == 0, "%s", e.what);
	}
	r = mailbox_find(line, n, "", span_str(mailbox_cases[_i].addr), &m);
	ck_assert_int_eq(r, mailbox_cases[_i].want != NULL);
	if (r)
		ck_assert(span_is(m.delivery, mailbox_cases[_i].want));
}
END_TEST

static const char *const bad_mailboxes[] = {
	"", "a@b.example", "joe maildir:x", "a@b.example maildir:", "a@b.example mbox:", "@ maildir:x",
	"a@b.example maildir:../x", "a@b.example maildir:/x/../y", "a@b.example pipe:cat", 
	"a@b.example pipe:root:cat", "a@b.example pipe:mail: ",	"a@b.example pipe::cat", "a@b.example pipe:-u:cat",
	"a@b.example alias:c", "\"open@b.example maildir:x", "a@b.example lmtp:lmtp.example:24",
	"a@b.example lmtp:[::1]", "a@b.example lmtp:::1:24", "a@b.example lmtp:127.0.0.1:0", "a@b.example lmtp:",
	"a@b.example maildirs:x", "a@b.example mbox:../x",
};

START_TEST(bad_mailbox_lines)
{
	struct err e = { 0 };

	ck_assert_msg(mailbox_check(span_str(bad_mailboxes[_i]), &e) == -1, "%s", bad_mailboxes[_i]);
	ck_assert_ptr_nonnull(strstr(e.what, "expected"));
}
END_TEST

static const char options[] = "* ask=always wait=5 conperm_null=fail\n"
    "[127.0.0.1]:2525 ask=never dialect=d03-spaced batch=single\n"
    "[127.0.0.1] batch_max=2\n"
    ".example.com dialect=d03-required wait=6\n"
    "fax.example.com dialect=d03-optional wait=7 wait=8\n";

START_TEST(negotiation_lines)
{
	struct span line[MAX_LINES];
	uint32_t n = lines_of(options, line);
	struct negotiation o;
	struct err e = { 0 };

	for (uint32_t i = 0; i < n; i++)
		ck_assert_msg(negotiation_check(line[i], &e) == 0, "%s", e.what);
	negotiation_find(line, 0, span_str("x.example"), "x:25", &o);
	ck_assert(o.ask == 0 && o.dialect == 0 && o.conneg_tries == 3 && o.batch_max == 8 &&
	    o.wait_s == 60 && o.conperm_null == 0 && o.drucof_unknown == 0);
	negotiation_find(line, n, span_str("x.example"), "mx:25", &o);
	ck_assert(o.ask == 1 && o.wait_s == 5 && o.conperm_null == 1 && o.batch_max == 8);
	negotiation_find(line, n, span_str("x.example"), "[127.0.0.1]:2525", &o);
	ck_assert(o.ask == 2 && o.dialect == 3 && o.wait_s == 5 && o.batch == 2 && o.batch_max == 2);
	negotiation_find(line, n, span_str("a.example.com"), "[127.0.0.1]:2525", &o);
	ck_assert(o.ask == 2 && o.dialect == 1 && o.wait_s == 6);
	negotiation_find(line, n, span_str("Fax.example.com"), "[127.0.0.1]:2525", &o);
	ck_assert(o.ask == 2 && o.dialect == 2 && o.wait_s == 7);
}
END_TEST

static const char *const bad_options[] = {
	"", "*", "* ask", "* ask=", "* ask=Always", "* nosuch=1", "* wait=3601", "* batch_max=0",
	"a@b ask=never", "* conperm_strict=2", "ask=never",
};

START_TEST(bad_negotiation_lines)
{
	struct err e = { 0 };

	ck_assert_msg(negotiation_check(span_str(bad_options[_i]), &e) == -1, "%s", bad_options[_i]);
	ck_assert_ptr_nonnull(strstr(e.what, "expected"));
}
END_TEST

#define SOME "* off\nexample.com directory\n.example.com ensure\na.b relayclients\n" \
    "a.example directory relayclients\nb.example directory 192.0.2.0/24,2001:db8::/32\n" \
    "c.example directory 192.0.2.8,relayclients\nd.example directory all\nD.example directory relayclients\n" \
    ".d.example directory relayclients\n.e.d.example directory\n"
/* mask: 1 a client of 192.0.2.8, 2 of 2001:db8::1, 4 of 198.51.100.1, 8 the last one as a relayclient may ask */
static const struct { const char *lines, *domain; enum conneg_mode mode; const char *who; unsigned mask; } rules[] = {
	{ "", "x", CONNEG_DIRECTORY, "all", 15 },
	{ SOME, "x", CONNEG_OFF, "all", 0 },
	{ SOME, "a.b", CONNEG_OFF, "all", 0 },			/* that line is none */
	{ SOME, "Example.COM", CONNEG_DIRECTORY, "all", 15 },
	{ SOME, "a.example.com", CONNEG_ENSURE, "all", 15 },
	{ SOME, "a.example", CONNEG_DIRECTORY, "relayclients", 8 },
	{ SOME, "b.example", CONNEG_DIRECTORY, "192.0.2.0/24,2001:db8::/32", 3 },
	{ SOME, "c.example", CONNEG_DIRECTORY, "192.0.2.8,relayclients", 9 },
	{ SOME, "d.example", CONNEG_DIRECTORY, "all", 15 },	/* of two equals the first */
	{ SOME, "x.d.example", CONNEG_DIRECTORY, "relayclients", 8 },
	{ SOME, "x.e.d.example", CONNEG_DIRECTORY, "all", 15 },	/* a line's words are of that line alone */
};

START_TEST(conneg_rules)
{
	static const struct { const char *addr; bool relayclient; } clients[] = {
		{ "192.0.2.8", false }, { "2001:db8::1", false }, { "198.51.100.1", false },
		{ "198.51.100.1", true },
	};
	struct span line[MAX_LINES];
	uint32_t n = lines_of(rules[_i].lines, line);
	struct conneg_rule rule;
	struct netaddr a;
	struct err e;
	unsigned mask = 0;

	conneg_find(line, n, span_str(rules[_i].domain), &rule);
	ck_assert_int_eq(rule.mode, rules[_i].mode);
	ck_assert_msg(span_is(rule.who, rules[_i].who), "%.*s", (int)rule.who.n, rule.who.p);
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_int_eq(netaddr_parse(span_str(clients[i].addr), &a, &e), 0);
		mask |= conneg_may_ask(&rule, clients[i].relayclient, &a) ? 1u << i : 0;
	}
	ck_assert_uint_eq(mask, rules[_i].mask);
}
END_TEST

static const struct { const char *line; int r; } connegs[] = {
	{ "* off", 0 }, { "example.com directory", 0 }, { ".example.com directory all", 0 },
	{ "* directory relayclients", 0 }, { "* directory 127.0.0.1", 0 },
	{ "* directory 10.0.0.0/8,2001:db8::/32,relayclients", 0 },
	{ "example.com ensure", 0 }, { "example.com ensure all", 0 }, { "* ensure relayclients,10.0.0.0/8", 0 },
	{ "example.com ensure off", -1 }, { "example.com", -1 }, { "", -1 },
	{ "example.com off off", -1 }, { "example.com off all", -1 }, { "exa mple off", -1 },
	{ "example.com directory everybody", -1 }, { "example.com directory 10.0.0.1/8", -1 },
	{ "example.com directory 10.0.0.0/8 11.0.0.0/8", -1 }, { "example.com directory all,10.0.0.0/8", -1 },
	{ "example.com directory 10.0.0.0/8,", -1 }, { "example.com directory ,", -1 },
	{ "example.com directory ,relayclients", -1 }, { "example.com directory RELAYCLIENTS", -1 },
};

START_TEST(conneg_lines)
{
	struct err e = { 0 };

	ck_assert_msg(conneg_check(span_str(connegs[_i].line), &e) == connegs[_i].r, "%s: %s",
	    connegs[_i].line, e.what);
	if (connegs[_i].r == -1)
		ck_assert_ptr_nonnull(strstr(e.what, "expected"));
}
END_TEST

START_TEST(nameserver_lines)
{
	struct netaddr a;
	struct err e;

	ck_assert_int_eq(nameserver_parse(span_str("192.0.2.1"), &a, &e), 0);
	ck_assert_uint_eq(a.port, 53);
	ck_assert_int_eq(nameserver_parse(span_str("::1@5353"), &a, &e), 0);
	ck_assert_uint_eq(a.port, 5353);
	ck_assert_int_eq(nameserver_parse(span_str("::1@"), &a, &e), -1);
	ck_assert_int_eq(nameserver_parse(span_str("::1@x"), &a, &e), -1);
}
END_TEST

#define COUNT(a) (int)(sizeof (a) / sizeof *(a))

Suite *suite_confline(void);
Suite *
suite_confline(void)
{
	Suite *s = suite_create("confline");
	TCase *tc = tcase_create("confline");

	tcase_add_loop_test(tc, networks, 0, COUNT(nets));
	tcase_add_loop_test(tc, bad_networks, 0, COUNT(bad_nets));
	tcase_add_test(tc, addresses_print);
	tcase_add_loop_test(tc, listener_lines, 0, COUNT(listeners));
	tcase_add_loop_test(tc, domain_lines, 0, COUNT(domains));
	tcase_add_loop_test(tc, domain_spelling, 0, COUNT(names));
	tcase_add_loop_test(tc, route_lines, 0, COUNT(route_cases));
	tcase_add_loop_test(tc, bad_route_lines, 0, COUNT(bad_routes));
	tcase_add_loop_test(tc, destinations, 0, COUNT(dests));
	tcase_add_loop_test(tc, mailbox_lines, 0, COUNT(mailbox_cases));
	tcase_add_loop_test(tc, bad_mailbox_lines, 0, COUNT(bad_mailboxes));
	tcase_add_test(tc, negotiation_lines);
	tcase_add_loop_test(tc, bad_negotiation_lines, 0, COUNT(bad_options));
	tcase_add_loop_test(tc, conneg_rules, 0, COUNT(rules));
	tcase_add_loop_test(tc, conneg_lines, 0, COUNT(connegs));
	tcase_add_test(tc, nameserver_lines);
	suite_add_tcase(s, tc);
	return s;
}
