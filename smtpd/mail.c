/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* MAIL and RCPT: addresses, parameters, who may send where, and what CONNEG is answered. */
#include "smtpd/session.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/address.h"
#include "lib/caplines.h"
#include "lib/clock.h"
#include "lib/idn.h"
#include "lib/log.h"
#include "smtpd/ensure.h"
#include "smtpd/submit.h"

/* Reads KEY ":" path off *args, with a space behind the colon let through. */
static int
take_path(struct span *args, const char *key, bool null_ok, struct span *path, struct err *e)
{
	size_t n = strlen(key), used;

	if (!span_isi(span_sub(*args, 0, n), key))
		return err_set(e, ERR_PERM, "5.5.4", "%s<address> is wanted", key);
	*args = span_sub(*args, n, args->n);
	while (args->n > 0 && args->p[0] == ' ')
		*args = span_sub(*args, 1, args->n);
	if (address_path(*args, null_ok, path, &used, e) == -1)
		return -1;
	*args = span_sub(*args, used, args->n);
	return 0;
}

/* "<address> " as replies show it: cut so that a line keeps its limit; nothing for what is beyond ASCII, which
 * must not be in such a reply (RFC 6531, 3.7.4). */
struct shown { char text[SHOWN_MAX + 4]; };
static struct shown
shown(struct span addr)
{
	struct shown a = { "" };

	if (address_ascii(addr))
		snprintf(a.text, sizeof a.text, "<%.*s> ", addr.n < SHOWN_MAX ? (int)addr.n : SHOWN_MAX,
		    (const char *)addr.p);
	return a;
}

/*
 * Appends path as it is looked up, its domain in A-labels.  *spelled: path, if that is not the same; to be
 * kept too.  -1: ERR_PERM 5.6.7 where MAIL did not ask for SMTPUTF8 (RFC 6531, 3.5), dsn for what is no domain.
 */
static int
add_path(struct session *s, struct span path, bool smtputf8, const char *dsn, struct span *spelled,
    struct err *e)
{
	*spelled = address_ascii(address_domain(path)) ? span_of(NULL, 0) : path;
	if (!smtputf8 && !address_ascii(path))
		return err_set(e, ERR_PERM, "5.6.7", "an address beyond ASCII needs SMTPUTF8 with MAIL");
	return idn_address(path, dsn, &s->addrs, e);
}

/* A fault of ours, before there is a message. */
static void
mail_failed(struct session *s, const struct err *e)
{
	log_line(LOG_WARN, NULL, "not-queued", "client=%s dsn=4.3.0 why=%s", s->client_text, log_q(e->what));
	session_reply(s, 451, "4.3.0", "the mail cannot be taken now, try again later");
}

/* An address that cannot be kept; utf8_code: for one that needs SMTPUTF8. */
static void
mail_refused(struct session *s, int utf8_code, const struct err *e)
{
	if (e->kind != ERR_PERM)
		mail_failed(s, e);
	else
		session_reply(s, strcmp(e->dsn, "5.6.7") == 0 ? utf8_code : 501, e->dsn, "%s", e->what);
}

void
mail_from(struct session *s, struct span args)
{
	struct span path, spelled;
	struct err e;
	int code;

	if (policy_wants_login(s->listener) && s->user[0] == '\0') {	/* RFC 6409, 4.3 */
		session_reply(s, 530, "5.7.0", s->secure ? "log in first" : "STARTTLS first, then log in");
		return;
	}
	session_reset(s);
	if (++s->mails > conf_number(s->conf, CONF_MAXMAILS)) {
		session_bye(s, "4.7.0", "too many messages in one session, send the rest by another");
		return;
	}
	if (take_path(&args, "FROM:", true, &path, &e) == -1) {
		session_reply(s, 501, e.dsn, "%s", e.what);
		return;
	}
	s->from = path;
	s->offer.now_us = clock_us();
	if ((code = param_mail(args, &s->offer, &s->mail, &e)) != 0) {
		session_reply(s, code, e.dsn, "%s", e.what);
		return;
	}
	if (add_path(s, path, s->mail.smtputf8, "5.1.7", &spelled, &e) == -1 ||
	    (s->sender_len = (uint16_t)s->addrs.n, buf_add(&s->addrs, s->mail.envid, &e)) == -1 ||
	    buf_add(&s->addrs, spelled, &e) == -1) {
		mail_refused(s, 550, &e);
		session_reset(s);
		return;
	}
	s->envid_len = (uint16_t)s->mail.envid.n;
	s->spelled_len = (uint16_t)spelled.n;
	if (!submit_sender(s, session_sender(s)) || !submit_rate(s, 1, 0)) {
		session_reset(s);
		return;
	}
	submit_permit(s);
	s->state = S_MAIL;
	session_deadline(s);
	session_reply(s, 250, "2.1.0", "%ssender ok", shown(path).text);
}

/* "postmaster" without a domain is ours (RFC 5321 4.5.1). */
static int
rcpt_keep(struct session *s, struct span path, const struct rcpt_params *params, struct err *e)
{
	size_t before = s->addrs.n, len;
	struct span spelled;
	void *p;

	if (s->nrcpt == s->cap_rcpt) {
		uint32_t cap = s->cap_rcpt == 0 ? 8 : s->cap_rcpt * 2;

		if ((p = realloc(s->rcpt, cap * sizeof *s->rcpt)) == NULL)
			return err_sys(e, "recipients");
		s->rcpt = p;
		s->cap_rcpt = cap;
	}
	if (add_path(s, path, s->mail.smtputf8, "5.1.3", &spelled, e) == -1)
		return -1;
	if (address_domain(path).n == 0 &&
	    buf_addf(&s->addrs, e, "@%s", conf_string(s->conf, CONF_ME)) == -1) {
		s->addrs.n = before;
		return -1;
	}
	len = s->addrs.n - before;
	if (buf_add(&s->addrs, params->orcpt, e) == -1 || buf_add(&s->addrs, spelled, e) == -1) {
		s->addrs.n = before;
		return -1;
	}
	s->rcpt[s->nrcpt++] = (struct rcpt_at){ (uint32_t)before, (uint16_t)len,
	    (uint16_t)params->orcpt.n, (uint16_t)spelled.n, params->notify, params->drucof };
	return 0;
}

static void
rcpt_drop(struct session *s)
{
	s->addrs.n = s->rcpt[--s->nrcpt].off;
}

/*
 * Asks capd what is needed of addr.  With capd away, or too slow, both are "cannot tell now"; where
 * only the capabilities take so long, the mailbox is asked for alone.
 */
static struct link_cap
rcpt_ask(struct session *s, struct span addr, uint32_t want)
{
	struct link_cap cap = { CAP_TEMP, 2, { NULL, 0 } };
	struct err e = { 0 };

	if (want == 0 || link_cap(s->link, addr, want, &cap, &e) == 0)
		return cap;
	cap = (struct link_cap){ CAP_TEMP, 2, { NULL, 0 } };
	if (want == (CAP_WANT_FEATURES | CAP_WANT_KNOWN) && s->link->capd != -1 &&
	    link_cap(s->link, addr, CAP_WANT_KNOWN, &cap, &e) == 0)
		cap.features = CAP_TEMP;
	return cap;
}

/* --- the answer to CONNEG --- */

/* R26: a first line without CONNEG; then those with.  false: there are no such lines. */
static bool
conneg_lines(struct session *s, struct span addr, struct span filter)
{
	struct span rest, text;
	char line[REPLY_MAX];
	struct buf lines;
	struct err e;
	bool ok;
	int n;

	_Static_assert((int)CAPLINES_LINE <= (int)REPLY_MAX, "session_line would cut it");
	buf_init(&lines, CAPLINES_OCTETS);
	if (!(ok = ensure_lines(s, addr, filter, &lines) || caplines_make(filter, &lines, &e) == 0)) {
		log_line(LOG_ERR, NULL, "caps-unfit", "to=%s why=%s", log_qs(addr), log_q(e.what));
	} else {
		n = snprintf(line, sizeof line, "%srecipient ok", shown(addr).text);
		session_line(s, 250, true, "2.1.5", span_of(line, (size_t)n));
	}
	rest = buf_view(&lines);
	while (ok && span_line(&rest, &text)) {
		n = snprintf(line, sizeof line, "CONNEG %.*s", (int)text.n, (const char *)text.p);
		session_line(s, 250, rest.n > 0, "2.1.5", span_of(line, (size_t)n));
	}
	buf_free(&lines);
	return ok;
}

/* R33, for CONNEG=REQUIRED. */
static void
conneg_later(struct session *s)
{
	session_reply(s, 404, "4.3.3", "CONNEG capabilities cannot be had now");
}

/*
 * The table of the digest, a.3, for a recipient that is accepted.  true: a reply was made, else the
 * plain 250 is due; *kept: whether the recipient stays.
 */
static bool
conneg_answer(struct session *s, uint8_t ask, struct span addr, const struct link_cap *cap,
    bool *kept)
{
	enum cap_state st = cap->features;

	*kept = true;
	if (st == CAP_KNOWN) {
		if (conneg_lines(s, addr, cap->text))
			return true;
		st = CAP_TEMP;
	}
	if (ask != CONNEG_REQUIRED || st == CAP_ANY)	/* R34, R39 */
		return false;
	*kept = false;
	if (st == CAP_TEMP)
		conneg_later(s);
	else
		session_reply(s, 504, "5.3.3", "CONNEG capabilities are not known");
	return true;
}

/*
 * May this client be told what addr can take?  If not, capd is not asked for it, so that neither the
 * answer nor its time differs from that for a recipient of whom nothing is known.
 */
static bool
conneg_told(struct session *s, struct span addr)
{
	const struct span *lines;
	uint32_t n = conf_lines(s->conf, CONF_CONNEG, &lines);
	struct conneg_rule rule;

	conneg_find(lines, n, address_domain(addr), &rule);
	if (conneg_may_ask(&rule, s->trusted, &s->client))
		return true;
	if (rule.mode != CONNEG_OFF && !s->withheld) {
		log_line(LOG_INFO, NULL, "conneg-withheld", "from=%s to=%s client=%s",
		    log_qs(session_sender(s)), log_qs(addr), s->client_text);
		s->withheld = true;
	}
	return false;
}

/* --- RCPT --- */

/* May this recipient be taken, as far as settings and look-ups tell?  If not, it was refused. */
static bool
rcpt_allowed(struct session *s, uint32_t want, uint8_t ask, const struct link_cap *cap)
{
	if (!(want & CAP_WANT_KNOWN) || cap->known == 1)
		return true;
	if (cap->known == 0)
		session_reply(s, 550, "5.1.1", "no such mailbox here");
	else if (ask == CONNEG_REQUIRED && cap->features == CAP_TEMP)	/* R33: it tells more than 451 */
		conneg_later(s);
	else
		session_reply(s, 451, "4.3.0", "cannot look that mailbox up now, try again later");
	return false;
}

static void
rcpt_accept(struct session *s, struct span addr, uint8_t ask, const struct link_cap *cap)
{
	bool kept = true;

	if (ask == CONNEG_NO || !conneg_answer(s, ask, addr, cap, &kept))
		session_reply(s, 250, "2.1.5", "%srecipient ok", shown(addr).text);
	if (kept)
		s->state = S_RCPT;
	else
		rcpt_drop(s);
}

/* A recipient whose syntax is right: path as it came. */
static void
rcpt_decide(struct session *s, struct span path, const struct rcpt_params *params)
{
	uint8_t ask = params->conneg;
	struct link_cap cap;
	struct span addr;
	struct err e;
	enum policy_route route;
	uint32_t want = 0;

	if (rcpt_keep(s, path, params, &e) == -1) {
		mail_refused(s, 553, &e);
		return;
	}
	addr = session_rcpt(s, s->nrcpt - 1);
	route = policy_route(s->conf, s->trusted || address_domain(path).n == 0,
	    address_domain(addr));
	if (route == POLICY_DENIED) {
		session_reply(s, 550, "5.7.1", "relaying to that domain is not for you");
		rcpt_drop(s);
		return;
	}
	if (!submit_rcpt(s, path)) {
		rcpt_drop(s);
		return;
	}
	if (policy_must_exist(s->conf, route, address_domain(addr)))
		want |= CAP_WANT_KNOWN;
	if (ask != CONNEG_NO && conneg_told(s, addr))
		want |= CAP_WANT_FEATURES;
	cap = rcpt_ask(s, addr, want);
	if (!(want & CAP_WANT_FEATURES))
		cap.features = CAP_NONE;
	if (rcpt_allowed(s, want, ask, &cap) && submit_rate(s, 0, 1))
		rcpt_accept(s, addr, ask, &cap);
	else
		rcpt_drop(s);
}

void
mail_rcpt(struct session *s, struct span args)
{
	struct rcpt_params params;
	struct span path;
	struct err e;
	uint64_t max = conf_number(s->conf, CONF_MAXRCPTS);
	bool right = take_path(&args, "TO:", false, &path, &e) == 0;
	int code;

	if (right)
		s->about = path;
	if (++s->rcpts > max) {		/* G12 */
		s->junk += s->rcpts > 2 * max;	/* a client that heeds no reply */
		session_reply(s, 452, "4.5.3", "too many recipients, send the rest by another mail");
		return;
	}
	if (!right) {
		session_reply(s, 501, e.dsn, "%s", e.what);
		return;
	}
	if ((code = param_rcpt(args, &s->offer, s->mail.smtputf8, &params, &e)) != 0) {
		session_reply(s, code, e.dsn, "%s", e.what);
		return;
	}
	rcpt_decide(s, path, &params);
}
