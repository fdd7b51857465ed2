/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_packets_offer.c - control, learn, queue, convertd, and children that a message has taken
 * over, that say anything to offer (tests/fuzz/hostile.h; no child is forked, its end of the channel is the
 * input's): what is committed is a letter of a sender to one recipient; wishes wait in bounds, and all come
 * to an end; an honest wish behind all that is granted, to whom the message was sent.
 */
#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/envelope.h"
#include "offer/serve.h"
#include "tests/fuzz/hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
pid_t __wrap_fork(void);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);
int __wrap_kill(pid_t pid, int sig);
int __wrap_ipc_pair(int fd[2], struct err *e);
int __real_ipc_pair(int fd[2], struct err *e);
int __wrap_fsync(int fd);

enum { CONTROL, LEARN, QUEUE, CHILD, CONVERTD, SIDES };

static const struct hostile_row from_control[] = { { MSG_OFFER, sizeof(struct msg_offer) } };
static const struct hostile_row from_learn[] = { { MSG_PREFERRED, sizeof(struct msg_preferred) } };
static const struct hostile_row from_queue[] = { { MSG_OPENED, sizeof(struct msg_id) },
	{ MSG_COMMITTED, sizeof(struct msg_committed) }, { MSG_REFUSED, sizeof(struct msg_refused) } };
static const struct hostile_row from_child[] = { { MSG_MADE, sizeof(struct msg_planned) } };
static const struct hostile_row from_convertd[] = { { MSG_SESSION, sizeof(struct msg_hdr) } };

static const char tag[] = "0123456789abcdef0123456789abcdef", honest_tag[] = "0123456789abcdefv", text[] = "Subject: x\r\n\r\nx\r\n";
static struct daemon d;
static struct offers o;
static struct hostile h;
static int dir, last_pair = -1;		/* a copy of the child's end, until fork takes it */
static bool forking, told, strict;	/* told: queue has a letter; strict: control has no say in what is kept */

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

int
__wrap_fsync(int fd)
{
	(void)fd;
	return 0;
}

static void
heard(struct hostile *x, size_t side, const struct msg_hdr *m, size_t len)
{
	const struct msg_commit *c = (const void *)m;
	struct envelope env;
	struct err e;

	(void)x;
	if (side == CONTROL) {
		assert(m->type == MSG_OFFERED || m->type == MSG_REFUSED);
	} else if (side == CONVERTD) {
		assert(m->type == MSG_SESSION);
	} else if (m->type == MSG_COMMIT) {
		assert(side == QUEUE && len == sizeof *c + c->env_len);
		assert(envelope_decode(span_of(c + 1, c->env_len), &env, &e) == 0 && env.nrcpt == 1);
		assert(env.sender.n > 0 && !env.conperm && (!strict || (span_is(env.sender, "s@s.example") &&
		    span_is(env.rcpt[0].addr, "a@x.example"))));
		envelope_free(&env);
		told = true;
	} else {
		assert(side == QUEUE && (m->type == MSG_OPEN || m->type == MSG_ABANDON));
	}
}

static void
open_side(struct hostile *x, size_t side)
{
	static const enum role roles[] = { ROLE_CONTROL, ROLE_LEARN, ROLE_QUEUE, 0, ROLE_CONVERTD };
	int fd;

	if (side == CHILD)
		return;
	forking = false;
	fd = hostile_pair(x, side);
	forking = true;
	d.peer(d.arg, roles[side], 1, fd);
}

static int
memory(const char *s)
{
	int fd = memfd_create("x", MFD_CLOEXEC);

	if (fd == -1 || write(fd, s, strlen(s)) != (ssize_t)strlen(s))
		abort();
	return fd;
}

static void
put(int side, void *packet, uint32_t type, size_t len, int fd)
{
	struct err e;

	(void)ipc_send_now(h.side[side].fd, packet, type, side == QUEUE ? o.request : 1, len, &fd, fd != -1, &e);
	ipc_close_fds(&fd, 1);
}

static void
wish(const char *of)
{
	struct { struct msg_preferred m; char addr[20]; } p = { { .addr_len = 11, .len = 9 }, "a@x.example(dpi=200)" };

	memcpy(p.m.tag, of, strlen(of));
	put(LEARN, &p, MSG_PREFERRED, sizeof p, -1);
}

/* A step that is as it should be, by the input's choice. */
static void
other(struct hostile *x, unsigned what, struct span p)
{
	struct msg_planned made = { .len = sizeof text - 1 };
	struct msg_id opened = { .id = "0123456789abcdef" };
	struct msg_committed done = { .id = "0123456789abcdef" };

	(void)p;
	if (what == 0) {
		wish(tag);
	} else if (what == 1) {
		if (x->side[CHILD].fd == -1)
			return;
		put(CHILD, &made, MSG_MADE, sizeof made, memory(text));
		ipc_close_fds(&x->side[CHILD].fd, 1);
	} else if (o.step == OFFER_OPENING) {
		put(QUEUE, &opened, MSG_OPENED, sizeof opened, memory(""));
	} else if (o.step == OFFER_COMMITTING) {
		put(QUEUE, &done, MSG_COMMITTED, sizeof done, -1);
	}
}

static char path[] = "/tmp/accord-fuzz-offer-XXXXXX";

static void empty(void);

static void
clean_up(void)
{
	empty();
	(void)rmdir(path);
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
	if (mkdtemp(path) == NULL || atexit(clean_up) != 0)
		abort();
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1 || conf_init(&d.conf, &e) == -1 || loop_init(&d.loop, &e) == -1 ||
	    conf_set(&d.conf, CONF_OFFERS, span_str("86400\n"), &e) == -1 || offers_open(&o, &d, dir, &e) == -1)
		abort();
	h = (struct hostile){ .loop = &d.loop, .nside = SIDES, .open = open_side, .heard = heard, .other = other,
	    .side = { { from_control, 1, -1, { 0 }, 0 }, { from_learn, 1, -1, { 0 }, 0 }, { from_queue, 3, -1, { 0 }, 0 },
	    { from_child, 1, -1, { 0 }, 0 }, { from_convertd, 1, -1, { 0 }, 0 } }, .file = memory(text) };
}

static void
keep(const char *name)
{
	struct offer of = { .msg_len = sizeof text - 1, .until_s = (uint64_t)(clock_us() / 1000000) + 86400,
	    .sender = "s@s.example", .rcpt = "a@x.example" };
	struct err e = { 0 };

	memcpy(of.tag, name, strlen(name));
	if (store_put(&o.store, &of, span_str(text), 1 << 30, &e) == -1)
		abort();
}

static void
turn_all(void)
{
	for (int i = 0; i < 4; i++) {
		hostile_turn(&h);
		hostile_read(&h, QUEUE);
		hostile_read(&h, CONVERTD);
	}
}

/* What waits comes to its end; then one that is honest. */
static void
honest(void)
{
	for (int i = 0; i < SIDES; i++)
		h.open(&h, (size_t)i);
	for (int i = 0; i < 4 * OFFER_WISHES * OFFER_TRIES && (o.n > 0 || o.step != OFFER_IDLE); i++) {
		for (unsigned k = 1; k < 3; k++) {
			other(&h, k, span_of(NULL, 0));
			turn_all();
		}
		hostile_advance(OFFER_AGAIN_MS);
		turn_all();
	}
	assert(o.n == 0 && o.step == OFFER_IDLE);
	keep(honest_tag);
	told = false;
	strict = true;
	wish(honest_tag);
	for (unsigned k = 1; k < 4; k++) {
		turn_all();
		other(&h, k < 3 ? k : 2, span_of(NULL, 0));
	}
	turn_all();
	assert(told && o.n == 0 && o.step == OFFER_IDLE);
}

static void
empty(void)
{
	DIR *all = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *en;

	while (all != NULL && (en = readdir(all)) != NULL)
		if (en->d_name[0] != '.')
			(void)unlinkat(dir, en->d_name, 0);
	closedir(all);
	o.store.n = 0;
	o.store.octets = 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	set_up();
	empty();
	strict = false;
	keep(tag);
	hostile_begin(&h);
	hostile_qid(&h, "0123456789abcdef\0\0\0\0\0\0\0");
	hostile_run(&h, span_of(p, n));
	assert(o.n <= OFFER_WISHES);
	empty();		/* what control had kept goes to whom it says */
	honest();
	chan_close(&o.control);
	chan_close(&o.learn);
	chan_close(&o.queue);
	chan_close(&o.convertd);
	ipc_close_fds(&last_pair, 1);
	hostile_end(&h);
	return 0;
}
