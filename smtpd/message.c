/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* DATA: octets go to queue's file as they come; what they are is judged when they have ended. */
#include "smtpd/session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/qfile.h"
#include "smtpd/ensure.h"
#include "smtpd/submit.h"

/* Kept: to give its pages back after each message cost a fifth of what a message of 100 KB does. */
static unsigned char buffer[MESSAGE_BUF];

void
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
	char date[40], layer[120] = " ", priority[20] = "";
	int n;

	clock_rfc5322(clock_us(), date, sizeof date);
	if (s->secure)
		snprintf(layer, sizeof layer, " (%s %s)\r\n\t", tls_version(s->tls), tls_cipher(s->tls));
	if (s->mail.priority != 0)		/* RFC 6710, 7 */
		snprintf(priority, sizeof priority, " PRIORITY %d", s->mail.priority);
	n = snprintf((char *)m->buf, MESSAGE_BUF,
	    "Received: from %s ([%s])\r\n\tby %s with %s%sid %s%s;\r\n\t%s\r\n", s->helo, s->client_text,
	    conf_string(s->conf, CONF_ME), session_protocol(s), layer, m->id, priority, date);
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

bool
message_refuse(struct refusal *r, int code, const char *dsn, const char *fmt, ...)
{
	va_list ap;

	r->code = code;
	snprintf(r->dsn, sizeof r->dsn, "%s", dsn);
	va_start(ap, fmt);
	vsnprintf(r->text, sizeof r->text, fmt, ap);
	va_end(ap);
	return true;
}

bool
message_failed(struct session *s, const char *id, const struct err *e, struct refusal *why)
{
	bool temp = e->kind != ERR_PERM;
	const char *dsn = e->dsn[0] == (temp ? '4' : '5') ? e->dsn : temp ? "4.3.0" : "5.3.0";
	int code = !temp ? 554 : strcmp(dsn, "4.3.1") == 0 ? 452 : 451;

	log_line(LOG_WARN, id, "not-queued", "client=%s dsn=%s why=%s", s->client_text, dsn,
	    log_q(e->what));
	return message_refuse(why, code, dsn, "the message cannot be taken%s",
	    temp ? " now, try again later" : "");
}

bool
message_bad(struct session *s, struct refusal *why)
{
	struct message *m = &s->message;

	if (m->data.fault & (DATA_BARE_CR | DATA_BARE_LF | DATA_NUL))
		return message_refuse(why, 554, "5.6.0", "%s holds a bare CR, a bare LF or a NUL",
		    m->data.binary ? "header" : "message");
	if (m->data.fault & DATA_LONG_LINE)
		return message_refuse(why, 554, "5.6.0", "message holds a line of more than %d octets",
		    DATA_LINE_MAX);
	if (m->data.fault & DATA_FOLDED)
		return message_refuse(why, 554, "5.6.0", "message begins with white space");
	if (m->data.received > DATA_RECEIVED_MAX)
		return message_refuse(why, 554, "5.4.6", "more than %d Received fields: a mail loop",
		    DATA_RECEIVED_MAX);
	if (m->too_large)
		return message_refuse(why, 552, "5.3.4", "message of more than %llu octets",
		    (unsigned long long)s->offer.max_size);
	return m->failed.kind != ERR_NONE && message_failed(s, m->id, &m->failed, why);
}

int
message_begin(struct session *s, uint64_t size, struct refusal *why)
{
	struct message *m = &s->message;
	int64_t from = clock_ms();
	struct err e;

	*m = (struct message){ .fd = -1, .look_fd = -1, .buf = buffer };
	buf_init(&m->edits, HEADEDIT_OCTETS);
	if (s->listener->probeonly) {		/* DRUCOF, 2: DR9 */
		message_refuse(why, 554, "5.3.2", "this host answers about capabilities only");
		return -1;
	}
	if (link_open(s->link, size, m->id, &m->fd, MESSAGE_OPEN_MS, &e) == -1) {
		message_failed(s, NULL, &e, why);
		return -1;
	}
	m->open = true;
	m->spent_ms = (int)(clock_ms() - from);
	data_init(&m->data);
	m->data.binary = s->mail.body == BODY_BINARYMIME;
	message_received(s, m);
	return 0;
}

int
message_look(struct session *s, int timeout_ms, struct err *e)
{
	struct message *m = &s->message;

	return m->look_fd != -1 ? 0 : link_read(s->link, m->id, &m->look_fd, timeout_ms, e);
}

/* Read enough: queue is to see nobody with the file. */
static void
message_unlook(struct message *m)
{
	ipc_close_fds(&m->look_fd, 1);
	m->look_fd = -1;
}

static void
message_close(struct message *m)
{
	ipc_close_fds(&m->fd, 1);
	ipc_close_fds(&m->look_fd, 1);
	edited_close(&m->edited);
	buf_free(&m->edits);
	m->fd = m->look_fd = -1;
	m->open = false;
}

void
message_drop(struct session *s)
{
	if (!s->message.open)
		return;
	link_abandon(s->link, s->message.id);
	message_close(&s->message);
}

/* The label of what came: a client may say less than it sends, but not more than binary. */
static uint8_t
message_body(const struct session *s)
{
	return s->mail.body == BODY_BINARYMIME ? BODY_BINARYMIME :
	    s->message.data.eight_bit ? BODY_8BITMIME : s->mail.body;
}

/* *nrcpt: how many recipients there are, each once. */
static int
message_envelope(struct session *s, struct buf *out, uint32_t *nrcpt, struct err *e)
{
	char client[HELO_MAX + 80];
	struct envelope env = { .sender = session_sender(s), .sender_spelled = session_spelled(s),
	    .envid = session_envid(s), .arrival_us = (uint64_t)clock_us(), .body = message_body(s),
	    .ret = s->mail.ret, .conperm = s->mail.conperm, .smtputf8 = s->mail.smtputf8,
	    .release_us = (uint64_t)s->mail.release_us, .hold = span_str(s->mail.hold), .edits = buf_view(&s->message.edits),
	    .priority = s->mail.priority, .by_us = (uint64_t)s->mail.by_us, .by = s->mail.by, .nrcpt = s->nrcpt };
	int r;

	snprintf(client, sizeof client, "%s [%s]", s->helo, s->client_text);
	env.client = span_str(client);
	env.rcpt = calloc(s->nrcpt, sizeof *env.rcpt);
	if (env.rcpt == NULL)
		return err_sys(e, "envelope");
	for (uint32_t i = 0; i < s->nrcpt; i++)
		env.rcpt[i] = (struct rcpt){ .addr = session_rcpt(s, i),
		    .spelled = session_rcpt_spelled(s, i),
		    .orcpt = session_orcpt(s, i), .notify = s->rcpt[i].notify,
		    .drucof = s->rcpt[i].drucof };
	r = envelope_unique(&env, e) == 0 ? envelope_encode(&env, out, e) : -1;
	*nrcpt = env.nrcpt;
	free(env.rcpt);
	return r;
}

static void
message_accepted(struct session *s, uint32_t nrcpt)
{
	const struct message *m = &s->message;

	log_line(LOG_INFO, m->id, "accepted",
	    "from=%s to=%s size=%llu count=%u client=%s helo=%s conperm=%d priority=%d",
	    log_qs(session_sender(s)),
	    log_qs(session_rcpt(s, 0)), (unsigned long long)m->data.size, nrcpt, s->client_text,
	    log_q(s->helo), s->mail.conperm, s->mail.priority);
	s->accepted++;
	s->junk = 0;
	session_progress(s);
	session_reply(s, 250, "2.0.0", "%s queued", m->id);
}

int
message_answer_ms(const struct message *m)
{
	int left = MESSAGE_ANSWER_MS - m->spent_ms;

	return left > MESSAGE_LEAST_MS ? left : MESSAGE_LEAST_MS;	/* below 0 is for ever */
}

/* The descriptor is closed first, so that queue can see that nobody else writes. */
void
message_commit(struct session *s)
{
	struct message *m = &s->message;
	struct refusal why = { .code = 0 };
	struct buf env;
	struct err e;
	uint32_t nrcpt = 0;

	close(m->fd);
	m->fd = -1;
	buf_init(&env, ENV_MAX);
	if (!submit_message(s, &why) || !ensure_message(s, &why)) {
		link_abandon(s->link, m->id);
	} else if (message_envelope(s, &env, &nrcpt, &e) == -1) {
		link_abandon(s->link, m->id);
		message_failed(s, m->id, &e, &why);
	} else if (message_unlook(m), link_commit(s->link, m->id, m->len, m->crc, buf_view(&env),
	    message_answer_ms(m), &e) == -1) {
		message_failed(s, m->id, &e, &why);
	} else {
		message_accepted(s, nrcpt);
	}
	if (why.code != 0)
		session_reply(s, why.code, why.dsn, "%s", why.text);
	buf_free(&env);
	message_close(m);
}

/* RFC 3030 2, 3: DATA and BDAT do not mix, and DATA cannot carry a binary body. */
void
message_data(struct session *s, struct span args)
{
	struct refusal why = { .code = 0 };
	enum wire_status st;

	(void)args;
	if (s->mail.body == BODY_BINARYMIME) {
		session_reply(s, 503, "5.5.1", "DATA: a message in BINARYMIME comes by BDAT");
		return;
	}
	if (s->nrcpt == 0) {
		session_reply(s, 554, "5.5.1", "no valid recipients");
		return;
	}
	if (message_begin(s, s->mail.size, &why) == -1) {
		session_reply(s, why.code, why.dsn, "%s", why.text);
		return;
	}
	s->message.spent_ms = 0;
	session_line(s, 354, false, NULL, span_str("end with CR LF . CR LF"));
	wire_flush(&s->wire);
	st = message_receive(s, &s->message);
	if (st != WIRE_OK)
		session_lost(s, st);
	else if (message_bad(s, &why))
		session_reply(s, why.code, why.dsn, "%s", why.text);
	else
		message_commit(s);
	session_reset(s);
}
