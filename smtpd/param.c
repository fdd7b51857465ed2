/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "smtpd/param.h"

#include <stdio.h>

#include "lib/clock.h"
#include "lib/cur.h"
#include "lib/xtext.h"

enum { SIZE_DIGITS = 20, HOLD_DIGITS = 9, AUTH_VALUE = 500, BY_DIGITS = 9 };

/* One parameter; value.p is NULL where there is no "=". */
struct param { struct span key, value; };

static int
refuse(struct err *e, int code, const char *dsn, const char *what, struct span about)
{
	err_set(e, ERR_PERM, dsn, "%s%.*s", what, (int)(about.n < 40 ? about.n : 40),
	    about.n > 0 ? (const char *)about.p : "");
	return code;
}

static void
skip_spaces(struct cur *c)
{
	while (cur_peek(c) == ' ')
		cur_skip(c, 1);
}

/* esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-") */
static struct span
take_keyword(struct cur *c)
{
	const unsigned char *from = c->p;
	int o;

	while ((o = cur_peek(c)) != -1 &&
	    (ascii_alpha(o) || ascii_digit(o) || (o == '-' && c->p > from)))
		cur_skip(c, 1);
	return (struct span){ from, (size_t)(c->p - from) };
}

/* esmtp-value = 1*(%d33-60 / %d62-126), so no second "="; and what is beyond ASCII (RFC 6531, 3.3). */
static struct span
take_value(struct cur *c)
{
	const unsigned char *from = c->p;
	uint32_t cp;
	size_t n;

	while ((n = xtext_utf8_char((struct span){ c->p, cur_left(c) }, &cp)) > 0 && cp > ' ' && cp != 0x7f &&
	    cp != '=')
		cur_skip(c, n);
	return (struct span){ from, (size_t)(c->p - from) };
}

/*
 * The next parameter: 1, 0 at the end, -1 malformed.  spaced: keyword that may have spaces around
 * its "=", as the examples of draft-ietf-fax-esmtp-conneg-03 do, or NULL.
 */
static int
take_param(struct cur *c, const char *spaced, struct param *out)
{
	struct cur ahead;

	if (cur_left(c) == 0)
		return 0;
	if (cur_peek(c) != ' ')		/* a parameter stands behind a space */
		return -1;
	skip_spaces(c);
	if (cur_left(c) == 0)
		return 0;
	out->key = take_keyword(c);
	out->value = (struct span){ NULL, 0 };
	if (out->key.n == 0)
		return -1;
	ahead = *c;
	if (spaced != NULL && span_isi(out->key, spaced))
		skip_spaces(&ahead);
	if (cur_peek(&ahead) != '=')
		return 1;
	cur_skip(&ahead, 1);
	if (spaced != NULL && span_isi(out->key, spaced))
		skip_spaces(&ahead);
	out->value = take_value(&ahead);
	*c = ahead;
	return out->value.n > 0 ? 1 : -1;
}

/* size-value = 1*20DIGIT (RFC 1870, 3), which may be more than 64 bits hold: then it is the most of them. */
static bool
size_value(struct span v, uint64_t *size)
{
	for (size_t i = 0; i < v.n; i++)
		if (!ascii_digit(v.p[i]))
			return false;
	if (v.n == 0 || v.n > SIZE_DIGITS)
		return false;
	if (!span_u64(v, UINT64_MAX, size))
		*size = UINT64_MAX;
	return true;
}

static int
mail_size(struct span v, const struct offer *o, uint64_t *size, struct err *e)
{
	if (!size_value(v, size))
		return refuse(e, 501, "5.5.4", "SIZE takes a number of octets", span_str(""));
	if (o->max_size != 0 && *size > o->max_size)
		return refuse(e, 552, "5.3.4", "message size exceeds the limit", span_str(""));
	return 0;
}

static int
mail_body(struct span v, uint8_t *body, struct err *e)
{
	if (v.p != NULL && span_isi(v, "7BIT"))
		*body = BODY_7BIT;
	else if (v.p != NULL && span_isi(v, "8BITMIME"))
		*body = BODY_8BITMIME;
	else if (v.p != NULL && span_isi(v, "BINARYMIME"))
		*body = BODY_BINARYMIME;
	else
		return refuse(e, 501, "5.5.4", "BODY takes 7BIT, 8BITMIME or BINARYMIME",
		    span_str(""));
	return 0;
}

/* RFC 4141 4.2: CONPERM has no argument; a server without it says 504. */
static int
mail_conperm(struct span v, const struct offer *o, bool *conperm, struct err *e)
{
	if (v.p != NULL)
		return refuse(e, 501, "5.5.4", "CONPERM takes no value", span_str(""));
	if (!o->conperm)
		return refuse(e, 504, "5.3.3", "CONPERM is not offered here", span_str(""));
	*conperm = true;
	return 0;
}

/* RFC 6531, 3.4 */
static int
mail_smtputf8(struct span v, const struct offer *o, bool *smtputf8, struct err *e)
{
	if (v.p != NULL)
		return refuse(e, 501, "5.5.4", "SMTPUTF8 takes no value", span_str(""));
	if (!o->smtputf8)
		return refuse(e, 555, "5.5.4", "SMTPUTF8 is not offered here", span_str(""));
	*smtputf8 = true;
	return 0;
}

/* RFC 4954, 5: an address as xtext, or "<>".  What a client says so of somebody else is not believed, so it ends here. */
static int
mail_auth(struct span v, const struct offer *o, struct err *e)
{
	if (!o->auth)
		return refuse(e, 555, "5.5.4", "AUTH is not offered here", span_str(""));
	if (v.p == NULL || (!span_is(v, "<>") && (v.n > AUTH_VALUE || !xtext_ok(v))))
		return refuse(e, 501, "5.5.4", "AUTH takes <> or an address as xtext", span_str(""));
	return 0;
}

/* RFC 4865: not both, nor one twice, which mail_one sees by the same bit. */
static int
mail_hold(struct span v, bool until, const struct offer *o, struct mail_params *out, struct err *e)
{
	uint64_t s;
	bool right;

	if (o->hold_s == 0)
		return refuse(e, 555, "5.5.4", "FUTURERELEASE is not offered here", span_str(""));
	if (until) {
		right = v.p != NULL && v.n < PARAM_HOLD - sizeof "until;" && clock_iso_read(v, &out->release_us) &&
		    out->release_us > o->now_us;
	} else {
		right = v.p != NULL && v.n <= HOLD_DIGITS && span_u64(v, UINT64_MAX, &s) && s > 0 && v.p[0] != '0';
		out->release_us = right ? o->now_us + (int64_t)s * 1000000 : 0;
	}
	if (!right)
		return refuse(e, 501, "5.5.4", until ? "HOLDUNTIL takes a time to come, 2026-12-01T08:00:00Z" :
		    "HOLDFOR takes a number of seconds", span_str(""));
	if (out->release_us > o->now_us + (int64_t)o->hold_s * 1000000)
		return refuse(e, 501, "5.5.4", "a message is not held so long here", span_str(""));
	snprintf(out->hold, sizeof out->hold, "%s;%.*s", until ? "until" : "for", (int)v.n, (const char *)v.p);
	return 0;
}

/* RFC 6710, 7: priority-value, "-0" is none. */
static int
mail_priority(struct span v, const struct offer *o, int8_t *priority, struct err *e)
{
	bool minus = v.n == 2 && v.p[0] == '-';
	struct span digit = span_sub(v, minus, v.n);

	if (!o->priority)
		return refuse(e, 555, "5.5.4", "MT-PRIORITY is not offered here", span_str(""));
	if (v.p == NULL || digit.n != 1 || !ascii_digit(digit.p[0]) || (minus && digit.p[0] == '0'))
		return refuse(e, 501, "5.5.2", "MT-PRIORITY takes a number from -9 to 9", span_str(""));
	*priority = (int8_t)(minus ? '0' - digit.p[0] : digit.p[0] - '0');
	return 0;
}

/* RFC 2852, 4: by-time ";" by-mode [by-trace]; what is past already can only be told (by-mode N). */
static int
mail_by(struct span v, const struct offer *o, struct mail_params *out, struct err *e)
{
	size_t semi = span_find(v, ';');
	struct span time = span_sub(v, 0, semi), mode = span_sub(v, semi + 1, v.n);
	bool sign = time.n > 0 && (time.p[0] == '-' || time.p[0] == '+'), right;
	struct span digits = span_sub(time, sign, time.n);
	uint64_t n = 0;
	int64_t s;

	right = v.p != NULL && digits.n > 0 && digits.n <= BY_DIGITS && span_u64(digits, UINT64_MAX, &n) && mode.n > 0 &&
	    (mode.n == 1 || (mode.n == 2 && ascii_upper(mode.p[1]) == 'T')) &&
	    (ascii_upper(mode.p[0]) == 'R' || ascii_upper(mode.p[0]) == 'N');
	s = sign && time.p[0] == '-' ? -(int64_t)n : (int64_t)n;
	if (!right || (ascii_upper(mode.p[0]) == 'R' && s <= 0))
		return refuse(e, 501, "5.5.4", "BY takes a number of seconds, ';', N or R (that not in the past) and maybe T",
		    span_str(""));
	out->by_us = o->now_us + s * 1000000;
	out->by = (uint8_t)((ascii_upper(mode.p[0]) == 'R' ? BY_RETURN : 0) | (mode.n == 2 ? BY_TRACE : 0));
	return 0;
}

/* --- RFC 3461 --- */

static int
mail_ret(struct span v, uint8_t *ret, struct err *e)
{
	if (v.p != NULL && span_isi(v, "FULL"))
		*ret = RET_FULL;
	else if (v.p != NULL && span_isi(v, "HDRS"))
		*ret = RET_HDRS;
	else
		return refuse(e, 501, "5.5.4", "RET takes FULL or HDRS", span_str(""));
	return 0;
}

static int
mail_envid(struct span v, struct span *envid, struct err *e)
{
	if (v.p == NULL || !xtext_envid_ok(v))
		return refuse(e, 501, "5.5.4", "ENVID takes printable text as xtext, at most "
		    "100 octets", span_str(""));
	*envid = v;
	return 0;
}

static int
rcpt_orcpt(struct span v, bool smtputf8, struct span *orcpt, struct err *e)
{
	if (v.p == NULL || !xtext_orcpt_ok(v, smtputf8))
		return refuse(e, 501, "5.5.4", "ORCPT takes a type, ';' and a printable address as "
		    "xtext, at most 500 octets", span_str(""));
	*orcpt = v;
	return 0;
}

/* "NEVER" / 1#( "SUCCESS" / "FAILURE" / "DELAY" ), without the empty elements of RFC 822's lists. */
static int
rcpt_notify(struct span v, uint8_t *notify, struct err *e)
{
	static const struct { const char *word; uint8_t bit; } words[] = {
		{ "SUCCESS", NOTIFY_SUCCESS }, { "FAILURE", NOTIFY_FAILURE },
		{ "DELAY", NOTIFY_DELAY },
	};
	bool more = v.n > 0, right = more;
	uint8_t bits = 0;

	if (span_isi(v, "NEVER")) {
		*notify = NOTIFY_NEVER;
		return 0;
	}
	while (more && right) {
		struct span word = span_sub(v, 0, span_find(v, ','));
		size_t i = 0;

		while (i < 3 && !span_isi(word, words[i].word))
			i++;
		right = i < 3;
		bits |= right ? words[i].bit : 0;
		more = word.n < v.n;
		v = span_sub(v, word.n + 1, v.n);
	}
	if (!right)
		return refuse(e, 501, "5.5.4", "NOTIFY takes NEVER, or SUCCESS, FAILURE and DELAY with "
		    "commas", span_str(""));
	*notify = bits;
	return 0;
}

static int
mail_one(const struct param *p, const struct offer *o, struct mail_params *out, unsigned *seen,
    struct err *e)
{
	enum { SIZE, BODY, RET, ENVID, SMTPUTF8, HOLDFOR, HOLDUNTIL, PRIORITY, BY, AUTH, CONPERM, COUNT };	/* all but the last with EHLO alone */
	static const char *const known[] = { "SIZE", "BODY", "RET", "ENVID", "SMTPUTF8", "HOLDFOR", "HOLDUNTIL",
	    "MT-PRIORITY", "BY", "AUTH", "CONPERM" };
	unsigned k = 0, bit;

	while (k < COUNT && !span_isi(p->key, known[k]))
		k++;
	if (k == COUNT || (k < CONPERM && !o->esmtp))
		return refuse(e, 555, "5.5.4", "MAIL parameter not known: ", p->key);
	bit = 1u << (k == HOLDUNTIL ? HOLDFOR : k);	/* one of them excludes the other */
	if (*seen & bit)
		return refuse(e, 501, "5.5.4", "MAIL parameter given twice: ", p->key);
	*seen |= bit;
	switch (k) {
	case SIZE: return mail_size(p->value, o, &out->size, e);
	case BODY: return mail_body(p->value, &out->body, e);
	case RET: return mail_ret(p->value, &out->ret, e);
	case ENVID: return mail_envid(p->value, &out->envid, e);
	case SMTPUTF8: return mail_smtputf8(p->value, o, &out->smtputf8, e);
	case AUTH: return mail_auth(p->value, o, e);
	case HOLDFOR:
	case HOLDUNTIL: return mail_hold(p->value, k == HOLDUNTIL, o, out, e);
	case PRIORITY: return mail_priority(p->value, o, &out->priority, e);
	case BY: return mail_by(p->value, o, out, e);
	default: return mail_conperm(p->value, o, &out->conperm, e);
	}
}

int
param_mail(struct span in, const struct offer *o, struct mail_params *out, struct err *e)
{
	struct cur c = cur_of(in);
	struct param p;
	unsigned seen = 0;
	int r, code;

	*out = (struct mail_params){ 0 };
	while ((r = take_param(&c, NULL, &p)) == 1)
		if ((code = mail_one(&p, o, out, &seen, e)) != 0)
			return code;
	return r == 0 ? 0 : refuse(e, 501, "5.5.4", "MAIL parameters malformed", span_str(""));
}

/* The argument selects the dialect; nothing is guessed. */
static int
rcpt_conneg(struct span v, uint8_t *ask, struct err *e)
{
	if (v.p == NULL)
		*ask = CONNEG_BARE;
	else if (span_isi(v, "REQUIRED"))
		*ask = CONNEG_REQUIRED;
	else if (span_isi(v, "OPTIONAL") || span_isi(v, "OPTIOANL"))	/* the draft's own slip */
		*ask = CONNEG_OPTIONAL;
	else
		return refuse(e, 501, "5.5.4", "CONNEG takes REQUIRED, OPTIONAL or nothing",
		    span_str(""));
	return 0;
}

/* DRUCOF: the recipient gets what it can use, or nothing; PREFER: or else what there is. */
static int
rcpt_drucof(struct span v, const struct offer *o, uint8_t *drucof, struct err *e)
{
	if (v.p == NULL || span_isi(v, "REQUIRE"))
		*drucof = DRUCOF_REQUIRE;
	else if (span_isi(v, "PREFER"))
		*drucof = DRUCOF_PREFER;
	else
		return refuse(e, 501, "5.5.4", "DRUCOF takes REQUIRE, PREFER or nothing", span_str(""));
	return o->drucof ? 0 : refuse(e, 504, "5.3.3", "DRUCOF is not offered here", span_str(""));
}

static int
rcpt_one(const struct param *p, const struct offer *o, bool smtputf8, struct rcpt_params *out,
    unsigned *seen, struct err *e)
{
	enum { NOTIFY, ORCPT, CONNEG, DRUCOF, COUNT };	/* the first two with EHLO alone */
	static const char *const known[] = { "NOTIFY", "ORCPT", "CONNEG", "DRUCOF" };
	unsigned k = 0;

	while (k < COUNT && !span_isi(p->key, known[k]))
		k++;
	if (k == COUNT || (k < CONNEG && !o->esmtp))
		return refuse(e, 555, "5.5.4", "RCPT parameter not known: ", p->key);
	if (*seen & 1u << k)
		return refuse(e, 501, "5.5.4", "RCPT parameter given twice: ", p->key);
	*seen |= 1u << k;
	switch (k) {
	case NOTIFY: return rcpt_notify(p->value, &out->notify, e);
	case ORCPT: return rcpt_orcpt(p->value, smtputf8, &out->orcpt, e);
	case CONNEG: return rcpt_conneg(p->value, &out->conneg, e);
	default: return rcpt_drucof(p->value, o, &out->drucof, e);
	}
}

int
param_rcpt(struct span in, const struct offer *o, bool smtputf8, struct rcpt_params *out, struct err *e)
{
	struct cur c = cur_of(in);
	struct param p;
	unsigned seen = 0;
	int r, code;

	*out = (struct rcpt_params){ .conneg = CONNEG_NO };
	while ((r = take_param(&c, "CONNEG", &p)) == 1)
		if ((code = rcpt_one(&p, o, smtputf8, out, &seen, e)) != 0)
			return code;
	if (r == -1)
		return refuse(e, 501, "5.5.4", "RCPT parameters malformed", span_str(""));
	if (o->conneg || out->conneg == CONNEG_NO)
		return 0;
	if (out->conneg != CONNEG_OPTIONAL)
		return refuse(e, 504, "5.3.3", "CONNEG is not offered here", span_str(""));
	out->conneg = CONNEG_NO;	/* D03 4.3: as if it were not there */
	return 0;
}
