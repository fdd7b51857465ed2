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
};

START_TEST(mail_row_is_found)
{
	const struct mail_row *r = decide_mail(&mails[_i].f);

	ck_assert_ptr_nonnull(r);
	ck_assert_str_eq(r->name, mails[_i].row);
	ck_assert_int_eq(r->action, mails[_i].action);
	ck_assert_int_eq(r->with_conperm, mails[_i].with_conperm);
	ck_assert_pstr_eq(r->dsn, mails[_i].dsn);
	ck_assert_int_eq(r->action == MAIL_REFUSE, r->why != NULL);
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

	{ F(P5, .caps = CAPS_LATER), "B10", ACT_DEFER_TRY, NULL },
	{ F(P6, .caps = CAPS_LATER), "B10", ACT_DEFER_TRY, NULL },
	{ F(.caps = CAPS_LATER), "B10", ACT_DEFER_TRY, NULL },
	{ F(.caps = CAPS_LATER, .tries_left = false), "B10", ACT_BARE, NULL },
	{ F(P5, .caps = CAPS_LATER, .tries_left = false), "B10", ACT_BARE, NULL },
};
#pragma GCC diagnostic pop

START_TEST(rcpt_row_is_found)
{
	const struct rcpt_row *r = decide_rcpt(&rcpts[_i].f);

	ck_assert_ptr_nonnull(r);
	ck_assert_msg(strcmp(r->name, rcpts[_i].row) == 0, "%d: %s, not %s", _i, r->name,
	    rcpts[_i].row);
	ck_assert_int_eq(r->action, rcpts[_i].action);
	ck_assert_pstr_eq(r->dsn, rcpts[_i].dsn);
	ck_assert_int_eq(r->action == ACT_REFUSE || r->action == ACT_DEFER, r->why != NULL);
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
	const struct rcpt_row *r = decide_rcpt(f);

	ck_assert_ptr_nonnull(r);
	if (!f->conperm)		/* R24 */
		ck_assert(r->action != ACT_REFUSE && r->action != ACT_DEFER);
	if (r->action == ACT_CONVERT)
		ck_assert(f->fate == FATE_CONVERTS && f->run == RUN_NOT && f->caps == CAPS_GIVEN);
	if (f->conperm && !f->hop_conperm && f->caps != CAPS_LATER &&
	    r->action == ACT_ORIGINAL)	/* a hop without CONPERM never gets what does not fit */
		ck_assert(f->caps == CAPS_GIVEN && f->fate == FATE_FITS);
	if (!f->permission && !f->conperm)	/* R18 */
		ck_assert(r->action != ACT_CONVERT);
}

START_TEST(every_case_has_a_row)
{
	for (unsigned bits = 0; bits < 128; bits++)
		for (unsigned c = 1; c <= CAPS_LATER; c *= 2)
			for (unsigned fate = 1; fate <= FATE_EMPTY; fate *= 2)
				for (unsigned run = 1; run <= RUN_BUSY; run *= 2) {
					struct rcpt_facts f = facts_of(bits, c, fate, run);

					check_promises(&f);
				}
}
END_TEST

START_TEST(every_mail_has_a_row)
{
	for (unsigned b = 0; b < 128; b++) {
		struct mail_facts f = { b & 1, b & 2, b & 4, b & 8, b & 16, b & 32, b & 64 };
		const struct mail_row *r = decide_mail(&f);

		ck_assert_ptr_nonnull(r);
		if (r->with_conperm)			/* R1 */
			ck_assert(f.conperm && f.hop_conperm && !f.report && !f.refused);
		if (r->action == MAIL_ASK)		/* R35 */
			ck_assert(f.hop_conneg && !f.report);
		if (f.conperm && !f.report && !f.hop_conperm && !f.hop_conneg)
			ck_assert(r->action == MAIL_REFUSE);
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
	tcase_add_test(tc, every_case_has_a_row);
	tcase_add_test(tc, every_mail_has_a_row);
	tcase_add_test(tc, unsupported_codes);
	suite_add_tcase(s, tc);
	return s;
}
