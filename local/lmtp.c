/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/lmtp.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/address.h"
#include "lib/clock.h"
#include "lib/confline.h"
#include "lib/mime.h"
#include "local/fields.h"
#include "local/line.h"

enum { EXT_PIPELINING = 1, EXT_8BITMIME = 2, EXT_SMTPUTF8 = 4, EXT_SIZE = 8 };

/* A recipient: its result, and where its mail stands. */
struct to {
	const struct rcpt *rcpt;
	struct rcpt_result *r;
	struct buf *detail;
	uint32_t form;			/* index of what it gets */
	bool done, asked, taken;	/* the result is there; RCPT was said; and answered with 2yz */
};

struct lmtp {
	const struct delivery *d;
	const struct envelope *env;
	struct span message;
	struct line line;
	struct reply reply;
	unsigned ext;
	uint64_t size_max;
	char mta[96];			/* for results; "": a socket of this host */
	bool open, eight;
	int64_t opened_ms;
	struct to *to;
	uint32_t n;
	struct content *form;		/* that they get, nform of them */
	uint32_t nform;
};

/* --- results --- */

static void
to_failed(struct lmtp *l, struct to *t, const struct err *why)
{
	if (t->done)
		return;
	t->done = true;
	delivery_failed(t->r, why);
	snprintf(t->r->mta, sizeof t->r->mta, "%s", l->mta);
}

/* Of those of a form, or of all: UINT32_MAX. */
static void
form_failed(struct lmtp *l, uint32_t form, const struct err *why)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (form == UINT32_MAX || l->to[i].form == form)
			to_failed(l, &l->to[i], why);
}

/* By the server's reply. */
static void
to_replied(struct lmtp *l, struct to *t)
{
	struct rcpt_result *r = t->r;

	if (t->done)
		return;
	t->done = true;
	r->outcome = l->reply.code < 300 ? OUTCOME_DELIVERED : l->reply.code >= 500 ? OUTCOME_FAILED :
	    OUTCOME_DEFERRED;
	r->code = l->reply.code;
	reply_dsn(&l->reply, r->dsn);
	if (r->outcome == OUTCOME_DEFERRED)
		r->dsn[0] = '4';
	if (r->outcome == OUTCOME_DELIVERED && l->form[t->form].key.n > 0)
		snprintf(r->dsn, sizeof r->dsn, "2.6.4");
	reply_print(&l->reply, r->text, sizeof r->text);
	snprintf(r->mta, sizeof r->mta, "%s", l->mta);
}

/* --- the session --- */

/* The connection is of no use any more. */
static int
lmtp_lost(struct lmtp *l)
{
	line_close(&l->line);
	l->open = false;
	return -1;
}

/* A reply; 421 is the end of the session too (RFC 5321, 3.8). */
static int
lmtp_reply(struct lmtp *l, int64_t wait_ms, struct err *e)
{
	char text[160];

	if (line_reply(&l->line, &l->reply, wait_ms, e) == -1) {
		if (e->kind == ERR_PROTO)
			e->kind = ERR_TEMP;
		return lmtp_lost(l);
	}
	if (l->reply.code != 421)
		return 0;
	reply_print(&l->reply, text, sizeof text);
	(void)err_set(e, ERR_TEMP, "4.3.2", "%s", text);
	return lmtp_lost(l);
}

/* What the server offers (RFC 2033, 5). */
static void
lmtp_offers(struct lmtp *l)
{
	static const struct { const char *word; unsigned bit; } words[] = {
		{ "PIPELINING", EXT_PIPELINING }, { "8BITMIME", EXT_8BITMIME }, { "SMTPUTF8", EXT_SMTPUTF8 },
		{ "SIZE", EXT_SIZE },
	};
	struct span rest = buf_view(&l->reply.text), line, word;

	l->ext = 0;
	l->size_max = 0;
	(void)reply_line(&rest, &line);		/* the greeting */
	while (reply_line(&rest, &line)) {
		line = span_trim(line);
		if (!span_word(&line, &word))
			continue;
		for (size_t i = 0; i < sizeof words / sizeof *words; i++)
			if (span_isi(word, words[i].word))
				l->ext |= words[i].bit;
		if (span_isi(word, "SIZE") && !span_u64(span_trim(line), UINT64_MAX, &l->size_max))
			l->size_max = 0;
	}
}

/* The greeting, and LHLO.  A server that refuses these is not there, whatever its code: it is ours to put
 * right, and nobody's mail is lost for it. */
static int
lmtp_greet(struct lmtp *l, struct err *e)
{
	struct buf *out = &l->line.out;
	char text[160];

	for (int step = 0; step < 2; step++) {
		if (step == 1 && (buf_addf(out, e, "LHLO %s\r\n", l->d->me) == -1 ||
		    line_flush(&l->line, LMTP_WAIT_MS, e) == -1))
			return lmtp_lost(l);
		if (lmtp_reply(l, LMTP_WAIT_MS, e) == -1)
			return -1;
		if (l->reply.code < 300)
			continue;
		reply_print(&l->reply, text, sizeof text);
		(void)err_set(e, ERR_TEMP, "4.3.2", "%s: %s", step == 0 ? "greeting" : "LHLO", text);
		return lmtp_lost(l);
	}
	lmtp_offers(l);
	return 0;
}

static int
lmtp_open(struct lmtp *l, struct err *e)
{
	if (line_connect(&l->line, l->d->lmtp, LMTP_CONNECT_MS, e) == -1 || lmtp_greet(l, e) == -1) {
		(void)lmtp_lost(l);
		return err_in(e, "LMTP server %s", l->d->lmtp);
	}
	l->open = true;
	l->opened_ms = clock_ms();
	return 0;
}

/* QUIT, without waiting for its answer: all results are there. */
static void
lmtp_quit(struct lmtp *l)
{
	struct err ignored;

	if (l->open && line_add(&l->line, span_str("QUIT\r\n"), &ignored) == 0)
		(void)line_flush(&l->line, 0, &ignored);
}

/* --- a transaction --- */

static uint64_t
form_size(const struct content *c, struct span top)
{
	return top.n + (c->edited ? c->edits.list.size : c->message.n);
}

/* One command of MAIL, or of RCPT. */
static int
add_mail(struct lmtp *l, uint64_t size, bool eight, struct err *e)
{
	struct span from = l->ext & EXT_SMTPUTF8 ? envelope_sender(l->env) : l->env->sender;
	struct buf *out = &l->line.out;

	if (buf_addf(out, e, "MAIL FROM:<%.*s>", (int)from.n, (const char *)from.p) == -1 ||
	    (l->ext & EXT_SIZE && buf_addf(out, e, " SIZE=%llu", (unsigned long long)size) == -1) ||
	    (eight && l->ext & EXT_8BITMIME && buf_add_str(out, " BODY=8BITMIME", e) == -1) ||
	    (l->env->smtputf8 && l->ext & EXT_SMTPUTF8 && buf_add_str(out, " SMTPUTF8", e) == -1))
		return -1;
	return buf_add_str(out, "\r\n", e);
}

static int
add_rcpt(struct lmtp *l, const struct rcpt *rcpt, struct err *e)
{
	struct span to = l->ext & EXT_SMTPUTF8 ? rcpt_spelled(rcpt) : rcpt->addr;

	return buf_addf(&l->line.out, e, "RCPT TO:<%.*s>\r\n", (int)to.n, (const char *)to.p);
}

/* What was said goes out, at once or, without PIPELINING, before the next command. */
static int
say(struct lmtp *l, bool last, struct err *e)
{
	if (!last && l->ext & EXT_PIPELINING)
		return 0;
	return line_flush(&l->line, LMTP_WAIT_MS, e) == -1 ? lmtp_lost(l) : 0;
}

/* MAIL's answer.  1: taken, 0: refused, all of the form have it as their result. */
static int
mail_answer(struct lmtp *l, uint32_t form, struct err *e)
{
	if (lmtp_reply(l, LMTP_WAIT_MS, e) == -1)
		return -1;
	if (l->reply.code < 300)
		return 1;
	for (uint32_t i = 0; i < l->n; i++)
		if (l->to[i].form == form)
			to_replied(l, &l->to[i]);
	return 0;
}

static int
rcpt_answer(struct lmtp *l, struct to *t, struct err *e)
{
	if (lmtp_reply(l, LMTP_WAIT_MS, e) == -1)
		return -1;
	t->taken = l->reply.code < 300;
	if (!t->taken)
		to_replied(l, t);
	return 0;
}

/* MAIL and the RCPTs of a form.  How many were taken, or -1. */
static int
envelope_say(struct lmtp *l, uint32_t form, uint64_t size, struct err *e)
{
	bool pipelining = l->ext & EXT_PIPELINING, eight = l->eight && l->form[form].transfer != EDIT_TO_7BIT;
	int taken = 0, mail = 1;

	if (add_mail(l, size, eight, e) == -1 || say(l, false, e) == -1 ||
	    (!pipelining && (mail = mail_answer(l, form, e)) != 1))
		return mail == 0 ? 0 : -1;
	for (uint32_t i = 0; i < l->n; i++) {
		struct to *t = &l->to[i];

		if (t->done || t->form != form)
			continue;
		t->asked = true;
		if (add_rcpt(l, t->rcpt, e) == -1 || say(l, false, e) == -1 ||
		    (!pipelining && rcpt_answer(l, t, e) == -1))
			return -1;
	}
	if (pipelining) {
		/* a refused MAIL settles those whose RCPT is on its way */
		if (say(l, true, e) == -1 || mail_answer(l, form, e) == -1)
			return -1;
		for (uint32_t i = 0; i < l->n; i++)
			if (l->to[i].asked && l->to[i].form == form && rcpt_answer(l, &l->to[i], e) == -1)
				return -1;
	}
	for (uint32_t i = 0; i < l->n; i++)
		taken += l->to[i].form == form && l->to[i].taken && !l->to[i].done;
	return taken;
}

/* Dots doubled at the start of lines (RFC 5321, 4.5.2), also behind an LF alone. */
struct data { struct lmtp *l; unsigned char last[2]; };

static int
data_put(void *arg, struct span s, struct err *e)
{
	struct data *d = arg;
	struct line *w = &d->l->line;

	while (s.n > 0) {
		struct span part = span_sub(s, 0, 32768);
		size_t n;

		if (d->last[1] == '\n' && part.p[0] == '.' && line_add(w, span_str("."), e) == -1)
			return -1;
		n = span_find(part, '\n');
		part = span_sub(part, 0, n + 1);
		if (line_add(w, part, e) == -1)
			return -1;
		d->last[0] = part.n > 1 ? part.p[part.n - 2] : d->last[1];
		d->last[1] = part.p[part.n - 1];
		s = span_sub(s, part.n, s.n);
		if (w->out.n >= 65536 && line_flush(w, LMTP_WAIT_MS, e) == -1)
			return -1;
	}
	return 0;
}

static int
data_say(struct lmtp *l, const struct content *c, struct span top, struct err *e)
{
	struct data d = { l, { '\r', '\n' } };

	if (data_put(&d, top, e) == -1 || (c->edited ? edit_walk(&c->edits.list, c->message, data_put, &d, e) :
	    data_put(&d, c->message, e)) == -1)
		return -1;
	if (line_add(&l->line, span_str(d.last[0] == '\r' && d.last[1] == '\n' ? ".\r\n" : "\r\n.\r\n"), e) == -1)
		return -1;
	return line_flush(&l->line, LMTP_WAIT_MS, e);
}

/* DATA, and a reply for each recipient that was taken, in their order (RFC 2033, 4.2). */
static int
content_say(struct lmtp *l, uint32_t form, struct span top, struct err *e)
{
	if (line_add(&l->line, span_str("DATA\r\n"), e) == -1 || say(l, true, e) == -1 ||
	    lmtp_reply(l, LMTP_WAIT_MS, e) == -1)
		return -1;
	if (l->reply.code != 354) {
		for (uint32_t i = 0; i < l->n; i++)
			if (l->to[i].form == form && l->reply.code >= 400)
				to_replied(l, &l->to[i]);
		(void)err_set(e, ERR_TEMP, "4.5.0", "DATA was answered with %u", l->reply.code);
		return lmtp_lost(l);
	}
	if (data_say(l, &l->form[form], top, e) == -1)
		return lmtp_lost(l);
	for (uint32_t i = 0; i < l->n; i++) {
		struct to *t = &l->to[i];

		if (t->form != form || !t->taken || t->done)
			continue;
		if (lmtp_reply(l, LMTP_FINAL_MS, e) == -1)
			return -1;
		if (l->reply.code >= 300 && l->reply.code < 400)
			l->reply.code = 451;	/* no answer to the data */
		to_replied(l, t);
	}
	return 0;
}

/* Those of one form.  What fails for all of them that have no result yet is in *e. */
static int
lmtp_form(struct lmtp *l, uint32_t form, struct span top, struct err *e)
{
	uint64_t size = form_size(&l->form[form], top);
	int taken;

	if (l->size_max > 0 && size > l->size_max)
		return err_set(e, ERR_PERM, "5.3.4", "a message of %llu octets; the LMTP server takes %llu at most",
		    (unsigned long long)size, (unsigned long long)l->size_max);
	taken = envelope_say(l, form, size, e);
	if (taken == -1)
		return -1;
	if (taken > 0)
		return content_say(l, form, top, e);
	if (line_add(&l->line, span_str("RSET\r\n"), e) == -1 || say(l, true, e) == -1)
		return -1;
	return lmtp_reply(l, LMTP_WAIT_MS, e);
}

/* --- recipients and forms --- */

/* What cannot be said to this server. */
static int
to_check(const struct lmtp *l, const struct to *t, struct err *e)
{
	struct span header = mime_message_header(l->message);
	bool utf8 = false, sender_utf8 = false, takes = l->ext & EXT_SMTPUTF8;

	if (fields_loop(l->message, t->rcpt))
		return err_set(e, ERR_PERM, "5.4.6", "the message was delivered to this address before: it goes in "
		    "circles");
	if (!address_path_ok(l->env->sender, &sender_utf8) || !address_path_ok(envelope_sender(l->env), &utf8))
		return err_set(e, ERR_PERM, "5.1.7", "the sender's address is none");
	if (!address_path_ok(rcpt_spelled(t->rcpt), &utf8) || !address_path_ok(t->rcpt->addr, &utf8))
		return err_set(e, ERR_PERM, "5.1.3", "this is no address");
	if (!takes && (utf8 || sender_utf8))
		return err_set(e, ERR_PERM, "5.6.7",
		    "an address beyond ASCII, and the LMTP server does not offer SMTPUTF8");
	if (l->env->smtputf8 && !takes && span_eight(header))
		return err_set(e, ERR_PERM, "5.6.9",
		    "a header beyond ASCII, and the LMTP server does not offer SMTPUTF8");
	return 0;
}

/* The form that t gets, found anew, or one that another gets already. */
static int
to_form(struct lmtp *l, struct to *t, struct err *e)
{
	struct content *c = &l->form[l->nform];

	*c = (struct content){ .message = l->message };
	if (l->env->body == BODY_BINARYMIME)
		c->transfer = l->ext & EXT_8BITMIME ? EDIT_TO_8BIT : EDIT_TO_7BIT;
	else if (l->eight && !(l->ext & EXT_8BITMIME))
		c->transfer = EDIT_TO_7BIT;
	if (form_find(l->d, c, l->env, t->rcpt, t->detail, e) == -1) {
		form_free(c);
		return -1;
	}
	for (t->form = 0; t->form < l->nform; t->form++)
		if (l->form[t->form].edited == c->edited && span_eq(l->form[t->form].key, c->key)) {
			form_free(c);
			return 0;
		}
	l->nform++;
	return 0;
}

static void
lmtp_forms(struct lmtp *l)
{
	for (uint32_t i = 0; i < l->n; i++) {
		struct err e = { 0 };

		l->to[i].form = UINT32_MAX;
		if (to_check(l, &l->to[i], &e) == -1 || to_form(l, &l->to[i], &e) == -1)
			to_failed(l, &l->to[i], &e);
	}
}

static void
lmtp_send(struct lmtp *l, uint32_t form)
{
	struct buf top;
	struct err e = { 0 };
	bool any = false;

	for (uint32_t i = 0; i < l->n; i++)
		any |= l->to[i].form == form && !l->to[i].done;
	if (!any)
		return;
	buf_init(&top, FIELDS_MAX);
	if ((!l->open && lmtp_open(l, &e) == -1) ||
	    fields_broken(l->d, &l->form[form], l->to[0].rcpt->addr, &top, &e) == -1 ||
	    lmtp_form(l, form, buf_view(&top), &e) == -1)
		form_failed(l, form, &e);
	buf_free(&top);
}

static int
lmtp_begin(struct lmtp *l, struct rcpt_result *r, struct buf *detail, struct err *e)
{
	struct netaddr tcp;

	l->to = calloc(l->n, sizeof *l->to);
	l->form = calloc(l->n, sizeof *l->form);
	if (l->to == NULL || l->form == NULL)
		return err_sys(e, "recipients");
	for (uint32_t i = 0; i < l->n; i++)
		l->to[i] = (struct to){ .rcpt = &l->env->rcpt[l->d->slots[i]], .r = &r[i], .detail = &detail[i] };
	if (mailbox_lmtp(span_str(l->d->lmtp), &tcp, e) == 1) {
		char host[48];

		netaddr_print(&tcp, host, sizeof host);
		snprintf(l->mta, sizeof l->mta, "[%s]:%u", host, tcp.port);
	}
	return lmtp_open(l, e);
}

void
lmtp_deliver(const struct delivery *d, const struct envelope *env, struct span message, struct rcpt_result *r,
    struct buf *detail)
{
	struct lmtp l = { .d = d, .env = env, .message = message, .n = d->nslot, .eight = span_eight(message) };
	struct err e = { 0 };

	line_init(&l.line, d->parent_fd);
	reply_init(&l.reply);
	if (lmtp_begin(&l, r, detail, &e) == 0) {
		lmtp_forms(&l);
		if (clock_ms() - l.opened_ms > LMTP_STALE_MS)
			(void)lmtp_lost(&l);
		for (uint32_t i = 0; i < l.nform; i++)
			lmtp_send(&l, i);
	} else {
		for (uint32_t i = 0; i < l.n; i++)
			delivery_failed(&r[i], &e);
	}
	lmtp_quit(&l);
	line_free(&l.line);
	for (uint32_t i = 0; i < l.nform; i++)
		form_free(&l.form[i]);
	free(l.form);
	free(l.to);
	reply_free(&l.reply);
}
