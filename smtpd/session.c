/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "smtpd/session.h"

#include <malloc.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "lib/clock.h"
#include "lib/log.h"

enum {
	LINGER_MS = 1000,		/* for the client to read the last reply */
	LINGER_MAX = 256 * 1024,	/* octets read over meanwhile */
	ADDRS_MAX = ENV_MAX		/* octets of a transaction's addresses */
};

void
session_line(struct session *s, int code, bool more, const char *dsn, struct span text)
{
	char head[24];
	int n = snprintf(head, sizeof head, "%03d%c%s%s", code, more ? '-' : ' ',
	    dsn != NULL ? dsn : "", dsn != NULL ? " " : "");

	wire_put(&s->wire, span_of(head, (size_t)n));
	wire_put(&s->wire, span_sub(text, 0, REPLY_MAX - 2 - (size_t)n));
	wire_put(&s->wire, span_str("\r\n"));
}

static void
session_refused(struct session *s, int code, const char *dsn, const char *text)
{
	char reply[REPLY_MAX + 24];

	snprintf(reply, sizeof reply, "%d %s %s", code, dsn != NULL ? dsn : "-", text);
	log_line(LOG_INFO, NULL, "reject", "from=%s to=%s client=%s dsn=%s reply=%s",
	    s->state & (S_MAIL | S_RCPT | S_CHUNK) ? log_qs(session_sender(s)) :
	    s->from.p != NULL ? log_qs(s->from) : "-",
	    s->about.n > 0 ? log_qs(s->about) : "-", s->client_text, dsn != NULL ? dsn : "-",
	    log_q(reply));
	if (code >= 500)
		s->errors++;
}

void
session_reply(struct session *s, int code, const char *dsn, const char *fmt, ...)
{
	char text[REPLY_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	session_line(s, code, false, dsn, span_str(text));
	if (code >= 400)
		session_refused(s, code, dsn, text);
}

void
session_bye(struct session *s, const char *dsn, const char *text)
{
	session_reply(s, 421, dsn, "%s %s", conf_string(s->conf, CONF_ME), text);
	s->over = s->linger = true;
}

void
session_lost(struct session *s, enum wire_status st)
{
	s->over = true;
	if (st == WIRE_TIMEOUT)
		session_bye(s, "4.4.2", "waited too long, closing");
	else if (st == WIRE_STOP)
		session_bye(s, "4.3.2", "shutting down, try again later");
}

void
session_reset(struct session *s)
{
	if (s->state & (S_MAIL | S_RCPT | S_CHUNK))
		s->state = S_HELO;
	if (s->addrs.cap > 4096)
		buf_free(&s->addrs);
	buf_clear(&s->addrs);
	message_drop(s);
	s->nrcpt = s->rcpts = 0;
	s->sender_len = s->envid_len = s->spelled_len = 0;
	s->mail = (struct mail_params){ 0 };
	s->permits = (struct span){ NULL, 0 };
	s->refused.code = 0;
	s->withheld = false;
	s->wire.in_data = false;
	if (!s->wire.stop)
		s->wire.due_ms = 0;
}

/* How long it may go on without bringing a message. */
static void
session_patience(struct session *s)
{
	int64_t ms = (int64_t)s->link->patience_s * 1000;

	s->wire.patience_ms = ms != 0 ? s->progress_ms + ms : 0;
}

void
session_progress(struct session *s)
{
	s->progress_ms = clock_ms();
	s->wire.read_n = 0;
	session_patience(s);
}

void
session_deadline(struct session *s)
{
	if (s->wire.due_ms == 0)
		s->wire.due_ms = clock_ms() +
		    (int64_t)conf_number(s->conf, CONF_TIMEOUTTRANSACTION) * 1000;
}

/* Heeds what the parent has said, be it read here or while queue or capd was waited for. */
static void
session_heed(struct session *s)
{
	s->wire.timeout_ms = (int64_t)s->link->timeout_s * 1000;
	session_patience(s);
	if (s->link->stop && !s->wire.stop) {
		int64_t due = clock_ms() + STOP_GRACE_MS;

		s->wire.stop = true;
		if (s->wire.due_ms == 0 || s->wire.due_ms > due)
			s->wire.due_ms = due;
	}
}

static void
session_on_ctl(void *arg)
{
	struct session *s = arg;

	(void)link_ctl(s->link, NULL, NULL);
	session_heed(s);
}

bool
session_may_secure(const struct session *s)
{
	return s->secures != NULL && !s->secure && !s->listener->notls;
}

bool
session_has_login(const struct session *s)
{
	const struct span *lines;

	return s->listener->auth && s->secures != NULL && conf_lines(s->conf, CONF_AUTH, &lines) > 0;
}

/* By TLS, and who has logged in. */
const char *
session_protocol(const struct session *s)
{
	static const char *const names[2][2][2] = { { { "ESMTP", "ESMTPA" }, { "ESMTPS", "ESMTPSA" } },
	    { { "UTF8SMTP", "UTF8SMTPA" }, { "UTF8SMTPS", "UTF8SMTPSA" } } };	/* RFC 6531, 4.3 */

	if (!s->offer.esmtp && !s->secure)
		return "SMTP";
	return names[s->mail.smtputf8][s->secure][s->user[0] != '\0'];
}

/* What was known by clear text counts for nothing (RFC 3207, 4.2); counters do. */
static void
session_forget(struct session *s)
{
	session_reset(s);
	s->state = S_NEW;		/* EHLO anew */
	s->offer = (struct offer){ .max_size = conf_number(s->conf, CONF_DATABYTES) };
	s->helo[0] = s->user[0] = '\0';
	s->trusted = policy_trusts(s->conf, s->listener, &s->client, s->user);
}

void
session_secure(struct session *s)
{
	enum wire_status st = WIRE_BAD;
	size_t dropped = 0;
	struct err e = { 0 };

	if ((s->tls = secure_begin(s->secures, s->link, s->wire.fd, &e)) != NULL)
		st = wire_handshake(&s->wire, s->tls, &dropped, &e);
	if (dropped > 0)
		log_line(LOG_WARN, NULL, "clear-text-dropped", "client=%s octets=%zu", s->client_text, dropped);
	if (st != WIRE_OK) {
		log_line(LOG_INFO, NULL, "tls-failed", "client=%s why=%s", s->client_text, log_q(e.what));
		s->over = s->linger = true;	/* TLS has said why; nothing else would be heard */
		return;
	}
	if (s->listener->auth)
		tls_cleanse(s->tls);	/* passwords come */
	s->secure = true;
	malloc_trim(0);			/* a handshake takes ten times what it leaves */
	session_forget(s);
	log_line(LOG_INFO, NULL, "tls", "client=%s version=%s cipher=%s name=%s resumed=%d", s->client_text,
	    tls_version(s->tls), tls_cipher(s->tls), tls_name(s->tls) != NULL ? log_q(tls_name(s->tls)) : "-",
	    tls_resumed(s->tls));
}

static void
session_begin(struct session *s, int fd)
{
	char addr[48];

	wire_init(&s->wire, fd, s->link->ctl, (int64_t)s->link->timeout_s * 1000);
	s->wire.on_ctl = session_on_ctl;
	s->wire.arg = s;
	netaddr_print(&s->client, addr, sizeof addr);
	snprintf(s->client_text, sizeof s->client_text, "%s%s",
	    strchr(addr, ':') != NULL ? "IPv6:" : "", addr);
	s->state = S_NEW;
	s->over = s->linger = s->secure = false;
	s->tls = NULL;
	s->user[0] = '\0';
	s->trusted = policy_trusts(s->conf, s->listener, &s->client, s->user);
	s->offer = (struct offer){ .max_size = conf_number(s->conf, CONF_DATABYTES) };
	s->helo[0] = '\0';
	s->errors = s->junk = s->accepted = s->mails = s->logins_failed = 0;
	s->start_ms = clock_ms();
	s->from = s->about = (struct span){ NULL, 0 };
	buf_init(&s->addrs, ADDRS_MAX);
	s->rcpt = NULL;
	s->cap_rcpt = 0;
	s->message.open = false;
	session_reset(s);
	session_progress(s);
}

/* Closing with input unread would reset the connection and take the last reply with it. */
static void
session_drain(struct session *s)
{
	int64_t due = clock_ms() + LINGER_MS;
	size_t seen = 0;

	if (s->wire.broken || shutdown(s->wire.fd, SHUT_WR) == -1)
		return;
	while (seen < LINGER_MAX && !s->wire.stop) {
		struct pollfd p = { s->wire.fd, POLLIN, 0 };
		int64_t left = due - clock_ms();
		ssize_t n;

		if (left <= 0 || poll(&p, 1, clock_wait_ms(left)) <= 0)
			return;
		n = recv(s->wire.fd, s->wire.in, sizeof s->wire.in, MSG_DONTWAIT);
		if (n <= 0)
			return;
		seen += (size_t)n;
	}
}

static void
session_end(struct session *s)
{
	message_drop(s);
	wire_flush(&s->wire);
	if (s->secure)
		tls_shut(s->tls);
	s->wire.tls = NULL;
	tls_free(s->tls);
	if (s->linger || s->wire.in_at < s->wire.in_n)
		session_drain(s);
	log_line(LOG_INFO, NULL, "session", "client=%s port=%u seconds=%.3f messages=%u refused=%u",
	    s->client_text, s->client.port, (double)(clock_ms() - s->start_ms) / 1e3, s->accepted,
	    s->errors);
	buf_free(&s->addrs);
	free(s->rcpt);
	s->rcpt = NULL;
}

/* What came instead of a command. */
static void
session_bad_line(struct session *s)
{
	session_reply(s, 500, "5.5.2", s->wire.too_long ? "line too long" :
	    "a line ends with CR LF and holds no other CR, LF or NUL");
	wire_flush(&s->wire);
}

static void
session_check_limits(struct session *s)
{
	if (s->over)
		return;
	if (s->errors >= conf_number(s->conf, CONF_MAXERRORS))
		session_bye(s, "4.7.0", "too many errors, closing");
	else if (s->junk > JUNK_MAX)
		session_bye(s, "4.7.0", "too many commands without mail, closing");
}

void
session_pause(struct session *s, uint32_t ms)
{
	int64_t due = clock_ms() + ms;

	while (!s->wire.stop && clock_ms() < due) {
		struct pollfd p[2] = { { s->wire.ctl, POLLIN, 0 }, { s->wire.fd, POLLRDHUP, 0 } };

		if (poll(p, 2, clock_wait_ms(due - clock_ms())) <= 0)
			continue;
		if (p[0].revents != 0)
			session_on_ctl(s);
		if (p[1].revents & (POLLRDHUP | POLLHUP | POLLERR)) {
			s->over = true;
			return;
		}
	}
}

void
session_run(struct session *s, int fd)
{
	session_begin(s, fd);
	session_pause(s, s->delay_ms);	/* a client that crashed a session lately */
	if (!s->over && s->listener->tls && s->secures != NULL)
		session_secure(s);
	if (!s->over)
		session_reply(s, 220, NULL, "%s ESMTP accord", conf_string(s->conf, CONF_ME));
	wire_flush(&s->wire);
	while (!s->over) {
		struct span line;
		enum wire_status st;

		session_heed(s);
		st = wire_line(&s->wire, &line);
		s->from = s->about = (struct span){ NULL, 0 };
		if (st == WIRE_OK)
			command_run(s, line);
		else if (st == WIRE_BAD)
			session_bad_line(s);
		else
			session_lost(s, st);
		session_check_limits(s);
	}
	session_end(s);
}
