/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * Each case forks a process, confines it by a role and tries one thing: what a role is for must
 * still work, what it is not for must fail or end the process.  Under AddressSanitizer some calls
 * pass the filter for its reports; Landlock then still denies them.
 */
#include "lib/sandbox.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/ipc.h"
#include "lib/log.h"

static char folder[] = "/tmp/accord-sandbox-XXXXXX";
static int dir_fd = -1;

/* Made before a process is confined: a pair, a pipe, an event loop, a memory file. */
static int pair[2], through[2], events, memory;

#define LARGE ((off_t)3 << 30)	/* octets of the memory file, which has holes only */

enum { OK = 0, DENIED = 10, BROKEN = 11 };

/* An attempt: OK, DENIED by errno, or it does not return. */
static int
outcome(long r)
{
	return r != -1 ? OK : errno == EPERM || errno == EACCES || errno == EXDEV ? DENIED : BROKEN;
}

static int try_passwd(void) { return outcome(open("/etc/passwd", O_RDONLY)); }
static int try_inet(void) { return outcome(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); }
static int try_inet6_udp(void) { return outcome(socket(AF_INET6, SOCK_DGRAM, 0)); }
static int try_raw(void) { return outcome(socket(AF_INET, SOCK_RAW, 1)); }
static int try_unix(void) { return outcome(socket(AF_UNIX, SOCK_STREAM, 0)); }
static int try_netlink(void) { return outcome(socket(AF_NETLINK, SOCK_RAW, 0)); }
static int try_kill(void) { return outcome(kill(getppid(), 0)); }
static int try_ptrace(void) { return outcome(ptrace(PTRACE_ATTACH, getppid(), 0, 0)); }
static int try_unlink(void) { return outcome(unlink("/tmp/accord-no-such-file")); }
static int try_setuid(void) { return outcome(setresuid(getuid(), getuid(), getuid())); }
static int try_pair(void) { int p[2]; return outcome(socketpair(AF_UNIX, SOCK_STREAM, 0, p)); }
static int try_new_loop(void) { return outcome(epoll_create1(0)); }
static int try_memfd(void) { return outcome(memfd_create("x", MFD_CLOEXEC)); }
static int try_accept(void) { return accept4(pair[0], NULL, NULL, 0) == -1 ? OK : BROKEN; }
static int try_receive(void) { char c; return recv(pair[0], &c, 1, MSG_DONTWAIT) == -1 ? OK : BROKEN; }
static int try_pwrite(void) { return outcome(pwrite(memory, "x", 1, 0)); }
static int try_sync(void) { return outcome(fsync(memory)); }
static int try_chroot(void) { return outcome(chroot("/")); }
static int try_newuser(void) { return outcome(syscall(SYS_unshare, 0x10000000)); }

static int
try_exec(void)
{
	char *argv[] = { folder, NULL };

	return outcome(execv("/bin/true", argv));
}

static int
try_exec_memory(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);

	return p == MAP_FAILED ? DENIED : OK;
}

static int
try_fork(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(0);
	return pid == -1 || waitpid(pid, &status, 0) != pid ? DENIED : OK;
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, 4);
}

/* Memory, time, the log, sorting. */
static int
try_memory(void)
{
	void *p;

	log_line(LOG_INFO, NULL, "living", "");
	for (int i = 0; i < 50; i++) {
		if ((p = calloc(1, (size_t)1 << (i % 20))) == NULL)
			return BROKEN;
		free(p);
	}
	p = calloc(1 << 18, 4);		/* large enough for qsort to ask for the memory's size */
	if (p == NULL)
		return BROKEN;
	qsort(p, 1 << 18, 4, compare);
	free(p);
	return usleep(10) == -1 ? BROKEN : OK;
}

/* What nearly every role lives on: that, and packets with descriptors. */
static int
try_living(void)
{
	struct msg_hdr h;
	struct err e;
	int in[MSG_FDS];
	size_t len;

	if (ipc_send(pair[0], &h, 1, 1, sizeof h, through, 1, &e) == -1 ||
	    ipc_recv(pair[1], &h, sizeof h, &len, in, &e) != 1 || in[0] == -1)
		return BROKEN;
	return fcntl(pair[0], F_SETFL, O_NONBLOCK) == -1 ? BROKEN : try_memory();
}

static int
try_loop(void)
{
	struct epoll_event ev = { .events = EPOLLIN };

	return epoll_ctl(events, EPOLL_CTL_ADD, through[0], &ev) == -1 ||
	    epoll_wait(events, &ev, 1, 1) != 0 ? BROKEN : OK;
}

/* A result as a conversion's child writes it. */
static int
try_result(void)
{
	return write(memory, "abc", 3) != 3 || mmap(NULL, 3, PROT_READ, MAP_PRIVATE, memory, 0) ==
	    MAP_FAILED ? BROKEN : OK;
}

static int
try_memory_file(void)
{
	int fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	return fd == -1 || ftruncate(fd, 100) == -1 || write(fd, "abc", 3) != 3 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == -1 ? BROKEN : OK;
}

static int
try_lease(void)
{
	int fd = openat(dir_fd, "a/old", O_RDONLY | O_CLOEXEC);

	return fd == -1 ? BROKEN : outcome(fcntl(fd, F_SETLEASE, F_RDLCK));
}

static int
try_dir_read(void)
{
	char c;
	struct stat st;
	int fd = openat(dir_fd, "a/old", O_RDONLY | O_CLOEXEC);

	return fd == -1 ? outcome(-1) : fstat(fd, &st) == 0 && read(fd, &c, 1) == 1 ? OK : BROKEN;
}

/* Create, write, flush, rename between folders, unlink. */
static int
try_dir_write(void)
{
	int fd = openat(dir_fd, "a/new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd == -1)
		return outcome(-1);
	if (write(fd, "x", 1) != 1 || fdatasync(fd) == -1 || ftruncate(fd, 0) == -1)
		return BROKEN;
	close(fd);
	return renameat(dir_fd, "a/new", dir_fd, "b/new") == -1 ? BROKEN :
	    outcome(unlinkat(dir_fd, "b/new", 0));
}

static int
try_symlink(void)
{
	return outcome(symlinkat("/etc/passwd", dir_fd, "a/link"));
}

static int
try_climb(void)
{
	return outcome(openat(dir_fd, "../../etc/passwd", O_RDONLY));
}

/* Messages are mapped, however large they are; memory of its own has its limit. */
static int
try_large_message(void)
{
	void *map, *own;

	map = mmap(NULL, (size_t)LARGE, PROT_READ, MAP_SHARED, memory, 0);
#ifdef ACCORD_SAN
	own = MAP_FAILED;	/* no limit in these builds */
#else
	own = mmap(NULL, (size_t)2 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_NORESERVE, -1, 0);
#endif
	return map == MAP_FAILED || own != MAP_FAILED ? BROKEN : OK;
}

/* A limit and not the filter: nothing larger than the row says. */
static int
try_too_much_memory(void)
{
#ifdef ACCORD_SAN
	return DENIED;		/* no RLIMIT_AS in these builds */
#else
	void *p = mmap(NULL, (size_t)2 << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
	    -1, 0);

	return p == MAP_FAILED ? DENIED : OK;
#endif
}

static int
try_no_core(void)
{
	struct rlimit r = { 1, 1 };

	return getrlimit(RLIMIT_CORE, &r) == -1 ? BROKEN : r.rlim_max == 0 ? OK : DENIED;
}

/* 1: must work; 0: must be denied or end the process. */
static const struct { enum sandbox_role role; const char *what; int (*try)(void); int works; } cases[] = {
	{ SB_QUEUE, "living", try_living, 1 },
	{ SB_QUEUE, "loop", try_loop, 1 },
	{ SB_QUEUE, "fork", try_fork, 1 },
	{ SB_QUEUE, "a worker's channel", try_pair, 1 },
	{ SB_QUEUE, "lease", try_lease, 1 },
	{ SB_QUEUE, "marks", try_pwrite, 1 },
	{ SB_QUEUE, "memory file", try_memfd, 0 },
	{ SB_QUEUE, "accept", try_accept, 0 },
	{ SB_QUEUE, "writes its folder", try_dir_write, 1 },
	{ SB_QUEUE, "reads its folder", try_dir_read, 1 },
	{ SB_QUEUE, "symlink", try_symlink, 0 },
	{ SB_QUEUE, "climbs out", try_climb, 0 },
	{ SB_QUEUE, "passwd", try_passwd, 0 },
	{ SB_QUEUE, "inet", try_inet, 0 },
	{ SB_QUEUE, "exec", try_exec, 0 },
	{ SB_QUEUE, "user namespace", try_newuser, 0 },
	{ SB_FLUSH, "reads its folder", try_dir_read, 1 },
	{ SB_FLUSH, "writes its folder", try_dir_write, 1 },
	{ SB_FLUSH, "passwd", try_passwd, 0 },
	{ SB_FLUSH, "lease", try_lease, 0 },
	{ SB_FLUSH, "loop", try_loop, 0 },
	{ SB_FLUSH, "inet", try_inet, 0 },
	{ SB_FLUSH, "fork", try_fork, 0 },
	{ SB_QMGR, "living", try_living, 1 },
	{ SB_QMGR, "reads the queue", try_dir_read, 1 },
	{ SB_QMGR, "writes the queue", try_dir_write, 0 },
	{ SB_QMGR, "fork", try_fork, 0 },
	{ SB_QMGR, "memory file", try_memfd, 0 },
	{ SB_QMGR, "flush", try_sync, 0 },
	{ SB_QMGR, "pair", try_pair, 0 },
	{ SB_QMGR, "inet", try_inet, 0 },
	{ SB_SMTPD, "living", try_living, 1 },
	{ SB_SMTPD, "loop", try_loop, 1 },
	{ SB_SMTPD, "fork", try_fork, 1 },
	{ SB_SMTPD, "passwd", try_passwd, 0 },
	{ SB_SMTPD, "its folder", try_dir_read, 0 },
	{ SB_SMTPD, "inet", try_inet, 0 },
	{ SB_SMTPD_SESSION, "living", try_living, 1 },
	{ SB_SMTPD_SESSION, "memory file", try_memory_file, 1 },
	{ SB_SMTPD_SESSION, "receives", try_receive, 1 },
	{ SB_SMTPD_SESSION, "fork", try_fork, 0 },
	{ SB_SMTPD_SESSION, "accept", try_accept, 0 },
	{ SB_SMTPD_SESSION, "pair", try_pair, 0 },
	{ SB_SMTPD_SESSION, "a new loop", try_new_loop, 0 },
	{ SB_SMTPD_SESSION, "elsewhere in the file", try_pwrite, 0 },
	{ SB_SMTPD_SESSION, "flush", try_sync, 0 },
	{ SB_SMTPD_SESSION, "passwd", try_passwd, 0 },
	{ SB_SMTPD_SESSION, "inet", try_inet, 0 },
	{ SB_SMTPD_SESSION, "unix", try_unix, 0 },
	{ SB_SMTPD_SESSION, "exec", try_exec, 0 },
	{ SB_SMTPD_SESSION, "unlink", try_unlink, 0 },
	{ SB_SMTPD_SESSION, "kill", try_kill, 0 },
	{ SB_SMTPD_SESSION, "ptrace", try_ptrace, 0 },
	{ SB_SMTPD_SESSION, "executable memory", try_exec_memory, 0 },
	{ SB_SMTPD_SESSION, "setuid", try_setuid, 0 },
	{ SB_REMOTE, "fork", try_fork, 1 },
	{ SB_REMOTE_SESSION, "living", try_living, 1 },
	{ SB_REMOTE_SESSION, "inet", try_inet, 1 },
	{ SB_REMOTE_SESSION, "inet6 udp", try_inet6_udp, 0 },
	{ SB_REMOTE_SESSION, "memory file", try_memory_file, 1 },
	{ SB_REMOTE_SESSION, "accept", try_accept, 0 },
	{ SB_REMOTE_SESSION, "large message", try_large_message, 1 },
	{ SB_REMOTE_SESSION, "raw", try_raw, 0 },
	{ SB_REMOTE_SESSION, "unix", try_unix, 0 },
	{ SB_REMOTE_SESSION, "netlink", try_netlink, 0 },
	{ SB_REMOTE_SESSION, "passwd", try_passwd, 0 },
	{ SB_REMOTE_SESSION, "fork", try_fork, 0 },
	{ SB_RESOLVER, "living", try_living, 1 },
	{ SB_RESOLVER, "loop", try_loop, 1 },
	{ SB_RESOLVER, "inet", try_inet, 1 },
	{ SB_RESOLVER, "inet6 udp", try_inet6_udp, 1 },
	{ SB_RESOLVER, "receives", try_receive, 1 },
	{ SB_RESOLVER, "raw", try_raw, 0 },
	{ SB_RESOLVER, "unix", try_unix, 0 },
	{ SB_RESOLVER, "netlink", try_netlink, 0 },
	{ SB_RESOLVER, "accept", try_accept, 0 },
	{ SB_RESOLVER, "passwd", try_passwd, 0 },
	{ SB_RESOLVER, "memory file", try_memfd, 0 },
	{ SB_RESOLVER, "fork", try_fork, 0 },
	{ SB_RESOLVER, "too much memory", try_too_much_memory, 0 },
	{ SB_LOCAL, "setuid", try_setuid, 1 },
	{ SB_LOCAL, "fork", try_fork, 1 },
	{ SB_LOCAL, "inet", try_inet, 1 },	/* for its children that speak LMTP */
	{ SB_LOCAL, "exec", try_exec, 0 },
	{ SB_LOCAL, "chroot", try_chroot, 0 },
	{ SB_LOCAL_JOB, "living", try_living, 1 },
	{ SB_LOCAL_JOB, "writes its folder", try_dir_write, 1 },
	{ SB_LOCAL_JOB, "passwd", try_passwd, 0 },
	{ SB_LOCAL_JOB, "large message", try_large_message, 1 },
	{ SB_LOCAL_JOB, "climbs out", try_climb, 0 },
	{ SB_LOCAL_JOB, "setuid", try_setuid, 0 },
	{ SB_LOCAL_JOB, "fork", try_fork, 0 },
	{ SB_LOCAL_JOB, "inet", try_inet, 0 },
	{ SB_LOCAL_LMTP, "living", try_living, 1 },
	{ SB_LOCAL_LMTP, "inet", try_inet, 1 },
	{ SB_LOCAL_LMTP, "passwd", try_passwd, 0 },
	{ SB_LOCAL_LMTP, "a folder", try_dir_write, 0 },
	{ SB_LOCAL_LMTP, "setuid", try_setuid, 0 },
	{ SB_LOCAL_LMTP, "fork", try_fork, 0 },
	{ SB_BOUNCE, "living", try_living, 1 },
	{ SB_BOUNCE, "memory file", try_memory_file, 1 },
	{ SB_BOUNCE, "its folder", try_dir_read, 0 },
	{ SB_BOUNCE, "fork", try_fork, 0 },
	{ SB_CAPD, "living", try_living, 1 },
	{ SB_CAPD, "writes its folder", try_dir_write, 1 },
	{ SB_CAPD, "climbs out", try_climb, 0 },
	{ SB_CAPD, "fork", try_fork, 0 },
	{ SB_CAPD, "passwd", try_passwd, 0 },
	{ SB_CAPD, "inet", try_inet, 0 },
	{ SB_CONVERTD, "living", try_living, 1 },
	{ SB_CONVERTD, "fork", try_fork, 1 },
	{ SB_CONVERTD, "passwd", try_passwd, 0 },
	{ SB_CONVERT_JOB, "memory", try_memory, 1 },
	{ SB_CONVERT_JOB, "result", try_result, 1 },
	{ SB_CONVERT_JOB, "memory file", try_memfd, 0 },
	{ SB_CONVERT_JOB, "receives", try_receive, 0 },
	{ SB_CONVERT_JOB, "loop", try_loop, 0 },
	{ SB_CONVERT_JOB, "too much memory", try_too_much_memory, 0 },
	{ SB_CONVERT_JOB, "fork", try_fork, 0 },
	{ SB_CONVERT_JOB, "inet", try_inet, 0 },
	{ SB_CONVERT_JOB, "exec", try_exec, 0 },
	{ SB_CONVERT_JOB, "no core", try_no_core, 1 },
	{ SB_LEARN, "living", try_living, 1 },
	{ SB_LEARN, "fork", try_fork, 1 },
	{ SB_LEARN, "passwd", try_passwd, 0 },
	{ SB_LEARN, "inet", try_inet, 0 },
	{ SB_LEARN_REPORT, "memory", try_memory, 1 },
	{ SB_LEARN_REPORT, "receives octets", try_receive, 0 },
	{ SB_LEARN_REPORT, "memory file", try_memfd, 0 },
	{ SB_LEARN_REPORT, "loop", try_loop, 0 },
	{ SB_LEARN_REPORT, "fork", try_fork, 0 },
	{ SB_LEARN_REPORT, "passwd", try_passwd, 0 },
	{ SB_LEARN_REPORT, "inet", try_inet, 0 },
	{ SB_LEARN_REPORT, "exec", try_exec, 0 },
	{ SB_AUTH, "living", try_living, 1 },
	{ SB_AUTH, "fork", try_fork, 1 },
	{ SB_AUTH, "passwd", try_passwd, 0 },
	{ SB_AUTH, "inet", try_inet, 0 },
	{ SB_AUTH, "unix", try_unix, 1 },
	{ SB_AUTH, "exec", try_exec, 0 },
	{ SB_AUTH_LOGIN, "loop", try_loop, 0 },
	{ SB_AUTH_LOGIN, "memory file", try_memfd, 0 },
	{ SB_AUTH_LOGIN, "fork", try_fork, 0 },
	{ SB_AUTH_LOGIN, "passwd", try_passwd, 0 },
	{ SB_AUTH_LOGIN, "inet", try_inet, 0 },
	{ SB_AUTH_LOGIN, "unix", try_unix, 1 },
	{ SB_AUTH_LOGIN, "exec", try_exec, 0 },
	{ SB_KEY, "living", try_living, 1 },
	{ SB_KEY, "memory file", try_memfd, 0 },
	{ SB_KEY, "receives octets", try_receive, 0 },
	{ SB_KEY, "fork", try_fork, 0 },
	{ SB_KEY, "passwd", try_passwd, 0 },
	{ SB_KEY, "inet", try_inet, 0 },
	{ SB_KEY, "exec", try_exec, 0 },
	{ SB_KEY, "no core", try_no_core, 1 },
	{ SB_LDAP, "living", try_living, 1 },
	{ SB_LDAP, "fork", try_fork, 1 },
	{ SB_LDAP, "memory file", try_memfd, 1 },
	{ SB_LDAP, "passwd", try_passwd, 0 },
	{ SB_LDAP, "exec", try_exec, 0 },
	{ SB_LDAP_WORKER, "memory", try_memory, 1 },
	{ SB_LDAP_WORKER, "inet", try_inet, 1 },
	{ SB_LDAP_WORKER, "fork", try_fork, 0 },
	{ SB_LDAP_WORKER, "memory file", try_memfd, 0 },
	{ SB_LDAP_WORKER, "loop", try_loop, 0 },
	{ SB_LDAP_WORKER, "passwd", try_passwd, 0 },
	{ SB_LDAP_WORKER, "exec", try_exec, 0 },
	{ SB_CONTROL, "living", try_living, 1 },
	{ SB_CONTROL, "accept", try_accept, 1 },
	{ SB_CONTROL, "passwd", try_passwd, 0 },
	{ SB_CONTROL, "fork", try_fork, 0 },
	{ SB_LOG, "memory", try_memory, 1 },
	{ SB_LOG, "receives", try_receive, 1 },
	{ SB_LOG, "loop", try_loop, 0 },
	{ SB_LOG, "passwd", try_passwd, 0 },
	{ SB_LOG, "inet", try_inet, 0 },
};

static void
setup(void)
{
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(mkdirat(dir_fd, "a", 0700), 0);
	ck_assert_int_eq(mkdirat(dir_fd, "b", 0700), 0);
	fd = openat(dir_fd, "a/old", O_WRONLY | O_CREAT, 0600);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
}

static void
teardown(void)
{
	unlinkat(dir_fd, "a/old", 0);
	unlinkat(dir_fd, "a/new", 0);
	unlinkat(dir_fd, "b/new", 0);
	unlinkat(dir_fd, "a", AT_REMOVEDIR);
	unlinkat(dir_fd, "b", AT_REMOVEDIR);
	rmdir(folder);
}

/* As a process of its own; parent: the role it had before, or SB_COUNT.  The wait status. */
static int
confined(enum sandbox_role parent, enum sandbox_role role, int (*try)(void))
{
	struct sandbox_dir dir = { dir_fd, role != SB_QMGR };
	pid_t pid = fork();
	struct err e = { 0 };
	int status;

	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 2);
		memory = memfd_create("memory", MFD_CLOEXEC);
		events = epoll_create1(EPOLL_CLOEXEC);
		if (ipc_pair(pair, &e) == -1 || pipe2(through, O_CLOEXEC) == -1 || memory == -1 ||
		    ftruncate(memory, LARGE) == -1 || events == -1)
			_exit(BROKEN);
		if ((parent != SB_COUNT && sandbox_enter(parent, &dir, 1, false, &e) == -1) ||
		    sandbox_enter(role, &dir, 1, false, &e) == -1)
			_exit(BROKEN);
		_exit(try());
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void
judge(int status, int works, const char *what)
{
	if (works)
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == OK, "%s: status %x", what, status);
	else
		ck_assert_msg((WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) ||
		    (WIFEXITED(status) && WEXITSTATUS(status) == DENIED), "%s: status %x", what, status);
}

START_TEST(roles_keep_to_their_row)
{
	char what[80];

	snprintf(what, sizeof what, "role %d: %s", (int)cases[_i].role, cases[_i].what);
	judge(confined(SB_COUNT, cases[_i].role, cases[_i].try), cases[_i].works, what);
}
END_TEST

/* A session confines itself once more, inside what its parent has left. */
START_TEST(children_narrow_themselves)
{
	judge(confined(SB_SMTPD, SB_SMTPD_SESSION, try_living), 1, "smtpd session");
	judge(confined(SB_SMTPD, SB_SMTPD_SESSION, try_fork), 0, "smtpd session forks");
	judge(confined(SB_SMTPD, SB_SMTPD_SESSION, try_kill), 0, "smtpd session kills");
	judge(confined(SB_REMOTE, SB_REMOTE_SESSION, try_inet), 1, "remote session");
	judge(confined(SB_REMOTE, SB_REMOTE_SESSION, try_fork), 0, "remote session forks");
	judge(confined(SB_LOCAL, SB_LOCAL_JOB, try_dir_write), 1, "local job");
	judge(confined(SB_LOCAL, SB_LOCAL_JOB, try_passwd), 0, "local job opens");
	judge(confined(SB_LOCAL, SB_LOCAL_JOB, try_inet), 0, "local job connects");
	judge(confined(SB_LOCAL, SB_LOCAL_LMTP, try_inet), 1, "LMTP job");
	judge(confined(SB_LOCAL, SB_LOCAL_LMTP, try_passwd), 0, "LMTP job opens");
	judge(confined(SB_QUEUE, SB_FLUSH, try_dir_read), 1, "flush worker");
	judge(confined(SB_QUEUE, SB_FLUSH, try_dir_write), 1, "flush worker writes");
	judge(confined(SB_QUEUE, SB_FLUSH, try_fork), 0, "flush worker forks");
	judge(confined(SB_CONVERTD, SB_CONVERT_JOB, try_result), 1, "convert job");
	judge(confined(SB_CONVERTD, SB_CONVERT_JOB, try_fork), 0, "convert job forks");
}
END_TEST

Suite *suite_sandbox(void);
Suite *
suite_sandbox(void)
{
	Suite *s = suite_create("sandbox");
	TCase *tc = tcase_create("sandbox");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, roles_keep_to_their_row, 0, sizeof cases / sizeof *cases);
	tcase_add_test(tc, children_narrow_themselves);
	suite_add_tcase(s, tc);
	return s;
}
