/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/mailbox.h"
#include "lib/msg.h"

/* What is run, for whom; the strings lie in the packet. */
struct task { const char *user, *command, *env[PROGRAM_STRINGS]; uint32_t nenv; };

/* A program that runs. */
struct run {
	int up, in, out, pidfd;		/* in: its input, which ends when we say so */
	pid_t pid;
	char line[PROGRAM_TEXT];	/* its last line so far, n octets of it; over: a new one begins */
	size_t n;
	bool over;
};

bool
runner_wanted(const struct conf *conf)
{
	const struct span *lines;
	uint32_t n = conf_lines(conf, CONF_MAILBOXES, &lines);

	for (uint32_t i = 0; i < n; i++)
		if (mailbox_line_kind(lines[i]) == MAILBOX_PIPE)
			return true;
	return false;
}

/* --- in the program's process, up to its start --- */

static int
become(const struct passwd *pw)
{
	if (geteuid() != 0)
		return pw->pw_uid == geteuid() ? 0 : -1;
	if (pw->pw_uid == 0 || pw->pw_gid == 0)
		return -1;
	return initgroups(pw->pw_name, pw->pw_gid) == -1 || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == -1 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) == -1 || setuid(0) == 0 ? -1 : 0;
}

/* Nothing of ours but its input and output, and a clean environment. */
static _Noreturn void
program_exec(const struct task *t, const struct passwd *pw, int in, int out)
{
	char user[128], logname[128], home[600], shell[] = "SHELL=/bin/sh",
	    path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
	const char *env[PROGRAM_STRINGS + 6] = { user, logname, home, shell, path };
	const struct rlimit none = { 0, 0 };
	sigset_t all;

	for (uint32_t i = 0; i < t->nenv; i++)
		env[5 + i] = t->env[i];
	snprintf(user, sizeof user, "USER=%s", pw->pw_name);
	snprintf(logname, sizeof logname, "LOGNAME=%s", pw->pw_name);
	snprintf(home, sizeof home, "HOME=%s", pw->pw_dir);
	sigfillset(&all);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	for (int s = 1; s < NSIG; s++)
		(void)signal(s, SIG_DFL);
	umask(077);
	if (setsid() == -1 || setrlimit(RLIMIT_CORE, &none) == -1 || dup2(in, 0) == -1 || dup2(out, 1) == -1 ||
	    dup2(out, 2) == -1 || close_range(3, ~0u, 0) == -1 || become(pw) == -1)
		_exit(126);
	if (chdir(pw->pw_dir) == -1 && chdir("/") == -1)
		_exit(126);
	execle("/bin/sh", "sh", "-c", t->command, (char *)NULL, env);
	_exit(126);
}

/* --- who minds it --- */

static int
task_read(struct task *t, const struct msg_program *m, size_t len, struct err *e)
{
	const char *at = (const char *)(m + 1), *end = (const char *)m + len;
	const char *string[PROGRAM_STRINGS + 2] = { NULL };

	if (len < sizeof *m || m->h.type != MSG_PROGRAM || m->n < 2 || m->n > PROGRAM_STRINGS + 2)
		return err_set(e, ERR_PROTO, NULL, "a program's packet of %zu octets", len);
	for (uint32_t i = 0; i < m->n; i++) {
		const char *nul = memchr(at, '\0', (size_t)(end - at));

		if (nul == NULL)
			return err_set(e, ERR_PROTO, NULL, "a program's packet that is cut short");
		string[i] = at;
		at = nul + 1;
	}
	*t = (struct task){ .user = string[0], .command = string[1], .nenv = m->n - 2 };
	for (uint32_t i = 0; i < t->nenv; i++)
		t->env[i] = string[2 + i];
	return 0;
}

/* What it says: of its last line the beginning is kept. */
static void
run_hear(struct run *r)
{
	char some[4096];
	ssize_t n = read(r->out, some, sizeof some);

	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR)) {
		close(r->out);
		r->out = -1;
	}
	for (ssize_t i = 0; i < n; i++) {
		if (some[i] == '\n') {
			r->over = true;
			continue;
		}
		if (r->over)
			r->n = 0;
		r->over = false;
		if (r->n < sizeof r->line - 1)
			r->line[r->n++] = some[i];
	}
	r->line[r->n] = '\0';
}

static int
run_start(const struct task *t, struct run *r, struct err *e)
{
	const struct passwd *pw = getpwnam(t->user);
	struct msg_hdr h;
	int in[2], out[2];

	if (pw == NULL)
		return err_set(e, ERR_TEMP, "4.3.5", "mailboxes: pipe: no user %s", t->user);
	if (geteuid() == 0 ? pw->pw_uid == 0 || pw->pw_gid == 0 : pw->pw_uid != geteuid())
		return err_set(e, ERR_TEMP, "4.3.5", "mailboxes: pipe: %s", geteuid() == 0 ?
		    "nothing is run as root" : "a program of another user's can only be run by root");
	if (pipe2(in, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1)
		return err_sys(e, "pipe");
	if ((r->pid = fork()) == 0)
		program_exec(t, pw, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	r->in = in[1];
	r->out = out[0];
	if (r->pid == -1)
		return err_sys(e, "fork");
	r->pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	if (r->pidfd == -1 || fcntl(r->out, F_SETFL, O_NONBLOCK) == -1)
		return err_sys(e, "program");
	return ipc_send(r->up, &h, MSG_PROGRAM_INPUT, 0, sizeof h, &r->in, 1, e);
}

/* The delivery says that the input is whole, or it has gone: then so shall the program. */
static bool
run_told(struct run *r)
{
	struct msg_hdr h;
	int fds[MSG_FDS];
	struct err e;
	size_t len;

	if (ipc_recv_now(r->up, &h, sizeof h, &len, fds, &e) != 1 || h.type != MSG_PROGRAM_FED)
		return false;
	close(r->in);
	r->in = -1;
	return true;
}

/* Until it ends, is late, or nobody waits for it. */
static enum program_end
run_watch(struct run *r)
{
	int64_t due = clock_ms() + RUNNER_MS;

	for (;;) {
		struct pollfd p[3] = { { r->pidfd, POLLIN, 0 }, { r->up, POLLIN, 0 }, { r->out, POLLIN, 0 } };
		int64_t left = due - clock_ms();

		if (left <= 0)
			return PROGRAM_LATE;
		if (poll(p, 3, clock_wait_ms(left)) <= 0)
			continue;
		if (p[2].revents != 0)
			run_hear(r);
		else if (p[0].revents != 0)
			return PROGRAM_EXITED;
		if (p[1].revents != 0 && !run_told(r))
			return PROGRAM_LATE;
	}
}

static void
run_end(struct run *r, enum program_end end)
{
	struct msg_program_ended m = { .end = end };
	struct err ignored;
	int status = 0;

	if (end == PROGRAM_LATE) {
		kill(-r->pid, SIGKILL);		/* its group, */
		kill(r->pid, SIGKILL);		/* which it may not have made yet */
	}
	while (waitpid(r->pid, &status, 0) == -1 && errno == EINTR)
		;
	if (end == PROGRAM_EXITED && WIFSIGNALED(status))
		m.end = PROGRAM_KILLED;
	m.status = (uint32_t)(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	text_cut(r->line, m.text, sizeof m.text);
	(void)ipc_send(r->up, &m.h, MSG_PROGRAM_ENDED, 0, sizeof m, NULL, 0, &ignored);
}

/* Waits until the delivery has made up its mind. */
static _Noreturn void
mind(const struct msg_program *m, size_t len, int up)
{
	struct run r = { .up = up, .in = -1, .out = -1, .pidfd = -1 };
	struct msg_refused no = { 0 };
	struct msg_hdr h;
	int fds[MSG_FDS];
	struct task t = { 0 };
	struct err e = { 0 };
	size_t got;

	signal(SIGCHLD, SIG_DFL);
	if (task_read(&t, m, len, &e) == -1) {
		log_line(LOG_ERR, NULL, "cannot-start", "why=%s", log_q(e.what));
		_exit(1);
	}
	if (ipc_recv(up, &h, sizeof h, &got, fds, &e) != 1 || h.type != MSG_PROGRAM_GO)
		_exit(0);
	if (run_start(&t, &r, &e) == 0) {
		run_end(&r, run_watch(&r));
		_exit(0);
	}
	if (r.pid > 0)
		kill(-r.pid, SIGKILL);
	no.kind = ERR_TEMP;
	snprintf(no.dsn, sizeof no.dsn, "%s", e.dsn);
	text_cut(e.what, no.what, sizeof no.what);
	(void)ipc_send(up, &no.h, MSG_REFUSED, 0, sizeof no, NULL, 0, &e);
	_exit(0);
}

/* --- the runner --- */

static _Noreturn void
runner_run(int sock)
{
	static _Alignas(8) unsigned char packet[MSG_MAX];
	struct err e = { 0 };

	signal(SIGCHLD, SIG_IGN);
	if (ipc_close_others(&sock, 1, &e) == -1 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1) {
		log_line(LOG_ERR, NULL, "cannot-start", "why=%s", log_q("the runner of programs"));
		_exit(1);
	}
	for (;;) {
		int fds[MSG_FDS];
		size_t len = 0;
		int r = ipc_recv(sock, packet, sizeof packet, &len, fds, &e);

		if (r != 1)
			_exit(r == -1);
		if (fds[0] != -1 && fork() == 0) {
			close(sock);
			mind((const void *)packet, len, fds[0]);
		}
		ipc_close_fds(fds, MSG_FDS);
	}
}

int
runner_start(struct err *e)
{
	int pair[2];
	pid_t pid;

	if (ipc_pair(pair, e) == -1)
		return -1;
	if ((pid = fork()) == 0) {
		close(pair[0]);
		runner_run(pair[1]);
	}
	close(pair[1]);
	if (pid != -1)
		return pair[0];
	close(pair[0]);
	return err_sys(e, "fork");
}
