/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "start/logger.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
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

/* nolandlock is not known yet, and this process starts before anything is open: it takes what the
 * kernel has.  The daemons insist. */
static _Noreturn void
logger_child(const struct accounts *who, int fd)
{
	struct err e = { 0 };

	log_open("log");
	setpgid(0, 0);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (account_take(who, ROLE_START, &e) == -1 || sandbox_enter(SB_LOG, NULL, 0, true, &e) == -1) {
		log_line(LOG_ERR, NULL, "cannot-start", "why=%s", log_q(e.what));
		_exit(1);
	}
	logger_run(fd, 2);
	_exit(0);
}

int
logger_start(const struct accounts *who, pid_t *pid, int *fd, struct err *e)
{
	int pair[2], size = LOG_SOCKET_BYTES;

	if (ipc_pair(pair, e) == -1)
		return -1;
	(void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	*pid = fork();
	if (*pid == -1) {
		err_sys(e, "fork");
		ipc_close_fds(pair, 2);
		return -1;
	}
	if (*pid == 0) {
		close(pair[1]);
		logger_child(who, pair[0]);
	}
	close(pair[0]);
	*fd = pair[1];
	return 0;
}
