/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * The supervisor over fake daemons: each is a forked process that speaks lib/daemon.h's protocol
 * and writes what happens to it into shared memory.
 */
#include "start/supervisor.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"

enum what { TOLD, READY_SENT, PEER, STOPPED, FILE_CAME, MAXERRORS, QUEUE_DIR, CHECKED, SWITCHED, KEPT };
enum { EVENTS = 500 };

struct event { enum what what; int role, pid, peer, value; int64_t ms; };

/* What the fakes do besides. */
struct script {
	int bad, dies, ignores_stop, forges_caps, control_says_caps, slow;	/* roles; 0: nobody */
	int loses_queue, loses_stale, needs_stranger;
	int refuses, dies_in_check, dies_in_switch;	/* of a reload */
};

struct board {
	atomic_int n, up;
	struct event event[EVENTS];
	struct script script;
};
static struct board *board;

static void
note(enum what what, int role, int peer, int value)
{
	int i = atomic_fetch_add(&board->n, 1);

	if (i < EVENTS)
		board->event[i] = (struct event){ what, role, (int)getpid(), peer, value, clock_ms() };
}

/* --- a fake daemon --- */

static int self;

static void
fake_peer(void *arg, enum role role, uint32_t generation, int fd)
{
	(void)arg;
	note(PEER, self, (int)role, (int)generation);
	close(fd);
}

static void
fake_file(void *arg, const char *name, int fd)
{
	(void)arg;
	note(FILE_CAME, self, 0, strcmp(name, "caps.cdb") == 0);
	close(fd);
}

static int
fake_check(void *arg, struct daemon_next *next, struct err *e)
{
	(void)arg;
	note(CHECKED, self, 0, (int)conf_number(&next->conf, CONF_MAXERRORS));
	if (board->script.dies_in_check == self)
		_exit(4);
	return board->script.refuses == self ? err_set(e, ERR_PERM, NULL, "not for me") : 0;
}

static void
fake_switched(void *arg, struct conf *old)
{
	const struct daemon *d = arg;

	note(SWITCHED, self, (int)conf_number(old, CONF_MAXERRORS),
	    (int)conf_number(&d->conf, CONF_MAXERRORS));
	if (board->script.dies_in_switch == self) {
		board->script.dies_in_switch = 0;
		_exit(5);
	}
}

static void
fake_kept(void *arg)
{
	(void)arg;
	note(KEPT, self, 0, 0);
}

static void
fake_stop(void *arg)
{
	struct daemon *d = arg;

	note(STOPPED, self, 0, 0);
	if (board->script.ignores_stop != self)
		d->loop.stop = true;
}

static void
fake_daemon(void *arg, enum role role)
{
	static struct daemon d;
	struct script *s = &board->script;
	struct msg_hdr h;
	struct err e = { 0 };

	(void)arg;
	close_range(DAEMON_FD + 1, ~0u, 0);	/* as execve would */
	self = (int)role;
	if (daemon_start(&d, role, &e) == -1)
		_exit(9);
	for (int i = 0; i < ROLE_COUNT; i++)
		if (d.peer_fd[i] != -1)
			note(PEER, self, i, (int)d.generation[i]);
	note(MAXERRORS, self, 0, (int)conf_number(&d.conf, CONF_MAXERRORS));
	note(QUEUE_DIR, self, 0, daemon_file(&d, "queue") != -1);
	note(TOLD, self, 0, 0);
	if (s->dies == self)
		_exit(3);
	if (s->bad == self) {
		err_set(&e, ERR_PERM, NULL, "this is no good");
		_exit(daemon_fail(&d, &e));
	}
	d.peer = fake_peer;
	d.file_changed = fake_file;
	d.stop = fake_stop;
	d.check = fake_check;
	d.switched = fake_switched;
	d.kept = fake_kept;
	d.arg = &d;
	if (s->slow == self)
		usleep(300000);
	note(READY_SENT, self, 0, 0);
	if (daemon_ready(&d, &e) == -1)
		_exit(8);
	if (s->forges_caps == self || s->control_says_caps == self) {
		s->forges_caps = 0;
		usleep(200000);
		(void)chan_send(&d.sup, &h, MSG_CAPS_CHANGED, 0, sizeof h, NULL, 0, &e);
	}
	if (s->loses_queue == self || s->loses_stale == self) {
		d.generation[ROLE_QUEUE] -= s->loses_stale == self;
		daemon_lost(ROLE_QUEUE);
	}
	if (s->needs_stranger == self) {
		usleep(200000);
		s->needs_stranger = 0;
		daemon_lost(ROLE_SMTPD);
	}
	_exit(loop_run(&d.loop, &e) == -1);
}

/* --- the supervisor under test, in a process of its own --- */

static char folder[] = "/tmp/accord-supervisor-XXXXXX";
static pid_t supervisor;
static int message[2];

static void
came_up(void *arg)
{
	(void)arg;
	atomic_store(&board->up, 1);
}

static _Noreturn void
supervise(void)
{
	static struct supervisor s;
	static struct place p;
	static struct accounts who;
	struct err e = { 0 };
	int null = open("/dev/null", O_WRONLY), status;

	dup2(null, 2);
	if (place_names(&p, folder, &e) == -1 || conf_init(&p.conf, &e) == -1)
		_exit(99);
	p.state_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p.queue_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p.setting_fd[CONF_MAXERRORS] = memfd_create("maxerrors", MFD_CLOEXEC);
	if (write(p.setting_fd[CONF_MAXERRORS], "7\n", 2) != 2 ||
	    supervisor_init(&s, &p, &who, &e) == -1)
		_exit(98);
	s.become = fake_daemon;
	s.up = came_up;
	s.message_fd = message[1];
	status = supervisor_run(&s, &e);
	_exit(status);
}

/* A setting; NULL: there is none. */
static void
put(const char *name, const char *text)
{
	char path[100];
	int fd;

	snprintf(path, sizeof path, "%s/control/%s", folder, name);
	unlink(path);
	if (text == NULL)
		return;
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void
setup(void)
{
	char path[100];
	int fd;

	board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(board, MAP_FAILED);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	fd = open(folder, O_RDONLY | O_DIRECTORY);
	close(openat(fd, "caps.cdb", O_WRONLY | O_CREAT, 0600));
	close(fd);
	snprintf(path, sizeof path, "%s/control", folder);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	put("listen", "# nowhere\n");
	ck_assert_int_eq(pipe2(message, O_CLOEXEC | O_NONBLOCK), 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static void
begin(void)
{
	supervisor = fork();
	if (supervisor == 0)
		supervise();
}

/* Waits until is(arg) or ms have passed. */
static bool
wait_for(bool (*is)(int), int arg, int ms)
{
	int64_t end = clock_ms() + ms;

	while (!is(arg)) {
		if (clock_ms() > end)
			return false;
		usleep(2000);
	}
	return true;
}

static bool
is_up(int arg)
{
	return atomic_load(&board->up) >= arg;
}

static int
count(enum what what, int role)
{
	int n = 0;

	for (int i = 0; i < board->n && i < EVENTS; i++)
		n += board->event[i].what == what && (role == 0 || board->event[i].role == role);
	return n;
}

static const struct event *
nth(enum what what, int role, int want)
{
	for (int i = 0; i < board->n && i < EVENTS; i++)
		if (board->event[i].what == what && board->event[i].role == role && --want == 0)
			return &board->event[i];
	ck_abort_msg("event %d of role %d is missing", (int)what, role);
	return NULL;
}

static int
end_status(void)
{
	int status = -1;

	ck_assert_int_eq(waitpid(supervisor, &status, 0), supervisor);
	supervisor = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void
teardown(void)
{
	char path[100];

	if (supervisor != 0) {
		kill(supervisor, SIGKILL);
		waitpid(supervisor, NULL, 0);
	}
	while (waitpid(-1, NULL, 0) > 0)	/* daemons that it left: they must end by themselves */
		;
	put("listen", NULL);
	put("maxerrors", NULL);
	snprintf(path, sizeof path, "%s/control", folder);
	rmdir(path);
	snprintf(path, sizeof path, "%s/caps.cdb", folder);
	unlink(path);
	rmdir(folder);
}

START_TEST(all_are_told_before_go)
{
	board->script.slow = ROLE_BOUNCE;
	begin();
	ck_assert(wait_for(is_up, 1, 5000));
	ck_assert_int_eq(count(READY_SENT, 0), ROLE_COUNT - 1);
	for (int r = ROLE_QUEUE; r < ROLE_COUNT; r++) {
		int want = 0;

		for (int p = ROLE_QUEUE; p < ROLE_COUNT; p++)
			want += roles_joined((enum role)r, (enum role)p);
		ck_assert_msg(count(PEER, r) == want, "%s", role_name((enum role)r));
		/* only its readers are given a setting */
		ck_assert_int_eq(nth(MAXERRORS, r, 1)->value, r == ROLE_SMTPD ? 7 : 20);
		/* as is the queue's directory to those who may see it */
		ck_assert_int_eq(nth(QUEUE_DIR, r, 1)->value, r == ROLE_QUEUE || r == ROLE_QMGR);
		/* smtpd, which takes mail, is last */
		if (r != ROLE_SMTPD)
			ck_assert(nth(READY_SENT, r, 1) < nth(TOLD, ROLE_SMTPD, 1));
	}
	for (int i = 0; i < board->n; i++)
		if (board->event[i].what == PEER)
			ck_assert_int_eq(board->event[i].value, 1);
}
END_TEST

START_TEST(the_wiring)
{
	ck_assert(roles_joined(ROLE_SMTPD, ROLE_QUEUE) && roles_joined(ROLE_QUEUE, ROLE_SMTPD));
	ck_assert(roles_joined(ROLE_REMOTE, ROLE_CONVERTD) && roles_joined(ROLE_SMTPD, ROLE_CONVERTD));
	ck_assert(roles_joined(ROLE_REMOTE, ROLE_CAPD));
	ck_assert(!roles_joined(ROLE_SMTPD, ROLE_REMOTE) && !roles_joined(ROLE_REMOTE, ROLE_QUEUE));
	ck_assert(!roles_joined(ROLE_QUEUE, ROLE_QUEUE));
}
END_TEST

static bool
qmgr_ready(int times)
{
	return count(READY_SENT, ROLE_QMGR) >= times;
}

START_TEST(the_dead_are_restarted)
{
	int64_t first, second;

	begin();
	ck_assert(wait_for(is_up, 1, 5000));
	kill(nth(TOLD, ROLE_QMGR, 1)->pid, SIGKILL);
	first = clock_ms();
	ck_assert(wait_for(qmgr_ready, 2, 5000));
	first = nth(TOLD, ROLE_QMGR, 2)->ms - first;
	kill(nth(TOLD, ROLE_QMGR, 2)->pid, SIGSEGV);
	second = clock_ms();
	ck_assert(wait_for(qmgr_ready, 3, 5000));
	second = nth(TOLD, ROLE_QMGR, 3)->ms - second;
	ck_assert_msg(first >= RESTART_FIRST_MS && second >= 2 * RESTART_FIRST_MS,
	    "waited %d, %d ms", (int)first, (int)second);
	usleep(50000);
	/* each peer that survived has a channel of generation 2, then 3; nobody else was touched */
	for (int r = ROLE_QUEUE; r < ROLE_COUNT; r++) {
		int newer = 0;

		for (int i = 0; i < board->n; i++)
			newer += board->event[i].what == PEER && board->event[i].role == r &&
			    board->event[i].peer == ROLE_QMGR && board->event[i].value > 1;
		ck_assert_int_eq(newer, roles_joined((enum role)r, ROLE_QMGR) ? 2 : 0);
		ck_assert_int_eq(count(TOLD, r), r == ROLE_QMGR ? 3 : 1);
	}
	ck_assert_int_eq(count(PEER, ROLE_QMGR), 3 * 5);
}
END_TEST

static bool
queue_told_of(int role)
{
	for (int i = 0; i < board->n && i < EVENTS; i++)
		if (board->event[i].what == PEER && board->event[i].role == ROLE_QUEUE &&
		    board->event[i].peer == role && board->event[i].value == 2)
			return true;
	return false;
}

/* Both live, so no restart would bring a new channel. */
START_TEST(who_lost_a_channel_is_joined_again)
{
	board->script.loses_queue = ROLE_BOUNCE;
	board->script.loses_stale = ROLE_QMGR;	/* a newer one is under way to it already */
	begin();
	ck_assert(wait_for(is_up, 1, 5000));
	ck_assert(wait_for(queue_told_of, ROLE_BOUNCE, REJOIN_MS + 3000));
	usleep(100000);
	ck_assert_int_eq(nth(PEER, ROLE_BOUNCE, 4)->peer, ROLE_QUEUE);
	ck_assert_int_eq(nth(PEER, ROLE_BOUNCE, 4)->value, 2);
	ck_assert(!queue_told_of(ROLE_QMGR));
	for (int r = ROLE_QUEUE; r < ROLE_COUNT; r++)
		ck_assert_int_eq(count(TOLD, r), 1);
}
END_TEST

static bool
bounce_ready(int times)
{
	return count(READY_SENT, ROLE_BOUNCE) >= times;
}

START_TEST(nobody_gets_a_channel_to_a_stranger)
{
	board->script.needs_stranger = ROLE_BOUNCE;
	begin();
	ck_assert(wait_for(is_up, 1, 5000));
	ck_assert(wait_for(bounce_ready, 2, 5000));	/* it was cut off and killed */
	for (int i = 0; i < board->n; i++)
		ck_assert(board->event[i].what != PEER || board->event[i].role != ROLE_BOUNCE ||
		    board->event[i].peer != ROLE_SMTPD);
}
END_TEST

START_TEST(stop_is_in_order)
{
	int64_t last = 0;

	begin();
	ck_assert(wait_for(is_up, 1, 5000));
	kill(supervisor, SIGTERM);
	ck_assert_int_eq(end_status(), 0);
	for (int r = ROLE_SMTPD; r >= ROLE_QUEUE; r--) {
		ck_assert_int_eq(count(STOPPED, r), 1);
		ck_assert(nth(STOPPED, r, 1)->ms >= last);
		last = nth(STOPPED, r, 1)->ms;
		if (r < ROLE_SMTPD)
			ck_assert(nth(STOPPED, r, 1) > nth(STOPPED, r + 1, 1));
	}
}
END_TEST

START_TEST(who_does_not_stop_is_killed)
{
	int64_t start;

	board->script.ignores_stop = ROLE_REMOTE;
	begin();
	ck_assert(wait_for(is_up, 1, 5000));
	start = clock_ms();
	kill(supervisor, SIGINT);
	ck_assert_int_eq(end_status(), 0);
	ck_assert_int_lt(clock_ms() - start, 5000);
	ck_assert_int_eq(count(STOPPED, ROLE_QUEUE), 1);	/* the others still ended in order */
}
END_TEST

START_TEST(bad_ends_the_start)
{
	char text[200] = "";

	board->script.bad = ROLE_BOUNCE;
	begin();
	ck_assert_int_eq(end_status(), 1);
	ck_assert(!is_up(1));
	ck_assert(read(message[0], text, sizeof text - 1) > 0);
	ck_assert_msg(strncmp(text, "accord: bounce: this is no good\n", 32) == 0, "%s", text);
}
END_TEST

START_TEST(death_ends_the_start)
{
	char text[200] = "";

	board->script.dies = ROLE_CAPD;
	begin();
	ck_assert_int_eq(end_status(), 1);
	ck_assert(read(message[0], text, sizeof text - 1) > 0);
	ck_assert_msg(strstr(text, "capd: process") != NULL && strstr(text, "status 3") != NULL, "%s",
	    text);
}
END_TEST

static bool
is_gone(int pid)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	return kill(pid, 0) == -1 && errno == ESRCH;
}

START_TEST(without_supervisor_all_end)
{
	int64_t end;

	begin();
	ck_assert(wait_for(is_up, 1, 5000));
	kill(supervisor, SIGKILL);
	(void)end_status();
	end = clock_ms() + 1000;
	for (int r = ROLE_QUEUE; r < ROLE_COUNT; r++)
		ck_assert_msg(wait_for(is_gone, nth(TOLD, r, 1)->pid, (int)(end - clock_ms())), "%s lives",
		    role_name((enum role)r));
}
END_TEST

static bool
bounce_again(int times)
{
	return count(TOLD, ROLE_BOUNCE) >= times;
}

START_TEST(forbidden_packets_cut_off)
{
	board->script.forges_caps = ROLE_BOUNCE;
	begin();
	ck_assert(wait_for(is_up, 1, 5000));
	ck_assert(wait_for(bounce_again, 2, 5000));
	ck_assert_int_eq(count(FILE_CAME, 0), 0);
}
END_TEST

static bool
file_came(int role)
{
	return count(FILE_CAME, role) == 1;
}

START_TEST(new_capabilities_go_to_capd)
{
	board->script.control_says_caps = ROLE_CONTROL;
	begin();
	ck_assert(wait_for(is_up, 1, 5000));
	ck_assert(wait_for(file_came, ROLE_CAPD, 5000));
	ck_assert_int_eq(nth(FILE_CAME, ROLE_CAPD, 1)->value, 1);
	ck_assert_int_eq(count(FILE_CAME, 0), 1);
}
END_TEST

/* --- a reload --- */

static bool
told_again(int role)
{
	return count(MAXERRORS, role) >= 2;
}

static bool
smtpd_ready(int times)
{
	return count(READY_SENT, ROLE_SMTPD) >= times;
}

static bool
all_switched(int times)
{
	return count(SWITCHED, 0) >= times;
}

static bool
kept(int times)
{
	return count(KEPT, 0) >= times;
}

START_TEST(a_reload_reaches_all)
{
	begin();
	ck_assert(wait_for(is_up, 1, 5000));
	put("maxerrors", "9\n");
	kill(supervisor, SIGHUP);
	ck_assert(wait_for(all_switched, ROLE_COUNT - 1, 5000));
	for (int r = ROLE_QUEUE; r < ROLE_COUNT; r++) {
		ck_assert_int_eq(count(SWITCHED, r), 1);
		/* only its readers are given a setting */
		ck_assert_int_eq(nth(SWITCHED, r, 1)->value, r == ROLE_SMTPD ? 9 : 20);
		/* nobody switches before all have checked */
		for (int p = ROLE_QUEUE; p < ROLE_COUNT; p++)
			ck_assert(nth(CHECKED, p, 1) < nth(SWITCHED, r, 1));
	}
	ck_assert_int_eq(nth(SWITCHED, ROLE_SMTPD, 1)->peer, 7);
	kill(nth(TOLD, ROLE_SMTPD, 1)->pid, SIGKILL);
	ck_assert(wait_for(told_again, ROLE_SMTPD, 5000));
	ck_assert_int_eq(nth(MAXERRORS, ROLE_SMTPD, 2)->value, 9);
}
END_TEST

START_TEST(one_refusal_keeps_all)
{
	board->script.refuses = ROLE_LOCAL;
	begin();
	ck_assert(wait_for(is_up, 1, 5000));
	put("maxerrors", "9\n");
	kill(supervisor, SIGHUP);
	ck_assert(wait_for(kept, ROLE_COUNT - 1, 5000));
	usleep(50000);
	ck_assert_int_eq(count(SWITCHED, 0), 0);
	kill(nth(TOLD, ROLE_SMTPD, 1)->pid, SIGKILL);
	ck_assert(wait_for(told_again, ROLE_SMTPD, 5000));
	ck_assert_int_eq(nth(MAXERRORS, ROLE_SMTPD, 2)->value, 7);
	board->script.refuses = 0;
	ck_assert(wait_for(smtpd_ready, 2, 5000));
	usleep(50000);
	kill(supervisor, SIGHUP);
	ck_assert(wait_for(all_switched, ROLE_COUNT - 1, 5000));
}
END_TEST

START_TEST(a_wrong_value_goes_to_nobody)
{
	begin();
	ck_assert(wait_for(is_up, 1, 5000));
	put("maxerrors", "9\nx\n");
	kill(supervisor, SIGHUP);
	usleep(200000);
	ck_assert_int_eq(count(CHECKED, 0), 0);
	ck_assert_int_eq(count(SWITCHED, 0), 0);
}
END_TEST

START_TEST(a_death_keeps_all)
{
	board->script.dies_in_check = ROLE_CAPD;
	begin();
	ck_assert(wait_for(is_up, 1, 5000));
	put("maxerrors", "9\n");
	kill(supervisor, SIGHUP);
	ck_assert(wait_for(told_again, ROLE_CAPD, 5000));
	usleep(100000);
	ck_assert_int_eq(count(SWITCHED, 0), 0);
	ck_assert_int_eq(count(KEPT, 0), ROLE_COUNT - 2);
}
END_TEST

/* Once all have found them valid, who dies gets them by its restart. */
START_TEST(a_death_in_the_switch_gets_the_new)
{
	board->script.dies_in_switch = ROLE_SMTPD;
	begin();
	ck_assert(wait_for(is_up, 1, 5000));
	put("maxerrors", "9\n");
	kill(supervisor, SIGHUP);
	ck_assert(wait_for(told_again, ROLE_SMTPD, 5000));
	ck_assert_int_eq(nth(MAXERRORS, ROLE_SMTPD, 2)->value, 9);
	ck_assert_int_eq(count(SWITCHED, 0), ROLE_COUNT - 1);
	ck_assert(wait_for(smtpd_ready, 2, 5000));
	usleep(50000);
	kill(supervisor, SIGHUP);		/* that one is over, and another can begin */
	ck_assert(wait_for(all_switched, 2 * (ROLE_COUNT - 1), 5000));
}
END_TEST

Suite *suite_supervisor(void);
Suite *
suite_supervisor(void)
{
	Suite *s = suite_create("supervisor");
	TCase *tc = tcase_create("supervisor");

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, all_are_told_before_go);
	tcase_add_test(tc, the_wiring);
	tcase_add_test(tc, the_dead_are_restarted);
	tcase_add_test(tc, who_lost_a_channel_is_joined_again);
	tcase_add_test(tc, nobody_gets_a_channel_to_a_stranger);
	tcase_add_test(tc, stop_is_in_order);
	tcase_add_test(tc, who_does_not_stop_is_killed);
	tcase_add_test(tc, bad_ends_the_start);
	tcase_add_test(tc, death_ends_the_start);
	tcase_add_test(tc, without_supervisor_all_end);
	tcase_add_test(tc, forbidden_packets_cut_off);
	tcase_add_test(tc, new_capabilities_go_to_capd);
	tcase_add_test(tc, a_reload_reaches_all);
	tcase_add_test(tc, one_refusal_keeps_all);
	tcase_add_test(tc, a_wrong_value_goes_to_nobody);
	tcase_add_test(tc, a_death_keeps_all);
	tcase_add_test(tc, a_death_in_the_switch_gets_the_new);
	suite_add_tcase(s, tc);
	return s;
}
