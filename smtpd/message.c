/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* DATA: octets go to queue's file as they come; what they are is judged when they have ended. */
#include "smtpd/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/qfile.h"
#include "smtpd/data.h"

enum {
	MESSAGE_BUF = 65536,	/* octets of one write */
	MESSAGE_KEEP = 16384	/* a buffer of which more was used is given back */
};

/* A message on its way into the queue. */
struct message {
	char id[QID_SIZE];
	int fd;				/* owned; -1: closed */
	struct data data;
	uint64_t len;			/* octets written, our Received among them */
	uint32_t crc;
	struct err failed;		/* kind ERR_NONE, or why nothing more is written */
	bool too_large;
	unsigned char *buf;
	size_t n;			/* octets in buf */
};

static unsigned char *spare;		/* the buffer, kept between messages */

static int
message_buffer(struct message *m, struct err *e)
{
	if (spare == NULL) {
		void *p = mmap(NULL, MESSAGE_BUF, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			return err_sys(e, "message buffer");
		spare = p;
	}
	m->buf = spare;
	return 0;
}

/* Writes what is in the buffer, unless something has failed already. */
static void
message_write(struct message *m)
{
	size_t at = 0;

	while (at < m->n && m->failed.kind == ERR_NONE && !m->too_large) {
		ssize_t n = write(m->fd, m->buf + at, m->n - at);

		if (n > 0)
			at += (size_t)n;
		else if (errno != EINTR)
			err_sys(&m->failed, "message file");
	}
	m->crc = crc32c(m->crc, m->buf, at);
	m->len += at;
	m->n = 0;
}

/* RFC 5321 4.4; first in the file. */
static void
message_received(struct session *s, struct message *m)
{
	char date[40];
	int n;

	clock_rfc5322(clock_us(), date, sizeof date);
	n = snprintf((char *)m->buf, MESSAGE_BUF,
	    "Received: from %s ([%s])\r\n\tby %s with %s id %s;\r\n\t%s\r\n", s->helo, s->client_text,
	    conf_string(s->conf, CONF_ME), s->offer.esmtp ? "ESMTP" : "SMTP", m->id, date);
	m->n = (size_t)n;
}

/* Reads to the end of data, whatever is wrong with it: what follows a refusal is no command. */
static enum wire_status
message_receive(struct session *s, struct message *m)
{
	uint64_t max = s->offer.max_size;
	enum wire_status st = WIRE_OK;

	s->wire.in_data = true;
	while (!m->data.end) {
		struct span in;
		size_t used, made;

		if ((st = wire_octets(&s->wire, &in)) != WIRE_OK)
			break;
		used = data_feed(&m->data, in, m->buf + m->n, MESSAGE_BUF - m->n, &made);
		wire_take(&s->wire, used);
		m->n += made;
		m->too_large = max != 0 && m->data.size > max;
		if (m->n == MESSAGE_BUF || m->data.end)
			message_write(m);
	}
	s->wire.in_data = false;
	return st;
}

/* A failure of ours or of queue's: 452 for space, 451 else; 554 for what it will never take. */
static void
message_failed(struct session *s, const char *id, const struct err *e)
{
	bool temp = e->kind != ERR_PERM;
	const char *dsn = e->dsn[0] == (temp ? '4' : '5') ? e->dsn : temp ? "4.3.0" : "5.3.0";
	int code = !temp ? 554 : strcmp(dsn, "4.3.1") == 0 ? 452 : 451;

	log_line(LOG_WARN, id, "not-queued", "client=%s dsn=%s why=%s", s->client_text, dsn,
	    log_q(e->what));
	session_reply(s, code, dsn, temp ? "the message cannot be taken now, try again later" :
	    "the message cannot be taken");
}

/* What is wrong with a message that has come to its end: then it was refused, and true. */
static bool
message_refused(struct session *s, const struct message *m)
{
	if (m->data.fault & (DATA_BARE_CR | DATA_BARE_LF | DATA_NUL))
		session_reply(s, 554, "5.6.0", "message holds a bare CR, a bare LF or a NUL");
	else if (m->data.fault & DATA_LONG_LINE)
		session_reply(s, 554, "5.6.0", "message holds a line of more than %d octets",
		    DATA_LINE_MAX);
	else if (m->data.fault & DATA_FOLDED)
		session_reply(s, 554, "5.6.0", "message begins with white space");
	else if (m->data.received > DATA_RECEIVED_MAX)
		session_reply(s, 554, "5.4.6", "more than %d Received fields: a mail loop",
		    DATA_RECEIVED_MAX);
	else if (m->too_large)
		session_reply(s, 552, "5.3.4", "message of more than %llu octets",
		    (unsigned long long)s->offer.max_size);
	else if (m->failed.kind != ERR_NONE)
		message_failed(s, m->id, &m->failed);
	else
		return false;
	return true;
}

static int
message_envelope(struct session *s, const struct message *m, struct buf *out, struct err *e)
{
	char client[HELO_MAX + 80];
	struct envelope env = { .sender = session_sender(s), .arrival_us = (uint64_t)clock_us(),
	    .body = m->data.eight_bit ? BODY_8BITMIME : s->mail.body, .conperm = s->mail.conperm,
	    .nrcpt = s->nrcpt };
	int r;

	snprintf(client, sizeof client, "%s [%s]", s->helo, s->client_text);
	env.client = span_str(client);
	env.rcpt = calloc(s->nrcpt, sizeof *env.rcpt);
	if (env.rcpt == NULL)
		return err_sys(e, "envelope");
	for (uint32_t i = 0; i < s->nrcpt; i++)
		env.rcpt[i].addr = session_rcpt(s, i);
	r = envelope_encode(&env, out, e);
	free(env.rcpt);
	return r;
}

/* Whole and right: the descriptor is closed first, so that queue can see that nobody else writes. */
static void
message_commit(struct session *s, struct message *m)
{
	struct buf env;
	struct err e;

	close(m->fd);
	m->fd = -1;
	buf_init(&env, ENV_MAX);
	if (message_envelope(s, m, &env, &e) == -1) {
		link_abandon(s->link, m->id);
		message_failed(s, m->id, &e);
	} else if (link_commit(s->link, m->id, m->len, m->crc, buf_view(&env), &e) == -1) {
		message_failed(s, m->id, &e);
	} else {
		log_line(LOG_INFO, m->id, "accepted",
		    "from=%s to=%s size=%llu count=%u client=%s helo=%s conperm=%d", log_qs(session_sender(s)), log_qs(session_rcpt(s, 0)),
		    (unsigned long long)m->data.size, s->nrcpt, s->client_text, log_q(s->helo),
		    s->mail.conperm);
		s->accepted++;
		s->junk = 0;
		session_reply(s, 250, "2.0.0", "%s queued", m->id);
	}
	buf_free(&env);
}

static void
message_close(struct message *m)
{
	if (m->fd != -1)
		close(m->fd);
	m->fd = -1;
	if (m->len > MESSAGE_KEEP) {
		munmap(spare, MESSAGE_BUF);
		spare = NULL;
	}
}

void
message_data(struct session *s, struct span args)
{
	struct message m = { .fd = -1 };
	struct err e;
	enum wire_status st;

	(void)args;
	if (s->nrcpt == 0) {
		session_reply(s, 554, "5.5.1", "no valid recipients");
		return;
	}
	if (message_buffer(&m, &e) == -1 ||
	    link_open(s->link, s->mail.size, m.id, &m.fd, &e) == -1) {
		message_failed(s, NULL, &e);
		return;
	}
	data_init(&m.data);
	message_received(s, &m);
	session_line(s, 354, false, NULL, span_str("end with CR LF . CR LF"));
	wire_flush(&s->wire);
	st = message_receive(s, &m);
	if (st != WIRE_OK) {
		link_abandon(s->link, m.id);
		session_lost(s, st);
	} else if (message_refused(s, &m)) {
		link_abandon(s->link, m.id);
	} else {
		message_commit(s, &m);
	}
	message_close(&m);
	session_reset(s);
}
