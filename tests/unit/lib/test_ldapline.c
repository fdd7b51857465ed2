/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/ldapline.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/ldapfile.h"
#include "tests/unit/folder.h"

#define COUNT(a) (sizeof (a) / sizeof *(a))

static const struct {
	const char *line, *host; unsigned port; bool tls; const char *base, *second;
} urls[] = {
	{ "ldap:ldap://Dir.example/", "dir.example", 389, false, "", NULL },
	{ "ldap:LDAPS://dir.example:6/dc=x", "dir.example", 6, true, "dc=x", NULL },
	{ "ldap:ldaps://dir.example/ou=a%20b%2cc,dc=x", "dir.example", 636, true, "ou=a b,c,dc=x", NULL },
	{ "ldap:ldap://192.0.2.1:3389/dc=x ldap://[2001:DB8::1]/dc=y", "192.0.2.1", 3389, false, "dc=x", "2001:db8::1" },
	{ "ldap:ldap://[::1]:10389/dc=x", "::1", 10389, false, "dc=x", NULL },
	{ "ldap:ldap://dir.example", "dir.example", 389, false, "", NULL },
};

START_TEST(urls_are_read)
{
	struct ldap_line l;
	struct err e = { 0 };

	ck_assert_msg(ldapline_parse(span_str(urls[_i].line), &l, &e) == 0, "%s", e.what);
	ck_assert_str_eq(l.server[0].host, urls[_i].host);
	ck_assert_uint_eq(l.server[0].port, urls[_i].port);
	ck_assert_int_eq(l.server[0].tls, urls[_i].tls);
	ck_assert_str_eq(l.server[0].base, urls[_i].base);
	ck_assert_uint_eq(l.nserver, urls[_i].second == NULL ? 1 : 2);
	if (urls[_i].second != NULL)
		ck_assert_str_eq(l.server[1].host, urls[_i].second);
	ck_assert_int_eq(ldapline_has_tls(&l), urls[_i].tls);
}
END_TEST

START_TEST(options_are_read)
{
	static const char line[] = "ldap:ldap://dir.example/dc=x starttls ca=my/ca.pem binddn=cn=a%20b,dc=x password=pw "
	    "filter=(|(mail=%s)(other=100%%\\20%s)) timeout=3 cache=10 negative=20";
	struct ldap_line l;
	struct err e = { 0 };

	ck_assert_msg(ldapline_parse(span_str(line), &l, &e) == 0, "%s", e.what);
	ck_assert(l.starttls && ldapline_has_tls(&l));
	ck_assert(span_is(l.ca, "my/ca.pem") && span_is(l.password, "pw"));
	ck_assert_str_eq(l.binddn, "cn=a b,dc=x");
	ck_assert(l.timeout_s == 3 && l.cache_s == 10 && l.negative_s == 20);
	ck_assert_int_eq(ldapline_parse(span_str("ldap:ldap://dir.example/"), &l, &e), 0);
	ck_assert(l.timeout_s == 2 && l.cache_s == 300 && l.negative_s == 60 && !l.starttls);
}
END_TEST

static const struct { const char *line, *what; } wrong[] = {
	{ "", "expected ldap:ldap://" }, { "ldap:", "expected ldap:ldap://" }, { "ldap: ldap://x/", "expected ldap:ldap://" },
	{ "ldap://x/dc=x", "expected ldap:ldap://" }, { "ldap:ldap:///dc=x", "expected ldap:ldap://" },
	{ "ldap:ldap://x:0/", "expected ldap:ldap://" }, { "ldap:ldap://x:99999/", "expected ldap:ldap://" },
	{ "ldap:ldap://::1/", "expected ldap:ldap://" }, { "ldap:ldap://a b/", "expected ldap:ldap://" },
	{ "ldap:ldap://x/dc=x?mail", "expected ldap:ldap://" }, { "ldap:ldap://x/%0a", "expected ldap:ldap://" },
	{ "ldap:ldap://x/%zz", "expected ldap:ldap://" }, { "ldap:ldap://x/%4", "expected ldap:ldap://" },
	{ "ldap:ldap://x/ ldap://y/ ldap://z/", "no more than two" },
	{ "ldap:ldap://x/ starttls=yes", "expected starttls" }, { "ldap:ldap://x/ ca=", "expected starttls" },
	{ "ldap:ldap://x/ port=3", "expected starttls" }, { "ldap:ldap://x/ cache=0", "expected starttls" },
	{ "ldap:ldap://x/ timeout=61", "expected starttls" },
	{ "ldap:ldap://x/ filter=mail=%s", "expected starttls" }, { "ldap:ldap://x/ filter=(mail=x)", "expected starttls" },
	{ "ldap:ldap://x/ filter=(mail=%s", "expected starttls" }, { "ldap:ldap://x/ filter=(mail=%s))", "expected starttls" },
	{ "ldap:ldap://x/ filter=(a=%s)(b=%s)", "expected starttls" }, { "ldap:ldap://x/ filter=(mail=%d%s)", "expected starttls" },
	{ "ldap:ldap://x/ filter=(mail=%s%", "expected starttls" },
	{ "ldap:ldap://x/ binddn=cn=x", "together" }, { "ldap:ldap://x/ password=x", "together" },
	{ "ldap:ldap://x/ binddn=cn=x password=x", "expected ldaps or starttls, for a password" },
	{ "ldap:ldaps://x/ ldap://y/ binddn=cn=x password=x", "expected ldaps or starttls, for a password" },
	{ "ldap:ldap://127.example/ binddn=cn=x password=x", "" },
};

START_TEST(what_is_wrong_is_said)
{
	struct ldap_line l;
	struct err e = { 0 };

	ck_assert_msg(ldapline_parse(span_str(wrong[_i].line), &l, &e) == -1 || wrong[_i].what[0] == '\0', "%s", wrong[_i].line);
	ck_assert_msg(strstr(e.what, wrong[_i].what) != NULL, "%s: %s", wrong[_i].line, e.what);
}
END_TEST

static const struct { const char *filter, *addr, *want; } filters[] = {
	{ "(mail=%s)", "jo@x.example", "(mail=jo@x.example)" },
	{ "(mail=%s)", "\"*)(\\\"@x.example", "(mail=\"\\2a\\29\\28\\5c\"@x.example)" },
	{ "(mail=%s)", "a b\xc3\xa9@x.example", "(mail=a\\20b\\c3\\a9@x.example)" },
	{ "(|(a=%s)(b=%%%s))", "j", "(|(a=j)(b=%j))" },
};

START_TEST(addresses_in_filters_are_escaped)
{
	struct ldap_line l = { .filter = span_str(filters[_i].filter) };
	struct err e;
	struct buf out;

	buf_init(&out, LDAPLINE_FILTER);
	ck_assert_int_eq(ldapline_filter(&l, span_str(filters[_i].addr), &out, &e), 0);
	ck_assert(span_is(buf_view(&out), filters[_i].want));
	buf_free(&out);
}
END_TEST

static void
settings(struct conf *c, const char *capsources, const char *recipients)
{
	struct err e = { 0 };

	*c = (struct conf){ 0 };
	ck_assert_int_eq(conf_init(c, &e), 0);
	ck_assert_msg(conf_set(c, CONF_CAPSOURCES, span_str(capsources), &e) == 0, "%s", e.what);
	ck_assert_msg(conf_set(c, CONF_RECIPIENTS, span_str(recipients), &e) == 0, "%s", e.what);
}

START_TEST(one_text_is_one_directory)
{
	struct span line[LDAPLINE_MAX];
	unsigned char one[SHA256_DIGEST], two[SHA256_DIGEST];
	struct conf c;
	struct err e = { 0 };
	char many[2000] = "";

	settings(&c, "cdb:caps.cdb\nldap:ldap://x/\n", "a.example ldap:ldap://x/\nb.example ldap:ldap://y/\nc.example any\n");
	ck_assert_int_eq(ldaplines_of(&c, line, &e), 2);
	ck_assert(span_is(line[0], "ldap:ldap://x/") && span_is(line[1], "ldap:ldap://y/"));
	ldapline_name(line[0], one);
	ldapline_name(line[1], two);
	ck_assert_int_ne(memcmp(one, two, sizeof one), 0);
	conf_free(&c);
	for (int i = 0; i < LDAPLINE_MAX + 1; i++)
		snprintf(many + strlen(many), sizeof many - strlen(many), "a.example ldap:ldap://x%d/\n", i);
	settings(&c, "cdb:caps.cdb", many);
	ck_assert_int_eq(ldaplines_of(&c, line, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.what, "at most 8 directories"));
	conf_free(&c);
}
END_TEST

/* --- their files --- */

static char top[64];
static int dir;

static void
setup(void)
{
	snprintf(top, sizeof top, "/tmp/accord-ldap-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	dir = open(top, O_RDONLY | O_DIRECTORY);
}

static void
teardown(void)
{
	close(dir);
	folder_remove(top);
}

static void
put(const char *name, const char *text, mode_t mode)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

START_TEST(secrets_of_each_directory)
{
	struct ldap_secrets s;
	struct conf c;
	struct err e = { 0 };
	struct buf all;

	put("pw", "open sesame\nnot this\n", 0600);
	put("ca", "authorities\n", 0644);
	settings(&c, "ldap:ldap://x/", "a.example ldap:ldaps://x/ ca=ca binddn=cn=x password=pw\nb.example ldap:ldaps://y/ ca=ca");
	buf_init(&all, LDAPFILE_ALL);
	ck_assert_msg(ldapfile_read(&c, dir, &all, &e) == 0, "%s", e.what);
	ck_assert_int_eq(ldapfile_get(buf_view(&all), 0, &s, &e), 0);
	ck_assert(s.password.n == 0 && s.ca.n == 0);
	ck_assert_int_eq(ldapfile_get(buf_view(&all), 1, &s, &e), 0);
	ck_assert(span_is(s.password, "open sesame") && span_is(s.ca, "authorities\n"));
	ck_assert_int_eq(ldapfile_get(buf_view(&all), 2, &s, &e), 0);
	ck_assert(s.password.n == 0 && s.ca.n > 0);
	ck_assert_int_eq(ldapfile_get(buf_view(&all), 3, &s, &e), -1);
	ck_assert_int_eq(ldapfile_get(span_sub(buf_view(&all), 0, all.n - 1), 2, &s, &e), -1);
	buf_free(&all);
	conf_free(&c);
}
END_TEST

static const struct { const char *text; mode_t mode; const char *what; } files[] = {
	{ "secret\n", 0640, "recipients:2: pw: expected a file that nobody but its owner can read" },
	{ "secret\n", 0604, "recipients:2: pw: expected a file that nobody but its owner can read" },
	{ "\nsecret\n", 0600, "recipients:2: pw: expected a password in its first line" },
	{ "", 0600, "recipients:2: pw: expected a password in its first line" },
	{ NULL, 0, "recipients:2: pw: No such file" },
};

START_TEST(files_that_are_wrong)
{
	struct conf c;
	struct err e = { 0 };
	struct buf all;

	if (files[_i].text != NULL)
		put("pw", files[_i].text, files[_i].mode);
	settings(&c, "cdb:caps.cdb", "a.example any\nb.example ldap:ldap://127.0.0.1/ binddn=cn=x password=pw");
	buf_init(&all, LDAPFILE_ALL);
	ck_assert_int_eq(ldapfile_read(&c, dir, &all, &e), -1);
	ck_assert_msg(strncmp(e.what, files[_i].what, strlen(files[_i].what)) == 0, "%s", e.what);
	buf_free(&all);
	conf_free(&c);
}
END_TEST

Suite *suite_ldapline(void);
Suite *
suite_ldapline(void)
{
	Suite *s = suite_create("ldapline");
	TCase *tc = tcase_create("lines"), *f = tcase_create("files");

	tcase_add_loop_test(tc, urls_are_read, 0, COUNT(urls));
	tcase_add_test(tc, options_are_read);
	tcase_add_loop_test(tc, what_is_wrong_is_said, 0, COUNT(wrong));
	tcase_add_loop_test(tc, addresses_in_filters_are_escaped, 0, COUNT(filters));
	tcase_add_test(tc, one_text_is_one_directory);
	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(f, setup, teardown);
	tcase_add_test(f, secrets_of_each_directory);
	tcase_add_loop_test(f, files_that_are_wrong, 0, COUNT(files));
	suite_add_tcase(s, f);
	return s;
}
