/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/smtp.h"

#include <errno.h>
#include <stdio.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "remote/auth.h"
#include "remote/bdat.h"
#include "remote/caplist.h"
#include "remote/command.h"
#include "remote/deadline.h"
#include "remote/inquire.h"
#include "remote/reach.h"
#include "remote/secure.h"

void
smtp_drop(struct session *s)
{
	wire_close(&s->w);
	s->open = s->used = s->dirty = s->dotted = false;
	s->mails = 0;
}

/* What was added goes out, and the reply is read. */
static int
smtp_exchange(struct session *s, int64_t send_ms, int64_t wait_ms, struct err *e)
{
	inquiry_tell_lines(s->inquiry, INQUIRY_SAID, buf_view(&s->w.out));
	if (wire_flush(&s->w, send_ms, e) == -1 || wire_reply(&s->w, &s->reply, wait_ms, e) == -1)
		return -1;
	if (s->inquiry != NULL)
		inquire_heard(s->inquiry, &s->reply);
	return 0;
}

void
smtp_quit(struct session *s)
{
	struct err ignored;	/* we are leaving; what the hop makes of it changes nothing */

	if (s->open && wire_add(&s->w, span_str("QUIT\r\n"), &ignored) == 0)
		(void)smtp_exchange(s, SMTP_WAIT_QUIT, SMTP_WAIT_QUIT, &ignored);
	smtp_drop(s);
}

int
smtp_reply_err(const struct session *s, struct err *e)
{
	char dsn[12], text[sizeof e->what];

	reply_dsn(&s->reply, dsn);
	reply_print(&s->reply, text, sizeof text);
	if (dsn[0] != '4' && dsn[0] != '5')
		snprintf(dsn, sizeof dsn, "4.5.0");
	err_set(e, dsn[0] == '5' ? ERR_PERM : ERR_TEMP, dsn, "%s", text);
	e->code = s->reply.code;
	return -1;
}

/* Sends what was added, reads a reply.  -1: lost; the connection is closed. */
static int
smtp_talk(struct session *s, int64_t wait_ms, const char *step, struct err *e)
{
	if (smtp_exchange(s, SMTP_WAIT_BLOCK, wait_ms, e) == 0)
		return 0;
	if (s->w.orphan)
		session_orphaned(s);
	smtp_drop(s);
	return err_in(e, "%s", step);
}

static int
smtp_hello(struct session *s, const char *verb, struct err *e)
{
	const char *me = conf_string(s->conf, CONF_ME);

	if (wire_add(&s->w, span_str(verb), e) == -1 || wire_add(&s->w, span_str(me), e) == -1 ||
	    wire_add(&s->w, span_str("\r\n"), e) == -1)
		return -1;
	return smtp_talk(s, SMTP_WAIT_EHLO, verb[0] == 'E' ? "EHLO" : "HELO", e);
}

static int
smtp_banner(struct session *s, struct err *e)
{
	if (smtp_talk(s, SMTP_WAIT_BANNER, "banner", e) == -1)
		return -1;
	if (s->reply.code / 100 == 2)
		return 0;
	smtp_reply_err(s, e);
	if (s->reply.code != 521 && s->reply.code != 556 && e->kind == ERR_PERM) {
		e->kind = ERR_TEMP;	/* this host now, not the mail for ever */
		e->dsn[0] = '4';
	}
	return -1;
}

/* EHLO, or HELO where that is not known (RFC 5321, 3.2).  What an earlier one said is forgotten (RFC 3207, 4.2). */
static int
smtp_ehlo(struct session *s, struct err *e)
{
	s->hop = (struct hop){ 0 };
	if (smtp_hello(s, "EHLO ", e) == -1)
		return -1;
	if (s->reply.code / 100 == 2) {
		command_ehlo(&s->reply, &s->hop);
		inquire_offers(s->inquiry, &s->hop);
		return 0;
	}
	if (s->reply.code / 100 == 5 && smtp_hello(s, "HELO ", e) == -1)
		return -1;
	if (s->reply.code / 100 == 2)
		return 0;
	smtp_reply_err(s, e);
	if (e->kind == ERR_PERM) {
		e->kind = ERR_TEMP;
		e->dsn[0] = '4';
	}
	return -1;
}

/* TLS is not there to be had: may it be done without? */
static int
smtp_in_clear(struct session *s, const char *why, struct err *e)
{
	if (s->want.level <= TLS_LEVEL_MAY)
		return 0;
	err_set(e, ERR_TEMP, "4.7.4", "TLS is wanted by the setting tlspolicy: %s", why);
	log_line(LOG_WARN, s->job->id, "unsecured", "relay=%s why=%s", log_q(s->mta), log_q(e->what));
	return -1;
}

/* STARTTLS (RFC 3207), as the hop offers it and the policy wants it. */
static int
smtp_starttls(struct session *s, struct err *e)
{
	char text[300];

	if (s->w.tls != NULL || s->want.level == TLS_LEVEL_NONE || s->in_clear)
		return 0;
	if (!(s->hop.ext & HOP_STARTTLS))
		return smtp_in_clear(s, "the hop does not offer STARTTLS", e);
	if (wire_add(&s->w, span_str("STARTTLS\r\n"), e) == -1 || smtp_talk(s, SMTP_WAIT_EHLO, "STARTTLS", e) == -1)
		return -1;
	if (s->reply.code != 220) {
		reply_print(&s->reply, text, sizeof text);
		return smtp_in_clear(s, text, e);
	}
	if (secure_begin(s, e) == -1) {
		if (s->w.orphan)
			session_orphaned(s);
		smtp_drop(s);
		return -1;
	}
	return smtp_ehlo(s, e);
}

/* What is said before the first transaction. */
static int
smtp_greet(struct session *s, const struct netaddr *to, struct err *e)
{
	if (secure_first(s, to) && secure_begin(s, e) == -1) {
		smtp_drop(s);
		return -1;
	}
	return smtp_banner(s, e) == -1 || smtp_ehlo(s, e) == -1 || smtp_starttls(s, e) == -1 || auth_login(s, e) == -1 ?
	    -1 : 0;
}

static int
smtp_connect(struct session *s, const struct netaddr *to, struct err *e)
{
	if (wire_connect(&s->w, to, (int64_t)conf_number(s->conf, CONF_TIMEOUTCONNECT) * 1000, e) == 0)
		return 0;
	if (s->w.orphan)
		session_orphaned(s);
	return err_in(e, "%s", s->mta);
}

/* One address: connection, banner, EHLO. */
static int
smtp_try(struct session *s, const struct netaddr *to, struct err *e)
{
	bool connected = false;

	s->in_clear = false;
	do {
		reply_clear(&s->reply);
		s->tls_failed = false;
		if (smtp_connect(s, to, e) == -1)
			break;
		connected = true;
		if (smtp_greet(s, to, e) == 0) {
			s->open = true;
			reach_worked(s);
			return 0;
		}
	} while (secure_clear_again(s, to));
	s->open = connected && s->w.fd != -1;	/* a hop that said no is told QUIT */
	smtp_quit(s);
	reach_failed(s, connected, e);
	return -1;
}

int
smtp_open(struct session *s, struct err *e)
{
	const struct netaddr *to;

	if (s->open && wire_stirs(&s->w))	/* it said 421 or closed while nobody asked */
		smtp_drop(s);
	if (s->open)
		return 0;
	if (reach_start(s, e) == -1)
		return -1;
	while ((to = reach_next(s)) != NULL)
		if (smtp_try(s, to, e) == 0)
			return 0;
	return reach_verdict(s, e);
}

/* What the hop offers, less what it refused all the same. */
static struct hop
smtp_hop(const struct session *s, const struct target *t)
{
	struct hop hop = s->hop;

	if (s->job->no_dsn || (t != NULL && t->no_dsn))
		hop.ext &= ~(unsigned)HOP_DSN;
	return hop;
}

/* The reply, in its own code and words, is the verdict. */
static void
smtp_settle_as(struct session *s, struct target *t, enum outcome o)
{
	char dsn[12], text[sizeof t->res.text];

	reply_dsn(&s->reply, dsn);
	reply_print(&s->reply, text, sizeof text);
	if (o == OUTCOME_DEFERRED && dsn[0] != '4')	/* a reply that makes no sense here */
		snprintf(dsn, sizeof dsn, "4.5.0");
	job_settle(t, o, s->reply.code, dsn, s->mta, text);
}

/* A reply by which the hop has taken nothing over: all but 5yz is worth another try.  What is no refusal is
 * told as what it is here, in our own words. */
static void
smtp_refused(struct session *s, struct target *t)
{
	char reply[sizeof t->res.text], text[sizeof reply + 40];

	if (s->reply.code / 100 == 4 || s->reply.code / 100 == 5) {
		smtp_settle_as(s, t, s->reply.code / 100 == 5 ? OUTCOME_FAILED : OUTCOME_DEFERRED);
		return;
	}
	reply_print(&s->reply, reply, sizeof reply);
	snprintf(text, sizeof text, "a reply that makes no sense here: %s", reply);
	job_settle(t, OUTCOME_DEFERRED, 0, "4.5.0", s->mta, text);
}

/* The reply to the whole message. */
static void
smtp_settle(struct session *s, struct target *t)
{
	const struct hop hop = smtp_hop(s, t);

	if (s->reply.code / 100 == 2 && !t->done && deadline_tells(&s->job->env, &hop, t->rcpt->notify, clock_us())) {
		smtp_settle_as(s, t, OUTCOME_RELAYED);
		t->res.flags |= RESULT_TELL;
	} else if (s->reply.code / 100 != 2)
		smtp_refused(s, t);
	else		/* a hop with DSN will report from here on (RFC 3461, 5.2.2) */
		smtp_settle_as(s, t, smtp_hop(s, t).ext & HOP_DSN ? OUTCOME_DELIVERED : OUTCOME_RELAYED);
}

/* As smtp_refused, or by *lost.  Before the data a temporary failure is not the last word where there is
 * another host: that one is asked in the next transaction (RFC 5321, 5.1). */
static void
smtp_put_off(struct session *s, const struct xact *x, struct target *t, const struct err *lost)
{
	if (lost != NULL)
		job_settle_err(t, s->mta, lost);
	else
		smtp_refused(s, t);
	if (x->next_host && t->res.outcome == OUTCOME_DEFERRED) {
		t->done = false;
		t->again = t->elsewhere = true;
	}
}

/* Too many recipients for one transaction?  RFC 5321, 4.5.3.1.10: 552 is meant so too. */
static bool
smtp_too_many(const struct session *s, const struct xact *x)
{
	char dsn[12];

	reply_dsn(&s->reply, dsn);
	if (x->naccepted == 0 || (s->reply.code != 452 && s->reply.code != 552))
		return false;
	return strcmp(dsn + 1, ".5.3") == 0 || strcmp(dsn + 1, ".0.0") == 0;
}

/* What the decision table says to an answer "not now" to CONNEG (row B10). */
static void
smtp_later(struct session *s, const struct xact *x, struct target *t)
{
	struct rcpt_facts f = { .conperm = s->job->env.conperm,
	    .hop_conperm = s->hop.ext & HOP_CONPERM, .caps = CAPS_LATER, .fate = FATE_UNKNOWN, .run = RUN_NOT,
	    .tries_left = t->conneg_tries < x->tries_max };

	decide_rcpt(&f, NULL, &t->decision);
	inquiry_tell(s->inquiry, INQUIRY_ROW, span_str(t->decision.row));
	t->caps = CAPS_LATER;
	t->bare = t->repeat = t->decision.action == ACT_BARE;
	if (t->bare)
		return;
	smtp_refused(s, t);
	t->res.flags |= RESULT_CONNEG_TRY;
}

/* In a probe a refusal of CONNEG tells what a list would: nothing, or nothing now (rows D4, D5). */
static bool
smtp_probed(const struct session *s, struct xact *x, struct target *t)
{
	bool later = caplist_later(&s->reply);

	if (!x->probe || (!later && !decide_unsupported(s->reply.code)))
		return false;
	t->caps = later ? CAPS_LATER : CAPS_NONE;
	t->accepted = t->asked = true;
	x->naccepted++;
	return true;
}

/* A hop that offers DRUCOF and refuses it is one without: once more, as the tables have it for that. */
static bool
smtp_refuses_drucof(struct session *s, const struct xact *x, const struct target *t)
{
	if (x->drucof == DRUCOF_NO || !decide_unsupported(s->reply.code))
		return false;
	s->job->no_drucof = true;
	log_line(LOG_WARN, s->job->id, "drucof-refused", "to=%s relay=%s", log_qs(t->rcpt->addr), log_q(s->mta));
	return true;
}

/* A hop that offers DSN and refuses its parameters is one without DSN (RFC 3461, 5.2.2): once more
 * without them, in the next transaction, and we report from here on. */
static bool
smtp_refuses_dsn(struct session *s, struct target *t)
{
	struct hop hop = smtp_hop(s, t);

	if (!decide_unsupported(s->reply.code) || (t != NULL ? !command_rcpt_dsn(t->rcpt, &hop) :
	    !command_mail_dsn(&s->job->env, &hop)))
		return false;
	log_line(LOG_WARN, s->job->id, "dsn-refused", "to=%s relay=%s",
	    t != NULL ? log_qs(t->rcpt->addr) : "-", log_q(s->mta));
	return true;
}

/* The reply to a target's RCPT.  -1: ERR_TEMP. */
static int
smtp_on_rcpt(struct session *s, struct xact *x, struct target *t, struct err *e)
{
	bool asked = x->conneg != NULL && !t->bare;

	t->repeat = false;
	if (s->reply.code / 100 == 2) {
		t->accepted = true;
		t->asked = asked;
		x->naccepted++;
		return asked ? x->caps(x->arg, t, &s->reply, e) : 0;
	}
	if (asked && smtp_probed(s, x, t))
		return 0;
	if (asked && decide_unsupported(s->reply.code))
		t->bare = t->repeat = true;		/* row B9 */
	else if (asked && caplist_later(&s->reply))
		smtp_later(s, x, t);
	else if (smtp_too_many(s, x))
		t->again = true;
	else if (smtp_refuses_dsn(s, t))
		t->no_dsn = t->again = true;
	else if (smtp_refuses_drucof(s, x, t))
		t->again = true;
	else
		smtp_put_off(s, x, t, NULL);
	return 0;
}

static bool
smtp_due(const struct target *t, bool repeat)
{
	return !t->done && !t->again && !t->accepted && t->repeat == repeat;
}

static int
smtp_add_rcpt(struct session *s, const struct xact *x, const struct target *t, struct err *e)
{
	struct hop hop = smtp_hop(s, t);
	struct rcpt r = *t->rcpt;

	r.notify = deadline_notify(&s->job->env, &hop, r.notify, clock_us());
	return command_rcpt(&s->w.out, &r, &hop, t->bare ? NULL : x->conneg, x->drucof, e);
}

/* A whole group (RFC 2920, 3.1), sent by the first smtp_talk. */
static int
smtp_add_group(struct session *s, const struct xact *x, struct err *e)
{
	for (uint32_t i = 0; i < x->n; i++)
		if (smtp_add_rcpt(s, x, x->t[i], e) == -1)
			return -1;
	return x->data ? wire_add(&s->w, span_str("DATA\r\n"), e) : 0;
}

/* A reply that ends the session at the hop's wish counts as a lost connection. */
static int
smtp_talk_on(struct session *s, int64_t wait_ms, const char *step, struct err *e)
{
	if (smtp_talk(s, wait_ms, step, e) == -1)
		return -1;
	if (s->reply.code != 421)
		return 0;
	smtp_reply_err(s, e);
	smtp_drop(s);
	return -1;
}

/* The replies to one RCPT for each target that is due; sends them one by one unless the group is on
 * its way.  -1: lost. */
static int
smtp_rcpts(struct session *s, struct xact *x, bool repeat, bool sent, struct err *e)
{
	bool due[JOB_MAX_RCPT];

	for (uint32_t i = 0; i < x->n; i++)
		due[i] = smtp_due(x->t[i], repeat);
	for (uint32_t i = 0; i < x->n; i++) {
		if (!due[i])
			continue;
		x->at = i;
		if (!sent && smtp_add_rcpt(s, x, x->t[i], e) == -1)
			return -1;
		if (smtp_talk_on(s, SMTP_WAIT_RCPT, "RCPT", e) == -1 ||
		    smtp_on_rcpt(s, x, x->t[i], e) == -1)
			return -1;
	}
	return 0;
}

/* MAIL was refused: all replies of the group are read all the same. */
static enum xact_end
smtp_mail_refused(struct session *s, struct xact *x, bool group, struct err *e)
{
	bool conperm = x->conperm && decide_unsupported(s->reply.code);
	uint32_t more = group ? x->n + x->data : 0;

	if (!conperm && smtp_refuses_dsn(s, NULL)) {
		s->job->no_dsn = true;
		for (uint32_t i = 0; i < x->n; i++)
			x->t[i]->again = true;
	} else if (!conperm) {
		for (uint32_t i = 0; i < x->n; i++)
			smtp_put_off(s, x, x->t[i], NULL);
	}
	for (uint32_t i = 0; i < more; i++) {
		if (smtp_talk(s, SMTP_WAIT_RCPT, "RCPT", e) == -1)
			break;
		if (x->data && i == x->n && s->reply.code == 354)
			smtp_drop(s);	/* it takes data without a sender: nothing sane can follow */
	}
	return conperm ? XACT_CONPERM : XACT_NONE;
}

/* 354, or the verdict on all who were taken. */
static enum xact_end
smtp_on_data(struct session *s, struct xact *x, struct err *e)
{
	if (s->reply.code / 100 == 3 && x->naccepted > 0) {
		x->ready = true;
		return XACT_READY;
	}
	if (s->reply.code / 100 == 3) {		/* nobody was taken, yet it wants data: none */
		s->dirty = false;
		if (wire_add(&s->w, span_str(".\r\n"), e) == 0)
			(void)smtp_talk(s, SMTP_WAIT_DATA, "dot", e);
		return XACT_NONE;
	}
	for (uint32_t i = 0; i < x->n; i++)
		if (x->t[i]->accepted)
			smtp_put_off(s, x, x->t[i], NULL);
	return XACT_NONE;
}

static void
smtp_forget(struct xact *x)
{
	x->naccepted = 0;
	x->ready = false;
	x->at = XACT_AT_MAIL;
	for (uint32_t i = 0; i < x->n; i++) {
		struct target *t = x->t[i];

		t->accepted = t->asked = t->again = t->elsewhere = t->repeat = false;
		if (x->conneg == NULL)
			continue;
		t->caps = CAPS_NONE;
		t->set = NULL;
	}
}

void
smtp_reset(struct session *s)
{
	struct err ignored;	/* we are leaving */

	if (s->open && s->dirty && wire_add(&s->w, span_str("RSET\r\n"), &ignored) == 0 &&
	    smtp_talk(s, SMTP_WAIT_QUIT, "RSET", &ignored) == 0)
		s->dirty = false;
}

enum xact_end
smtp_begin(struct session *s, struct xact *x, struct err *e)
{
	bool group = s->hop.ext & HOP_PIPELINING && !x->careful, reset = s->dirty;
	struct hop hop = smtp_hop(s, NULL);

	x->data = x->data && s->inquiry == NULL;
	smtp_forget(x);
	if ((reset && wire_add(&s->w, span_str("RSET\r\n"), e) == -1) ||
	    (reset && !group && smtp_talk_on(s, SMTP_WAIT_MAIL, "RSET", e) == -1) ||
	    command_mail(&s->w.out, &s->job->env, &hop, x->conperm, x->size, x->body, e) == -1 ||
	    (group && smtp_add_group(s, x, e) == -1))
		return XACT_LOST;
	s->mails++;
	if (reset && group && smtp_talk_on(s, SMTP_WAIT_MAIL, "RSET", e) == -1)
		return XACT_LOST;
	if (smtp_talk_on(s, SMTP_WAIT_MAIL, "MAIL", e) == -1)
		return XACT_LOST;
	s->used = true;
	s->dirty = s->reply.code / 100 == 2;
	if (!s->dirty)
		return smtp_mail_refused(s, x, group, e);
	if (smtp_rcpts(s, x, false, group, e) == -1 || smtp_rcpts(s, x, true, false, e) == -1)
		return XACT_LOST;
	if (group && x->data) {
		x->at = XACT_AT_DATA;
		return smtp_talk_on(s, SMTP_WAIT_DATA, "DATA", e) == -1 ? XACT_LOST :
		    smtp_on_data(s, x, e);
	}
	return x->naccepted > 0 ? XACT_READY : XACT_NONE;
}

static int
smtp_put(void *arg, struct span piece, struct err *e)
{
	return wire_data_put(arg, piece, e);
}

/* Everything up to the final dot. */
static int
smtp_stream(struct session *s, struct span top, const struct edit_list *edits, struct err *e)
{
	struct wire_data d;

	wire_data_start(&d, &s->w, SMTP_WAIT_BLOCK);
	if (wire_data_put(&d, top, e) == -1 || (edits != NULL ? edit_walk(edits, s->job->message, smtp_put, &d, e) :
	    wire_data_put(&d, s->job->message, e)) == -1)
		return -1;
	return wire_data_end(&d, e);
}

static void
smtp_settle_accepted(struct session *s, struct xact *x, const struct err *e)
{
	for (uint32_t i = 0; i < x->n; i++)
		if (x->t[i]->accepted && e != NULL)
			job_settle_err(x->t[i], s->mta, e);
		else if (x->t[i]->accepted)
			smtp_settle(s, x->t[i]);
}

/* The data could not be sent whole.  A hop that hung up may have said why. */
static void
smtp_cut_short(struct session *s, struct xact *x, struct err *e)
{
	struct err ignored;
	bool said;

	if (s->w.orphan)
		session_orphaned(s);
	said = wire_reply(&s->w, &s->reply, 0, &ignored) == 0 && s->reply.code / 100 >= 4;
	if (s->w.orphan)
		session_orphaned(s);
	smtp_drop(s);
	e->kind = ERR_TEMP;
	err_in(e, "while the message was sent");
	smtp_settle_accepted(s, x, said ? NULL : e);
}

/* All of it was sent, and no answer came. */
static void
smtp_unanswered(struct session *s, struct xact *x, struct err *e)
{
	if (s->w.orphan)
		session_orphaned(s);
	smtp_drop(s);
	e->kind = ERR_TEMP;	/* it may have been taken: it is sent again rather than lost */
	err_in(e, "no answer to the whole message");
	smtp_settle_accepted(s, x, e);
}

/* The message in chunks (RFC 3030). */
static void
smtp_send_chunks(struct session *s, struct xact *x, const struct edit_list *edits, int64_t wait_ms)
{
	struct bdat b;
	struct err e = { 0 };
	int r = bdat_send(&b, s, x->top, edits, wait_ms, &e);

	if (r == -1 && s->dotted) {
		smtp_unanswered(s, x, &e);
		return;
	}
	if (r == -1) {
		smtp_cut_short(s, x, &e);
		return;
	}
	smtp_settle_accepted(s, x, NULL);
	s->dotted = false;
	s->dirty = s->reply.code / 100 != 2;	/* RFC 3030, 2: after a failure RSET must come */
	if (s->reply.code == 421 || bdat_drain(&b, wait_ms) == -1)
		smtp_drop(s);
}

/* An inquiry ends here, by the RSET or QUIT that comes next. */
static void
smtp_unsent(struct session *s, const struct xact *x, bool edited)
{
	static const char *const bodies[] = { [BODY_7BIT] = "7BIT", [BODY_8BITMIME] = "8BITMIME",
	    [BODY_BINARYMIME] = "BINARYMIME" };

	inquiry_tellf(s->inquiry, INQUIRY_FORM, "%s, %llu octets, %s", edited ? "edited" : "as it is",
	    (unsigned long long)x->size, bodies[x->body]);
	for (uint32_t i = 0; i < x->n; i++)
		if (x->t[i]->accepted)
			job_settle(x->t[i], smtp_hop(s, x->t[i]).ext & HOP_DSN ? OUTCOME_DELIVERED : OUTCOME_RELAYED,
			    0, "2.0.0", s->mta, "would be sent now");
}

void
smtp_send(struct session *s, struct xact *x, const struct edit_list *edits)
{
	int64_t wait_ms = (int64_t)conf_number(s->conf, CONF_TIMEOUTREMOTE) * 1000;
	struct err e = { 0 };

	if (s->inquiry != NULL) {
		smtp_unsent(s, x, edits != NULL);
		return;
	}
	if (x->body == BODY_BINARYMIME) {
		smtp_send_chunks(s, x, edits, wait_ms);
		return;
	}
	if (!x->ready) {
		if (wire_add(&s->w, span_str("DATA\r\n"), &e) == -1 ||
		    smtp_talk_on(s, SMTP_WAIT_DATA, "DATA", &e) == -1) {
			for (uint32_t i = 0; i < x->n; i++)
				if (x->t[i]->accepted)
					smtp_put_off(s, x, x->t[i], &e);
			return;
		}
		if (smtp_on_data(s, x, &e) != XACT_READY)
			return;
	}
	if (smtp_stream(s, x->top, edits, &e) == -1) {
		smtp_cut_short(s, x, &e);
		return;
	}
	s->dotted = true;
	if (wire_reply(&s->w, &s->reply, wait_ms, &e) == -1) {
		smtp_unanswered(s, x, &e);
		return;
	}
	s->dotted = s->dirty = false;
	smtp_settle_accepted(s, x, NULL);
	if (s->reply.code == 421)
		smtp_drop(s);
}
