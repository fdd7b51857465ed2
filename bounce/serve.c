/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "bounce/serve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "bounce/report.h"
#include "lib/address.h"
#include "lib/clock.h"
#include "lib/log.h"

/* The failed message, as far as a report needs it. */
struct failed {
	struct qfile q;
	struct buf store, text;
	struct envelope env;
	struct slot *slot;
	bool whole;
};

static void
failed_free(struct failed *f)
{
	envelope_free(&f->env);
	buf_free(&f->store);
	buf_free(&f->text);
	free(f->slot);
}

static int
failed_read_text(int fd, struct failed *f, size_t n, struct err *e)
{
	unsigned char *p = buf_room(&f->text, n, e);

	if (p == NULL)
		return -1;
	for (size_t got = 0; got < n;) {
		ssize_t r = pread(fd, p + got, n - got, (off_t)got);

		if (r == -1 && errno == EINTR)
			continue;
		if (r <= 0)
			return r == 0 ? err_set(e, ERR_TEMP, "4.3.0", "the message is short") :
			    err_sys(e, "read");
		got += (size_t)r;
	}
	f->text.n = n;
	return 0;
}

static int
failed_read(int fd, struct failed *f, struct err *e)
{
	size_t n;

	*f = (struct failed){ .whole = false };
	buf_init(&f->store, ENV_MAX);
	buf_init(&f->text, REPORT_FULL_MAX);
	if (qfile_open(fd, &f->q, e) == -1 || qfile_envelope(fd, &f->q, &f->store, &f->env, e) == -1 ||
	    qfile_slots(fd, &f->q, &f->slot, e) == -1)
		return -1;
	f->whole = f->env.ret == RET_FULL && f->q.msg_len <= REPORT_FULL_MAX;
	n = f->whole || f->q.msg_len < REPORT_HEADER_MAX ? (size_t)f->q.msg_len : REPORT_HEADER_MAX;
	if (failed_read_text(fd, f, n, e) == -1)
		return -1;
	if (!f->whole)		/* nothing behind the header is looked at */
		f->text.n = report_header_end(buf_view(&f->text));
	return 0;
}

/* --- whom the report is for --- */

static bool
is_postmaster(const struct bounce *b, struct span addr)
{
	struct buf key;
	struct err e;
	char want[ADDRESS_MAX + 16];
	bool yes;

	buf_init(&key, ENV_MAX_PATH + 16);
	snprintf(want, sizeof want, "postmaster@%s", b->me);
	yes = address_key(addr, &key, &e) == 0 && span_eqi(buf_view(&key), span_str(want));
	buf_free(&key);
	return yes;
}

/* A report to postmaster that failed itself: no third one. */
static bool
is_double(const struct bounce *b, const struct envelope *env, struct span records)
{
	struct rcpt_result r;
	struct span detail;
	struct err e;

	while (result_next(&records, &r, &detail, &e) == 1)
		if (r.slot < env->nrcpt && !is_postmaster(b, env->rcpt[r.slot].addr))
			return false;
	return true;
}

/* --- the new message --- */

static int
call_queue(struct bounce *b, struct msg_hdr *h, uint32_t type, size_t len, uint32_t want,
    size_t want_len, void *reply, int fds[MSG_FDS], struct err *e)
{
	struct msg_refused *refused = reply;
	size_t got = 0;

	if (b->queue == -1)
		return err_set(e, ERR_TEMP, "4.3.0", "queue is not there");
	if (ipc_call(b->queue, h, type, len, NULL, 0, reply, MSG_MAX, &got, fds, BOUNCE_WAIT_MS, e) == -1) {
		/* Closed after a time-out too: a message opened late would stay open there for
		 * ever, and one committed late, when we have said that it was not, come twice. */
		close(b->queue);
		b->queue = -1;
		daemon_lost(ROLE_QUEUE);
		return err_in(e, "queue");
	}
	if (refused->h.type == MSG_REFUSED && got == sizeof *refused) {
		refused->what[sizeof refused->what - 1] = '\0';
		return err_set(e, ERR_TEMP, "4.3.0", "queue: %s", refused->what);
	}
	if (refused->h.type != want || got != want_len)
		return err_set(e, ERR_TEMP, "4.3.0", "queue: answer %u", refused->h.type);
	return 0;
}

static int
write_all(int fd, struct span s, struct err *e)
{
	while (s.n > 0) {
		ssize_t r = write(fd, s.p, s.n);

		if (r == -1 && errno == EINTR)
			continue;
		if (r <= 0)
			return err_sys(e, "write");
		s = span_sub(s, (size_t)r, s.n);
	}
	return 0;
}

static bool
is_ascii(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 0x80)
			return false;
	return true;
}

/* struct msg_commit and envelope block, in packet of MSG_MAX octets. */
static int
put_commit(const char *id, const struct report *r, struct span text, uint8_t body, struct buf *packet,
    struct err *e)
{
	struct rcpt rcpt = { .addr = r->to };
	struct envelope env = { .client = span_str("bounce"), .arrival_us = (uint64_t)r->now_us,
	    .body = body, .smtputf8 = !is_ascii(r->to), .rcpt = &rcpt, .nrcpt = 1 };
	struct msg_commit m = { .msg_len = text.n, .msg_crc = crc32c(0, text.p, text.n) };

	memcpy(m.id, id, QID_SIZE);
	if (buf_add(packet, span_of(&m, sizeof m), e) == -1 || envelope_encode(&env, packet, e) == -1)
		return -1;
	((struct msg_commit *)(void *)packet->p)->env_len = (uint32_t)(packet->n - sizeof m);
	return 0;
}

static void
abandon(struct bounce *b, const char *id)
{
	struct msg_id m = { 0 };
	struct err e;

	memcpy(m.id, id, QID_SIZE);
	if (b->queue != -1)
		(void)ipc_send(b->queue, &m.h, MSG_ABANDON, 0, sizeof m, NULL, 0, &e);
}

static int
commit(struct bounce *b, struct report *r, int fd, const char *id, struct err *e)
{
	static _Alignas(8) unsigned char reply[MSG_MAX];
	struct buf text, packet;
	int fds[MSG_FDS] = { -1, -1 }, done = -1;
	uint8_t body = BODY_7BIT;

	buf_init(&text, REPORT_MAX);
	buf_init(&packet, MSG_MAX);
	r->id = id;
	if (report_build(r, &text, &body, e) == 1 && write_all(fd, buf_view(&text), e) == 0 &&
	    put_commit(id, r, buf_view(&text), body, &packet, e) == 0) {
		close(fd);	/* queue takes no message that somebody can still write */
		fd = -1;
		done = call_queue(b, (struct msg_hdr *)(void *)packet.p, MSG_COMMIT, packet.n,
		    MSG_COMMITTED, sizeof(struct msg_id), reply, fds, e);
		ipc_close_fds(fds, MSG_FDS);
	}
	if (fd != -1) {
		close(fd);
		abandon(b, id);
	}
	buf_free(&text);
	buf_free(&packet);
	return done;
}

/* id: of the report that is committed. */
static int
send_report(struct bounce *b, struct report *r, char id[QID_SIZE], struct err *e)
{
	static _Alignas(8) unsigned char reply[MSG_MAX];
	struct msg_open open = { .reserve = 1 };
	const struct msg_id *opened = (const struct msg_id *)(const void *)reply;
	int fds[MSG_FDS] = { -1, -1 };

	if (call_queue(b, &open.h, MSG_OPEN, sizeof open, MSG_OPENED, sizeof *opened, reply, fds,
	    e) == -1) {
		ipc_close_fds(fds, MSG_FDS);
		return -1;
	}
	if (!qid_ok(opened->id) || fds[0] == -1) {
		ipc_close_fds(fds, MSG_FDS);
		return err_set(e, ERR_TEMP, "4.3.0", "queue: a wrong answer to open");
	}
	memcpy(id, opened->id, QID_SIZE);
	if (fds[1] != -1)
		close(fds[1]);
	return commit(b, r, fds[0], id, e);
}

/* 0: id is the report's, or "" for none.  -1: later. */
static int
report_failed(struct bounce *b, struct failed *f, const char *failed_id, struct span records,
    char id[QID_SIZE], struct err *e)
{
	char postmaster[ADDRESS_MAX + 16];
	struct report r = { .me = b->me, .failed_id = failed_id, .env = &f->env, .to = f->env.sender,
	    .message = buf_view(&f->text), .whole = f->whole, .records = records,
	    .now_us = clock_us(), .slot = f->q.nslot == f->env.nrcpt ? f->slot : NULL };

	memset(id, 0, QID_SIZE);
	if (f->env.sender.n == 0) {	/* H13: no report to nobody; postmaster hears of it, once */
		snprintf(postmaster, sizeof postmaster, "postmaster@%s", b->me);
		r.to = span_str(postmaster);
		r.to_postmaster = true;
	}
	if (!report_due(&r)) {
		log_line(LOG_INFO, failed_id, "no-report", "from=%s", log_qs(f->env.sender));
		return 0;
	}
	if (r.to_postmaster && is_double(b, &f->env, records)) {
		log_line(LOG_ERR, failed_id, "double-bounce", "to=%s why=\"a report to postmaster "
		    "failed too and is dropped\"", log_q(postmaster));
		return 0;
	}
	if (getrandom(&r.nonce, sizeof r.nonce, 0) != sizeof r.nonce)
		return err_sys(e, "random");
	if (send_report(b, &r, id, e) == -1)
		return -1;
	log_line(LOG_INFO, id, "report", "of=%s from=<> to=%s", failed_id, log_qs(r.to));
	return 0;
}

static int
records_check(struct span records, struct err *e)
{
	struct rcpt_result r;
	struct span detail;
	int got;

	while ((got = result_next(&records, &r, &detail, e)) == 1)
		;
	return got;
}

static int
on_report(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct bounce *b = c->arg;
	const struct msg_job *m = msg;
	struct span records = span_of((const unsigned char *)msg + sizeof *m, len - sizeof *m);
	struct msg_reported done = { .id = "" };
	struct failed f;
	struct err why = { 0 };
	int r;

	if (!qid_ok(m->id) || records_check(records, e) == -1)
		return err_set(e, ERR_PROTO, NULL, "a wrong report");
	memcpy(done.id, m->id, QID_SIZE);
	r = failed_read(fds[0], &f, &why);
	if (r == 0)
		r = report_failed(b, &f, m->id, records, done.report, &why);
	failed_free(&f);
	if (r == -1) {
		struct msg_refused no = { .kind = ERR_TEMP };

		log_line(LOG_WARN, m->id, "report-later", "why=%s", log_q(why.what));
		memcpy(no.dsn, why.dsn, sizeof no.dsn);
		memcpy(no.what, why.what, sizeof no.what);
		return chan_send(c, &no.h, MSG_REFUSED, m->h.id, sizeof no, NULL, 0, e);
	}
	b->reports += done.report[0] != '\0';
	return chan_send(c, &done.h, MSG_REPORTED, m->h.id, sizeof done, NULL, 0, e);
}

static const struct msg_rule from_qmgr[] = {
	{ MSG_REPORT, sizeof(struct msg_job), MSG_MAX, 1, 1, on_report },
};

static void
qmgr_gone(struct chan *c, const struct err *why)
{
	(void)c;
	log_line(LOG_INFO, NULL, "peer-gone", "peer=qmgr why=%s",
	    log_q(why->kind == ERR_NONE ? "" : why->what));
	daemon_lost(ROLE_QMGR);
}

void
bounce_init(struct bounce *b, struct loop *l, const char *me)
{
	*b = (struct bounce){ .loop = l, .me = me, .queue = -1 };
}

void
bounce_peer(void *arg, enum role role, uint32_t generation, int fd)
{
	struct bounce *b = arg;
	struct msg_hdr h;
	struct err e;

	(void)generation;
	if (role == ROLE_QUEUE) {
		if (b->queue != -1)
			close(b->queue);
		b->queue = fd;
		return;
	}
	if (role != ROLE_QMGR) {
		close(fd);
		return;
	}
	chan_close(&b->qmgr);
	if (chan_open(&b->qmgr, b->loop, fd, "qmgr", from_qmgr, 1, qmgr_gone, b, &e) == -1) {
		log_line(LOG_ERR, NULL, "peer", "peer=qmgr why=%s", log_q(e.what));
		close(fd);
	} else if (chan_send(&b->qmgr, &h, MSG_HELLO, 0, sizeof h, NULL, 0, &e) == -1) {
		log_line(LOG_ERR, NULL, "hello", "why=%s", log_q(e.what));
	}
}

void
bounce_free(struct bounce *b)
{
	chan_close(&b->qmgr);
	if (b->queue != -1)
		close(b->queue);
	b->queue = -1;
}
