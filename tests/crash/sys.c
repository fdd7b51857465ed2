/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * What sys.h says.  The Makefile takes the names for --wrap from the lines that begin with WRAP, so each is
 * written once; they are the names that the objects have, after what the C library's headers make of them.
 *
 * It runs inside every sandbox, so it makes no call but fstat() (which all may) of its own, and stat by
 * name where the program has just changed a name.  No memory is taken.  errno is as the call left it.
 */
#include "tests/crash/sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#define WRAP(type, name, ...) \
	type __real_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

enum { SHORT = -1 };

static struct sys_record *rec;
static struct sys_faults *faults;
static char program[16];
static dev_t memory_dev;	/* where memory files lie: they are no disk's */

int __real_open64(const char *path, int flags, ...);
int __real_openat64(int dir, const char *path, int flags, ...);
int __real_fstat64(int fd, struct stat *st);
int __real_fstatat64(int dir, const char *path, struct stat *st, int flags);
void *__real_mmap64(void *at, size_t n, int prot, int flags, int fd, off_t off);
int __real_memfd_create(const char *name, unsigned flags);

/* --- at the start --- */

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "tests/crash/sys.c: %s: %s\n", what, strerror(errno));
	abort();
}

static void *
map(const char *variable, const char *magic, size_t least)
{
	const char *path = getenv(variable);
	struct stat st;
	void *p;
	int fd;

	if (path == NULL)
		return NULL;
	fd = __real_open64(path, O_RDWR | O_CLOEXEC);
	if (fd == -1 || __real_fstat64(fd, &st) == -1)
		die(path);
	if ((size_t)st.st_size < least)
		die("a file that is too small");
	p = __real_mmap64(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED || memcmp(p, magic, 8) != 0)
		die(path);
	close(fd);
	return p;
}

static void __attribute__((constructor))
begin(void)
{
	const char *name = program_invocation_short_name;
	struct stat st;
	int fd;

	snprintf(program, sizeof program, "%s", strncmp(name, "accord-", 7) == 0 ? name + 7 : name);
	rec = map("ACCORD_RECORD", "accordR", sizeof *rec);
	faults = map("ACCORD_FAULTS", "accordF", sizeof *faults);
	if (rec == NULL)
		return;
	fd = __real_memfd_create("device", MFD_CLOEXEC);
	if (fd == -1 || __real_fstat64(fd, &st) == -1)
		die("memfd");
	memory_dev = st.st_dev;
	close(fd);
}

/* A child that goes on in the same program. */
static void
name_child(void)
{
	static const char *const names[][2] = {
		{ "queue", "queue-worker" }, { "smtpd", "smtpd-session" }, { "remote", "remote-session" },
		{ "local", "local-job" }, { "convertd", "convert-job" },
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(program, names[i][0]) == 0) {
			snprintf(program, sizeof program, "%s", names[i][1]);
			return;
		}
}

/* --- faults --- */

static bool
matches(const struct sys_fault *f, enum sys_call call, const char *path)
{
	return f->on && (f->call == SYS_CALLS || f->call == (uint32_t)call) &&
	    (f->program[0] == '\0' || strncmp(f->program, program, sizeof f->program) == 0) &&
	    (f->path[0] == '\0' || (path != NULL &&
	    strncmp(path, f->path, strnlen(f->path, sizeof f->path)) == 0));
}

/* The errno that this call shall fail with (errno is that), SHORT, or 0: it is made. */
static int
fault(enum sys_call call, const char *path)
{
	int made = 0;

	if (faults == NULL)
		return 0;
	for (uint64_t i = 0; i < faults->rules && i < SYS_FAULTS; i++) {
		struct sys_fault *f = &faults->rule[i];
		uint64_t n;

		if (!matches(f, call, path))
			continue;
		n = __atomic_add_fetch(&f->seen, 1, __ATOMIC_SEQ_CST);
		if (made != 0 || n < f->from || (f->to != 0 && n > f->to))
			continue;
		__atomic_add_fetch(&f->made, 1, __ATOMIC_SEQ_CST);
		made = f->error != 0 ? (int)f->error : SHORT;
	}
	if (made > 0)
		errno = made;
	return made;
}

/* --- records --- */

static uint64_t
tick(void)
{
	return rec == NULL ? 0 : __atomic_fetch_add(&rec->count, 1, __ATOMIC_SEQ_CST);
}

static const char *
last(const char *path)
{
	const char *slash = path == NULL ? NULL : strrchr(path, '/');

	return path == NULL ? "" : slash == NULL ? path : slash + 1;
}

static uint64_t
ino_of(int fd)
{
	struct stat st;

	return __real_fstat64(fd, &st) == -1 ? 0 : st.st_ino;
}

static uint64_t
ino_at(int dir, const char *path)
{
	struct stat st;

	return rec == NULL || __real_fstatat64(dir, path, &st, AT_SYMLINK_NOFOLLOW) == -1 ? 0 : st.st_ino;
}

/* The folder that the path's last component lies in. */
static uint64_t
dir_at(int dir, const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];

	if (slash == NULL)
		return dir == AT_FDCWD ? ino_at(dir, ".") : ino_of(dir);
	snprintf(folder, sizeof folder, "%.*s", slash == path ? 1 : (int)(slash - path), path);
	return ino_at(dir, folder);
}

static void
copy(unsigned char *to, size_t n, const struct iovec *v)
{
	for (; n > 0; v++) {
		size_t part = v->iov_len < n ? v->iov_len : n;

		memcpy(to, v->iov_base, part);
		to += part;
		n -= part;
	}
}

/* r: all but what is filled in here; v holds r->n octets at least. */
static void
record(struct sys_rec r, int error, const char *from, const char *to, const struct iovec *v)
{
	int kept = errno;
	unsigned char *p;
	size_t len;
	uint64_t at;

	if (rec == NULL)
		return;
	from = last(from);
	to = last(to);
	r.from_len = (uint16_t)strlen(from);
	r.to_len = (uint16_t)strlen(to);
	len = (sizeof r + r.from_len + r.to_len + r.n + 7) / 8 * 8;
	at = __atomic_fetch_add(&rec->next, len, __ATOMIC_SEQ_CST);
	if (at + len > rec->size) {
		errno = kept;
		return;
	}
	r.error = (uint16_t)error;
	r.pid = (uint32_t)getpid();
	r.end = tick();
	r.len = 0;
	p = (unsigned char *)rec + at;
	memcpy(p, &r, sizeof r);
	memcpy(p + sizeof r, from, r.from_len);
	memcpy(p + sizeof r + r.from_len, to, r.to_len);
	if (r.n > 0)
		copy(p + sizeof r + r.from_len + r.to_len, r.n, v);
	__atomic_store_n(&((struct sys_rec *)(void *)p)->len, (uint32_t)len, __ATOMIC_SEQ_CST);
	errno = kept;
}

/* --- files: names --- */

static int
opened(int dir, const char *path, int flags, mode_t mode)
{
	struct sys_rec r = { .call = flags & O_CREAT ? SYS_CREATE : SYS_OPEN, .flags = (uint32_t)flags };
	bool changes = flags & (O_CREAT | O_TRUNC);
	int fd;

	if (fault((enum sys_call)r.call, path) > 0) {
		if (changes)
			record(r, errno, path, NULL, NULL);
		return -1;
	}
	r.begin = changes ? tick() : 0;
	fd = __real_openat64(dir, path, flags, mode);
	if (changes && rec != NULL) {
		int kept = errno;

		r.ino = fd == -1 ? 0 : ino_of(fd);
		r.dir = dir_at(dir, path);
		record(r, fd == -1 ? kept : 0, path, NULL, NULL);
		errno = kept;
	}
	return fd;
}

#define MODE(flags) \
	va_list ap; \
	mode_t mode; \
	va_start(ap, flags); \
	mode = (flags) & O_CREAT ? va_arg(ap, mode_t) : 0; \
	va_end(ap)

WRAP(int, open64, const char *path, int flags, ...)
{
	MODE(flags);
	return opened(AT_FDCWD, path, flags, mode);
}

WRAP(int, openat64, int dir, const char *path, int flags, ...)
{
	MODE(flags);
	return opened(dir, path, flags, mode);
}

WRAP(int, __open64_2, const char *path, int flags)
{
	return opened(AT_FDCWD, path, flags, 0);
}

WRAP(int, __openat64_2, int dir, const char *path, int flags)
{
	return opened(dir, path, flags, 0);
}

/* The record of a call without data, which it has just made or not made; its result. */
static int
named(struct sys_rec r, int result, const char *from, const char *to)
{
	record(r, result == -1 ? errno : 0, from, to, NULL);
	return result;
}

static int
made_folder(int dir, const char *path, mode_t mode, int (*make)(int, const char *, mode_t))
{
	struct sys_rec r = { .call = SYS_MKDIR, .dir = rec == NULL ? 0 : dir_at(dir, path) };
	int result = -1, kept;

	if (fault(SYS_MKDIR, path) > 0)
		return named(r, -1, path, NULL);
	r.begin = tick();
	result = make(dir, path, mode);
	kept = errno;
	r.ino = result == 0 ? ino_at(dir, path) : 0;
	errno = kept;
	return named(r, result, path, NULL);
}

WRAP(int, mkdirat, int dir, const char *path, mode_t mode)
{
	return made_folder(dir, path, mode, __real_mkdirat);
}

WRAP(int, mkdir, const char *path, mode_t mode)
{
	return made_folder(AT_FDCWD, path, mode, __real_mkdirat);
}

/* Before a call on a name that is there, and perhaps on another: what it is about; false: it is refused. */
static bool
begins(struct sys_rec *r, int dir, const char *from, int to_dir, const char *to)
{
	if (rec != NULL) {
		r->ino = ino_at(dir, from);
		r->dir = dir_at(dir, from);
		r->to_dir = to == NULL ? 0 : dir_at(to_dir, to);
	}
	if (fault((enum sys_call)r->call, from) > 0)
		return false;
	r->begin = tick();
	return true;
}

WRAP(int, renameat2, int dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	struct sys_rec r = { .call = SYS_RENAME, .flags = flags };

	if (!begins(&r, dir, from, to_dir, to))
		return named(r, -1, from, to);
	return named(r, __real_renameat2(dir, from, to_dir, to, flags), from, to);
}

WRAP(int, renameat, int dir, const char *from, int to_dir, const char *to)
{
	return __wrap_renameat2(dir, from, to_dir, to, 0);
}

WRAP(int, rename, const char *from, const char *to)
{
	return __wrap_renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

WRAP(int, linkat, int dir, const char *from, int to_dir, const char *to, int flags)
{
	struct sys_rec r = { .call = SYS_LINK, .flags = (uint32_t)flags };

	if (!begins(&r, dir, from, to_dir, to))
		return named(r, -1, from, to);
	return named(r, __real_linkat(dir, from, to_dir, to, flags), from, to);
}

WRAP(int, unlinkat, int dir, const char *path, int flags)
{
	struct sys_rec r = { .call = SYS_UNLINK, .flags = (uint32_t)flags };

	if (!begins(&r, dir, path, dir, NULL))
		return named(r, -1, path, NULL);
	return named(r, __real_unlinkat(dir, path, flags), path, NULL);
}

WRAP(int, unlink, const char *path)
{
	return __wrap_unlinkat(AT_FDCWD, path, 0);
}

/* --- files: octets --- */

/* Of a disk or of memory; the rest are connections, pipes, terminals. */
static bool
regular(int fd, struct stat *st)
{
	int kept = errno;
	bool is = (rec != NULL || faults != NULL) && __real_fstat64(fd, st) == 0 && S_ISREG(st->st_mode);

	errno = kept;
	return is;
}

/* off -1: where the file stands. */
static ssize_t
written(int fd, const struct iovec *v, int n, off_t off,
    ssize_t (*put)(int, const struct iovec *, int, off_t))
{
	struct sys_rec r = { .call = SYS_WRITE };
	struct iovec half = { v[0].iov_base, v[0].iov_len / 2 };
	struct stat st;
	ssize_t did;
	int f, kept;

	if (!regular(fd, &st))
		return put(fd, v, n, off);
	r.ino = st.st_dev == memory_dev ? 0 : st.st_ino;
	f = fault(SYS_WRITE, NULL);
	r.begin = tick();
	did = f > 0 ? -1 : f == SHORT && half.iov_len > 0 ? put(fd, &half, 1, off) : put(fd, v, n, off);
	if (r.ino == 0)
		return did;
	kept = errno;
	r.n = did > 0 ? (uint32_t)did : 0;
	r.off = (uint64_t)(off != -1 ? off : lseek(fd, 0, SEEK_CUR) - (did > 0 ? did : 0));
	errno = kept;
	record(r, did == -1 ? kept : 0, NULL, NULL, v);
	return did;
}

ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __real_pwrite64(int fd, const void *p, size_t n, off_t off);
ssize_t __real_writev(int fd, const struct iovec *v, int n);

static ssize_t
put_write(int fd, const struct iovec *v, int n, off_t off)
{
	(void)n, (void)off;
	return __real_write(fd, v->iov_base, v->iov_len);
}

static ssize_t
put_pwrite(int fd, const struct iovec *v, int n, off_t off)
{
	(void)n;
	return __real_pwrite64(fd, v->iov_base, v->iov_len, off);
}

static ssize_t
put_writev(int fd, const struct iovec *v, int n, off_t off)
{
	(void)off;
	return __real_writev(fd, v, n);
}

static struct iovec
one(const void *p, size_t n)
{
	union { const void *from; void *to; } u = { .from = p };

	return (struct iovec){ u.to, n };
}

WRAP(ssize_t, write, int fd, const void *p, size_t n)
{
	struct iovec v = one(p, n);

	return written(fd, &v, 1, -1, put_write);
}

WRAP(ssize_t, pwrite64, int fd, const void *p, size_t n, off_t off)
{
	struct iovec v = one(p, n);

	return written(fd, &v, 1, off, put_pwrite);
}

WRAP(ssize_t, writev, int fd, const struct iovec *v, int n)
{
	return written(fd, v, n, -1, put_writev);
}

WRAP(int, ftruncate64, int fd, off_t len)
{
	struct sys_rec r = { .call = SYS_TRUNCATE, .off = (uint64_t)len };
	struct stat st;
	int result;

	if (!regular(fd, &st))
		return __real_ftruncate64(fd, len);
	r.ino = st.st_dev == memory_dev ? 0 : st.st_ino;
	if (fault(SYS_TRUNCATE, NULL) > 0)
		return r.ino == 0 ? -1 : named(r, -1, NULL, NULL);
	r.begin = tick();
	result = __real_ftruncate64(fd, len);
	return r.ino == 0 ? result : named(r, result, NULL, NULL);
}

/* --- flushes --- */

static int
flushed(enum sys_call call, int fd, int (*flush)(int))
{
	struct sys_rec r = { .call = (uint16_t)call, .ino = rec == NULL ? 0 : ino_of(fd) };
	bool fails = fault(call, NULL) > 0;

	r.begin = tick();
	return named(r, fails ? -1 : flush(fd), NULL, NULL);
}

WRAP(int, fsync, int fd)
{
	return flushed(SYS_FSYNC, fd, __real_fsync);
}

WRAP(int, fdatasync, int fd)
{
	return flushed(SYS_FDATASYNC, fd, __real_fdatasync);
}

WRAP(int, syncfs, int fd)
{
	return flushed(SYS_SYNCFS, fd, __real_syncfs);
}

WRAP(int, sync_file_range, int fd, off_t off, off_t n, unsigned flags)
{
	enum sys_call call = flags & SYNC_FILE_RANGE_WAIT_AFTER ? SYS_WRITTEN : SYS_WRITEBACK;
	struct sys_rec r = { .call = (uint16_t)call, .flags = flags, .ino = rec == NULL ? 0 : ino_of(fd) };
	bool fails = fault(call, NULL) > 0;

	r.begin = tick();
	return named(r, fails ? -1 : __real_sync_file_range(fd, off, n, flags), NULL, NULL);
}

/* --- calls that change nothing: they are counted, and may fail --- */

#define FAILS(call, path) (fault(call, path) > 0)

static bool
read_fails(int fd)
{
	struct stat st;

	return faults != NULL && regular(fd, &st) && fault(SYS_READ, NULL) > 0;
}

WRAP(ssize_t, read, int fd, void *p, size_t n)
{
	return read_fails(fd) ? -1 : __real_read(fd, p, n);
}

WRAP(ssize_t, __read_chk, int fd, void *p, size_t n, size_t room)
{
	return read_fails(fd) ? -1 : __real___read_chk(fd, p, n, room);
}

WRAP(ssize_t, pread64, int fd, void *p, size_t n, off_t off)
{
	return read_fails(fd) ? -1 : __real_pread64(fd, p, n, off);
}

WRAP(ssize_t, __pread64_chk, int fd, void *p, size_t n, off_t off, size_t room)
{
	return read_fails(fd) ? -1 : __real___pread64_chk(fd, p, n, off, room);
}

WRAP(struct dirent *, readdir64, DIR *d)
{
	return FAILS(SYS_READ, NULL) ? NULL : __real_readdir64(d);
}

WRAP(int, futimens, int fd, const struct timespec t[2])
{
	return FAILS(SYS_TOUCH, NULL) ? -1 : __real_futimens(fd, t);
}

WRAP(int, fstat64, int fd, struct stat *st)
{
	return FAILS(SYS_STAT, NULL) ? -1 : __real_fstat64(fd, st);
}

WRAP(int, fstatat64, int dir, const char *path, struct stat *st, int flags)
{
	return FAILS(SYS_STAT, path) ? -1 : __real_fstatat64(dir, path, st, flags);
}

WRAP(int, stat64, const char *path, struct stat *st)
{
	return FAILS(SYS_STAT, path) ? -1 : __real_stat64(path, st);
}

WRAP(int, fstatvfs64, int fd, struct statvfs *v)
{
	return FAILS(SYS_STAT, NULL) ? -1 : __real_fstatvfs64(fd, v);
}

WRAP(int, fstatfs64, int fd, struct statfs *v)
{
	return FAILS(SYS_STAT, NULL) ? -1 : __real_fstatfs64(fd, v);
}

WRAP(int, fcntl64, int fd, int what, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, what);
	arg = va_arg(ap, void *);	/* an int too has come in a whole register */
	va_end(ap);
	if ((what == F_SETLEASE && FAILS(SYS_LEASE, NULL)) ||
	    ((what == F_DUPFD || what == F_DUPFD_CLOEXEC) && FAILS(SYS_SOCKET, NULL)))
		return -1;
	return __real_fcntl64(fd, what, arg);
}

WRAP(void *, mmap64, void *at, size_t n, int prot, int flags, int fd, off_t off)
{
	return FAILS(SYS_MAP, NULL) ? MAP_FAILED : __real_mmap64(at, n, prot, flags, fd, off);
}

WRAP(int, socket, int domain, int type, int protocol)
{
	return FAILS(SYS_SOCKET, NULL) ? -1 : __real_socket(domain, type, protocol);
}

WRAP(int, socketpair, int domain, int type, int protocol, int pair[2])
{
	return FAILS(SYS_SOCKET, NULL) ? -1 : __real_socketpair(domain, type, protocol, pair);
}

WRAP(int, pipe2, int pair[2], int flags)
{
	return FAILS(SYS_SOCKET, NULL) ? -1 : __real_pipe2(pair, flags);
}

WRAP(int, epoll_ctl, int epoll, int what, int fd, struct epoll_event *event)
{
	return what == EPOLL_CTL_ADD && FAILS(SYS_MEMORY, NULL) ? -1 : __real_epoll_ctl(epoll, what, fd, event);
}

WRAP(int, accept4, int fd, struct sockaddr *who, socklen_t *len, int flags)
{
	return FAILS(SYS_SOCKET, NULL) ? -1 : __real_accept4(fd, who, len, flags);
}

WRAP(ssize_t, send, int fd, const void *p, size_t n, int flags)
{
	return FAILS(SYS_PACKET, NULL) ? -1 : __real_send(fd, p, n, flags);
}

WRAP(ssize_t, sendto, int fd, const void *p, size_t n, int flags, const struct sockaddr *to, socklen_t len)
{
	return FAILS(SYS_PACKET, NULL) ? -1 : __real_sendto(fd, p, n, flags, to, len);
}

WRAP(ssize_t, sendmsg, int fd, const struct msghdr *m, int flags)
{
	return FAILS(SYS_PACKET, NULL) ? -1 : __real_sendmsg(fd, m, flags);
}

WRAP(pid_t, fork, void)
{
	pid_t pid = FAILS(SYS_FORK, NULL) ? -1 : __real_fork();

	if (pid == 0)
		name_child();
	return pid;
}

WRAP(void *, malloc, size_t n)
{
	return FAILS(SYS_MEMORY, NULL) ? NULL : __real_malloc(n);
}

WRAP(void *, calloc, size_t n, size_t size)
{
	return FAILS(SYS_MEMORY, NULL) ? NULL : __real_calloc(n, size);
}

WRAP(void *, realloc, void *p, size_t n)
{
	return FAILS(SYS_MEMORY, NULL) ? NULL : __real_realloc(p, n);
}

WRAP(int, memfd_create, const char *name, unsigned flags)
{
	return FAILS(SYS_MEMORY, NULL) ? -1 : __real_memfd_create(name, flags);
}
