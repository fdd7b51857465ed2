/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "offer/store.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/folder.h"

#define TAG "0123456789abcdef0123456789abcdef"
#define TEXT "Subject: x\r\n\r\nbody\r\n"

static char top[64];
static int dir;
static struct store s;
static struct err e;

static void
setup(void)
{
	snprintf(top, sizeof top, "/tmp/accord-offer-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	dir = open(top, O_RDONLY | O_DIRECTORY);
	e = (struct err){ 0 };
	ck_assert_int_eq(store_open(&s, dir, &e), 0);
}

static void
teardown(void)
{
	close(dir);
	folder_remove(top);
}

static struct offer
offer(const char *tag, uint64_t until_s)
{
	struct offer o = { .state = OFFER_KEPT, .msg_len = sizeof TEXT - 1, .until_s = until_s, .sender = "s@s.example",
	    .rcpt = "\"a b\"@x.example" };

	snprintf(o.tag, sizeof o.tag, "%s", tag);
	return o;
}

static void
put(const char *tag, uint64_t until_s)
{
	struct offer o = offer(tag, until_s);

	ck_assert_msg(store_put(&s, &o, span_str(TEXT), 1 << 20, &e) == 0, "%s", e.what);
}

/* What is there of it now: 1, 0, -1, and the state. */
static int
get(const char *tag, enum offer_state *state)
{
	struct offer o = { .state = OFFER_STATES };
	char text[sizeof TEXT] = "";
	int fd, r = store_get(&s, span_str(tag), &o, &fd, &e);

	*state = (enum offer_state)o.state;
	ck_assert((fd != -1) == (r == 1 && o.state == OFFER_KEPT));
	if (fd != -1) {
		ck_assert_int_eq(pread(fd, text, o.msg_len, 0), sizeof TEXT - 1);
		ck_assert_str_eq(text, TEXT);
		close(fd);
	}
	if (r == 1) {
		ck_assert_str_eq(o.rcpt, "\"a b\"@x.example");
		ck_assert_str_eq(o.sender, "s@s.example");
	}
	return r;
}

START_TEST(it_is_kept_and_found_by_its_tag)
{
	enum offer_state state;
	struct offer o = offer(TAG, 100);

	put(TAG, 100);
	ck_assert_int_eq(get(TAG, &state), 1);
	ck_assert_int_eq(state, OFFER_KEPT);
	ck_assert_int_eq(store_put(&s, &o, span_str(TEXT), 1 << 20, &e), -1);	/* not twice */
	ck_assert_int_eq(e.kind, ERR_PERM);
	ck_assert_uint_eq(s.octets, sizeof TEXT - 1);
	ck_assert_int_eq(store_open(&s, dir, &e), 0);				/* after a restart */
	ck_assert_uint_eq(s.octets, sizeof TEXT - 1);
	ck_assert_uint_eq(s.n, 1);
	ck_assert_int_eq(get(TAG, &state), 1);
	ck_assert_int_eq(get("0123456789abcdef0123456789abcdee", &state), 0);
}
END_TEST

static const char *const strange[] = { "", "0123456789abcde", "../../../../../etc/passwd", "0123456789abcdef0123456789abcdeF",
    "0123456789abcdefw", "0123456789abcdef/0123456789abcdef", "new" };

START_TEST(what_is_no_tag_names_no_file)
{
	enum offer_state state;

	ck_assert(!offer_tag_ok(span_str(strange[_i])));
	ck_assert_int_eq(get(strange[_i], &state), 0);
}
END_TEST

START_TEST(it_is_done_with_once)
{
	enum offer_state state;
	struct offer o = offer(TAG, 100);

	put(TAG, 100);
	o.state = OFFER_DONE;
	ck_assert_int_eq(store_end(&s, &o, &e), 0);
	ck_assert_int_eq(get(TAG, &state), 1);
	ck_assert_int_eq(state, OFFER_DONE);
	ck_assert_uint_eq(s.octets, 0);
	ck_assert_int_eq(store_open(&s, dir, &e), 0);
	ck_assert_int_eq(get(TAG, &state), 1);
	ck_assert_int_eq(state, OFFER_DONE);
}
END_TEST

/* The message goes at its time, the record later. */
START_TEST(time_takes_it)
{
	enum offer_state state;

	put(TAG, 100);
	store_sweep(&s, 99);
	ck_assert_int_eq(get(TAG, &state), 1);
	ck_assert_int_eq(state, OFFER_KEPT);
	store_sweep(&s, 100);
	ck_assert_int_eq(get(TAG, &state), 1);
	ck_assert_int_eq(state, OFFER_GONE);
	ck_assert_uint_eq(s.octets, 0);
	store_sweep(&s, 99 + STORE_TOLD_S);
	ck_assert_int_eq(get(TAG, &state), 1);
	store_sweep(&s, 100 + STORE_TOLD_S);
	ck_assert_int_eq(get(TAG, &state), 0);
	ck_assert_uint_eq(s.n, 0);
}
END_TEST

START_TEST(room_is_bounded)
{
	struct offer o = offer("0123456789abcdef0", 100);

	put(TAG, 100);
	ck_assert_int_eq(store_put(&s, &o, span_str(TEXT), 2 * sizeof TEXT - 3, &e), -1);
	ck_assert_int_eq(e.kind, ERR_TEMP);
	ck_assert_int_eq(store_put(&s, &o, span_str(TEXT), 2 * sizeof TEXT - 2, &e), 0);
	s.n = STORE_OFFERS;
	o = offer("0123456789abcdef1", 100);
	ck_assert_int_eq(store_put(&s, &o, span_str(TEXT), 1 << 20, &e), -1);
}
END_TEST

/* Any octet of the record that is another, a file cut off or longer, or of another name, is no offer. */
START_TEST(damage_is_seen)
{
	enum offer_state state;
	unsigned char octet;
	int fd;

	put(TAG, 100);
	fd = openat(dir, TAG, O_RDWR);
	for (off_t at = sizeof TEXT - 1; at < (off_t)sizeof TEXT - 1 + STORE_RECORD; at += 97) {
		ck_assert_int_eq(pread(fd, &octet, 1, at), 1);
		octet ^= 1;
		ck_assert_int_eq(pwrite(fd, &octet, 1, at), 1);
		ck_assert_int_eq(get(TAG, &state), 0);
		octet ^= 1;
		ck_assert_int_eq(pwrite(fd, &octet, 1, at), 1);
	}
	ck_assert_int_eq(get(TAG, &state), 1);
	ck_assert_int_eq(renameat(dir, TAG, dir, "0123456789abcdef0"), 0);
	ck_assert_int_eq(get("0123456789abcdef0", &state), 0);
	ck_assert_int_eq(renameat(dir, "0123456789abcdef0", dir, TAG), 0);
	ck_assert_int_eq(ftruncate(fd, STORE_RECORD), 0);
	ck_assert_int_eq(get(TAG, &state), 0);
	close(fd);
	store_sweep(&s, 100 + STORE_TOLD_S);		/* and stays for people to look at */
	ck_assert_int_eq(faccessat(dir, TAG, F_OK, 0), 0);
}
END_TEST

Suite *suite_store(void);
Suite *
suite_store(void)
{
	Suite *suite = suite_create("store");
	TCase *t = tcase_create("store");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, it_is_kept_and_found_by_its_tag);
	tcase_add_loop_test(t, what_is_no_tag_names_no_file, 0, sizeof strange / sizeof *strange);
	tcase_add_test(t, it_is_done_with_once);
	tcase_add_test(t, time_takes_it);
	tcase_add_test(t, room_is_bounded);
	tcase_add_test(t, damage_is_seen);
	suite_add_tcase(suite, t);
	return suite;
}
