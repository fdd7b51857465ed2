/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "smtpd/submit.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "lib/address.h"
#include "lib/clock.h"
#include "lib/confuser.h"
#include "lib/describe.h"
#include "lib/features.h"
#include "lib/log.h"
#include "lib/mime.h"

bool
submit_is(const struct session *s)
{
	return s->user[0] != '\0' || s->listener->role == LISTEN_SUBMISSION || s->listener->role == LISTEN_SUBMISSIONS;
}

/* A domain that everybody knows by that name (RFC 6409, 2.1): no single label. */
static bool
qualified(struct span addr)
{
	struct span domain = address_domain(addr);

	return domain.n > 0 && (domain.p[0] == '[' || span_find(domain, '.') < domain.n);
}

bool
submit_sender(struct session *s, struct span addr)
{
	struct err e = { 0 };
	bool yes = true;

	if (!submit_is(s) || addr.n == 0)	/* RFC 6409, 3.2: a null one is no reason */
		return true;
	if (!qualified(addr))
		session_reply(s, 554, "5.1.8", "the sender's domain is not fully qualified");
	else if (s->user[0] != '\0' && senders_allow(s->conf, s->user, addr, &yes, &e) == -1)
		session_reply(s, 451, "4.3.0", "the sender cannot be looked up now, try again later");
	else if (!yes)
		session_reply(s, 550, "5.7.1", "you may not send as that sender");
	else
		return true;
	return false;
}

bool
submit_rcpt(struct session *s, struct span addr)
{
	if (!submit_is(s) || qualified(addr) || address_domain(addr).n == 0)	/* postmaster */
		return true;
	session_reply(s, 554, "5.1.2", "the recipient's domain is not fully qualified");
	return false;
}

bool
submit_rate(struct session *s, uint32_t messages, uint32_t recipients)
{
	const struct span *lines;
	struct err e = { 0 };
	int r;

	if (s->user[0] == '\0' || conf_lines(s->conf, CONF_USERRATE, &lines) == 0)
		return true;
	r = link_rate(s->link, s->user, messages, recipients, &e);
	if (r == 0)
		session_reply(s, 450, "4.7.1", "you have sent enough for now, try again later");
	else if (r == -1)
		session_reply(s, 451, "4.3.0", "cannot tell how much you have sent, try again later");
	return r == 1;
}

void
submit_permit(struct session *s)
{
	const struct span *lines;
	uint32_t n = conf_lines(s->conf, CONF_CONPERMFOR, &lines);

	if (s->mail.conperm || s->listener->noconperm || s->sender_len == 0 ||
	    !conpermfor_find(lines, n, &s->client, s->user, &s->permits))
		return;
	s->mail.conperm = true;
}

/* --- the message --- */

int
mend_add(struct mending *m, size_t at, uint32_t cut, struct span text, struct err *e)
{
	size_t from = m->octets.n;

	if (m->n == m->cap) {
		size_t cap = m->cap == 0 ? 16 : m->cap * 2;
		void *p = m->n < HEADEDIT_MAX ? realloc(m->edit, cap * sizeof *m->edit) : NULL;

		if (m->n >= HEADEDIT_MAX)
			return err_set(e, ERR_PERM, "5.6.0", "more than %d things to be mended", HEADEDIT_MAX);
		if (p == NULL)
			return err_sys(e, "header edits");
		m->edit = p;
		m->cap = cap;
	}
	if (buf_add(&m->octets, text, e) == -1)
		return -1;
	m->edit[m->n++] = (struct mend){ at, cut, from, text.n };
	return 0;
}

/* By their places; at one place in the order in which they came. */
static int
mend_order(const void *x, const void *y)
{
	const struct mend *a = x, *b = y;

	return a->at != b->at ? (a->at < b->at ? -1 : 1) : a->text < b->text ? -1 : a->text > b->text;
}

int
mend_encode(struct mending *m, struct buf *out, struct err *e)
{
	if (m->n > 1)
		qsort(m->edit, m->n, sizeof *m->edit, mend_order);
	for (size_t i = 0; i < m->n; i++) {
		const struct mend *d = &m->edit[i];

		if (headedit_add(out, d->at, d->cut, span_sub(buf_view(&m->octets), d->text, d->text + d->n), e) == -1)
			return -1;
	}
	return 0;
}

static int
left_ms(const struct session *s, int64_t from)
{
	int64_t left = from + message_answer_ms(&s->message) - SUBMIT_SPARE_MS - clock_ms();

	return left > 1 ? (int)left : 1;
}

struct describing { struct mending *m; int64_t from_ms; };

static int
describe_by_convertd(void *arg, struct span image, struct buf *out, struct err *e)
{
	struct describing *d = arg;
	struct blob features;
	int r;

	if (link_describe(d->m->s->link, image, left_ms(d->m->s, d->from_ms), &features, e) == -1)
		return -1;
	r = buf_add(out, blob_view(&features), e);
	blob_free(&features);
	return r;
}

static int
put_field(void *arg, size_t at, struct span field, struct err *e)
{
	return mend_add(((struct describing *)arg)->m, at, 0, field, e);
}

/* What its contents are (R17), and what they may become, of who cannot say it. */
static bool
mend_contents(struct mending *m, int64_t from_ms)
{
	struct describing d = { m, from_ms };
	char convert[FEAT_MAX_TEXT + 1];
	struct describe how = { describe_by_convertd, &d, put_field, &d, NULL };
	struct err e = { 0 };

	if (m->s->permits.n > 0 && m->s->permits.n <= FEAT_MAX_TEXT) {
		memcpy(convert, m->s->permits.p, m->s->permits.n);
		convert[m->s->permits.n] = '\0';
		how.convert = convert;
	}
	if (describe_parts(m->message, &how, &e) != -1)
		return true;
	if (e.kind != ERR_PERM)
		return !message_failed(m->s, m->s->message.id, &e, m->why);
	log_line(LOG_INFO, m->s->message.id, "not-described", "client=%s why=%s", m->s->client_text, log_q(e.what));
	return !message_refuse(m->why, 550, "5.6.0", "%s", e.what);
}

/* The edits become the message's; who reads it before the commit reads it through them. */
static bool
mend_keep(struct mending *m)
{
	struct message *t = &m->s->message;
	struct err e = { 0 };

	if (m->n == 0)
		return true;
	if (t->len > HEADEDIT_MESSAGE)
		return !message_refuse(m->why, 552, "5.3.4",
		    "what this message lacks cannot be added: it is too large");
	if (mend_encode(m, &t->edits, &e) == -1 || (m->s->mail.conperm &&
	    edited_open(buf_view(&t->edits), m->message, &t->edited, &e) == -1))
		return e.kind == ERR_PERM ? !message_refuse(m->why, 554, e.dsn, "%s", e.what) :
		    !message_failed(m->s, t->id, &e, m->why);
	return true;
}

bool
submit_message(struct session *s, struct refusal *why)
{
	struct mending m = { .s = s, .why = why };
	struct message *t = &s->message;
	int64_t from = clock_ms();
	struct err e = { 0 };
	void *map;
	bool ok;

	if (!submit_is(s) && s->permits.n == 0)
		return true;
	if (message_look(s, left_ms(s, from), &e) == -1)
		return !message_failed(s, t->id, &e, why);
	map = mmap(NULL, (size_t)t->len, PROT_READ, MAP_SHARED, t->look_fd, 0);
	if (map == MAP_FAILED) {
		err_sys(&e, "message");
		return !message_failed(s, t->id, &e, why);
	}
	m.message = span_of(map, (size_t)t->len);
	buf_init(&m.octets, HEADEDIT_OCTETS);
	ok = (!submit_is(s) || mend_header(&m)) && mend_contents(&m, from) && mend_keep(&m);
	free(m.edit);
	buf_free(&m.octets);
	munmap(map, (size_t)t->len);
	t->spent_ms += (int)(clock_ms() - from);
	return ok;
}
