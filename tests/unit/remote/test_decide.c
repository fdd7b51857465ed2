/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/decide.h"

#include <string.h>

#include "tests/unit/suites.h"

static const struct {
	struct mail_facts f;
	const char *row;
	enum mail_action action;
	bool with_conperm;
	const char *dsn;
} mails[] = {
	/* R1, R35: what EHLO did not list is not used */
	{ { .conperm = false }, "B1", MAIL_SEND, false, NULL },
	{ { .conperm = false, .hop_conperm = true }, "B1", MAIL_SEND, false, NULL },
	{ { .conperm = false, .hop_conperm = true, .wanted = true }, "B1", MAIL_SEND, false, NULL },
	/* R8 */
	{ { .hop_conneg = true }, "B2e", MAIL_SEND, false, NULL },
	{ { .hop_conneg = true, .hop_conperm = true }, "B2e", MAIL_SEND, false, NULL },
	{ { .hop_conneg = true, .wanted = true }, "B2", MAIL_ASK, false, NULL },
	/* R3, R4 */
	{ { .conperm = true }, "B3", MAIL_REFUSE, false, "5.6.3" },
	{ { .conperm = true, .wanted = true, .strict = true }, "B3", MAIL_REFUSE, false, "5.6.3" },
	{ { .conperm = true, .hop_conneg = true, .strict = true }, "B3", MAIL_REFUSE, false, "5.6.3" },
	{ { .conperm = true, .hop_conneg = true }, "B6", MAIL_ASK, false, NULL },
	/* R2, R22 */
	{ { .conperm = true, .hop_conperm = true }, "B4", MAIL_SEND, true, NULL },
	{ { .conperm = true, .hop_conperm = true, .strict = true }, "B4", MAIL_SEND, true, NULL },
	/* R7 */
	{ { .conperm = true, .hop_conperm = true, .hop_conneg = true }, "B5", MAIL_ASK, true, NULL },
	{ { .conperm = true, .hop_conperm = true, .hop_conneg = true, .refused = true }, "B8",
	    MAIL_REFUSE, false, "5.6.3" },
	{ { .conperm = true, .hop_conperm = true, .refused = true }, "B8", MAIL_REFUSE, false,
	    "5.6.3" },
	{ { .conperm = true, .report = true }, "B11", MAIL_SEND, false, NULL },
	{ { .conperm = true, .report = true, .hop_conperm = true, .hop_conneg = true,
	    .wanted = true, .strict = true }, "B11", MAIL_SEND, false, NULL },
	{ { .report = true, .hop_conneg = true, .wanted = true }, "B11", MAIL_SEND, false, NULL },
	{ { .conperm = true, .ensured = true }, "ENS", MAIL_KNOWN, false, NULL },
	{ { .conperm = true, .ensured = true, .strict = true }, "B3", MAIL_REFUSE, false, "5.6.3" },
	{ { .conperm = true, .ensured = true, .report = true }, "B11", MAIL_SEND, false, NULL },
	{ { .conperm = true, .ensured = true, .hop_conperm = true }, "ENS", MAIL_KNOWN, true, NULL },
	{ { .conperm = true, .ensured = true, .hop_conneg = true }, "B6", MAIL_ASK, false, NULL },
	{ { .ensured = true }, "B1", MAIL_SEND, false, NULL },
};

START_TEST(mail_row_is_found)
{
	struct mail_decision d;

	decide_mail(&mails[_i].f, &d);
	ck_assert_str_eq(d.row, mails[_i].row);
	ck_assert_int_eq(d.action, mails[_i].action);
	ck_assert_int_eq(d.conperm, mails[_i].with_conperm);
	ck_assert_pstr_eq(d.dsn, mails[_i].dsn);
	ck_assert_int_eq(d.action == MAIL_REFUSE, d.why != NULL);
	ck_assert(!d.drucof && !d.usable);
}
END_TEST

#define REQ .drucof = DRUCOF_REQUIRE
#define PRE .drucof = DRUCOF_PREFER
#define BOTH .conperm = true, .hop_conperm = true, REQ

/* The digest, c.3 and c.5, as far as EHLO decides. */
static const struct {
	struct mail_facts f;
	const char *row;
	enum mail_action action;
	bool with_conperm, with_drucof, usable;
	const char *dsn;
} drucof_mails[] = {
	{ { REQ }, "D7", MAIL_REFUSE, false, false, false, "5.6.3" },
	{ { REQ, .hop_conperm = true }, "D7", MAIL_REFUSE, false, false, false, "5.6.3" },
	{ { REQ, .hop_prefer = true }, "D7", MAIL_REFUSE, false, false, false, "5.6.3" },
	{ { REQ, .relays = true }, "D6", MAIL_SEND, false, true, false, NULL },
	{ { REQ, .relays = true, .late = true }, "D6", MAIL_SEND, false, true, false, NULL },
	{ { REQ, .hop_conneg = true }, "D1", MAIL_ASK, false, false, true, NULL },
	{ { REQ, .hop_conneg = true, .relays = true }, "D1", MAIL_ASK, false, false, true, NULL },
	{ { REQ, .hop_conneg = true, .relays = true, .late = true }, "D6", MAIL_SEND, false, true, false, NULL },
	{ { REQ, .hop_conneg = true, .late = true }, "D1", MAIL_ASK, false, false, true, NULL },
	{ { REQ, .report = true }, "B11", MAIL_SEND, false, false, false, NULL },
	{ { REQ, .report = true, .hop_conneg = true, .relays = true, .hop_prefer = true }, "B11", MAIL_SEND, false,
	    false, false, NULL },
	{ { PRE, .report = true, .relays = true, .hop_prefer = true }, "B11", MAIL_SEND, false, false, false, NULL },
	/* under CONPERM too: both are needed, and the first that fails counts */
	{ { BOTH, .relays = true }, "B4", MAIL_SEND, true, true, false, NULL },
	{ { BOTH }, "D7", MAIL_REFUSE, false, false, false, "5.6.3" },
	{ { .conperm = true, REQ }, "B3", MAIL_REFUSE, false, false, false, "5.6.3" },
	{ { BOTH, .relays = true, .refused = true }, "B8", MAIL_REFUSE, false, false, false, "5.6.3" },
	{ { BOTH, .hop_conneg = true }, "B5", MAIL_ASK, true, false, true, NULL },
	{ { BOTH, .hop_conneg = true, .relays = true }, "B5", MAIL_ASK, true, false, true, NULL },
	{ { BOTH, .hop_conneg = true, .relays = true, .late = true }, "B5", MAIL_ASK, true, true, false, NULL },
	{ { .conperm = true, REQ, .hop_conneg = true }, "B6", MAIL_ASK, false, false, true, NULL },
	{ { .conperm = true, REQ, .hop_conneg = true, .strict = true }, "B3", MAIL_REFUSE, false, false, false,
	    "5.6.3" },
	/* PREFER never fails, and goes only to who knows it */
	{ { PRE }, "B1", MAIL_SEND, false, false, false, NULL },
	{ { PRE, .relays = true }, "B1", MAIL_SEND, false, false, false, NULL },
	{ { PRE, .relays = true, .hop_prefer = true }, "B1", MAIL_SEND, false, true, false, NULL },
	{ { PRE, .hop_conneg = true, .wanted = true }, "B2", MAIL_ASK, false, false, false, NULL },
	{ { PRE, .hop_conneg = true, .wanted = true, .hop_prefer = true, .late = true }, "B2", MAIL_ASK, false, true,
	    false, NULL },
	{ { PRE, .conperm = true, .hop_conperm = true, .hop_prefer = true }, "B4", MAIL_SEND, true, true, false, NULL },
};

START_TEST(drucof_decides_of_the_mail)
{
	struct mail_decision d;

	decide_mail(&drucof_mails[_i].f, &d);
	ck_assert_msg(strcmp(d.row, drucof_mails[_i].row) == 0, "%d: %s, not %s", _i, d.row, drucof_mails[_i].row);
	ck_assert_int_eq(d.action, drucof_mails[_i].action);
	ck_assert_int_eq(d.conperm, drucof_mails[_i].with_conperm);
	ck_assert_int_eq(d.drucof, drucof_mails[_i].with_drucof);
	ck_assert_int_eq(d.usable, drucof_mails[_i].usable);
	ck_assert_pstr_eq(d.dsn, drucof_mails[_i].dsn);
	ck_assert_int_eq(d.action == MAIL_REFUSE, d.why != NULL);
}
END_TEST

#define F(...) { .fate = FATE_UNKNOWN, .run = RUN_NOT, .permission = true, .tries_left = true, \
    __VA_ARGS__ }
#define GIVEN(what) .caps = CAPS_GIVEN, .fate = FATE_##what
#define P5 .conperm = true, .hop_conperm = true
#define P6 .conperm = true

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#ifdef __clang__
#pragma clang diagnostic ignored "-Winitializer-overrides"
#endif
static const struct {
	struct rcpt_facts f;
	const char *row;
	enum rcpt_action action;
	const char *dsn;
} rcpts[] = {
	{ F(.caps = CAPS_NONE), "B2a", ACT_ORIGINAL, NULL },
	{ F(.caps = CAPS_NONE, .unknown_fails = true), "B2a", ACT_ORIGINAL, NULL },
	{ F(GIVEN(FITS)), "B2b", ACT_ORIGINAL, NULL },
	{ F(GIVEN(FITS), .permission = false), "B2b", ACT_ORIGINAL, NULL },
	{ F(GIVEN(CONVERTS)), "B2c", ACT_CONVERT, NULL },		/* R9 */
	{ F(GIVEN(CONVERTS), .hop_conperm = true), "B2c", ACT_CONVERT, NULL },
	{ F(GIVEN(CONVERTS), .signed_whole = true), "B2f", ACT_ORIGINAL, NULL },
	{ F(GIVEN(CONVERTS), .signed_whole = true, .permission = false), "B2e", ACT_ORIGINAL, NULL },
	{ F(GIVEN(FITS), .signed_whole = true), "B2b", ACT_ORIGINAL, NULL },
	{ F(P5, GIVEN(CONVERTS), .signed_whole = true), "B5c", ACT_CONVERT, NULL },
	{ F(P6, GIVEN(CONVERTS), .signed_whole = true), "B6b", ACT_CONVERT, NULL },
	{ F(GIVEN(EMPTY)), "B2d", ACT_ORIGINAL, NULL },			/* R24 */
	{ F(GIVEN(EMPTY), .null_fails = true), "B2d", ACT_ORIGINAL, NULL },
	{ F(GIVEN(CONVERTS), .run = RUN_FAILED), "B2d", ACT_ORIGINAL, NULL },
	{ F(GIVEN(CONVERTS), .run = RUN_BUSY), "B2d", ACT_ORIGINAL, NULL },
	{ F(GIVEN(UNKNOWN), .run = RUN_FAILED), "B2d", ACT_ORIGINAL, NULL },
	{ F(GIVEN(CONVERTS), .permission = false), "B2e", ACT_ORIGINAL, NULL },	/* R18 */
	{ F(GIVEN(EMPTY), .permission = false), "B2e", ACT_ORIGINAL, NULL },

	{ F(P5, .caps = CAPS_NONE), "B5a", ACT_SEPARATE, NULL },	/* R21, both policies */
	{ F(P5, .caps = CAPS_NONE, .unknown_fails = true), "B5a", ACT_REFUSE, "5.6.5" },
	{ F(P5, GIVEN(FITS)), "B5b", ACT_ORIGINAL, NULL },
	{ F(P5, GIVEN(CONVERTS)), "B5c", ACT_CONVERT, NULL },		/* R10 */
	{ F(P5, GIVEN(EMPTY)), "B5d", ACT_ORIGINAL, NULL },		/* R23 */
	{ F(P5, GIVEN(EMPTY), .null_fails = true), "B5d", ACT_REFUSE, "5.6.5" },
	{ F(P5, GIVEN(CONVERTS), .run = RUN_FAILED), "B5e", ACT_REFUSE, "5.6.5" },	/* R12 */
	{ F(P5, GIVEN(UNKNOWN), .run = RUN_FAILED), "B5e", ACT_REFUSE, "5.6.5" },
	{ F(P5, GIVEN(CONVERTS), .run = RUN_BUSY), "B5f", ACT_DEFER, "4.6.5" },
	{ F(P5, GIVEN(UNKNOWN), .run = RUN_BUSY), "B5f", ACT_DEFER, "4.6.5" },
	{ F(P5, GIVEN(CONVERTS), .run = RUN_BUSY, .last_try = true), "B5f", ACT_REFUSE, "5.6.5" },

	{ F(P6, GIVEN(FITS)), "B6a", ACT_ORIGINAL, NULL },
	{ F(P6, GIVEN(CONVERTS)), "B6b", ACT_CONVERT, NULL },
	{ F(P6, .caps = CAPS_NONE), "B6c", ACT_REFUSE, "5.6.3" },
	{ F(P6, GIVEN(EMPTY)), "B6c", ACT_REFUSE, "5.6.5" },		/* R23: never unfit without it */
	{ F(P6, GIVEN(CONVERTS), .run = RUN_FAILED), "B5e", ACT_REFUSE, "5.6.5" },
	{ F(P6, GIVEN(CONVERTS), .run = RUN_BUSY), "B5f", ACT_DEFER, "4.6.5" },

	{ F(P6, .caps = CAPS_OURS, .fate = FATE_FITS), "ENSa", ACT_ORIGINAL, NULL },
	{ F(P6, .caps = CAPS_OURS, .fate = FATE_CONVERTS), "ENSb", ACT_CONVERT, NULL },
	{ F(P6, .caps = CAPS_OURS, .fate = FATE_EMPTY), "ENSc", ACT_REFUSE, "5.6.5" },
	{ F(P6, .caps = CAPS_OURS, .fate = FATE_CONVERTS, .run = RUN_FAILED), "B5e", ACT_REFUSE, "5.6.5" },
	{ F(P6, .caps = CAPS_OURS, .run = RUN_BUSY), "B5f", ACT_DEFER, "4.6.5" },
	{ F(P6, .caps = CAPS_OURS, .run = RUN_BUSY, .last_try = true), "B5f", ACT_REFUSE, "5.6.5" },
	{ F(P5, .caps = CAPS_OURS, .fate = FATE_FITS), "ENSa", ACT_ORIGINAL, NULL },
	{ F(P5, .caps = CAPS_OURS, .fate = FATE_CONVERTS, .unknown_fails = true), "ENSb", ACT_CONVERT, NULL },
	{ F(P5, .caps = CAPS_OURS, .fate = FATE_EMPTY), "ENSd", ACT_ORIGINAL, NULL },
	{ F(P5, .caps = CAPS_OURS, .fate = FATE_EMPTY, .null_fails = true), "ENSc", ACT_REFUSE, "5.6.5" },
	{ F(P5, .caps = CAPS_OURS, .fate = FATE_CONVERTS, .run = RUN_FAILED), "B5e", ACT_REFUSE, "5.6.5" },
	{ F(P5, .caps = CAPS_OURS, .run = RUN_BUSY), "B5f", ACT_DEFER, "4.6.5" },
	{ F(P5, .caps = CAPS_OURS_LATER), "ENS", ACT_DEFER, "4.3.3" },
	{ F(P6, .caps = CAPS_OURS_LATER, .last_try = true), "ENS", ACT_DEFER, "4.3.3" },

	{ F(P5, .caps = CAPS_LATER), "B10", ACT_DEFER_TRY, NULL },
	{ F(P6, .caps = CAPS_LATER), "B10", ACT_DEFER_TRY, NULL },
	{ F(.caps = CAPS_LATER), "B10", ACT_DEFER_TRY, NULL },
	{ F(.caps = CAPS_LATER, .tries_left = false), "B10", ACT_BARE, NULL },
	{ F(P5, .caps = CAPS_LATER, .tries_left = false), "B10", ACT_BARE, NULL },
};
START_TEST(rcpt_row_is_found)
{
	struct rcpt_decision r;

	decide_rcpt(&rcpts[_i].f, NULL, &r);
	ck_assert_msg(strcmp(r.row, rcpts[_i].row) == 0, "%d: %s, not %s", _i, r.row,
	    rcpts[_i].row);
	ck_assert_int_eq(r.action, rcpts[_i].action);
	ck_assert_pstr_eq(r.dsn, rcpts[_i].dsn);
	ck_assert_int_eq(r.action == ACT_REFUSE || r.action == ACT_DEFER, r.why != NULL);
	ck_assert(!r.drucof);
}
END_TEST

#define D(...) { .conneg = true, .fate = FATE_UNKNOWN, .run = RUN_NOT, __VA_ARGS__ }
#define WITHOUT { .caps = 0 }

/* c.3 for a recipient; and c.5, where rows B are in force too: caps 0 says that they are not. */
static const struct {
	struct drucof_facts d;
	struct rcpt_facts b;
	const char *row;
	enum rcpt_action action;
	bool with_drucof;
	const char *dsn;
} drucof_rcpts[] = {
	{ D(GIVEN(FITS)), WITHOUT, "D1", ACT_ORIGINAL, false, NULL },
	{ D(GIVEN(FITS), .relays = true), WITHOUT, "D1", ACT_ORIGINAL, false, NULL },
	{ D(GIVEN(CONVERTS)), WITHOUT, "D1", ACT_CONVERT, false, NULL },
	{ D(GIVEN(CONVERTS), .relays = true), WITHOUT, "D1", ACT_CONVERT, false, NULL },
	{ D(GIVEN(EMPTY), .relays = true), WITHOUT, "D2", ACT_ORIGINAL, true, NULL },
	{ D(GIVEN(CONVERTS), .run = RUN_FAILED, .relays = true), WITHOUT, "D2", ACT_ORIGINAL, true, NULL },
	{ D(GIVEN(CONVERTS), .run = RUN_BUSY, .relays = true), WITHOUT, "D2", ACT_ORIGINAL, true, NULL },
	{ D(GIVEN(EMPTY)), WITHOUT, "D3", ACT_REFUSE, false, NULL },		/* the verdict's code */
	{ D(GIVEN(CONVERTS), .run = RUN_FAILED), WITHOUT, "D3", ACT_REFUSE, false, "5.6.5" },
	{ D(GIVEN(UNKNOWN), .run = RUN_BUSY), WITHOUT, "D3", ACT_DEFER, false, "4.6.5" },
	{ D(GIVEN(UNKNOWN), .run = RUN_BUSY, .last_try = true), WITHOUT, "D3", ACT_REFUSE, false, "5.6.5" },
	{ D(.caps = CAPS_NONE, .relays = true), WITHOUT, "D4", ACT_ORIGINAL, true, NULL },
	{ D(.caps = CAPS_LATER, .relays = true), WITHOUT, "D4", ACT_ORIGINAL, true, NULL },
	{ D(.caps = CAPS_NONE), WITHOUT, "D5", ACT_REFUSE, false, "5.6.3" },
	{ D(.caps = CAPS_LATER), WITHOUT, "D5", ACT_DEFER, false, "4.6.3" },
	{ D(.caps = CAPS_LATER, .last_try = true), WITHOUT, "D5", ACT_DEFER, false, "4.6.3" },

	{ D(GIVEN(FITS)), F(P5, GIVEN(FITS)), "B5b", ACT_ORIGINAL, false, NULL },
	{ D(GIVEN(CONVERTS)), F(P5, GIVEN(CONVERTS)), "B5c", ACT_CONVERT, false, NULL },
	{ D(GIVEN(CONVERTS)), F(P5, GIVEN(EMPTY)), "D1", ACT_CONVERT, false, NULL },
	{ D(GIVEN(FITS)), F(P5, GIVEN(CONVERTS)), "D1", ACT_ORIGINAL, false, NULL },
	{ D(GIVEN(CONVERTS)), F(P5, GIVEN(EMPTY), .null_fails = true), "B5d", ACT_REFUSE, false, "5.6.5" },
	{ D(GIVEN(EMPTY), .relays = true), F(P5, GIVEN(EMPTY)), "D2", ACT_ORIGINAL, true, NULL },
	{ D(GIVEN(EMPTY), .relays = true), F(P5, GIVEN(CONVERTS)), "D2", ACT_ORIGINAL, true, NULL },
	{ D(GIVEN(EMPTY)), F(P5, GIVEN(EMPTY)), "D3", ACT_REFUSE, false, NULL },
	{ D(GIVEN(EMPTY)), F(P5, GIVEN(EMPTY), .null_fails = true), "B5d", ACT_REFUSE, false, "5.6.5" },
	{ D(.caps = CAPS_NONE, .relays = true), F(P5, .caps = CAPS_NONE), "B5a", ACT_SEPARATE, true, NULL },
	{ D(.caps = CAPS_NONE), F(P5, .caps = CAPS_NONE), "D5", ACT_REFUSE, false, "5.6.3" },
	{ D(GIVEN(CONVERTS), .run = RUN_FAILED, .relays = true), F(P5, GIVEN(CONVERTS), .run = RUN_FAILED), "B5e",
	    ACT_REFUSE, false, "5.6.5" },
	{ D(GIVEN(CONVERTS), .run = RUN_BUSY, .relays = true), F(P5, GIVEN(CONVERTS), .run = RUN_BUSY), "B5f",
	    ACT_DEFER, false, "4.6.5" },
	{ D(GIVEN(CONVERTS)), F(P6, GIVEN(CONVERTS)), "B6b", ACT_CONVERT, false, NULL },
	{ D(GIVEN(EMPTY)), F(P6, GIVEN(CONVERTS)), "D3", ACT_REFUSE, false, NULL },
	{ D(GIVEN(CONVERTS)), F(P6, GIVEN(EMPTY)), "B6c", ACT_REFUSE, false, "5.6.5" },
	{ D(.caps = CAPS_NONE), F(P6, .caps = CAPS_NONE), "B6c", ACT_REFUSE, false, "5.6.3" },
	{ D(.caps = CAPS_OURS, .fate = FATE_CONVERTS), F(P5, .caps = CAPS_OURS, .fate = FATE_CONVERTS), "ENSb",
	    ACT_CONVERT, false, NULL },
	{ D(.caps = CAPS_OURS, .fate = FATE_EMPTY, .relays = true), F(P5, .caps = CAPS_OURS, .fate = FATE_EMPTY), "D2",
	    ACT_ORIGINAL, true, NULL },
	{ D(.caps = CAPS_OURS, .fate = FATE_EMPTY), F(P5, .caps = CAPS_OURS, .fate = FATE_EMPTY), "D3", ACT_REFUSE,
	    false, NULL },
	{ D(.caps = CAPS_OURS_LATER, .relays = true), F(P5, .caps = CAPS_OURS_LATER), "ENS", ACT_DEFER, false, "4.3.3" },
};
#pragma GCC diagnostic pop

START_TEST(drucof_decides_of_the_recipient)
{
	bool both = drucof_rcpts[_i].b.caps != 0;
	struct rcpt_decision r;

	decide_rcpt(both ? &drucof_rcpts[_i].b : NULL, &drucof_rcpts[_i].d, &r);
	ck_assert_msg(strcmp(r.row, drucof_rcpts[_i].row) == 0, "%d: %s, not %s", _i, r.row, drucof_rcpts[_i].row);
	ck_assert_int_eq(r.action, drucof_rcpts[_i].action);
	ck_assert_int_eq(r.drucof, drucof_rcpts[_i].with_drucof);
	ck_assert_pstr_eq(r.dsn, drucof_rcpts[_i].dsn);
	ck_assert_int_eq(r.action == ACT_REFUSE || r.action == ACT_DEFER, r.why != NULL);
}
END_TEST

static struct rcpt_facts
facts_of(unsigned bits, enum rcpt_caps caps, enum rcpt_fate fate, enum rcpt_run run)
{
	return (struct rcpt_facts){ .conperm = bits & 1, .hop_conperm = bits & 2, .caps = caps,
	    .fate = fate, .run = run, .permission = bits & 4, .null_fails = bits & 8,
	    .unknown_fails = bits & 16, .tries_left = bits & 32, .last_try = bits & 64 };
}

/* What holds whatever the facts: no case is left out, and the promises of RFC 4141. */
static void
check_promises(const struct rcpt_facts *f)
{
	struct rcpt_decision r = { 0 };

	decide_rcpt(f, NULL, &r);
	ck_assert_ptr_nonnull(r.row);
	if (!f->conperm)		/* R24 */
		ck_assert(r.action != ACT_REFUSE && r.action != ACT_DEFER);
	if (r.action == ACT_CONVERT)
		ck_assert(f->fate == FATE_CONVERTS && f->run == RUN_NOT && f->caps & (CAPS_GIVEN | CAPS_OURS));
	if (f->conperm && !f->hop_conperm && f->caps != CAPS_LATER &&
	    r.action == ACT_ORIGINAL)	/* a hop without CONPERM never gets what does not fit */
		ck_assert(f->caps & (CAPS_GIVEN | CAPS_OURS) && f->fate == FATE_FITS);
	if (!f->permission && !f->conperm)	/* R18 */
		ck_assert(r.action != ACT_CONVERT);
}

/* DR2, DR3: under DRUCOF the original goes only to who can use it, or with DRUCOF to who takes that on; nothing
 * is converted without a list; and rows B that fail, fail. */
static void
check_drucof(const struct rcpt_facts *b, bool relays)
{
	struct drucof_facts d = { .conneg = true, .relays = relays, .caps = b->caps, .fate = b->fate, .run = b->run,
	    .last_try = b->last_try };
	const unsigned known = CAPS_GIVEN | CAPS_OURS;
	struct rcpt_decision r = { 0 }, alone = { 0 };

	decide_rcpt(b, NULL, &alone);
	decide_rcpt(b->conperm ? b : NULL, &d, &r);
	ck_assert_ptr_nonnull(r.row);
	if (r.action == ACT_ORIGINAL || r.action == ACT_SEPARATE)
		ck_assert(r.drucof ? relays : d.fate == FATE_FITS && d.run == RUN_NOT && d.caps & known);
	if (r.action == ACT_CONVERT)
		ck_assert(d.fate == FATE_CONVERTS && d.run == RUN_NOT && d.caps & known && !r.drucof);
	if (b->conperm && alone.action == ACT_REFUSE)
		ck_assert_str_eq(r.row, alone.row);
}

static void
check_all(unsigned bits, enum rcpt_caps caps)
{
	for (unsigned fate = 1; fate <= FATE_EMPTY; fate *= 2)
		for (unsigned run = 1; run <= RUN_BUSY; run *= 2) {
			struct rcpt_facts f = facts_of(bits, caps, fate, run);

			check_promises(&f);
			if (f.conperm && caps == CAPS_LATER)	/* row B10: alone */
				continue;
			check_drucof(&f, false);
			if (!f.conperm || f.hop_conperm)
				check_drucof(&f, true);
		}
}

START_TEST(every_case_has_a_row)
{
	for (unsigned bits = 0; bits < 128; bits++) {
		for (unsigned c = 1; c <= CAPS_LATER; c *= 2)
			check_all(bits, c);
		for (unsigned c = CAPS_OURS; bits & 1 && c <= CAPS_OURS_LATER; c *= 2)	/* under CONPERM alone */
			check_all(bits, c);
	}
}
END_TEST

START_TEST(every_mail_has_a_row)
{
	for (unsigned b = 0; b < 6144; b++) {
		struct mail_facts f = { b & 1, b & 2, b & 4, b & 8, b & 16, b & 32, b & 64, b / 1024 % 3, b & 128, b & 256,
		    b & 512, b >= 3072 };
		struct mail_decision d = { 0 };

		if (f.relays && f.conperm && !f.hop_conperm)
			continue;
		decide_mail(&f, &d);
		ck_assert_ptr_nonnull(d.row);
		if (d.conperm)				/* R1 */
			ck_assert(f.conperm && f.hop_conperm && !f.report && !f.refused);
		if (d.action == MAIL_ASK)		/* R35 */
			ck_assert(f.hop_conneg && !f.report);
		if (f.conperm && !f.report && !f.hop_conperm && !f.hop_conneg)
			ck_assert(d.action == MAIL_REFUSE || (f.ensured && !f.strict && !f.refused));
		if (d.drucof && d.action != MAIL_REFUSE)
			ck_assert(!f.report && (f.drucof == DRUCOF_REQUIRE ? f.relays : f.hop_prefer && f.drucof));
		if (f.drucof == DRUCOF_REQUIRE && !f.report && d.action != MAIL_REFUSE)	/* DR2 */
			ck_assert(d.drucof || d.usable);
		if (d.action == MAIL_KNOWN)
			ck_assert(f.ensured && f.conperm && !f.report && d.conperm == f.hop_conperm && !f.hop_conneg);
	}
}
END_TEST

START_TEST(unsupported_codes)
{
	static const unsigned yes[] = { 500, 501, 502, 504, 555 }, no[] = { 250, 404, 450, 503, 550, 553 };

	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
		ck_assert(decide_unsupported(yes[i]));
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		ck_assert(!decide_unsupported(no[i]));
}
END_TEST

Suite *suite_decide(void);

Suite *
suite_decide(void)
{
	Suite *s = suite_create("decide");
	TCase *tc = tcase_create("decide");

	tcase_add_loop_test(tc, mail_row_is_found, 0, (int)(sizeof mails / sizeof *mails));
	tcase_add_loop_test(tc, rcpt_row_is_found, 0, (int)(sizeof rcpts / sizeof *rcpts));
	tcase_add_loop_test(tc, drucof_decides_of_the_mail, 0, (int)(sizeof drucof_mails / sizeof *drucof_mails));
	tcase_add_loop_test(tc, drucof_decides_of_the_recipient, 0,
	    (int)(sizeof drucof_rcpts / sizeof *drucof_rcpts));
	tcase_add_test(tc, every_case_has_a_row);
	tcase_add_test(tc, every_mail_has_a_row);
	tcase_add_test(tc, unsupported_codes);
	suite_add_tcase(s, tc);
	return s;
}
