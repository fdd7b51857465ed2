/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* AUTH (RFC 4954): PLAIN (RFC 4616) and LOGIN, under TLS alone; accord-auth says whether it is right. */
#include "smtpd/session.h"

#include "lib/log.h"
#include "lib/sasl.h"

/* An exchange.  What it holds is wiped at its end. */
struct exchange {
	unsigned char message[SASL_MESSAGE_MAX], name[SASL_USER_MAX];
	struct span user, word;		/* views of these */
};

/* The code of a response that is none, or is of no use: 535 for names and passwords that are nobody's. */
static bool
refused(struct session *s, const struct err *e)
{
	session_reply(s, strcmp(e->dsn, "5.5.6") == 0 ? 500 : strcmp(e->dsn, "5.7.8") == 0 ? 535 : 501, e->dsn, "%s", e->what);
	return false;
}

/* text into out, *got of it. */
static bool
decode(struct session *s, struct span text, unsigned char *out, size_t cap, struct span *got)
{
	struct err e = { 0 };
	size_t n;

	if (sasl_decode(text, out, cap, &n, &e) == -1)
		return refused(s, &e);
	*got = span_of(out, n);
	return true;
}

/* Asks for more, and has what the client says; "*" is the end (RFC 4954, 4). */
static bool
ask(struct session *s, const char *challenge, unsigned char *out, size_t cap, struct span *got)
{
	struct span line;
	enum wire_status st;
	bool right;

	session_line(s, 334, false, NULL, span_str(challenge));
	wire_flush(&s->wire);
	st = wire_line(&s->wire, &line);
	if (st == WIRE_BAD) {
		session_reply(s, s->wire.too_long ? 500 : 501, s->wire.too_long ? "5.5.6" : "5.5.2",
		    "a line of base64 is wanted");
		return false;
	}
	if (st != WIRE_OK) {
		session_lost(s, st);
		return false;
	}
	if (span_is(line, "*")) {
		session_reply(s, 501, "5.7.0", "given up, as you wish");
		return false;
	}
	right = decode(s, line, out, cap, got);
	wire_wipe(&s->wire);
	return right;
}

/* The initial response: "=" is an empty one. */
static bool
given(struct session *s, struct span initial, unsigned char *out, size_t cap, struct span *got)
{
	*got = span_of(out, 0);
	return span_is(initial, "=") || decode(s, initial, out, cap, got);
}

static bool
plain(struct session *s, struct span initial, struct exchange *x)
{
	struct span message;
	struct err e = { 0 };

	if (!(initial.n > 0 ? given(s, initial, x->message, sizeof x->message, &message) :
	    ask(s, "", x->message, sizeof x->message, &message)))
		return false;
	return sasl_plain(message, &x->user, &x->word, &e) == 0 || refused(s, &e);
}

/* Of no RFC, but of old clients: "Username:" and "Password:" in base64, answered one by one. */
static bool
login(struct session *s, struct span initial, struct exchange *x)
{
	struct err e = { 0 };

	if (!(initial.n > 0 ? given(s, initial, x->name, sizeof x->name, &x->user) :
	    ask(s, "VXNlcm5hbWU6", x->name, sizeof x->name, &x->user)) ||
	    !ask(s, "UGFzc3dvcmQ6", x->message, SASL_WORD_MAX, &x->word))
		return false;
	if (sasl_user_ok(x->user) && x->word.n > 0 && span_find(x->word, '\0') == x->word.n)
		return true;
	err_set(&e, ERR_PERM, "5.7.8", "wrong name or password");
	return refused(s, &e);
}

static const struct mechanism {
	const char *name;
	bool (*run)(struct session *s, struct span initial, struct exchange *x);	/* false: it was refused */
} mechanisms[] = { { "PLAIN", plain }, { "LOGIN", login } };

static const struct mechanism *
mechanism_find(struct span name)
{
	for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++)
		if (span_isi(name, mechanisms[i].name))
			return &mechanisms[i];
	return NULL;
}

/* Told so by and by, and logged at once, in a form that dist/fail2ban/accord.conf knows. */
static void
auth_wrong(struct session *s, const struct mechanism *m, struct span user)
{
	char client[48];
	bool over;
	uint32_t ms;

	netaddr_print(&s->client, client, sizeof client);
	log_line(LOG_WARN, NULL, "auth-failed", "client=%s user=%s method=%s", client, log_qs(user), m->name);
	ms = link_failed(s->link, &over);
	session_pause(s, ms);
	if (s->over)			/* who does not wait is not told */
		return;
	if (++s->logins_failed >= LOGINS_MAX || over)
		session_bye(s, "4.7.0", "too many logins that failed");
	else
		session_reply(s, 535, "5.7.8", "wrong name or password");
}

static void
auth_check(struct session *s, const struct mechanism *m, const struct exchange *x)
{
	char name[LOGIN_NAME], client[48];
	struct err e = { 0 };

	if (link_login(s->link, &s->client, x->user, x->word, name, &e) == 0) {
		netaddr_print(&s->client, client, sizeof client);
		memcpy(s->user, name, sizeof s->user);
		s->trusted = policy_trusts(s->conf, s->listener, &s->client, s->user);
		session_progress(s);
		log_line(LOG_INFO, NULL, "auth", "client=%s user=%s method=%s", client, log_q(s->user), m->name);
		session_reply(s, 235, "2.7.0", "logged in");
	} else if (e.kind == ERR_PERM) {
		auth_wrong(s, m, x->user);
	} else {
		log_line(LOG_WARN, NULL, "auth-unanswered", "client=%s why=%s", s->client_text, log_q(e.what));
		session_reply(s, 454, "4.7.0", "logins cannot be checked now, try again later");
	}
}

/* May there be an exchange?  If not, it was refused. */
static bool
auth_allowed(struct session *s)
{
	if (!session_has_login(s))
		session_reply(s, 502, "5.5.1", "not implemented");
	else if (!s->secure)
		session_reply(s, 538, "5.7.11", "STARTTLS first: passwords are for nobody else to read");
	else if (s->state != S_HELO || !s->offer.esmtp)
		session_reply(s, 503, "5.5.1", s->state == S_NEW || s->state == S_HELO ? "AUTH: EHLO first" :
		    "AUTH: a transaction is open");
	else if (s->user[0] != '\0')
		session_reply(s, 503, "5.5.1", "logged in already");
	else
		return true;
	return false;
}

void
auth_command(struct session *s, struct span args)
{
	const struct mechanism *m;
	struct exchange x = { .user = { NULL, 0 } };
	struct span name, initial = { NULL, 0 }, more;

	if (!auth_allowed(s))
		return;
	if (!span_word(&args, &name) || (span_word(&args, &initial) && span_word(&args, &more)))
		session_reply(s, 501, "5.5.4", "AUTH takes PLAIN or LOGIN, and one response at most");
	else if ((m = mechanism_find(name)) == NULL)
		session_reply(s, 504, "5.5.4", "AUTH: PLAIN and LOGIN are known here");
	else if (m->run(s, initial, &x))
		auth_check(s, m, &x);
	wire_wipe(&s->wire);
	explicit_bzero(&x, sizeof x);
}
