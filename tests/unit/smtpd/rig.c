/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "tests/unit/smtpd/rig.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/plan.h"
#include "smtpd/ensure.h"

enum { RIG_WAIT_MS = 20000 };
static void rig_turn(struct rig *r, bool writing);
static struct qid_maker maker;
static _Alignas(8) unsigned char packet[MSG_MAX];

void
rig_init(struct rig *r)
{
	struct err e;

	*r = (struct rig){ .client = -1, .convertd = -1, .file = -1, .next_file = -1 };
	buf_init(&r->message, 1 << 26);
	buf_init(&r->block, 1 << 24);
	buf_init(&r->got, 1 << 24);
	ck_assert_int_eq(conf_init(&r->conf, &e), 0);
	rig_set(r, CONF_ME, "mx.example\n");
	rig_set(r, CONF_RCPTHOSTS, "example.com\n.fax.example\nmx.example\n");
	rig_set(r, CONF_LOCALS, "example.com\nmx.example\n");
	rig_set(r, CONF_CONNEG, "quiet.fax.example off\n");
	ck_assert_int_eq(netaddr_parse(span_str("192.0.2.7"), &r->peer, &e), 0);
}

void
rig_set(struct rig *r, enum conf_id id, const char *text)
{
	struct err e = { 0 };

	ck_assert_msg(conf_set(&r->conf, id, span_str(text), &e) == 0, "%s", e.what);
}

void
rig_client(struct rig *r)
{
	struct msg_client m = { .peer = r->peer, .patience_s = r->patience_s,
	    .timeout_s = (uint32_t)conf_number(&r->conf, CONF_TIMEOUTSMTPD) };
	struct err e;
	int fd[2];

	if (r->client != -1) {
		close(r->client);
		r->eof = true;
		while (!r->done)	/* the parent hands out nobody before */
			rig_turn(r, false);
	}
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	r->client = fd[0];
	r->eof = r->done = false;
	buf_clear(&r->got);
	ck_assert_int_eq(ipc_send(r->ctl, &m.h, MSG_CLIENT, 0, sizeof m, &fd[1], 1, &e), 0);
	close(fd[1]);
}

void
rig_start(struct rig *r)
{
	int ctl[2], queue[2], capd[2];
	struct err e;

	ck_assert_int_eq(ipc_pair(ctl, &e) | ipc_pair(queue, &e) | ipc_pair(capd, &e), 0);
	fflush(stdout);
	r->pid = fork();
	if (r->pid == 0) {
		struct link l;

		link_init(&l, ctl[1], queue[1], capd[1]);
		close(ctl[0]), close(queue[0]), close(capd[0]);
		child_run(&r->conf, &r->listener, 1, NULL, &l);
	}
	ck_assert_int_gt(r->pid, 0);
	close(ctl[1]), close(queue[1]), close(capd[1]);
	r->ctl = ctl[0], r->queue = queue[0], r->capd = capd[0];
	rig_client(r);
}

void
rig_end(struct rig *r)
{
	int fds[] = { r->client, r->ctl, r->queue, r->capd, r->convertd, r->file, r->next_file }, status;

	ipc_close_fds(fds, 7);
	ck_assert_int_eq(waitpid(r->pid, &status, 0), r->pid);
	ck_assert_msg(WIFEXITED(status), "signal %d", WTERMSIG(status));
	buf_free(&r->message);
	buf_free(&r->block);
	buf_free(&r->got);
	conf_free(&r->conf);
}

/* --- queue --- */

static void
refuse(int sock, uint32_t id, const struct err *why)
{
	struct msg_refused m = { .kind = why->kind };
	struct err e;

	snprintf(m.dsn, sizeof m.dsn, "%s", why->dsn);
	snprintf(m.what, sizeof m.what, "%s", why->what);
	ck_assert_int_eq(ipc_send(sock, &m.h, MSG_REFUSED, id, sizeof m, NULL, 0, &e), 0);
}

/* Does the session process still have the message's file? */
static bool
holds_file(const struct rig *r)
{
	char dir[64], path[400], to[256];
	bool found = false;
	struct dirent *d;
	DIR *at;

	snprintf(dir, sizeof dir, "/proc/%d/fd", (int)r->pid);
	at = opendir(dir);
	while (at != NULL && (d = readdir(at)) != NULL) {
		ssize_t n;

		snprintf(path, sizeof path, "%s/%s", dir, d->d_name);
		n = readlink(path, to, sizeof to - 1);
		if (n > 0) {
			to[n] = '\0';
			found |= strstr(to, "memfd:message") != NULL;
		}
	}
	if (at != NULL)
		closedir(at);
	return found;
}

static void
queue_open(struct rig *r, const struct msg_open *m)
{
	struct msg_id a = { 0 };
	struct err e;

	r->opened++;
	r->open_size = m->size;
	if (r->open_fails.kind != ERR_NONE) {
		refuse(r->queue, m->h.id, &r->open_fails);
		return;
	}
	if (r->file != -1)
		close(r->file);
	r->file = memfd_create("message", MFD_CLOEXEC);
	qid_make(&maker, (uint64_t)clock_us(), a.id);
	memcpy(r->id, a.id, sizeof r->id);
	ck_assert_int_eq(ipc_send(r->queue, &a.h, MSG_OPENED, m->h.id, sizeof a, &r->file, 1, &e), 0);
}

static void
next_is_current(struct rig *r)
{
	close(r->file);
	r->file = r->next_file;
	r->next_file = -1;
	memcpy(r->id, r->next_id, sizeof r->id);
	r->next_id[0] = '\0';
}

static void
queue_committed(struct rig *r, const struct msg_commit *m)
{
	struct msg_committed a = { .next = "" };
	struct err e;

	memcpy(a.id, m->id, sizeof a.id);
	r->wanted += m->next;
	ipc_close_fds(&r->next_file, 1);
	if (m->next && r->give_next) {
		r->next_file = memfd_create("message", MFD_CLOEXEC);
		qid_make(&maker, (uint64_t)clock_us(), a.next);
		memcpy(r->next_id, a.next, sizeof r->next_id);
	}
	ck_assert_int_eq(ipc_send(r->queue, &a.h, MSG_COMMITTED, m->h.id, sizeof a, &r->next_file,
	    r->next_file != -1, &e), 0);
}

static void
queue_commit(struct rig *r, const struct msg_commit *m, size_t len, int fd)
{
	char *to;
	struct err e;

	if (strcmp(m->id, r->next_id) == 0)
		next_is_current(r);
	ck_assert_str_eq(m->id, r->id);
	r->writer_left = holds_file(r);
	r->crc = m->msg_crc;
	buf_clear(&r->message);
	buf_clear(&r->block);
	to = buf_room(&r->message, m->msg_len, &e);
	ck_assert_int_eq(pread(r->file, to, m->msg_len + 1, 0), (ssize_t)m->msg_len);
	r->message.n = m->msg_len;
	to = buf_room(&r->block, m->env_len, &e);
	if (fd != -1)
		ck_assert_int_eq(pread(fd, to, m->env_len, 0), (ssize_t)m->env_len);
	else
		ck_assert_uint_eq(len, sizeof *m + m->env_len);
	if (fd == -1)
		memcpy(to, m + 1, m->env_len);
	r->block.n = m->env_len;
	if (r->commit_fails.kind != ERR_NONE) {
		refuse(r->queue, m->h.id, &r->commit_fails);
		return;
	}
	r->committed++;
	queue_committed(r, m);
}

/* The file once more, to be read. */
static void
queue_read(struct rig *r, const struct msg_id *m)
{
	struct msg_id a = { 0 };
	char path[64];
	struct err e;
	int fd;

	r->read++;
	if (strcmp(m->id, r->next_id) == 0)
		next_is_current(r);
	ck_assert_str_eq(m->id, r->id);
	ck_assert(!holds_file(r));
	if (r->read_fails.kind != ERR_NONE) {
		refuse(r->queue, m->h.id, &r->read_fails);
		return;
	}
	snprintf(path, sizeof path, "/proc/self/fd/%d", r->file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	memcpy(a.id, m->id, sizeof a.id);
	ck_assert_int_eq(ipc_send(r->queue, &a.h, MSG_READABLE, m->h.id, sizeof a, &fd, 1, &e), 0);
	close(fd);
}

static void
queue_packet(struct rig *r)
{
	const struct msg_hdr *h = (const struct msg_hdr *)(void *)packet;
	int fds[MSG_FDS];
	struct err e;
	size_t len;

	if (ipc_recv(r->queue, packet, sizeof packet, &len, fds, &e) != 1 || r->queue_gone) {
		close(r->queue);
		r->queue = -1;
		r->queue_gone = false;
		return;
	}
	if (h->type == MSG_OPEN)
		queue_open(r, (const void *)packet);
	else if (h->type == MSG_COMMIT)
		queue_commit(r, (const void *)packet, len, fds[0]);
	else if (h->type == MSG_READ)
		queue_read(r, (const void *)packet);
	else if (h->type == MSG_ABANDON)
		r->abandoned++;
	else
		ck_abort_msg("queue: packet %u", h->type);
	ipc_close_fds(fds, MSG_FDS);
}

/* --- capd: what it says follows from the local part --- */

static void
capd_packet(struct rig *r)
{
	static const struct { const char *local; uint32_t features, known; } table[] = {
		{ "any", CAP_ANY, 1 }, { "none", CAP_NONE, 1 }, { "temp", CAP_TEMP, 1 },
		{ "nobody", CAP_NONE, 0 }, { "cannot", CAP_TEMP, 2 },
	};
	struct msg_cap_ask ask;
	struct { struct msg_cap m; char text[32000]; } a = { .m = { .features = CAP_KNOWN, .known = 1 } };
	int fds[MSG_FDS];
	struct span addr, local;
	size_t len;
	struct err e;

	if (ipc_recv(r->capd, packet, sizeof packet, &len, fds, &e) != 1) {
		close(r->capd);
		r->capd = -1;
		return;
	}
	memcpy(&ask, packet, sizeof ask);
	ck_assert_uint_eq(len, sizeof ask + ask.addr_len);
	addr = span_of(packet + sizeof ask, ask.addr_len);
	local = span_sub(addr, 0, span_find(addr, '@'));
	r->asked++;
	if (span_is(local, "slow") || (span_is(local, "slowcaps") && ask.want & CAP_WANT_FEATURES))
		return;			/* no answer at all */
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (span_is(local, table[i].local)) {
			a.m.features = table[i].features;
			a.m.known = table[i].known;
		}
	if (span_is(local, "long")) {
		size_t n = (size_t)snprintf(a.text, sizeof a.text, "(|");

		for (int i = 0; i < 600; i++)
			n += (size_t)snprintf(a.text + n, 40, "(&(color=Binary)(dpi=%d))", i + 1);
		snprintf(a.text + n, sizeof a.text - n, ")");
	} else if (span_is(local, "bad")) {
		snprintf(a.text, sizeof a.text, "%s", "(a=b)\r\n250 x");
	} else if (a.m.features == CAP_KNOWN) {
		snprintf(a.text, sizeof a.text, "%s", "(&(color=Binary)(dpi=200))");
	}
	a.m.len = (uint32_t)strlen(a.text);
	ck_assert_int_eq(ipc_send(r->capd, &a.m.h, MSG_CAP, ask.h.id, sizeof a.m + a.m.len, NULL, 0, &e), 0);
}

/* --- convertd --- */

/* Every set has the same fate; of what fails, part 1.2 is the one. */
static int
plan_of(const struct rig *r, uint32_t n, uint64_t *len)
{
	struct plan_verdict v[64] = { 0 };
	struct plan p = { .verdict = v, .nverdict = n };
	struct buf out;
	struct err e;
	int fd = memfd_create("plan", MFD_CLOEXEC);

	ck_assert_uint_le(n, 64);
	for (uint32_t i = 0; i < n; i++) {
		v[i].fate = r->fate;
		if (r->fate == PLAN_EMPTY) {
			snprintf(v[i].dsn, sizeof v[i].dsn, "5.6.5");
			v[i].detail = span_str("part: 1.2 (image/tiff-fx, \"page.tfx\")\nform: MMR\n");
		}
		if (r->fate == PLAN_CONVERTS)
			v[i].key = span_str("1.2=MH");
	}
	buf_init(&out, 65536);
	ck_assert_int_eq(plan_encode(&p, &out, &e), 0);
	ck_assert_int_eq(write(fd, out.p, out.n), (ssize_t)out.n);
	*len = out.n;
	buf_free(&out);
	return fd;
}

static void
convertd_plan(struct rig *r, const struct msg_plan *m, int file)
{
	struct msg_planned a = { .kind = r->plan_fails.kind };
	struct span text = span_of(m + 1, m->caps_len);
	struct plan_set set;
	struct err e;
	int fd = -1;

	r->planned++;
	r->sets = m->ncaps;
	r->planned_len = m->msg_len;
	memcpy(&set, text.p, sizeof set);
	ck_assert_uint_eq(set.wish, WISH_CONPERM);
	span_text(span_sub(text, sizeof set, sizeof set + set.len), r->first_set, sizeof r->first_set);
	ck_assert_int_eq(fcntl(file, F_GETFL) & O_ACCMODE, O_RDONLY);
	ck_assert_int_eq(lseek(file, 0, SEEK_END), (off_t)m->msg_len);
	if (r->plan == PLAN_LATE) {
		*r->shift_ms += MESSAGE_ANSWER_MS - ENSURE_SPARE_MS;
		return;
	}
	if (r->plan == PLAN_BROKEN && r->planned < LINK_PLANS) {
		close(r->convertd);
		r->convertd = -1;
		return;
	}
	if (r->plan == PLAN_CLIENT_GONE) {
		shutdown(r->client, SHUT_RDWR);
		r->eof = true;
	}
	snprintf(a.dsn, sizeof a.dsn, "%s", r->plan_fails.dsn);
	snprintf(a.what, sizeof a.what, "%s", r->plan_fails.what);
	if (a.kind == ERR_NONE)
		fd = plan_of(r, m->ncaps, &a.len);
	ck_assert_int_eq(ipc_send(r->convertd, &a.h, MSG_PLANNED, m->h.id, sizeof a, &fd, fd != -1, &e), 0);
	ipc_close_fds(&fd, 1);
}

static void
convertd_packet(struct rig *r)
{
	const struct msg_hdr *h = (const struct msg_hdr *)(void *)packet;
	int fds[MSG_FDS];
	struct err e;
	size_t len;

	if (ipc_recv(r->convertd, packet, sizeof packet, &len, fds, &e) != 1) {
		close(r->convertd);
		r->convertd = -1;
		return;
	}
	ck_assert_uint_eq(h->type, MSG_PLAN);
	convertd_plan(r, (const void *)packet, fds[0]);
	ipc_close_fds(fds, MSG_FDS);
}

/* --- the parent --- */

static void
ctl_packet(struct rig *r)
{
	struct msg_hdr h;
	struct msg_peer m;
	int fds[MSG_FDS], fd[2];
	size_t len;
	struct err e;

	if (ipc_recv(r->ctl, packet, sizeof packet, &len, fds, &e) != 1) {
		ck_assert_msg(r->stopped, "the session process has gone");
		close(r->ctl);
		r->ctl = -1;
		return;
	}
	memcpy(&h, packet, sizeof h);
	if (h.type == MSG_DONE) {
		r->done = true;
		return;
	}
	ck_assert_uint_eq(h.type, MSG_NEED);
	memcpy(&m, packet, sizeof m);
	if (m.role == ROLE_CONVERTD && r->no_convertd) {
		*r->shift_ms += LINK_NEED_MS;
		return;
	}
	ck_assert_int_eq(ipc_pair(fd, &e), 0);
	*(m.role == ROLE_QUEUE ? &r->queue : m.role == ROLE_CAPD ? &r->capd : &r->convertd) = fd[0];
	r->fresh++;
	if (r->stop_first)
		rig_stop(r);
	ck_assert_int_eq(ipc_send(r->ctl, &m.h, MSG_PEER, 0, sizeof m, &fd[1], 1, &e), 0);
	close(fd[1]);
}

/* --- the client --- */

static void
client_octets(struct rig *r)
{
	struct err e;
	void *to = buf_room(&r->got, 4096, &e);
	ssize_t n = recv(r->client, to, 4096, MSG_DONTWAIT);

	if (n > 0)
		r->got.n += (size_t)n;
	else
		r->eof = true;
}

/* Serves whoever has something to say. */
static void
rig_turn(struct rig *r, bool writing)
{
	struct pollfd p[5] = { { r->eof ? -1 : r->client, POLLIN | (writing ? POLLOUT : 0), 0 },
	    { r->queue, POLLIN, 0 }, { r->capd, POLLIN, 0 }, { r->ctl, POLLIN, 0 },
	    { r->convertd, POLLIN, 0 } };

	ck_assert_msg(poll(p, 5, RIG_WAIT_MS) > 0, "nothing happens; so far: %.*s", (int)r->got.n,
	    (char *)r->got.p);
	if (p[1].revents != 0)
		queue_packet(r);
	if (p[2].revents != 0)
		capd_packet(r);
	if (p[3].revents != 0)
		ctl_packet(r);
	if (p[4].revents != 0)
		convertd_packet(r);
	if (p[0].revents & (POLLIN | POLLHUP))
		client_octets(r);
}

void
rig_send(struct rig *r, struct span s)
{
	while (s.n > 0) {
		ssize_t n = send(r->client, s.p, s.n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0)
			s = span_sub(s, (size_t)n, s.n);
		else
			rig_turn(r, true);
		if (r->eof)
			return;
	}
}

void
rig_stop(struct rig *r)
{
	struct msg_hdr h;
	struct err e;

	ck_assert_int_eq(ipc_send(r->ctl, &h, MSG_STOP, 0, sizeof h, NULL, 0, &e), 0);
	r->stopped = true;
}

void
rig_until(struct rig *r, const uint32_t *count, uint32_t want)
{
	while (*count < want)
		rig_turn(r, false);
}

/* Octets of the first whole reply in got, or 0.  No line may be longer than 512 octets. */
static size_t
whole_reply(const struct rig *r)
{
	struct span all = buf_view(&r->got), rest = all;

	while (rest.n > 0) {
		size_t n = span_find(rest, '\n');

		if (n == rest.n)
			return 0;
		ck_assert_msg(n >= 5 && rest.p[n - 1] == '\r' && n + 1 <= REPLY_MAX, "%.*s", (int)n, rest.p);
		ck_assert(rest.p[3] == ' ' || rest.p[3] == '-');
		if (rest.p[3] == ' ')
			return all.n - rest.n + n + 1;
		rest = span_sub(rest, n + 1, rest.n);
	}
	return 0;
}

const char *
rig_reply(struct rig *r)
{
	static char reply[65536];
	size_t n;

	while ((n = whole_reply(r)) == 0 && !r->eof)
		rig_turn(r, false);
	ck_assert_uint_lt(n, sizeof reply);
	memcpy(reply, r->got.p, n);
	reply[n] = '\0';
	r->got.n -= n;
	memmove(r->got.p, r->got.p + n, r->got.n);
	return reply;
}

void
rig_talk(struct rig *r, const char *text, ...)
{
	const char *want;
	va_list ap;

	rig_send(r, span_str(text));
	va_start(ap, text);
	while ((want = va_arg(ap, const char *)) != NULL) {
		const char *got = rig_reply(r);

		ck_assert_msg(strncmp(got, want, strlen(want)) == 0, "%s: got %s, not %s", text, got, want);
	}
	va_end(ap);
}

void
rig_begin(struct rig *r)
{
	rig_init(r);
	rig_start(r);
	rig_talk(r, "", "220 mx.example ", NULL);
}

void
rig_hello(struct rig *r)
{
	rig_begin(r);
	rig_talk(r, HELLO, "250-mx.example\r\n", NULL);
}

struct span
rig_received_off(const struct rig *r, const char *with)
{
	struct span m = buf_view(&r->message), line;
	char first[200], second[200];
	size_t at;

	snprintf(first, sizeof first, "Received: from client.example ([192.0.2.7])");
	snprintf(second, sizeof second, "\tby mx.example with %s id %s;", with, r->id);
	ck_assert(span_line(&m, &line) && span_is(line, first));
	ck_assert(span_line(&m, &line) && span_is(line, second));
	ck_assert(span_line(&m, &line) && line.n > 20 && line.p[0] == '\t');
	at = (size_t)(m.p - r->message.p);
	ck_assert_uint_eq(memcmp(m.p - 2, "\r\n", 2), 0);
	return span_sub(buf_view(&r->message), at, r->message.n);
}
