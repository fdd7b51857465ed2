/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fileio.h"
#include "lib/routeauth.h"

static const struct { const char *line; int method; } lines[] = {
	{ "relay.example plain me@a.example /etc/x", ROUTEAUTH_PLAIN }, { "relay.example:587 login u f", ROUTEAUTH_LOGIN },
	{ "[192.0.2.1]:465 xoauth2 u f", ROUTEAUTH_XOAUTH2 }, { "[::1] plain u f", ROUTEAUTH_PLAIN },
	{ "relay.example PLAIN u f", -1 }, { "relay.example plain u", -1 }, { "relay.example plain u f g", -1 },
	{ "* plain u f", -1 }, { ".example plain u f", -1 }, { "a/b plain u f", -1 }, { "", -1 },
};

START_TEST(lines_are_judged)
{
	struct routeauth r;
	struct err e = { 0 };
	int got = routeauth_parse(span_str(lines[_i].line), &r, &e);

	ck_assert_msg(got == (lines[_i].method == -1 ? -1 : 0), "%s: %s", lines[_i].line, e.what);
	if (got == 0)
		ck_assert_uint_eq(r.method, (unsigned)lines[_i].method);
	else
		ck_assert_int_eq(e.kind, ERR_PERM);
}
END_TEST

START_TEST(a_name_has_its_length)
{
	char line[600];
	struct routeauth r;
	struct err e = { 0 };

	snprintf(line, sizeof line, "a.example plain %0*d f", ROUTEAUTH_USER, 0);
	ck_assert_int_eq(routeauth_parse(span_str(line), &r, &e), 0);
	snprintf(line, sizeof line, "a.example plain %0*d f", ROUTEAUTH_USER + 1, 0);
	ck_assert_int_eq(routeauth_parse(span_str(line), &r, &e), -1);
}
END_TEST

/* The line with the port, else that of the host; nobody's for a domain, whose hosts DNS names. */
START_TEST(the_hop_is_found)
{
	const struct span all[] = { span_str("relay.example plain a f"), span_str("Relay.example:587 plain b f"),
	    span_str("[192.0.2.1] plain c f"), span_str("far.example plain d f") };
	static const struct { const char *dest, *user; } want[] = {
		{ "relay.example:25", "a" }, { "relay.example:587", "b" }, { "[192.0.2.1]:465", "c" }, { "far.example", "" },
		{ "relay.example", "" }, { "x.relay.example:25", "" }, { "far.example:25", "d" }, { "[192.0.2.1]", "" },
		{ "[ipv6:2001:db8::1]", "" }, { "", "" }, { ":25", "" },
	};

	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		struct routeauth r = { .user = span_str("") };
		bool got = routeauth_find(all, 4, want[i].dest, &r);

		ck_assert_msg(got == (want[i].user[0] != '\0') && span_is(r.user, want[i].user), "%s", want[i].dest);
	}
}
END_TEST

static const struct { const char *text; mode_t mode; const char *want; } files[] = {
	{ "a b", 0600, "a b" }, { "secret\n", 0600, "secret" }, { "secret\r\n", 0400, "secret" }, { "\xc3\xa4\n", 0600, "\xc3\xa4" },
	{ "secret\n", 0640, NULL }, { "secret\n", 0604, NULL }, { "secret\n", 0620, NULL }, { "", 0600, NULL },
	{ "\n", 0600, NULL }, { "a\nb\n", 0600, NULL }, { "a\tb\n", 0600, NULL }, { "a\x7f\n", 0600, NULL },
};

START_TEST(files_are_judged)
{
	char name[] = "/tmp/accord-routeauth-XXXXXX";
	int fd = mkstemp(name), got;
	struct routeauth r = { .file = span_str(name) };
	struct buf out;
	struct err e = { 0 };

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(fileio_write(fd, span_str(files[_i].text), &e), 0);
	ck_assert_int_eq(fchmod(fd, files[_i].mode), 0);
	buf_init(&out, ROUTEAUTH_SECRET);
	got = routeauth_read(AT_FDCWD, &r, &out, &e);
	unlink(name);
	close(fd);
	ck_assert_msg(got == (files[_i].want == NULL ? -1 : 0), "%s", e.what);
	if (files[_i].want != NULL)
		ck_assert(span_is(buf_view(&out), files[_i].want));
	else
		ck_assert_ptr_ne(strstr(e.what, name), NULL);
	buf_free(&out);
}
END_TEST

Suite *suite_routeauth(void);
Suite *
suite_routeauth(void)
{
	Suite *s = suite_create("routeauth");
	TCase *tc = tcase_create("routeauth");

	tcase_add_loop_test(tc, lines_are_judged, 0, sizeof lines / sizeof *lines);
	tcase_add_test(tc, a_name_has_its_length);
	tcase_add_test(tc, the_hop_is_found);
	tcase_add_loop_test(tc, files_are_judged, 0, sizeof files / sizeof *files);
	suite_add_tcase(s, tc);
	return s;
}
