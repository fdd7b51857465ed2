/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_packets_qmgr.c - queue, remote, local, bounce and control that say anything to qmgr
 * (tests/fuzz/hostile.h), over a queue of four messages: whatever it says is well formed; jobs, marks and
 * reports are of messages and recipients that are there, whatever a worker says of jobs that an earlier
 * qmgr gave it; a recipient is with one worker at a time; what it keeps has its bounds.
 */
#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/result.h"
#include "qmgr/qmgr.h"
#include "tests/fuzz/hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { QUEUE, REMOTE, LOCAL, BOUNCE, CONTROL, SIDES, LETTERS = 4, RCPTS = 3 };

static const struct hostile_row from_queue[] = {
	{ MSG_NEW, sizeof(struct msg_ids) + QID_SIZE }, { MSG_MARKED, sizeof(struct msg_marked) + sizeof(struct marked) },
	{ MSG_HELLO, sizeof(struct msg_hdr) },
};
static const struct hostile_row from_worker[] = {
	{ MSG_HELLO, sizeof(struct msg_hdr) }, { MSG_RESULT, sizeof(struct msg_result) },
	{ MSG_INFLIGHT, sizeof(struct msg_job) + 4 },
};
static const struct hostile_row from_bounce[] = {
	{ MSG_HELLO, sizeof(struct msg_hdr) }, { MSG_REPORTED, sizeof(struct msg_reported) },
	{ MSG_REFUSED, sizeof(struct msg_refused) },
};
static const struct hostile_row from_control[] = {
	{ MSG_STATUS, sizeof(struct msg_hdr) },
	{ MSG_ACT, sizeof(struct msg_act) + sizeof(struct act) },
};
static const enum role roles[SIDES] = { ROLE_QUEUE, ROLE_REMOTE, ROLE_LOCAL, ROLE_BOUNCE, ROLE_CONTROL };

static struct daemon d;
static struct qmgr qmgr;
static struct hostile h;
static char dir[64], letter[LETTERS][QID_SIZE];
static int dir_fd;
/* A worker may have spoken of jobs of its own, of which nobody knows but that worker. */
static bool adopts;
/* Which job each recipient is in, as far as we were told; 0: none. */
static uint32_t with[LETTERS][RCPTS], with_role[LETTERS][RCPTS];

static void
clean_up(void)
{
	for (int i = 0; i < LETTERS; i++) {
		char path[32], hh[3];

		qid_dir(letter[i], hh);
		snprintf(path, sizeof path, "%s/%.16s", hh, letter[i]);
		(void)unlinkat(dir_fd, path, 0);
		(void)unlinkat(dir_fd, hh, AT_REMOVEDIR);
	}
	(void)rmdir(dir);
}

static void
write_letter(int i)
{
	static const char *const to[LETTERS][RCPTS + 1] = {
		{ "a@here.example", "b@routed.example", "c@other.example" },
		{ "d@routed.example", "e@routed.example" }, { "f@here.example" },
		{ "g@other.example", "h@here.example", "i@third.example" },
	};
	char path[32], hh[3];
	int fd;

	snprintf(letter[i], sizeof letter[i], "0123456789abcde%d", i);
	qid_dir(letter[i], hh);
	(void)mkdirat(dir_fd, hh, 0700);
	snprintf(path, sizeof path, "%s/%.16s", hh, letter[i]);
	fd = openat(dir_fd, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	hostile_write_letter(fd, span_str("Subject: x\r\n\r\nx\r\n"), i == 2 ? "" : "s@example.net", to[i],
	    i == 3 ? NOTIFY_SUCCESS | NOTIFY_DELAY : 0);
	close(fd);
}

static int
letter_of(const char *id)
{
	for (int i = 0; i < LETTERS; i++)
		if (strcmp(letter[i], id) == 0)
			return i;
	return -1;
}

static uint32_t
rcpts_of(int i)
{
	return i == 1 ? 2 : i == 2 ? 1 : 3;
}

static void
check_marks(const struct msg_marks *m, size_t len)
{
	assert(m->n > 0 && len == sizeof *m + m->n * sizeof *m->mark);
	for (uint32_t i = 0; i < m->n; i++) {
		const struct mark *k = &m->mark[i];
		int letter_no = letter_of(k->id);

		assert(letter_no != -1 && qid_ok(k->id));
		assert(k->slot < rcpts_of(letter_no));
		assert(k->state < SLOT_STATES && memchr(k->text, '\0', sizeof k->text) != NULL);
		assert(memchr(k->dsn, '\0', sizeof k->dsn) != NULL);
		assert(k->dsn[0] == '\0' || outcome_dsn_ok(k->dsn));
	}
}

static void
check_job(const struct msg_job *m, size_t len, uint32_t role)
{
	const uint32_t *slot = (const uint32_t *)(const void *)(m + 1);
	int i = letter_of(m->id);

	assert(i != -1 && m->n > 0 && len == sizeof *m + m->n * sizeof *slot);
	assert(memchr(m->dest, '\0', sizeof m->dest) != NULL && m->n <= rcpts_of(i));
	for (uint32_t k = 0; k < m->n; k++) {
		assert(slot[k] < rcpts_of(i));
		assert(with[i][slot[k]] == 0 || adopts);
		with[i][slot[k]] = m->h.id;
		with_role[i][slot[k]] = role;
	}
}

static void
check_report(const struct msg_job *m, size_t len)
{
	struct span rest = span_of(m + 1, len - sizeof *m), detail;
	int i = letter_of(m->id);
	struct rcpt_result r;
	struct err e;

	assert(i != -1);
	for (uint32_t k = 0; k < m->n; k++)
		assert(result_next(&rest, &r, &detail, &e) == 1 && r.slot < rcpts_of(i));
	assert(rest.n == 0);
}

/* Their results are acknowledged, so they are not with that worker any more. */
static void
jobs_over(const struct msg_ack *m, size_t len)
{
	assert(m->n > 0 && len == sizeof *m + m->n * sizeof *m->number);
	for (uint32_t a = 0; a < m->n; a++)
		for (int i = 0; i < LETTERS; i++)
			for (int k = 0; k < RCPTS; k++)
				if (with[i][k] == m->number[a])
					with[i][k] = 0;
}

static void
heard(struct hostile *x, size_t side, const struct msg_hdr *m, size_t len)
{
	(void)x;
	switch (m->type) {
	case MSG_MARK:
		assert(side == QUEUE);
		check_marks((const void *)m, len);
		break;
	case MSG_BADFILE:
		assert(side == QUEUE && qid_ok(((const struct msg_id *)(const void *)m)->id));
		break;
	case MSG_JOB:
		assert(side == REMOTE || side == LOCAL);
		check_job((const void *)m, len, (uint32_t)side);
		break;
	case MSG_ACK:
		jobs_over((const void *)m, len);
		break;
	case MSG_REPORT:
		assert(side == BOUNCE);
		check_report((const void *)m, len);
		break;
	default:
		assert(side == CONTROL && (m->type == MSG_TEXT || m->type == MSG_ACTED ||
		    m->type == MSG_REFUSED));
	}
}

/* What waits for company would go some milliseconds later. */
static void
settle(struct hostile *x)
{
	(void)x;
	gather_send(&qmgr);
}

static void
open_side(struct hostile *x, size_t side)
{
	static uint32_t generation;

	/* what the last one had may be begun again */
	for (int i = 0; i < LETTERS; i++)
		for (int k = 0; k < RCPTS; k++)
			if (with_role[i][k] == side)
				with[i][k] = 0;
	adopts = adopts || side == REMOTE || side == LOCAL;
	qmgr_peer(&qmgr, roles[side], ++generation, hostile_pair(x, side));
}

static void
set_up(void)
{
	static bool done;
	struct err e = { 0 };

	if (done)
		return;
	done = true;
	hostile_set_up();
	snprintf(dir, sizeof dir, "/dev/shm/accord-fuzz-XXXXXX");
	if (mkdtemp(dir) == NULL || (dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 ||
	    conf_init(&d.conf, &e) == -1 || loop_init(&d.loop, &e) == -1 ||
	    conf_set(&d.conf, CONF_ME, span_str("mx.example\n"), &e) == -1 ||
	    conf_set(&d.conf, CONF_LOCALS, span_str("here.example\n"), &e) == -1 ||
	    conf_set(&d.conf, CONF_SMTPROUTES, span_str("routed.example:[192.0.2.1]:2525\n"), &e) == -1)
		abort();
	for (int i = 0; i < LETTERS; i++)
		write_letter(i);
	atexit(clean_up);
	h = (struct hostile){ .loop = &d.loop, .nside = SIDES, .file = -1, .open = open_side,
	    .heard = heard, .settle = settle, .side = { { from_queue, 3, -1, { 0 }, 0 }, { from_worker, 3, -1, { 0 }, 0 },
	    { from_worker, 3, -1, { 0 }, 0 }, { from_bounce, 3, -1, { 0 }, 0 },
	    { from_control, 2, -1, { 0 }, 0 } } };
}

/* Bit 0 of the first octet: the workers begin with HELLO. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct msg_hdr m;
	struct err e = { 0 };

	set_up();
	if (n == 0)
		return 0;
	memset(with, 0, sizeof with);
	if (qmgr_init(&qmgr, &d, dir_fd, &e) == -1)
		abort();
	hostile_begin(&h);
	adopts = !(p[0] & 1);
	for (int i = 0; i < LETTERS; i++)
		hostile_qid(&h, letter[i]);
	for (size_t i = REMOTE; i <= BOUNCE && p[0] & 1; i++)
		if (ipc_send(h.side[i].fd, &m, MSG_HELLO, 0, sizeof m, NULL, 0, &e) == -1)
			abort();
	hostile_turn(&h);
	hostile_run(&h, span_of(p + 1, n - 1));
	assert(qmgr.njobs <= QMGR_JOBS && qmgr.nact <= QMGR_ACTS && qmgr.stash <= QMGR_STASH_MAX);
	qmgr_free(&qmgr);
	hostile_end(&h);
	return 0;
}
