/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_packets_local.c - qmgr, control, and delivery processes, that say anything to local's parent
 * (tests/fuzz/hostile.h; no process is forked, its end of the channel is the input's): what qmgr hears of a job is
 * of its recipients, each delivery is for a recipient that has a mailbox; control hears an answer to what it asked,
 * once at most, and few inquiries are under way at once.
 */
#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/result.h"
#include "local/parent.h"
#include "tests/fuzz/hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
pid_t __wrap_fork(void);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);
int __wrap_kill(pid_t pid, int sig);
int __wrap_ipc_pair(int fd[2], struct err *e);
int __real_ipc_pair(int fd[2], struct err *e);
ssize_t __wrap_sendmsg(int sock, const struct msghdr *m, int flags);
ssize_t __real_sendmsg(int sock, const struct msghdr *m, int flags);

enum { QMGR, CHILD, CAPD, CONVERTD, CONTROL, SIDES, OWNER = 65534, NO_PID = 1 << 22 };

static const struct hostile_row from_qmgr[] = {
	{ MSG_JOB, sizeof(struct msg_job) + 4 }, { MSG_ACK, sizeof(struct msg_ack) + 4 },
};
static const struct hostile_row from_child[] = {
	{ MSG_RESULT, sizeof(struct msg_result) }, { MSG_INQUIRED, sizeof(struct msg_inquired) },
};
static const struct hostile_row from_control[] = {
	{ MSG_OWNER, sizeof(struct msg_hdr) + 1 }, { MSG_INQUIRE, sizeof(struct msg_inquire) },
};
static const struct hostile_row nothing[] = { { MSG_SESSION, sizeof(struct msg_hdr) } };

static struct daemon d;
static struct local local;
static struct hostile h;
static int last_pair = -1;		/* a copy of the newest delivery's end, until fork takes it */
static bool forking;
static char home[] = "/tmp/accord-fuzz-XXXXXX";
static uint32_t asked[HOSTILE_STEPS], nasked;	/* inquiries that wait for their answers */

/* child_start makes its own pair before those of its servers. */
int
__wrap_ipc_pair(int fd[2], struct err *e)
{
	int r = __real_ipc_pair(fd, e);

	if (r == 0 && forking && last_pair == -1)
		last_pair = dup(fd[1]);
	return r;
}

/* The newest delivery is the side's; the others before it have ended. */
pid_t
__wrap_fork(void)
{
	static pid_t pid = NO_PID;

	assert(last_pair != -1);
	ipc_close_fds(&h.side[CHILD].fd, 1);
	h.side[CHILD].fd = last_pair;
	h.side[CHILD].nheard = 0;
	last_pair = -1;
	return ++pid;
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
	assert(pid > NO_PID && sig == SIGKILL);
	return 0;
}

ssize_t
__wrap_sendmsg(int sock, const struct msghdr *m, int flags)
{
	struct msg_hdr head;

	if (sock == h.side[CONTROL].fd && m->msg_iov->iov_len >= sizeof head) {
		memcpy(&head, m->msg_iov->iov_base, sizeof head);
		if (head.type == MSG_INQUIRE && nasked < HOSTILE_STEPS)
			asked[nasked++] = head.id;
	}
	return __real_sendmsg(sock, m, flags);
}

static void
check_result(const struct msg_result *m, size_t len)
{
	struct span rest = span_of(m + 1, len - sizeof *m), detail;
	struct rcpt_result r;
	struct err e;

	assert(qid_ok(m->id) && m->bad_file <= 1);
	for (uint32_t i = 0; i < m->n; i++) {
		assert(result_next(&rest, &r, &detail, &e) == 1);
		assert(r.slot == 0 || r.outcome >= OUTCOME_DEFERRED);	/* the others have no mailbox */
	}
	assert(rest.n == 0);
}

static void
check_inquired(const struct msg_inquired *m, size_t len)
{
	uint32_t i = 0;

	assert(len == sizeof *m && m->route[0] == '\0' && memchr(m->what, '\0', sizeof m->what) != NULL);
	while (i < nasked && asked[i] != m->h.id)
		i++;
	assert(i < nasked);
	asked[i] = asked[--nasked];
}

static void
heard(struct hostile *x, size_t side, const struct msg_hdr *m, size_t len)
{
	(void)x;
	if (side == QMGR) {
		assert(m->type == MSG_RESULT || m->type == MSG_INFLIGHT || m->type == MSG_HELLO);
		if (m->type == MSG_RESULT)
			check_result((const void *)m, len);
	} else if (side == CONTROL) {
		assert(m->type == MSG_OWNED || m->type == MSG_INQUIRED);
		if (m->type == MSG_INQUIRED)
			check_inquired((const void *)m, len);
	} else {
		assert(side != CHILD && m->type == MSG_SESSION);
	}
}

static void
open_side(struct hostile *x, size_t side)
{
	static const enum role roles[] = { ROLE_QMGR, 0, ROLE_CAPD, ROLE_CONVERTD, ROLE_CONTROL };
	int fd;

	if (side == CHILD)
		return;
	if (side == CONTROL)
		nasked = 0;
	forking = false;
	fd = hostile_pair(x, side);
	forking = true;
	d.peer(d.arg, roles[side], 1, fd);
}

static void
clean_up(void)
{
	char mail[sizeof home + 8];

	snprintf(mail, sizeof mail, "%s/mail", home);
	rmdir(mail);
	rmdir(home);
}

/* A folder with the mailbox's in it, whose owner is not root. */
static int
make_home(void)
{
	int fd;

	if (mkdtemp(home) == NULL || (fd = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 ||
	    mkdirat(fd, "mail", 0755) == -1 || (geteuid() == 0 && fchownat(fd, "mail", OWNER, OWNER, 0) == -1))
		abort();
	atexit(clean_up);
	return fd;
}

static void
set_up(void)
{
	static const char *const to[] = { "a@here.example", "b@here.example", NULL };
	static bool done;
	struct err e = { 0 };

	if (done)
		return;
	done = true;
	hostile_set_up();
	for (int i = 0; i < ROLE_COUNT; i++)
		d.peer_fd[i] = -1;
	d.file[0] = (struct daemon_file){ "home", make_home() };
	d.nfile = 1;
	if (conf_init(&d.conf, &e) == -1 || loop_init(&d.loop, &e) == -1 ||
	    conf_set(&d.conf, CONF_ME, span_str("mx.example\n"), &e) == -1 ||
	    conf_set(&d.conf, CONF_LOCALS, span_str("here.example\n"), &e) == -1 ||
	    conf_set(&d.conf, CONF_MAILBOXES, span_str("a@here.example maildir:mail\n"), &e) == -1 ||
	    local_open(&local, &d, &e) == -1)
		abort();
	h = (struct hostile){ .loop = &d.loop, .nside = SIDES, .open = open_side, .heard = heard,
	    .side = { { from_qmgr, 2, -1, { 0 }, 0 }, { from_child, 2, -1, { 0 }, 0 }, { nothing, 1, -1, { 0 }, 0 },
	    { nothing, 1, -1, { 0 }, 0 }, { from_control, 2, -1, { 0 }, 0 } },
	    .file = hostile_letter(span_str("Subject: x\r\n\r\nx\r\n"), "s@example.net", to, 0) };
}

/* Everything ends: deliveries do, and qmgr acknowledges whatever it hears. */
static void
end(void)
{
	struct { struct msg_hdr h; uint32_t n, pad, number; } m = { .n = 1 };
	struct err e;

	h.open(&h, QMGR);
	for (int i = 0; i < 500 && !(worker_idle(&local.worker) && local.inquiries == 0); i++) {
		ipc_close_fds(&h.side[CHILD].fd, 1);
		hostile_turn(&h);
		hostile_read(&h, QMGR);
		for (uint32_t k = 0; k < HOSTILE_HEARD && k < h.side[QMGR].nheard; k++) {
			m.number = h.side[QMGR].heard[k];
			(void)ipc_send(h.side[QMGR].fd, &m.h, MSG_ACK, 0, sizeof m, NULL, 0, &e);
		}
		hostile_turn(&h);
		if (!worker_idle(&local.worker))
			h.open(&h, QMGR);
	}
	chan_close(&local.worker.qmgr);
	chan_close(&local.capd);
	chan_close(&local.convertd);
	chan_close(&local.control);
	assert(worker_idle(&local.worker) && local.inquiries == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	set_up();
	nasked = 0;
	hostile_begin(&h);
	hostile_qid(&h, "0123456789abcdef\0\0\0\0\0\0\0");
	hostile_run(&h, span_of(p, n));
	assert(local.inquiries <= LOCAL_INQUIRIES);
	end();
	ipc_close_fds(&last_pair, 1);
	hostile_end(&h);
	return 0;
}
