/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_packets_learn.c - control, local, capd, and children that a report has taken over, that say
 * anything to learn (tests/fuzz/hostile.h; no child is forked, its end of the channel is the input's): capd hears
 * of nobody but the recipient of the one message that a tag was issued for here, in whole packets; a tag is text with
 * an end; reports wait in bounds; an honest report behind all that is told of.
 */
#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "learn/serve.h"
#include "lib/address.h"
#include "lib/clock.h"
#include "tests/fuzz/hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
pid_t __wrap_fork(void);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);
int __wrap_kill(pid_t pid, int sig);
int __wrap_ipc_pair(int fd[2], struct err *e);
int __real_ipc_pair(int fd[2], struct err *e);

enum { CONTROL, LOCAL, CHILD, CAPD, SIDES };

static const struct hostile_row from_control[] = { { MSG_TAG, sizeof(struct msg_hdr) } };
static const struct hostile_row from_local[] = { { MSG_REPORT_CAME, sizeof(struct msg_report_came) } };
static const struct hostile_row from_child[] = { { MSG_LEARNED, sizeof(struct msg_learned) + 3 } };
static const struct hostile_row from_capd[] = { { MSG_CAP_SETTED, sizeof(struct msg_hdr) } };

static struct daemon d;
static struct learn learn;
static struct hostile h;
static int last_pair = -1;		/* a copy of the child's end, until fork takes it */
static bool forking, told;		/* told: capd heard of the recipient */
static char tag[TAG_TEXT];

/* child_start makes a pair, then forks: the copy becomes the input's. */
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
	return 1 << 22;
}

pid_t
__wrap_waitpid(pid_t pid, int *status, int options)
{
	(void)options;
	*status = 0;
	return pid;
}

/* The child is gone: so is its end. */
int
__wrap_kill(pid_t pid, int sig)
{
	assert(pid == 1 << 22 && sig == SIGKILL);
	ipc_close_fds(&h.side[CHILD].fd, 1);
	return 0;
}

static void
heard(struct hostile *x, size_t side, const struct msg_hdr *m, size_t len)
{
	const struct msg_cap_set *set = (const void *)m;
	struct buf name;
	struct err e;

	(void)x;
	if (side == CONTROL) {
		assert(m->type == MSG_TAGGED && len == sizeof(struct msg_tagged));
		assert(memchr(((const struct msg_tagged *)(const void *)m)->tag, '\0', TAG_TEXT) != NULL);
		return;
	}
	assert(side == CAPD && m->type == MSG_CAP_SET);
	assert((uint64_t)set->addr_len + set->len == len - sizeof *set && set->len > 0);
	assert(set->source == SOURCE_LEARNED && set->state == CAP_KNOWN && set->ttl_s == CAP_LEARNED_S);
	buf_init(&name, 1000);
	assert(address_key(span_of(set + 1, set->addr_len), &name, &e) == 0);
	assert(span_is(buf_view(&name), "a@x.example"));
	buf_free(&name);
	told = true;
}

static void
open_side(struct hostile *x, size_t side)
{
	static const enum role roles[] = { ROLE_CONTROL, ROLE_LOCAL, 0, ROLE_CAPD };
	int fd;

	if (side == CHILD)
		return;
	forking = false;
	fd = hostile_pair(x, side);
	forking = true;
	d.peer(d.arg, roles[side], 1, fd);
}

/* The child says a finding with a tag that was issued: of whom and what the input says; behind a NUL the features. */
static void
other(struct hostile *x, unsigned what, struct span p)
{
	struct { struct msg_learned m; unsigned char text[2000]; } out = { { .tag_len = (uint32_t)strlen(tag) }, "" };
	size_t addr = span_find(p, '\0'), len = addr < p.n ? p.n - addr - 1 : 0;
	struct err e;

	if (what != 0 || x->side[CHILD].fd == -1 || p.n > 1500)
		return;
	out.m.addr_len = (uint32_t)addr;
	out.m.len = (uint32_t)len;
	memcpy(out.text, tag, strlen(tag));
	if (addr > 0)
		memcpy(out.text + strlen(tag), p.p, addr);
	if (len > 0)
		memcpy(out.text + strlen(tag) + addr, p.p + addr + 1, len);
	(void)ipc_send_now(x->side[CHILD].fd, &out.m.h, MSG_LEARNED, 0, sizeof out.m + strlen(tag) + addr + len, NULL, 0,
	    &e);
}

static void
set_up(void)
{
	static const char *const to[] = { "s@example.net", NULL };
	static bool done;
	struct err e = { 0 };

	if (done)
		return;
	done = true;
	hostile_set_up();
	for (int i = 0; i < ROLE_COUNT; i++)
		d.peer_fd[i] = -1;
	if (conf_init(&d.conf, &e) == -1 || loop_init(&d.loop, &e) == -1 ||
	    conf_set(&d.conf, CONF_CAPSOURCES, span_str("learned\n"), &e) == -1 || learn_open(&learn, &d, &e) == -1)
		abort();
	memset(learn.key, 7, sizeof learn.key);
	h = (struct hostile){ .loop = &d.loop, .nside = SIDES, .open = open_side, .heard = heard, .other = other,
	    .side = { { from_control, 1, -1, { 0 }, 0 }, { from_local, 1, -1, { 0 }, 0 },
	    { from_child, 1, -1, { 0 }, 0 }, { from_capd, 1, -1, { 0 }, 0 } },
	    .file = hostile_letter(span_str("Subject: x\r\n\r\nx\r\n"), "", to, 0) };
}

static void
issue(void)
{
	static const unsigned char chance[TAG_CHANCE] = "chances";
	struct span addr = span_str("a@x.example");
	struct err e;

	if (tag_make(learn.key, &addr, 1, (uint64_t)(clock_us() / 1000000), chance, tag, &e) == -1)
		abort();
}

/* Those that wait come to their end; then one that is honest. */
static void
honest(void)
{
	struct msg_report_came m = { .len = 17, .id = "0123456789abcdef" };
	struct err e;
	int fd = fcntl(h.file, F_DUPFD_CLOEXEC, 0);

	for (int i = 0; i < 2 * LEARN_WAITING && learn.child.open; i++) {
		ipc_close_fds(&h.side[CHILD].fd, 1);
		hostile_turn(&h);
	}
	assert(!learn.child.open && learn.n == 0);
	h.open(&h, LOCAL);
	h.open(&h, CAPD);
	issue();
	if (ipc_send(h.side[LOCAL].fd, &m.h, MSG_REPORT_CAME, 0, sizeof m, &fd, 1, &e) == -1)
		abort();
	close(fd);
	hostile_turn(&h);
	told = false;
	other(&h, 0, span_of("A@X.example\0(dpi=200)", 21));
	hostile_turn(&h);
	hostile_read(&h, CAPD);
	assert(told);
	ipc_close_fds(&h.side[CHILD].fd, 1);
	hostile_turn(&h);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	set_up();
	hostile_begin(&h);
	hostile_qid(&h, "0123456789abcdef\0\0\0\0\0\0\0");
	issue();
	hostile_run(&h, span_of(p, n));
	assert(learn.n <= LEARN_WAITING && learn.capd.waiting <= LEARN_UNREAD && learn.control.waiting <= LEARN_UNREAD);
	honest();
	chan_close(&learn.capd);
	chan_close(&learn.local);
	chan_close(&learn.control);
	ipc_close_fds(&last_pair, 1);
	hostile_end(&h);
	return 0;
}
