/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "cmd/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/daemon.h"

enum { CONTROL_WAIT_MS = 60000, CONTROL_PAUSE_MS = 100 };

bool
control_again(const struct home *h, int sys)
{
	if ((sys != ENOENT && sys != ECONNREFUSED && sys != ECONNRESET) || clock_ms() >= h->await_ms)
		return false;
	poll(NULL, 0, CONTROL_PAUSE_MS);
	return true;
}

static int
connect_once(const struct home *h, struct err *e)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = -1, dir = -1;
	char path[560];

	/* A socket's name has 107 octets at most; through /proc any path fits. */
	snprintf(path, sizeof path, "%s", h->socket);
	*strrchr(path, '/') = '\0';
	if ((dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)) != -1) {
		snprintf(sun.sun_path, sizeof sun.sun_path, "/proc/self/fd/%d/%s", dir,
		    strrchr(h->socket, '/') + 1);
		fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	}
	if (fd == -1 || connect(fd, (struct sockaddr *)&sun, sizeof sun) == -1) {
		err_sys(e, "%s: accord does not run there", h->socket);
		if (fd != -1)
			close(fd);
		fd = -1;
	}
	if (dir != -1)
		close(dir);
	return fd;
}

int
control_connect(const struct home *h, struct err *e)
{
	int fd;

	do
		fd = connect_once(h, e);
	while (fd == -1 && control_again(h, e->sys));
	return fd;
}

int
control_refused(const struct msg_refused *no, struct err *e)
{
	char dsn[sizeof no->dsn];

	span_text(span_of(no->dsn, strnlen(no->dsn, sizeof no->dsn - 1)), dsn, sizeof dsn);
	return err_set(e, no->kind == ERR_TEMP ? ERR_TEMP : ERR_PERM, dsn[0] != '\0' ? dsn : NULL, "%.*s (%s)",
	    (int)sizeof no->what - 1, no->what, dsn);
}

int
control_call_fds(int sock, struct msg_hdr *h, uint32_t type, size_t hlen, int fd, int wait_ms, void *reply,
    size_t max, size_t *len, int fds[MSG_FDS], struct err *e)
{
	const struct msg_refused *no = reply;

	if (ipc_call(sock, h, type, hlen, &fd, fd == -1 ? 0 : 1, reply, max, len, fds, wait_ms, e) == -1) {
		if (e->sys != EPIPE)
			return err_in(e, "control");
		return err_set(e, ERR_TEMP, NULL, "no answer: the accord that runs there is being "
		    "stopped, or is of another version than this command, and wants to be started again");
	}
	if (no->h.type != MSG_REFUSED)
		return 0;
	ipc_close_fds(fds, MSG_FDS);
	if (*len != sizeof *no)
		return err_set(e, ERR_PROTO, NULL, "control: an answer of %zu octets", *len);
	return control_refused(no, e);
}

int
control_call(int sock, struct msg_hdr *h, uint32_t type, size_t hlen, int fd, void *reply,
    size_t max, size_t *len, struct err *e)
{
	int fds[MSG_FDS];

	if (control_call_fds(sock, h, type, hlen, fd, CONTROL_WAIT_MS, reply, max, len, fds, e) == -1)
		return -1;
	ipc_close_fds(fds, MSG_FDS);
	return 0;
}

int
own_converter_start(struct own_converter *c, struct err *e)
{
	char program[600];
	int pair[2];

	if (c->sock != -1)
		return 0;
	if (cmd_program("accord-convertd", program, sizeof program, e) == -1 || ipc_pair(pair, e) == -1)
		return -1;
	if ((c->pid = fork()) == 0) {
		if (dup2(pair[1], DAEMON_FD) == DAEMON_FD)
			execl(program, "accord-convertd", "-1", (char *)NULL);
		_exit(127);
	}
	close(pair[1]);
	if (c->pid == -1) {
		close(pair[0]);
		return err_sys(e, "fork");
	}
	c->sock = pair[0];
	return 0;
}

void
own_converter_end(struct own_converter *c)
{
	if (c->sock == -1)
		return;
	close(c->sock);
	waitpid(c->pid, NULL, 0);
	*c = OWN_CONVERTER;
}

int
own_converter_features(void *arg, struct span image, struct buf *out, struct err *e)
{
	struct own_converter *c = arg;
	struct blob features = { 0 };
	int fd, r;

	if (own_converter_start(c, e) == -1 || (fd = cmd_memfd(image, e)) == -1)
		return -1;
	r = converter_ask_features(c->sock, fd, CONVERTER_PLAN_MS, &features, e);
	close(fd);
	if (r == 0)
		r = buf_add(out, blob_view(&features), e);
	blob_free(&features);
	return r;
}

int
cmd_memfd(struct span s, struct err *e)
{
	int fd = memfd_create("accord", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	while (fd != -1 && s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n == -1 && errno != EINTR) {
			err_sys(e, "memfd");
			close(fd);
			return -1;
		}
		if (n > 0)
			s = span_sub(s, (size_t)n, s.n);
	}
	if (fd == -1 || lseek(fd, 0, SEEK_SET) == -1)
		return err_sys(e, "memfd");
	return fd;
}
