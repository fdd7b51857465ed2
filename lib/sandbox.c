/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <malloc.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/log.h"

/* --- the policy: groups of calls, then a row per role --- */

#define CALL(name) SCMP_SYS(name)

/*
 * Each list is what the C library makes of the functions that the sources call; where it may choose
 * among calls (fstat and newfstatat, fork and clone, epoll_wait and epoll_pwait), all of them.
 */

/* Memory, time, signals, what is open already, the log.  Everybody. */
static const int calls_base[] = {
	CALL(read), CALL(pread64), CALL(write), CALL(lseek), CALL(close), CALL(fstat), CALL(brk),
	CALL(munmap), CALL(mremap), CALL(madvise), CALL(clock_gettime), CALL(clock_nanosleep),
	CALL(nanosleep), CALL(gettimeofday), CALL(time), CALL(getrandom), CALL(getpid), CALL(gettid),
	CALL(getuid), CALL(geteuid), CALL(getgid), CALL(getegid), CALL(sysinfo), CALL(futex),
	CALL(sched_yield), CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigreturn), CALL(poll),
	CALL(ppoll), CALL(restart_syscall), CALL(exit), CALL(exit_group),
};

/* The event loop, which is open already. */
static const int calls_loop[] = {
	CALL(epoll_ctl), CALL(epoll_wait), CALL(epoll_pwait), CALL(epoll_pwait2),
};

/* Packets on channels that are there already. */
static const int calls_ipc[] = {
	CALL(sendmsg), CALL(recvmsg), CALL(recvmmsg),
};

/* Anonymous memory files, which carry what is too large for a packet. */
static const int calls_memfd[] = {
	CALL(memfd_create), CALL(ftruncate),
};

/* Octets of a connection that is there already; sendto() has a rule of its own. */
static const int calls_stream[] = {
	CALL(recvfrom), CALL(shutdown),
};

/* The log: packets taken, and lines written, several at once. */
static const int calls_lines[] = {
	CALL(recvmmsg), CALL(writev),
};

/* Connections that others open to us. */
static const int calls_accept[] = {
	CALL(accept4), CALL(getsockopt),
};

/* A parent of disposable children, which set up descriptors and confine themselves further. */
static const int calls_parent[] = {
	CALL(fork), CALL(wait4), CALL(kill), CALL(getppid), CALL(set_robust_list), CALL(rseq),
	CALL(dup), CALL(dup2), CALL(dup3), CALL(close_range), CALL(pipe2), CALL(prlimit64),
	CALL(getrlimit), CALL(setrlimit), CALL(landlock_create_ruleset), CALL(landlock_add_rule),
	CALL(landlock_restrict_self), CALL(seccomp),
};

/* Files below the folders that Landlock leaves: to look; openat() has a rule of its own. */
static const int calls_look[] = {
	CALL(newfstatat), CALL(statx), CALL(getdents64),
};

/* The same: to change. */
static const int calls_change[] = {
	CALL(openat), CALL(unlinkat), CALL(renameat), CALL(renameat2), CALL(linkat), CALL(mkdirat),
	CALL(ftruncate),
};

/* To make durable, and to see that it is. */
static const int calls_flush[] = {
	CALL(fsync), CALL(fdatasync), CALL(sync_file_range), CALL(syncfs), CALL(utimensat),
};

/* What the queue alone does to its files: results in place, the room that is left. */
static const int calls_keep[] = {
	CALL(pwrite64), CALL(fstatfs),
};

/* A connection that we open: socket() has a rule of its own. */
static const int calls_out[] = {
	CALL(connect), CALL(getsockopt), CALL(setsockopt),
};

/* A socket of this host that another program listens on: socket() has a rule of its own. */
static const int calls_near[] = {
	CALL(connect),
};

/* Datagrams to name servers: libunbound binds each socket to a random port. */
static const int calls_datagram[] = {
	CALL(bind), CALL(writev),
};

/* From root to the mailbox's owner. */
static const int calls_identity[] = {
	CALL(setgroups), CALL(setresuid), CALL(setresgid),
};

#ifdef ACCORD_SAN
/* What AddressSanitizer's own reports need, in builds with it alone. */
static const int calls_sanitizer[] = {
	CALL(openat), CALL(open), CALL(readlink), CALL(readlinkat), CALL(newfstatat), CALL(stat),
	CALL(sigaltstack), CALL(tgkill), CALL(getcwd), CALL(getrlimit), CALL(prlimit64),
	CALL(sched_getaffinity), CALL(set_robust_list), CALL(access), CALL(personality), CALL(prctl),
	CALL(ioctl),
};
#endif

enum {
	C_LOOP = 1, C_IPC = 2, C_ACCEPT = 4, C_PARENT = 8, C_LOOK = 16, C_CHANGE = 32, C_FLUSH = 64,
	C_OUT = 128, C_IDENTITY = 256, C_MEMFD = 512, C_STREAM = 1024, C_KEEP = 2048,
	C_LEFT = 4096,	/* ioctl(FIONREAD) alone */
	C_MAPS = 8192,	/* no call: maps messages, which may be larger than its memory */
	C_DATAGRAM = 16384,	/* socket() for datagrams and sendto() have rules of their own */
	C_LINES = 32768,
	C_NEAR = 65536
};

static const struct call_group { unsigned bit; const int *call; size_t n; } call_groups[] = {
#define GROUP(bit, list) { bit, list, sizeof list / sizeof *list }
	GROUP(0, calls_base), GROUP(C_LOOP, calls_loop), GROUP(C_IPC, calls_ipc),
	GROUP(C_MEMFD, calls_memfd), GROUP(C_STREAM, calls_stream), GROUP(C_ACCEPT, calls_accept),
	GROUP(C_LINES, calls_lines), GROUP(C_NEAR, calls_near),
	GROUP(C_PARENT, calls_parent), GROUP(C_LOOK, calls_look), GROUP(C_CHANGE, calls_change),
	GROUP(C_FLUSH, calls_flush), GROUP(C_KEEP, calls_keep), GROUP(C_OUT, calls_out),
	GROUP(C_IDENTITY, calls_identity), GROUP(C_DATAGRAM, calls_datagram),
#ifdef ACCORD_SAN
	GROUP(0, calls_sanitizer),
#endif
};

enum files {
	FS_NONE,	/* nothing can be opened */
	FS_DIRS,	/* below the given folders */
	FS_ANY		/* what its uid may: only a parent whose children are FS_DIRS */
};

#define MIB ((rlim_t)1 << 20)
#define NO_LIMIT RLIM_INFINITY

/* Who finds a mailbox and gives up being root; whatever else root could do is dropped. */
#define LOCAL_CAPS (1u << CAP_DAC_READ_SEARCH | 1u << CAP_SETGID | 1u << CAP_SETUID)

/*
 * A filter holds for all children too, and can only be narrowed: a parent's row covers its
 * children's, which drop fork and the rest.  memory: of the address space, or of what is its own
 * where whole messages are mapped (C_MAPS).  file: octets that may be written to one file, memory
 * files included; a narrower limit set before (databytes) stays.
 */
static const struct sandbox_row {
	const char *name;
	unsigned calls;
	enum files files;
	rlim_t memory, file;
	enum sandbox_role child;	/* its children's role; SB_COUNT: no children */
	uint32_t caps;			/* capabilities that it keeps, if it has them */
	enum sandbox_role other;	/* that some of its children have instead; 0: none */
} rows[SB_COUNT] = {
	[SB_QUEUE] = { "queue", C_LOOP | C_IPC | C_PARENT | C_LOOK | C_CHANGE | C_FLUSH | C_KEEP,
	    FS_DIRS, NO_LIMIT, NO_LIMIT, SB_FLUSH, 0, 0 },
	[SB_FLUSH] = { "flush", C_IPC | C_LOOK | C_CHANGE | C_FLUSH, FS_DIRS, NO_LIMIT, NO_LIMIT,
	    SB_COUNT, 0, 0 },
	[SB_QMGR] = { "qmgr", C_LOOP | C_IPC | C_LOOK, FS_DIRS, NO_LIMIT, 0, SB_COUNT, 0, 0 },
	[SB_SMTPD] = { "smtpd", C_LOOP | C_IPC | C_MEMFD | C_STREAM | C_ACCEPT | C_PARENT, FS_NONE,
	    NO_LIMIT, NO_LIMIT, SB_SMTPD_SESSION, 0, 0 },
	[SB_SMTPD_SESSION] = { "smtpd-session", C_IPC | C_MEMFD | C_STREAM, FS_NONE, 256 * MIB,
	    NO_LIMIT, SB_COUNT, 0, 0 },
	[SB_REMOTE] = { "remote", C_LOOP | C_IPC | C_MEMFD | C_STREAM | C_PARENT | C_OUT, FS_NONE,
	    NO_LIMIT, NO_LIMIT, SB_REMOTE_SESSION, 0, 0 },
	[SB_REMOTE_SESSION] = { "remote-session", C_IPC | C_MEMFD | C_STREAM | C_OUT | C_MAPS,
	    FS_NONE, 256 * MIB, 80 * MIB, SB_COUNT, 0, 0 },
	[SB_RESOLVER] = { "resolver", C_LOOP | C_IPC | C_STREAM | C_OUT | C_DATAGRAM, FS_NONE, 256 * MIB,
	    0, SB_COUNT, 0, 0 },
	[SB_LOCAL] = { "local", C_LOOP | C_IPC | C_MEMFD | C_PARENT | C_LOOK | C_CHANGE | C_FLUSH |
	    C_IDENTITY | C_STREAM | C_OUT | C_NEAR, FS_ANY, NO_LIMIT, NO_LIMIT, SB_LOCAL_JOB, LOCAL_CAPS,
	    SB_LOCAL_LMTP },
	[SB_LOCAL_JOB] = { "local-job", C_IPC | C_MEMFD | C_LOOK | C_CHANGE | C_FLUSH | C_MAPS,
	    FS_DIRS, 256 * MIB, NO_LIMIT, SB_COUNT, 0, 0 },
	[SB_LOCAL_LMTP] = { "local-lmtp", C_IPC | C_MEMFD | C_STREAM | C_OUT | C_NEAR | C_MAPS, FS_NONE,
	    256 * MIB, NO_LIMIT, SB_COUNT, 0, 0 },
	[SB_BOUNCE] = { "bounce", C_LOOP | C_IPC | C_MEMFD, FS_NONE, 512 * MIB, NO_LIMIT, SB_COUNT, 0, 0 },
	[SB_CAPD] = { "capd", C_LOOP | C_IPC | C_LOOK | C_CHANGE | C_FLUSH, FS_DIRS, NO_LIMIT, NO_LIMIT,
	    SB_COUNT, 0, 0 },
	[SB_LEARN] = { "learn", C_LOOP | C_IPC | C_PARENT, FS_NONE, NO_LIMIT, NO_LIMIT,
	    SB_LEARN_REPORT, 0, 0 },
	[SB_OFFER] = { "offer", C_LOOP | C_IPC | C_MEMFD | C_PARENT | C_LOOK | C_CHANGE | C_FLUSH | C_MAPS, FS_DIRS,
	    NO_LIMIT, NO_LIMIT, SB_OFFER_JOB, 0, 0 },
	[SB_OFFER_JOB] = { "offer-job", C_IPC | C_MEMFD | C_MAPS, FS_NONE, 256 * MIB, NO_LIMIT, SB_COUNT, 0, 0 },
	[SB_LEARN_REPORT] = { "learn-report", C_IPC | C_MAPS, FS_NONE, 128 * MIB, NO_LIMIT, SB_COUNT, 0, 0 },
	[SB_KEY] = { "key", C_LOOP | C_IPC, FS_NONE, 256 * MIB, 0, SB_COUNT, 0, 0 },
	[SB_AUTH] = { "auth", C_LOOP | C_IPC | C_PARENT | C_STREAM | C_NEAR, FS_NONE, NO_LIMIT, 0, SB_AUTH_LOGIN,
	    0, 0 },
	[SB_AUTH_LOGIN] = { "auth-login", C_IPC | C_STREAM | C_NEAR, FS_NONE, 256 * MIB, 0, SB_COUNT, 0, 0 },
	[SB_EXPAND] = { "expand", C_LOOP | C_IPC | C_MEMFD | C_MAPS, FS_NONE, 512 * MIB, NO_LIMIT, SB_COUNT, 0, 0 },
	/* authorities are in a memory file, which libldap opens by a name */
	[SB_LDAP] = { "ldap", C_LOOP | C_IPC | C_MEMFD | C_STREAM | C_PARENT | C_OUT | C_LOOK, FS_NONE, NO_LIMIT, NO_LIMIT,
	    SB_LDAP_WORKER, 0, 0 },
	[SB_LDAP_WORKER] = { "ldap-worker", C_IPC | C_STREAM | C_OUT, FS_NONE, 256 * MIB, 0, SB_COUNT, 0, 0 },
	[SB_CONVERTD] = { "convertd", C_LOOP | C_IPC | C_MEMFD | C_PARENT, FS_NONE, NO_LIMIT, NO_LIMIT,
	    SB_CONVERT_JOB, 0, 0 },
	[SB_CONVERT_JOB] = { "convert-job", 0, FS_NONE, 1024 * MIB, NO_LIMIT, SB_COUNT, 0, 0 },
	[SB_CONTROL] = { "control", C_LOOP | C_IPC | C_ACCEPT, FS_NONE, 512 * MIB, NO_LIMIT, SB_COUNT,
	    0, 0 },
	[SB_LOG] = { "log", C_STREAM | C_LINES | C_LEFT, FS_NONE, 64 * MIB, NO_LIMIT, SB_COUNT, 0, 0 },
};

/* --- system calls --- */

static int
allow(scmp_filter_ctx ctx, int call, unsigned n, const struct scmp_arg_cmp *arg, struct err *e)
{
	int r;

	if (call < 0)		/* this machine has no such call */
		return 0;
	r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, call, n, arg);
	if (r == 0 || r == -EEXIST)
		return 0;
	errno = -r;
	return err_sys(e, "seccomp: call %d", call);
}

/* Allows call when its argument arg is one of the values. */
static int
allow_values(scmp_filter_ctx ctx, int call, unsigned arg, const uint64_t *value, size_t n,
    struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		/* the kernel looks at 32 bits of these */
		struct scmp_arg_cmp is = { arg, SCMP_CMP_MASKED_EQ, UINT32_MAX, value[i] };

		if (allow(ctx, call, 1, &is, e) == -1)
			return -1;
	}
	return 0;
}

/* Allows call when none of the bits is in its argument arg. */
static int
allow_without(scmp_filter_ctx ctx, int call, unsigned arg, uint64_t bits, struct err *e)
{
	struct scmp_arg_cmp is = { arg, SCMP_CMP_MASKED_EQ, bits, 0 };

	return allow(ctx, call, 1, &is, e);
}

static int
allow_socket(scmp_filter_ctx ctx, uint64_t domain, uint64_t type, struct err *e)
{
	struct scmp_arg_cmp is[2] = {
		{ 0, SCMP_CMP_EQ, domain, 0 },
		{ 1, SCMP_CMP_MASKED_EQ, ~(uint64_t)(SOCK_CLOEXEC | SOCK_NONBLOCK), type },
	};

	return allow(ctx, CALL(socket), 2, is, e);
}

/* Who opens files, and how. */
static int
filter_files(scmp_filter_ctx ctx, unsigned calls, struct err *e)
{
	static const uint64_t leases[] = { F_SETLEASE, F_GETLEASE }, locks[] = { F_SETLK };
	/* fstat() of newer C libraries: the descriptor itself, no name */
	struct scmp_arg_cmp self = { 3, SCMP_CMP_EQ, AT_EMPTY_PATH, 0 };

	if (!(calls & C_LOOK) && allow(ctx, CALL(newfstatat), 1, &self, e) == -1)
		return -1;
	/* whoever only looks opens nothing for writing, Landlock or not */
	if (calls & C_LOOK && !(calls & C_CHANGE) && allow_without(ctx, CALL(openat), 2,
	    O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND, e) == -1)
		return -1;
	/* a mailbox of one file */
	if (calls & C_CHANGE && allow_values(ctx, CALL(fcntl), 1, locks, 1, e) == -1)
		return -1;
	return calls & C_KEEP ? allow_values(ctx, CALL(fcntl), 1, leases, 2, e) : 0;
}

/* A parent's forks, channels to children, and what these do to confine themselves. */
static int
filter_parent(scmp_filter_ctx ctx, struct err *e)
{
	static const uint64_t prctls[] = { PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_SET_DUMPABLE };
	const struct scmp_arg_cmp pair = { 0, SCMP_CMP_EQ, AF_UNIX, 0 };

	if (allow(ctx, CALL(socketpair), 1, &pair, e) == -1 ||
	    allow_without(ctx, CALL(clone), 0, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID |
	    CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_THREAD | CLONE_VM,
	    e) == -1)
		return -1;
	return allow_values(ctx, CALL(prctl), 0, prctls, sizeof prctls / sizeof *prctls, e);
}

/* Calls that are good or bad by their arguments. */
static int
filter_arguments(scmp_filter_ctx ctx, unsigned calls, struct err *e)
{
	static const uint64_t fcntls[] = { F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL,
	    F_ADD_SEALS, F_GET_SEALS };
	static const uint64_t ioctls[] = { FIONREAD };
	const struct scmp_arg_cmp connected = { 4, SCMP_CMP_EQ, 0, 0 };
	const struct scmp_arg_cmp ask_only = { 2, SCMP_CMP_EQ, 0, 0 };

	if (allow_without(ctx, CALL(mmap), 2, PROT_EXEC, e) == -1 ||
	    allow_without(ctx, CALL(mprotect), 2, PROT_EXEC, e) == -1 ||
	    allow_values(ctx, CALL(fcntl), 1, fcntls, sizeof fcntls / sizeof *fcntls, e) == -1 ||
	    /* send() without an address: the log, and connections */
	    allow(ctx, CALL(sendto), 1, &connected, e) == -1 || filter_files(ctx, calls, e) == -1)
		return -1;
	/* getrlimit() */
	if (!(calls & C_PARENT) && allow(ctx, CALL(prlimit64), 1, &ask_only, e) == -1)
		return -1;
	if (calls & C_LEFT && allow_values(ctx, CALL(ioctl), 1, ioctls, 1, e) == -1)
		return -1;
	if (calls & C_PARENT && filter_parent(ctx, e) == -1)
		return -1;
	if (calls & C_OUT && (allow_socket(ctx, AF_INET, SOCK_STREAM, e) == -1 ||
	    allow_socket(ctx, AF_INET6, SOCK_STREAM, e) == -1))
		return -1;
	if (calls & C_NEAR && allow_socket(ctx, AF_UNIX, SOCK_STREAM, e) == -1)
		return -1;
	if (calls & C_DATAGRAM && (allow_socket(ctx, AF_INET, SOCK_DGRAM, e) == -1 ||
	    allow_socket(ctx, AF_INET6, SOCK_DGRAM, e) == -1 ||
	    allow(ctx, CALL(sendto), 0, NULL, e) == -1))
		return -1;
	return 0;
}

static int
filter_fill(scmp_filter_ctx ctx, unsigned calls, struct err *e)
{
	int r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	if (r < 0) {
		errno = -r;
		return err_sys(e, "seccomp");
	}
	for (size_t g = 0; g < sizeof call_groups / sizeof *call_groups; g++) {
		if (call_groups[g].bit != 0 && !(calls & call_groups[g].bit))
			continue;
		for (size_t i = 0; i < call_groups[g].n; i++)
			if (allow(ctx, call_groups[g].call[i], 0, NULL, e) == -1)
				return -1;
	}
	return filter_arguments(ctx, calls, e);
}

/* Compiled filters: a parent makes its children's once, for all of them. */
static struct sock_fprog compiled[SB_COUNT];

/* The filter as it is for the kernel; libseccomp writes it to a descriptor. */
static int
filter_export(scmp_filter_ctx ctx, struct sock_fprog *out, struct err *e)
{
	int fd = memfd_create("filter", MFD_CLOEXEC), r;
	off_t size;

	if (fd == -1)
		return err_sys(e, "seccomp: memory file");
	r = seccomp_export_bpf(ctx, fd);
	size = lseek(fd, 0, SEEK_END);
	if (r < 0 || size <= 0 || (size_t)size > UINT16_MAX * sizeof *out->filter) {
		close(fd);
		errno = r < 0 ? -r : EINVAL;
		return err_sys(e, "seccomp: export");
	}
	out->filter = malloc((size_t)size);
	out->len = (unsigned short)((size_t)size / sizeof *out->filter);
	if (out->filter == NULL || pread(fd, out->filter, (size_t)size, 0) != size) {
		free(out->filter);
		*out = (struct sock_fprog){ 0 };
		close(fd);
		return err_sys(e, "seccomp: export");
	}
	close(fd);
	return 0;
}

static int
filter_compile(enum sandbox_role role, struct err *e)
{
	scmp_filter_ctx ctx;
	int r;

	if (compiled[role].filter != NULL)
		return 0;
	ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (ctx == NULL)
		return err_set(e, ERR_TEMP, "4.3.0", "seccomp: no memory");
	r = filter_fill(ctx, rows[role].calls, e);
	if (r == 0)
		r = filter_export(ctx, &compiled[role], e);
	seccomp_release(ctx);
	return r;
}

static int
filter_load(enum sandbox_role role, struct err *e)
{
	if (syscall(SYS_seccomp, 1 /* SECCOMP_SET_MODE_FILTER */, 0, &compiled[role]) == -1)
		return err_sys(e, "seccomp: load");
	return 0;
}

/* --- files: Landlock, by the kernel's numbers, for its headers may be older than it --- */

enum {	/* rights to files, with the ABI that brought them */
	LL_READ_FILE = 1 << 2, LL_READ_DIR = 1 << 3, LL_WRITE_FILE = 1 << 1,
	LL_REMOVE_DIR = 1 << 4, LL_REMOVE_FILE = 1 << 5, LL_MAKE_DIR = 1 << 7, LL_MAKE_REG = 1 << 8,
	LL_ALL_1 = (1 << 13) - 1,	/* ABI 1: up to MAKE_SYM */
	LL_REFER = 1 << 13,		/* 2: rename and link between folders */
	LL_TRUNCATE = 1 << 14,		/* 3 */
	LL_IOCTL_DEV = 1 << 15,		/* 5 */
	LL_NET_BIND = 1 << 0, LL_NET_CONNECT = 1 << 1,			/* 4 */
	LL_SCOPE_ABSTRACT = 1 << 0, LL_SCOPE_SIGNAL = 1 << 1		/* 6 */
};
enum { LL_ABI_MIN = 2, LL_RULE_PATH = 1, LL_VERSION = 1 };

struct ll_ruleset { uint64_t fs, net, scoped; };
struct ll_path { uint64_t allowed; int32_t fd; } __attribute__((packed));

/* What this kernel can be asked to forbid to role. */
static struct ll_ruleset
landlock_handled(const struct sandbox_row *row, int abi)
{
	struct ll_ruleset r = { .fs = LL_REFER };	/* forbidden too when not named */

	if (row->files != FS_ANY) {
		r.fs |= LL_ALL_1;
		if (abi >= 3)
			r.fs |= LL_TRUNCATE;
		if (abi >= 5)
			r.fs |= LL_IOCTL_DEV;
	}
	if (abi >= 4)
		r.net = row->calls & C_OUT ? LL_NET_BIND : LL_NET_BIND | LL_NET_CONNECT;
	if (abi >= 6)
		r.scoped = LL_SCOPE_ABSTRACT | LL_SCOPE_SIGNAL;
	return r;
}

static int
landlock_allow(int ruleset, const struct sandbox_dir *dir, uint64_t handled, struct err *e)
{
	uint64_t rights = LL_READ_FILE | LL_READ_DIR;
	struct ll_path p = { 0, dir->fd };

	if (dir->write)
		rights |= LL_WRITE_FILE | LL_REMOVE_DIR | LL_REMOVE_FILE | LL_MAKE_DIR | LL_MAKE_REG |
		    LL_REFER | LL_TRUNCATE;
	p.allowed = rights & handled;
	if (syscall(SYS_landlock_add_rule, ruleset, LL_RULE_PATH, &p, 0) == -1)
		return err_sys(e, "Landlock: folder");
	return 0;
}

/* FS_ANY: rename and link between folders stay what they were. */
static int
landlock_allow_refer(int ruleset, struct err *e)
{
	struct ll_path p = { LL_REFER, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC) };
	long r = p.fd == -1 ? -1 : syscall(SYS_landlock_add_rule, ruleset, LL_RULE_PATH, &p, 0);

	if (r == -1)
		err_sys(e, "Landlock: /");
	if (p.fd != -1)
		close(p.fd);
	return (int)r;
}

static int
landlock_enter(const struct sandbox_row *row, const struct sandbox_dir *dirs, size_t n, int abi,
    struct err *e)
{
	struct ll_ruleset handled = landlock_handled(row, abi);
	size_t size = abi >= 6 ? sizeof handled : abi >= 4 ? offsetof(struct ll_ruleset, scoped) :
	    offsetof(struct ll_ruleset, net);
	int fd, r = 0;

	fd = (int)syscall(SYS_landlock_create_ruleset, &handled, size, 0);
	if (fd == -1)
		return err_sys(e, "Landlock: ruleset");
	for (size_t i = 0; r == 0 && row->files == FS_DIRS && i < n; i++)
		r = landlock_allow(fd, &dirs[i], handled.fs, e);
	if (row->files == FS_ANY)
		r = landlock_allow_refer(fd, e);
	if (r == 0 && syscall(SYS_landlock_restrict_self, fd, 0) == -1)
		r = err_sys(e, "Landlock: restrict");
	close(fd);
	return r;
}

/* The role this process has already, or SB_COUNT. */
static enum sandbox_role entered = SB_COUNT;

static int
files_enter(enum sandbox_role role, const struct sandbox_dir *dirs, size_t n, bool optional,
    struct err *e)
{
	const struct sandbox_row *row = &rows[role];
	int abi;

	/* what the parent cannot open its children cannot either */
	if (entered != SB_COUNT && rows[entered].files == FS_NONE && row->files == FS_NONE)
		return 0;
	abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LL_VERSION);
	if (abi >= LL_ABI_MIN)
		return landlock_enter(row, dirs, n, abi, e);
	if (optional) {
		if (entered == SB_COUNT)
			log_line(LOG_WARN, NULL, "no-landlock", "role=%s why=%s", row->name,
			    log_q("the kernel lacks Landlock, the setting nolandlock accepts it"));
		return 0;
	}
	return err_set(e, ERR_TEMP, "4.3.5", "this kernel has no Landlock (ABI %d or later); 1 in the "
	    "setting nolandlock accepts that", LL_ABI_MIN);
}

/* --- limits --- */

/* What is known of the limits in force: by a parent, for its children too. */
static struct { bool known; struct rlimit now; } limits[RLIM_NLIMITS];

static int
limit_ask(int what, struct err *e)
{
	if (!limits[what].known && getrlimit(what, &limits[what].now) == -1)
		return err_sys(e, "limit %d", what);
	limits[what].known = true;
	return 0;
}

static int
limit(int what, rlim_t value, struct err *e)
{
	struct rlimit *now = &limits[what].now, want = { value, value };

	if (value == NO_LIMIT)
		return 0;
	if (limit_ask(what, e) == -1)
		return -1;
	if (now->rlim_max == value && now->rlim_cur == value)
		return 0;		/* inherited */
	if (now->rlim_max != RLIM_INFINITY && now->rlim_max < value)
		return 0;		/* an administrator's is narrower: it stays */
	if (setrlimit(what, &want) == -1)
		return err_sys(e, "limit %d", what);
	*now = want;
	return 0;
}

static int
limit_of_memory(const struct sandbox_row *row)
{
	return row->calls & C_MAPS ? RLIMIT_DATA : RLIMIT_AS;
}

static int
limits_enter(const struct sandbox_row *row, struct err *e)
{
	if (limit(RLIMIT_CORE, 0, e) == -1 || limit(RLIMIT_FSIZE, row->file, e) == -1)
		return -1;
	if (!(row->calls & C_PARENT) && limit(RLIMIT_NPROC, 0, e) == -1)
		return -1;
#ifndef ACCORD_SAN	/* whose shadow memory is larger than any limit */
	if (limit(limit_of_memory(row), row->memory, e) == -1)
		return -1;
#endif
	return 0;
}

/* So that no child has to ask. */
static int
limits_learn(const struct sandbox_row *child, struct err *e)
{
	const int what[] = { RLIMIT_CORE, RLIMIT_FSIZE, RLIMIT_NPROC, limit_of_memory(child) };

	for (size_t i = 0; i < sizeof what / sizeof *what; i++)
		if (limit_ask(what[i], e) == -1)
			return -1;
	return 0;
}

/*
 * Capabilities that the row does not name are dropped, by a process that has any.  A root process
 * gets back what it dropped when it runs a program, so this is done behind that.
 */
static int
caps_enter(const struct sandbox_row *row, struct err *e)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct now[2] = { { 0 } }, want[2] = { { 0 } };

	if (syscall(SYS_capget, &h, now) == -1)
		return err_sys(e, "capabilities");
	want[0].permitted = want[0].effective = now[0].permitted & row->caps;
	return syscall(SYS_capset, &h, want) == -1 ? err_sys(e, "capabilities") : 0;
}

#ifdef ACCORD_SAN
/* The leak check at exit traces the process, which no role may. */
int __lsan_is_turned_off(void);
int
__lsan_is_turned_off(void)
{
	return entered != SB_COUNT;
}
#endif

int
sandbox_enter(enum sandbox_role role, const struct sandbox_dir *dirs, size_t n,
    bool landlock_optional, struct err *e)
{
	const struct sandbox_row *row = &rows[role];

	bool first = entered == SB_COUNT;	/* else a child, which inherited much */

	if (first)
		tzset();	/* reads /etc/localtime, which gmtime_r() would do later */
	if (filter_compile(role, e) == -1 ||
	    (row->child != SB_COUNT && filter_compile(row->child, e) == -1) ||
	    (row->other != 0 && filter_compile(row->other, e) == -1))
		return err_in(e, "sandbox %s", row->name);
	if (row->child != SB_COUNT)
		malloc_trim(0);		/* what that and the start left in pieces each child would copy */
	if (first && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return err_sys(e, "sandbox %s: prctl", row->name);
	/* a change of uid undoes it */
	if ((first || rows[entered].calls & C_IDENTITY) && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return err_sys(e, "sandbox %s: prctl", row->name);
	/* a child's are a part of its parent's, or gone with its uid */
	if ((first && caps_enter(row, e) == -1) ||
	    (row->child != SB_COUNT && limits_learn(&rows[row->child], e) == -1) ||
	    limits_enter(row, e) == -1 || files_enter(role, dirs, n, landlock_optional, e) == -1 ||
	    filter_load(role, e) == -1)
		return err_in(e, "sandbox %s", row->name);
	entered = role;
	return 0;
}
