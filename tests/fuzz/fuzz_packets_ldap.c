/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_packets_ldap.c - capd, the resolver, and a worker that a directory has taken over, that say anything
 * to accord-ldap (tests/fuzz/hostile.h; no worker is forked, its end of the channel is the input's): capd hears each
 * question's answer once and of nothing that it did not ask, in whole packets; a directory's questions are few at once;
 * an honest question behind all that is passed on, and its answer back.
 */
#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ldap/serve.h"
#include "lib/envelope.h"
#include "lib/fileio.h"
#include "tests/fuzz/hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
pid_t __wrap_fork(void);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);
int __wrap_kill(pid_t pid, int sig);
int __wrap_ipc_pair(int fd[2], struct err *e);
int __real_ipc_pair(int fd[2], struct err *e);
_Noreturn void __wrap_worker_run(const struct worker *w);

enum { CAPD, WORKER, RESOLVER, SIDES };

#define LINE "ldap:ldap://dir.example/dc=x"

static const struct hostile_row from_capd[] = { { MSG_LDAP_ASK, sizeof(struct msg_ldap_ask) + 5 } };
static const struct hostile_row from_worker[] = { { MSG_LDAP_TOLD, sizeof(struct msg_ldap_told) } };
static const struct hostile_row from_resolver[] = { { MSG_RESOLVED, sizeof(struct msg_resolved) } };

static struct daemon d;
static struct ldapd ldapd;
static struct hostile h;
static int last_pair = -1;		/* a copy of the worker's end, until fork takes it */
static bool starting;			/* pairs are of the daemon's making */
static unsigned told;			/* answers that capd heard */

/* worker_start makes a pair for the worker, then one for the resolver, then forks: the first copy becomes the
 * input's. */
int
__wrap_ipc_pair(int fd[2], struct err *e)
{
	int r = __real_ipc_pair(fd, e);

	if (r == 0 && starting && last_pair == -1)
		last_pair = dup(fd[1]);
	return r;
}

pid_t
__wrap_fork(void)
{
	assert(last_pair != -1);
	ipc_close_fds(&h.side[WORKER].fd, 1);
	h.side[WORKER].fd = last_pair;
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

/* It is gone: so is its end. */
int
__wrap_kill(pid_t pid, int sig)
{
	assert(pid == 1 << 22 && sig == SIGKILL);
	ipc_close_fds(&h.side[WORKER].fd, 1);
	return 0;
}

_Noreturn void
__wrap_worker_run(const struct worker *w)
{
	(void)w;
	abort();
}

static void
heard(struct hostile *x, size_t side, const struct msg_hdr *m, size_t len)
{
	const struct msg_ldap_ask *ask = (const void *)m;

	(void)x;
	if (side == RESOLVER) {
		assert(m->type == MSG_SESSION && len == sizeof *m);
	} else if (side == WORKER) {
		assert(m->type == MSG_LDAP_ASK && len == sizeof *ask + ask->addr_len && ask->addr_len > 0);
		assert(ldapd.directory[0]->nasked <= WORKER_SEARCHES);
	} else {
		assert(side == CAPD && m->type == MSG_LDAP_TOLD && len >= sizeof(struct msg_ldap_told));
		told++;
	}
}

static void
open_side(struct hostile *x, size_t side)
{
	static const enum role roles[] = { ROLE_CAPD, 0, ROLE_RESOLVER };
	int fd;

	if (side == WORKER)
		return;
	starting = false;
	fd = hostile_pair(x, side);
	starting = true;
	d.peer(d.arg, roles[side], 1, fd);
}

/* A question of the line that there is; what 2: many at once. */
static void
other(struct hostile *x, unsigned what, struct span p)
{
	struct { struct msg_ldap_ask m; unsigned char addr[ENV_MAX_PATH]; } out = { .m = { .addr_len = (uint32_t)p.n } };
	struct err e;

	if (x->side[CAPD].fd == -1 || p.n == 0 || p.n > sizeof out.addr)
		return;
	ldapline_name(span_str(LINE), out.m.line);
	memcpy(out.addr, p.p, p.n);
	for (unsigned i = 0; i < (what == 2 ? 80 : 1); i++)
		(void)ipc_send_now(x->side[CAPD].fd, &out.m.h, MSG_LDAP_ASK, i + 1, sizeof out.m + p.n, NULL, 0, &e);
}

static void
set_up(void)
{
	static const unsigned char none[8];
	static bool done;
	struct err e = { 0 };
	int file = memfd_create("ldap", MFD_CLOEXEC);

	if (done) {
		close(file);
		return;
	}
	done = true;
	hostile_set_up();
	for (int i = 0; i < ROLE_COUNT; i++)
		d.peer_fd[i] = -1;
	d.settings = 1;
	if (file == -1 || fileio_write(file, span_of(none, sizeof none), &e) == -1 || conf_init(&d.conf, &e) == -1 ||
	    loop_init(&d.loop, &e) == -1 || conf_set(&d.conf, CONF_CAPSOURCES, span_str(LINE), &e) == -1)
		abort();
	d.file[0] = (struct daemon_file){ "ldap", file };
	d.nfile = 1;
	if (ldapd_open(&ldapd, &d, &e) == -1)
		abort();
	h = (struct hostile){ .loop = &d.loop, .nside = SIDES, .file = -1, .open = open_side, .heard = heard, .other = other,
	    .side = { { from_capd, 1, -1, { 0 }, 0 }, { from_worker, 1, -1, { 0 }, 0 }, { from_resolver, 1, -1, { 0 }, 0 } } };
}

/* An honest capd and an honest worker in the hostile ones' places. */
static void
honest(void)
{
	struct { struct msg_ldap_ask m; char addr[16]; } ask = { { .addr_len = 11 }, "a@x.example" };
	union { struct msg_ldap_ask ask; struct msg_ldap_told told; unsigned char octets[512]; } in;
	struct msg_ldap_told m = { .found = 1, .caps = CAP_ANY };
	struct err e;
	int fds[MSG_FDS];
	size_t len;

	open_side(&h, CAPD);
	hostile_advance(LDAP_AGAIN_MS + 1);
	ldapline_name(span_str(LINE), ask.m.line);
	if (ipc_send(h.side[CAPD].fd, &ask.m.h, MSG_LDAP_ASK, 77, sizeof ask.m + 11, NULL, 0, &e) == -1)
		abort();
	hostile_turn(&h);
	while (ipc_recv_now(h.side[WORKER].fd, &in, sizeof in, &len, fds, &e) == 1 && in.ask.h.id != 77)
		;
	assert(in.ask.h.id == 77 && in.ask.h.type == MSG_LDAP_ASK);
	if (ipc_send(h.side[WORKER].fd, &m.h, MSG_LDAP_TOLD, 77, sizeof m, NULL, 0, &e) == -1)
		abort();
	hostile_turn(&h);
	assert(ipc_recv_now(h.side[CAPD].fd, &in, sizeof in, &len, fds, &e) == 1);
	assert(in.told.h.id == 77 && in.told.found == 1 && in.told.caps == CAP_ANY && len == sizeof m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint64_t asked;

	set_up();
	hostile_begin(&h);
	asked = ldapd.questions;
	told = 0;
	hostile_run(&h, span_of(p, n));
	assert(told <= ldapd.questions - asked);
	honest();
	chan_close(&ldapd.capd);
	chan_close(&ldapd.resolver);
	if (ldapd.directory[0]->pid > 0) {
		ipc_close_fds(&h.side[WORKER].fd, 1);
		hostile_turn(&h);
	}
	assert(ldapd.directory[0]->pid == 0 && ldapd.directory[0]->nasked == 0);
	ipc_close_fds(&last_pair, 1);
	hostile_advance(LDAP_AGAIN_MS + 1);
	hostile_end(&h);
	return 0;
}
