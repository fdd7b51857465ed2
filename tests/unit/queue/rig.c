/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "tests/unit/queue/rig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/sandbox.h"
#ifdef ACCORD_SAN
#include <sanitizer/lsan_interface.h>
#endif

enum { WAIT_MS = 10000 };

const enum strategy rig_strategies[RIG_STRATEGIES] = { STRATEGY_JOURNAL, STRATEGY_EACH, STRATEGY_FS };
const char rig_text[] = "Received: by me\r\n\r\nhello\r\n";

static unsigned
open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
life_over(void *arg, uint32_t events)
{
	struct queue *q = arg;

	(void)events;
	if (!q->stopping)
		queue_stop(q);
}

static int
confine_worker(int dir_fd, bool landlock_optional, struct err *e)
{
	struct sandbox_dir dir = { dir_fd, true };

	return sandbox_enter(SB_FLUSH, &dir, 1, landlock_optional, e);
}

static int
confine_queue(const struct rig *r, struct err *e)
{
	struct sandbox_dir dir = { r->dir_fd, true };

	return r->confined ? sandbox_enter(SB_QUEUE, &dir, 1, true, e) : 0;
}

/* The child: exit status 0 if it ended in order and kept nothing. */
static _Noreturn void
run_queue(struct rig *r, int life, int smtpd, int bounce, int qmgr)
{
	static struct queue q;
	static struct loop l;
	struct queue_options opt = { .reserve_percent = r->reserve, .strategy = r->strategy,
	    .landlock_optional = true, .confine = r->confined ? confine_worker : NULL };
	struct watch w = { life, life_over, &q };
	struct err e;
	unsigned before;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	before = open_fds() - (qmgr == -1 ? 2 : 3);	/* the peers' channels are the queue's */
	if (loop_init(&l, &e) == -1 || queue_start(&q, &l, r->dir_fd, &opt, &e) == -1 ||
	    confine_queue(r, &e) == -1) {
		fprintf(stderr, "queue: %s\n", e.what);
		_exit(20);
	}
	if (r->file_max > 0)
		setrlimit(RLIMIT_FSIZE, &(struct rlimit){ r->file_max, r->file_max });
	if (queue_attach(&q, ROLE_SMTPD, smtpd, &e) == -1 ||
	    queue_attach(&q, ROLE_BOUNCE, bounce, &e) == -1 ||
	    (qmgr != -1 && queue_attach(&q, ROLE_QMGR, qmgr, &e) == -1) ||
	    loop_watch(&l, &w, EPOLLIN | EPOLLONESHOT, &e) == -1 || loop_run(&l, &e) == -1)
		_exit(21);
	queue_free(&q);
	loop_free(&l);
	if (r->confined)
		_exit(0);
	if (open_fds() != before)
		_exit(22);
#ifdef ACCORD_SAN
	if (__lsan_do_recoverable_leak_check() != 0)
		_exit(23);
#endif
	_exit(0);
}

void
rig_boot(struct rig *r)
{
	int life[2], smtpd[2], bounce[2], qmgr[2] = { -1, -1 };
	struct err e;

	ck_assert_int_eq(pipe2(life, O_CLOEXEC), 0);
	ck_assert_int_eq(ipc_pair(smtpd, &e), 0);
	ck_assert_int_eq(ipc_pair(bounce, &e), 0);
	if (!r->no_qmgr)
		ck_assert_int_eq(ipc_pair(qmgr, &e), 0);
	r->pid = fork();
	ck_assert_int_ge(r->pid, 0);
	if (r->pid == 0) {
		close(life[1]);
		close(smtpd[0]);
		close(bounce[0]);
		if (qmgr[0] != -1)
			close(qmgr[0]);
		run_queue(r, life[0], smtpd[1], bounce[1], qmgr[1]);
	}
	close(life[0]);
	close(smtpd[1]);
	close(bounce[1]);
	if (qmgr[1] != -1)
		close(qmgr[1]);
	r->life = life[1];
	r->smtpd = smtpd[0];
	r->bounce = bounce[0];
	r->qmgr = qmgr[0];
}

void
rig_new(struct rig *r, enum strategy s)
{
	char self[400];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	ck_assert_int_gt(n, 0);
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	*r = (struct rig){ .strategy = s };
	snprintf(r->dir, sizeof r->dir, "%s/queue.XXXXXX", self);
	ck_assert_ptr_nonnull(mkdtemp(r->dir));
	r->dir_fd = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ne(r->dir_fd, -1);
	rig_boot(r);
}

int
rig_with_session(struct rig *r, enum strategy s)
{
	rig_new(r, s);
	return rig_session(r);
}

int
rig_with_message(struct rig *r, enum strategy s, uint32_t nrcpt, char id[QID_SIZE])
{
	int sock = rig_with_session(r, s);

	client_send(sock, rig_text, nrcpt, id);
	return sock;
}

static void
rig_hang_up(struct rig *r)
{
	close(r->smtpd);
	close(r->bounce);
	if (r->qmgr != -1)
		close(r->qmgr);
}

void
rig_stop(struct rig *r)
{
	int status;

	close(r->life);
	ck_assert_int_eq(waitpid(r->pid, &status, 0), r->pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the queue ended with %x", status);
	rig_hang_up(r);
}

void
rig_kill(struct rig *r)
{
	kill(r->pid, SIGKILL);
	waitpid(r->pid, NULL, 0);
	close(r->life);
	rig_hang_up(r);
}

static void
remove_files(const struct rig *r, const char *sub)
{
	int fd = openat(r->dir_fd, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *de;

	while (d != NULL && (de = readdir(d)) != NULL)
		if (unlinkat(fd, de->d_name, 0) == -1 && errno == EISDIR)
			(void)unlinkat(fd, de->d_name, AT_REMOVEDIR);
	if (d != NULL)
		closedir(d);
}

void
rig_end(struct rig *r)
{
	char hh[3];

	rig_stop(r);
	for (unsigned i = 0; i < 256; i++) {
		snprintf(hh, sizeof hh, "%02x", i);
		remove_files(r, hh);
	}
	remove_files(r, "tmp");
	remove_files(r, "bad");
	remove_files(r, ".");
	close(r->dir_fd);
	ck_assert_int_eq(rmdir(r->dir), 0);
}

pid_t
rig_worker(const struct rig *r)
{
	char path[80], text[64] = "";
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)r->pid, (int)r->pid);
	for (int i = 0; i < 200; i++) {
		if ((f = fopen(path, "r")) != NULL) {
			if (fgets(text, sizeof text, f) == NULL)
				text[0] = '\0';
			fclose(f);
		}
		if (atoi(text) > 0)
			return atoi(text);
		usleep(20000);
	}
	ck_abort_msg("no worker");
	return -1;
}

int
rig_session(struct rig *r)
{
	struct msg_hdr h;
	struct err e;
	int pair[2];

	ck_assert_int_eq(ipc_pair(pair, &e), 0);
	ck_assert_int_eq(ipc_send(r->smtpd, &h, MSG_SESSION, 0, sizeof h, &pair[1], 1, &e), 0);
	close(pair[1]);
	return pair[0];
}

uint32_t
rig_get(int sock, struct got *g)
{
	struct pollfd p = { sock, POLLIN, 0 };
	int fds[MSG_FDS], r;
	struct err e = { 0 };

	ck_assert_msg(poll(&p, 1, WAIT_MS) == 1, "no packet in time");
	r = ipc_recv(sock, g->packet, sizeof g->packet, &g->len, fds, &e);
	if (r == 0)
		return 0;
	ck_assert_msg(r == 1, "%s", e.what);
	memcpy(&g->type, g->packet + offsetof(struct msg_hdr, type), 4);
	memcpy(&g->id, g->packet + offsetof(struct msg_hdr, id), 4);
	g->fd = fds[0];
	return g->type;
}

const struct msg_refused *
rig_refused(int sock)
{
	static struct got g;

	ck_assert_uint_eq(rig_get(sock, &g), MSG_REFUSED);
	return (const struct msg_refused *)(const void *)g.packet;
}

bool
rig_silent(int sock, int ms)
{
	struct pollfd p = { sock, POLLIN, 0 };

	return poll(&p, 1, ms) == 0;
}

static int
open_message(int sock, const char *text, bool reserve, char id[QID_SIZE])
{
	struct msg_open o = { .size = strlen(text), .reserve = reserve };
	static struct got g;
	struct err e;

	ck_assert_int_eq(ipc_send(sock, &o.h, MSG_OPEN, 7, sizeof o, NULL, 0, &e), 0);
	ck_assert_uint_eq(rig_get(sock, &g), MSG_OPENED);
	ck_assert_uint_eq(g.id, 7);
	ck_assert_int_ne(g.fd, -1);
	memcpy(id, ((struct msg_id *)(void *)g.packet)->id, QID_SIZE);
	ck_assert(qid_ok(id));
	ck_assert_int_eq(fcntl(g.fd, F_GETFL) & O_ACCMODE, O_WRONLY);
	ck_assert_int_eq(write(g.fd, text, strlen(text)), (ssize_t)strlen(text));
	return g.fd;
}

int
client_open(int sock, const char *text, char id[QID_SIZE])
{
	return open_message(sock, text, false, id);
}

void
client_put(int sock, const char *text, char id[QID_SIZE])
{
	close(client_open(sock, text, id));
}

void
bounce_put(const struct rig *r, const char *text, char id[QID_SIZE])
{
	close(open_message(r->bounce, text, true, id));
}

static void
commit_send(int sock, const char *id, uint64_t len, uint32_t crc, struct span block, bool next)
{
	static _Alignas(8) unsigned char packet[MSG_MAX];
	struct msg_commit c = { .msg_len = len, .msg_crc = crc, .env_len = (uint32_t)block.n,
	    .next = next };
	struct err e;

	memcpy(c.id, id, QID_SIZE);
	memcpy(packet, &c, sizeof c);
	memcpy(packet + sizeof c, block.p, block.n);
	ck_assert_int_eq(ipc_send(sock, (struct msg_hdr *)(void *)packet, MSG_COMMIT, 8,
	    sizeof c + block.n, NULL, 0, &e), 0);
}

void
client_commit_block(int sock, const char *id, uint64_t len, uint32_t crc, struct span block)
{
	commit_send(sock, id, len, crc, block, false);
}

static void
commit_text(int sock, const char *id, const char *text, uint32_t nrcpt, bool next)
{
	struct rcpt rcpt[8] = { { .notify = 0 } };
	struct envelope env = { .sender = span_str("a@example.com"), .rcpt = rcpt, .nrcpt = nrcpt,
	    .arrival_us = 1 };
	struct buf block;
	struct err e = { 0 };

	ck_assert_uint_le(nrcpt, 8);
	for (uint32_t i = 0; i < nrcpt; i++)
		rcpt[i].addr = span_str("b@example.org");
	buf_init(&block, ENV_MAX);
	ck_assert_msg(envelope_encode(&env, &block, &e) == 0, "%s", e.what);
	commit_send(sock, id, strlen(text), crc32c(0, text, strlen(text)), buf_view(&block), next);
	buf_free(&block);
}

void
client_commit(int sock, const char *id, const char *text, uint32_t nrcpt)
{
	commit_text(sock, id, text, nrcpt, false);
}

void
client_commit_next(int sock, const char *id, const char *text, uint32_t nrcpt)
{
	commit_text(sock, id, text, nrcpt, true);
}

void
client_send(int sock, const char *text, uint32_t nrcpt, char id[QID_SIZE])
{
	static struct got g;

	client_put(sock, text, id);
	client_commit(sock, id, text, nrcpt);
	ck_assert(rig_get(sock, &g));
	ck_assert_msg(g.type == MSG_COMMITTED, "packet %u: %s", g.type,
	    g.type == MSG_REFUSED ? ((struct msg_refused *)(void *)g.packet)->what : "");
	ck_assert_uint_eq(g.id, 8);
	ck_assert_str_eq(((struct msg_id *)(void *)g.packet)->id, id);
}

void
qmgr_marks(const struct rig *r, const struct mark *m, uint32_t n)
{
	static _Alignas(8) unsigned char packet[MSG_MAX];
	struct msg_marks *all = (struct msg_marks *)(void *)packet;
	struct err e;

	*all = (struct msg_marks){ .n = n };
	memcpy(packet + sizeof *all, m, n * sizeof *m);
	ck_assert_int_eq(ipc_send(r->qmgr, &all->h, MSG_MARK, 0, sizeof *all + n * sizeof *m, NULL, 0, &e),
	    0);
}

void
qmgr_mark_send(const struct rig *r, const char *id, uint32_t slot, uint8_t state)
{
	struct mark m = { .number = slot + 100, .slot = slot, .state = state, .attempts = 3, .code = 450,
	    .dsn = "4.2.0", .text = "later, please", .dead = 5, .since_s = 9, .next_us = 77 };

	memcpy(m.id, id, QID_SIZE);
	qmgr_marks(r, &m, 1);
}

bool
qmgr_marked(const struct rig *r, const char *id)
{
	static struct got g;
	struct msg_marked *m = (struct msg_marked *)(void *)g.packet;

	do
		ck_assert(rig_get(r->qmgr, &g));
	while (g.type == MSG_NEW);
	ck_assert_uint_eq(g.type, MSG_MARKED);
	ck_assert_uint_eq(m->n, 1);
	ck_assert_str_eq(m->marked[0].id, id);
	return m->marked[0].gone != 0;
}

bool
qmgr_mark(const struct rig *r, const char *id, uint32_t slot, uint8_t state)
{
	qmgr_mark_send(r, id, slot, state);
	return qmgr_marked(r, id);
}

void
qmgr_new(const struct rig *r, const char *id)
{
	static struct got g;
	struct msg_ids *m = (struct msg_ids *)(void *)g.packet;

	ck_assert_uint_eq(rig_get(r->qmgr, &g), MSG_NEW);
	ck_assert_uint_eq(m->n, 1);
	ck_assert_str_eq(m->id[0], id);
}

int
rig_open(const struct rig *r, const char *id, int how)
{
	char path[PATH_SIZE];

	path_final(id, path);
	return openat(r->dir_fd, path, how | O_CLOEXEC);
}

void
rig_descriptors(const struct rig *r, bool some)
{
	struct rlimit l;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &l), 0);	/* it was started with ours */
	if (!some)
		l.rlim_cur = 3;
	ck_assert_int_eq(prlimit(r->pid, RLIMIT_NOFILE, &l, NULL), 0);
}

bool
rig_has(const struct rig *r, const char *where, const char *id)
{
	char path[PATH_SIZE];

	if (strcmp(where, "tmp") == 0)
		path_tmp(id, path);
	else if (strcmp(where, "bad") == 0)
		path_bad(id, path);
	else
		path_final(id, path);
	return faccessat(r->dir_fd, path, F_OK, 0) == 0;
}

unsigned
rig_count(const struct rig *r, const char *dir)
{
	int fd = openat(r->dir_fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fdopendir(fd);
	unsigned n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}
