/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "auth/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"

/* --- the program's own process --- */

static _Noreturn void
become(char *const argv[], const char *client, int input)
{
	char from[80];
	char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
	char *env[] = { path, from, NULL };
	int null = open("/dev/null", O_RDWR);

	snprintf(from, sizeof from, "TCPREMOTEIP=%s", client);
	if ((input = fcntl(input, F_DUPFD, 10)) == -1 || null == -1 || dup2(null, 0) == -1 || dup2(null, 1) == -1 ||
	    dup2(null, 2) == -1 || dup2(input, 3) == -1 || close_range(4, ~0u, 0) == -1 || chdir("/") == -1)
		_exit(111);
	setpgid(0, 0);
	umask(077);
	signal(SIGPIPE, SIG_DFL);
	execve(argv[0], argv, env);
	_exit(111);
}

/* argv of the line, in text; false: it has too many words. */
static bool
words_of(struct span line, char text[4096], char *argv[PROGRAM_ARGS + 1])
{
	struct span rest = line, word;
	size_t at = 0, n = 0;

	while (span_word(&rest, &word)) {
		if (n == PROGRAM_ARGS || at + word.n + 1 > 4096)
			return false;
		memcpy(text + at, word.p, word.n);
		text[at + word.n] = '\0';
		argv[n++] = text + at;
		at += word.n + 1;
	}
	argv[n] = NULL;
	return n > 0;
}

/* Its exit status, as a shell has it.  Who asked has gone, or it takes too long: it is killed. */
static uint32_t
outcome_of(pid_t pid, int asker)
{
	int64_t due = clock_ms() + PROGRAM_MS;
	int status = 0, fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p[2] = { { fd, POLLIN, 0 }, { asker, POLLIN, 0 } };
	int64_t left;

	while (fd != -1 && (left = due - clock_ms()) > 0 && poll(p, 2, clock_wait_ms(left)) <= 0)
		;
	kill(-pid, SIGKILL);		/* what it left behind, too: it keeps its number until it is waited for */
	if (!(p[0].revents & POLLIN))
		kill(pid, SIGKILL);	/* it may not have a group yet */
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	return WIFEXITED(status) ? (uint32_t)WEXITSTATUS(status) : 128u + (uint32_t)WTERMSIG(status);
}

/* What is for descriptor 3 fits into a pipe, so it need not be waited for. */
static uint32_t
run(char *const argv[], const char *client, struct span input, int asker)
{
	int in[2];
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) == -1)
		return 111;
	if (write(in[1], input.p, input.n) != (ssize_t)input.n || close(in[1]) == -1 || (pid = fork()) == -1)
		return 111;
	if (pid == 0)
		become(argv, client, in[0]);
	close(in[0]);
	return outcome_of(pid, asker);
}

/* --- who runs it: one login --- */

static _Noreturn void
serve(const struct conf *c, int asker)
{
	struct { struct msg_checkpassword m; unsigned char input[PROGRAM_INPUT]; } ask;
	struct msg_outcome m = { .status = 111 };
	char text[4096], *argv[PROGRAM_ARGS + 1];
	const struct span *lines;
	uint32_t n = conf_lines(c, CONF_AUTH, &lines);
	int fds[MSG_FDS];
	struct authline a;
	struct err e;
	size_t len;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_DFL);
	if (ipc_close_others(&asker, 1, &e) == -1 || ipc_recv(asker, &ask, sizeof ask, &len, fds, &e) != 1)
		_exit(0);		/* it was not needed */
	ask.m.client[sizeof ask.m.client - 1] = '\0';
	if (ask.m.h.type == MSG_CHECKPASSWORD && len > sizeof ask.m && ask.m.line < n && authline_parse(lines[ask.m.line], &a, &e) == 0 &&
	    a.kind == AUTH_PROGRAM && words_of(a.arg, text, argv))
		m.status = run(argv, ask.m.client, span_of(ask.input, len - sizeof ask.m), asker);
	explicit_bzero(&ask.input, sizeof ask.input);
	(void)ipc_send(asker, &m.h, MSG_OUTCOME, ask.m.h.id, sizeof m, NULL, 0, &e);
	_exit(0);
}

static _Noreturn void
serve_all(const struct conf *c, int fd)
{
	struct err e = { 0 };

	signal(SIGCHLD, SIG_IGN);	/* nobody waits for who serves one */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ipc_close_others(&fd, 1, &e) == -1)
		_exit(1);
	for (;;) {
		struct msg_hdr h;
		int fds[MSG_FDS];
		size_t len;

		if (ipc_recv(fd, &h, sizeof h, &len, fds, &e) != 1)
			_exit(0);	/* accord-auth has gone */
		if (h.type == MSG_SESSION && fds[0] != -1 && fork() == 0)
			serve(c, fds[0]);
		ipc_close_fds(fds, MSG_FDS);
	}
}

int
program_start(const struct conf *c, int *fd, struct err *e)
{
	int pair[2];
	pid_t pid;

	if (ipc_pair(pair, e) == -1)
		return -1;
	if ((pid = fork()) == -1) {
		err_sys(e, "fork");
		ipc_close_fds(pair, 2);
		return -1;
	}
	if (pid == 0)
		serve_all(c, pair[1]);
	close(pair[1]);
	*fd = pair[0];
	return 0;
}

/* --- who asks --- */

int
program_ask(int fd, uint32_t line, const struct login *l, struct err *e)
{
	struct { struct msg_checkpassword m; char input[PROGRAM_INPUT]; } ask = { .m = { .line = line } };
	struct msg_outcome got;
	size_t user_n = strlen(l->user), n = user_n + 1 + l->word_n + 1, len;
	int fds[MSG_FDS], r;
	char stamp[24];
	int stamp_n = snprintf(stamp, sizeof stamp, "%lld", (long long)(clock_us() / 1000000)) + 1;

	if (n + (size_t)stamp_n > sizeof ask.input)	/* it could not have been told it */
		return err_set(e, ERR_PERM, "5.7.8", "wrong name or password");
	memcpy(ask.m.client, l->client, sizeof ask.m.client);
	memcpy(ask.input, l->user, user_n + 1);
	memcpy(ask.input + user_n + 1, l->word, l->word_n);
	memcpy(ask.input + n, stamp, (size_t)stamp_n);
	r = fd == -1 ? err_set(e, ERR_TEMP, "4.7.0", "nobody runs programs now") :
	    ipc_call(fd, &ask.m.h, MSG_CHECKPASSWORD, sizeof ask.m + n + (size_t)stamp_n, NULL, 0, &got, sizeof got, &len, fds,
	    PROGRAM_MS + 1000, e);
	explicit_bzero(&ask, sizeof ask);
	if (r == -1)
		return err_in(e, "checkpassword");
	ipc_close_fds(fds, MSG_FDS);
	if (got.h.type != MSG_OUTCOME || len != sizeof got)
		return err_set(e, ERR_TEMP, "4.7.0", "checkpassword: a packet %u", got.h.type);
	if (got.status == 0)
		return 0;
	return got.status == 1 ? err_set(e, ERR_PERM, "5.7.8", "wrong name or password") :
	    err_set(e, ERR_TEMP, "4.7.0", "checkpassword: the program ended with status %u", got.status);
}
