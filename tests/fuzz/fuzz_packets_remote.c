/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_packets_remote.c - qmgr, control, and sessions that were taken over by a next hop, that say
 * anything to remote's parent (tests/fuzz/hostile.h; no session is forked, its end of the channel is
 * the input's): what qmgr hears of a job has as many records as the job has recipients at most, each of
 * a recipient of that job, and for good only what a session said of just that job; a session gets no
 * channel but to convertd, resolver and capd, and no secret that it did not ask for; the supervisor is asked for those
 * of jobs' and inquiries' next hops alone; of the inquiries and probes few are under way at once, and each is
 * answered once at most, to who asked.
 */
#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/inquiry.h"
#include "lib/result.h"
#include "remote/parent.h"
#include "tests/fuzz/hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
pid_t __wrap_fork(void);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);
int __wrap_kill(pid_t pid, int sig);
int __wrap_ipc_pair(int fd[2], struct err *e);
int __real_ipc_pair(int fd[2], struct err *e);
ssize_t __wrap_sendmsg(int sock, const struct msghdr *m, int flags);
ssize_t __real_sendmsg(int sock, const struct msghdr *m, int flags);

enum { QMGR, SESSION, CONVERTD, RESOLVER, CAPD, CONTROL, START, SIDES, JOBS = HOSTILE_STEPS };

static const struct hostile_row from_qmgr[] = {
	{ MSG_JOB, sizeof(struct msg_job) + 4 }, { MSG_ACK, sizeof(struct msg_ack) + 4 },
};
static const struct hostile_row from_session[] = {
	{ MSG_RESULT, sizeof(struct msg_result) }, { MSG_NEED, sizeof(struct msg_peer) },
	{ MSG_ADDRESS, sizeof(struct msg_address) }, { MSG_INQUIRED, sizeof(struct msg_inquired) },
	{ MSG_CREDENTIAL, sizeof(struct msg_hdr) },
};
static const struct hostile_row from_control[] = {
	{ MSG_INQUIRE, sizeof(struct msg_inquire) }, { MSG_PROBE, sizeof(struct msg_probe) + 11 },
};
static const struct hostile_row from_capd[] = { { MSG_PROBE, sizeof(struct msg_probe) + 11 } };
static const struct hostile_row from_start[] = { { MSG_GRANTED, sizeof(struct msg_refused) } };
static const struct hostile_row nothing[] = { { MSG_SESSION, sizeof(struct msg_hdr) } };

static struct daemon d;
static struct remote remote;
static struct hostile h;
static int last_pair = -1;		/* a copy of the session's end, until fork takes it */
static bool forking;
static uint32_t wanted;			/* secrets that the session has asked for, and may get */

/* child_new makes a pair, then forks: the copy becomes the input's. */
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

/* The newest session is the side's; the others before it have ended. */
pid_t
__wrap_fork(void)
{
	static pid_t pid = 1 << 22;

	assert(last_pair != -1);
	ipc_close_fds(&h.side[SESSION].fd, 1);
	h.side[SESSION].fd = last_pair;
	h.side[SESSION].nheard = 0;
	wanted = 0;
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
	assert(pid > 1 << 22 && sig == SIGKILL);
	return 0;
}

/* Results as sessions (the input) said them, and jobs as qmgr did. */
struct word { uint32_t number; char id[QID_SIZE]; };
static struct word said[HOSTILE_STEPS], given[HOSTILE_STEPS];
static uint32_t nsaid, ngiven;
static char dests[JOBS * 2][JOB_DEST];	/* next hops that remote was told of */
static uint32_t ndests;
static struct { uint32_t number[HOSTILE_STEPS], n; } asked[SIDES];	/* inquiries that wait for their answers */

static void
keep_asked(size_t side, uint32_t number)
{
	if (asked[side].n < HOSTILE_STEPS)
		asked[side].number[asked[side].n++] = number;
}

static void
keep_dest(const void *dest)
{
	if (ndests < JOBS * 2 && memchr(dest, '\0', JOB_DEST) != NULL)
		memcpy(dests[ndests++], dest, JOB_DEST);
}

static void
keep_dest_of(const struct msg_id *head, const struct iovec *v)
{
	if (head->h.type == MSG_JOB && v->iov_len >= sizeof(struct msg_job))
		keep_dest(((const struct msg_job *)v->iov_base)->dest);
	else if (head->h.type == MSG_INQUIRE && v->iov_len >= sizeof(struct msg_inquire))
		keep_dest(((const struct msg_inquire *)v->iov_base)->dest);
}

static void
keep_word(struct word *w, uint32_t *n, const struct msg_id *head)
{
	if (*n == HOSTILE_STEPS)
		return;
	w[*n].number = head->h.id;
	memcpy(w[(*n)++].id, head->id, QID_SIZE);
}

ssize_t
__wrap_sendmsg(int sock, const struct msghdr *m, int flags)
{
	struct msg_id head;

	if (sock == h.side[SESSION].fd && m->msg_iov->iov_len == sizeof head.h &&
	    ((const struct msg_hdr *)m->msg_iov->iov_base)->type == MSG_CREDENTIAL)
		wanted++;
	if (m->msg_iov->iov_len >= sizeof head) {
		memcpy(&head, m->msg_iov->iov_base, sizeof head);
		keep_dest_of(&head, m->msg_iov);
		if (sock == h.side[SESSION].fd && head.h.type == MSG_RESULT)
			keep_word(said, &nsaid, &head);
		else if (sock == h.side[QMGR].fd && head.h.type == MSG_JOB)
			keep_word(given, &ngiven, &head);
		else if (head.h.type == MSG_INQUIRE || head.h.type == MSG_PROBE)
			for (size_t side = CAPD; side <= CONTROL; side++)
				if (sock == h.side[side].fd)
					keep_asked(side, head.h.id);
	}
	return __real_sendmsg(sock, m, flags);
}

static bool
was_said(uint32_t number, const char *id)
{
	for (uint32_t i = 0; i < nsaid; i++)
		if (said[i].number == number && memcmp(said[i].id, id, QID_LEN) == 0)
			return true;
	return false;
}

/* Jobs as qmgr (the input) gave them, by what the sessions heard. */
static struct { uint32_t number, n; char id[QID_SIZE]; uint32_t slot[64]; } job[JOBS];
static uint32_t njob;

static void
keep_job(const struct msg_job *m, size_t len)
{
	assert(len == sizeof *m + m->n * sizeof(uint32_t) && qid_ok(m->id));
	if (njob == JOBS || m->n > 64)
		return;
	job[njob].number = m->h.id;
	job[njob].n = m->n;
	memcpy(job[njob].id, m->id, QID_SIZE);
	memcpy(job[njob++].slot, m + 1, m->n * sizeof(uint32_t));
}

static bool
has_slot(uint32_t number, const char *id, uint32_t n, uint32_t slot)
{
	uint32_t unheard = 0;

	for (uint32_t i = 0; i < ngiven; i++)
		unheard += given[i].number == number && memcmp(given[i].id, id, QID_LEN) == 0;
	for (uint32_t i = 0; i < njob; i++) {
		if (job[i].number != number || memcmp(job[i].id, id, QID_LEN) != 0)
			continue;
		unheard -= unheard > 0;
		for (uint32_t k = 0; k < job[i].n && n <= job[i].n; k++)
			if (job[i].slot[k] == slot)
				return true;
	}
	return unheard > 0;	/* one of them reached no session */
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
		assert(has_slot(m->h.id, m->id, m->n, r.slot));
		assert(r.outcome == OUTCOME_DEFERRED || was_said(m->h.id, m->id));
	}
	assert(rest.n == 0);
}

static void
check_inquired(size_t side, const struct msg_inquired *m, size_t len)
{
	uint32_t i = 0;

	assert(len == sizeof *m && m->route[0] == '\0' && memchr(m->what, '\0', sizeof m->what) != NULL);
	while (i < asked[side].n && asked[side].number[i] != m->h.id)
		i++;
	assert(i < asked[side].n);
	asked[side].number[i] = asked[side].number[--asked[side].n];
}

static void
check_credential(const struct msg_credential *m)
{
	uint32_t i = 0;

	assert(memchr(m->dest, '\0', sizeof m->dest) != NULL);
	while (i < ndests && strcmp(dests[i], m->dest) != 0)
		i++;
	/* a probe's is an address, which is no hop's name; those that were not kept are not known here */
	assert(i < ndests || strchr(m->dest, '@') != NULL || ndests == JOBS * 2);
}

static void
heard(struct hostile *x, size_t side, const struct msg_hdr *m, size_t len)
{
	(void)x;
	if (side == QMGR) {
		assert(m->type == MSG_RESULT || m->type == MSG_INFLIGHT || m->type == MSG_HELLO);
		if (m->type == MSG_RESULT)
			check_result((const void *)m, len);
	} else if (side == SESSION) {
		const struct msg_peer *p = (const void *)m;

		assert(m->type == MSG_JOB || m->type == MSG_PEER || m->type == MSG_STOP || m->type == MSG_INQUIRE ||
		    m->type == MSG_PROBE || m->type == MSG_GRANTED);
		assert(m->type != MSG_GRANTED || wanted-- > 0);
		assert(m->type != MSG_INQUIRE || qid_ok(((const struct msg_inquire *)(const void *)m)->id));
		assert(m->type != MSG_PEER || p->role == ROLE_CONVERTD || p->role == ROLE_RESOLVER ||
		    p->role == ROLE_CAPD);
		if (m->type == MSG_JOB)
			keep_job((const void *)m, len);
	} else if (side == START) {
		assert(m->type == MSG_CREDENTIAL && len == sizeof(struct msg_credential));
		check_credential((const void *)m);
	} else if (side == CONTROL || (side == CAPD && m->type != MSG_SESSION)) {
		assert(m->type == MSG_INQUIRED);
		check_inquired(side, (const void *)m, len);
	} else {
		assert(m->type == MSG_SESSION);
	}
}

static int
on_granted(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	(void)c, (void)len, (void)e;
	d.granted(d.arg, msg, fds[0]);
	fds[0] = -1;
	return 0;
}

static void
start_gone(struct chan *c, const struct err *why)
{
	(void)c, (void)why;
}

/* As daemon_ready does. */
static void
open_start(struct hostile *x)
{
	static const struct msg_rule rules[] = { { MSG_GRANTED, sizeof(struct msg_refused), sizeof(struct msg_refused), 0, 1,
	    on_granted } };
	struct err e = { 0 };
	int fd;

	chan_close(&d.sup);
	forking = false;
	fd = hostile_pair(x, START);
	forking = true;
	if (chan_open(&d.sup, &d.loop, fd, "start", rules, 1, start_gone, NULL, &e) == -1)
		abort();
}

static void
open_side(struct hostile *x, size_t side)
{
	static const enum role roles[] = { ROLE_QMGR, 0, ROLE_CONVERTD, ROLE_RESOLVER, ROLE_CAPD, ROLE_CONTROL, 0 };
	int fd;

	if (side == SESSION)
		return;
	if (side == START) {
		open_start(x);
		return;
	}
	asked[side].n = 0;
	forking = false;
	fd = hostile_pair(x, side);
	forking = true;
	d.peer(d.arg, roles[side], 1, fd);
}

static void
set_up(void)
{
	static const char *const to[] = { "a@example.org", NULL };
	static bool done;
	struct err e = { 0 };

	if (done)
		return;
	done = true;
	hostile_set_up();
	for (int i = 0; i < ROLE_COUNT; i++)
		d.peer_fd[i] = -1;
	if (conf_init(&d.conf, &e) == -1 || loop_init(&d.loop, &e) == -1 ||
	    remote_open(&remote, &d, &e) == -1)
		abort();
	h = (struct hostile){ .loop = &d.loop, .nside = SIDES, .open = open_side, .heard = heard,
	    .side = { { from_qmgr, 2, -1, { 0 }, 0 }, { from_session, 5, -1, { 0 }, 0 },
	    { nothing, 1, -1, { 0 }, 0 }, { nothing, 1, -1, { 0 }, 0 }, { from_capd, 1, -1, { 0 }, 0 },
	    { from_control, 2, -1, { 0 }, 0 }, { from_start, 1, -1, { 0 }, 0 } },
	    .file = hostile_letter(span_str("Subject: x\r\n\r\nx\r\n"), "s@example.net", to, 0) };
}

/* Everything ends: qmgr acknowledges whatever it hears. */
static void
end(void)
{
	struct { struct msg_hdr h; uint32_t n, pad, number; } m = { .n = 1 };
	struct err e;

	ipc_close_fds(&h.side[SESSION].fd, 1);
	hostile_turn(&h);
	h.open(&h, QMGR);
	for (int i = 0; i < 200 && !worker_idle(&remote.worker); i++) {
		hostile_turn(&h);
		hostile_read(&h, QMGR);
		for (uint32_t k = 0; k < HOSTILE_HEARD && k < h.side[QMGR].nheard; k++) {
			m.number = h.side[QMGR].heard[k];
			(void)ipc_send(h.side[QMGR].fd, &m.h, MSG_ACK, 0, sizeof m, NULL, 0, &e);
		}
		hostile_turn(&h);
		if (!worker_idle(&remote.worker))
			h.open(&h, QMGR);
		if (h.side[SESSION].fd != -1)
			ipc_close_fds(&h.side[SESSION].fd, 1);
	}
	hostile_advance(1000 * 1000);		/* idle sessions, and those that are to be waited for */
	hostile_turn(&h);
	hostile_advance(1000);
	hostile_turn(&h);
	chan_close(&remote.worker.qmgr);
	chan_close(&remote.peer[ROLE_CONVERTD]);
	chan_close(&remote.peer[ROLE_RESOLVER]);
	chan_close(&remote.peer[ROLE_CAPD]);
	chan_close(&remote.peer[ROLE_CONTROL]);
	chan_close(&d.sup);
	assert(worker_idle(&remote.worker) && remote.children == NULL && remote.dying == NULL);
	assert(remote.ninquiry[ROLE_CONTROL] == 0 && remote.ninquiry[ROLE_CAPD] == 0);
	assert(remote.nchild == 0 && remote.nidle == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	set_up();
	njob = nsaid = ngiven = ndests = wanted = 0;
	memset(asked, 0, sizeof asked);
	hostile_begin(&h);
	hostile_qid(&h, "0123456789abcdef\0\0\0\0\0\0\0");
	hostile_run(&h, span_of(p, n));
	assert(remote.nidle <= REMOTE_IDLE_MAX && remote.ninquiry[ROLE_CONTROL] <= REMOTE_INQUIRIES);
	assert(remote.ninquiry[ROLE_CAPD] <= INQUIRY_PROBES);
	end();
	ipc_close_fds(&last_pair, 1);
	hostile_end(&h);
	return 0;
}
