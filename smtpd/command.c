/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "smtpd/session.h"

#include <stdio.h>

#include "lib/address.h"
#include "lib/clock.h"
#include "lib/xtext.h"

static void cmd_ehlo(struct session *s, struct span args);
static void cmd_helo(struct session *s, struct span args);
static void cmd_rset(struct session *s, struct span args);
static void cmd_noop(struct session *s, struct span args);
static void cmd_quit(struct session *s, struct span args);
static void cmd_vrfy(struct session *s, struct span args);
static void cmd_help(struct session *s, struct span args);
static void cmd_expn(struct session *s, struct span args);
static void cmd_etrn(struct session *s, struct span args);
static void cmd_starttls(struct session *s, struct span args);
static void cmd_missing(struct session *s, struct span args);

enum {
	C_NOW = 1,	/* its reply does not wait for others (RFC 2920 3.2) */
	C_BARE = 2,	/* takes no argument */
	C_JUNK = 4,	/* leads to no message: counted */
	C_OCTETS = 8,	/* octets follow: with a line that is not read, nobody knows how many */
	/* Octets of a line with its CRLF: RFC 5321 4.5.3.1.4, and what the extensions add. */
	LINE = 512,
	/* RFC 1870 3 (5), RFC 6152 2 (5), RFC 3030 3 (8); CONPERM; RFC 6531 3.1 (5); RFC 4865 3 (5); RFC 4954 3 (5);
	 * RFC 6710 3 (6); RFC 2852 2 (5); RET and ENVID */
	LINE_MAIL = LINE + 26 + 10 + 34 + 17 + 16 + 64 + 500 + 15 + 17 + 9 + 7 + XTEXT_ENVID_MAX,
	/* CONNEG with its longest spelling; DRUCOF; NOTIFY with all its words, ORCPT */
	LINE_RCPT = LINE + 64 + 15 + 29 + 7 + XTEXT_ORCPT_MAX
};

/* A row is the whole policy of a verb. */
static const struct command {
	const char *verb;
	unsigned states, flags;
	size_t max;
	void (*run)(struct session *s, struct span args);
} commands[] = {
	{ "MAIL", S_HELO,          0,              LINE_MAIL, mail_from },
	{ "RCPT", S_MAIL | S_RCPT, 0,              LINE_RCPT, mail_rcpt },
	{ "DATA", S_MAIL | S_RCPT, C_NOW | C_BARE, LINE,      message_data },
	{ "RSET", S_ANY,           C_BARE | C_JUNK, LINE,     cmd_rset },
	{ "QUIT", S_ANY,           C_NOW | C_BARE, LINE,      cmd_quit },
	{ "EHLO", S_ANY,           C_NOW | C_JUNK, LINE,      cmd_ehlo },
	{ "HELO", S_ANY,           C_NOW | C_JUNK, LINE,      cmd_helo },
	{ "NOOP", S_ANY,           C_NOW | C_JUNK, LINE,      cmd_noop },
	{ "VRFY", S_ANY,           C_NOW | C_JUNK, LINE,      cmd_vrfy },
	{ "HELP", S_ANY,           C_NOW | C_JUNK, LINE,      cmd_help },
	{ "BDAT", S_ANY,           C_OCTETS,       LINE,      message_bdat },
	{ "EXPN", S_ANY,           C_NOW,          LINE,      cmd_expn },
	{ "ETRN", S_NEW | S_HELO,  C_NOW,          LINE,      cmd_etrn },
	{ "ATRN", S_ANY,           C_NOW,          LINE,      cmd_missing },
	{ "TURN", S_ANY,           C_NOW,          LINE,      cmd_missing },
	{ "SEND", S_ANY,           C_NOW,          LINE,      cmd_missing },
	{ "SOML", S_ANY,           C_NOW,          LINE,      cmd_missing },
	{ "SAML", S_ANY,           C_NOW,          LINE,      cmd_missing },
	{ "AUTH", S_ANY,           C_NOW,          WIRE_LINE, auth_command },
	{ "BURL", S_ANY,           C_NOW,          LINE,      cmd_missing },
	{ "LHLO", S_ANY,           C_NOW,          LINE,      cmd_missing },
	{ "STARTTLS", S_NEW | S_HELO, C_NOW | C_JUNK, LINE,   cmd_starttls },
};

static const struct command *
command_find(struct span verb)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (span_isi(verb, commands[i].verb))
			return &commands[i];
	return NULL;
}

/* RFC 5321 4.1.1: white space before CRLF SHOULD be tolerated. */
static struct span
trim_end(struct span s)
{
	while (s.n > 0 && ascii_wsp(s.p[s.n - 1]))
		s.n--;
	return s;
}

static void
command_out_of_order(struct session *s, const struct command *k)
{
	if (s->state == S_NEW)
		session_reply(s, 503, "5.5.1", "%s: EHLO first", k->verb);
	else if (s->state == S_HELO)
		session_reply(s, 503, "5.5.1", "%s: MAIL first", k->verb);
	else if (s->state == S_CHUNK)
		session_reply(s, 503, "5.5.1", "%s: BDAT or RSET must end the message", k->verb);
	else
		session_reply(s, 503, "5.5.1", "%s: a transaction is open", k->verb);
}

static void
command_too_long(struct session *s, const struct command *k)
{
	session_reply(s, 500, "5.5.2", "%s: line too long", k->verb);
	if (k->flags & C_OCTETS)
		session_bye(s, "4.7.0", session_astray);
}

void
command_run(struct session *s, struct span line)
{
	struct span verb = span_sub(line, 0, span_find(line, ' '));
	struct span args = trim_end(span_sub(line, verb.n + 1, line.n));
	const struct command *k = command_find(trim_end(verb));

	if (k == NULL)
		session_reply(s, 500, "5.5.1", "no such command");
	else if (line.n + 2 > k->max)
		command_too_long(s, k);
	else if (!(k->states & s->state))
		command_out_of_order(s, k);
	else if (k->flags & C_BARE && args.n > 0)
		session_reply(s, 501, "5.5.4", "%s takes no argument", k->verb);
	else
		k->run(s, args);
	if (k != NULL && k->flags & C_JUNK)
		s->junk++;
	if (k == NULL || k->flags & C_NOW)
		wire_flush(&s->wire);
}

/* --- the verbs that are not about a message --- */

/*
 * A domain or an address literal (RFC 5321 4.1.1.1); names with an underscore, which machines do
 * have, are let through, and whatever else cannot harm where it is shown; no empty label.
 */
static bool
helo_ok(struct span name)
{
	if (name.n == 0 || name.n > HELO_MAX)
		return false;
	if (name.p[0] == '[')
		return address_is_domain(name);
	for (size_t i = 0; i < name.n; i++)
		if ((!ascii_alpha(name.p[i]) && !ascii_digit(name.p[i]) &&
		    strchr("-._", name.p[i]) == NULL) ||
		    (name.p[i] == '.' && (i == 0 || name.p[i - 1] == '.')))
			return false;
	return true;
}

/* What a recipient takes may be nobody's business who listens on the way. */
static bool
may_negotiate(const struct session *s)
{
	return (s->secure || !s->listener->connegtls) && (s->user[0] != '\0' || !s->listener->connegauth);
}

static bool
greeted(struct session *s, struct span args, bool esmtp)
{
	if (!helo_ok(args)) {
		session_reply(s, 501, "5.5.4", "your host's name or [address] is wanted");
		return false;
	}
	session_reset(s);
	s->state = S_HELO;
	span_text(args, s->helo, sizeof s->helo);
	s->offer.esmtp = esmtp;
	s->offer.auth = esmtp && s->secure && session_has_login(s);
	esmtp = esmtp && may_negotiate(s);
	s->offer.conperm = esmtp && !s->listener->noconperm;
	s->offer.conneg = esmtp && !s->listener->noconneg;
	s->offer.drucof = esmtp && !s->listener->nodrucof;
	s->offer.smtputf8 = esmtp && !s->listener->nosmtputf8;
	/* RFC 6710, 4.1: of nobody else one above 0; who has to log in first need not say EHLO again behind it */
	s->offer.priority = s->offer.esmtp && (s->trusted || policy_wants_login(s->listener));
	return true;
}

/* RFC 9422: what is enforced, no more. */
static void
ehlo_limits(struct session *s)
{
	char text[64];
	int n = snprintf(text, sizeof text, "LIMITS MAILMAX=%llu RCPTMAX=%llu",
	    (unsigned long long)conf_number(s->conf, CONF_MAXMAILS),
	    (unsigned long long)conf_number(s->conf, CONF_MAXRCPTS));

	session_line(s, 250, true, NULL, span_of(text, (size_t)n));
}

/* RFC 4865, 3 (3): the limit as seconds and as the time that is now.  It is for submission (4.2): for those whose
 * mail is sent on to anywhere. */
static void
ehlo_future(struct session *s)
{
	char date[40], text[96];
	int n;

	s->offer.hold_s = s->trusted || policy_wants_login(s->listener) ? conf_number(s->conf, CONF_FUTURERELEASE) : 0;
	if (s->offer.hold_s == 0)
		return;
	clock_iso(clock_us() + (int64_t)s->offer.hold_s * 1000000, date, sizeof date);
	n = snprintf(text, sizeof text, "FUTURERELEASE %llu %.19sZ", (unsigned long long)s->offer.hold_s, date);
	session_line(s, 250, true, NULL, span_of(text, (size_t)n));
}

static void
cmd_ehlo(struct session *s, struct span args)
{
	static const char *const always[] = { "PIPELINING", "8BITMIME", "CHUNKING", "BINARYMIME",
	    "DSN", "DELIVERBY" };
	char size[40];

	if (!greeted(s, args, true))
		return;
	snprintf(size, sizeof size, "SIZE %llu", (unsigned long long)s->offer.max_size);
	session_line(s, 250, true, NULL, span_str(conf_string(s->conf, CONF_ME)));
	session_line(s, 250, true, NULL, span_str(size));
	for (size_t i = 0; i < sizeof always / sizeof *always; i++)
		session_line(s, 250, true, NULL, span_str(always[i]));
	ehlo_limits(s);
	if (session_may_secure(s))
		session_line(s, 250, true, NULL, span_str("STARTTLS"));
	if (s->offer.auth)
		session_line(s, 250, true, NULL, span_str("AUTH PLAIN LOGIN"));
	ehlo_future(s);
	if (s->offer.priority)
		session_line(s, 250, true, NULL, span_str("MT-PRIORITY MIXER"));
	if (s->offer.smtputf8)
		session_line(s, 250, true, NULL, span_str("SMTPUTF8"));
	if (s->offer.conperm)
		session_line(s, 250, true, NULL, span_str("CONPERM"));
	if (s->offer.conneg)
		session_line(s, 250, true, NULL, span_str("CONNEG"));
	if (s->offer.drucof)
		session_line(s, 250, true, NULL, span_str("DRUCOF PREFER"));
	session_line(s, 250, false, NULL, span_str("ENHANCEDSTATUSCODES"));
}

static void
cmd_helo(struct session *s, struct span args)
{
	if (greeted(s, args, false))
		session_reply(s, 250, NULL, "%s", conf_string(s->conf, CONF_ME));
}

static void
cmd_rset(struct session *s, struct span args)
{
	(void)args;
	session_reset(s);
	session_reply(s, 250, "2.0.0", "reset");
}

static void
cmd_noop(struct session *s, struct span args)
{
	(void)args;
	session_reply(s, 250, "2.0.0", "ok");
}

static void
cmd_quit(struct session *s, struct span args)
{
	(void)args;
	session_reply(s, 221, "2.0.0", "%s closing", conf_string(s->conf, CONF_ME));
	s->over = true;
}

/* RFC 5321 3.5.3: 252 where a server will not say. */
static void
cmd_vrfy(struct session *s, struct span args)
{
	if (args.n == 0)
		session_reply(s, 501, "5.5.4", "VRFY takes an address");
	else
		session_reply(s, 252, "2.0.0", "not verified here; RCPT will tell");
}

static void
cmd_help(struct session *s, struct span args)
{
	(void)args;
	session_reply(s, 214, "2.0.0", "accord " ACCORD_VERSION
	    ": EHLO HELO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT");
}

/* RFC 5321 7.3: lists are nobody's to see.  4.2.4: 502 for what is known and not done. */
static void
cmd_expn(struct session *s, struct span args)
{
	(void)args;
	session_reply(s, 502, "5.5.1", "EXPN: lists are not expanded here");
}

/*
 * Not announced, so 500-level: RFC 1985 5.2 has a client then take it for not supported, and try no
 * other of its names; 459 would say that another client might have it.  Within a transaction it is
 * out of order (5).
 */
static void
cmd_etrn(struct session *s, struct span args)
{
	(void)args;
	session_reply(s, 502, "5.5.1", "ETRN: queues are not started on request");
}

/* RFC 3207, 4: no argument; 454 for what may work later. */
static void
cmd_starttls(struct session *s, struct span args)
{
	struct err e = { 0 };

	if (s->secures == NULL || s->listener->notls)
		session_reply(s, 502, "5.5.1", "not implemented");
	else if (s->secure)
		session_reply(s, 503, "5.5.1", "TLS is up already");
	else if (args.n > 0)
		session_reply(s, 501, "5.5.4", "STARTTLS takes no argument");
	else if (link_key(s->link, &e) == -1)
		session_reply(s, 454, "4.7.0", "TLS is not available now");
	else {
		session_reply(s, 220, "2.0.0", "go ahead");
		session_secure(s);
	}
}

static void
cmd_missing(struct session *s, struct span args)
{
	(void)args;
	session_reply(s, 502, "5.5.1", "not implemented");
}
