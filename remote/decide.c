/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/decide.h"

#include <stddef.h>

/* A column of a yes-or-no fact: the values for which the row stands. */
enum { N = 1, Y = 2, X = 3 };

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

/* The first row that stands for the facts.  X: either. */
static const struct mail_row mail_rows[] = {
	/*        P  null hP hN ref want strict */
	{ "B11",  X, Y,   X, X, X,  X,   X, MAIL_SEND, false, NULL, NULL },
	{ "B1",   N, N,   X, N, X,  X,   X, MAIL_SEND, false, NULL, NULL },
	{ "B2e",  N, N,   X, Y, X,  N,   X, MAIL_SEND, false, NULL, NULL },
	{ "B2",   N, N,   X, Y, X,  Y,   X, MAIL_ASK, false, NULL, NULL },
	{ "B8",   Y, N,   X, X, Y,  X,   X, MAIL_REFUSE, false, "5.6.3", not_taken },
	{ "B3",   Y, N,   N, N, N,  X,   X, MAIL_REFUSE, false, "5.6.3", no_support },
	{ "B3",   Y, N,   N, Y, N,  X,   Y, MAIL_REFUSE, false, "5.6.3", no_conperm },
	{ "B6",   Y, N,   N, Y, N,  X,   N, MAIL_ASK, false, NULL, NULL },
	{ "B4",   Y, N,   Y, N, N,  X,   X, MAIL_SEND, true, NULL, NULL },
	{ "B5",   Y, N,   Y, Y, N,  X,   X, MAIL_ASK, true, NULL, NULL },
};

const struct mail_row *
decide_mail(const struct mail_facts *f)
{
	for (size_t i = 0; i < sizeof mail_rows / sizeof *mail_rows; i++) {
		const struct mail_row *r = &mail_rows[i];

		if (r->conperm & bit(f->conperm) && r->report & bit(f->report) &&
		    r->hop_conperm & bit(f->hop_conperm) && r->hop_conneg & bit(f->hop_conneg) &&
		    r->refused & bit(f->refused) && r->wanted & bit(f->wanted) &&
		    r->strict & bit(f->strict))
			return r;
	}
	return NULL;
}

enum {
	NONE = CAPS_NONE, GIVEN = CAPS_GIVEN, LATER = CAPS_LATER, CAPS = NONE | GIVEN | LATER,
	FITS = FATE_FITS, CONV = FATE_CONVERTS, EMPTY = FATE_EMPTY,
	FATE = FATE_UNKNOWN | FITS | CONV | EMPTY,
	NOT = RUN_NOT, FAIL = RUN_FAILED, BUSY = RUN_BUSY, RUN = NOT | FAIL | BUSY
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
};

const struct rcpt_row *
decide_rcpt(const struct rcpt_facts *f)
{
	for (size_t i = 0; i < sizeof rcpt_rows / sizeof *rcpt_rows; i++) {
		const struct rcpt_row *r = &rcpt_rows[i];

		if (r->conperm & bit(f->conperm) && r->hop_conperm & bit(f->hop_conperm) &&
		    r->caps & f->caps && r->fate & f->fate && r->run & f->run &&
		    r->permission & bit(f->permission) && r->null_fails & bit(f->null_fails) &&
		    r->unknown_fails & bit(f->unknown_fails) &&
		    r->tries_left & bit(f->tries_left) && r->last_try & bit(f->last_try))
			return r;
	}
	return NULL;
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
