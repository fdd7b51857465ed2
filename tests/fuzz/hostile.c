/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "tests/fuzz/hostile.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/qfile.h"

void __wrap_log_line(enum log_level level, const char *id, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

enum { PAD = 8, WITH_QID = 16, RAW = 32, NO_TURN = 64, UNREAD = 128 };

static int64_t *shift;

/* In place of the log: a line stays one line, whatever a peer said. */
void
__wrap_log_line(enum log_level level, const char *id, const char *event, const char *fmt, ...)
{
	char line[4096];
	va_list ap;

	(void)level;
	assert(id == NULL || *id == '\0' || strlen(id) <= QID_LEN);
	for (const char *p = id; p != NULL && *p != '\0'; p++)
		assert((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'v'));
	assert(event != NULL);
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	for (const char *p = line; *p != '\0'; p++)
		assert(*p >= 0x20 && *p < 0x7f);
	if (getenv("FUZZ_LOG") != NULL)
		fprintf(stderr, "%s %s %s\n", id == NULL ? "-" : id, event, line);
}

void
hostile_set_up(void)
{
	int fd = memfd_create("clock", MFD_CLOEXEC);

	signal(SIGPIPE, SIG_IGN);
	if (fd == -1 || ftruncate(fd, sizeof *shift) == -1 || clock_shift(fd) == -1)
		abort();
	shift = mmap(NULL, sizeof *shift, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shift == MAP_FAILED)
		abort();
	close(fd);
}

void
hostile_advance(int64_t ms)
{
	*shift += ms;
}

unsigned
hostile_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	if (d == NULL)
		abort();
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

int
hostile_pair(struct hostile *h, size_t side)
{
	struct err e;
	int fd[2];

	if (ipc_pair(fd, &e) == -1)
		abort();
	if (h->side[side].fd != -1)
		close(h->side[side].fd);
	h->side[side].fd = fd[0];
	h->side[side].nheard = 0;
	return fd[1];
}

void
hostile_qid(struct hostile *h, const char *id)
{
	memcpy(h->qid[h->nqid++ % HOSTILE_HEARD], id, QID_SIZE);
}

static void
stop_now(void *arg)
{
	((struct loop *)arg)->stop = true;
}

void
hostile_turn(struct hostile *h)
{
	struct timer t = { .fire = stop_now, .arg = h->loop };
	struct err e = { 0 };

	for (int i = 0; i < 3; i++) {
		h->loop->stop = false;
		if (loop_timer(h->loop, &t, 0, &e) == -1 || loop_run(h->loop, &e) == -1)
			abort();
		loop_cancel(h->loop, &t);
	}
	h->loop->stop = false;
	if (h->settle != NULL)
		h->settle(h);
}

/* Several messages' packets have ID and number in each item, not behind or in the header. */
static bool
has_items(uint32_t type)
{
	return type == MSG_MARK || type == MSG_MARKED;
}

static uint32_t
number_of(const struct msg_hdr *m)
{
	return m->type == MSG_MARK ? ((const struct msg_marks *)(const void *)m)->mark->number : m->id;
}

void
hostile_read(struct hostile *h, size_t side)
{
	static _Alignas(8) unsigned char packet[MSG_MAX];
	struct hostile_side *s = &h->side[side];
	const struct msg_id *m = (const struct msg_id *)(const void *)packet;
	struct ipc_in in[IPC_SOME];
	static unsigned char msg[IPC_SOME][MSG_MAX];
	struct err e;
	int got;

	while (s->fd != -1 && (got = ipc_recv_some(s->fd, in, msg, &e)) > 0)
		for (int i = 0; i < got; i++) {
			if (in[i].r != 1) {
				assert(in[i].r == 0);	/* what it says is well formed */
				close(s->fd);
				s->fd = -1;
				break;
			}
			memcpy(packet, msg[i], in[i].len);
			s->heard[s->nheard++ % HOSTILE_HEARD] = number_of(&m->h);
			if (in[i].len >= sizeof *m && qid_ok(m->id))
				hostile_qid(h, m->id);
			if (h->heard != NULL)
				h->heard(h, side, &m->h, in[i].len);
			if (in[i].fds[0] != -1) {
				ipc_close_fds(&h->kept, 1);
				h->kept = in[i].fds[0];
				in[i].fds[0] = -1;
			}
			ipc_close_fds(in[i].fds, MSG_FDS);
		}
}

/* A descriptor that a peer might send. */
static int
some_fd(const struct hostile *h, unsigned kind)
{
	int fd = -1, pair[2];

	switch (kind) {
	case 0:
		return -1;
	case 1:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	case 2:
		return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	case 3:
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
			abort();
		close(pair[1]);
		return pair[0];
	case 4:
		if (pipe2(pair, O_CLOEXEC) == -1)
			abort();
		close(pair[1]);
		return pair[0];
	case 5:
		return h->kept == -1 ? -1 : fcntl(h->kept, F_DUPFD_CLOEXEC, 0);
	case 6:
	case 7:
		fd = memfd_create("any", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		if (kind == 7 && (write(fd, "Subject: x\r\n\r\nx\r\n", 17) != 17 ||
		    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == -1))
			abort();
		return fd;
	default:
		return h->file == -1 ? -1 : fcntl(h->file, F_DUPFD_CLOEXEC, 0);
	}
}

/* As ipc_send, but the header is what it is. */
static void
send_raw(int sock, const void *p, size_t n, const int *fds, size_t nfd)
{
	union { char buf[CMSG_SPACE(sizeof(int) * 2)]; struct cmsghdr align; } control = { { 0 } };
	struct iovec iov = { (void *)(uintptr_t)p, n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (nfd > 0) {
		struct cmsghdr *c;

		m.msg_control = control.buf;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * nfd);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * nfd);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * nfd);
	}
	(void)sendmsg(sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
say(struct hostile *h, const unsigned char head[6], struct span body)
{
	static _Alignas(8) unsigned char packet[MSG_MAX];
	struct hostile_side *s = &h->side[head[0] & 7];
	struct msg_hdr *m = (struct msg_hdr *)(void *)packet;
	const struct hostile_row *row = &s->row[head[1] % s->nrow];
	size_t len = sizeof *m + body.n, nfd = 0, id_at = sizeof *m + (has_items(row->type) ? 8 : 0);
	uint32_t number = head[3];
	int fds[2];

	if (s->fd == -1)
		return;
	memset(packet, 0, row->size);
	memcpy(packet + sizeof *m, body.p, body.n);
	if (head[0] & PAD && len < row->size)
		len = row->size;
	if (number >= 64 && s->nheard > 0)
		number = s->heard[number % (s->nheard < HOSTILE_HEARD ? s->nheard : HOSTILE_HEARD)];
	if (has_items(row->type) && len >= id_at + sizeof(struct marked))
		memcpy(packet + id_at + QID_SIZE, &number, sizeof number);
	if (head[0] & WITH_QID && h->nqid > 0 && len >= id_at + QID_SIZE)
		memcpy(packet + id_at, h->qid[(unsigned)(head[3] >> 6) % (h->nqid < HOSTILE_HEARD ?
		    h->nqid : HOSTILE_HEARD)], QID_SIZE);
	for (int i = 0; i < 2; i++)
		if ((fds[nfd] = some_fd(h, head[2] >> 4 * i & 15)) != -1)
			nfd++;
	if (head[0] & RAW && body.n > 0) {
		send_raw(s->fd, body.p, body.n, fds, nfd);
	} else {
		*m = (struct msg_hdr){ ipc_build(), head[1] < 240 ? row->type : head[1], number,
		    (uint32_t)len };
		send_raw(s->fd, packet, len, fds, nfd);
	}
	ipc_close_fds(fds, nfd);
}

/* Beyond the sides: time passes; a side hangs up, or comes again; the descriptor that came is written to,
 * or closed; or what the target has. */
static void
happen(struct hostile *h, const unsigned char head[6], struct span body)
{
	size_t side = head[2] % h->nside;

	switch (head[1] % 8) {
	case 0:
		hostile_advance((int64_t)head[2] * head[2] * 20);
		break;
	case 1:
		ipc_close_fds(&h->side[side].fd, 1);
		break;
	case 2:
		h->open(h, side);
		break;
	case 3:
		(void)!write(h->kept, body.p, body.n);
		break;
	case 4:
		ipc_close_fds(&h->kept, 1);
		break;
	default:
		if (h->other != NULL)
			h->other(h, head[1] % 8u - 5, body);
	}
}

void
hostile_begin(struct hostile *h)
{
	for (size_t i = 0; i < HOSTILE_SIDES; i++)
		h->side[i].fd = -1;
	h->kept = -1;
	h->nqid = 0;
	h->fds = hostile_fds();
	for (size_t i = 0; i < h->nside; i++)
		h->open(h, i);
}

void
hostile_run(struct hostile *h, struct span in)
{
	for (int step = 0; step < HOSTILE_STEPS && in.n >= 6; step++) {
		unsigned char head[6];
		struct span body;

		memcpy(head, in.p, sizeof head);
		body = span_sub(in, 6, 6 + (size_t)(head[4] | head[5] << 8));
		in = span_sub(in, 6 + body.n, in.n);
		if (body.n > MSG_MAX - sizeof(struct msg_hdr))
			continue;
		if ((head[0] & 7u) < h->nside)
			say(h, head, body);
		else
			happen(h, head, body);
		if (!(head[0] & NO_TURN))
			hostile_turn(h);
		for (size_t i = 0; i < h->nside && !(head[0] & (UNREAD | NO_TURN)); i++)
			hostile_read(h, i);
	}
	for (int i = 0; i < 2; i++) {
		hostile_turn(h);
		for (size_t k = 0; k < h->nside; k++)
			hostile_read(h, k);
	}
}

void
hostile_end(struct hostile *h)
{
	for (size_t i = 0; i < h->nside; i++)
		ipc_close_fds(&h->side[i].fd, 1);
	ipc_close_fds(&h->kept, 1);
	hostile_turn(h);
	assert(hostile_fds() == h->fds);
}

void
hostile_write_letter(int fd, struct span text, const char *sender, const char *const *to,
    uint8_t notify)
{
	struct rcpt rcpt[8] = { { .notify = 0 } };
	struct envelope env = { .sender = span_str(sender), .client = span_str("c"), .rcpt = rcpt,
	    .arrival_us = (uint64_t)clock_us() };
	struct qfile q;
	struct buf block;
	struct err e;

	for (; to[env.nrcpt] != NULL; env.nrcpt++)
		rcpt[env.nrcpt] = (struct rcpt){ .addr = span_str(to[env.nrcpt]), .notify = notify };
	buf_init(&block, ENV_MAX);
	if (write(fd, text.p, text.n) != (ssize_t)text.n || envelope_encode(&env, &block, &e) == -1 ||
	    qfile_finish(fd, text.n, crc32c(0, text.p, text.n), buf_view(&block), env.nrcpt, &q, &e) == -1) {
		fprintf(stderr, "letter: %s\n", e.what);
		abort();
	}
	buf_free(&block);
}

int
hostile_letter(struct span text, const char *sender, const char *const *to, uint8_t notify)
{
	int fd = memfd_create("letter", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd == -1)
		abort();
	hostile_write_letter(fd, text, sender, to, notify);
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == -1)
		abort();
	return fd;
}
