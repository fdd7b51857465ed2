/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * The header of a submission (RFC 6409, 4.2, 5.1, 8): what it lacks is added where there is one right way to do so,
 * all else that is wrong is refused, since its author can mend it.
 */
#include "smtpd/submit.h"

#include <stdio.h>

#include "lib/addrlist.h"
#include "lib/clock.h"
#include "lib/confuser.h"
#include "lib/idn.h"
#include "lib/mime.h"
#include "lib/token.h"

enum { F_ADDRESSES = 1, F_ONCE = 2, F_AUTHOR = 4, F_GOES = 8 };

/* A row is all that is asked of a field. */
static const struct field_rule { const char *name; unsigned flags; } rules[] = {
	{ "From", F_ADDRESSES | F_ONCE | F_AUTHOR }, { "Sender", F_ADDRESSES | F_ONCE | F_AUTHOR },
	{ "Reply-To", F_ADDRESSES }, { "To", F_ADDRESSES }, { "Cc", F_ADDRESSES }, { "Bcc", F_ADDRESSES },
	{ "Resent-From", F_ADDRESSES }, { "Resent-Sender", F_ADDRESSES }, { "Resent-To", F_ADDRESSES },
	{ "Resent-Cc", F_ADDRESSES }, { "Resent-Bcc", F_ADDRESSES }, { "Resent-Reply-To", F_ADDRESSES },
	/* RFC 5321, 4.4: who originates a message sends it without one. */
	{ "Return-Path", F_GOES },
};

enum { SEEN_FROM = 1, SEEN_SENDER = 2, SEEN_DATE = 4, SEEN_ID = 8 };

/* A field of addresses that is being read. */
struct reading { struct mending *m; const struct field_rule *rule; struct span value; uint32_t boxes; bool said; };

static const struct field_rule *
rule_of(struct span name)
{
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		if (span_isi(name, rules[i].name))
			return &rules[i];
	return NULL;
}

/* A refusal that m->why has from now on. */
static int
said(struct reading *r, struct err *e)
{
	r->said = true;
	return err_set(e, ERR_PERM, NULL, "refused");
}

/* An address of a name alone gets our domain if somebody here is called so (RFC 6409, 8, note). */
static int
qualify(struct reading *r, const struct addrlist_box *b, struct err *e)
{
	struct session *s = r->m->s;
	const char *me = conf_string(s->conf, CONF_ME);
	char addr[2 * ADDRESS_MAX + 2], text[ADDRESS_MAX_DOMAIN + 2];
	int n = snprintf(addr, sizeof addr, "%s@%s", b->addr, me), k = snprintf(text, sizeof text, "@%s", me);
	struct link_cap cap = { .known = 0 };

	if (r->m->shorts++ == SUBMIT_SHORT) {
		message_refuse(r->m->why, 554, "5.6.0", "more than %d addresses without a domain", SUBMIT_SHORT);
		return said(r, e);
	}
	if (policy_route(s->conf, true, span_str(me)) == POLICY_LOCAL &&
	    (link_cap(s->link, span_of(addr, (size_t)n), CAP_WANT_KNOWN, &cap, e) == -1 || cap.known > 1)) {
		message_refuse(r->m->why, 451, "4.3.0", "%s: cannot look up an address without a domain now",
		    r->rule->name);
		return said(r, e);
	}
	if (cap.known == 0) {
		message_refuse(r->m->why, 554, "5.6.0", "%s: an address without a domain, of nobody here",
		    r->rule->name);
		return said(r, e);
	}
	return mend_add(r->m, (size_t)(r->value.p - r->m->message.p) + b->end, 0, span_of(text, (size_t)k), e);
}

/* May the user call that the author?  addr: whole. */
static int
author(struct reading *r, struct span addr, struct err *e)
{
	struct session *s = r->m->s;
	struct buf ascii;
	bool yes = false;
	int done;

	buf_init(&ascii, 4 * ADDRESS_MAX);
	done = idn_address(addr, "5.6.0", &ascii, e);
	if (done == 0)
		done = senders_allow(s->conf, s->user, buf_view(&ascii), &yes, e);
	buf_free(&ascii);
	if (done == -1 && e->kind == ERR_TEMP)
		return -1;
	if (yes)
		return 0;
	message_refuse(r->m->why, 550, "5.7.1", "%s: you may not send as that address", r->rule->name);
	return said(r, e);
}

static int
read_box(void *arg, const struct addrlist_box *b, struct err *e)
{
	struct reading *r = arg;
	struct session *s = r->m->s;
	struct span domain = address_domain(span_of(b->addr, b->n));
	char whole[2 * ADDRESS_MAX + 2];
	int n = snprintf(whole, sizeof whole, "%s%s%s", b->addr, b->qualified ? "" : "@",
	    b->qualified ? "" : conf_string(s->conf, CONF_ME));

	r->boxes++;
	if (!b->qualified && qualify(r, b, e) == -1)
		return -1;
	if (b->qualified && domain.p[0] != '[' && span_find(domain, '.') == domain.n) {
		message_refuse(r->m->why, 554, "5.6.0", "%s: a domain that is not fully qualified", r->rule->name);
		return said(r, e);
	}
	return r->rule->flags & F_AUTHOR && s->user[0] != '\0' ? author(r, span_of(whole, (size_t)n), e) : 0;
}

static bool
mend_addresses(struct mending *m, const struct field_rule *rule, const struct mime_field *f)
{
	struct reading r = { .m = m, .rule = rule, .value = f->value };
	struct err e = { 0 };
	int done = (m->s->mail.smtputf8 ? addrlist_parse_utf8 : addrlist_parse)(f->value, read_box, &r, &e);

	if (r.said)
		return false;
	if (done == -1 && e.kind != ERR_PERM)
		return !message_failed(m->s, m->s->message.id, &e, m->why);
	if (done == -1)
		return !message_refuse(m->why, 554, "5.6.0", "%s: %.60s", rule->name, e.what);
	if (r.boxes == 0 && rule->flags & F_AUTHOR)
		return !message_refuse(m->why, 554, "5.6.0", "%s: an address is wanted", rule->name);
	return true;
}

/* false: *m->why.  seen: of what may be there once, and of what must be there. */
static bool
mend_field(struct mending *m, const struct mime_field *f, unsigned *seen)
{
	const struct field_rule *rule = rule_of(f->name);
	unsigned bit = span_isi(f->name, "From") ? SEEN_FROM : span_isi(f->name, "Sender") ? SEEN_SENDER :
	    span_isi(f->name, "Date") ? SEEN_DATE : span_isi(f->name, "Message-ID") ? SEEN_ID : 0;
	struct err e = { 0 };

	if (f->name.n == 0)
		return !message_refuse(m->why, 554, "5.6.0", "the header has a line that is no field");
	if (rule != NULL && rule->flags & F_ONCE && *seen & bit)
		return !message_refuse(m->why, 554, "5.6.0", "two %s fields", rule->name);
	*seen |= bit;
	if (rule == NULL)
		return true;
	if (rule->flags & F_ADDRESSES)
		return mend_addresses(m, rule, f);
	if (mend_add(m, (size_t)(f->whole.p - m->message.p), (uint32_t)f->whole.n, span_of(NULL, 0), &e) == 0)
		return true;
	return e.kind == ERR_PERM ? !message_refuse(m->why, 554, e.dsn, "%s", e.what) :
	    !message_failed(m->s, m->s->message.id, &e, m->why);
}

/* Behind the last field (RFC 6409, 8.2, 8.3). */
static bool
mend_missing(struct mending *m, size_t at, unsigned seen)
{
	char date[40], token[TOKEN_SIZE], text[ADDRESS_MAX_DOMAIN + 80];
	struct err e = { 0 };
	int n, r = 0;

	if (!(seen & SEEN_DATE)) {
		clock_rfc5322(clock_us(), date, sizeof date);
		n = snprintf(text, sizeof text, "Date: %s\r\n", date);
		r = mend_add(m, at, 0, span_of(text, (size_t)n), &e);
	}
	if (r == 0 && !(seen & SEEN_ID) && (r = token_make(token, &e)) == 0) {
		n = snprintf(text, sizeof text, "Message-ID: <%s@%s>\r\n", token, conf_string(m->s->conf, CONF_ME));
		r = mend_add(m, at, 0, span_of(text, (size_t)n), &e);
	}
	return r == 0 || !message_failed(m->s, m->s->message.id, &e, m->why);
}

bool
mend_header(struct mending *m)
{
	struct span header = mime_message_header(m->message), rest = header;
	struct mime_field f;
	unsigned seen = 0;

	if (header.n >= MIME_MAX_HEADER)
		return !message_refuse(m->why, 554, "5.6.0", "a header of more than %d octets", MIME_MAX_HEADER);
	(void)mime_field_next(&rest, &f);	/* our own Received */
	while (mime_field_next(&rest, &f))
		if (!mend_field(m, &f, &seen))
			return false;
	if (!(seen & SEEN_FROM))
		return !message_refuse(m->why, 554, "5.6.0", "the message has no From field");
	return mend_missing(m, header.n, seen);
}
