/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sysexits.h>
#include <unistd.h>

/* Exit statuses that say more than "later": sysexits.h, and qmail's. */
static const struct { int status; enum err_kind kind; const char *dsn, *what; } verdicts[] = {
	{ 0, ERR_NONE, NULL, NULL }, { 99, ERR_NONE, NULL, NULL },
	{ 100, ERR_PERM, "5.3.0", "it refuses the message" },
	{ EX_USAGE, ERR_PERM, "5.3.0", "its command line is wrong" },
	{ EX_DATAERR, ERR_PERM, "5.6.0", "the message is wrong" },
	{ EX_NOINPUT, ERR_PERM, "5.3.0", "it has no input" },
	{ EX_NOUSER, ERR_PERM, "5.1.1", "there is no such user" },
	{ EX_NOHOST, ERR_PERM, "5.1.2", "there is no such host" },
	{ EX_UNAVAILABLE, ERR_PERM, "5.3.0", "it does not do this" },
	{ EX_SOFTWARE, ERR_PERM, "5.3.0", "it has a fault" },
	{ EX_OSERR, ERR_TEMP, "4.3.0", "an error of the system" },
	{ EX_OSFILE, ERR_PERM, "5.3.5", "a file of the system is missing" },
	{ EX_CANTCREAT, ERR_PERM, "5.2.0", "it cannot make a file" },
	{ EX_IOERR, ERR_TEMP, "4.3.0", "an error of input or output" },
	{ EX_TEMPFAIL, ERR_TEMP, "4.3.0", "not now" },
	{ EX_PROTOCOL, ERR_PERM, "5.5.0", "an error of a protocol" },
	{ EX_NOPERM, ERR_PERM, "5.7.0", "it has no right to do this" },
	{ EX_CONFIG, ERR_PERM, "5.3.5", "its settings are wrong" },
	{ 111, ERR_TEMP, "4.3.0", "not now" },
	{ 126, ERR_TEMP, "4.3.5", "it cannot be started" }, { 127, ERR_TEMP, "4.3.5", "there is no such program" },
};

int
program_verdict(const struct msg_program_ended *m, struct err *e)
{
	const char *between = m->text[0] != '\0' ? ": " : "";

	if (m->end == PROGRAM_LATE)
		return err_set(e, ERR_TEMP, "4.3.0", "the program took too long, and was killed%s%s", between, m->text);
	if (m->end != PROGRAM_EXITED)
		return err_set(e, ERR_TEMP, "4.3.0", "the program died by signal %u%s%s", m->status, between, m->text);
	for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
		if ((uint32_t)verdicts[i].status != m->status)
			continue;
		return verdicts[i].kind == ERR_NONE ? 0 : err_set(e, verdicts[i].kind, verdicts[i].dsn,
		    "the program says: %s", m->text[0] != '\0' ? m->text : verdicts[i].what);
	}
	return err_set(e, ERR_TEMP, "4.3.0", "the program ended with %u%s%s", m->status, between, m->text);
}

/* Until fd is ready; it is an error that our parent has gone. */
static int
program_wait(const struct program *p, int fd, short events, struct err *e)
{
	for (;;) {
		struct pollfd f[2] = { { fd, events, 0 }, { p->parent, 0, 0 } };

		if (poll(f, 2, -1) == -1 && errno != EINTR)
			return err_sys(e, "poll");
		if (f[1].revents != 0)
			return err_set(e, ERR_TEMP, "4.3.0", "our own parent has gone");
		if (f[0].revents != 0)
			return 0;
	}
}

/* The next packet of who minds it.  *in: a descriptor that came with it, or -1. */
static int
program_hear(struct program *p, struct msg_refused *m, int *in, struct err *e)
{
	int fds[MSG_FDS];
	size_t len;

	if (program_wait(p, p->fd, POLLIN, e) == -1)
		return -1;
	if (ipc_recv(p->fd, m, sizeof *m, &len, fds, e) != 1)
		return err_set(e, ERR_TEMP, "4.3.0", "who minds the program has gone");
	*in = fds[0];
	ipc_close_fds(fds + 1, MSG_FDS - 1);
	if (m->h.type != MSG_REFUSED || len != sizeof *m)
		return 0;
	m->dsn[sizeof m->dsn - 1] = m->what[sizeof m->what - 1] = '\0';
	return err_set(e, ERR_TEMP, m->dsn, "%s", m->what);
}

/* What it does not read is its own affair (RFC 5321 knows nothing of it); its exit status counts. */
static int
program_write(void *arg, struct span s, struct err *e)
{
	struct program *p = arg;

	while (s.n > 0 && p->in != -1) {
		ssize_t n = write(p->in, s.p, s.n);

		if (n == -1 && errno == EPIPE) {
			close(p->in);
			p->in = -1;
		} else if (n == -1 && errno != EAGAIN && errno != EINTR) {
			return err_sys(e, "program: write");
		} else if (n == -1 && program_wait(p, p->in, POLLOUT, e) == -1) {
			return -1;
		}
		s = span_sub(s, n > 0 ? (size_t)n : 0, s.n);
	}
	return 0;
}

int
program_begin(struct program *p, int fd, int parent, bool binary, struct err *e)
{
	struct msg_refused m;
	struct msg_hdr h;

	*p = (struct program){ .fd = fd, .parent = parent, .in = -1 };
	letter_init(&p->letter, binary, program_write, p);
	if (fd == -1)
		return err_set(e, ERR_TEMP, "4.3.2", "programs cannot be started just now");
	if (ipc_send(fd, &h, MSG_PROGRAM_GO, 0, sizeof h, NULL, 0, e) == -1 || program_hear(p, &m, &p->in, e) == -1)
		return -1;
	if (m.h.type != MSG_PROGRAM_INPUT || p->in == -1 || fcntl(p->in, F_SETFL, O_WRONLY | O_NONBLOCK) == -1)
		return err_set(e, ERR_TEMP, "4.3.0", "the program has no input");
	return 0;
}

int
program_end(struct program *p, struct err *e)
{
	union { struct msg_refused refused; struct msg_program_ended ended; } m;
	struct msg_hdr h;
	int none;

	if (letter_end(&p->letter, e) == -1)
		return -1;
	if (p->in != -1)
		close(p->in);
	p->in = -1;
	/* it may have ended already, and who minds it too */
	(void)ipc_send(p->fd, &h, MSG_PROGRAM_FED, 0, sizeof h, NULL, 0, e);
	if (program_hear(p, &m.refused, &none, e) == -1)
		return -1;
	ipc_close_fds(&none, 1);
	if (m.ended.h.type != MSG_PROGRAM_ENDED || m.ended.h.len != sizeof m.ended)
		return err_set(e, ERR_TEMP, "4.3.0", "who minds the program said packet %u", m.ended.h.type);
	m.ended.text[sizeof m.ended.text - 1] = '\0';
	return program_verdict(&m.ended, e);
}

void
program_free(struct program *p)
{
	if (p->in != -1)
		close(p->in);
	p->in = -1;
	letter_free(&p->letter);
}
