/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"

static void
ask_lost(struct session *s)
{
	if (s->convertd != -1)
		close(s->convertd);
	s->convertd = -1;
}

/* Waits until fd (convertd's or the parent's) has a packet.  1, 0 timed out, -1. */
static int
ask_poll(struct session *s, int fd, int64_t due_ms, struct err *e)
{
	for (;;) {
		struct pollfd p[2] = { { fd, POLLIN, 0 }, { s->parent, 0, 0 } };
		int64_t left = due_ms - clock_ms();
		int n = poll(p, 2, left <= 0 ? 0 : clock_wait_ms(left));

		if (n == -1 && errno != EINTR)
			return err_sys(e, "poll");
		if (n > 0 && p[1].revents & POLLHUP)
			session_orphaned(s);
		if (n > 0 && p[0].revents != 0)
			return 1;
		if (n == 0 && clock_ms() >= due_ms)
			return 0;
	}
}

/* Has a channel to convertd, or gets one from the parent. */
static int
ask_channel(struct session *s, struct err *e)
{
	struct msg_peer m = { .role = ROLE_CONVERTD };
	int fds[MSG_FDS], r;
	size_t len;

	if (s->convertd != -1)
		return 0;
	if (s->parent == -1)
		return err_set(e, ERR_TEMP, "4.6.5", "convertd is not there");
	if (ipc_send(s->parent, &m.h, MSG_NEED, 0, sizeof m, NULL, 0, e) == -1)
		return -1;
	if ((r = ask_poll(s, s->parent, clock_ms() + ASK_NEED_MS, e)) <= 0)
		return r == -1 ? -1 : err_set(e, ERR_TEMP, "4.6.5", "convertd is not there");
	if ((r = ipc_recv(s->parent, &m, sizeof m, &len, fds, e)) == 0)
		session_orphaned(s);
	if (r == -1)
		return -1;
	if (m.h.type != MSG_PEER || len != sizeof m || m.role != ROLE_CONVERTD || fds[0] == -1) {
		ipc_close_fds(fds, MSG_FDS);
		return err_set(e, ERR_PROTO, NULL, "packet %u from the parent", m.h.type);
	}
	s->convertd = fds[0];
	fds[0] = -1;
	ipc_close_fds(fds, MSG_FDS);
	return 0;
}

/* Sends a request; a channel that broke while it lay idle is made anew. */
static int
ask_send(struct session *s, struct msg_hdr *h, uint32_t type, size_t len, const int *fds, size_t nfd,
    uint32_t *id, struct err *e)
{
	static uint32_t last;

	*id = ++last;
	if (s->convertd != -1 && ipc_send(s->convertd, h, type, *id, len, fds, nfd, e) == 0)
		return 0;
	ask_lost(s);
	if (ask_channel(s, e) == -1)
		return -1;
	return ipc_send(s->convertd, h, type, *id, len, fds, nfd, e);
}

/* The answer to id: 1, *fd is the caller's; 0 not yet; -1: lost, or what convertd says. */
static int
ask_answer(struct session *s, uint32_t id, uint32_t type, int64_t wait_ms, struct msg_planned *m,
    int *fd, struct err *e)
{
	int64_t due = clock_ms() + wait_ms;
	int fds[MSG_FDS], r;
	size_t len;

	for (;;) {
		if (s->convertd == -1)
			return err_set(e, ERR_TEMP, "4.6.5", "convertd has gone");
		if ((r = ask_poll(s, s->convertd, due, e)) <= 0)
			return r;
		r = ipc_recv(s->convertd, m, sizeof *m, &len, fds, e);
		if (r <= 0) {
			ask_lost(s);
			return r == -1 ? -1 : err_set(e, ERR_TEMP, "4.6.5", "convertd has gone");
		}
		if (m->h.id == id)
			break;
		ipc_close_fds(fds, MSG_FDS);	/* to one that was given up */
	}
	*fd = fds[0];
	fds[0] = -1;
	ipc_close_fds(fds, MSG_FDS);
	m->dsn[sizeof m->dsn - 1] = m->what[sizeof m->what - 1] = '\0';
	if (m->h.type == type && len == sizeof *m && (m->kind == ERR_NONE) == (*fd != -1)) {
		if (m->kind == ERR_NONE)
			return 1;
		return err_set(e, m->kind == ERR_PERM ? ERR_PERM : ERR_TEMP, m->dsn, "%s", m->what);
	}
	ipc_close_fds(fd, 1);
	ask_lost(s);
	return err_set(e, ERR_PROTO, NULL, "packet %u of %zu octets from convertd", m->h.type, len);
}

/* Octets of a memfd into memory. */
static unsigned char *
ask_read(int fd, uint64_t len, struct err *e)
{
	unsigned char *mem;
	size_t got = 0;

	if (len > ASK_PLAN_OCTETS || (mem = malloc(len == 0 ? 1 : len)) == NULL) {
		err_set(e, ERR_TEMP, "4.6.5", "a plan of %llu octets", (unsigned long long)len);
		return NULL;
	}
	while (got < len) {
		ssize_t n = pread(fd, mem + got, len - got, (off_t)got);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			free(mem);
			err_set(e, ERR_PROTO, NULL, "a plan cut short");
			return NULL;
		}
		got += (size_t)n;
	}
	return mem;
}

/* The texts as MSG_PLAN has them. */
static int
ask_texts(const struct span *caps, uint32_t n, struct buf *out, struct err *e)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t len = (uint32_t)caps[i].n;

		if (buf_add(out, span_of(&len, sizeof len), e) == -1 || buf_add(out, caps[i], e) == -1)
			return -1;
	}
	return 0;
}

/* What does not fit a packet goes in a sealed memfd. */
static int
ask_memfd(struct span s, struct err *e)
{
	int fd = memfd_create("capabilities", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t put = 0;

	if (fd == -1)
		return err_sys(e, "memfd");
	while (put < s.n) {
		ssize_t n = write(fd, s.p + put, s.n - put);

		if (n <= 0) {
			err_sys(e, "memfd");
			close(fd);
			return -1;
		}
		put += (size_t)n;
	}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == -1) {
		err_sys(e, "memfd: seal");
		close(fd);
		return -1;
	}
	return fd;
}

static int
ask_send_plan(struct session *s, struct span texts, uint32_t n, unsigned flags, uint32_t *id,
    struct err *e)
{
	static _Alignas(8) unsigned char packet[MSG_MAX];
	struct msg_plan *m = (struct msg_plan *)(void *)packet;
	int fds[2] = { s->job->fd, -1 }, r;
	size_t len = sizeof *m;

	memset(m, 0, sizeof *m);
	memcpy(m->id, s->job->id, sizeof m->id);
	m->msg_len = s->job->q.msg_len;
	m->flags = flags;
	m->ncaps = n;
	m->caps_len = (uint32_t)texts.n;
	if (texts.n <= MSG_MAX - sizeof *m) {
		memcpy(packet + sizeof *m, texts.p, texts.n);
		len += texts.n;
	} else if ((fds[1] = ask_memfd(texts, e)) == -1) {
		return -1;
	}
	r = ask_send(s, &m->h, MSG_PLAN, len, fds, fds[1] == -1 ? 1 : 2, id, e);
	ipc_close_fds(&fds[1], 1);
	return r;
}

static struct planned *
ask_take_plan(int fd, uint64_t len, uint32_t n, struct err *e)
{
	struct planned *p = calloc(1, sizeof *p);

	if (p == NULL) {
		err_sys(e, "plan");
		return NULL;
	}
	p->mem = ask_read(fd, len, e);
	if (p->mem != NULL && plan_decode(span_of(p->mem, len), &p->plan, e) == 0) {
		if (p->plan.nverdict == n)
			return p;
		err_set(e, ERR_PROTO, NULL, "%u verdicts on %u lists", p->plan.nverdict, n);
		plan_free(&p->plan);
	}
	free(p->mem);
	free(p);
	return NULL;
}

int
ask_plan(struct session *s, const struct span *caps, uint32_t n, unsigned flags,
    struct planned **out, struct err *e)
{
	struct msg_planned m;
	struct buf texts;
	uint32_t id;
	int fd = -1, r;

	buf_init(&texts, (size_t)64 << 20);
	r = ask_texts(caps, n, &texts, e);
	if (r == 0)
		r = ask_send_plan(s, buf_view(&texts), n, flags, &id, e);
	buf_free(&texts);
	if (r == -1)
		return -1;
	r = ask_answer(s, id, MSG_PLANNED, ASK_PLAN_MS, &m, &fd, e);
	if (r == 0)
		return err_set(e, ERR_TEMP, "4.6.5", "convertd does not answer");
	if (r == -1)
		return -1;
	*out = ask_take_plan(fd, m.len, n, e);
	close(fd);
	return *out == NULL ? -1 : 0;
}

void
ask_plan_free(struct planned *p)
{
	plan_free(&p->plan);
	free(p->mem);
	free(p);
}

int
ask_convert(struct session *s, struct span key, uint32_t wait_s, uint32_t *id, struct err *e)
{
	static _Alignas(8) unsigned char packet[MSG_MAX];
	struct msg_convert *m = (struct msg_convert *)(void *)packet;

	if (key.n > sizeof packet - sizeof *m)
		return err_set(e, ERR_BUG, "5.3.5", "a key of %zu octets", key.n);
	memset(m, 0, sizeof *m);
	memcpy(m->id, s->job->id, sizeof m->id);
	m->msg_len = s->job->q.msg_len;
	m->key_len = (uint32_t)key.n;
	m->wait_s = wait_s;
	memcpy(packet + sizeof *m, key.p, key.n);
	return ask_send(s, &m->h, MSG_CONVERT, sizeof *m + key.n, &s->job->fd, 1, id, e);
}

/* Maps the list: only what nobody can change or shorten any more. */
static struct converted *
ask_take_edits(const struct session *s, int fd, uint64_t len, const struct plan *plan, struct err *e)
{
	int seals = fcntl(fd, F_GET_SEALS);
	uint64_t msg_len = s->job->q.msg_len;
	struct converted *c;

	if (seals == -1 || (seals & (F_SEAL_SHRINK | F_SEAL_WRITE)) != (F_SEAL_SHRINK | F_SEAL_WRITE) ||
	    len == 0 || (off_t)len > lseek(fd, 0, SEEK_END)) {
		err_set(e, ERR_PROTO, NULL, "an edit list that is not sealed, or is short");
		return NULL;
	}
	if ((c = calloc(1, sizeof *c)) == NULL) {
		err_sys(e, "edit list");
		return NULL;
	}
	c->len = len;
	c->map = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (c->map == MAP_FAILED) {
		err_sys(e, "edit list");
		free(c);
		return NULL;
	}
	if (edit_decode(span_of(c->map, len), msg_len, &c->edits, e) == 0) {
		if (edit_check(&c->edits, msg_len, plan->range, plan->nrange, e) == 0)
			return c;
		edit_free(&c->edits);
	}
	munmap(c->map, len);
	free(c);
	return NULL;
}

int
ask_converted(struct session *s, uint32_t id, struct span key, const struct plan *plan,
    int64_t wait_ms, struct converted **out, struct err *e)
{
	struct msg_planned m;
	int fd = -1, r = ask_answer(s, id, MSG_CONVERTED, wait_ms, &m, &fd, e);

	if (r <= 0)
		return r;
	*out = ask_take_edits(s, fd, m.len, plan, e);
	close(fd);
	if (*out == NULL) {
		log_line(LOG_ERR, s->job->id, "bad-conversion", "why=%s", log_q(e->what));
		return -1;
	}
	(*out)->key = key;
	return 1;
}

void
ask_converted_free(struct converted *c)
{
	edit_free(&c->edits);
	munmap(c->map, c->len);
	free(c);
}
