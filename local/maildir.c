/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/durable.h"

/*
 * Makes a folder if it is missing; its name is durable before mail is put in it.  known: the names of
 * those that are there are durable; else they may be of a delivery that was killed before its fsync.
 */
static int
maildir_make(int at, const char *name, bool known, struct err *e)
{
	bool made = mkdirat(at, name, 0700) == 0;

	if (!made && errno != EEXIST)
		return err_sys(e, "mailbox: %s", name);
	if (!made && known)
		return 0;
	return fsync(at) == 0 ? 0 : err_sys(e, "mailbox: fsync");
}

/* cur/ is made last: where it is, all else was durable before. */
static bool
maildir_known(int folder, const char *path)
{
	char cur[4096];
	int n = snprintf(cur, sizeof cur, "%s%scur", path, *path == '\0' ? "" : "/");
	struct stat st;

	return n > 0 && (size_t)n < sizeof cur && fstatat(folder, cur, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

/* Makes and opens every folder of path below at; the result is the caller's. */
static int
maildir_walk(int at, const char *path, bool known, struct err *e)
{
	int dir = fcntl(at, F_DUPFD_CLOEXEC, 0);
	char part[256];

	while (dir != -1 && *path != '\0') {
		size_t n = strcspn(path, "/");
		int next;

		if (n >= sizeof part) {
			close(dir);
			return err_set(e, ERR_TEMP, "4.2.0", "a folder's name of %zu octets", n);
		}
		memcpy(part, path, n);
		part[n] = '\0';
		path += n + (path[n] == '/');
		if (n == 0)
			continue;
		if (maildir_make(dir, part, known, e) == -1) {
			close(dir);
			return -1;
		}
		next = openat(dir, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(dir);
		dir = next;
	}
	if (dir == -1)
		return err_sys(e, "mailbox");
	return dir;
}

int
maildir_beside(int folder, const char *rest, const char *name, bool make, struct err *e)
{
	char path[4096];
	int fd, dir, n = snprintf(path, sizeof path, "%s%s%s", rest, *rest == '\0' ? "" : "/", name);

	if (n < 0 || (size_t)n >= sizeof path)
		return err_set(e, ERR_TEMP, "4.2.0", "mailbox: a path too long");
	if (make) {
		if ((dir = maildir_walk(folder, rest, maildir_known(folder, rest), e)) == -1)
			return -1;
		if (maildir_make(dir, name, true, e) == -1) {
			close(dir);
			return -1;
		}
		close(dir);
	}
	fd = openat(folder, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd == -1 ? err_sys(e, "mailbox: %s", name) : fd;
}

static int
maildir_write(void *arg, struct span s, struct err *e)
{
	const struct maildir *m = arg;
	size_t done = 0;

	while (done < s.n) {
		ssize_t n = write(m->file, s.p + done, s.n - done);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(e, "mailbox: write");
		done += (size_t)n;
	}
	return 0;
}

int
maildir_begin(struct maildir *m, int folder, const char *rest, const char *name, bool binary,
    struct err *e)
{
	static const char *const subs[] = { "tmp", "new", "cur" };
	static unsigned count;
	bool known = maildir_known(folder, rest);

	*m = (struct maildir){ .dir = -1, .file = -1 };
	letter_init(&m->letter, binary, maildir_write, m);
	snprintf(m->name, sizeof m->name, "%s", name);
	snprintf(m->tmp, sizeof m->tmp, "tmp/%s.%d_%u", name, (int)getpid(), count++);
	if ((m->dir = maildir_walk(folder, rest, known, e)) == -1)
		return -1;
	for (size_t i = 0; i < 3; i++)
		if (maildir_make(m->dir, subs[i], known, e) == -1)
			return -1;
	if (unlinkat(m->dir, m->tmp, 0) == -1 && errno != ENOENT)
		return err_sys(e, "mailbox: %s", m->tmp);
	m->file = openat(m->dir, m->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return m->file == -1 ? err_sys(e, "mailbox: %s", m->tmp) : 0;
}

int
maildir_commit(struct maildir *m, struct err *e)
{
	char new[160];
	int dir;

	if (letter_end(&m->letter, e) == -1)
		return -1;
	if (fsync(m->file) == -1)
		return err_sys(e, "mailbox: fsync");
	snprintf(new, sizeof new, "new/%s", m->name);
	if (renameat(m->dir, m->tmp, m->dir, new) == -1)
		return err_sys(e, "mailbox: %s", new);
	close(m->file);
	m->file = -1;
	dir = openat(m->dir, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1 || fsync(dir) == -1 || durable_confirm(dir) == -1) {
		err_sys(e, "mailbox: fsync new");
		if (dir != -1)
			close(dir);
		return -1;
	}
	close(dir);
	return 0;
}

void
maildir_end(struct maildir *m)
{
	if (m->file != -1) {
		unlinkat(m->dir, m->tmp, 0);
		close(m->file);
	}
	if (m->dir != -1)
		close(m->dir);
	m->file = m->dir = -1;
	letter_free(&m->letter);
}
