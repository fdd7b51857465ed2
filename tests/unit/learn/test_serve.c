/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* learn between control, local and capd; the children are real ones. */
#include "learn/serve.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/clock.h"
#include "tests/unit/learn/letter.h"

static struct daemon d;
static struct learn learn;
static struct err e;
static int capd, local, control;
static int64_t *ahead_ms;
static _Alignas(8) unsigned char packet[MSG_MAX];
static size_t packet_len;

static void
stop_loop(void *arg)
{
	(void)arg;
	d.loop.stop = true;
}

static void
turn(int ms)
{
	struct timer t = { .fire = stop_loop };

	d.loop.stop = false;
	ck_assert_int_eq(loop_timer(&d.loop, &t, ms, &e), 0);
	ck_assert_int_eq(loop_run(&d.loop, &e), 0);
}

static int
peer(enum role role)
{
	int fd[2];

	ck_assert_int_eq(ipc_pair(fd, &e), 0);
	d.peer(d.arg, role, 1, fd[1]);
	return fd[0];
}

static void
setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	e = (struct err){ 0 };
	d = (struct daemon){ 0 };
	for (int i = 0; i < ROLE_COUNT; i++)
		d.peer_fd[i] = -1;
	ck_assert_int_eq(loop_init(&d.loop, &e), 0);
	ck_assert_int_eq(conf_init(&d.conf, &e), 0);
	ck_assert_int_eq(conf_set(&d.conf, CONF_CAPSOURCES, span_str("own\nlearned\n"), &e), 0);
	ck_assert_int_eq(conf_set(&d.conf, CONF_ME, span_str("me.example\n"), &e), 0);
	ck_assert_int_eq(conf_set(&d.conf, CONF_NOLANDLOCK, span_str("1\n"), &e), 0);
	ahead_ms = test_clock();
	ck_assert_int_eq(learn_open(&learn, &d, &e), 0);
	memset(learn.key, 7, sizeof learn.key);
	capd = peer(ROLE_CAPD);
	local = peer(ROLE_LOCAL);
	control = peer(ROLE_CONTROL);
}

static void
teardown(void)
{
	loop_free(&d.loop);
	conf_free(&d.conf);
}

/* The type of the next packet; 0 for an end, -1 for none. */
static int64_t
next(int fd)
{
	int fds[MSG_FDS], r = ipc_recv_now(fd, packet, sizeof packet, &packet_len, fds, &e);

	return r < 1 ? r : (int64_t)((struct msg_hdr *)(void *)packet)->type;
}

/* Addresses with a NUL behind each. */
static const char *
tag_for(const char *addrs, size_t len)
{
	static char tag[TAG_TEXT];
	struct { struct msg_hdr h; char text[600]; } m;

	memcpy(m.text, addrs, len);
	ck_assert_int_eq(ipc_send(control, &m.h, MSG_TAG, 9, sizeof m.h + len, NULL, 0, &e), 0);
	turn(10);
	ck_assert_int_eq(next(control), MSG_TAGGED);
	ck_assert_uint_eq(((struct msg_hdr *)(void *)packet)->id, 9);
	snprintf(tag, sizeof tag, "%.103s", ((struct msg_tagged *)(void *)packet)->tag);
	return tag;
}

/* local shows a message, of which len is said. */
static void
show_octets(const char *text, size_t n, uint64_t len)
{
	struct msg_report_came m = { .len = len };
	int fd = memfd_create("report", MFD_CLOEXEC);

	snprintf(m.id, sizeof m.id, "0123456789abcdef");
	ck_assert_int_eq(write(fd, text, n), (ssize_t)n);
	ck_assert_int_eq(ipc_send(local, &m.h, MSG_REPORT_CAME, 0, sizeof m, &fd, 1, &e), 0);
	close(fd);
}

/* text with its TAG replaced. */
static void
show(const char *text, const char *tag)
{
	const char *at = strstr(text, "TAG");
	char all[8192];

	snprintf(all, sizeof all, "%.*s%s%s", (int)(at - text), text, tag, at + 3);
	show_octets(all, strlen(all), strlen(all));
}

/* Until no child is left. */
static void
settle(void)
{
	turn(5);
	for (int i = 0; i < 1000 && (learn.child.open || learn.n > 0); i++)
		turn(5);
	ck_assert(!learn.child.open && learn.n == 0);
}

static void
told(const char *addr, const char *text)
{
	const struct msg_cap_set *m = (const struct msg_cap_set *)(const void *)packet;
	struct span a, t;

	ck_assert_int_eq(next(capd), MSG_CAP_SET);
	a = span_of(m + 1, m->addr_len);
	t = span_of(a.p + a.n, m->len);
	ck_assert_uint_eq(packet_len, sizeof *m + a.n + t.n);
	ck_assert(span_is(a, addr) && span_is(t, text));
	ck_assert(m->source == SOURCE_LEARNED && m->state == CAP_KNOWN && m->ttl_s == CAP_LEARNED_S);
}

#define TWO "a@x.example\0b@x.example"
static const char two[] = TWO;		/* with its last NUL */

START_TEST(a_report_about_our_message_is_told_of)
{
	const char *tag = tag_for(two, sizeof two);

	ck_assert_str_ne(tag, "");
	show(DSN("mx.example", RCPT("A@x.example", "(dpi=200)") "\r\n" RCPT("b@x.example", "(dpi=300)")), tag);
	show(MDN("<TAG@me.example>", ""), tag);
	settle();
	told("A@x.example", "(dpi=200)");
	told("b@x.example", "(dpi=300)");
	told("a@x.example", "(dpi=200)");
	ck_assert_int_eq(next(capd), -1);
	ck_assert_uint_eq(learn.reports, 2);
	ck_assert_uint_eq(learn.learned, 3);
}
END_TEST

START_TEST(what_is_not_believed)
{
	char tag[TAG_TEXT];
	struct span addr = span_str("a@x.example");

	snprintf(tag, sizeof tag, "%s", tag_for(two, sizeof two));
	show(DSN("mx.example", RCPT("c@x.example", "(dpi=200)")), tag);			/* no recipient */
	show(MDN("<TAG@me.example>", "/alternative-preferred"), tag);
	show(DSN("me.example", RCPT("a@x.example", "(dpi=200)")), tag);			/* our own */
	show(DSN("mx.example", RCPT("a@x.example", "(oops")), tag);
	show(DSN("mx.example", RCPT("a@x.example", "(dpi=200)")), "somebody-elses");
	tag[3] = tag[3] == 'a' ? 'b' : 'a';
	show(DSN("mx.example", RCPT("a@x.example", "(dpi=200)")), tag);
	ck_assert_int_eq(tag_make((const unsigned char *)"another key of thirty-two octets", &addr, 1,
	    (uint64_t)(clock_us() / 1000000), (const unsigned char *)"chances.", tag, &e), 0);
	show(DSN("mx.example", RCPT("a@x.example", "(dpi=200)")), tag);
	settle();
	ck_assert_int_eq(next(capd), -1);
	ck_assert_uint_eq(learn.reports, 7);
	ck_assert_uint_eq(learn.learned, 0);
}
END_TEST

START_TEST(it_comes_too_late)
{
	const char *tag = tag_for(two, sizeof two);

	*ahead_ms += (int64_t)TAG_AGE_S * 1000 - 5000;
	show(DSN("mx.example", RCPT("a@x.example", "(dpi=200)")), tag);
	settle();
	told("a@x.example", "(dpi=200)");
	*ahead_ms += 6000;
	show(DSN("mx.example", RCPT("a@x.example", "(dpi=200)")), tag);
	settle();
	ck_assert_int_eq(next(capd), -1);
}
END_TEST

static const struct { const char *text; size_t n; } untagged[] = {
	{ "", 0 }, { "a@x.example", 11 }, { "a@x.example\0", 13 }, { "\0a@x.example", 13 },
	{ "a\0b\0c\0d\0e\0f\0g\0h\0i", 18 },
};

START_TEST(what_gets_no_tag)
{
	ck_assert_str_eq(tag_for(untagged[_i].text, untagged[_i].n), "");
}
END_TEST

/* Nobody wants it: no tag, no child. */
START_TEST(it_is_no_source)
{
	char tag[TAG_TEXT];

	snprintf(tag, sizeof tag, "%s", tag_for(two, sizeof two));
	ck_assert_int_eq(conf_set(&d.conf, CONF_CAPSOURCES, span_str("own\n"), &e), 0);
	ck_assert_str_eq(tag_for(two, sizeof two), "");
	show(DSN("mx.example", RCPT("a@x.example", "(dpi=200)")), tag);
	settle();
	ck_assert_uint_eq(learn.reports, 0);
	ck_assert_int_eq(next(capd), -1);
}
END_TEST

/* A message that is cut or empty costs nothing but itself. */
START_TEST(what_is_no_message)
{
	const char *tag = tag_for(two, sizeof two);

	show_octets("x", 1, 100000);
	show_octets("x", 1, 0);
	show_octets("x", 1, UINT64_MAX);
	show_octets("Subject: x\r\n\r\nx", 15, 15);
	show(DSN("mx.example", RCPT("a@x.example", "(dpi=200)")), tag);
	settle();
	told("a@x.example", "(dpi=200)");
	ck_assert_int_eq(next(capd), -1);
}
END_TEST

/* More than there is room for are not read, and those before them are. */
START_TEST(a_crowd_of_reports)
{
	const char *tag = tag_for(two, sizeof two);

	for (int i = 0; i < 2 * LEARN_WAITING; i++) {
		show(DSN("mx.example", RCPT("a@x.example", "(dpi=200)")), tag);
		if (i % 8 == 7)
			turn(1);
	}
	settle();
	ck_assert_uint_ge(learn.reports, LEARN_WAITING);
	ck_assert_uint_le(learn.reports, 2 * LEARN_WAITING);
	told("a@x.example", "(dpi=200)");
}
END_TEST

/* A report so large that it is not read at once. */
static void
show_large(void)
{
	static const char head[] = "Content-Type: multipart/report; boundary=x; report-type=delivery-status\r\n\r\n";
	struct msg_report_came m = { .id = "0123456789abcdef", .len = 30 << 20 };
	int fd = memfd_create("report", MFD_CLOEXEC);

	ck_assert_int_eq(write(fd, head, sizeof head - 1), sizeof head - 1);
	ck_assert_int_eq(ftruncate(fd, (off_t)m.len), 0);
	ck_assert_int_eq(ipc_send(local, &m.h, MSG_REPORT_CAME, 0, sizeof m, &fd, 1, &e), 0);
	close(fd);
}

/* A child that hangs is killed in the end; those behind it have their turn. */
START_TEST(a_child_that_hangs)
{
	const char *tag = tag_for(two, sizeof two);

	show_large();
	turn(1);
	if (learn.child.open)
		kill(learn.pid, SIGSTOP);
	show(DSN("mx.example", RCPT("a@x.example", "(dpi=200)")), tag);
	turn(5);
	*ahead_ms += LEARN_LATE_MS;
	settle();
	told("a@x.example", "(dpi=200)");
}
END_TEST

START_TEST(peers_come_and_go)
{
	char tag[TAG_TEXT];
	struct msg_hdr h;

	close(capd);
	turn(5);
	snprintf(tag, sizeof tag, "%s", tag_for(two, sizeof two));
	show(DSN("mx.example", RCPT("a@x.example", "(dpi=200)")), tag);
	settle();
	ck_assert_uint_eq(learn.learned, 0);		/* lost, and nothing else is */
	capd = peer(ROLE_CAPD);
	local = peer(ROLE_LOCAL);
	show(DSN("mx.example", RCPT("a@x.example", "(dpi=200)")), tag);
	settle();
	told("a@x.example", "(dpi=200)");
	ck_assert_int_eq(ipc_send(control, &h, MSG_STATUS, 1, sizeof h, NULL, 0, &e), 0);
	turn(5);
	ck_assert_int_eq(next(control), 0);
	ck_assert(!learn.control.open && learn.local.open);
}
END_TEST

Suite *suite_serve(void);
Suite *
suite_serve(void)
{
	Suite *s = suite_create("serve");
	TCase *tc = tcase_create("serve");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_report_about_our_message_is_told_of);
	tcase_add_test(tc, what_is_not_believed);
	tcase_add_test(tc, it_comes_too_late);
	tcase_add_loop_test(tc, what_gets_no_tag, 0, sizeof untagged / sizeof *untagged);
	tcase_add_test(tc, it_is_no_source);
	tcase_add_test(tc, what_is_no_message);
	tcase_add_test(tc, a_crowd_of_reports);
	tcase_add_test(tc, a_child_that_hangs);
	tcase_add_test(tc, peers_come_and_go);
	suite_add_tcase(s, tc);
	return s;
}
