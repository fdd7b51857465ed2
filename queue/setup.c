/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "queue/queue.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"

/* qmgr reads by way of the group. */
enum { DIR_MODE = 0750, FILE_MODE = 0640, LOCK_TRY_MS = 3000, LOCK_PAUSE_MS = 20 };

void
path_tmp(const char *id, char out[PATH_SIZE])
{
	snprintf(out, PATH_SIZE, "tmp/%.16s", id);
}

void
path_final(const char *id, char out[PATH_SIZE])
{
	char hh[3];

	qid_dir(id, hh);
	snprintf(out, PATH_SIZE, "%.2s/%.16s", hh, id);
}

void
path_bad(const char *id, char out[PATH_SIZE])
{
	snprintf(out, PATH_SIZE, "bad/%.16s", id);
}

static int
setup_directory(int dir_fd, const char *name, struct err *e)
{
	return mkdirat(dir_fd, name, DIR_MODE) == 0 || errno == EEXIST ? 0 : err_sys(e, "queue/%s", name);
}

int
setup_directories(int dir_fd, struct err *e)
{
	char name[3];

	if (setup_directory(dir_fd, "tmp", e) == -1 || setup_directory(dir_fd, "bad", e) == -1)
		return -1;
	for (unsigned i = 0; i < 256; i++) {
		snprintf(name, sizeof name, "%02x", i);
		if (setup_directory(dir_fd, name, e) == -1)
			return -1;
	}
	/* Made now, or by one who was killed before this line. */
	return fsync(dir_fd) == -1 ? err_sys(e, "queue: fsync") : 0;
}

int
setup_lock(int dir_fd, struct err *e)
{
	const struct timespec pause = { 0, LOCK_PAUSE_MS * 1000000L };
	int fd = openat(dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	int64_t due = clock_ms() + LOCK_TRY_MS;

	if (fd == -1)
		return err_sys(e, "queue/lock");
	while (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			err_sys(e, "queue/lock");
			close(fd);
			return -1;
		}
		if (clock_ms() >= due) {
			close(fd);
			return err_set(e, ERR_TEMP, "4.3.0",
			    "queue/lock: another accord-queue has this queue directory");
		}
		nanosleep(&pause, NULL);
	}
	return fd;
}

int
setup_clear_tmp(int dir_fd, struct err *e)
{
	int fd = openat(dir_fd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *de;
	unsigned n = 0;
	DIR *d;

	if (fd == -1 || (d = fdopendir(fd)) == NULL) {
		err_sys(e, "queue/tmp");
		if (fd != -1)
			close(fd);
		return -1;
	}
	while ((de = readdir(d)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, de->d_name, 0) == -1) {
			err_sys(e, "queue/tmp/%.40s", de->d_name);
			closedir(d);
			return -1;
		}
		n++;
	}
	closedir(d);
	if (n > 0)
		log_line(LOG_INFO, NULL, "cleared", "dir=tmp files=%u", n);
	return 0;
}

/* The errno of asking for a read lease on name, or 0. */
static int
lease_asked(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int sys = fd == -1 || fcntl(fd, F_SETLEASE, F_RDLCK) == -1 ? errno : 0;

	if (fd != -1)
		close(fd);
	return sys;
}

int
setup_leases(int dir_fd, struct err *e)
{
	static const char name[] = "tmp/lease";
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
	int with_writer, without;

	if (fd == -1 && (errno == ENOSPC || errno == EDQUOT)) {	/* to deliver makes room; COMMIT asks again */
		log_line(LOG_WARN, NULL, "no-room", "what=tmp/lease");
		return 0;
	}
	if (fd == -1)
		return err_sys(e, "queue/%s", name);
	with_writer = lease_asked(dir_fd, name);
	close(fd);
	without = lease_asked(dir_fd, name);
	if (unlinkat(dir_fd, name, 0) == -1)
		return err_sys(e, "queue/%s", name);
	if (with_writer == EAGAIN && without == 0)
		return 0;
	return err_set(e, ERR_PERM, "5.3.5", "queue: this file system has no leases, by which a writer "
	    "is noticed (errors %d, %d; see /proc/sys/fs/leases-enable)", with_writer, without);
}

void
logline_make(char out[LOGLINE + 1], char sign, const char *id)
{
	snprintf(out, LOGLINE + 1, "%c%.16s", sign, id);
	snprintf(out + 17, LOGLINE + 1 - 17, "%08x\n", crc32c(0, out, 17));
}

bool
logline_read(const char line[LOGLINE], char id[QID_SIZE])
{
	char want[LOGLINE + 1];

	memset(id, 0, QID_SIZE);
	memcpy(id, line + 1, QID_LEN);
	if (!qid_ok(id))
		return false;
	logline_make(want, line[0], id);
	return memcmp(want, line, LOGLINE) == 0;
}

/* A line may be torn and others stand behind it: every offset is tried. */
static void
setup_ids_from(const char *tail, size_t n, struct qid_maker *m)
{
	char id[QID_SIZE];

	for (size_t i = 0; i + LOGLINE <= n;) {
		if (logline_read(tail + i, id)) {
			qid_after(m, id);
			i += LOGLINE;
		} else {
			i++;
		}
	}
}

int
setup_ids(int dir_fd, struct qid_maker *m, struct err *e)
{
	int fd = openat(dir_fd, "log", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool none = fd == -1 && errno == ENOENT;
	char *tail = malloc(LOG_TAIL);
	struct stat st;
	ssize_t n = -1;

	*m = (struct qid_maker){ 0 };
	if (fd != -1 && tail != NULL && fstat(fd, &st) == 0)
		n = pread(fd, tail, LOG_TAIL, st.st_size > LOG_TAIL ? st.st_size - LOG_TAIL : 0);
	if (n != -1)
		setup_ids_from(tail, (size_t)n, m);
	else if (!none)
		err_sys(e, "queue/log");
	if (fd != -1)
		close(fd);
	free(tail);
	return n == -1 && !none ? -1 : 0;
}
