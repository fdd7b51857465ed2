/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "start/logger.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/ipc.h"
#include "lib/log.h"
#include "lib/sandbox.h"

enum {
	LINE_SIZE = 8192,		/* octets of a packet; what is longer is cut */
	LOGGER_BATCH = 32,		/* packets taken at once, and so at most lost by a kill -9 */
	LOGGER_CHUNK = 4096,		/* PIPE_BUF: a write of so much to a pipe is whole or not at all */
	LOGGER_PAUSE_MS = 4,		/* after a write: what is said meanwhile is written together */
	LOG_SOCKET_BYTES = 1 << 20
};

/* One packet is one line, whatever a broken process put into it.  There is room for one octet more. */
static size_t
clean_line(unsigned char *line, size_t n)
{
	while (n > 0 && line[n - 1] == '\n')
		n--;
	for (size_t i = 0; i < n; i++)
		if (line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[n++] = '\n';
	return n;
}

/*
 * Where the lines go.  A full disk, or a pipe without a reader, loses lines; it is tried anew with each
 * batch.  lost: how many since the last that could be written; cut: of the last a part was; sys: why.
 */
struct sink { int fd; unsigned long lost; bool cut; int sys; };

/* Changes v.  How many of the lines were written whole; those behind them are not tried. */
static int
write_all(struct sink *s, struct iovec *v, int n)
{
	int done = 0;

	while (done < n) {
		struct pollfd p = { s->fd, POLLOUT, 0 };
		ssize_t w = writev(s->fd, v + done, n - done);

		if (w == -1 && errno == EAGAIN && poll(&p, 1, -1) != -1)
			continue;	/* whoever started us shares a pipe that does not block */
		if (w == -1 && errno != EINTR) {
			s->sys = errno;
			break;
		}
		for (; w > 0 && (size_t)w >= v[done].iov_len; done++) {
			w -= (ssize_t)v[done].iov_len;
			s->cut = false;
		}
		if (w > 0) {
			v[done].iov_base = (unsigned char *)v[done].iov_base + w;
			v[done].iov_len -= (size_t)w;
			s->cut = true;
		}
	}
	return done;
}

/* Before the next line: a cut one is ended, or both would read as one, and what was lost is told. */
static bool
make_up(struct sink *s)
{
	char line[LOG_LINE_SIZE], end[] = "\n";
	struct iovec v[2];
	int n = 0;

	if (s->cut)
		v[n++] = (struct iovec){ end, 1 };
	if (s->lost > 0)
		v[n++] = (struct iovec){ line, log_text(line, LOG_ERR, "not-written", "dropped=%lu why=%s",
		    s->lost, log_q(strerror(s->sys))) };
	if (write_all(s, v, n) < n)
		return false;
	s->lost = 0;
	return true;
}

static void
write_some(struct sink *s, struct iovec *v, int n)
{
	if (n > 0)
		s->lost += (unsigned long)(make_up(s) ? n - write_all(s, v, n) : n);
}

/* Whole lines, as many at once as a pipe takes at once: killed between two writes it leaves no half. */
static void
write_lines(struct sink *s, struct iovec *v, int n)
{
	int from = 0;
	size_t size = 0;

	for (int i = 0; i < n; i++) {
		if (size + v[i].iov_len > LOGGER_CHUNK) {
			write_some(s, v + from, i - from);
			from = i;
			size = 0;
		}
		size += v[i].iov_len;
	}
	write_some(s, v + from, n - from);
}

/* Takes what is there, up to LOGGER_BATCH packets, and writes it.  How many, or -1: nothing comes. */
static int
logger_batch(int fd, struct sink *out)
{
	static unsigned char line[LOGGER_BATCH][LINE_SIZE + 1];
	struct iovec v[LOGGER_BATCH];
	struct mmsghdr m[LOGGER_BATCH] = { 0 };
	int got, n = 0;

	for (int i = 0; i < LOGGER_BATCH; i++) {
		v[i] = (struct iovec){ line[i], LINE_SIZE };
		m[i].msg_hdr.msg_iov = &v[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	got = recvmmsg(fd, m, LOGGER_BATCH, MSG_DONTWAIT, NULL);
	if (got == -1)
		return errno == EAGAIN || errno == EINTR || errno == ECONNRESET ? 0 : -1;
	for (int i = 0; i < got; i++)
		if (m[i].msg_len > 0)		/* an empty one, or the end */
			v[n++] = (struct iovec){ line[i], clean_line(line[i], m[i].msg_len) };
	write_lines(out, v, n);
	return got;
}

/* An empty packet reads like the end: it is the end when no writer and no octet is left. */
static bool
at_end(int fd, short revents)
{
	int left = 0;

	return revents & POLLHUP && ioctl(fd, FIONREAD, &left) == 0 && left == 0;
}

void
logger_run(int fd, int out)
{
	struct sink s = { .fd = out };

	for (;;) {
		struct pollfd p = { fd, POLLIN, 0 };
		int got;

		if (poll(&p, 1, -1) == -1)
			continue;
		if (at_end(fd, p.revents) || (got = logger_batch(fd, &s)) == -1)
			break;
		/* a line after silence is written at once; those behind it share the next write */
		if (got < LOGGER_BATCH && !(p.revents & POLLHUP))
			(void)poll(NULL, 0, LOGGER_PAUSE_MS);
	}
	(void)make_up(&s);
}

/* nolandlock is not known yet when this process starts: it takes what the kernel has.  The daemons
 * insist. */
static _Noreturn void
logger_child(const struct logger *l)
{
	int in = fcntl(l->in, F_DUPFD, 10);
	struct err e = { 0 };
	sigset_t none;

	log_open("log");
	setpgid(0, 0);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (in == -1 || dup2(l->out, 2) == -1 || dup2(in, 3) == -1 || close_range(4, ~0u, 0) == -1) {
		log_line(LOG_ERR, NULL, "cannot-start", "why=%s", log_q(strerror(errno)));
		_exit(1);
	}
	if (account_take(l->who, ROLE_START, &e) == -1 || sandbox_enter(SB_LOG, NULL, 0, true, &e) == -1) {
		log_line(LOG_ERR, NULL, "cannot-start", "why=%s", log_q(e.what));
		_exit(1);
	}
	logger_run(3, 2);
	_exit(0);
}

int
logger_again(struct logger *l, struct err *e)
{
	l->pid = fork();
	if (l->pid == 0)
		logger_child(l);
	return l->pid == -1 ? err_sys(e, "fork") : 0;
}

int
logger_start(struct logger *l, const struct accounts *who, int *fd, struct err *e)
{
	int pair[2], size = LOG_SOCKET_BYTES;

	if (ipc_pair(pair, e) == -1)
		return -1;
	if (setsockopt(pair[1], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) == -1)
		(void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	*l = (struct logger){ who, -1, pair[0], fcntl(2, F_DUPFD_CLOEXEC, 10) };
	if (l->out == -1)
		err_sys(e, "standard error");
	if (l->out == -1 || logger_again(l, e) == -1) {
		ipc_close_fds(pair, 2);
		ipc_close_fds(&l->out, 1);
		return -1;
	}
	*fd = pair[1];
	return 0;
}
