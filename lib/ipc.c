/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/ipc.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/msg.h"

uint32_t
ipc_build(void)
{
	static uint32_t build;
	const char *s = ACCORD_VERSION;

	if (build == 0) {
		build = 2166136261u;
		for (; *s != '\0'; s++)
			build = (build ^ (unsigned char)*s) * 16777619u;
		build = (build ^ MSG_LAYOUT) * 16777619u;
	}
	return build;
}

int
ipc_pair(int fd[2], struct err *e)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) == -1)
		return err_sys(e, "socketpair");
	return 0;
}

void
ipc_close_fds(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] != -1) {
			close(fds[i]);
			fds[i] = -1;
		}
}

int
ipc_close_others(const int *keep, size_t n, struct err *e)
{
	unsigned from = 3;

	for (;;) {
		unsigned to = ~0u;

		for (size_t i = 0; i < n; i++)
			if (keep[i] >= 0 && (unsigned)keep[i] >= from && (unsigned)keep[i] < to)
				to = (unsigned)keep[i];
		if (to > from && close_range(from, to == ~0u ? to : to - 1, 0) == -1)
			return err_sys(e, "descriptors");
		if (to == ~0u)
			return 0;
		from = to + 1;
	}
}

static int
ipc_send_by(int sock, int flags, struct msg_hdr *h, uint32_t type, uint32_t id, size_t len,
    const int *fds, size_t nfd, struct err *e)
{
	union { char buf[CMSG_SPACE(sizeof(int) * MSG_FDS)]; struct cmsghdr align; } control;
	struct iovec iov = { h, len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (len < sizeof *h || len > MSG_MAX || nfd > MSG_FDS)
		return err_set(e, ERR_BUG, "5.3.5", "packet %u of %zu octets", type, len);
	*h = (struct msg_hdr){ ipc_build(), type, id, (uint32_t)len };
	if (nfd > 0) {
		struct cmsghdr *c;

		memset(&control, 0, sizeof control);
		m.msg_control = control.buf;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * nfd);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * nfd);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * nfd);
	}
	do
		n = sendmsg(sock, &m, MSG_NOSIGNAL | flags);
	while (n == -1 && errno == EINTR);
	return n == -1 ? err_sys(e, "packet %u", type) : 0;
}

int
ipc_send(int sock, struct msg_hdr *h, uint32_t type, uint32_t id, size_t len, const int *fds,
    size_t nfd, struct err *e)
{
	return ipc_send_by(sock, 0, h, type, id, len, fds, nfd, e);
}

int
ipc_send_now(int sock, struct msg_hdr *h, uint32_t type, uint32_t id, size_t len, const int *fds,
    size_t nfd, struct err *e)
{
	return ipc_send_by(sock, MSG_DONTWAIT, h, type, id, len, fds, nfd, e);
}

/* Takes the descriptors out of the control data; those over MSG_FDS are closed and counted. */
static size_t
ipc_take_fds(struct msghdr *m, int fds[MSG_FDS])
{
	size_t got = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (got < MSG_FDS)
				fds[got] = fd;
			else
				close(fd);
			got++;
		}
	}
	return got;
}

union ipc_control { char buf[CMSG_SPACE(sizeof(int) * 8)]; struct cmsghdr align; };

/* What came, of n octets: as ipc_recv. */
static int
ipc_check(struct msghdr *m, size_t n, int fds[MSG_FDS], struct err *e)
{
	struct msg_hdr h;

	for (size_t i = 0; i < MSG_FDS; i++)
		fds[i] = -1;
	if (n == 0)
		return 0;
	if (ipc_take_fds(m, fds) > MSG_FDS || m->msg_flags & (MSG_TRUNC | MSG_CTRUNC) ||
	    n < sizeof h) {
		ipc_close_fds(fds, MSG_FDS);
		return err_set(e, ERR_PROTO, NULL, "a packet cut short");
	}
	memcpy(&h, m->msg_iov->iov_base, sizeof h);
	if (h.build != ipc_build() || h.len != n) {
		ipc_close_fds(fds, MSG_FDS);
		return err_set(e, ERR_PROTO, NULL, "a packet of another build or length");
	}
	return 1;
}

static int
ipc_recv_by(int sock, int flags, void *msg, size_t max, size_t *len, int fds[MSG_FDS], struct err *e)
{
	union ipc_control control;
	struct iovec iov = { msg, max };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf,
	    .msg_controllen = sizeof control.buf };
	ssize_t n;

	for (size_t i = 0; i < MSG_FDS; i++)
		fds[i] = -1;
	/* A peer that went without having read everything shows as one ECONNRESET, before what it said
	 * last: that is read all the same, then comes the end. */
	do
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC | flags);
	while (n == -1 && (errno == EINTR || errno == ECONNRESET));
	if (n == -1)
		return err_sys(e, "receive");
	*len = (size_t)n;
	return ipc_check(&m, (size_t)n, fds, e);
}

int
ipc_recv(int sock, void *msg, size_t max, size_t *len, int fds[MSG_FDS], struct err *e)
{
	return ipc_recv_by(sock, 0, msg, max, len, fds, e);
}

int
ipc_recv_now(int sock, void *msg, size_t max, size_t *len, int fds[MSG_FDS], struct err *e)
{
	return ipc_recv_by(sock, MSG_DONTWAIT, msg, max, len, fds, e);
}

int
ipc_recv_some(int sock, struct ipc_in in[IPC_SOME], unsigned char msg[][MSG_MAX], struct err *e)
{
	union ipc_control control[IPC_SOME];
	struct iovec iov[IPC_SOME];
	struct mmsghdr m[IPC_SOME];
	int got;

	memset(m, 0, sizeof m);
	for (int i = 0; i < IPC_SOME; i++) {
		iov[i] = (struct iovec){ msg[i], MSG_MAX };
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1,
		    .msg_control = control[i].buf, .msg_controllen = sizeof control[i].buf };
	}
	do		/* ECONNRESET: as in ipc_recv */
		got = recvmmsg(sock, m, IPC_SOME, MSG_CMSG_CLOEXEC | MSG_DONTWAIT, NULL);
	while (got == -1 && (errno == EINTR || errno == ECONNRESET));
	if (got == -1)
		return err_sys(e, "receive");
	for (int i = 0; i < got; i++) {
		in[i].len = m[i].msg_len;
		in[i].r = ipc_check(&m[i].msg_hdr, in[i].len, in[i].fds, &in[i].e);
	}
	return got;
}

int
ipc_call(int sock, struct msg_hdr *h, uint32_t type, size_t hlen, const int *send_fds, size_t nfd,
    void *reply, size_t max, size_t *len, int fds[MSG_FDS], int timeout_ms, struct err *e)
{
	static uint32_t last_id;
	uint32_t id = ++last_id;
	int64_t due = timeout_ms < 0 ? -1 : clock_ms() + timeout_ms;
	int r;

	if (ipc_send(sock, h, type, id, hlen, send_fds, nfd, e) == -1)
		return -1;
	for (;;) {
		struct pollfd p = { sock, POLLIN, 0 };
		int64_t left = due < 0 ? -1 : due - clock_ms();

		if (due >= 0 && left <= 0)
			left = 0;
		r = poll(&p, 1, clock_wait_ms(left));
		if ((r == -1 && errno == EINTR) || (r == 0 && (due < 0 || clock_ms() < due)))
			continue;
		if (r == -1)
			return err_sys(e, "poll");
		if (r == 0) {
			errno = ETIMEDOUT;
			return err_sys(e, "packet %u", type);
		}
		r = ipc_recv(sock, reply, max, len, fds, e);
		if (r == 0) {
			errno = EPIPE;
			return err_sys(e, "packet %u", type);
		}
		if (r == -1)
			return -1;
		if (((struct msg_hdr *)reply)->id == id)
			return 1;
		ipc_close_fds(fds, MSG_FDS);	/* the late answer to one we gave up */
	}
}
