/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Who there is: extensions of addresses, roles, the setting recipients, and the database of its files. */
#include "lib/recipients.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/known.h"
#include "lib/mailbox.h"
#include "tests/unit/folder.h"

#define COUNT(a) (sizeof (a) / sizeof *(a))

static uint32_t
lines_of(const char *text, struct span *line)
{
	struct span rest = span_str(text);
	uint32_t n = 0;

	while (span_line(&rest, &line[n]))
		n++;
	return n;
}

/* --- mailboxes with extensions --- */

static const char mailboxes[] = "jo@x.example maildir:jo\njo+list@x.example maildir:list\n"
    "jo-fax@x.example maildir:fax\n\"a+b\"@x.example maildir:ab\n@x.example maildir:rest\n"
    "jo@y.example maildir:y\npostmaster@y.example maildir:pm\n";

static const struct { const char *addr, *delimiters; int how; const char *delivery, *ext; } found[] = {
	{ "jo@x.example", "+", MAILBOX_EXACT, "maildir:jo", "" },
	{ "jo+list@x.example", "+", MAILBOX_EXACT, "maildir:list", "" },
	{ "Jo+News@X.example", "+", MAILBOX_EXTENDED, "maildir:jo", "News" },
	{ "jo+@x.example", "+", MAILBOX_EXTENDED, "maildir:jo", "" },
	{ "jo+list+x@x.example", "+", MAILBOX_EXTENDED, "maildir:list", "x" },
	{ "jo-fax-page@x.example", "+-", MAILBOX_EXTENDED, "maildir:fax", "page" },
	{ "jo-fax+page@x.example", "+-", MAILBOX_EXTENDED, "maildir:fax", "page" },
	{ "jo-page@x.example", "+-", MAILBOX_EXTENDED, "maildir:jo", "page" },
	{ "jo-page@x.example", "+", MAILBOX_REST, "maildir:rest", "" },
	{ "jo+page@x.example", "", MAILBOX_REST, "maildir:rest", "" },
	{ "joe+page@x.example", "+", MAILBOX_REST, "maildir:rest", "" },
	{ "+page@x.example", "+", MAILBOX_REST, "maildir:rest", "" },
	{ "\"jo+a \\\"b\"@x.example", "+", MAILBOX_EXTENDED, "maildir:jo", "a \"b" },
	{ "\"a\\+b\"@x.example", "+", MAILBOX_EXACT, "maildir:ab", "" },
	{ "who@y.example", "+", MAILBOX_NONE, NULL, NULL },
	{ "jo+who@z.example", "+", MAILBOX_NONE, NULL, NULL },
	{ "PostMaster@y.example", "+", MAILBOX_EXACT, "maildir:pm", "" },
	{ "ABUSE@y.example", "+", MAILBOX_ROLE, "maildir:pm", "" },
	{ "noc@Y.example", "+", MAILBOX_ROLE, "maildir:pm", "" },
	{ "\"Security\"@z.example", "+", MAILBOX_ROLE, "maildir:mail/postmaster", "" },
	{ "postmaster@z.example", "+", MAILBOX_ROLE, "maildir:mail/postmaster", "" },
	{ "abuse@x.example", "+", MAILBOX_REST, "maildir:rest", "" },
	{ "abuser@y.example", "+", MAILBOX_NONE, NULL, NULL },
};

START_TEST(G4_mailboxes_by_address_extension_domain_and_role)
{
	struct span line[16];
	uint32_t n = lines_of(mailboxes, line);
	struct mailbox_match m;

	ck_assert_int_eq(mailbox_find(line, n, found[_i].delimiters, span_str(found[_i].addr), &m),
	    found[_i].how != MAILBOX_NONE);
	ck_assert_int_eq(m.how, found[_i].how);
	if (m.how == MAILBOX_NONE)
		return;
	ck_assert(span_is(m.delivery, found[_i].delivery));
	ck_assert_str_eq(m.ext, found[_i].ext);
}
END_TEST

static const struct { const char *addr, *delimiters, *bases; } bases[] = {
	{ "a+b@x.example", "+", "a@x.example " },
	{ "a+b-c+d@x.example", "+-", "a+b-c@x.example a+b@x.example a@x.example " },
	{ "a+b@x+y.example", "+", "a@x+y.example " },
	{ "+b@x.example", "+", "" }, { "a@x.example", "+", "" }, { "a+b@x.example", "", "" },
	{ "a++b@x.example", "+", "a+@x.example a@x.example " },
	{ "\"a b+c\"@x.example", "+", "\"a b\"@x.example " },
	{ "\"a\\+c\"@x.example", "+", "\"a\"@x.example " },
	{ "\"+c\"@x.example", "+", "" },
	{ "a+b", "+", "a@ " },
};

START_TEST(spellings_without_an_extension)
{
	struct span addr = span_str(bases[_i].addr);
	size_t at = addr.n;
	struct buf all;
	struct err e;

	buf_init(&all, 512);
	while (mailbox_base(addr, bases[_i].delimiters, &at, &all, &e) == 1)
		ck_assert_int_eq(buf_add_byte(&all, ' ', &e), 0);
	ck_assert(span_is(buf_view(&all), bases[_i].bases));
	buf_free(&all);
}
END_TEST

static const struct { const char *line; bool right; } delimiters[] = {
	{ "+", true }, { "+-", true }, { "none", true }, { "=", true }, { "a", false }, { "+a", false },
	{ "@", false }, { "+ -", false }, { "\"", false }, { "non", false },
};

START_TEST(what_may_be_a_delimiter)
{
	struct err e;

	ck_assert_int_eq(delimiter_check(span_str(delimiters[_i].line), &e) == 0, delimiters[_i].right);
	ck_assert_str_eq(delimiters_of("none"), "");
	ck_assert_str_eq(delimiters_of("+-"), "+-");
}
END_TEST

/* --- lines of recipients --- */

static const char rules[] = "a.example file:users\na.example cdb:more.cdb\n.a.example any\n"
    ".below.example file:wide\n* file:all\n";

static const struct { const char *domain, *args; bool listed; } domains[] = {
	{ "A.example", "users more.cdb ", true }, { "b.a.example", " ", false }, { "x.below.example", "wide ", true },
	{ "other.example", "all ", true },
};

START_TEST(lines_that_fit_a_domain_best)
{
	struct span line[8], domain = span_str(domains[_i].domain);
	uint32_t n = lines_of(rules, line);
	struct recipients_place p = { 0 };
	struct recipients_line r;
	char args[64] = "";

	while (recipients_next(line, n, domain, &p, &r))
		snprintf(args + strlen(args), sizeof args - strlen(args), "%.*s ", (int)r.arg.n, (const char *)r.arg.p);
	ck_assert_str_eq(args, domains[_i].args);
	ck_assert_int_eq(recipients_listed(line, n, domain), domains[_i].listed);
	ck_assert(!recipients_listed(line, 3, span_str("other.example")));
}
END_TEST

static const char *const wrong[] = {
	"", "a.example", "a.example file:", "a.example users", "a.example file:a b", "a@b.example any",
	"any", "a.example anything", "a.example any more",
};

START_TEST(lines_that_are_wrong)
{
	struct err e = { 0 };

	ck_assert_int_eq(recipients_check(span_str(wrong[_i]), &e), -1);
	ck_assert_ptr_nonnull(strstr(e.what, "expected DOMAIN SOURCE"));
}
END_TEST

/* --- the database of files --- */

static char top[64];
static int dir;

static void
setup(void)
{
	snprintf(top, sizeof top, "/tmp/accord-known-XXXXXX");
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
put(const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static int
make(const char *setting, struct known *k, struct err *e)
{
	struct conf conf = { 0 };
	struct known_make m;
	struct err ignored;
	int fd = memfd_create("known", MFD_CLOEXEC), r;

	ck_assert_int_eq(conf_init(&conf, e), 0);
	ck_assert_int_eq(conf_set(&conf, CONF_RECIPIENTS, span_str(setting), e), 0);
	ck_assert(known_is_wanted(&conf));
	ck_assert_int_eq(known_make_start(&m, fd, e), 0);
	r = known_make_recipients(&m, &conf, dir, e);
	ck_assert_int_eq(known_make_end(&m, &ignored), 0);
	conf_free(&conf);
	if (r == 0)
		ck_assert_int_eq(known_open(k, fd, e), 0);
	return r;
}

static int
has(const struct known *k, const char *addr)
{
	struct err e = { 0 };

	return known_has(k, span_str(addr), &e);
}

START_TEST(files_and_databases_are_one)
{
	struct known k, again;
	struct err e = { 0 };

	put("users", "# people\njo\n  Ann@A.example\t# here\n\"two words\"\nelse@b.example\n\njo\n");
	put("wide", "x@low.below.example\ny@below.example\n");
	ck_assert_msg(make("a.example file:users\n.below.example file:wide\n", &k, &e) == 0, "%s", e.what);
	ck_assert_int_eq(has(&k, "JO@a.example"), 1);
	ck_assert_int_eq(has(&k, "ann@a.EXAMPLE"), 1);
	ck_assert_int_eq(has(&k, "\"Two words\"@a.example"), 1);
	ck_assert_int_eq(has(&k, "x@low.below.example"), 1);
	ck_assert_int_eq(has(&k, "y@below.example"), 0);	/* its line is for those below */
	ck_assert_int_eq(has(&k, "else@b.example"), 0);		/* and that one's for another domain */
	ck_assert_int_eq(has(&k, "jo@b.example"), 0);
	ck_assert_int_eq(has(&k, ""), 0);
	/* such a database may be a source itself */
	{
		char path[64];
		int from = cdb_fileno(&k.cdb), to = openat(dir, "some.cdb", O_WRONLY | O_CREAT, 0600);
		ssize_t n;

		lseek(from, 0, SEEK_SET);
		while ((n = read(from, path, sizeof path)) > 0)
			ck_assert_int_eq(write(to, path, (size_t)n), n);
		close(to);
	}
	ck_assert_msg(make("a.example cdb:some.cdb\n", &again, &e) == 0, "%s", e.what);
	ck_assert_int_eq(has(&again, "jo@a.example"), 1);
	ck_assert_int_eq(has(&again, "x@low.below.example"), 0);
	known_close(&again);
	known_close(&k);
}
END_TEST

static const struct { const char *setting, *text, *what; } faults[] = {
	{ "a.example file:users", "jo\n@a.example\n", "recipients:1: users:2: expected an address" },
	{ "b.example any\na.example file:users", "two words\n", "recipients:2: users:1: expected an address" },
	{ ".a.example file:users", "jo\n", "recipients:1: users:1: expected an address with its domain" },
	{ "a.example file:none", "", "recipients:1: none: No such file" },
	{ "a.example cdb:users", "no database", "recipients:1: users: expected a constant database" },
};

START_TEST(faults_are_named)
{
	struct err e = { 0 };
	struct known k;

	put("users", faults[_i].text);
	ck_assert_int_eq(make(faults[_i].setting, &k, &e), -1);
	ck_assert_msg(strncmp(e.what, faults[_i].what, strlen(faults[_i].what)) == 0, "%s", e.what);
}
END_TEST

Suite *suite_recipients(void);
Suite *
suite_recipients(void)
{
	Suite *s = suite_create("recipients");
	TCase *tc = tcase_create("lines"), *files = tcase_create("files");

	tcase_add_loop_test(tc, G4_mailboxes_by_address_extension_domain_and_role, 0, COUNT(found));
	tcase_add_loop_test(tc, spellings_without_an_extension, 0, COUNT(bases));
	tcase_add_loop_test(tc, what_may_be_a_delimiter, 0, COUNT(delimiters));
	tcase_add_loop_test(tc, lines_that_fit_a_domain_best, 0, COUNT(domains));
	tcase_add_loop_test(tc, lines_that_are_wrong, 0, COUNT(wrong));
	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(files, setup, teardown);
	tcase_add_test(files, files_and_databases_are_one);
	tcase_add_loop_test(files, faults_are_named, 0, COUNT(faults));
	suite_add_tcase(s, files);
	return s;
}
