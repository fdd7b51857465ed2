/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_packets_bounce.c - qmgr and queue that say anything to bounce (tests/fuzz/hostile.h):
 * a report is committed under the ID that queue gave for it, with the length and checksum that it has
 * and an envelope that can be read, from nobody; no more are open at once, or wait, than may.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bounce/serve.h"
#include "lib/envelope.h"
#include "lib/qfile.h"
#include "tests/fuzz/hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { QMGR, QUEUE, SIDES, OPENED = 8 };

static const struct hostile_row from_qmgr[] = { { MSG_REPORT, sizeof(struct msg_job) } };
static const struct hostile_row from_queue[] = {
	{ MSG_OPENED, sizeof(struct msg_id) }, { MSG_COMMITTED, sizeof(struct msg_id) },
	{ MSG_REFUSED, sizeof(struct msg_refused) },
};
static const char id[QID_SIZE] = "0123456789abcdef";

static struct loop loop;
static struct bounce bounce;
static struct hostile h;
/* Files that an honest answer to MSG_OPEN gave, by request. */
static struct { uint32_t request; int fd; char id[QID_SIZE]; } opened[OPENED];
static uint32_t nopened;

static void
open_side(struct hostile *x, size_t side)
{
	bounce_peer(&bounce, side == QMGR ? ROLE_QMGR : ROLE_QUEUE, 1, hostile_pair(x, side));
}

static void
check_commit(const struct msg_commit *m, size_t len)
{
	static unsigned char all[1 << 16];
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
		}
}

static void
heard(struct hostile *x, size_t side, const struct msg_hdr *m, size_t len)
{
	(void)x;
	if (side == QUEUE) {
		assert(m->type == MSG_OPEN || m->type == MSG_COMMIT || m->type == MSG_ABANDON);
		if (m->type == MSG_COMMIT)
			check_commit((const void *)m, len);
	} else {
		assert(m->type == MSG_HELLO || m->type == MSG_REPORTED || m->type == MSG_REFUSED);
	}
}

/* An honest OPENED for the last request that was heard. */
static void
other(struct hostile *x, unsigned what, struct span p)
{
	struct hostile_side *s = &x->side[QUEUE];
	struct msg_id m = { .id = "" };
	struct err e;
	int fd;

	(void)what, (void)p;
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

static void
set_up(void)
{
	static const char *const to[] = { "a@example.org", "b@example.org", NULL };
	static bool done;
	struct err e = { 0 };

	if (done)
		return;
	done = true;
	hostile_set_up();
	if (loop_init(&loop, &e) == -1)
		abort();
	h = (struct hostile){ .loop = &loop, .nside = SIDES, .open = open_side, .heard = heard,
	    .other = other, .side = { { from_qmgr, 1, -1, { 0 }, 0 }, { from_queue, 3, -1, { 0 }, 0 } },
	    .file = hostile_letter(span_str("From: s@example.net\r\nSubject: x\r\n\r\nthe body\r\n"),
	    "s@example.net", to, 0) };
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	set_up();
	bounce_init(&bounce, &loop, "mx.example");
	nopened = 0;
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
