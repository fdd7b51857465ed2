/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/decide.h"

#include <stddef.h>

/* A column of a yes-or-no fact: the values for which the row stands.  S: a yes of a message that is signed
 * as a whole. */
enum { N = 1, Y = 2, S = 4, X = N | Y | S };

static unsigned
bit(bool fact)
{
	return fact ? Y : N;
}

static const char no_support[] = "the next hop takes neither CONPERM nor CONNEG, and the sender "
    "demands that conversion is safeguarded";
static const char no_conperm[] = "the next hop does not take CONPERM, and the settings ask for it";
static const char not_taken[] = "the next hop offers CONPERM but does not take it";
static const char no_caps[] = "the next hop, without CONPERM, says nothing of what this recipient "
    "takes";
static const char unknown[] = "the next hop says nothing of what this recipient takes";
static const char empty[] = "no form that the sender permits, the recipient takes and we can make";
static const char failed[] = "the conversion that this recipient needs failed";
static const char busy[] = "no conversion possible at present";
static const char no_way[] = "the next hop takes neither DRUCOF nor a question of what this recipient can "
    "use, and the sender wants it to get that or nothing";
static const char unavailable[] = "the next hop does not say what this recipient can use, and takes no "
    "DRUCOF";
static const char ours_not_now[] = "what this recipient takes cannot be looked up here at present";
static const char not_now[] = "the next hop cannot say now what this recipient can use, and takes no DRUCOF";
static const char unusable[] = "the recipient cannot use the content, and it may not or cannot be "
    "converted here, and the next hop takes no DRUCOF";

struct mail_row {
	const char *name;
	unsigned conperm, report, hop_conperm, hop_conneg, refused, wanted, strict;
	enum mail_action action;
	bool with_conperm;
	const char *dsn, *why;
};

/* The first row that stands for the facts.  X: either. */
static const struct mail_row mail_rows[] = {
	/*        P  null hP hN ref want strict */
	{ "B11",  X, Y,   X, X, X,  X,   X, MAIL_SEND, false, NULL, NULL },
	{ "B1",   N, N,   X, N, X,  X,   X, MAIL_SEND, false, NULL, NULL },
	{ "B2e",  N, N,   X, Y, X,  N,   X, MAIL_SEND, false, NULL, NULL },
	{ "B2",   N, N,   X, Y, X,  Y,   X, MAIL_ASK, false, NULL, NULL },
	{ "B8",   Y, N,   X, X, Y,  X,   X, MAIL_REFUSE, false, "5.6.3", not_taken },
	{ "ENS",  Y, N,   N, N, N,  X,   N, MAIL_KNOWN, false, NULL, NULL },
	{ "B3",   Y, N,   N, N, N,  X,   X, MAIL_REFUSE, false, "5.6.3", no_support },
	{ "B3",   Y, N,   N, Y, N,  X,   Y, MAIL_REFUSE, false, "5.6.3", no_conperm },
	{ "B6",   Y, N,   N, Y, N,  X,   N, MAIL_ASK, false, NULL, NULL },
	{ "ENS",  Y, N,   Y, N, N,  X,   X, MAIL_KNOWN, true, NULL, NULL },
	{ "B4",   Y, N,   Y, N, N,  X,   X, MAIL_SEND, true, NULL, NULL },
	{ "B5",   Y, N,   Y, Y, N,  X,   X, MAIL_ASK, true, NULL, NULL },
};

static const struct mail_row *
mail_row(const struct mail_facts *f)
{
	for (size_t i = 0; i < sizeof mail_rows / sizeof *mail_rows; i++) {
		const struct mail_row *r = &mail_rows[i];

		if (r->conperm & bit(f->conperm) && r->report & bit(f->report) &&
		    r->hop_conperm & bit(f->hop_conperm) && r->hop_conneg & bit(f->hop_conneg) &&
		    r->refused & bit(f->refused) && r->wanted & bit(f->wanted) &&
		    r->strict & bit(f->strict) && (r->action != MAIL_KNOWN || f->ensured))
			return r;
	}
	return NULL;
}

enum {
	NONE = CAPS_NONE, GIVEN = CAPS_GIVEN, LATER = CAPS_LATER, UNASKED = CAPS_UNASKED, OURS = CAPS_OURS,
	AWAY = CAPS_OURS_LATER, KNOWN = GIVEN | OURS,
	CAPS = NONE | KNOWN | LATER | AWAY | UNASKED,
	FITS = FATE_FITS, CONV = FATE_CONVERTS, EMPTY = FATE_EMPTY,
	FATE = FATE_UNKNOWN | FITS | CONV | EMPTY,
	NOT = RUN_NOT, FAIL = RUN_FAILED, BUSY = RUN_BUSY, RUN = NOT | FAIL | BUSY
};

struct rcpt_row {
	const char *name;
	unsigned conperm, hop_conperm, caps, fate, run, permission, null_fails, unknown_fails, tries_left,
	    last_try;
	enum rcpt_action action;
	const char *dsn, *why;
};

static const struct rcpt_row rcpt_rows[] = {
	/*        P  hP caps   fate   run   perm null unk tries last */
	{ "B10",  X, X, LATER, FATE,  RUN,  X,   X,   X,  Y,    X, ACT_DEFER_TRY, NULL, NULL },
	{ "B10",  X, X, LATER, FATE,  RUN,  X,   X,   X,  N,    X, ACT_BARE, NULL, NULL },

	{ "B2a",  N, X, NONE,  FATE,  RUN,  X,   X,   X,  X,    X, ACT_ORIGINAL, NULL, NULL },
	{ "B2d",  N, X, GIVEN, FATE, FAIL | BUSY, X, X, X, X,     X, ACT_ORIGINAL, NULL, NULL },
	{ "B2b",  N, X, GIVEN, FITS,  NOT,  X,   X,   X,  X,    X, ACT_ORIGINAL, NULL, NULL },
	{ "B2e",  N, X, GIVEN, FATE,  NOT,  N,   X,   X,  X,    X, ACT_ORIGINAL, NULL, NULL },
	{ "B2c",  N, X, GIVEN, CONV,  NOT,  Y,   X,   X,  X,    X, ACT_CONVERT, NULL, NULL },
	{ "B2f",  N, X, GIVEN, CONV,  NOT,  S,   X,   X,  X,    X, ACT_ORIGINAL, NULL, NULL },
	{ "B2d",  N, X, GIVEN, FATE,  NOT,  X,   X,   X,  X,    X, ACT_ORIGINAL, NULL, NULL },

	{ "B5a",  Y, Y, NONE,  FATE,  RUN,  X,   X,   N,  X,    X, ACT_SEPARATE, NULL, NULL },
	{ "B5a",  Y, Y, NONE,  FATE,  RUN,  X,   X,   Y,  X,    X, ACT_REFUSE, "5.6.5", unknown },
	{ "B6c",  Y, N, NONE,  FATE,  RUN,  X,   X,   X,  X,    X, ACT_REFUSE, "5.6.3", no_caps },
	{ "B5e",  Y, X, GIVEN, FATE,  FAIL, X,   X,   X,  X,    X, ACT_REFUSE, "5.6.5", failed },
	{ "B5f",  Y, X, GIVEN, FATE,  BUSY, X,   X,   X,  X,    N, ACT_DEFER, "4.6.5", busy },
	{ "B5f",  Y, X, GIVEN, FATE,  BUSY, X,   X,   X,  X,    Y, ACT_REFUSE, "5.6.5", busy },
	{ "B5b",  Y, Y, GIVEN, FITS,  NOT,  X,   X,   X,  X,    X, ACT_ORIGINAL, NULL, NULL },
	{ "B5c",  Y, Y, GIVEN, CONV,  NOT,  X,   X,   X,  X,    X, ACT_CONVERT, NULL, NULL },
	{ "B5d",  Y, Y, GIVEN, FATE,  NOT,  X,   N,   X,  X,    X, ACT_ORIGINAL, NULL, NULL },
	{ "B5d",  Y, Y, GIVEN, FATE,  NOT,  X,   Y,   X,  X,    X, ACT_REFUSE, "5.6.5", empty },
	{ "B6a",  Y, N, GIVEN, FITS,  NOT,  X,   X,   X,  X,    X, ACT_ORIGINAL, NULL, NULL },
	{ "B6b",  Y, N, GIVEN, CONV,  NOT,  X,   X,   X,  X,    X, ACT_CONVERT, NULL, NULL },
	{ "B6c",  Y, N, GIVEN, FATE,  NOT,  X,   X,   X,  X,    X, ACT_REFUSE, "5.6.5", empty },

	{ "ENS",  Y, X, AWAY,  FATE,  RUN,  X,   X,   X,  X,    X, ACT_DEFER, "4.3.3", ours_not_now },
	{ "B5e",  Y, X, OURS,  FATE,  FAIL, X,   X,   X,  X,    X, ACT_REFUSE, "5.6.5", failed },
	{ "B5f",  Y, X, OURS,  FATE,  BUSY, X,   X,   X,  X,    N, ACT_DEFER, "4.6.5", busy },
	{ "B5f",  Y, X, OURS,  FATE,  BUSY, X,   X,   X,  X,    Y, ACT_REFUSE, "5.6.5", busy },
	{ "ENSa", Y, X, OURS,  FITS,  NOT,  X,   X,   X,  X,    X, ACT_ORIGINAL, NULL, NULL },
	{ "ENSb", Y, X, OURS,  CONV,  NOT,  X,   X,   X,  X,    X, ACT_CONVERT, NULL, NULL },
	{ "ENSd", Y, Y, OURS,  FATE,  NOT,  X,   N,   X,  X,    X, ACT_ORIGINAL, NULL, NULL },
	{ "ENSc", Y, X, OURS,  FATE,  NOT,  X,   X,   X,  X,    X, ACT_REFUSE, "5.6.5", empty },
};

static const struct rcpt_row *
rcpt_row(const struct rcpt_facts *f)
{
	unsigned permission = f->permission && f->signed_whole ? S : bit(f->permission);

	for (size_t i = 0; i < sizeof rcpt_rows / sizeof *rcpt_rows; i++) {
		const struct rcpt_row *r = &rcpt_rows[i];

		if (r->conperm & bit(f->conperm) && r->hop_conperm & bit(f->hop_conperm) &&
		    r->caps & f->caps && r->fate & f->fate && r->run & f->run &&
		    r->permission & permission && r->null_fails & bit(f->null_fails) &&
		    r->unknown_fails & bit(f->unknown_fails) &&
		    r->tries_left & bit(f->tries_left) && r->last_try & bit(f->last_try))
			return r;
	}
	return NULL;
}

enum drucof_action {
	USABLE,		/* as it is, without DRUCOF: it has done its work */
	USABLE_SO,	/* converted, without DRUCOF */
	RELAY,		/* as it is, with DRUCOF: a later one may be able to */
	ASK, DEFER, REFUSE
};

struct drucof_row {
	const char *name;
	unsigned conneg, relays, late, caps, fate, run, last_try;
	enum drucof_action action;
	const char *dsn, *why;
};

static const struct drucof_row drucof_rows[] = {
	/*        hN hD late caps    fate   run  last */
	{ "D7",   N, N, X, CAPS,    FATE,  RUN,  X, REFUSE, "5.6.3", no_way },
	{ "D6",   N, Y, X, CAPS,    FATE,  RUN,  X, RELAY, NULL, NULL },
	{ "D6",   Y, Y, Y, CAPS,    FATE,  RUN,  X, RELAY, NULL, NULL },
	{ "D1",   Y, X, X, UNASKED, FATE,  RUN,  X, ASK, NULL, NULL },
	{ "D4",   Y, Y, X, NONE | LATER | AWAY, FATE, RUN, X, RELAY, NULL, NULL },
	{ "D5",   Y, N, X, LATER | AWAY, FATE,  RUN,  X, DEFER, "4.6.3", not_now },
	{ "D5",   Y, N, X, NONE,    FATE,  RUN,  X, REFUSE, "5.6.3", unavailable },
	{ "D1",   Y, X, X, KNOWN,   FITS,  NOT,  X, USABLE, NULL, NULL },
	{ "D1",   Y, X, X, KNOWN,   CONV,  NOT,  X, USABLE_SO, NULL, NULL },
	{ "D2",   Y, Y, X, KNOWN,   FATE,  RUN,  X, RELAY, NULL, NULL },
	{ "D3",   Y, N, X, KNOWN,   FATE,  BUSY, N, DEFER, "4.6.5", busy },
	{ "D3",   Y, N, X, KNOWN,   FATE,  BUSY, Y, REFUSE, "5.6.5", busy },
	{ "D3",   Y, N, X, KNOWN,   FATE,  FAIL, X, REFUSE, "5.6.5", failed },
	{ "D3",   Y, N, X, KNOWN,   FATE,  NOT,  X, REFUSE, NULL, unusable },
};

static const struct drucof_row *
drucof_row(const struct drucof_facts *f)
{
	for (size_t i = 0; i < sizeof drucof_rows / sizeof *drucof_rows; i++) {
		const struct drucof_row *r = &drucof_rows[i];

		if (r->conneg & bit(f->conneg) && r->relays & bit(f->relays) && r->late & bit(f->late) &&
		    r->caps & f->caps && r->fate & f->fate && r->run & f->run && r->last_try & bit(f->last_try))
			return r;
	}
	return NULL;
}

/* --- what the tables say together --- */

void
decide_mail(const struct mail_facts *f, struct mail_decision *out)
{
	const struct mail_row *b = mail_row(f);
	struct drucof_facts facts = { .conneg = f->hop_conneg || b->action == MAIL_KNOWN, .late = f->late,
	    .caps = CAPS_UNASKED, .fate = FATE_UNKNOWN, .run = RUN_NOT, .relays = f->relays };
	const struct drucof_row *d;

	*out = (struct mail_decision){ b->name, b->action, b->with_conperm, false, false, b->dsn, b->why };
	if (f->report || (f->conperm && b->action == MAIL_REFUSE))
		return;
	if (f->drucof != DRUCOF_REQUIRE) {
		out->drucof = f->drucof == DRUCOF_PREFER && f->hop_prefer;
		return;
	}
	d = drucof_row(&facts);
	out->drucof = d->action == RELAY;
	out->usable = d->action == ASK;
	if (f->conperm && d->action != REFUSE)
		return;
	out->row = d->name;
	out->action = d->action == REFUSE ? MAIL_REFUSE : d->action == ASK ? MAIL_ASK : MAIL_SEND;
	out->conperm = false;
	out->dsn = d->dsn;
	out->why = d->why;
}

static struct rcpt_decision
drucof_decision(const struct drucof_row *d)
{
	static const enum rcpt_action as[] = { [USABLE] = ACT_ORIGINAL, [USABLE_SO] = ACT_CONVERT,
	    [RELAY] = ACT_ORIGINAL, [DEFER] = ACT_DEFER, [REFUSE] = ACT_REFUSE };

	return (struct rcpt_decision){ d->name, as[d->action], d->action == RELAY, d->dsn, d->why };
}

void
decide_rcpt(const struct rcpt_facts *b, const struct drucof_facts *d, struct rcpt_decision *out)
{
	const struct rcpt_row *row = b == NULL ? NULL : rcpt_row(b);
	struct rcpt_decision two;

	if (row != NULL)
		*out = (struct rcpt_decision){ row->name, row->action, false, row->dsn, row->why };
	if (d == NULL || (row != NULL && row->action == ACT_REFUSE))
		return;
	two = drucof_decision(drucof_row(d));
	if (row == NULL || two.action == ACT_REFUSE)
		*out = two;
	else if (row->action == ACT_SEPARATE)
		out->drucof = two.drucof;
	else if ((row->action == ACT_ORIGINAL || row->action == ACT_CONVERT) &&
	    (two.action != row->action || two.drucof))	/* what a recipient can use is for the rows D to say */
		*out = two;
}

bool
decide_unsupported(unsigned code)
{
	static const unsigned codes[] = { 500, 501, 502, 504, 555 };

	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (codes[i] == code)
			return true;
	return false;
}
