/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/place.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/folder.h"

enum { ALICE = 40001, BOB = 40002 };	/* owners; made by root only */

static char top[64];
static int home;

/* A folder below the top, of that owner where the test runs as root. */
static void
folder(const char *name, uid_t owner)
{
	ck_assert_int_eq(mkdirat(home, name, 0700), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(fchownat(home, name, owner, owner, 0), 0);
}

static void
link_to(const char *target, const char *name, uid_t owner)
{
	ck_assert_int_eq(symlinkat(target, home, name), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(fchownat(home, name, owner, owner, AT_SYMLINK_NOFOLLOW), 0);
}

static void
setup(void)
{
	char absolute[128];

	snprintf(top, sizeof top, "/tmp/accord-place-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	home = open(top, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ne(home, -1);
	folder("alice", ALICE);
	folder("alice/secret", ALICE);
	folder("bob", BOB);
	folder("bob/disk", BOB);
	folder("bob/of-alice", ALICE);
	folder("roots", 0);
	link_to("../alice", "bob/up", BOB);
	link_to("../alice/secret", "bob/secret", BOB);
	snprintf(absolute, sizeof absolute, "%s/alice", top);
	link_to(absolute, "bob/absolute", BOB);
	link_to("disk", "bob/own", BOB);
	link_to("own", "bob/twice", BOB);
	link_to("round", "bob/round", BOB);
	link_to("../roots", "bob/roots", BOB);
	link_to("alice", "by-admin", 0);
	link_to("bob/up", "by-admin-to-link", 0);
	link_to("alice", "by-bob-in-roots", BOB);
	close(openat(home, "bob/file", O_CREAT | O_WRONLY, 0600));
}

static void
teardown(void)
{
	close(home);
	folder_remove(top);
}

/* rest NULL: refused when a user's rights matter. */
static const struct { const char *path; uid_t owner; const char *rest; } places[] = {
	{ "alice", ALICE, "" },
	{ "alice/secret/new/box", ALICE, "new/box" },
	{ "bob/mail", BOB, "mail" },
	{ "bob/disk//mail/in", BOB, "mail/in" },
	{ "bob/of-alice", ALICE, "" },
	{ "bob/own", BOB, "" },
	{ "bob/twice/x", BOB, "x" },
	{ "by-admin", ALICE, "" },
	{ "by-admin/secret/y", ALICE, "y" },
	{ "roots", 0, NULL },
	{ "roots/new", 0, NULL },
	{ "bob/up", ALICE, NULL },
	{ "bob/up/none", ALICE, NULL },
	{ "bob/secret", ALICE, NULL },
	{ "bob/absolute/secret", ALICE, NULL },
	{ "bob/roots", 0, NULL },
	{ "by-admin-to-link", ALICE, NULL },
	{ "by-bob-in-roots", ALICE, NULL },
	{ "bob/own/../../alice", ALICE, NULL },
};

/* No user's link makes the delivery run in another's name, or in another's folder. */
START_TEST(test_links)
{
	const char *path = places[_i].path;
	bool as_root = geteuid() == 0;
	struct place p;
	struct err e;
	int r;

	r = place_find(home, path, as_root, &p, &e);
	if (!as_root) {			/* then there is one user only, and all is his */
		ck_assert_int_eq(r, 0);
		close(p.folder);
		return;
	}
	if (places[_i].rest == NULL) {
		ck_assert_msg(r == -1, "%s", path);
		ck_assert_int_eq(e.kind, ERR_TEMP);
		ck_assert_str_eq(e.dsn, "4.3.5");
		return;
	}
	ck_assert_msg(r == 0, "%s: %s", path, e.what);
	ck_assert_str_eq(p.rest, places[_i].rest);
	ck_assert_uint_eq(p.uid, places[_i].owner);
	close(p.folder);
}
END_TEST

START_TEST(test_never)
{
	static const char *const paths[] = { "bob/round", "bob/file/x", "bob/file" };
	char *longest = malloc(PLACE_PATH + 8);
	struct place p;
	struct err e;

	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		ck_assert_msg(place_find(home, paths[i], false, &p, &e) == -1, "%s", paths[i]);
		ck_assert_int_eq(e.kind, ERR_TEMP);
	}
	memset(longest, 'x', PLACE_PATH + 7);
	longest[PLACE_PATH + 7] = '\0';
	ck_assert_int_eq(place_find(home, longest, false, &p, &e), -1);
	longest[300] = '\0';
	ck_assert_int_eq(place_find(home, longest, false, &p, &e), -1);
	free(longest);
}
END_TEST

START_TEST(test_absolute)
{
	char path[128];
	struct place p;
	struct err e;

	snprintf(path, sizeof path, "%s/alice/new", top);
	ck_assert_int_eq(place_find(-1, path, geteuid() == 0, &p, &e), 0);
	ck_assert_str_eq(p.rest, "new");
	close(p.folder);
}
END_TEST

Suite *suite_place(void);
Suite *
suite_place(void)
{
	Suite *s = suite_create("place");
	TCase *t = tcase_create("place");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, test_links, 0, (int)(sizeof places / sizeof *places));
	tcase_add_test(t, test_never);
	tcase_add_test(t, test_absolute);
	suite_add_tcase(s, t);
	return s;
}
