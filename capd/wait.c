/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "capd/wait.h"

#include <stdio.h>

#include "lib/clock.h"
#include "lib/envelope.h"
#include "lib/log.h"

/* --- answers --- */

/* A question, and what is known so far. */
struct question {
	const struct msg_cap_ask *ask;
	struct span addr;
	const struct directory *d;
	struct cap_entry found;
	uint32_t known;
	struct directory_want want;
};

static int
question_look(struct question *q, const struct directory *d, const void *msg, size_t len, struct err *e)
{
	const struct msg_cap_ask *ask = msg;

	*q = (struct question){ .ask = ask, .addr = span_of(ask + 1, ask->addr_len), .d = d,
	    .found = { .state = CAP_NONE } };
	if (ask->addr_len != len - sizeof *ask || q->addr.n == 0 || q->addr.n > ENV_MAX_PATH)
		return err_set(e, ERR_PROTO, NULL, "a question of %zu octets", len);
	if (ask->want & CAP_WANT_FEATURES)
		directory_find(d, q->addr, (uint64_t)(clock_us() / 1000000), &q->found, &q->want);
	if (ask->want & CAP_WANT_KNOWN)
		q->known = (uint32_t)directory_known(d, q->addr, &q->want);
	return 0;
}

static int
capd_answer(struct capd *c, const struct question *q, struct chan *to, struct err *e)
{
	static struct { struct msg_cap m; unsigned char text[MSG_MAX - sizeof(struct msg_cap)]; } out;
	const struct msg_cap_ask *ask = q->ask;
	struct span text = q->found.text;

	memset(&out.m, 0, sizeof out.m);
	out.m.features = q->found.state;
	out.m.source = (uint16_t)q->found.source;
	out.m.since_s = q->found.since_s;
	out.m.known = q->known;
	if (text.n > sizeof out.text) {
		log_line(LOG_ERR, NULL, "caps-too-long", "to=%s octets=%zu", log_qs(q->addr), text.n);
		out.m.features = CAP_TEMP;
		text.n = 0;
	}
	if (text.n > 0)
		memcpy(out.text, text.p, text.n);
	out.m.len = (uint32_t)text.n;
	c->answers++;
	c->hits += out.m.features == CAP_KNOWN || out.m.features == CAP_ANY;
	return chan_send(to, &out.m.h, MSG_CAP, ask->h.id, sizeof out.m + text.n, NULL, 0, e);
}

/* --- who waits for another host, or for a directory --- */

/* Has remote ask.  false: not now. */
static bool
capd_probe(struct capd *c, struct span addr)
{
	struct { struct msg_probe m; unsigned char addr[ENV_MAX_PATH]; } p = { .m = { .addr_len = (uint32_t)addr.n } };
	struct chan *remote = &c->parent[ROLE_REMOTE];
	struct err e = { 0 }, ignored;
	uint32_t number;

	if (!remote->open || probe_ask(&c->probe, addr, clock_ms(), &number, &e) == -1)
		return false;
	memcpy(p.addr, addr.p, addr.n);
	if (chan_send(remote, &p.m.h, MSG_PROBE, number, sizeof p.m + addr.n, NULL, 0, &e) == 0)
		return true;
	(void)probe_told(&c->probe, number, CAP_TEMP, span_of(NULL, 0), clock_ms(), 0, &ignored);
	return false;
}

/* Has accord-ldap ask.  false: not now. */
static bool
capd_ask_directory(struct capd *c, const struct directory_want *want)
{
	struct { struct msg_ldap_ask m; unsigned char addr[2 * ADDRESS_MAX]; } p =
	    { .m = { .addr_len = (uint32_t)want->naddr } };
	static const struct cap_entry nothing = { .state = CAP_TEMP };
	struct chan *ldap = &c->parent[ROLE_LDAP];
	struct err e = { 0 }, ignored;
	uint32_t number;

	if (!ldap->open || ldap_ask(&c->ldap, want->line, span_of(want->addr, want->naddr), clock_ms(), &number, &e) == -1)
		return false;
	ldapline_name(want->line, p.m.line);
	memcpy(p.addr, want->addr, want->naddr);
	if (chan_send(ldap, &p.m.h, MSG_LDAP_ASK, number, sizeof p.m + want->naddr, NULL, 0, &e) == 0)
		return true;
	(void)ldap_told(&c->ldap, number, 2, &nothing, clock_ms(), &ignored);
	return false;
}

/* Begins what is due; for a person no probe, for which there is a command. */
static void
question_begin(struct capd *c, struct question *q, enum role asker)
{
	if (asker == ROLE_CONTROL && q->want.probe == ASKED_DUE)
		q->want.probe = ASKED_NEVER;
	if (q->want.probe == ASKED_DUE && capd_probe(c, q->addr))
		q->want.probe = ASKED_NOW;
	if (q->want.ldap == ASKED_DUE && capd_ask_directory(c, &q->want))
		q->want.ldap = ASKED_NOW;
}

static bool
question_is_open(const struct question *q, enum role asker)
{
	bool unknown = q->found.state == CAP_NONE || q->found.state == CAP_TEMP;

	return q->want.ldap == ASKED_NOW || (q->want.probe == ASKED_NOW && unknown && asker != ROLE_CONTROL);
}

/* What a session hears of somebody who has to be asked about elsewhere: so far it is not known. */
static void
question_not_now(struct question *q)
{
	if (q->found.state == CAP_NONE && (q->want.probe == ASKED_DUE || q->want.probe == ASKED_NOW))
		q->found.state = CAP_TEMP;
}

/* true: the answer comes later. */
static bool
asker_waits(struct asker *a, const void *msg, size_t len)
{
	int64_t wait_ms = a->parent == ROLE_SMTPD ? CAPD_WAIT_SMTPD_MS : CAPD_WAIT_MS;
	struct err e;

	if (a->held.n > 0 || clock_ms() < a->rest_ms || buf_add(&a->held, span_of(msg, len), &e) == -1)
		return false;
	if (loop_timer(&a->capd->daemon->loop, &a->patience, wait_ms, &e) == 0)
		return true;
	buf_clear(&a->held);
	return false;
}

int
asker_ask(struct asker *a, const void *msg, size_t len, struct err *e)
{
	struct question q;

	if (question_look(&q, capd_directory(a->capd, a->settings), msg, len, e) == -1)
		return -1;
	question_begin(a->capd, &q, a->parent);
	if (question_is_open(&q, a->parent) && asker_waits(a, msg, len))
		return 0;
	question_not_now(&q);
	return capd_answer(a->capd, &q, a->to, e);
}

/* Answers the question that waits, unless it still has to and time is left. */
static void
asker_resume(struct asker *a, bool late)
{
	struct question q;
	struct err e = { 0 };
	bool by_ldap = false;

	if (question_look(&q, capd_directory(a->capd, a->settings), a->held.p, a->held.n, &e) == 0) {
		if (!late)
			question_begin(a->capd, &q, a->parent);
		by_ldap = q.want.ldap == ASKED_NOW;
		if (question_is_open(&q, a->parent) && !late)
			return;
		question_not_now(&q);
		(void)capd_answer(a->capd, &q, a->to, &e);
	}
	if (e.kind != ERR_NONE)
		log_line(LOG_WARN, NULL, "unanswered", "why=%s", log_q(e.what));
	loop_cancel(&a->capd->daemon->loop, &a->patience);
	buf_free(&a->held);
	a->rest_ms = late ? clock_ms() + (by_ldap ? CAPD_REST_LDAP_MS : CAPD_REST_MS) : 0;
}

void
asker_impatient(void *arg)
{
	asker_resume(arg, true);
}

/* Something was heard, or nothing will be. */
static void
askers_resume(struct capd *c)
{
	for (struct asker *a = c->askers, *next; a != NULL; a = next) {
		next = a->next;
		if (a->held.n > 0)
			asker_resume(a, false);
	}
	if (c->person.held.n > 0)
		asker_resume(&c->person, false);
}

/* What a directory said: data of others, and an expression only if it is one. */
int
ldap_on_told(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	const struct msg_ldap_told *m = msg;
	struct cap_entry said = { .source = SOURCE_LDAP, .state = (enum cap_state)m->caps, .since_s = m->since_s,
	    .text = span_of(m + 1, m->len) };
	struct capd *c = ch->arg;
	struct err why;

	(void)fds;
	if (m->len != len - sizeof *m || m->found > 2 || m->caps > CAP_TEMP || (m->len > 0) != (m->caps == CAP_KNOWN))
		return err_set(e, ERR_PROTO, NULL, "an answer of %zu octets", len);
	if (!ldap_told(&c->ldap, m->h.id, m->found, &said, clock_ms(), &why))
		return 0;
	if (why.kind != ERR_NONE)
		log_line(LOG_WARN, NULL, "ldap-unusable", "why=%s", log_q(why.what));
	askers_resume(c);
	return 0;
}

void
directories_lost(struct capd *c)
{
	ldap_lost(&c->ldap);
	askers_resume(c);
}

/* What another host said, or why it said nothing. */
int
remote_on_inquired(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	const struct msg_inquired *m = msg;
	struct capd *c = ch->arg;
	struct inquiry_caps caps = { .state = CAP_TEMP };
	struct buf items;
	int r = 0;

	(void)len;
	if ((m->kind == ERR_NONE) != (fds[0] != -1))
		return err_set(e, ERR_PROTO, NULL, "an answer without what was found, or a refusal with it");
	buf_init(&items, INQUIRY_MAX);
	if (fds[0] != -1 && (r = inquiry_read(fds[0], m->len, &items, e)) == 0)
		r = inquiry_caps(buf_view(&items), &caps, e);
	if (r == 0 && probe_told(&c->probe, m->h.id, caps.state, caps.text, clock_ms(),
	    (uint64_t)(clock_us() / 1000000), e)) {
		if (e->kind != ERR_NONE)
			log_line(LOG_INFO, NULL, "probe-unusable", "why=%s", log_q(e->what));
		askers_resume(c);
	}
	buf_free(&items);
	return r;
}

void
remote_lost(struct capd *c)
{
	probe_lost(&c->probe);
	askers_resume(c);
}
