/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_packets_auth.c - smtpd's parent, two of its sessions, and children that a login has taken over, that say
 * anything to auth (tests/fuzz/hostile.h; no child is forked, its end of the channel is the input's): nobody is told that he
 * has logged in but by a child, and by a name that can be one; each login has one answer at most; those that wait are
 * bounded; an honest session behind all that logs in.
 */
#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/serve.h"
#include "lib/clock.h"
#include "lib/sasl.h"
#include "tests/fuzz/hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
pid_t __wrap_fork(void);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);
int __wrap_kill(pid_t pid, int sig);
int __wrap_ipc_pair(int fd[2], struct err *e);
int __real_ipc_pair(int fd[2], struct err *e);

enum { PARENT, ONE, OTHER, CHILD, SIDES, PID = 1 << 22 };

static const struct hostile_row from_parent[] = { { MSG_SESSION, sizeof(struct msg_hdr) } };
static const struct hostile_row from_session[] = { { MSG_LOGIN, sizeof(struct msg_login) + 2 } };
static const struct hostile_row from_child[] = { { MSG_LOGGED_IN, sizeof(struct msg_logged_in) },
    { MSG_REFUSED, sizeof(struct msg_refused) } };

static struct daemon d;
static struct authd authd;
static struct hostile h;
static int last_pair = -1;		/* a copy of the child's end, until fork takes it */
static pid_t last_pid = PID;
static bool forking;
static uint64_t in;			/* were told that they have logged in */

/* worker_start makes a pair, then forks: the copy becomes the input's. */
int
__wrap_ipc_pair(int fd[2], struct err *e)
{
	int r = __real_ipc_pair(fd, e);

	if (r == 0 && forking) {
		ipc_close_fds(&last_pair, 1);
		last_pair = dup(fd[1]);
	}
	return r;
}

pid_t
__wrap_fork(void)
{
	assert(last_pair != -1);
	ipc_close_fds(&h.side[CHILD].fd, 1);
	h.side[CHILD].fd = last_pair;
	last_pair = -1;
	return ++last_pid;
}

pid_t
__wrap_waitpid(pid_t pid, int *status, int options)
{
	(void)options;
	*status = 0;
	return pid;
}

int
__wrap_kill(pid_t pid, int sig)
{
	assert(pid > PID && pid <= last_pid && sig == SIGKILL);
	if (pid == last_pid)		/* gone, and so is its end */
		ipc_close_fds(&h.side[CHILD].fd, 1);
	return 0;
}

static void
heard(struct hostile *x, size_t side, const struct msg_hdr *m, size_t len)
{
	const struct msg_logged_in *yes = (const void *)m;

	(void)x;
	assert(side == ONE || side == OTHER);
	if (m->type == MSG_REFUSED) {
		assert(len == sizeof(struct msg_refused));
		return;
	}
	assert(m->type == MSG_LOGGED_IN && len == sizeof *yes && memchr(yes->user, '\0', sizeof yes->user) != NULL);
	assert(sasl_user_ok(span_str(yes->user)));
	in++;
}

static void
open_side(struct hostile *x, size_t side)
{
	struct err e;
	int fd;

	if (side == CHILD)
		return;
	forking = false;
	fd = hostile_pair(x, side);
	forking = true;
	if (side == PARENT)
		d.peer(d.arg, ROLE_SMTPD, 1, fd);
	else
		(void)authd_add_session(&authd, fd, &e);
}

/* 0: an honest child's yes, of the name that the input says; 1: a session's login, name and password with a NUL between. */
static void
other(struct hostile *x, unsigned what, struct span p)
{
	struct { struct msg_login m; unsigned char text[600]; } ask = { .m = { .client = "192.0.2.1" } };
	struct msg_logged_in yes = { .user = "" };
	size_t user = span_find(p, '\0');
	struct err e;

	if (what == 0 && x->side[CHILD].fd != -1) {
		memcpy(yes.user, p.p, p.n < sizeof yes.user ? p.n : sizeof yes.user);
		(void)ipc_send_now(x->side[CHILD].fd, &yes.h, MSG_LOGGED_IN, 0, sizeof yes, NULL, 0, &e);
	} else if (what == 1 && x->side[ONE].fd != -1 && p.n <= sizeof ask.text && user < p.n) {
		ask.m.user_len = (uint32_t)user;
		ask.m.word_len = (uint32_t)(p.n - user - 1);
		memcpy(ask.text, p.p, user);
		memcpy(ask.text + user, p.p + user + 1, ask.m.word_len);
		(void)ipc_send_now(x->side[ONE].fd, &ask.m.h, MSG_LOGIN, 1, sizeof ask.m + p.n - 1, NULL, 0, &e);
	}
}

static void
set_up(void)
{
	static bool done;
	struct err e = { 0 };

	if (done)
		return;
	done = true;
	hostile_set_up();
	for (int i = 0; i < ROLE_COUNT; i++)
		d.peer_fd[i] = -1;
	if (conf_init(&d.conf, &e) == -1 || loop_init(&d.loop, &e) == -1 ||
	    conf_set(&d.conf, CONF_AUTH, span_str("passwd\n"), &e) == -1 || authd_open(&authd, &d, &e) == -1)
		abort();
	h = (struct hostile){ .loop = &d.loop, .nside = SIDES, .open = open_side, .heard = heard, .other = other,
	    .side = { { from_parent, 1, -1, { 0 }, 0 }, { from_session, 1, -1, { 0 }, 0 },
	    { from_session, 1, -1, { 0 }, 0 }, { from_child, 2, -1, { 0 }, 0 } }, .file = -1 };
}

/* Those under way come to their end; then one that is honest. */
static void
honest(void)
{
	uint64_t before;

	ipc_close_fds(&h.side[ONE].fd, 1);
	ipc_close_fds(&h.side[OTHER].fd, 1);
	hostile_turn(&h);
	ipc_close_fds(&h.side[CHILD].fd, 1);
	hostile_turn(&h);
	assert(authd.nwaiting == 0);
	h.open(&h, ONE);
	other(&h, 1, span_of("ann\0sesame", 10));
	hostile_turn(&h);
	before = in;
	other(&h, 0, span_str("ann"));
	hostile_turn(&h);
	hostile_read(&h, ONE);
	assert(in == before + 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	set_up();
	hostile_begin(&h);
	in = authd.right;
	hostile_run(&h, span_of(p, n));
	assert(in <= authd.right && authd.nwaiting <= AUTH_WAITING);
	honest();
	for (int i = 0; i < SIDES; i++)
		ipc_close_fds(&h.side[i].fd, 1);
	hostile_turn(&h);
	chan_close(&authd.smtpd);
	assert(authd.nsession == 0);
	ipc_close_fds(&last_pair, 1);
	hostile_end(&h);
	return 0;
}
