/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "qmgr/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SPOOL_DIRS = 256 };

void
scan_start(struct scan *s, int dirfd)
{
	*s = (struct scan){ .dirfd = dirfd };
}

void
scan_end(struct scan *s)
{
	if (s->dir != NULL)
		closedir(s->dir);
	s->dir = NULL;
	s->next_dir = SPOOL_DIRS;
}

/* Opens the next HH/; a directory that is not there has no messages. */
static bool
scan_open(struct scan *s)
{
	while (s->next_dir < SPOOL_DIRS) {
		char name[8];
		int fd;

		snprintf(name, sizeof name, "%02x", (unsigned)s->next_dir++ & 0xff);
		fd = openat(s->dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (fd == -1) {
			if (errno != ENOENT)
				s->failed = true;
			continue;
		}
		s->dir = fdopendir(fd);
		if (s->dir != NULL)
			return true;
		close(fd);
		s->failed = true;
	}
	return false;
}

int
scan_next(struct scan *s, char id[QID_SIZE])
{
	for (;;) {
		struct dirent *d;

		if (s->dir == NULL && !scan_open(s))
			return 0;
		errno = 0;
		while ((d = readdir(s->dir)) != NULL)
			if (strlen(d->d_name) == QID_LEN && qid_ok(d->d_name)) {
				memset(id, 0, QID_SIZE);
				memcpy(id, d->d_name, QID_LEN);
				return 1;
			}
		if (errno != 0)
			s->failed = true;
		closedir(s->dir);
		s->dir = NULL;
	}
}

static int
letter_load(struct letter *l, struct err *e)
{
	return qfile_load(l->fd, &l->q, &l->store, &l->env, &l->slot, e);
}

int
letter_open(int dirfd, const char *id, struct letter *l, struct err *e)
{
	char path[4 + QID_SIZE], dir[3];

	*l = (struct letter){ .fd = -1 };
	memcpy(l->id, id, QID_LEN);
	buf_init(&l->store, ENV_MAX);
	qid_dir(id, dir);
	snprintf(path, sizeof path, "%s/%.*s", dir, QID_LEN, id);
	l->fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (l->fd == -1)
		return errno == ENOENT ? 0 : err_sys(e, "%s", path);
	if (letter_load(l, e) == -1) {
		letter_close(l);
		return err_in(e, "%s", path);
	}
	return 1;
}

void
letter_close(struct letter *l)
{
	if (l->fd != -1)
		close(l->fd);
	l->fd = -1;
	envelope_free(&l->env);
	buf_free(&l->store);
	free(l->slot);
	l->slot = NULL;
}

int64_t
letter_since_us(const struct letter *l, uint32_t slot)
{
	uint32_t since_s = l->slot[slot].since_s;

	int64_t since = since_s != 0 ? (int64_t)since_s * 1000000 : (int64_t)l->env.arrival_us;

	return since > (int64_t)l->env.release_us ? since : (int64_t)l->env.release_us;
}

int64_t
letter_hold_ms(const struct letter *l, int64_t now_us)
{
	int64_t us = (int64_t)l->env.release_us - now_us;

	return us > 0 ? us / 1000 + 1 : 0;	/* never before (4.2, 5 and 6) */
}
