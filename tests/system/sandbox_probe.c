/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * sandbox_probe PID CALL...: what a running process may do.  Stops it, makes it run each call, reads
 * the result and lets it go on as if nothing had been.  A call is NAME, NAME=ARG, or NAME=FD:ARG
 * where a name lies below the process's own descriptor FD (see the table).  A line per call: "CALL
 * allowed", "CALL ERRNO" (refused), "CALL killed" (by the filter's SIGSYS).  A process that a call
 * kills is gone: the calls behind it are not tried; give the next one a fresh process.
 * Exit status 0; 2 when the process was killed; 1 when it could not be probed, or its end was
 * another than the filter's.  x86-64 only.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <netinet/in.h>
#include <sched.h>
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

enum { BELOW_STACK = 8192, SYSCALL_INSN = 0x050f, DATA_MAX = PATH_MAX };

/* Arguments that are known only at the call. */
#define AT (-1001L)		/* address of the data in the process */
#define FD (-1002L)		/* the descriptor of the argument; AT_FDCWD if none */
#define NUMBER (-1003L)		/* the number of the argument */
#define NONE (-1004L)		/* -1 */
#define LENGTH (-1005L)		/* of the data */
#define RESULT (-1006L)		/* of the call before (in "connect") */

enum data { D_NONE, D_PATH, D_PORT };
enum undo { U_NONE, U_CLOSE, U_UNMAP };

static const struct probe {
	const char *name;
	long call;
	long arg[6];
	enum data data;
	enum undo undo;
	int tried;		/* an errno that says no more than that what was asked for is not there */
} probes[] = {
	{ "open", SYS_openat, { FD, AT, O_RDONLY | O_CLOEXEC }, D_PATH, U_CLOSE, 0 },
	{ "write", SYS_openat, { FD, AT, O_WRONLY | O_CLOEXEC }, D_PATH, U_CLOSE, 0 },
	{ "create", SYS_openat, { FD, AT, O_WRONLY | O_CREAT | O_CLOEXEC, 0600 }, D_PATH, U_CLOSE, 0 },
	{ "unlink", SYS_unlinkat, { FD, AT, 0 }, D_PATH, U_NONE, 0 },
	{ "mkdir", SYS_mkdirat, { FD, AT, 0700 }, D_PATH, U_NONE, 0 },
	{ "chmod", SYS_fchmodat, { FD, AT, 0777 }, D_PATH, U_NONE, 0 },
	{ "socket", SYS_socket, { AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0 }, D_NONE, U_CLOSE, 0 },
	{ "datagram", SYS_socket, { AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0 }, D_NONE, U_CLOSE, 0 },
	{ "unix", SYS_socket, { AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0 }, D_NONE, U_CLOSE, 0 },
	{ "netlink", SYS_socket, { AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0 }, D_NONE, U_CLOSE, 0 },
	/* to 127.0.0.1, port NUMBER; on no descriptor, unless "socket" is allowed */
	{ "connect", SYS_connect, { RESULT, AT, LENGTH }, D_PORT, U_NONE, EBADF },
	{ "bind", SYS_bind, { NONE, AT, LENGTH }, D_PORT, U_NONE, EBADF },
	{ "listen", SYS_listen, { NONE, 1 }, D_NONE, U_NONE, EBADF },
	{ "accept", SYS_accept4, { NONE, 0, 0, 0 }, D_NONE, U_NONE, EBADF },
	{ "fork", SYS_clone, { SIGCHLD }, D_NONE, U_NONE, 0 },
	{ "thread", SYS_clone, { CLONE_VM | CLONE_SIGHAND | CLONE_THREAD }, D_NONE, U_NONE, 0 },
	{ "execve", SYS_execve, { AT, 0, 0 }, D_PATH, U_NONE, ENOENT },
	{ "kill", SYS_kill, { NUMBER, 0 }, D_NONE, U_NONE, 0 },
	{ "ptrace", SYS_ptrace, { PTRACE_SEIZE, NUMBER, 0, 0 }, D_NONE, U_NONE, 0 },
	{ "vmread", SYS_process_vm_readv, { NUMBER, 0, 0, 0, 0, 0 }, D_NONE, U_NONE, 0 },
	{ "setuid", SYS_setuid, { NUMBER }, D_NONE, U_NONE, 0 },
	{ "setresuid", SYS_setresuid, { NONE, NONE, NONE }, D_NONE, U_NONE, 0 },
	{ "memfd", SYS_memfd_create, { AT, MFD_CLOEXEC }, D_PATH, U_CLOSE, 0 },
	{ "execmap", SYS_mmap, { 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, NONE, 0 },
	    D_NONE, U_UNMAP, 0 },
	{ "mmap", SYS_mmap, { 0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, NONE, 0 }, D_NONE, U_UNMAP,
	    0 },
	{ "gigabytes", SYS_mmap, { 0, 2L << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_NORESERVE, NONE, 0 }, D_NONE, U_UNMAP, 0 },
	{ "unshare", SYS_unshare, { 0x10000000 }, D_NONE, U_NONE, 0 },	/* CLONE_NEWUSER */
	{ "dumpable", SYS_prctl, { 3 }, D_NONE, U_NONE, 0 },		/* PR_GET_DUMPABLE */
	{ "fsync", SYS_fsync, { NONE }, D_NONE, U_NONE, EBADF },
	{ "lease", SYS_fcntl, { NONE, F_GETLEASE }, D_NONE, U_NONE, EBADF },
	{ "pipe", SYS_pipe2, { 0, 0 }, D_NONE, U_NONE, EFAULT },
	{ "getpid", SYS_getpid, { 0 }, D_NONE, U_NONE, 0 },
};
enum { NPROBE = sizeof probes / sizeof *probes };

/* One CALL of the command line, read. */
struct request {
	const struct probe *probe;
	long fd, number;
	unsigned char data[DATA_MAX];
	size_t n;
};

static _Noreturn void
fail(const char *what)
{
	fprintf(stderr, "sandbox_probe: %s: %s\n", what, strerror(errno));
	exit(1);
}

static const struct probe *
probe_find(const char *name, size_t n)
{
	for (int i = 0; i < NPROBE; i++)
		if (strlen(probes[i].name) == n && memcmp(probes[i].name, name, n) == 0)
			return &probes[i];
	errno = EINVAL;
	fail(name);
}

static void
request_read(struct request *r, const char *text)
{
	const char *arg = strchr(text, '='), *colon;
	struct sockaddr_in to = { .sin_family = AF_INET };
	size_t name = arg == NULL ? strlen(text) : (size_t)(arg - text);

	memset(r, 0, sizeof *r);
	r->probe = probe_find(text, name);
	r->fd = AT_FDCWD;
	arg = arg == NULL ? "" : arg + 1;
	r->number = strtol(arg, NULL, 10);
	if (r->probe->data == D_PATH) {
		if (arg[0] != '/' && (colon = strchr(arg, ':')) != NULL) {
			r->fd = r->number;
			arg = colon + 1;
		}
		r->n = strlen(arg) + 1;
		if (r->n > sizeof r->data)
			fail("a path too long");
		memcpy(r->data, arg, r->n);
	} else if (r->probe->data == D_PORT) {
		to.sin_port = htons((uint16_t)r->number);
		to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		r->n = sizeof to;
		memcpy(r->data, &to, sizeof to);
	}
}

static void
poke(pid_t pid, uint64_t to, const unsigned char *data, size_t n)
{
	for (size_t i = 0; i < n; i += sizeof(long)) {
		long word = 0;

		memcpy(&word, data + i, n - i < sizeof word ? n - i : sizeof word);
		if (ptrace(PTRACE_POKEDATA, pid, to + i, word) == -1)
			fail("poke");
	}
}

/* A child that the call made is ended before it runs. */
static void
end_child(pid_t pid)
{
	unsigned long child;

	ptrace(PTRACE_GETEVENTMSG, pid, 0, &child);
	kill((pid_t)child, SIGKILL);
	waitpid((pid_t)child, NULL, __WALL);
}

/* Waits for the stop after the call.  false: killed by the filter. */
static bool
wait_call(pid_t pid)
{
	int status;

	for (;;) {
		if (waitpid(pid, &status, __WALL) == -1)
			fail("wait");
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
			return false;
		if (!WIFSTOPPED(status)) {
			fprintf(stderr, "sandbox_probe: the process ended with status %x\n", status);
			exit(1);
		}
		if (status >> 16 == PTRACE_EVENT_FORK || status >> 16 == PTRACE_EVENT_CLONE)
			end_child(pid);
		else if (status >> 16 == 0 && WSTOPSIG(status) == SIGTRAP)
			return true;
		if (ptrace(PTRACE_SINGLESTEP, pid, 0, 0) == -1)
			fail("step");
	}
}

static long
argument(const struct request *r, long arg, long at, long before)
{
	switch (arg) {
	case AT:
		return at;
	case FD:
		return r->fd;
	case NUMBER:
		return r->number;
	case NONE:
		return -1;
	case LENGTH:
		return (long)r->n;
	case RESULT:
		return before;
	default:
		return arg;
	}
}

/* Makes pid, which is stopped, run the call.  false: it was killed. */
static bool
inject(pid_t pid, const struct request *r, long before, long *result)
{
	struct user_regs_struct saved, regs;
	unsigned long long *const slot[6] = { &regs.rdi, &regs.rsi, &regs.rdx, &regs.r10, &regs.r8,
	    &regs.r9 };
	uint64_t at;
	long insn;

	if (ptrace(PTRACE_GETREGS, pid, 0, &saved) == -1)
		fail("registers");
	regs = saved;
	at = (saved.rsp - BELOW_STACK) & ~7ull;
	poke(pid, at, r->data, r->n);
	for (int i = 0; i < 6; i++)
		*slot[i] = (unsigned long long)argument(r, r->probe->arg[i], (long)at, before);
	regs.rax = (unsigned long long)r->probe->call;
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
		fail("result");
	*result = (long)regs.rax;
	if (ptrace(PTRACE_POKETEXT, pid, saved.rip, insn) == -1 ||
	    ptrace(PTRACE_SETREGS, pid, 0, &saved) == -1)
		fail("restore");
	return true;
}

static void
close_there(pid_t pid, long fd)
{
	static const struct probe one = { "close", SYS_close, { RESULT }, D_NONE, U_NONE, 0 };
	struct request r = { .probe = &one };
	long ignored;

	(void)inject(pid, &r, fd, &ignored);
}

static void
unmap_there(pid_t pid, long at, long length)
{
	const struct probe one = { "munmap", SYS_munmap, { RESULT, length }, D_NONE, U_NONE, 0 };
	struct request r = { .probe = &one };
	long ignored;

	(void)inject(pid, &r, at, &ignored);
}

/* "connect" needs a socket of its own where one can be had. */
static bool
connect_there(pid_t pid, const struct request *r, long *result)
{
	struct request s;
	long fd = -1;
	bool alive;

	if (r->number == 0)	/* the call alone, on no descriptor */
		return inject(pid, r, -1, result);
	request_read(&s, "socket");
	if (!inject(pid, &s, -1, &fd))
		return false;
	if (fd < 0) {
		*result = fd;
		return true;
	}
	alive = inject(pid, r, fd, result);
	if (alive)
		close_there(pid, fd);
	return alive;
}

static bool
run_one(pid_t pid, const char *text)
{
	struct request r;
	long result = 0;
	bool alive;

	request_read(&r, text);
	alive = r.probe->call == SYS_connect ? connect_there(pid, &r, &result) :
	    inject(pid, &r, -1, &result);
	if (!alive)
		printf("%s killed\n", text);
	else if (result < 0 && result > -4096 && -result != r.probe->tried)
		printf("%s %s\n", text, strerrorname_np((int)-result));
	else
		printf("%s allowed\n", text);
	fflush(stdout);
	if (alive && result >= 0 && r.probe->undo == U_CLOSE)
		close_there(pid, result);
	if (alive && (result >= 0 || result < -4096) && r.probe->undo == U_UNMAP)
		unmap_there(pid, result, r.probe->arg[1]);
	return alive;
}

int
main(int argc, char **argv)
{
	pid_t pid = argc < 3 ? 0 : (pid_t)strtol(argv[1], NULL, 10);
	int status;

	if (pid <= 0) {
		fprintf(stderr, "usage: sandbox_probe PID CALL...\n");
		return 1;
	}
	if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE) == -1 ||
	    ptrace(PTRACE_INTERRUPT, pid, 0, 0) == -1 || waitpid(pid, &status, __WALL) != pid ||
	    !WIFSTOPPED(status))
		fail("attach");
	for (int i = 2; i < argc; i++)
		if (!run_one(pid, argv[i]))
			return 2;
	if (ptrace(PTRACE_DETACH, pid, 0, 0) == -1)
		fail("detach");
	return 0;
}
