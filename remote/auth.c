/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/auth.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "lib/log.h"
#include "lib/routeauth.h"
#include "lib/transfer.h"
#include "remote/ask.h"
#include "remote/inquire.h"
#include "remote/smtp.h"

enum {
	AUTH_WAIT_MS = 300 * 1000,
	AUTH_TEXT = ROUTEAUTH_SECRET + ROUTEAUTH_USER + 64,	/* octets, before they are encoded */
	AUTH_LINE = AUTH_TEXT / 3 * 4 + 64	/* RFC 4954, 4: a hop takes lines of 12,288 */
};

static const struct { const char *word; unsigned ext; } methods[ROUTEAUTH_METHODS] = {
	[ROUTEAUTH_PLAIN] = { "PLAIN", HOP_AUTH_PLAIN }, [ROUTEAUTH_LOGIN] = { "LOGIN", HOP_AUTH_LOGIN },
	[ROUTEAUTH_XOAUTH2] = { "XOAUTH2", HOP_AUTH_XOAUTH2 },
};

static bool
auth_of(const struct conf *conf, const char *dest, struct routeauth *out)
{
	const struct span *lines;
	uint32_t n = conf_lines(conf, CONF_ROUTEAUTH, &lines);

	return n > 0 && routeauth_find(lines, n, dest, out);
}

void
auth_policy(const struct conf *conf, const char *dest, struct tls_policy *policy)
{
	struct routeauth r;

	if (!auth_of(conf, dest, &r))
		return;
	if (!policy->said)
		policy->level = TLS_LEVEL_VERIFY;
	else if (policy->level == TLS_LEVEL_MAY)
		policy->level = TLS_LEVEL_ENCRYPT;
}

/* Wiped, not just freed.  It was made as large as it gets: no copies lie elsewhere. */
static void
wipe(struct buf *b)
{
	if (b->p != NULL)
		explicit_bzero(b->p, b->cap);
	buf_free(b);
}

int
auth_text(uint8_t method, struct span user, struct span secret, struct buf *out, struct err *e)
{
	bool plain = method == ROUTEAUTH_PLAIN;

	if (method == ROUTEAUTH_LOGIN)
		return 0;
	if ((plain ? buf_add_byte(out, '\0', e) : buf_add_str(out, "user=", e)) == -1 || buf_add(out, user, e) == -1)
		return -1;
	if ((plain ? buf_add_byte(out, '\0', e) : buf_add_str(out, "\1auth=Bearer ", e)) == -1 ||
	    buf_add(out, secret, e) == -1)
		return -1;
	return plain ? 0 : buf_add_str(out, "\1\1", e);
}

/* --- what is said and heard --- */

/* Adds before, and text in base64, as one line. */
static int
add_line(struct buf *out, const char *before, struct span text, struct err *e)
{
	unsigned char *p = buf_room(out, strlen(before) + (text.n + 2) / 3 * 4 + 3, e);	/* its NUL, then CRLF */

	if (p == NULL)
		return -1;
	memcpy(p, before, strlen(before));
	out->n += strlen(before);
	out->n += (size_t)EVP_EncodeBlock(p + strlen(before), text.p, (int)text.n);
	return buf_add_str(out, "\r\n", e);
}

/* One line and its reply; who inquires is shown another.  -1: ERR_TEMP, lost. */
static int
say(struct session *s, const char *before, struct span text, const char *shown, struct err *e)
{
	struct buf line;
	int r;

	buf_init(&line, AUTH_LINE);
	r = buf_room(&line, AUTH_LINE, e) == NULL || add_line(&line, before, text, e) == -1 ? -1 :
	    wire_add(&s->w, buf_view(&line), e);
	wipe(&line);
	inquiry_tell(s->inquiry, INQUIRY_SAID, span_str(shown));
	if (r == 0)
		r = wire_flush(&s->w, AUTH_WAIT_MS, e);
	if (s->w.out.p != NULL)
		explicit_bzero(s->w.out.p, s->w.out.cap);
	if (r == 0 && (r = wire_reply(&s->w, &s->reply, AUTH_WAIT_MS, e)) == 0 && s->inquiry != NULL)
		inquire_heard(s->inquiry, &s->reply);
	if (r == 0)
		return 0;
	if (s->w.orphan)
		session_orphaned(s);
	smtp_drop(s);
	e->kind = ERR_TEMP;
	return err_in(e, "AUTH");
}

/* A challenge where no more is to be said: XOAUTH2's is the reason, and an empty answer brings the failure; another
 * method's is cancelled (RFC 4954, 4). */
static int
say_no_more(struct session *s, uint8_t method, char *why, size_t cap, struct err *e)
{
	struct buf text;
	struct err ignored;

	if (method != ROUTEAUTH_XOAUTH2)
		return say(s, "*", span_of("", 0), "*", e);
	buf_init(&text, REPLY_MAX_LINE);
	if (transfer_decode(TRANSFER_BASE64, span_trim(buf_view(&s->reply.text)), &text, &ignored) == 0)
		span_text(buf_view(&text), why, cap);
	buf_free(&text);
	return say(s, "", span_of("", 0), "", e);
}

/* The dialogue up to its last reply.  why: what is to be told besides. */
static int
converse(struct session *s, const struct routeauth *how, struct span secret, char *why, size_t cap, struct err *e)
{
	char before[24], shown[24];
	struct buf text;
	int r;

	snprintf(before, sizeof before, "AUTH %s ", methods[how->method].word);
	snprintf(shown, sizeof shown, "AUTH %s ...", methods[how->method].word);
	if (how->method == ROUTEAUTH_LOGIN) {	/* no RFC says that its name may come along */
		before[strlen(before) - 1] = '\0';
		r = say(s, before, span_of("", 0), before, e);
		if (r == 0 && s->reply.code == 334)
			r = say(s, "", how->user, "...", e);
		return r == 0 && s->reply.code == 334 ? say(s, "", secret, "...", e) : r;
	}
	buf_init(&text, AUTH_TEXT);
	r = buf_room(&text, AUTH_TEXT, e) == NULL || auth_text(how->method, how->user, secret, &text, e) == -1 ? -1 :
	    say(s, before, buf_view(&text), shown, e);
	wipe(&text);
	if (r == 0 && s->reply.code == 334)
		r = say_no_more(s, how->method, why, cap, e);
	return r;
}

/* A hop that does not believe us now may do so when somebody has mended the password: nothing bounces over it at once. */
static int
refused(struct session *s, const struct routeauth *how, const char *why, struct err *e)
{
	smtp_reply_err(s, e);
	if (e->kind == ERR_PERM || s->reply.code / 100 != 4) {
		e->kind = ERR_TEMP;
		memcpy(e->dsn, "4.7.8", sizeof "4.7.8");
	}
	log_line(LOG_ERR, s->job->id, "login-refused", "relay=%s method=%s user=%s reply=%s why=%s", log_q(s->mta),
	    methods[how->method].word, log_qs(how->user), log_q(e->what), why[0] == '\0' ? "-" : log_q(why));
	return -1;
}

static int
not_now(struct session *s, const char *dsn, const char *why, struct err *e)
{
	log_line(LOG_ERR, s->job->id, "no-login", "relay=%s why=%s", log_q(s->mta), log_q(why));
	return err_set(e, ERR_TEMP, dsn, "the setting routeauth wants a login: %s", why);
}

int
auth_login(struct session *s, struct err *e)
{
	struct routeauth how;
	struct buf secret;
	char why[300] = "";
	int r;

	if (s->srv || !auth_of(s->conf, s->dest, &how))
		return 0;
	if (s->w.tls == NULL)
		return not_now(s, "4.7.11", "there is no TLS", e);
	if (!(s->hop.ext & methods[how.method].ext))
		return not_now(s, "4.7.4", "the hop does not offer the method", e);
	buf_init(&secret, ROUTEAUTH_SECRET);
	if (ask_credential(s, &secret, e) == -1) {
		wipe(&secret);
		snprintf(why, sizeof why, "%.299s", e->what);
		return not_now(s, "4.3.5", why, e);
	}
	r = converse(s, &how, buf_view(&secret), why, sizeof why, e);
	wipe(&secret);
	if (r == -1)
		return -1;
	if (s->reply.code != 235)
		return refused(s, &how, why, e);
	log_line(LOG_INFO, s->job->id, "logged-in", "relay=%s method=%s user=%s", log_q(s->mta), methods[how.method].word,
	    log_qs(how.user));
	return 0;
}
