/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "key/kept.h"

#include <check.h>
#include <string.h>

#include "tests/unit/suites.h"

static struct kept k;

static const unsigned char *
name(unsigned n)
{
	static unsigned char id[MSG_SESSION_ID];

	memset(id, 0, sizeof id);
	memcpy(id, &n, sizeof n);
	return id;
}

START_TEST(what_is_kept_is_found_for_its_time)
{
	kept_init(&k, 1);
	kept_add(&k, name(1), span_str("one"), 1000);
	kept_add(&k, name(2), span_str("two"), 1000);
	ck_assert(span_is(kept_find(&k, name(1), 1000), "one"));
	kept_add(&k, name(1), span_str("another"), 2000);
	ck_assert(span_is(kept_find(&k, name(1), 2000), "another"));
	ck_assert_uint_eq(k.n, 2);
	ck_assert(span_is(kept_find(&k, name(2), 1000 + KEPT_S * 1000 - 1), "two"));
	ck_assert_ptr_null(kept_find(&k, name(2), 1000 + KEPT_S * 1000).p);
	ck_assert_ptr_null(kept_find(&k, name(3), 1000).p);
	ck_assert_uint_eq(k.n, 1);
	kept_free(&k);
	ck_assert_uint_eq(k.n, 0);
}
END_TEST

/* Of any number so many are kept, and the last is always among them. */
START_TEST(the_oldest_makes_room)
{
	kept_init(&k, 1);
	for (unsigned i = 0; i < 4 * KEPT_SETS * KEPT_WAYS; i++) {
		kept_add(&k, name(i), span_str("x"), i);
		ck_assert_uint_le(k.n, KEPT_SETS * KEPT_WAYS);
		ck_assert_uint_eq(kept_find(&k, name(i), i).n, 1);
	}
	ck_assert_ptr_null(kept_find(&k, name(0), 0).p);
	for (unsigned i = 0, n = 4 * KEPT_SETS * KEPT_WAYS, have = 0; i < KEPT_SETS; i++) {
		have += kept_find(&k, name(n - 1 - i), n).n;
		if (i == KEPT_SETS - 1)
			ck_assert_uint_gt(have, KEPT_SETS * 9 / 10);	/* the youngest are those that stay */
	}
	kept_free(&k);
}
END_TEST

Suite *suite_kept(void);
Suite *
suite_kept(void)
{
	Suite *s = suite_create("kept");
	TCase *t = tcase_create("kept");

	tcase_add_test(t, what_is_kept_is_found_for_its_time);
	tcase_add_test(t, the_oldest_makes_room);
	suite_add_tcase(s, t);
	return s;
}
