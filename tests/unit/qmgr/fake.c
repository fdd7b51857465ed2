/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "tests/unit/qmgr/fake.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/clock.h"
#include "tests/unit/folder.h"

static void
broken(const struct err *e)
{
	ck_abort_msg("%s", e->what);
}
#define OK(call) do { if ((call) == -1) broken(&e); } while (0)

void
fake_setting(struct fake *f, enum conf_id id, const char *text)
{
	struct err e = { 0 };

	OK(conf_set(&f->d.conf, id, span_str(text), &e));
}

void
fake_start(struct fake *f)
{
	struct err e = { 0 };

	memset(f, 0, sizeof *f);
	signal(SIGPIPE, SIG_IGN);
	f->shift_ms = test_clock();
	snprintf(f->path, sizeof f->path, "/tmp/accord-qmgr-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f->path));
	f->dirfd = open(f->path, O_RDONLY | O_DIRECTORY);
	for (int i = 0; i < ROLE_COUNT; i++)
		f->end[i] = -1;
	OK(loop_init(&f->d.loop, &e));
	OK(conf_init(&f->d.conf, &e));
	fake_setting(f, CONF_ME, "mx.example\n");
	fake_setting(f, CONF_LOCALS, "here.example\n");
	fake_setting(f, CONF_SMTPROUTES, "routed.example:[192.0.2.1]:2525\n");
	OK(qmgr_init(&f->q, &f->d, f->dirfd, &e));
}

void
fake_restart_qmgr(struct fake *f)
{
	struct err e = { 0 };

	qmgr_free(&f->q);
	for (int i = 0; i < ROLE_COUNT; i++)
		if (f->end[i] != -1) {
			close(f->end[i]);
			f->end[i] = -1;
		}
	OK(qmgr_init(&f->q, &f->d, f->dirfd, &e));
}

void
fake_end(struct fake *f)
{
	qmgr_free(&f->q);
	loop_free(&f->d.loop);
	conf_free(&f->d.conf);
	for (int i = 0; i < ROLE_COUNT; i++)
		if (f->end[i] != -1)
			close(f->end[i]);
	close(f->dirfd);
	folder_remove(f->path);
}

void
fake_peer(struct fake *f, enum role role)
{
	struct err e = { 0 };
	int fd[2];

	OK(ipc_pair(fd, &e));
	if (f->end[role] != -1)
		close(f->end[role]);
	f->end[role] = fd[0];
	ck_assert_int_eq(fcntl(fd[0], F_SETFL, O_NONBLOCK), 0);
	qmgr_peer(&f->q, role, ++f->generation, fd[1]);
}

void
fake_hello(struct fake *f, enum role role)
{
	struct msg_hdr h;

	fake_send(f, role, &h, MSG_HELLO, 0, sizeof h);
}

void
fake_idle(struct fake *f, enum role role)
{
	fake_peer(f, role);
	fake_hello(f, role);
}

static void
letter_path(const char *id, char out[32])
{
	char dir[3];

	qid_dir(id, dir);
	snprintf(out, 32, "%s/%s", dir, id);
}

void
fake_message(struct fake *f, char id[QID_SIZE], const char *sender, const char *const *to,
    uint8_t notify)
{
	static const char text[] = "Received: x\r\nSubject: hello\r\n\r\nbody\r\n";
	struct rcpt rcpt[FAKE_MAX_RCPT] = { { .notify = 0 } };
	struct envelope env = { .sender = span_str(sender), .client = span_str("c"),
	    .arrival_us = (uint64_t)clock_us(), .rcpt = rcpt };
	struct qfile q;
	struct buf block;
	struct err e = { 0 };
	char path[32];
	int fd;

	for (; to[env.nrcpt] != NULL; env.nrcpt++)
		rcpt[env.nrcpt] = (struct rcpt){ .addr = span_str(to[env.nrcpt]), .notify = notify };
	qid_make(&f->ids, (uint64_t)clock_us(), id);
	letter_path(id, path);
	path[2] = '\0';
	(void)mkdirat(f->dirfd, path, 0700);
	path[2] = '/';
	fd = openat(f->dirfd, path, O_RDWR | O_CREAT | O_EXCL, 0600);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(write(fd, text, sizeof text - 1), sizeof text - 1);
	buf_init(&block, ENV_MAX);
	OK(envelope_encode(&env, &block, &e));
	OK(qfile_finish(fd, sizeof text - 1, crc32c(0, text, sizeof text - 1), buf_view(&block),
	    env.nrcpt, &q, &e));
	buf_free(&block);
	close(fd);
}

static int
letter_fd(struct fake *f, const char *id, struct qfile *q)
{
	struct err e = { 0 };
	char path[32];
	int fd;

	letter_path(id, path);
	fd = openat(f->dirfd, path, O_RDWR);
	if (fd != -1)
		OK(qfile_open(fd, q, &e));
	return fd;
}

bool
fake_exists(struct fake *f, const char *id)
{
	char path[32];

	letter_path(id, path);
	return faccessat(f->dirfd, path, F_OK, 0) == 0;
}

struct slot
fake_slot(struct fake *f, const char *id, uint32_t n)
{
	struct err e = { 0 };
	struct slot *all, s;
	struct qfile q;
	int fd = letter_fd(f, id, &q);

	ck_assert_int_ne(fd, -1);
	OK(qfile_slots(fd, &q, &all, &e));
	s = all[n];
	free(all);
	close(fd);
	return s;
}

void
fake_set_slot(struct fake *f, const char *id, uint32_t n, const struct slot *s)
{
	struct err e = { 0 };
	struct qfile q;
	int fd = letter_fd(f, id, &q);

	OK(qfile_mark(fd, &q, n, s, &e));
	close(fd);
}

static void
stop_loop(void *arg)
{
	((struct loop *)arg)->stop = true;
}

void
fake_run(struct fake *f, int ms)
{
	struct timer t = { .fire = stop_loop, .arg = &f->d.loop };
	struct err e = { 0 };

	f->d.loop.stop = false;
	OK(loop_timer(&f->d.loop, &t, ms, &e));
	OK(loop_run(&f->d.loop, &e));
	loop_cancel(&f->d.loop, &t);
}

void
fake_known(struct fake *f, const char *id, const char *dest)
{
	for (int turns = 0; sched_find_dest(&f->q.sched, id, dest) == NULL && turns < 30000; turns++)
		fake_run(f, 1);
	ck_assert_ptr_nonnull(sched_find_dest(&f->q.sched, id, dest));
}

void
fake_advance(struct fake *f, int64_t ms)
{
	*f->shift_ms += ms;
	fake_run(f, 1);
}

static bool
next_packet(struct fake *f, enum role role, int tries)
{
	struct err e = { 0 };

	while (tries-- > 0) {
		int r = ipc_recv(f->end[role], f->packet, sizeof f->packet, &f->len, f->fds, &e);

		ck_assert_msg(r == 1 || (r == -1 && e.sys == EAGAIN), "%s", e.what);
		if (r == 1)
			return true;
		fake_run(f, 1);
	}
	return false;
}

const struct msg_hdr *
fake_next(struct fake *f, enum role role)
{
	ck_assert_msg(next_packet(f, role, 1000), "no packet to %s", role_name(role));
	if (f->fds[0] != -1)
		close(f->fds[0]);
	return (const struct msg_hdr *)(const void *)f->packet;
}

const struct msg_hdr *
fake_expect(struct fake *f, enum role role, uint32_t type)
{
	const struct msg_hdr *h = fake_next(f, role);

	ck_assert_msg(h->type == type, "packet %u to %s, not %u", h->type, role_name(role), type);
	return h;
}

void
fake_silence(struct fake *f, enum role role)
{
	ck_assert_msg(!next_packet(f, role, 20), "packet %u to %s",
	    ((struct msg_hdr *)(void *)f->packet)->type, role_name(role));
}

void
fake_send(struct fake *f, enum role role, void *packet, uint32_t type, uint32_t id, size_t len)
{
	struct err e = { 0 };

	OK(ipc_send(f->end[role], packet, type, id, len, NULL, 0, &e));
	fake_run(f, 1);
}

void
fake_new(struct fake *f, const char *id)
{
	_Alignas(8) unsigned char p[sizeof(struct msg_ids) + QID_SIZE] = { 0 };

	((struct msg_ids *)(void *)p)->n = 1;
	memcpy(p + sizeof(struct msg_ids), id, QID_SIZE);
	fake_send(f, ROLE_QUEUE, p, MSG_NEW, 0, sizeof p);
}

static void
queue_slot(int fd, const struct qfile *q, const struct mark *k)
{
	struct slot s = { .state = k->state, .conneg_tries = k->conneg_tries, .attempts = k->attempts,
	    .code = k->code, .flags = k->flags, .dead = k->dead, .since_s = k->since_s,
	    .last_us = k->last_us, .next_us = k->next_us };
	struct err e = { 0 };

	memcpy(s.dsn, k->dsn, sizeof s.dsn);
	memcpy(s.text, k->text, sizeof s.text);
	OK(qfile_mark(fd, q, k->slot, &s, &e));
}

/* n marks of one message.  Is it gone? */
static bool
queue_letter(struct fake *f, const struct mark *m, uint32_t n)
{
	struct qfile q;
	struct err e = { 0 };
	struct slot *all;
	int fd = letter_fd(f, m->id, &q);
	bool gone = true;
	char path[32];

	if (fd == -1)
		return true;
	for (uint32_t i = 0; i < n; i++)
		queue_slot(fd, &q, &m[i]);
	OK(qfile_slots(fd, &q, &all, &e));
	for (uint32_t i = 0; i < q.nslot; i++)
		gone &= slot_final(all[i].state);
	free(all);
	close(fd);
	letter_path(m->id, path);
	if (gone)
		ck_assert_int_eq(unlinkat(f->dirfd, path, 0), 0);
	return gone;
}

bool
fake_queue_mark(struct fake *f)
{
	const struct msg_marks *m = (const struct msg_marks *)(const void *)fake_expect(f, ROLE_QUEUE,
	    MSG_MARK);
	static _Alignas(8) unsigned char packet[MSG_MAX];
	struct msg_marked *answer = (struct msg_marked *)(void *)packet;
	bool gone = false;

	answer->n = 0;
	for (uint32_t i = 0, n; i < m->n; i += n) {
		const struct mark *first = &m->mark[i];
		struct marked *to = &answer->marked[answer->n++];

		for (n = 1; i + n < m->n && first[n].number == first->number; n++)
			;
		gone = queue_letter(f, first, n);
		f->marked++;
		*to = (struct marked){ .number = first->number, .gone = gone };
		memcpy(to->id, first->id, QID_SIZE);
	}
	fake_send(f, ROLE_QUEUE, answer, MSG_MARKED, 0, sizeof *answer + answer->n * sizeof *answer->marked);
	return gone;
}

void
fake_expect_ack(struct fake *f, enum role role, uint32_t number)
{
	const struct msg_ack *m = (const struct msg_ack *)(const void *)fake_expect(f, role, MSG_ACK);

	ck_assert_uint_eq(m->n, 1);
	ck_assert_uint_eq(m->number[0], number);
}

void
fake_result(struct fake *f, enum role role, const struct msg_job *m, const struct rcpt_result *r)
{
	const uint32_t *slot = (const uint32_t *)(const void *)(m + 1);
	struct msg_result head = { .n = m->n };
	struct buf b;
	struct err e = { 0 };

	memcpy(head.id, m->id, QID_SIZE);
	buf_init(&b, MSG_MAX);
	OK(buf_add(&b, span_of(&head, sizeof head), &e));
	for (uint32_t i = 0; i < m->n; i++) {
		struct rcpt_result one = *r;

		one.slot = slot[i];
		OK(result_add(&b, &one, span_str("part: 1\n"), &e));
	}
	fake_send(f, role, b.p, MSG_RESULT, m->h.id, b.n);
	buf_free(&b);
}
