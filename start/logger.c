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
#include <unistd.h>

#include "lib/ipc.h"
#include "lib/log.h"
#include "lib/sandbox.h"

enum { LINE_SIZE = 8192, LOG_SOCKET_BYTES = 1 << 20 };

/* One packet is one line, whatever a broken process put into it. */
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

static void
write_all(int out, const unsigned char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = write(out, p, n);

		if (w == -1 && errno != EINTR)
			return;		/* nowhere to complain */
		if (w > 0) {
			p += w;
			n -= (size_t)w;
		}
	}
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
	unsigned char line[LINE_SIZE];

	for (;;) {
		struct pollfd p = { fd, POLLIN, 0 };
		ssize_t n;

		if (poll(&p, 1, -1) == -1)
			continue;
		n = recv(fd, line, sizeof line - 1, MSG_DONTWAIT);
		if (n > 0)
			write_all(out, line, clean_line(line, (size_t)n));
		else if (n == 0 ? at_end(fd, p.revents) : errno != EAGAIN && errno != EINTR)
			return;
	}
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
