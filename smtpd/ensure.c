/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "smtpd/ensure.h"

#include <sys/mman.h>
#include <unistd.h>

#include "lib/address.h"
#include "lib/caplines.h"
#include "lib/clock.h"
#include "lib/ensure.h"
#include "lib/features.h"
#include "lib/log.h"
#include "lib/mime.h"

static bool
ensure_domain(const struct session *s, struct span addr)
{
	const struct span *lines;
	uint32_t n = conf_lines(s->conf, CONF_CONNEG, &lines);
	struct conneg_rule rule;

	conneg_find(lines, n, address_domain(addr), &rule);
	return rule.mode == CONNEG_ENSURE;
}

bool
ensure_lines(const struct session *s, struct span addr, struct span filter, struct buf *lines)
{
	struct buf claim;
	struct err e;
	bool ok = false;

	if (!ensure_domain(s, addr))
		return false;
	buf_init(&claim, FEAT_MAX_TEXT);
	ok = ensure_claim(filter, &claim, &e) == 0 && caplines_make(buf_view(&claim), lines, &e) == 0;
	if (!ok) {
		log_line(LOG_WARN, NULL, "not-ensured", "to=%s why=%s", log_qs(addr), log_q(e.what));
		buf_clear(lines);
	}
	buf_free(&claim);
	return ok;
}

/* --- a message --- */

struct ensuring {
	struct session *s;
	struct refusal *why;
	int64_t due_ms;
	int fd;				/* the message, borrowed; -1: nobody has had to read it yet */
	uint64_t len;
	struct buf text;		/* the lists, one behind the other */
	struct { size_t at, n; } set[ENSURE_SETS];
	uint32_t nset;
};

static int
ensure_left_ms(const struct ensuring *x)
{
	int64_t left = x->due_ms - clock_ms();

	return left > 1 ? (int)left : 1;
}

/* The path of the first part that a verdict's detail is about, "part: 1.2 (image/tiff-fx)" (lib/result.h);
 * "": it is about none. */
static struct span
detail_part(struct span detail)
{
	struct span line, name = span_str("part: ");

	while (span_line(&detail, &line))
		if (span_eq(span_sub(line, 0, name.n), name))
			return span_sub(line, name.n, name.n + span_find(span_sub(line, name.n, line.n), ' '));
	return span_str("");
}

/* part "": what cannot be said of a message at all will not be known later either.  false. */
static bool
ensure_refuse(struct ensuring *x, struct span part)
{
	if (part.n == 0)
		return !message_refuse(x->why, 554, "5.6.3", "what is in it cannot be told, so not be converted");
	return !message_refuse(x->why, 554, "5.6.3", "part %.*s neither fits nor may be converted",
	    part.n < 30 ? (int)part.n : 30, (const char *)part.p);
}

static bool
ensure_verdicts(struct ensuring *x, const struct plan *p)
{
	for (uint32_t i = 0; i < p->nverdict; i++)
		if (p->verdict[i].fate == PLAN_EMPTY)
			return ensure_refuse(x, detail_part(p->verdict[i].detail));
	return true;
}

/* Row B11: a report is not negotiated, whoever sends it. */
static bool
ensure_report(const struct ensuring *x)
{
	size_t n = x->len < MIME_MAX_HEADER ? (size_t)x->len : MIME_MAX_HEADER;
	void *map = mmap(NULL, n, PROT_READ, MAP_SHARED, x->fd, 0);
	bool is = map != MAP_FAILED && mime_message_is_report(span_of(map, n));

	if (map != MAP_FAILED)
		munmap(map, n);
	return is;
}

/* Asks convertd about the lists so far. */
static bool
ensure_plan(struct ensuring *x)
{
	const struct message *m = &x->s->message;
	struct converter_message of = { .id = m->id };
	struct span caps[ENSURE_SETS];
	struct converter_plan plan;
	struct err e = { 0 };
	bool ok;

	if (x->nset == 0)
		return true;
	if (message_look(x->s, ensure_left_ms(x), &e) == -1)
		return !message_failed(x->s, m->id, &e, x->why);
	/* as it will be read: with what was added to it */
	x->fd = m->edits.n > 0 ? m->edited.fd : m->look_fd;
	x->len = m->edits.n > 0 ? m->edited.n : m->len;
	if (ensure_report(x))
		return true;
	of.fd = x->fd;
	of.len = x->len;
	for (uint32_t i = 0; i < x->nset; i++)
		caps[i] = span_sub(buf_view(&x->text), x->set[i].at, x->set[i].at + x->set[i].n);
	if (link_plan(x->s->link, &of, caps, x->nset, ensure_left_ms(x), &plan, &e) == -1)
		return e.kind == ERR_PERM ? ensure_refuse(x, span_str("")) :
		    !message_failed(x->s, m->id, &e, x->why);
	ok = ensure_verdicts(x, &plan.plan);
	converter_plan_free(&plan);
	buf_clear(&x->text);
	x->nset = 0;
	return ok;
}

/* A list, unless it is there already. */
static bool
ensure_add(struct ensuring *x, struct span caps)
{
	struct err e;

	for (uint32_t i = 0; i < x->nset; i++)
		if (span_eq(caps, span_sub(buf_view(&x->text), x->set[i].at, x->set[i].at + x->set[i].n)))
			return true;
	if ((x->nset == ENSURE_SETS || x->text.n + caps.n > ENSURE_OCTETS) && !ensure_plan(x))
		return false;
	x->set[x->nset].at = x->text.n;
	x->set[x->nset].n = caps.n;
	if (buf_add(&x->text, caps, &e) == -1)
		return !message_failed(x->s, x->s->message.id, &e, x->why);
	x->nset++;
	return true;
}

/* Who takes everything, or of whom nothing is known, was promised nothing. */
static bool
ensure_rcpt(struct ensuring *x, struct span addr)
{
	struct link_cap cap;
	struct err e = { 0 };

	if (link_cap(x->s->link, addr, CAP_WANT_FEATURES, &cap, &e) == 0 && cap.features != CAP_TEMP)
		return cap.features != CAP_KNOWN || ensure_add(x, cap.text);
	if (e.kind == ERR_NONE)
		err_set(&e, ERR_TEMP, "4.3.3", "the capability directory is not there now");
	memcpy(e.dsn, "4.3.3", sizeof "4.3.3");
	e.kind = ERR_TEMP;
	return !message_failed(x->s, x->s->message.id, &e, x->why);
}

/* RFC 5321 4.1.1.10: who hangs up before the reply has had none, and will send it again. */
static bool
ensure_client(struct ensuring *x)
{
	struct err e;

	if (!wire_gone(&x->s->wire))
		return true;
	err_set(&e, ERR_TEMP, "4.4.2", "the client has hung up");
	return !message_failed(x->s, x->s->message.id, &e, x->why);
}

bool
ensure_message(struct session *s, struct refusal *why)
{
	struct ensuring x = { .s = s, .why = why, .fd = -1 };
	int64_t from;
	bool ok = true;

	if (!s->mail.conperm || s->sender_len == 0)	/* row B11 */
		return true;
	from = clock_ms();
	x.due_ms = from + message_answer_ms(&s->message) - ENSURE_SPARE_MS;
	buf_init(&x.text, ENSURE_OCTETS);
	for (uint32_t i = 0; i < s->nrcpt && ok; i++)
		ok = !ensure_domain(s, session_rcpt(s, i)) || ensure_rcpt(&x, session_rcpt(s, i));
	ok = ok && ensure_plan(&x) && (x.fd == -1 || ensure_client(&x));
	buf_free(&x.text);
	s->message.spent_ms += (int)(clock_ms() - from);
	return ok;
}
