/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_packets_daemon.c - a supervisor that says anything to a daemon (lib/daemon.c and
 * lib/reload.c; tests/fuzz/hostile.h), settings of any text in it: the daemon leaves, or has the settings
 * that it had, or those that it checked and said to be valid; a verdict follows each check; every
 * descriptor is its callbacks' or closed.
 */
#include "lib/daemon.h"

#include <assert.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
_Noreturn void __wrap__exit(int status);
int __wrap_ipc_send(int sock, struct msg_hdr *h, uint32_t type, uint32_t id, size_t len, const int *fds,
    size_t nfd, struct err *e);
int __real_ipc_send(int sock, struct msg_hdr *h, uint32_t type, uint32_t id, size_t len, const int *fds,
    size_t nfd, struct err *e);
int __wrap_chan_open(struct chan *c, struct loop *l, int fd, const char *name,
    const struct msg_rule *rules, size_t nrule, void (*gone)(struct chan *, const struct err *), void *arg,
    struct err *e);
int __real_chan_open(struct chan *c, struct loop *l, int fd, const char *name,
    const struct msg_rule *rules, size_t nrule, void (*gone)(struct chan *, const struct err *), void *arg,
    struct err *e);
int __wrap_chan_send(struct chan *c, struct msg_hdr *m, uint32_t type, uint32_t id, size_t len, int *fds,
    size_t nfd, struct err *e);
int __real_chan_send(struct chan *c, struct msg_hdr *m, uint32_t type, uint32_t id, size_t len, int *fds,
    size_t nfd, struct err *e);

static const struct hostile_row from_start[] = {
	{ MSG_RELOAD_BEGIN, sizeof(struct msg_settings) }, { MSG_RELOAD_SETTING, sizeof(struct msg_name) },
	{ MSG_RELOAD_FILE, sizeof(struct msg_name) }, { MSG_RELOAD_LISTENER, sizeof(struct msg_listener) },
	{ MSG_RELOAD_CHECK, sizeof(struct msg_hdr) }, { MSG_RELOAD_SWITCH, sizeof(struct msg_hdr) },
	{ MSG_RELOAD_KEEP, sizeof(struct msg_hdr) }, { MSG_PING, sizeof(struct msg_hdr) },
	{ MSG_STATS, sizeof(struct msg_hdr) }, { MSG_RELOADED, sizeof(struct msg_reloaded) },
	{ MSG_FIGURES, sizeof(struct msg_hdr) }, { MSG_PEER, sizeof(struct msg_peer) },
	{ MSG_FILE, sizeof(struct msg_name) }, { MSG_STOP, sizeof(struct msg_hdr) },
	{ MSG_RETIRE, sizeof(struct msg_hdr) }, { MSG_GRANTED, sizeof(struct msg_refused) },
};
enum { ROWS = sizeof from_start / sizeof *from_start, FIRST_SETTINGS = 200, FDS = 300, NONE = -1 };

static struct daemon d;
static struct hostile h;
static jmp_buf left;
static int channel;			/* what the daemon takes for descriptor 3 */
static int64_t valid, said;		/* the settings that were found valid, and said to be so; or NONE */
static uint32_t in_force;
static uint64_t maxerrors;		/* of the settings in force */
static bool judged;			/* checked, and the verdict is due */
static bool stopped, was_open[FDS];

/* --- in place of the process --- */

_Noreturn void
__wrap__exit(int status)
{
	assert(status == 1);
	longjmp(left, 1);
}

int
__wrap_ipc_send(int sock, struct msg_hdr *m, uint32_t type, uint32_t id, size_t len, const int *fds,
    size_t nfd, struct err *e)
{
	return __real_ipc_send(sock == DAEMON_FD ? channel : sock, m, type, id, len, fds, nfd, e);
}

int
__wrap_chan_open(struct chan *c, struct loop *l, int fd, const char *name,
    const struct msg_rule *rules, size_t nrule, void (*gone)(struct chan *, const struct err *), void *arg,
    struct err *e)
{
	return __real_chan_open(c, l, fd == DAEMON_FD ? channel : fd, name, rules, nrule, gone, arg, e);
}

int
__wrap_chan_send(struct chan *c, struct msg_hdr *m, uint32_t type, uint32_t id, size_t len, int *fds,
    size_t nfd, struct err *e)
{
	if (type == MSG_RELOAD_VALID) {
		assert(judged && id == valid);
		said = id;
	}
	if (type == MSG_RELOAD_VALID || type == MSG_RELOAD_INVALID)
		judged = false;
	return __real_chan_send(c, m, type, id, len, fds, nfd, e);
}

/* --- the daemon's own part --- */

static void
on_peer(void *arg, enum role role, uint32_t generation, int fd)
{
	(void)arg, (void)generation;
	assert(role < ROLE_COUNT && fd != -1);
	close(fd);
}

static void
on_file(void *arg, const char *name, int fd)
{
	(void)arg;
	assert(strlen(name) < sizeof(struct msg_name) && fd != -1);
	close(fd);
}

static void
on_granted(void *arg, const struct msg_refused *m, int fd)
{
	(void)arg, (void)m;
	ipc_close_fds(&fd, 1);
}

static void
on_stop(void *arg)
{
	(void)arg;
	stopped = true;
}

static int
on_check(void *arg, struct daemon_next *next, struct err *e)
{
	(void)arg;
	assert(!judged);
	judged = true;
	assert(next->open && next->err.kind == ERR_NONE && next->nlistener <= DAEMON_LISTENERS);
	if (conf_number(&next->conf, CONF_MAXERRORS) == 77)
		return err_set(e, ERR_PERM, NULL, "not for me");
	valid = next->number;
	return 0;
}

static void
on_switched(void *arg, struct conf *old)
{
	(void)arg, (void)old;
	assert(d.settings == valid && said == valid);
	in_force = d.settings;
	maxerrors = conf_number(&d.conf, CONF_MAXERRORS);
	assert(conf_number(&d.conf, CONF_MAXERRORS) != 77);
	for (uint32_t i = 0; i < d.nlistener; i++) {
		assert(d.listener[i].fd != -1 && strlen(d.listener[i].line) < sizeof d.listener[i].line);
		close(d.listener[i].fd);
	}
	d.nlistener = 0;
	valid = said = NONE;
}

static void
on_kept(void *arg)
{
	(void)arg;
	valid = said = NONE;
}

static void
heard(struct hostile *x, size_t side, const struct msg_hdr *m, size_t len)
{
	(void)x, (void)side;
	assert(m->type == MSG_READY || m->type == MSG_RELOAD_VALID || m->type == MSG_RELOAD_INVALID ||
	    m->type == MSG_RELOAD_SWITCHED || m->type == MSG_PONG || m->type == MSG_FIGURES);
	if (m->type == MSG_RELOAD_INVALID) {
		const struct msg_text *t = (const void *)m;

		assert(len == sizeof *t && memchr(t->text, '\0', sizeof t->text) != NULL);
		assert(t->text[0] != '\0');
	}
}

/* The supervisor's channel is there once in a daemon's life. */
static void
open_side(struct hostile *x, size_t side)
{
	struct err e = { 0 };

	if (x->side[side].fd != -1 || d.sup.open)
		return;
	channel = hostile_pair(x, side);
	if (daemon_ready(&d, &e) == -1)
		abort();
}

static void
begin(void)
{
	struct err e = { 0 };

	d = (struct daemon){ .peer = on_peer, .file_changed = on_file, .stop = on_stop, .check = on_check,
	    .switched = on_switched, .kept = on_kept, .granted = on_granted, .settings = FIRST_SETTINGS, .self = ROLE_SMTPD };
	if (conf_init_as(&d.conf, "mx.example", &e) == -1 || loop_init(&d.loop, &e) == -1)
		abort();
	in_force = FIRST_SETTINGS;
	maxerrors = conf_number(&d.conf, CONF_MAXERRORS);
	valid = said = NONE;
	judged = stopped = false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static int file[2];
	volatile unsigned before;

	if (file[0] == 0) {
		hostile_set_up();
		for (int i = 0; i < 2; i++)
			if ((file[i] = memfd_create("number", MFD_CLOEXEC)) == -1 ||
			    write(file[i], i == 0 ? "33\n" : "77\n", 3) != 3)
				abort();
	}
	before = hostile_fds();
	for (int i = 0; i < FDS; i++)
		was_open[i] = fcntl(i, F_GETFD) != -1;
	begin();
	h = (struct hostile){ .loop = &d.loop, .nside = 1, .file = file[n & 1], .open = open_side, .heard = heard,
	    .side = { { from_start, ROWS, -1, { 0 }, 0 } } };
	if (setjmp(left) == 0) {
		hostile_begin(&h);
		hostile_run(&h, span_of(p, n));
		assert(!judged && d.settings == in_force);
		assert(conf_number(&d.conf, CONF_MAXERRORS) == maxerrors);
		/* what is not in force goes with the next settings, and their descriptors with them */
		if (d.sup.open)
			chan_close(&d.sup);
		for (uint32_t i = 0; i < d.next.nlistener; i++)
			close(d.next.listener[i].fd);
		for (uint32_t i = 0; i < d.next.nfile; i++)
			ipc_close_fds(&d.next.file[i].fd, 1);
		hostile_end(&h);
		loop_free(&d.loop);
	} else {
		for (int i = 0; i < FDS; i++)		/* as the process's end does */
			if (!was_open[i])
				close(i);
		free(d.loop.heap);
	}
	conf_free(&d.next.conf);
	conf_free(&d.conf);
	assert(hostile_fds() == before);
	return 0;
}
