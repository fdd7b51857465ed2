/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_packets_bounce.c - qmgr, queue and convertd that say anything (tests/fuzz/hostile.h):
 * a report is committed under the ID that queue gave for it, with the length and checksum that it has
 * and an envelope that can be read, from nobody, and speaks of a message and recipients that qmgr asked
 * about together; qmgr hears of a report for its own message, when queue said that just that one is
 * committed, and of none only where none was due or one came before; no more are open at once, or
 * wait, than may; convertd is asked about a message that qmgr gave.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bounce/serve.h"
#include "lib/clock.h"
#include "lib/edit.h"
#include "lib/envelope.h"
#include "lib/plan.h"
#include "lib/qfile.h"
#include "lib/result.h"
#include "tests/fuzz/hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
ssize_t __wrap_sendmsg(int sock, const struct msghdr *m, int flags);
ssize_t __real_sendmsg(int sock, const struct msghdr *m, int flags);

enum { QMGR, QUEUE, CONVERTD, SIDES, OPENED = 8, SAID = 2 * HOSTILE_STEPS, RECORDS = 64, RCPTS = 2 };

static const struct hostile_row from_qmgr[] = { { MSG_REPORT, sizeof(struct msg_job) } };
static const struct hostile_row from_queue[] = {
	{ MSG_OPENED, sizeof(struct msg_id) }, { MSG_COMMITTED, sizeof(struct msg_committed) },
	{ MSG_REFUSED, sizeof(struct msg_refused) },
};
static const struct hostile_row from_convertd[] = {
	{ MSG_PLANNED, sizeof(struct msg_planned) }, { MSG_CONVERTED, sizeof(struct msg_planned) },
};
static const char id[QID_SIZE] = "0123456789abcdef";
static const char head_text[] = "From: s@example.net\r\nSubject: x\r\n\r\n", body_text[] = "the body\r\n";
static const char *const to[] = { "a@example.org", "b@example.org", NULL };

static struct loop loop;
static struct bounce bounce;
static struct hostile h;
/* Files that an honest answer to MSG_OPEN gave, by request. */
static struct { uint32_t request; int fd; char id[QID_SIZE]; } opened[OPENED];
static uint32_t nopened;

/* --- what the two said, whether or not bounce believes it --- */

static struct said {
	uint32_t type, id, nrecord;	/* records: of REPORT */
	char qid[QID_SIZE];
	struct { uint32_t slot; uint8_t outcome; } record[RECORDS];
} said[SAID];
static uint32_t nsaid;

static void
keep_records(struct said *s, struct span rest)
{
	struct rcpt_result r;
	struct span detail;
	struct err e;

	while (s->nrecord < RECORDS && result_next(&rest, &r, &detail, &e) == 1) {
		s->record[s->nrecord].slot = r.slot;
		s->record[s->nrecord++].outcome = r.outcome;
	}
}

ssize_t
__wrap_sendmsg(int sock, const struct msghdr *m, int flags)
{
	const struct iovec *v = m->msg_iov;
	struct msg_id head;

	if ((sock == h.side[QMGR].fd || sock == h.side[QUEUE].fd) && v->iov_len >= sizeof head && nsaid < SAID) {
		struct said *s = &said[nsaid++];

		memcpy(&head, v->iov_base, sizeof head);
		*s = (struct said){ .type = head.h.type, .id = head.h.id };
		memcpy(s->qid, head.id, QID_SIZE);
		if (v->iov_len >= sizeof(struct msg_job))
			keep_records(s, span_of((const char *)v->iov_base + sizeof(struct msg_job),
			    v->iov_len - sizeof(struct msg_job)));
	}
	return __real_sendmsg(sock, m, flags);
}

#define ANY UINT32_MAX

static const struct said *
find_said(const struct said *from, uint32_t type, uint32_t number, const char *qid)
{
	for (const struct said *s = from; s < said + nsaid; s++)
		if (s->type == type && (number == ANY || s->id == number) && strncmp(s->qid, qid, QID_SIZE) == 0)
			return s;
	return NULL;
}

/* --- what bounce says --- */

/* Recipients of the letter that a report names; *of is the message's ID in it. */
static unsigned
read_report(struct span text, char of[QID_SIZE])
{
	static const char queue_id[] = "X-Accord-Queue-ID: ";
	struct span line;
	unsigned named = 0;

	memset(of, 0, QID_SIZE);
	while (span_line(&text, &line)) {
		if (span_isi(span_sub(line, 0, strlen(queue_id)), queue_id))
			span_text(span_sub(line, strlen(queue_id), line.n), of, QID_SIZE);
		for (unsigned i = 0; i < RCPTS; i++) {
			char want[64];

			snprintf(want, sizeof want, "Final-Recipient: rfc822;%s", to[i]);
			named |= (unsigned)span_isi(line, want) << i;
		}
	}
	return named;
}

/* A question of qmgr's has all of them, for that message. */
static bool
asked_for(const char *of, unsigned named)
{
	for (const struct said *s = said; (s = find_said(s, MSG_REPORT, ANY, of)) != NULL; s++) {
		unsigned has = 0;

		for (uint32_t i = 0; i < s->nrecord; i++)
			if (s->record[i].slot < RCPTS)
				has |= 1u << s->record[i].slot;
		if ((named & ~has) == 0)
			return true;
	}
	return false;
}

static void
open_side(struct hostile *x, size_t side)
{
	static const enum role roles[] = { ROLE_QMGR, ROLE_QUEUE, ROLE_CONVERTD };

	bounce_peer(&bounce, roles[side], 1, hostile_pair(x, side));
}

static void
check_commit(const struct msg_commit *m, size_t len)
{
	static unsigned char all[1 << 16];
	char of[QID_SIZE];
	unsigned named;
	struct envelope env;
	struct err e;

	assert(qid_ok(m->id) && m->env_len == len - sizeof *m);
	assert(envelope_decode(span_of(m + 1, m->env_len), &env, &e) == 0);
	assert(env.sender.n == 0 && env.nrcpt == 1 && env.rcpt[0].addr.n > 0);
	envelope_free(&env);
	for (uint32_t i = 0; i < nopened && i < OPENED; i++)
		if (opened[i].request == m->h.id && strcmp(m->id, opened[i].id) == 0) {
			ssize_t n = pread(opened[i].fd, all, sizeof all, 0);

			assert(n >= 0 && m->msg_len == (uint64_t)n);
			assert(crc32c(0, all, (size_t)n) == m->msg_crc);
			for (ssize_t k = 0; k < n; k++)
				assert(all[k] < 0x80 && (all[k] == '\n') == (k > 0 && all[k - 1] == '\r'));
			named = read_report(span_of(all, (size_t)n), of);
			assert(named != 0 && asked_for(of, named));
		}
}

/* queue said that the report which it opened under that ID is committed; NULL: any. */
static bool
was_committed(const char *report)
{
	for (const struct said *c = said; c < said + nsaid; c++)
		if (c->type == MSG_COMMITTED && (report == NULL || strncmp(c->qid, report, QID_SIZE) == 0) &&
		    find_said(said, MSG_OPENED, c->id, c->qid) != NULL)
			return true;
	return false;
}

/* The letter's sender is to hear of failures, and of what became of the second recipient. */
static bool
is_due(const struct said *s)
{
	for (uint32_t i = 0; i < s->nrecord; i++)
		if (s->record[i].slot < RCPTS && (s->record[i].outcome == OUTCOME_FAILED ||
		    (s->record[i].slot == 1 && s->record[i].outcome <= OUTCOME_RELAYED)))
			return true;
	return false;
}

static void
check_reported(const struct msg_reported *m)
{
	const struct said *s = find_said(said, MSG_REPORT, m->h.id, m->id);

	assert(s != NULL);
	if (m->report[0] != '\0') {
		assert(was_committed(m->report));
		return;
	}
	while (s != NULL && is_due(s))
		s = find_said(s + 1, MSG_REPORT, m->h.id, m->id);
	assert(s != NULL || was_committed(NULL));
}

static void
heard(struct hostile *x, size_t side, const struct msg_hdr *m, size_t len)
{
	(void)x;
	if (side == CONVERTD) {
		assert(m->type == MSG_PLAN || m->type == MSG_CONVERT);
		assert(memcmp(((const struct msg_plan *)(const void *)m)->id, id, QID_LEN) == 0 ||
		    find_said(said, MSG_REPORT, ANY, ((const struct msg_plan *)(const void *)m)->id) != NULL);
	} else if (side == QUEUE) {
		assert(m->type == MSG_OPEN || m->type == MSG_COMMIT || m->type == MSG_ABANDON);
		if (m->type == MSG_COMMIT)
			check_commit((const void *)m, len);
	} else {
		assert(m->type == MSG_HELLO || m->type == MSG_REPORTED || m->type == MSG_REFUSED);
		if (m->type == MSG_REPORTED)
			check_reported((const void *)m);
	}
}

/* What convertd makes of the letter: its body may be cut, and becomes another. */
static void
converted(struct hostile *x, unsigned what)
{
	struct edit_range range = { sizeof head_text - 1, sizeof body_text - 1, RANGE_BODY };
	struct plan plan = { .range = &range, .nrange = 1 };
	struct edit op[] = { { EDIT_COPY, 0, sizeof head_text - 1 }, { EDIT_BODY, 0, 6 } };
	struct edit_list list = { .edit = op, .n = 2, .text = span_str("TUg=\r\n"), .size = sizeof head_text + 5 };
	struct hostile_side *s = &x->side[CONVERTD];
	struct msg_planned m = { .kind = ERR_NONE };
	struct buf text;
	struct err e;
	int fd = memfd_create("converted", MFD_CLOEXEC);

	buf_init(&text, 4096);
	if (fd == -1 || (what == 1 ? plan_encode(&plan, &text, &e) : edit_encode(&list, &text, &e)) == -1 ||
	    write(fd, text.p, text.n) != (ssize_t)text.n)
		abort();
	m.len = text.n;
	(void)ipc_send(s->fd, &m.h, what == 1 ? MSG_PLANNED : MSG_CONVERTED,
	    s->heard[(s->nheard - 1) % HOSTILE_HEARD], sizeof m, &fd, 1, &e);
	close(fd);
	buf_free(&text);
}

/* An honest answer to the last request that was heard: 0: OPENED, 1: PLANNED, 2: CONVERTED. */
static void
other(struct hostile *x, unsigned what, struct span p)
{
	struct hostile_side *s = &x->side[what == 0 ? QUEUE : CONVERTD];
	struct msg_id m = { .id = "" };
	struct err e;
	int fd;

	(void)p;
	if (what > 0) {
		if (s->fd != -1 && s->nheard > 0)
			converted(x, what);
		return;
	}
	if (s->fd == -1 || s->nheard == 0 || nopened == OPENED)
		return;
	/* an ID that the input cannot know before it was used */
	snprintf(m.id, sizeof m.id, "fedcba987654321%u", nopened);
	memcpy(opened[nopened].id, m.id, QID_SIZE);
	fd = memfd_create("report", MFD_CLOEXEC);
	if (fd == -1)
		abort();
	opened[nopened].request = s->heard[(s->nheard - 1) % HOSTILE_HEARD];
	opened[nopened].fd = fd;
	(void)ipc_send(s->fd, &m.h, MSG_OPENED, opened[nopened++].request, sizeof m, &fd, 1, &e);
}

/* Sent under CONPERM with RET=FULL; its sender wants to hear of the second recipient, whatever comes. */
static int
letter(void)
{
	struct rcpt rcpt[RCPTS] = { { .addr = span_str(to[0]) },
	    { .addr = span_str(to[1]), .notify = NOTIFY_SUCCESS | NOTIFY_FAILURE } };
	struct envelope env = { .sender = span_str("s@example.net"), .client = span_str("c"), .conperm = true,
	    .ret = RET_FULL, .arrival_us = (uint64_t)clock_us(), .rcpt = rcpt, .nrcpt = RCPTS };
	char text[100];
	size_t n = (size_t)snprintf(text, sizeof text, "%s%s", head_text, body_text);
	int fd = memfd_create("letter", MFD_CLOEXEC);
	struct qfile q;
	struct buf block;
	struct err e;

	buf_init(&block, ENV_MAX);
	if (fd == -1 || write(fd, text, n) != (ssize_t)n || envelope_encode(&env, &block, &e) == -1 ||
	    qfile_finish(fd, n, crc32c(0, text, n), buf_view(&block), RCPTS, &q, &e) == -1)
		abort();
	buf_free(&block);
	return fd;
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
	if (loop_init(&loop, &e) == -1)
		abort();
	h = (struct hostile){ .file = letter(), .loop = &loop, .nside = SIDES, .open = open_side, .heard = heard,
	    .other = other, .side = { { from_qmgr, 1, -1, { 0 }, 0 }, { from_queue, 3, -1, { 0 }, 0 },
	    { from_convertd, 2, -1, { 0 }, 0 } } };
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	set_up();
	bounce_init(&bounce, &loop, "mx.example");
	nopened = nsaid = 0;
	hostile_begin(&h);
	hostile_qid(&h, id);
	hostile_run(&h, span_of(p, n));
	assert(bounce.nactive <= BOUNCE_AT_ONCE && bounce.nwork <= BOUNCE_WAITING);
	bounce_free(&bounce);
	for (uint32_t i = 0; i < nopened; i++)
		close(opened[i].fd);
	hostile_end(&h);
	return 0;
}
