/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_packets_queue.c - a session, its parent, bounce and qmgr that say anything to queue
 * (tests/fuzz/hostile.h): an honest session keeps what it has open, and what it commits afterwards is
 * on disk octet by octet; an ID given twice, a name outside its folder, a mark that stands in the
 * wrong slot would be seen there too.  Whatever is committed was said so by a packet that is whole: its
 * envelope has the length that the packet says, and is on disk with just those octets, behind as
 * many octets of the message as the packet says, which are all that were written.
 */
#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "queue/queue.h"
#include "tests/fuzz/hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
ssize_t __wrap_sendmsg(int sock, const struct msghdr *m, int flags);
ssize_t __real_sendmsg(int sock, const struct msghdr *m, int flags);

enum { SESSION, PARENT, BOUNCE, QMGR, SIDES };

static const struct hostile_row from_session[] = {
	{ MSG_OPEN, sizeof(struct msg_open) }, { MSG_COMMIT, sizeof(struct msg_commit) },
	{ MSG_ABANDON, sizeof(struct msg_id) }, { MSG_READ, sizeof(struct msg_id) },
};
static const struct hostile_row from_parent[] = { { MSG_SESSION, sizeof(struct msg_hdr) } };
static const struct hostile_row from_qmgr[] = {
	{ MSG_MARK, sizeof(struct msg_marks) + sizeof(struct mark) }, { MSG_BADFILE, sizeof(struct msg_id) },
};
static const char text[] = "Subject: mine\r\n\r\nnobody else's\r\n";

static struct loop loop;
static struct queue queue;
static struct hostile h;
static char dir[64];
static int dir_fd;

static void
remove_files(const char *sub)
{
	int fd = openat(dir_fd, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *de;

	while (d != NULL && (de = readdir(d)) != NULL)
		if (de->d_name[0] != '.')
			(void)unlinkat(fd, de->d_name, 0);
	if (d != NULL)
		closedir(d);
}

/* In this process alone: not in the worker that it forked. */
static void
clean_up(void)
{
	char hh[3];

	for (unsigned i = 0; i < 256; i++) {
		snprintf(hh, sizeof hh, "%02x", i);
		remove_files(hh);
		(void)unlinkat(dir_fd, hh, AT_REMOVEDIR);
	}
	remove_files("tmp");
	remove_files("bad");
	(void)unlinkat(dir_fd, "tmp", AT_REMOVEDIR);
	(void)unlinkat(dir_fd, "bad", AT_REMOVEDIR);
	remove_files(".");
	(void)rmdir(dir);
}

/* Packets COMMIT, as they were sent; written: octets that the message had then already. */
static struct { struct msg_commit m; size_t len; bool fd; unsigned char *env; uint64_t written; }
    said[HOSTILE_STEPS];
static uint32_t nsaid;

static uint64_t
written(const struct msg_commit *m)
{
	char path[PATH_SIZE];
	struct stat st;

	if (!qid_ok(m->id))
		return 0;
	path_tmp(m->id, path);
	return fstatat(dir_fd, path, &st, 0) == 0 ? (uint64_t)st.st_size : 0;
}

ssize_t
__wrap_sendmsg(int sock, const struct msghdr *m, int flags)
{
	const struct iovec *v = m->msg_iov;
	struct msg_commit commit = { .msg_len = 0 };

	if (v->iov_len >= sizeof commit)
		memcpy(&commit, v->iov_base, sizeof commit);
	if ((sock == h.side[SESSION].fd || sock == h.side[BOUNCE].fd) && nsaid < HOSTILE_STEPS &&
	    commit.h.type == MSG_COMMIT) {
		said[nsaid].m = commit;
		said[nsaid].len = v->iov_len - sizeof said->m;
		said[nsaid].fd = m->msg_controllen > 0;
		said[nsaid].written = written(&said[nsaid].m);
		if ((said[nsaid].env = malloc(said[nsaid].len + 1)) == NULL)
			abort();
		memcpy(said[nsaid++].env, (char *)v->iov_base + sizeof said->m, v->iov_len - sizeof said->m);
	}
	return __real_sendmsg(sock, m, flags);
}

/* Is the file what the i-th COMMIT says?  One whose recipients are all done has gone. */
static bool
is_as_said(const char *id, uint32_t i)
{
	static unsigned char block[MSG_MAX], file[MSG_MAX];
	char path[PATH_SIZE];
	struct qfile q;
	struct err e;
	bool same;
	int fd;

	path_final(id, path);
	if ((fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC)) == -1)
		return true;
	same = qfile_open(fd, &q, &e) == 0 && q.msg_len == said[i].m.msg_len && q.msg_crc == said[i].m.msg_crc &&
	    q.env_len == said[i].m.env_len;
	if (same)		/* of what may be sent as a descriptor only h.file is an envelope */
		same = pread(fd, block, q.env_len, (off_t)q.env_off) == (ssize_t)q.env_len &&
		    (!said[i].fd || pread(h.file, file, q.env_len, 0) == (ssize_t)q.env_len) &&
		    memcmp(block, said[i].fd ? file : said[i].env, q.env_len) == 0;
	close(fd);
	return same;
}

static void
check_committed(const char *id)
{
	for (uint32_t i = 0; i < nsaid; i++)
		if (strncmp(said[i].m.id, id, QID_SIZE) == 0 && said[i].m.msg_len >= said[i].written &&
		    (said[i].fd ? said[i].len == 0 : said[i].len == said[i].m.env_len) && is_as_said(id, i))
			return;
	assert(!"committed as it was said");
}

/* What a hostile session commits is not kept from one input to the next. */
static char taken[HOSTILE_STEPS][QID_SIZE];
static uint32_t ntaken;

static void
heard(struct hostile *x, size_t side, const struct msg_hdr *m, size_t len)
{
	const char *id = ((const struct msg_id *)(const void *)m)->id;

	(void)x, (void)side, (void)len;
	if (m->type != MSG_COMMITTED)
		return;
	check_committed(id);
	if (ntaken < HOSTILE_STEPS)
		memcpy(taken[ntaken++], id, QID_SIZE);
}

static void
throw_away(void)
{
	char path[PATH_SIZE];

	while (ntaken > 0) {
		path_final(taken[--ntaken], path);
		(void)unlinkat(dir_fd, path, 0);
		path_bad(taken[ntaken], path);
		(void)unlinkat(dir_fd, path, 0);
	}
}

static void
open_side(struct hostile *x, size_t side)
{
	int fd = hostile_pair(x, side);
	struct err e;

	if (side == SESSION ? session_open(&queue, fd, ROLE_START, &e) == -1 :
	    queue_attach(&queue, side == PARENT ? ROLE_SMTPD : side == BOUNCE ? ROLE_BOUNCE : ROLE_QMGR,
	    fd, &e) == -1)
		abort();
}

/* An envelope block of two recipients. */
static void
two_rcpts(struct buf *block)
{
	struct rcpt rcpt[2] = { { .addr = span_str("b@example.org") }, { .addr = span_str("c@example.org") } };
	struct envelope env = { .sender = span_str("a@example.com"), .rcpt = rcpt, .nrcpt = 2,
	    .arrival_us = 1 };
	struct err e;

	buf_init(block, 512);
	if (envelope_encode(&env, block, &e) == -1)
		abort();
}

/* The workers answer. */
static void
settle(struct hostile *x)
{
	struct pollfd p = { x->loop->ep, POLLIN, 0 };

	for (int i = 0; i < 400 && (queue.worker[0].busy || queue.nwait > 0); i++) {
		struct err e = { 0 };
		struct timer t = { .fire = queue.stop_timer.fire, .arg = &queue };

		(void)poll(&p, 1, 5);
		if (loop_timer(x->loop, &t, 0, &e) == -1 || loop_run(x->loop, &e) == -1)
			abort();
		x->loop->stop = false;
	}
	assert(!queue.worker[0].busy && queue.nwait == 0);
}

static void
set_up(void)
{
	static const struct queue_options opt = { .strategy = STRATEGY_FS };
	static bool done;
	struct err e = { 0 };
	struct buf block;

	if (done)
		return;
	done = true;
	hostile_set_up();
	snprintf(dir, sizeof dir, "/dev/shm/accord-fuzz-XXXXXX");
	if (mkdtemp(dir) == NULL || (dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 ||
	    loop_init(&loop, &e) == -1 || queue_start(&queue, &loop, dir_fd, &opt, &e) == -1) {
		fprintf(stderr, "%s: %s\n", dir, e.what);
		abort();
	}
	atexit(clean_up);
	h = (struct hostile){ .loop = &loop, .nside = SIDES, .open = open_side,
	    .file = memfd_create("envelope", MFD_CLOEXEC), .heard = heard, .settle = settle,
	    .side = { { from_session, 4, -1, { 0 }, 0 }, { from_parent, 1, -1, { 0 }, 0 },
	    { from_session, 4, -1, { 0 }, 0 }, { from_qmgr, 2, -1, { 0 }, 0 } } };
	two_rcpts(&block);
	if (h.file == -1 || write(h.file, block.p, block.n) != (ssize_t)block.n)
		abort();
	buf_free(&block);
}

static _Alignas(8) unsigned char packet[MSG_MAX];

/* The honest one's next answer, of that type. */
static void *
answer(int sock, uint32_t type, int *fd)
{
	struct err e;
	int fds[MSG_FDS];
	size_t len;

	for (int i = 0; i < 5; i++) {
		struct pollfd p = { sock, POLLIN, 0 };

		hostile_turn(&h);
		if (poll(&p, 1, 0) == 1)
			break;
	}
	assert(ipc_recv(sock, packet, sizeof packet, &len, fds, &e) == 1);
	assert(((struct msg_hdr *)(void *)packet)->type == type);
	if (fd != NULL)
		*fd = fds[0];
	else
		ipc_close_fds(fds, MSG_FDS);
	return packet;
}

static int
honest_open(int *sock, char id[QID_SIZE])
{
	struct msg_open o = { .size = sizeof text - 1 };
	struct err e;
	int pair[2], fd;

	if (ipc_pair(pair, &e) == -1 || session_open(&queue, pair[1], ROLE_START, &e) == -1 ||
	    ipc_send(pair[0], &o.h, MSG_OPEN, 7, sizeof o, NULL, 0, &e) == -1)
		abort();
	*sock = pair[0];
	memcpy(id, ((struct msg_id *)answer(*sock, MSG_OPENED, &fd))->id, QID_SIZE);
	assert(qid_ok(id) && write(fd, text, sizeof text - 1) == sizeof text - 1);
	return fd;
}

static void
honest_commit(int sock, const char *id)
{
	static struct { struct msg_commit m; unsigned char block[512]; } out;
	struct buf block;
	struct err e;

	two_rcpts(&block);
	assert(block.n <= sizeof out.block);
	memset(&out, 0, sizeof out);
	memcpy(out.m.id, id, QID_SIZE);
	memcpy(out.block, block.p, block.n);
	out.m.msg_len = sizeof text - 1;
	out.m.msg_crc = crc32c(0, text, sizeof text - 1);
	out.m.env_len = (uint32_t)block.n;
	if (ipc_send(sock, &out.m.h, MSG_COMMIT, 8, sizeof out.m + block.n, NULL, 0, &e) == -1)
		abort();
	buf_free(&block);
	assert(strcmp(((struct msg_id *)answer(sock, MSG_COMMITTED, NULL))->id, id) == 0);
}

/* The message is there as it was written, and nobody's mark is in it. */
static void
check_file(const char *id)
{
	char path[PATH_SIZE], all[sizeof text];
	struct qfile q;
	struct slot *slot;
	struct err e;
	int fd;

	path_final(id, path);
	fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	assert(fd != -1 && qfile_open(fd, &q, &e) == 0 && q.msg_len == sizeof text - 1 && q.nslot == 2);
	assert(pread(fd, all, q.msg_len, 0) == (ssize_t)q.msg_len && memcmp(all, text, q.msg_len) == 0);
	assert(qfile_slots(fd, &q, &slot, &e) == 0);
	assert(slot[0].state == SLOT_QUEUED && slot[1].state == SLOT_QUEUED);
	free(slot);
	close(fd);
}

/* qmgr says that both are done, one after the other: then the file is gone, not before. */
static void
honest_marks(const char *id)
{
	_Alignas(8) unsigned char out[sizeof(struct msg_marks) + sizeof(struct mark)];
	struct msg_marks *m = (struct msg_marks *)(void *)out;
	struct err e;

	h.open(&h, QMGR);
	for (uint32_t i = 0; i < 2; i++) {
		memset(out, 0, sizeof out);
		m->n = 1;
		m->mark[0] = (struct mark){ .slot = i, .state = SLOT_DELIVERED };
		memcpy(m->mark[0].id, id, QID_SIZE);
		if (ipc_send(h.side[QMGR].fd, &m->h, MSG_MARK, 0, sizeof out, NULL, 0, &e) == -1)
			abort();
		assert(((struct msg_marked *)answer(h.side[QMGR].fd, MSG_MARKED, NULL))->marked[0].gone == i);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char id[QID_SIZE];
	int sock, fd;

	set_up();
	hostile_begin(&h);
	fd = honest_open(&sock, id);
	hostile_qid(&h, id);
	hostile_run(&h, span_of(p, n));
	close(fd);
	honest_commit(sock, id);
	check_file(id);
	honest_marks(id);
	close(sock);
	hostile_end(&h);
	throw_away();
	while (nsaid > 0)
		free(said[--nsaid].env);
	return 0;
}
