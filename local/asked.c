/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/asked.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/fileio.h"
#include "lib/qfile.h"
#include "local/maildir.h"

static const char *const endings[] = { [ASKED_WAITS] = "waits", [ASKED_CAME] = "came",
	[ASKED_REFUSED] = "refused" };

/* The file's name; that it is of this message its text says. */
static void
asked_name(struct asked *a)
{
	uint32_t one = crc32c(0, a->id.p, a->id.n), two = crc32c(one, a->rcpt.p, a->rcpt.n);

	snprintf(a->name, sizeof a->name, "%08x%08x", one, two);
}

int
asked_open(struct asked *a, int folder, const char *rest, bool make, struct err *e)
{
	asked_name(a);
	a->dir = maildir_beside(folder, rest, "alternatives", make, e);
	return a->dir != -1 || (!make && e->sys == ENOENT) ? 0 : -1;
}

void
asked_close(struct asked *a)
{
	if (a->dir != -1)
		close(a->dir);
	a->dir = -1;
}

static void
asked_path(const struct asked *a, enum asked_state s, char out[64])
{
	snprintf(out, 64, "%s.%s", a->name, endings[s]);
}

/* --- what stands in a file --- */

static int
asked_text(const struct asked *a, int64_t until_us, struct buf *out, struct err *e)
{
	return buf_addf(out, e, "%lld\n%.*s\n%.*s\n%.*s\n", (long long)until_us, (int)a->id.n,
	    (const char *)a->id.p, (int)a->rcpt.n, (const char *)a->rcpt.p, (int)a->sender.n,
	    (const char *)a->sender.p);
}

/* Is that a file of this message?  Its owner may have written anything there. */
static bool
asked_read(const struct asked *a, enum asked_state s, int64_t *until_us)
{
	unsigned char text[4096];
	struct buf want;
	struct span have, rest, first;
	struct err e;
	char path[64];
	uint64_t until;
	ssize_t n;
	bool ok;
	int fd;

	asked_path(a, s, path);
	fd = openat(a->dir, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return false;
	n = pread(fd, text, sizeof text, 0);
	close(fd);
	buf_init(&want, sizeof text);
	have = rest = span_of(text, n > 0 ? (size_t)n : 0);
	ok = span_line(&rest, &first) && span_u64(first, INT64_MAX, &until) &&
	    asked_text(a, (int64_t)until, &want, &e) == 0 && span_eq(buf_view(&want), have);
	if (ok)
		*until_us = (int64_t)until;
	buf_free(&want);
	return ok;
}

enum asked_state
asked_look(const struct asked *a, int64_t *until_us)
{
	for (int s = ASKED_REFUSED; a->dir != -1 && s > ASKED_NOT; s--)
		if (asked_read(a, (enum asked_state)s, until_us))
			return (enum asked_state)s;
	return ASKED_NOT;
}

/* --- changes --- */

/* Old ones go.  How many are left, ASKED_MAX at most. */
static uint32_t
asked_sweep(const struct asked *a)
{
	int64_t old_s = clock_us() / 1000000 - ASKED_OLD_S;
	int fd = openat(a->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *en;
	struct stat st;
	uint32_t n = 0;

	if (d == NULL) {
		if (fd != -1)
			close(fd);
		return ASKED_MAX;
	}
	while (n < ASKED_MAX && (en = readdir(d)) != NULL) {
		if (en->d_name[0] == '.')
			continue;
		if (fstatat(a->dir, en->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_mtim.tv_sec < old_s &&
		    unlinkat(a->dir, en->d_name, 0) == 0)
			continue;
		n++;
	}
	closedir(d);
	return n;
}

/* Whatever was known of it is forgotten. */
static void
asked_forget(const struct asked *a)
{
	char path[64];

	for (int s = ASKED_WAITS; a->dir != -1 && s <= ASKED_REFUSED; s++) {
		asked_path(a, (enum asked_state)s, path);
		(void)unlinkat(a->dir, path, 0);
	}
}

int
asked_begin(const struct asked *a, int64_t until_us, struct err *e)
{
	struct buf text;
	char path[64];
	int fd, r;

	if (asked_sweep(a) >= ASKED_MAX)
		return err_set(e, ERR_TEMP, "4.2.0", "mailbox: %d messages wait for other forms already", ASKED_MAX);
	asked_forget(a);
	asked_path(a, ASKED_WAITS, path);
	if ((fd = openat(a->dir, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) == -1)
		return err_sys(e, "mailbox: %s", path);
	buf_init(&text, 8192);
	r = asked_text(a, until_us, &text, e);
	if (r == 0)
		r = fileio_write(fd, buf_view(&text), e);
	close(fd);
	buf_free(&text);
	if (r == -1)
		unlinkat(a->dir, path, 0);
	return r;
}

bool
asked_answer(const struct asked *a, enum asked_state to)
{
	char from_path[64], to_path[64];
	int64_t until;

	if (a->dir == -1 || !asked_read(a, ASKED_WAITS, &until))
		return false;
	asked_path(a, ASKED_WAITS, from_path);
	asked_path(a, to, to_path);
	return renameat(a->dir, from_path, a->dir, to_path) == 0;
}
