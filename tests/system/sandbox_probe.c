/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * sandbox_probe PID [CALL...]: what a running process may do.  Stops it, makes it run each system
 * call (all below, if none is named), reads the result and lets it go on as if nothing had been.
 * A line per call: "NAME allowed", "NAME ERRNO" (refused), "NAME killed".  A process that a call
 * kills is gone: the calls behind it are not tried; give the next one a fresh process.
 * Exit status 0; 2 when the process was killed; 1 when it could not be probed.  x86-64 only.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BELOW_STACK = 1024, SYSCALL_INSN = 0x050f };

#define TEXT (-1L)		/* this argument is the address of the row's text */
#define ME (-2L)		/* the probe's process number */

static const struct probe {
	const char *name;
	long call;
	const char *text;
	long arg[6];
} probes[] = {
	{ "open", SYS_openat, "/etc/passwd", { AT_FDCWD, TEXT, O_RDONLY | O_CLOEXEC } },
	{ "create", SYS_openat, "/tmp/accord-probe-new", { AT_FDCWD, TEXT, O_WRONLY | O_CREAT, 0600 } },
	{ "socket", SYS_socket, NULL, { AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0 } },
	{ "unix", SYS_socket, NULL, { AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0 } },
	{ "fork", SYS_clone, NULL, { SIGCHLD } },
	{ "execve", SYS_execve, "/nonexistent-accord-probe", { TEXT, 0, 0 } },
	{ "unlink", SYS_unlink, "/tmp/accord-probe-file", { TEXT } },
	{ "kill", SYS_kill, NULL, { ME, 0 } },
	{ "ptrace", SYS_ptrace, NULL, { PTRACE_DETACH, 0, 0, 0 } },
	{ "setuid", SYS_setuid, NULL, { 0 } },
	{ "execmap", SYS_mmap, NULL, { 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
	    -100, 0 } },
	{ "mmap", SYS_mmap, NULL, { 0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -100, 0 } },
	{ "getpid", SYS_getpid, NULL, { 0 } },
};
enum { NPROBE = sizeof probes / sizeof *probes };

static _Noreturn void
fail(const char *what)
{
	fprintf(stderr, "sandbox_probe: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
poke_text(pid_t pid, uint64_t to, const char *text)
{
	size_t n = strlen(text) + 1;

	for (size_t i = 0; i < n; i += sizeof(long)) {
		long word = 0;

		memcpy(&word, text + i, n - i < sizeof word ? n - i : sizeof word);
		if (ptrace(PTRACE_POKEDATA, pid, to + i, word) == -1)
			fail("poke");
	}
}

/* Waits for the stop after the call; a child that it made is ended.  false: killed. */
static bool
wait_call(pid_t pid)
{
	int status;

	for (;;) {
		if (waitpid(pid, &status, __WALL) == -1)
			fail("wait");
		if (!WIFSTOPPED(status))
			return false;
		if (status >> 16 == PTRACE_EVENT_FORK || status >> 16 == PTRACE_EVENT_CLONE) {
			unsigned long child;

			ptrace(PTRACE_GETEVENTMSG, pid, 0, &child);
			kill((pid_t)child, SIGKILL);
			waitpid((pid_t)child, NULL, __WALL);
		} else if (WSTOPSIG(status) == SIGTRAP) {
			return true;
		}
		if (ptrace(PTRACE_SINGLESTEP, pid, 0, 0) == -1)
			return false;
	}
}

/* Makes pid, which is stopped, run the call.  false: it was killed. */
static bool
inject(pid_t pid, const struct probe *p, long *result)
{
	struct user_regs_struct saved, regs;
	unsigned long long *const slot[6] = { &regs.rdi, &regs.rsi, &regs.rdx, &regs.r10, &regs.r8,
	    &regs.r9 };
	uint64_t text;
	long insn;

	if (ptrace(PTRACE_GETREGS, pid, 0, &saved) == -1)
		fail("registers");
	regs = saved;
	text = (saved.rsp - BELOW_STACK) & ~7ull;
	if (p->text != NULL)
		poke_text(pid, text, p->text);
	for (int i = 0; i < 6; i++)
		*slot[i] = (unsigned long long)(p->arg[i] == TEXT ? (long)text : p->arg[i] == ME ?
		    (long)getpid() : p->arg[i] == -100 ? -1 : p->arg[i]);
	regs.rax = (unsigned long long)p->call;
	regs.orig_rax = ~0ull;		/* or the kernel would restart the call it was in */
	errno = 0;
	insn = ptrace(PTRACE_PEEKTEXT, pid, saved.rip, 0);
	if (errno != 0 || ptrace(PTRACE_POKETEXT, pid, saved.rip,
	    (insn & ~0xffffL) | SYSCALL_INSN) == -1 || ptrace(PTRACE_SETREGS, pid, 0, &regs) == -1 ||
	    ptrace(PTRACE_SINGLESTEP, pid, 0, 0) == -1)
		fail("inject");
	if (!wait_call(pid))
		return false;
	if (ptrace(PTRACE_GETREGS, pid, 0, &regs) == -1)
		return false;
	*result = (long)regs.rax;
	if (ptrace(PTRACE_POKETEXT, pid, saved.rip, insn) == -1 ||
	    ptrace(PTRACE_SETREGS, pid, 0, &saved) == -1)
		fail("restore");
	return true;
}

/* What a successful call left in the process is taken back. */
static void
undo(pid_t pid, const struct probe *p, long result)
{
	struct probe back = { .call = p->call == SYS_mmap ? SYS_munmap : SYS_close,
	    .arg = { result, 4096 } };
	long ignored;

	if (p->call == SYS_mmap || p->call == SYS_openat || p->call == SYS_socket)
		(void)inject(pid, &back, &ignored);
}

/* Calls that fail by what they ask for, not by who asks. */
static bool
was_tried(const struct probe *p, long result)
{
	return (p->call == SYS_execve && result == -ENOENT) ||
	    (p->call == SYS_ptrace && result == -ESRCH);
}

static bool
run_one(pid_t pid, const struct probe *p)
{
	long result = 0;
	int fd = p->call == SYS_unlink ? open(p->text, O_WRONLY | O_CREAT | O_CLOEXEC, 0666) : -1;
	bool alive = inject(pid, p, &result);

	if (fd != -1)
		close(fd);
	if (p->call == SYS_unlink || strcmp(p->name, "create") == 0)
		unlink(p->text);
	if (!alive)
		printf("%s killed\n", p->name);
	else if (result < 0 && result > -4096 && !was_tried(p, result))
		printf("%s %s\n", p->name, strerrorname_np((int)-result));
	else
		printf("%s allowed\n", p->name);
	if (alive && result >= 0)
		undo(pid, p, result);
	return alive;
}

static bool
is_wanted(const char *name, int argc, char **argv)
{
	for (int i = 2; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc == 2;
}

int
main(int argc, char **argv)
{
	pid_t pid = argc < 2 ? 0 : (pid_t)strtol(argv[1], NULL, 10);
	int status;

	if (pid <= 0) {
		fprintf(stderr, "usage: sandbox_probe PID [CALL...]\n");
		return 1;
	}
	if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE) == -1 ||
	    ptrace(PTRACE_INTERRUPT, pid, 0, 0) == -1 || waitpid(pid, &status, __WALL) != pid ||
	    !WIFSTOPPED(status))
		fail("attach");
	for (int i = 0; i < NPROBE; i++)
		if (is_wanted(probes[i].name, argc, argv) && !run_one(pid, &probes[i]))
			return 2;
	if (ptrace(PTRACE_DETACH, pid, 0, 0) == -1)
		fail("detach");
	return 0;
}
