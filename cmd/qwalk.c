/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "cmd/qwalk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { QWALK_FOLDERS = 256 };

int
qwalk_open(const struct home *h, struct err *e)
{
	int fd = open(h->queue, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd != -1)
		return fd;
	if (errno == EACCES)
		return err_set(e, ERR_PERM, NULL, "%s: only the administrator may look into the queue",
		    h->queue);
	err_sys(e, "%s", h->queue);
	e->kind = ERR_PERM;
	return -1;
}

/* 1 it was there (whole, or noted as bad), 0 it is not (any more), 2 enough, -1. */
static int
walk_file(struct qwalk *w, int dir, const char *name, const char *id, struct err *e)
{
	struct qitem m = { .id = id, .fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK) };
	struct err why = { 0 };
	int r;

	if (m.fd == -1 && errno == ENOENT)
		return 0;		/* delivered meanwhile */
	if (m.fd == -1)
		r = err_sys(&why, "open");
	else
		r = qfile_load(m.fd, &m.file, &w->store, &m.env, &m.slots, &why);
	if (r == -1) {
		if (w->bad != NULL)
			w->bad(w->arg, id, &why);
		r = 1;
	} else {
		r = w->each(w->arg, &m, e);
		r = r == 0 ? 1 : r == 1 ? 2 : -1;
		envelope_free(&m.env);
		free(m.slots);
	}
	if (m.fd != -1)
		close(m.fd);
	return r;
}

int
qwalk_one(struct qwalk *w, int queue, const char *id, struct err *e)
{
	char name[QID_SIZE + 4] = "";
	int r;

	buf_init(&w->store, ENV_MAX);
	qid_dir(id, name);
	name[2] = '/';
	memcpy(name + 3, id, QID_LEN + 1);
	r = walk_file(w, queue, name, id, e);
	buf_free(&w->store);
	return r > 1 ? 1 : r;
}

/* --- all of them --- */

/* Whom names go to: 0 go on, 2 enough, -1. */
typedef int name_taker(void *arg, int dir, const char *name, struct err *e);

static int
folder_names(int queue, unsigned number, name_taker *take, void *arg, struct err *e)
{
	char name[3];
	struct dirent *d;
	DIR *dir;
	int fd, r = 0;

	snprintf(name, sizeof name, "%02x", number & 0xff);
	if ((fd = openat(queue, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return errno == ENOENT ? 0 : err_sys(e, "queue/%s", name);
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return err_sys(e, "queue/%s", name);
	}
	while (r >= 0 && r != 2 && (d = readdir(dir)) != NULL)
		if (qid_ok(d->d_name))
			r = take(arg, fd, d->d_name, e);
	closedir(dir);
	return r == 2 || r == -1 ? r : 0;
}

static int
take_walk(void *arg, int dir, const char *name, struct err *e)
{
	return walk_file(arg, dir, name, name, e);
}

static int
take_note(void *arg, int dir, const char *name, struct err *e)
{
	(void)dir;
	return buf_add(arg, span_of(name, QID_LEN + 1), e);
}

static int
compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, QID_LEN);
}

static int
walk_in_order(struct qwalk *w, int queue, struct err *e)
{
	struct buf names;
	int r = 0;

	buf_init(&names, SIZE_MAX / 2);
	for (unsigned i = 0; r == 0 && i < QWALK_FOLDERS; i++)
		r = folder_names(queue, i, take_note, &names, e);
	if (r == 0 && names.n > 0)
		qsort(names.p, names.n / (QID_LEN + 1), QID_LEN + 1, compare_ids);
	for (size_t at = 0; (r == 0 || r == 1) && at < names.n; at += QID_LEN + 1) {
		const char *id = (const char *)names.p + at;
		char path[QID_SIZE + 4] = "";

		qid_dir(id, path);
		path[2] = '/';
		memcpy(path + 3, id, QID_LEN + 1);
		r = walk_file(w, queue, path, id, e);
	}
	buf_free(&names);
	return r == -1 ? -1 : 0;
}

int
qwalk_all(struct qwalk *w, int queue, bool in_order, struct err *e)
{
	int r = 0;

	buf_init(&w->store, ENV_MAX);
	if (in_order)
		r = walk_in_order(w, queue, e);
	for (unsigned i = 0; !in_order && r == 0 && i < QWALK_FOLDERS; i++)
		r = folder_names(queue, i, take_walk, w, e);
	buf_free(&w->store);
	return r == -1 ? -1 : 0;
}
