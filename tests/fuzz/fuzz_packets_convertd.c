/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_packets_convertd.c - sessions and their parent, and children that an image took over,
 * that say anything to convertd (tests/fuzz/hostile.h; no child is forked, what it would write into
 * the parent's pipe and memory file is the input's): an answer follows each request that is one, its
 * file is sealed and as long as it says, its reason is printable with a code of its kind; nobody has
 * more jobs under way, or waits with more, than may.
 */
#include "convertd/parent.h"

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/reply.h"
#include "tests/fuzz/hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
pid_t __wrap_fork(void);
pid_t __wrap_wait4(pid_t pid, int *status, int options, struct rusage *used);
int __wrap_kill(pid_t pid, int sig);
int __wrap_pipe2(int fd[2], int flags);
int __wrap_memfd_create(const char *name, unsigned flags);
int __real_pipe2(int fd[2], int flags);
int __real_memfd_create(const char *name, unsigned flags);

enum { SESSION, OTHER, PARENT, SIDES, CHILDREN = 64, SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

static const struct hostile_row from_session[] = {
	{ MSG_PLAN, sizeof(struct msg_plan) }, { MSG_CONVERT, sizeof(struct msg_convert) },
	{ MSG_DESCRIBE, sizeof(struct msg_hdr) },
};
static const struct hostile_row from_parent[] = { { MSG_SESSION, sizeof(struct msg_hdr) } };

/* As convertd/job.c has it: what a child writes at its end. */
struct status { uint32_t kind, pad; char dsn[12]; char what[500]; uint64_t len; };

static struct daemon d;
static struct convertd convertd;
static struct hostile h;

/* --- children --- */

static struct child { pid_t pid; int status, memfd, bounds; bool ended; } child[CHILDREN];
static uint32_t nchild;
static struct child next = { 0, -1, -1, -1, false };	/* what was made for the one to come */

int
__wrap_memfd_create(const char *name, unsigned flags)
{
	int fd = __real_memfd_create(name, flags);

	if (strcmp(name, "accord-job") == 0) {
		next.memfd = fd;
		next.bounds = -1;
	} else if (strcmp(name, "accord-bounds") == 0) {
		next.bounds = fd;
	}
	return fd;
}

int
__wrap_pipe2(int fd[2], int flags)
{
	int r = __real_pipe2(fd, flags);

	if (r == 0 && next.memfd != -1) {
		ipc_close_fds(&next.status, 1);
		next.status = fcntl(fd[1], F_DUPFD_CLOEXEC, 0);
	}
	return r;
}

pid_t
__wrap_fork(void)
{
	assert(nchild < CHILDREN && next.memfd != -1 && next.status != -1);
	next.pid = (pid_t)((1 << 22) + nchild);
	child[nchild++] = next;
	next = (struct child){ 0, -1, -1, -1, false };
	return child[nchild - 1].pid;
}

int
__wrap_kill(pid_t pid, int sig)
{
	assert(pid >= 1 << 22 && pid < (1 << 22) + (pid_t)nchild && sig == SIGKILL);
	return 0;
}

/* Waited for once, by the one that has it. */
pid_t
__wrap_wait4(pid_t pid, int *status, int options, struct rusage *used)
{
	struct child *c = &child[pid - (1 << 22)];

	(void)options, (void)used;
	assert(!c->ended);
	c->ended = true;
	ipc_close_fds(&c->status, 1);
	*status = SIGKILL;
	return pid;
}

/*
 * The oldest child that lives ends: 0: said to be done, the octets are its result (1: and its bounds);
 * 1: the octets are its status; 2: without a word.
 */
static void
other(struct hostile *x, unsigned what, struct span p)
{
	struct status s = { .kind = ERR_NONE, .len = p.n };
	struct child *c = child;

	(void)x;
	while (c < child + nchild && c->ended)
		c++;
	if (c == child + nchild)
		return;
	if (what == 0) {
		(void)!pwrite(c->memfd, p.p, p.n, 0);
		if (c->bounds != -1) {
			(void)!pwrite(c->bounds, p.p, p.n, 0);
			(void)fcntl(c->bounds, F_ADD_SEALS, SEALS | F_SEAL_SEAL);
		}
	} else if (p.n > 0) {
		s.kind = p.p[0];
		memcpy(&s.dsn, p.p, p.n < sizeof s - 8 ? p.n : sizeof s - 8);
	}
	if (what < 2)
		(void)!write(c->status, &s, what == 1 && p.n % 7 == 3 ? p.n % sizeof s : sizeof s);
	ipc_close_fds(&c->status, 1);
}

/* --- --- */

static void
open_side(struct hostile *x, size_t side)
{
	int fd = hostile_pair(x, side);
	struct err e;

	if (side == PARENT)
		d.peer(d.arg, ROLE_REMOTE, 1, fd);
	else if (convertd_session(&convertd, ROLE_REMOTE, fd, &e) == -1)
		abort();
}

/* The file itself comes behind it, as the side's last descriptor: it is looked at when it is kept. */
static void
heard(struct hostile *x, size_t side, const struct msg_hdr *m, size_t len)
{
	const struct msg_planned *a = (const void *)m;
	struct span status, rest;

	(void)x;
	assert(side != PARENT && (m->type == MSG_PLANNED || m->type == MSG_CONVERTED) && len == sizeof *a);
	assert(memchr(a->what, '\0', sizeof a->what) != NULL && memchr(a->dsn, '\0', sizeof a->dsn) != NULL);
	if (a->kind == ERR_NONE) {
		assert(a->len > 0 && a->len <= convertd.rules.out_octets);
		return;
	}
	assert(a->kind == ERR_TEMP || a->kind == ERR_PERM);
	assert(reply_enhanced(span_str(a->dsn), &status, &rest) && status.n == strlen(a->dsn));
	assert(a->dsn[0] == (a->kind == ERR_TEMP ? '4' : '5') && a->what[0] != '\0');
	for (const char *p = a->what; *p != '\0'; p++)
		assert(*p >= 0x20 && *p < 0x7f);
}

/* What a session was given can be changed by nobody. */
static void
check_kept(struct hostile *x)
{
	if (x->kept != -1)
		assert((fcntl(x->kept, F_GET_SEALS) & SEALS) == SEALS);
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
	if (loop_init(&d.loop, &e) == -1 || conf_init(&d.conf, &e) == -1 ||
	    conf_set(&d.conf, CONF_CONCURRENCYCONVERT, span_str("2\n"), &e) == -1)
		abort();
	h = (struct hostile){ .loop = &d.loop, .nside = SIDES, .open = open_side, .heard = heard,
	    .other = other, .settle = check_kept, .side = { { from_session, 3, -1, { 0 }, 0 },
	    { from_session, 3, -1, { 0 }, 0 }, { from_parent, 1, -1, { 0 }, 0 } },
	    .file = hostile_letter(span_str("Subject: x\r\n\r\nx\r\n"), "s@example.net", to, 0) };
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct err e;

	set_up();
	nchild = 0;
	convertd_init(&convertd, &d.loop, &d.conf);
	if (convertd_open(&convertd, &d, &e) == -1)
		abort();
	hostile_begin(&h);
	hostile_qid(&h, "0123456789abcdef\0\0\0\0\0\0\0");
	hostile_run(&h, span_of(p, n));
	assert(convertd.running <= convertd.concurrency && convertd.waiting <= CONVERTD_WAITING);
	assert(convertd.cache.octets <= conf_number(&d.conf, CONF_CONVERTBYTES));
	convertd_free(&convertd);
	for (uint32_t i = 0; i < nchild; i++)
		assert(child[i].ended);
	hostile_end(&h);
	return 0;
}
