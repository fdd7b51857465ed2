/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * The parent runs in a process of its own, as in earnest; its children's work is what the key or
 * the first octet of the message says: sleep, crash, spin, write without end.
 */
#include "convertd/parent.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/converter.h"

enum { OUT_MAX = 1 << 20 };

/* Shared with the parent's children: how often work began. */
static atomic_int *began;

static int
fill(struct buf *out, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (buf_add_byte(out, 'x', e) == -1)
			return -1;
	return 0;
}

/* A plan that names one body: a conforming one, or octets of the text before it. */
static int
odd_plan(struct span content, struct buf *out, struct err *e)
{
	struct edit_range r = { 0, 4, RANGE_BODY };
	struct plan_verdict v = { .fate = PLAN_FITS };
	struct plan p = { .verdict = &v, .nverdict = 1, .range = &r, .nrange = 1 };

	if (content.p[0] != 'X')	/* the image's body, at its end */
		r.off = content.n - 4;
	return plan_encode(&p, out, e);
}

static int
odd_work(const struct job_rules *r, const struct order *o, struct span content, struct span text,
    struct buf *out, struct err *e)
{
	struct span what = text.n > 0 && o->type == MSG_CONVERT ? text : content;
	struct timespec third = { 0, 300 * 1000 * 1000 };
	volatile int *nowhere = NULL;

	(void)r;
	atomic_fetch_add(began, 1);
	if (o->type == MSG_PLAN)
		return odd_plan(content, out, e);
	if (span_is(what, "sleep"))
		for (;;)
			pause();
	if (span_is(what, "crash"))
		*nowhere = 1;
	if (span_is(what, "spin"))
		for (;;)
			atomic_thread_fence(memory_order_seq_cst);
	if (span_is(what, "exit"))
		_exit(3);
	if (span_is(what, "huge"))
		return fill(out, OUT_MAX + 1, e);
	if (span_is(what, "empty"))
		return 0;
	if (span_is(what, "temp"))
		return err_set(e, ERR_TEMP, "4.3.0", "no \x01 memory");
	if (span_is(what, "perm"))
		return err_set(e, ERR_PERM, "5.6.5", "page 1 is bad");
	if (span_is(what, "lies"))
		return err_set(e, ERR_PERM, "2\r\n.0", "x\r\ny");
	if (span_is(what, "silent"))
		return err_set(e, ERR_PERM, "5.....", "%s", "");
	if (what.n > 0 && what.p[0] == 's')
		nanosleep(&third, NULL);
	return what.n > 0 && what.p[0] == 'L' ? fill(out, OUT_MAX / 2, e) : buf_add(out, what, e);
}

static uint32_t wall_ms = 30000;	/* a job's time: more than any needs on a busy machine */

static pid_t
serve(int socks[], int n, uint32_t concurrency)
{
	pid_t pid = fork();
	static struct conf conf;
	static struct convertd c;
	static struct loop loop;
	struct err e = { 0 };

	if (pid != 0) {
		for (int i = 0; i < n; i++)
			close(socks[i]);
		return pid;
	}
	close(2);
	(void)open("/dev/null", O_WRONLY);
	signal(SIGPIPE, SIG_IGN);
	if (conf_init(&conf, &e) == -1 || loop_init(&loop, &e) == -1 ||
	    (concurrency == 0 && conf_set(&conf, CONF_CONCURRENCYCONVERT, span_str("0\n"), &e) == -1))
		_exit(1);
	convertd_init(&c, &loop, &conf);
	c.concurrency = concurrency == 0 ? c.concurrency : concurrency;
	c.rules.work = odd_work;
	c.rules.out_octets = OUT_MAX;
	c.rules.wall_ms = wall_ms;
	c.rules.max.cpu_s = 1;
	cache_init(&c.cache, OUT_MAX + OUT_MAX / 4);	/* two large results do not fit */
	for (int i = 0; i < n; i++)
		if (convertd_session(&c, ROLE_REMOTE, socks[i], &e) == -1)
			_exit(1);
	(void)loop_run(&loop, &e);
	_exit(0);
}

struct server { pid_t pid; int sock[8], n; };

static void
start(struct server *s, int n, uint32_t concurrency)
{
	int theirs[8];
	struct err e;

	began = mmap(NULL, sizeof *began, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert(began != MAP_FAILED);
	s->n = n;
	for (int i = 0; i < n; i++) {
		int pair[2];

		ck_assert_int_eq(ipc_pair(pair, &e), 0);
		s->sock[i] = pair[0];
		theirs[i] = pair[1];
	}
	s->pid = serve(theirs, n, concurrency);
}

static void
end(struct server *s)
{
	int status;

	ck_assert_int_eq(waitpid(s->pid, &status, WNOHANG), 0);	/* nothing brought it down */
	kill(s->pid, SIGKILL);
	waitpid(s->pid, &status, 0);
	for (int i = 0; i < s->n; i++)
		close(s->sock[i]);
}

static int
file_of(const char *text)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	ck_assert_int_eq((int)write(fd, text, strlen(text)), (int)strlen(text));
	return fd;
}

static void
send_convert(int sock, int fd, uint64_t len, const char *id, const char *key, uint32_t number)
{
	struct { struct msg_convert m; char key[100]; } ask = { .m = { .msg_len = len,
	    .key_len = (uint32_t)strlen(key) } };
	struct err e;

	memcpy(ask.m.id, id, strlen(id));
	memcpy(ask.key, key, strlen(key));
	ck_assert_int_eq(ipc_send(sock, &ask.m.h, MSG_CONVERT, number, sizeof ask.m + strlen(key),
	    &fd, 1, &e), 0);
}

/* The answer, and its memfd or -1. */
static int
receive(int sock, struct msg_planned *m)
{
	int fds[MSG_FDS];
	size_t len;
	struct err e;

	ck_assert_int_eq(ipc_recv(sock, m, sizeof *m, &len, fds, &e), 1);
	ck_assert_uint_eq(len, sizeof *m);
	ck_assert_int_eq(fds[1], -1);
	return fds[0];
}

#define ID "0123456789abcdef"

static void
expect_text(int fd, const struct msg_planned *m, const char *text)
{
	char got[100] = "";

	ck_assert_msg(m->kind == ERR_NONE, "%s", m->what);
	ck_assert_uint_eq(m->len, strlen(text));
	ck_assert_int_eq((int)pread(fd, got, sizeof got - 1, 0), (int)strlen(text));
	ck_assert_str_eq(got, text);
}

static const struct { const char *key; enum err_kind kind; const char *dsn, *what; } ends[] = {
	{ "sleep", ERR_PERM, "5.6.5", "the converter ran out of time" },
	{ "spin", ERR_PERM, "5.6.5", "the converter ran out of time" },
	{ "crash", ERR_PERM, "5.6.5", "the converter broke down (" },
	{ "exit", ERR_PERM, "5.6.5", "the converter broke down (status 3)" },
	{ "huge", ERR_PERM, "5.3.4", "more than" },
	{ "empty", ERR_PERM, "5.6.5", "the converter gave no result" },
	{ "temp", ERR_TEMP, "4.3.0", "no ? memory" },
	{ "perm", ERR_PERM, "5.6.5", "page 1 is bad" },
	{ "lies", ERR_PERM, "5.6.5", "x??y" },
	{ "silent", ERR_PERM, "5.6.5", "the converter gave no reason" },
};

START_TEST(children_that_fail)
{
	struct server s;
	struct msg_planned m;
	int fd = file_of("message"), got;

	wall_ms = strcmp(ends[_i].key, "sleep") == 0 ? 1500 : wall_ms;
	start(&s, 1, 2);
	send_convert(s.sock[0], fd, 7, ID, ends[_i].key, 5);
	got = receive(s.sock[0], &m);
	ck_assert_int_eq(got, -1);
	ck_assert_uint_eq(m.h.id, 5);
	ck_assert_uint_eq(m.h.type, MSG_CONVERTED);
	ck_assert_uint_eq(m.kind, ends[_i].kind);
	ck_assert_str_eq(m.dsn, ends[_i].dsn);
	ck_assert_msg(strncmp(m.what, ends[_i].what, strlen(ends[_i].what)) == 0, "%s", m.what);
	/* the next job is not hurt, and a failure is not kept */
	send_convert(s.sock[0], fd, 7, ID, "fine", 6);
	got = receive(s.sock[0], &m);
	expect_text(got, &m, "fine");
	close(got);
	close(fd);
	end(&s);
}
END_TEST

START_TEST(results_are_kept_and_sealed)
{
	struct server s;
	struct msg_planned m;
	int fd = file_of("message"), other = file_of("message"), got, seals;

	start(&s, 2, 2);
	for (int i = 0; i < 4; i++) {
		send_convert(s.sock[i % 2], fd, 7, ID, "fine", (uint32_t)i);
		got = receive(s.sock[i % 2], &m);
		expect_text(got, &m, "fine");
		seals = fcntl(got, F_GET_SEALS);
		ck_assert_int_eq(seals, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
		ck_assert_int_eq((int)pwrite(got, "evil", 4, 0), -1);
		close(got);
	}
	ck_assert_int_eq(atomic_load(began), 1);
	/* another file that claims the same ID, another length, another ID: each its own */
	send_convert(s.sock[0], other, 7, ID, "fine", 9);
	close(receive(s.sock[0], &m));
	ck_assert_int_eq(atomic_load(began), 2);
	send_convert(s.sock[0], fd, 6, ID, "fine", 9);
	close(receive(s.sock[0], &m));
	ck_assert_int_eq(atomic_load(began), 3);
	send_convert(s.sock[0], fd, 7, "1123456789abcdef", "fine", 9);
	close(receive(s.sock[0], &m));
	ck_assert_int_eq(atomic_load(began), 4);
	close(fd), close(other);
	end(&s);
}
END_TEST

START_TEST(the_oldest_result_goes)
{
	static const char *const keys[] = { "L1", "L2", "L3", "L3", "L2", "L1" };
	static const int want[] = { 1, 2, 3, 3, 3, 4 };
	struct server s;
	struct msg_planned m;
	int fd = file_of("message");

	start(&s, 1, 1);
	for (int i = 0; i < 6; i++) {
		send_convert(s.sock[0], fd, 7, ID, keys[i], (uint32_t)i);
		close(receive(s.sock[0], &m));
		ck_assert_uint_eq(m.len, OUT_MAX / 2);
		ck_assert_int_eq(atomic_load(began), want[i]);
	}
	close(fd);
	end(&s);
}
END_TEST

/* concurrencyconvert 0: refused at once, whatever is under way; what is no conversion of content is served. */
START_TEST(R40_where_no_converter_runs)
{
	struct { struct msg_convert m; } recode = { .m = { .msg_len = 7, .transfer = EDIT_TO_7BIT } };
	struct server s;
	struct msg_planned m;
	int fd = file_of("slowest"), got;
	struct err e;

	start(&s, 2, 0);
	memcpy(recode.m.id, ID, QID_LEN);
	for (uint32_t i = 0; i < CONVERTD_LOOKS; i++)
		ck_assert_int_eq(ipc_send(s.sock[0], &recode.m.h, MSG_CONVERT, i, sizeof recode.m, &fd, 1, &e), 0);
	send_convert(s.sock[1], fd, 7, ID, "fine", 5);
	ck_assert_int_eq(receive(s.sock[1], &m), -1);
	ck_assert_uint_eq(m.kind, ERR_PERM);
	ck_assert_str_eq(m.dsn, "5.6.3");
	ck_assert_ptr_nonnull(strstr(m.what, "concurrencyconvert"));
	for (int i = 0; i < CONVERTD_LOOKS; i++) {
		got = receive(s.sock[0], &m);
		expect_text(got, &m, "slowest");
		close(got);
	}
	ck_assert_int_eq(atomic_load(began), 1);	/* asked twice, made once, and nothing else */
	close(fd);
	end(&s);
}
END_TEST

/* Two sessions ask for one thing while it is made: it is made once. */
START_TEST(asked_twice_made_once)
{
	struct server s;
	struct msg_planned m;
	int fd = file_of("message"), got;

	start(&s, 2, 2);
	send_convert(s.sock[0], fd, 7, ID, "slow", 1);
	send_convert(s.sock[1], fd, 7, ID, "slow", 2);
	for (int i = 0; i < 2; i++) {
		got = receive(s.sock[i], &m);
		expect_text(got, &m, "slow");
		ck_assert_uint_eq(m.h.id, (uint32_t)i + 1);
		close(got);
	}
	ck_assert_int_eq(atomic_load(began), 1);
	close(fd);
	end(&s);
}
END_TEST

/* It gave up and comes again: the conversion went on meanwhile. */
START_TEST(a_session_that_left_finds_its_result)
{
	struct server s;
	struct msg_planned m;
	int fd = file_of("message"), got;
	struct timespec half = { 0, 600 * 1000 * 1000 };

	start(&s, 2, 2);
	send_convert(s.sock[0], fd, 7, ID, "slow", 1);
	close(s.sock[0]);
	s.sock[0] = dup(2);
	nanosleep(&half, NULL);
	send_convert(s.sock[1], fd, 7, ID, "slow", 2);
	got = receive(s.sock[1], &m);
	expect_text(got, &m, "slow");
	ck_assert_int_eq(atomic_load(began), 1);
	close(got);
	close(fd);
	end(&s);
}
END_TEST

/* One at a time: the second begins when the first is over, all are answered. */
START_TEST(no_more_at_once_than_allowed)
{
	struct server s;
	struct msg_planned m;
	int fd = file_of("message"), got;
	int64_t before = clock_ms();

	start(&s, 3, 1);
	send_convert(s.sock[0], fd, 7, ID, "s1", 1);
	send_convert(s.sock[1], fd, 7, ID, "s2", 1);
	send_convert(s.sock[2], fd, 7, ID, "s3", 1);
	for (int i = 2; i >= 0; i--) {
		got = receive(s.sock[i], &m);
		ck_assert_uint_eq(m.kind, ERR_NONE);
		close(got);
	}
	ck_assert_int_ge((int)(clock_ms() - before), 900);
	close(fd);
	end(&s);
}
END_TEST

START_TEST(too_many_of_one_session)
{
	struct server s;
	struct msg_planned m;
	int fd = file_of("message");

	start(&s, 1, 1);
	for (uint32_t i = 0; i <= CONVERTD_PER_SESSION; i++) {
		char key[] = { 's', (char)('0' + i), '\0' };

		send_convert(s.sock[0], fd, 7, ID, key, i);
	}
	ck_assert_int_eq(receive(s.sock[0], &m), -1);
	ck_assert_uint_eq(m.h.id, CONVERTD_PER_SESSION);
	ck_assert_uint_eq(m.kind, ERR_TEMP);
	ck_assert_str_eq(m.dsn, "4.6.5");
	close(fd);
	end(&s);
}
END_TEST

START_TEST(a_file_shorter_than_said)
{
	struct server s;
	struct msg_planned m;
	int fd = file_of("message"), pipes[2];

	start(&s, 1, 1);
	send_convert(s.sock[0], fd, 8, ID, "fine", 1);
	ck_assert_int_eq(receive(s.sock[0], &m), -1);
	ck_assert_uint_eq(m.kind, ERR_PERM);
	ck_assert_int_eq(pipe(pipes), 0);
	send_convert(s.sock[0], pipes[0], 0, ID, "fine", 1);
	ck_assert_int_eq(receive(s.sock[0], &m), -1);
	ck_assert_uint_eq(m.kind, ERR_PERM);
	ck_assert_int_eq(atomic_load(began), 0);
	close(fd), close(pipes[0]), close(pipes[1]);
	end(&s);
}
END_TEST

/* What a hop takes is part of a result's name; without a key nothing else is asked for. */
START_TEST(transfer_is_asked_for)
{
	static const struct { uint32_t transfer; const char *key; int began; } asks[] = {
		{ EDIT_TO_7BIT, "", 1 }, { EDIT_TO_7BIT, "", 1 }, { EDIT_TO_8BIT, "", 2 },
		{ EDIT_TO_7BIT, "fine", 3 }, { EDIT_AS_IS, "fine", 4 }, { EDIT_TO_7BIT, "fine", 4 },
		{ EDIT_AS_IS, "", -1 }, { EDIT_TO_8BIT + 1, "fine", -1 },
	};
	struct server s;
	int fd = file_of("message");

	start(&s, 2, 2);
	for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
		struct { struct msg_convert m; char key[8]; } ask = { .m = { .msg_len = 7,
		    .key_len = (uint32_t)strlen(asks[i].key), .transfer = asks[i].transfer } };
		struct msg_planned m;
		int fds[MSG_FDS], sock = s.sock[i % 2];
		struct err e = { 0 };
		size_t len;

		memcpy(ask.m.id, ID, strlen(ID));
		memcpy(ask.key, asks[i].key, strlen(asks[i].key));
		ck_assert_int_eq(ipc_send(sock, &ask.m.h, MSG_CONVERT, 1, sizeof ask.m +
		    strlen(asks[i].key), &fd, 1, &e), 0);
		if (asks[i].began == -1) {		/* cut off */
			ck_assert_int_eq(ipc_recv(sock, &m, sizeof m, &len, fds, &e), 0);
			continue;
		}
		close(receive(sock, &m));
		ck_assert_uint_eq(m.kind, ERR_NONE);
		ck_assert_int_eq(atomic_load(began), asks[i].began);
	}
	close(fd);
	end(&s);
}
END_TEST

/* What is outside the protocol cuts that session off, and no other. */
static const struct { uint32_t flags, ncaps, caps_len; } outside[] = {
	{ 0, 1, 100 },
	{ PLAN_BOUNDS, 1, 0 },
};

START_TEST(a_packet_outside_the_protocol)
{
	struct server s;
	struct msg_planned m;
	struct msg_plan plan = { .msg_len = 7, .flags = outside[_i].flags, .ncaps = outside[_i].ncaps,
	    .caps_len = outside[_i].caps_len };
	int fd = file_of("message"), fds[MSG_FDS], got;
	size_t len;
	struct err e;

	start(&s, 2, 1);
	ck_assert_int_eq(ipc_send(s.sock[0], &plan.h, MSG_PLAN, 1, sizeof plan, &fd, 1, &e), 0);
	ck_assert_int_eq(ipc_recv(s.sock[0], &m, sizeof m, &len, fds, &e), 0);
	send_convert(s.sock[1], fd, 7, ID, "fine", 1);
	got = receive(s.sock[1], &m);
	expect_text(got, &m, "fine");
	close(got);
	close(fd);
	end(&s);
}
END_TEST

/* The plan of a child that an image took over cannot name what is not an image's. */
static const struct { const char *message; bool ok; } bounded[] = {
	{ "Content-Type: image/tiff\r\n\r\nAAAA", true },
	{ "X-Before: 1\r\nContent-Type: image/tiff\r\n\r\nAAAA", false },
	{ "Content-Type: text/plain\r\n\r\nAAAA", false },
	{ "Content-Type: image/tiff\r\n\r\nBAAAA", false },
};

START_TEST(a_plan_stays_within_its_bounds)
{
	struct span caps = span_str("(a=b)");
	static const uint8_t wish = WISH_DRUCOF;
	struct converter_message m = { .len = strlen(bounded[_i].message), .id = ID };
	struct converter_plan plan;
	struct server s;
	struct err e = { 0 };
	int r;

	m.fd = file_of(bounded[_i].message);
	start(&s, 1, 1);
	r = converter_ask_plan(s.sock[0], &m, 0, &caps, &wish, 1, &plan, &e);
	ck_assert_msg(r == (bounded[_i].ok ? 0 : -1), "%s", e.what);
	if (r == 0)
		converter_plan_free(&plan);
	else
		ck_assert_str_eq(e.dsn, "5.6.5");
	close(m.fd);
	end(&s);
}
END_TEST

/* Where images lie, though none of them can be read: in halves, as a loop asks. */
static void
ask_bounds(int sock)
{
	static const char text[] = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n"
	    "--b\r\nContent-Type: image/tiff\r\n\r\nAAAA\r\n--b--\r\n";
	struct converter_message m = { .len = sizeof text - 1, .id = ID, .fd = file_of(text) };
	struct converter_plan plan;
	struct edit_range *r;
	struct msg_planned answer;
	struct buf packet;
	struct err e = { 0 };
	int fds[MSG_FDS];
	size_t len;

	buf_init(&packet, MSG_MAX);
	ck_assert_int_eq(converter_put_bounds(&m, &packet, &e), 0);
	ck_assert_int_eq(ipc_call(sock, (struct msg_hdr *)(void *)packet.p, MSG_PLAN, packet.n, &m.fd, 1, &answer,
	    sizeof answer, &len, fds, CONVERTER_PLAN_MS, &e), 1);
	ck_assert_msg(converter_get_bounds(&answer, &fds[0], &plan, &e) == 0, "%s", e.what);
	ck_assert_int_eq(fds[0], -1);
	ck_assert_uint_eq(plan.plan.nverdict, 0);
	ck_assert_uint_eq(plan.plan.nrange, 3);		/* where fields may stand, Content-Type, the body */
	r = &plan.plan.range[2];
	ck_assert(r->kind == RANGE_BODY && r->len == 4 && memcmp(text + r->off, "AAAA", 4) == 0);
	converter_plan_free(&plan);
	buf_free(&packet);
	close(m.fd);
}

/* A converter as it runs in earnest, with one session of that daemon's: its channel. */
static pid_t
real_one(enum role of, int *sock)
{
	struct err e = { 0 };
	int pair[2];
	pid_t pid;

	ck_assert_int_eq(ipc_pair(pair, &e), 0);
	if ((pid = fork()) == 0) {
		static struct conf conf;
		static struct convertd c;
		static struct loop loop;

		close(pair[0]);
		if (conf_init(&conf, &e) == -1 || loop_init(&loop, &e) == -1)
			_exit(1);
		convertd_init(&c, &loop, &conf);
		c.single = true;
		if (convertd_session(&c, of, pair[1], &e) == -1 || loop_run(&loop, &e) == -1)
			_exit(1);
		convertd_free(&c);
		_exit(0);
	}
	close(pair[1]);
	*sock = pair[0];
	return pid;
}

/* It is cut off by anything else. */
START_TEST(a_session_of_smtpd_has_nothing_converted)
{
	static const char text[] = "Content-Type: text/plain\r\n\r\nhello\r\n";
	struct converter_message m = { .len = sizeof text - 1, .id = ID };
	struct span caps = span_str("(type=\"text/plain\")");
	struct converter_edits edits;
	struct converter_plan plan;
	struct blob blob;
	struct err e = { 0 };
	int sock;
	pid_t pid = real_one(ROLE_SMTPD, &sock);

	m.fd = file_of(text);
	ck_assert_msg(converter_ask_plan(sock, &m, 0, &caps, &(uint8_t){ WISH_CONPERM }, 1, &plan, &e) == 0, "%s", e.what);
	ck_assert_int_eq(plan.plan.verdict[0].fate, PLAN_FITS);
	ck_assert_int_eq(converter_ask_features(sock, m.fd, CONVERTER_PLAN_MS, &blob, &e), -1);
	ck_assert_str_eq(e.dsn, "5.6.1");	/* it answers: that is no image */
	ck_assert_int_eq(converter_ask_edits(sock, &m, &plan.plan, span_str("1=MH/204x196/A4"), 5000, &edits, &e), -1);
	ck_assert_msg(e.sys == EPIPE || e.sys == ECONNRESET, "%s", e.what);
	converter_plan_free(&plan);
	close(m.fd), close(sock);
	ck_assert_int_eq(waitpid(pid, &(int){ 0 }, 0), pid);
}
END_TEST

/* The library's asking half and the real work: describes, plans with text in the packet and not. */
START_TEST(asked_by_the_library)
{
	static const char text[] = "Content-Type: text/plain\r\n\r\nhello\r\n";
	struct converter_plan plan;
	struct converter_message m = { .len = sizeof text - 1, .id = ID };
	struct span caps[300];
	static const uint8_t wish[300] = { WISH_PREFER };
	static char long_caps[1000];
	struct blob blob;
	struct err e = { 0 };
	int image = open("tests/data/fax/ccitt1-S.tif", O_RDONLY);
	int sock;
	pid_t pid = real_one(ROLE_REMOTE, &sock);

	ck_assert_int_ne(image, -1);
	memset(long_caps, ' ', sizeof long_caps);
	memcpy(long_caps, "(type=\"text/plain\")", 19);
	for (size_t i = 0; i < 300; i++)
		caps[i] = span_of(long_caps, sizeof long_caps);
	m.fd = file_of(text);
	ck_assert_msg(converter_ask_plan(sock, &m, 0, caps, wish, 1, &plan, &e) == 0, "%s", e.what);
	ck_assert_int_eq(plan.plan.verdict[0].fate, PLAN_FITS);
	converter_plan_free(&plan);
	ck_assert_msg(converter_ask_plan(sock, &m, 0, caps, wish, 300, &plan, &e) == 0, "%s", e.what);
	ck_assert_uint_eq(plan.plan.nverdict, 300);
	converter_plan_free(&plan);
	ck_assert_msg(converter_ask_features(sock, image, CONVERTER_PLAN_MS, &blob, &e) == 0, "%s", e.what);
	ck_assert(memmem(blob.p, blob.n, "image-coding=MH", 15) != NULL);
	blob_free(&blob);
	ck_assert_int_eq(converter_ask_features(sock, m.fd, CONVERTER_PLAN_MS, &blob, &e), -1);
	ck_assert_str_eq(e.dsn, "5.6.1");
	ask_bounds(sock);
	close(m.fd), close(image), close(sock);
	ck_assert_int_eq(waitpid(pid, &(int){ 0 }, 0), pid);
}
END_TEST

Suite *suite_parent(void);
Suite *
suite_parent(void)
{
	Suite *s = suite_create("parent");
	TCase *tc = tcase_create("parent");

	tcase_add_loop_test(tc, children_that_fail, 0, sizeof ends / sizeof *ends);
	tcase_add_test(tc, results_are_kept_and_sealed);
	tcase_add_test(tc, the_oldest_result_goes);
	tcase_add_test(tc, R40_where_no_converter_runs);
	tcase_add_test(tc, asked_twice_made_once);
	tcase_add_test(tc, a_session_that_left_finds_its_result);
	tcase_add_test(tc, no_more_at_once_than_allowed);
	tcase_add_test(tc, too_many_of_one_session);
	tcase_add_test(tc, a_file_shorter_than_said);
	tcase_add_test(tc, transfer_is_asked_for);
	tcase_add_loop_test(tc, a_packet_outside_the_protocol, 0, sizeof outside / sizeof *outside);
	tcase_add_loop_test(tc, a_plan_stays_within_its_bounds, 0, sizeof bounded / sizeof *bounded);
	tcase_add_test(tc, a_session_of_smtpd_has_nothing_converted);
	tcase_add_test(tc, asked_by_the_library);
	suite_add_tcase(s, tc);
	return s;
}
