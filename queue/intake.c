/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "queue/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Is no writer left?  The kernel gives a read lease only while no descriptor, shared mapping or copy
 * in flight could still write to the file.  It goes with the descriptor, which this returns, or -1;
 * afterwards only this process can open the file, since a session has no way to its name.
 */
static int
intake_lease(const struct queue *q, const char *path, struct err *e)
{
	int fd = openat(q->dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd == -1)
		return err_sys(e, "queue/%s", path);
	if (fcntl(fd, F_SETLEASE, F_RDLCK) == -1) {
		if (errno == EAGAIN)
			err_set(e, ERR_PROTO, "4.3.0", "a message that can still be written to");
		else
			err_sys(e, "queue/%s: lease", path);
		close(fd);
		return -1;
	}
	return fd;
}

/* A descriptor of its own, since a lease is of all copies of one. */
int
intake_lend(struct queue *q, struct qmsg *m, int *fd, struct err *e)
{
	char path[PATH_SIZE];

	path_tmp(m->id, path);
	if ((m->lease = intake_lease(q, path, e)) == -1)
		return -1;
	m->state = QMSG_LENT;
	q->nlent++;
	*fd = openat(q->dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return *fd == -1 ? err_sys(e, "queue/%s", path) : 0;
}

void
intake_take_back(struct queue *q, struct qmsg *m)
{
	if (m->state != QMSG_LENT)
		return;
	close(m->lease);
	m->state = QMSG_OPEN;
	q->nlent--;
}

/* What is committed is what was read: a lease that somebody else's open has ended is none any more. */
static int
intake_sole(struct queue *q, struct qmsg *m, const char *path, struct err *e)
{
	int fd, held;

	if (m->state == QMSG_LENT) {
		held = fcntl(m->lease, F_GETLEASE);
		intake_take_back(q, m);
		return held == F_RDLCK ? 0 :
		    err_set(e, ERR_TEMP, "4.3.0", "the message was opened for writing while it was read");
	}
	if ((fd = intake_lease(q, path, e)) == -1)
		return -1;
	close(fd);
	return 0;
}

static int
intake_length(int fd, const struct msg_commit *c, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_sys(e, "message");
	if ((uint64_t)st.st_size != c->msg_len)
		return err_set(e, ERR_PROTO, "4.3.0", "COMMIT of %" PRIu64 " octets, the file has %" PRIu64,
		    c->msg_len, (uint64_t)st.st_size);
	return 0;
}

int
intake(struct queue *q, struct qmsg *m, const struct msg_commit *c, struct span block,
    struct err *e)
{
	struct envelope env;
	char path[PATH_SIZE];
	int fd, r;

	path_tmp(m->id, path);
	if (intake_sole(q, m, path, e) == -1 || envelope_decode(block, &env, e) == -1)
		return -1;
	fd = openat(q->dir_fd, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1) {
		envelope_free(&env);
		return err_sys(e, "queue/%s", path);
	}
	r = intake_length(fd, c, e);
	if (r == 0)
		r = qfile_finish(fd, c->msg_len, c->msg_crc, block, env.nrcpt, &m->file, e);
	envelope_free(&env);
	close(fd);
	return r;
}
