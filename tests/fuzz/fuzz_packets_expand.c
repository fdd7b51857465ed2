/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_packets_expand.c - local and queue that say anything (tests/fuzz/hostile.h): what is committed has
 * the length and checksum that is said, an envelope that can be read, for those for whom a recipient stands and nobody
 * else, and ends in the message as it came; local hears that it is done only when queue said that such a message is
 * committed, and of an answer only to what it asked; no more are open at once, or wait, than may.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "expand/serve.h"
#include "lib/envelope.h"
#include "lib/qfile.h"
#include "tests/fuzz/hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
ssize_t __wrap_sendmsg(int sock, const struct msghdr *m, int flags);
ssize_t __real_sendmsg(int sock, const struct msghdr *m, int flags);

enum { LOCAL, QUEUE, SIDES, OPENED = 8, SAID = 2 * HOSTILE_STEPS };

static const struct hostile_row from_local[] = { { MSG_EXPAND, sizeof(struct msg_expand) } };
static const struct hostile_row from_queue[] = {
	{ MSG_OPENED, sizeof(struct msg_id) }, { MSG_COMMITTED, sizeof(struct msg_committed) },
	{ MSG_REFUSED, sizeof(struct msg_refused) },
};
static const char id[QID_SIZE] = "0123456789abcdef", text[] = "From: s@example.net\r\nSubject: x\r\n\r\nthe body\r\n";
static const char *const to[] = { "al@x.example", "list@x.example", "round@x.example", "joe@x.example", NULL };
static const char boxes[] = "joe@x.example maildir:mail/joe\nal@x.example alias:joe@x.example,far@y.example\n"
    "list@x.example alias:al@x.example\nowner-list@x.example alias:far@y.example\nround@x.example alias:round@x.example\n";

static struct daemon daemon_of;
static struct expand expand;
static struct hostile h;
static struct { uint32_t request; int fd; char id[QID_SIZE]; } opened[OPENED];
static uint32_t nopened;
static struct said { uint32_t type, id; char qid[QID_SIZE]; } said[SAID];
static uint32_t nsaid;

/* What the two said, whether or not expand believes it. */
ssize_t
__wrap_sendmsg(int sock, const struct msghdr *m, int flags)
{
	const struct iovec *v = m->msg_iov;
	struct msg_id head;

	if ((sock == h.side[LOCAL].fd || sock == h.side[QUEUE].fd) && v->iov_len >= sizeof head && nsaid < SAID) {
		memcpy(&head, v->iov_base, sizeof head);
		said[nsaid] = (struct said){ .type = head.h.type, .id = head.h.id };
		memcpy(said[nsaid++].qid, head.id, QID_SIZE);
	}
	return __real_sendmsg(sock, m, flags);
}

static void
open_side(struct hostile *x, size_t side)
{
	static const enum role roles[] = { ROLE_LOCAL, ROLE_QUEUE };

	daemon_of.peer(daemon_of.arg, roles[side], 1, hostile_pair(x, side));
}

static bool
is_target(struct span addr)
{
	return span_is(addr, "joe@x.example") || span_is(addr, "far@y.example");
}

static void
check_envelope(const struct msg_commit *m)
{
	struct envelope env;
	struct err e;

	assert(envelope_decode(span_of(m + 1, m->env_len), &env, &e) == 0);
	assert(span_is(env.sender, "s@example.net") || span_is(env.sender, "owner-list@x.example"));
	for (uint32_t i = 0; i < env.nrcpt; i++)
		assert(is_target(env.rcpt[i].addr) || (env.nrcpt == 1 && span_is(env.rcpt[i].addr, "al@x.example")));
	envelope_free(&env);
}

static void
check_commit(const struct msg_commit *m, size_t len)
{
	static unsigned char all[1 << 16];

	assert(qid_ok(m->id) && m->env_len == len - sizeof *m);
	check_envelope(m);
	for (uint32_t i = 0; i < nopened; i++)
		if (opened[i].request == m->h.id && strcmp(m->id, opened[i].id) == 0) {
			ssize_t n = pread(opened[i].fd, all, sizeof all, 0);
			size_t own = sizeof text - 1;

			assert(n > (ssize_t)own && m->msg_len == (uint64_t)n);
			assert(crc32c(0, all, (size_t)n) == m->msg_crc);
			assert(memcmp(all, "Received: ", 10) == 0 && memcmp(all + n - own, text, own) == 0);
		}
}

static bool
was_said(uint32_t type, uint32_t number, bool any_number)
{
	for (const struct said *s = said; s < said + nsaid; s++)
		if (s->type == type && (any_number || s->id == number))
			return true;
	return false;
}

static void
check_expanded(const struct msg_expanded *m)
{
	assert(was_said(MSG_EXPAND, m->h.id, false));
	if (m->kind == ERR_NONE)
		assert(was_said(MSG_COMMITTED, 0, true) && was_said(MSG_OPENED, 0, true));
	else
		assert(m->what[0] != '\0' && m->flags == 0);
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
		assert(m->type == MSG_EXPANDED);
		check_expanded((const void *)m);
	}
}

/* An honest answer to the last request that was heard: 0: OPENED; else COMMITTED of the last that was opened. */
static void
other(struct hostile *x, unsigned what, struct span p)
{
	struct hostile_side *s = &x->side[QUEUE];
	struct msg_committed done = { .next = "" };
	struct msg_id m = { .id = "" };
	struct err e;
	int fd;

	(void)p;
	if (s->fd == -1 || s->nheard == 0)
		return;
	if (what > 0) {
		if (nopened > 0) {
			memcpy(done.id, opened[nopened - 1].id, QID_SIZE);
			(void)ipc_send(s->fd, &done.h, MSG_COMMITTED, opened[nopened - 1].request, sizeof done, NULL, 0, &e);
		}
		return;
	}
	if (nopened == OPENED)
		return;
	snprintf(m.id, sizeof m.id, "fedcba987654321%u", nopened);
	memcpy(opened[nopened].id, m.id, QID_SIZE);
	if ((fd = memfd_create("new", MFD_CLOEXEC)) == -1)
		abort();
	opened[nopened].request = s->heard[(s->nheard - 1) % HOSTILE_HEARD];
	opened[nopened].fd = fd;
	(void)ipc_send(s->fd, &m.h, MSG_OPENED, opened[nopened++].request, sizeof m, &fd, 1, &e);
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
	if (loop_init(&daemon_of.loop, &e) == -1 || conf_init_as(&daemon_of.conf, "x.example", &e) == -1 ||
	    conf_set(&daemon_of.conf, CONF_MAILBOXES, span_str(boxes), &e) == -1)
		abort();
	for (int i = 0; i < ROLE_COUNT; i++)
		daemon_of.peer_fd[i] = -1;
	h = (struct hostile){ .file = hostile_letter(span_str(text), "s@example.net", to, 0), .loop = &daemon_of.loop,
	    .nside = SIDES, .open = open_side, .heard = heard, .other = other,
	    .side = { { from_local, 1, -1, { 0 }, 0 }, { from_queue, 3, -1, { 0 }, 0 } } };
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct err e = { 0 };

	set_up();
	nopened = nsaid = 0;
	if (expand_open(&expand, &daemon_of, &e) == -1)
		abort();
	hostile_begin(&h);
	hostile_qid(&h, id);
	hostile_run(&h, span_of(p, n));
	assert(expand.nactive <= EXPAND_AT_ONCE && expand.nwork <= EXPAND_WAITING);
	expand_free(&expand);
	for (uint32_t i = 0; i < nopened; i++)
		close(opened[i].fd);
	hostile_end(&h);
	return 0;
}
