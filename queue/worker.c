/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * A worker waits for the disk in place of the queue's loop.  It is told IDs, gives files their
 * names, and says for each whether it is durable.  It ends when its channel closes.
 */
#include "queue/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/log.h"

struct batch {
	int dir_fd, log_fd;		/* log_fd -1: no room for it, so far */
	bool holes_tell;		/* what was never written is a hole here, and nothing else is */
	enum strategy strategy;
	const struct flush_job *job;
	struct flush_done done;
	int fd[FLUSH_COMMITS + FLUSH_MARKS];
	int hh_fd[256];			/* directories, opened when first flushed; -1: not yet */
	char last_id[QID_SIZE];
};

static int
log_open_file(int dir_fd)
{
	return openat(dir_fd, "log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
	    0640);
}

static unsigned
hh_number(const char *id)
{
	static const char hex[] = "0123456789abcdef";
	char hh[3];

	qid_dir(id, hh);
	return (unsigned)(strchr(hex, hh[0]) - hex) << 4 | (unsigned)(strchr(hex, hh[1]) - hex);
}

static bool
is_commit(const struct batch *b, uint32_t i)
{
	return i < b->job->ncommit;
}

static void
file_failed(struct batch *b, uint32_t i, int sys)
{
	*(is_commit(b, i) ? &b->done.sys[i] : &b->done.mark_sys) = sys;
}

/*
 * Opens all files of the batch and starts writing them back, so that the disk has all at once.  ext4 drops
 * octets for which it finds no place, and tells only whoever began to write them back.
 */
static void
batch_begin(struct batch *b)
{
	char path[PATH_SIZE];

	for (uint32_t i = 0; i < b->job->ncommit + b->job->nmark; i++) {
		(is_commit(b, i) ? path_tmp : path_final)(b->job->id[i], path);
		b->fd[i] = openat(b->dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (b->fd[i] == -1) {
			if (is_commit(b, i) || errno != ENOENT)	/* unlinked since: nothing to flush */
				file_failed(b, i, errno);
		} else if (sync_file_range(b->fd[i], 0, 0, SYNC_FILE_RANGE_WRITE) == -1) {
			file_failed(b, i, errno);
		}
	}
}

/* The data of one file has reached the device, or with EACH is durable.  0 or errno. */
static int
file_wait(const struct batch *b, uint32_t i)
{
	if (b->strategy == STRATEGY_EACH)
		return (is_commit(b, i) ? fsync(b->fd[i]) : fdatasync(b->fd[i])) == -1 ? errno : 0;
	return sync_file_range(b->fd[i], 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
	    SYNC_FILE_RANGE_WAIT_AFTER) == -1 ? errno : 0;
}

/*
 * Somebody else, the kernel's own flusher say, may have begun to write it back and heard of the failure, and
 * the inode that remembers it may have left the memory since.  What is not written then is a hole; accord
 * makes none.
 */
static bool
file_has_hole(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END), hole = lseek(fd, 0, SEEK_HOLE);

	return hole != -1 && hole < size;
}

static void
batch_wait(struct batch *b)
{
	for (uint32_t i = 0; i < b->job->ncommit + b->job->nmark; i++) {
		int sys;

		if (b->fd[i] == -1)
			continue;
		sys = file_wait(b, i);
		if (sys == 0 && is_commit(b, i) && b->holes_tell && file_has_hole(b->fd[i]))
			sys = EIO;
		close(b->fd[i]);
		if (sys != 0)
			file_failed(b, i, sys);
	}
}

/* Never over a name that is there. */
static int
give_name(int dir_fd, const char *from, const char *to)
{
	if (renameat2(dir_fd, from, dir_fd, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(dir_fd, from, dir_fd, to, 0) == -1)	/* a file system without that flag */
		return -1;
	return unlinkat(dir_fd, from, 0);
}

static void
batch_name(struct batch *b)
{
	char from[PATH_SIZE], to[PATH_SIZE];

	for (uint32_t i = 0; i < b->job->ncommit; i++) {
		if (b->done.sys[i] != 0)
			continue;
		path_tmp(b->job->id[i], from);
		path_final(b->job->id[i], to);
		if (give_name(b->dir_fd, from, to) == -1)
			b->done.sys[i] = errno;
	}
}

static int
log_write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t r = write(fd, p, n);

		if (r == -1 && errno == EINTR)
			continue;
		if (r <= 0)
			return -1;
		p += r;
		n -= (size_t)r;
	}
	return 0;
}

/* The batch's IDs; the log grows with each call, which its fsync in JOURNAL relies on. */
static int
log_append(struct batch *b)
{
	char lines[FLUSH_COMMITS * LOGLINE + LOGLINE + 1];
	struct stat st;
	size_t n = 0;

	for (uint32_t i = 0; i < b->job->ncommit; i++) {
		if (b->done.sys[i] != 0)
			continue;
		logline_make(lines + n, '+', b->job->id[i]);
		n += LOGLINE;
		memcpy(b->last_id, b->job->id[i], QID_LEN);
	}
	if (n == 0) {
		logline_make(lines, '=', b->last_id);
		n = LOGLINE;
	}
	if (b->log_fd == -1 && (b->log_fd = log_open_file(b->dir_fd)) == -1)
		return -1;
	if (fstat(b->log_fd, &st) == 0 && st.st_size > LOG_MAX && ftruncate(b->log_fd, 0) == -1)
		return -1;
	return log_write_all(b->log_fd, lines, n);
}

static void
batch_refuse(struct batch *b, int sys)
{
	for (uint32_t i = 0; i < b->job->ncommit; i++)
		if (b->done.sys[i] == 0)
			b->done.sys[i] = sys;
}

/* Results too: marked files, and names that are gone. */
static void
batch_fail(struct batch *b, int sys)
{
	batch_refuse(b, sys);
	b->done.mark_sys = sys;
}

/*
 * One flush for the batch: the journal commits in order, so the log's commit has all before it.  A full disk
 * that has no room for the log's next lines takes no message, but results, which free room, are flushed
 * without them.
 */
static void
batch_barrier(struct batch *b)
{
	bool logged = log_append(b) == 0;
	int sys;

	if (!logged && b->strategy == STRATEGY_JOURNAL)
		batch_refuse(b, errno);
	if (!logged || b->strategy == STRATEGY_FS) {
		if (syncfs(b->dir_fd) == -1)
			batch_fail(b, errno);
		return;
	}
	if (fsync(b->log_fd) == 0)
		return;
	sys = errno;
	batch_fail(b, sys);
	close(b->log_fd);	/* its pages may count as clean now: never flush that file again */
	(void)unlinkat(b->dir_fd, "log", 0);
	b->log_fd = log_open_file(b->dir_fd);
}

static int
hh_flush(struct batch *b, unsigned hh)
{
	char name[3];

	if (b->hh_fd[hh] == -1) {
		snprintf(name, sizeof name, "%02x", hh);
		b->hh_fd[hh] = openat(b->dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (b->hh_fd[hh] == -1)
			return errno;
	}
	return fsync(b->hh_fd[hh]) == -1 ? errno : 0;
}

/* EACH: the directories that got or lost a name, each once. */
static void
batch_directories(struct batch *b)
{
	unsigned char dirs[32];

	memcpy(dirs, b->job->dirs, sizeof dirs);
	for (uint32_t i = 0; i < b->job->ncommit; i++)
		if (b->done.sys[i] == 0)
			dirs[hh_number(b->job->id[i]) / 8] |= 1u << hh_number(b->job->id[i]) % 8;
	for (unsigned hh = 0; hh < 256; hh++) {
		int sys;

		if (!(dirs[hh / 8] & 1u << hh % 8) || (sys = hh_flush(b, hh)) == 0)
			continue;
		if (b->job->dirs[hh / 8] & 1u << hh % 8)
			b->done.mark_sys = sys;
		for (uint32_t i = 0; i < b->job->ncommit; i++)
			if (b->done.sys[i] == 0 && hh_number(b->job->id[i]) == hh)
				b->done.sys[i] = sys;
	}
	(void)log_append(b);	/* only remembers the ID */
}

static void
batch_run(struct batch *b)
{
	memset(&b->done, 0, sizeof b->done);
	b->done.ncommit = b->job->ncommit;
	if (b->job->all) {
		b->done.mark_sys = syncfs(b->dir_fd) == -1 || durable_confirm(b->dir_fd) == -1 ? errno : 0;
		return;
	}
	batch_begin(b);
	batch_wait(b);
	batch_name(b);
	if (b->strategy == STRATEGY_EACH)
		batch_directories(b);
	else
		batch_barrier(b);
	if (durable_confirm(b->dir_fd) == -1)
		batch_fail(b, errno);
}

static void
worker_confine(int dir_fd, const struct queue_options *opt)
{
	struct err e;

	if (opt->confine != NULL && opt->confine(dir_fd, opt->landlock_optional, &e) == -1) {
		log_line(LOG_ERR, NULL, "sandbox", "why=%s", log_q(e.what));
		_exit(1);
	}
}

_Noreturn void
worker_run(int sock, int dir_fd, int lock_fd, const char *last_id, const struct queue_options *opt)
{
	static struct batch b;
	static struct flush_job job;
	struct err e;

	/* It holds nobody's channel, but the lock: no other queue may start while this one may still give
	 * names. */
	if (ipc_close_others((int[]){ sock, dir_fd, lock_fd }, 3, &e) == -1) {
		log_line(LOG_ERR, NULL, "worker", "why=%s", log_q(e.what));
		_exit(1);
	}
	b = (struct batch){ .dir_fd = dir_fd, .strategy = opt->strategy, .job = &job,
	    .holes_tell = strategy_holes_tell(dir_fd) };
	for (int i = 0; i < 256; i++)
		b.hh_fd[i] = -1;
	memcpy(b.last_id, last_id, QID_LEN);
	b.log_fd = log_open_file(dir_fd);
	if (b.log_fd == -1 && errno != ENOSPC && errno != EDQUOT) {
		log_line(LOG_ERR, NULL, "worker", "log=%d", errno);
		_exit(1);
	}
	worker_confine(dir_fd, opt);
	for (;;) {
		int fds[MSG_FDS];
		size_t len;
		int r = ipc_recv(sock, &job, sizeof job, &len, fds, &e);

		if (r == 0)
			_exit(0);
		if (r == -1)
			_exit(1);
		batch_run(&b);
		if (ipc_send(sock, &b.done.h, MSG_FLUSHED, 0, offsetof(struct flush_done, sys) +
		    b.done.ncommit * sizeof *b.done.sys, NULL, 0, &e) == -1)
			_exit(1);
	}
}
