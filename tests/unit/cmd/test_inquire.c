/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* The control server between a command that inquires and remote or local: by the recipient's route, and who may. */
#include "cmd/server/server.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/qfile.h"

enum { STRANGER = 12345, SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

static struct daemon d;
static struct control c;
static struct err e;
static char path[100];
static int remote, local, admin, user;
static _Alignas(8) unsigned char packet[MSG_MAX];
static off_t octets = 3;		/* of the message */
static int came;			/* the descriptor with the last packet, or -1 */

static void
stop_loop(void *arg)
{
	(void)arg;
	d.loop.stop = true;
}

static void
turn(void)
{
	struct timer t = { .fire = stop_loop };

	d.loop.stop = false;
	ck_assert_int_eq(loop_timer(&d.loop, &t, 20, &e), 0);
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

static int
client(uid_t uid)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof sun.sun_path, "%s", path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sun, sizeof sun), 0);
	turn();
	c.clients->uid = uid;
	return fd;
}

static void
setup(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	signal(SIGPIPE, SIG_IGN);
	e = (struct err){ 0 };
	came = -1;
	octets = 3;
	d = (struct daemon){ .nfile = 1, .file = { { "control.sock", s } } };
	for (int i = 0; i < ROLE_COUNT; i++)
		d.peer_fd[i] = -1;
	snprintf(path, sizeof path, "/tmp/accord-inquire-%d", (int)getpid());
	snprintf(sun.sun_path, sizeof sun.sun_path, "%s", path);
	unlink(path);
	ck_assert_int_eq(bind(s, (struct sockaddr *)&sun, sizeof sun), 0);
	ck_assert_int_eq(listen(s, 5), 0);
	ck_assert_int_eq(loop_init(&d.loop, &e), 0);
	ck_assert_int_eq(conf_init(&d.conf, &e), 0);
	ck_assert_int_eq(conf_set(&d.conf, CONF_LOCALS, span_str("here.example\n"), &e), 0);
	ck_assert_int_eq(conf_set(&d.conf, CONF_SMTPROUTES, span_str("routed.example:[192.0.2.1]:26\n"), &e), 0);
	ck_assert_int_eq(conf_set(&d.conf, CONF_DESTINATIONS, span_str("routed.example concurrency=3 rate=5/m "
	    "retry=60,5m hours=22:00-06:30\n"), &e), 0);
	ck_assert_msg(control_open(&c, &d, &e) == 0, "%s", e.what);
	remote = peer(ROLE_REMOTE);
	local = peer(ROLE_LOCAL);
	admin = client(geteuid());
	user = client(geteuid() + STRANGER);
}

static void
teardown(void)
{
	unlink(path);
	loop_free(&d.loop);
	conf_free(&d.conf);
}

/* A file of the queue for that address, of so many recipients. */
static int
letter(const char *addr, uint32_t n, int seals)
{
	struct rcpt rcpt[2] = { { .addr = span_str(addr) }, { .addr = span_str("b@far.example") } };
	struct envelope env = { .sender = span_str("s@x.example"), .rcpt = rcpt, .nrcpt = n };
	int fd = memfd_create("letter", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct qfile q;
	struct buf block;

	buf_init(&block, 10000);
	ck_assert_int_eq(ftruncate(fd, octets), 0);
	ck_assert_int_eq(envelope_encode(&env, &block, &e), 0);
	ck_assert_int_eq(qfile_finish(fd, (uint64_t)octets, 0, buf_view(&block), n, &q, &e), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	buf_free(&block);
	return fd;
}

static void
inquire(int fd, uint32_t id, int file)
{
	struct msg_inquire m = { .kind = INQUIRY_MESSAGE, .dest = "evil:25" };

	ck_assert_int_eq(ipc_send(fd, &m.h, MSG_INQUIRE, id, sizeof m, &file, 1, &e), 0);
	close(file);
	turn();
}

/* The next packet at fd: its type; 0 for an end, -1 for none. */
static int64_t
next(int fd)
{
	int fds[MSG_FDS], r;
	size_t len;

	ipc_close_fds(&came, 1);
	came = -1;
	r = ipc_recv_now(fd, packet, sizeof packet, &len, fds, &e);
	if (r == 1)
		came = fds[0];
	return r < 1 ? r : (int64_t)((struct msg_hdr *)(void *)packet)->type;
}

static uint32_t
number_of(void)
{
	return ((struct msg_hdr *)(void *)packet)->id;
}

static void
refused(int fd, uint32_t number, enum err_kind kind, const char *word)
{
	const struct msg_refused *no = (const struct msg_refused *)(const void *)packet;

	ck_assert_int_eq(next(fd), MSG_REFUSED);
	ck_assert_uint_eq(number_of(), number);
	ck_assert_msg(no->kind == kind && strstr(no->what, word) != NULL, "%s", no->what);
}

static void
owned(uint32_t id, uid_t uid)
{
	struct msg_owned m = { .found = 1, .uid = uid };

	ck_assert_int_eq(ipc_send(local, &m.h, MSG_OWNED, id, sizeof m, NULL, 0, &e), 0);
	turn();
}

static void
found(int fd, uint32_t id)
{
	struct msg_inquired m = { .len = 9, .route = "a lie" };
	int file = letter("a@b.example", 1, 0);		/* nobody looks at it */

	ck_assert_int_eq(ipc_send(fd, &m.h, MSG_INQUIRED, id, sizeof m, &file, 1, &e), 0);
	close(file);
	turn();
}

START_TEST(the_route_says_who_answers)
{
	static const struct { const char *addr, *dest, *route, *options; bool here; } rows[] = {
		{ "a@far.example", "far.example", "far.example", "", false },
		{ "a@Routed.example", "[192.0.2.1]:26", "[192.0.2.1]:26 routed.example",
		    " concurrency=3 rate=5/60s retry=60,300 hours=22:00-06:30", false },
		{ "a@here.example", "local", "local", "", true },
	};
	const struct msg_inquire *m = (const void *)packet;
	const struct msg_inquired *got = (const void *)packet;

	for (uint32_t i = 0; i < 3; i++) {
		inquire(admin, 7 + i, letter(rows[i].addr, 1, SEALS));
		ck_assert_int_eq(next(rows[i].here ? remote : local), -1);
		ck_assert_int_eq(next(rows[i].here ? local : remote), MSG_INQUIRE);
		ck_assert(qid_ok(m->id) && came != -1 && m->kind == INQUIRY_MESSAGE);
		ck_assert_str_eq(m->dest, rows[i].dest);
		found(rows[i].here ? local : remote, number_of());
		ck_assert_int_eq(next(admin), MSG_INQUIRED);
		ck_assert(number_of() == 7 + i && came != -1 && got->len == 9);
		ck_assert_str_eq(got->route, rows[i].route);
		ck_assert_str_eq(got->options, rows[i].options);
	}
}
END_TEST

START_TEST(others_may_ask_of_their_own_mailbox)
{
	uint32_t number;

	inquire(user, 1, letter("a@far.example", 1, SEALS));
	refused(user, 1, ERR_PERM, "administrator");
	inquire(user, 2, letter("a@[192.0.2.1]", 1, SEALS));
	refused(user, 2, ERR_PERM, "administrator");
	inquire(user, 3, letter("a@here.example", 1, SEALS));
	ck_assert_int_eq(next(local), MSG_OWNER);
	owned(number_of(), geteuid() + STRANGER + 1);
	refused(user, 3, ERR_PERM, "owner");
	ck_assert_int_eq(next(local), -1);
	inquire(user, 4, letter("a@here.example", 1, SEALS));
	ck_assert_int_eq(next(local), MSG_OWNER);
	number = number_of();
	found(local, number);		/* nothing has been asked yet */
	ck_assert_int_eq(next(user), -1);
	owned(number, geteuid() + STRANGER);
	ck_assert_int_eq(next(local), MSG_INQUIRE);
	found(remote, number_of());	/* nor of this one */
	ck_assert_int_eq(next(user), -1);
	found(local, number_of());
	ck_assert_int_eq(next(user), MSG_INQUIRED);
	ck_assert_int_eq(next(remote), -1);
}
END_TEST

START_TEST(what_is_no_inquiry_goes_nowhere)
{
	inquire(admin, 1, letter("a@far.example", 1, 0));
	refused(admin, 1, ERR_PERM, "sealed");
	inquire(admin, 2, letter("a@far.example", 2, SEALS));
	refused(admin, 2, ERR_PERM, "one recipient");
	inquire(admin, 3, letter("a@b>c.example", 1, SEALS));
	refused(admin, 3, ERR_PERM, "recipient");
	ck_assert_int_eq(conf_set(&d.conf, CONF_DATABYTES, span_str("65536\n"), &e), 0);
	octets = 65536;
	inquire(admin, 4, letter("a@far.example", 1, SEALS));
	ck_assert_int_eq(next(remote), MSG_INQUIRE);
	found(remote, number_of());
	ck_assert_int_eq(next(admin), MSG_INQUIRED);
	octets++;
	inquire(admin, 4, letter("a@far.example", 1, SEALS));
	refused(admin, 4, ERR_PERM, "larger");
	ck_assert_int_eq(next(remote), -1);
	ck_assert_int_eq(next(local), -1);
}
END_TEST

START_TEST(who_is_restarted_answers_nothing)
{
	inquire(admin, 1, letter("a@far.example", 1, SEALS));
	ck_assert_int_eq(next(remote), MSG_INQUIRE);
	close(remote);
	turn();
	refused(admin, 1, ERR_TEMP, "remote was restarted");
	inquire(admin, 2, letter("a@far.example", 1, SEALS));
	refused(admin, 2, ERR_TEMP, "remote is being restarted");
	inquire(user, 3, letter("a@here.example", 1, SEALS));
	ck_assert_int_eq(next(local), MSG_OWNER);
	close(local);
	turn();
	refused(user, 3, ERR_TEMP, "local was restarted");
	ck_assert_int_eq(c.clients->inquiry_fd, -1);
}
END_TEST

Suite *suite_inquire(void);

Suite *
suite_inquire(void)
{
	Suite *s = suite_create("inquire");
	TCase *tc = tcase_create("inquire");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_route_says_who_answers);
	tcase_add_test(tc, others_may_ask_of_their_own_mailbox);
	tcase_add_test(tc, what_is_no_inquiry_goes_nowhere);
	tcase_add_test(tc, who_is_restarted_answers_nothing);
	suite_add_tcase(s, tc);
	return s;
}
