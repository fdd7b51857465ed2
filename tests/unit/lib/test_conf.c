/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/conf.h"

#include <check.h>
#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static struct conf conf;
static struct err err;

static void
setup(void)
{
	err = (struct err){ 0 };
	ck_assert_msg(conf_init(&conf, &err) == 0, "%s", err.what);
}

static void
teardown(void)
{
	conf_free(&conf);
}

START_TEST(every_row_is_whole)
{
	const struct conf_decl *d = &conf_table[_i];

	ck_assert_ptr_nonnull(d->name);
	ck_assert_ptr_nonnull(d->def);
	ck_assert(d->readers != 0);
	ck_assert(strlen(d->help) > 5);
	ck_assert_int_eq(conf_find(d->name), _i);
	if (strstr(d->def, "@me") != NULL)	/* a default with our name needs our name */
		ck_assert_uint_eq(d->readers & ~conf_table[CONF_ME].readers, 0);
}
END_TEST

START_TEST(defaults)
{
	const struct span *l;

	ck_assert_uint_eq(conf_number(&conf, CONF_DATABYTES), 50 * 1024 * 1024);
	ck_assert_uint_eq(conf_number(&conf, CONF_QUEUELIFETIME), 5 * 86400);
	ck_assert_uint_eq(conf_number(&conf, CONF_RETRYMAX), 4 * 3600);
	ck_assert_uint_eq(conf_number(&conf, CONF_MAXRCPTS), 1000);
	ck_assert_str_eq(conf_string(&conf, CONF_FLUSH), "auto");
	ck_assert_uint_eq(conf_lines(&conf, CONF_LISTEN, &l), 2);
	ck_assert(span_is(l[0], "0.0.0.0:25") && span_is(l[1], "[::]:25"));
	ck_assert_uint_eq(conf_lines(&conf, CONF_SMTPROUTES, &l), 0);
	ck_assert(strlen(conf_string(&conf, CONF_ME)) > 0);
	ck_assert(!conf.v[CONF_ME].set);
	ck_assert_int_eq(conf_find("nosuch"), CONF_COUNT);
}
END_TEST

START_TEST(defaults_follow_me)
{
	const struct span *l;

	ck_assert_int_eq(conf_set(&conf, CONF_LOCALS, span_str("kept.example\n"), &err), 0);
	ck_assert_int_eq(conf_set(&conf, CONF_ME, span_str("# us\n mx.example # here\n"), &err), 0);
	ck_assert_str_eq(conf_string(&conf, CONF_ME), "mx.example");
	ck_assert_uint_eq(conf_lines(&conf, CONF_RCPTHOSTS, &l), 1);
	ck_assert(span_is(l[0], "mx.example"));
	conf_lines(&conf, CONF_LOCALS, &l);
	ck_assert(span_is(l[0], "kept.example"));
	conf_lines(&conf, CONF_MAILBOXES, &l);
	ck_assert(span_is(l[0], "postmaster@mx.example maildir:mail/postmaster"));
}
END_TEST

START_TEST(lines_and_comments)
{
	const struct span *l;

	ck_assert_int_eq(conf_set(&conf, CONF_MAILBOXES, span_str(
	    "# all\r\n\r\n  a#b@x.example maildir:m # the first\r\n\n@y.example\tmaildir:n\n#\n"), &err), 0);
	ck_assert_uint_eq(conf_lines(&conf, CONF_MAILBOXES, &l), 2);
	ck_assert(span_is(l[0], "a#b@x.example maildir:m"));
	ck_assert(span_is(l[1], "@y.example\tmaildir:n"));
	ck_assert_uint_eq(conf.v[CONF_MAILBOXES].lineno[1], 5);
	/* an empty list is a value: no default */
	ck_assert_int_eq(conf_set(&conf, CONF_RELAYCLIENTS, span_str("# nobody\n"), &err), 0);
	ck_assert_uint_eq(conf_lines(&conf, CONF_RELAYCLIENTS, &l), 0);
}
END_TEST

static const struct { const char *name, *text, *want; } wrong[] = {
	{ "listen", "127.0.0.1:25\n\nmx", "listen:3: expected ADDR:PORT" },
	{ "tlscert", "* a.crt", "tlscert:1: expected NAME CERTFILE KEYFILE" },
	{ "tlscert", "a b c d", "tlscert:1: expected NAME CERTFILE KEYFILE" },
	{ "tlscert", "a/b c d", "tlscert:1: expected a host's name" },
	{ "listen", "127.0.0.1:24 lmtp", "listen:1: expected the role mx, submission or submissions" },
	{ "auth", "passwd\nshadow", "auth:2: expected passwd" },
	{ "listen", "127.0.0.1:25 mx fast", "listen:1: expected norelay, noconperm" },
	{ "me", "", "me:1: expected this host's name" },
	{ "me", "two words", "me:1: expected a host's name" },
	{ "me", "a.example\nb.example", "me:2: expected one line only (the first is line 1)" },
	{ "databytes", "#\n1k", "databytes:2: expected a number from 1024 to 4294967296" },
	{ "databytes", "1023", "databytes:1: expected a number" },
	{ "databytes", "\n\n", "databytes:1: expected largest message" },
	{ "retryfirst", "-1", "retryfirst:1: expected a number from 1" },
	{ "retryfirst", "99999999999999999999", "retryfirst:1: expected a number" },
	{ "nolandlock", "yes", "nolandlock:1: expected a number from 0 to 1" },
	{ "flush", "never", "flush:1: expected auto, journal, each or fs" },
	{ "relayclients", "10.0.0.1/8", "relayclients:1: expected a network" },
	{ "smtproutes", "example.com", "smtproutes:1: expected domain:host:port" },
	{ "nameservers", "ns.example", "nameservers:1: expected an address" },
	{ "rcpthosts", "ok.example\na b", "rcpthosts:2: expected a domain" },
	{ "locals", "x\001y", "locals:1: expected text without control characters" },
	{ "mailboxes", "a@b.example lmtp:x", "mailboxes:1: expected lmtp:PATH of a socket" },
	{ "capsources", "ldap://x",
	    "capsources:1: expected ldap:ldap://HOST[:PORT]/BASE or ldap:ldaps://HOST[:PORT]/BASE, and no more than two of these" },
	{ "capsources", "own\ncdb:", "capsources:2: expected cdb:FILE, own, ldap:URL, learned or probe, not \"cdb:\"" },
	{ "capsources", "own:x", "capsources:1: expected cdb:FILE, own, ldap:URL, learned or probe, not \"own:x\"" },
	{ "capsources", "cdb", "capsources:1: expected cdb:FILE, own, ldap:URL, learned or probe, not \"cdb\"" },
	{ "capsources", "none", "capsources:1: expected cdb:FILE, own, ldap:URL, learned or probe, not \"none\"" },
	{ "capsources", "cdb:one.cdb\nown\n\ncdb:two.cdb\n",
	    "capsources:4: expected each source once (the first is line 1)" },
	{ "conneg", "x.example ensured", "conneg:1: expected DOMAIN directory|ensure," },
	{ "listen", "[::1]:25\n127.0.0.1:25\n[0:0::1]:25 mx norelay\n",
	    "listen:3: expected each address and port once (the first is line 1)" },
	{ "listen", "[::ffff:127.0.0.1]:25\n127.0.0.1:26\n127.0.0.1:25", "listen:3: expected each address" },
	{ "mailboxes", "a@b.example maildir:a\n\n@b.example maildir:b\n\"A\"@B.example maildir:c\n"
	    "@b.Example maildir:d", "mailboxes:4: expected each address once (the first is line 1)" },
	{ "mailboxes", "@b.example maildir:a\n@B.example maildir:a", "mailboxes:2: expected each address once" },
	{ "smtproutes", "x.example:a\n:b\n:c\nX.example:a\n",
	    "smtproutes:3: expected each domain once (the first is line 2)" },
	{ "destinations", "* rate=1/s\nx.example rate=1/s retry=5\n* retry=5\nX.example lifetime=5 rate=2/s",
	    "destinations:4: expected each option of a name once (the first is line 2)" },
	{ "destinations", "#\n* rate=1/s retry=5 rate=1/s", "destinations:2: expected each option of a name once (" },
	{ "destinations", "[::1]:25 rate=1/s\n[::1] rate=1/s\n[0:0::1]:025 rate=2/s",
	    "destinations:3: expected each option of a name once (the first is line 1)" },
	{ "negotiation", "[127.0.0.1]:25 wait=5\n[::ffff:127.0.0.1]:25 wait=5", "negotiation:2: expected each option" },
	{ "negotiation", "* ask=never\n* wait=5\n* ask=never", "negotiation:3: expected each option of a name" },
	{ "conneg", "x.example off\n.x.example off\nx.example directory", "conneg:3: expected each domain once" },
	{ "negotiation", "* ask=sometimes", "negotiation:1: expected ask=conperm|always|never" },
};

START_TEST(wrong_values_are_named)
{
	enum conf_id id = conf_find(wrong[_i].name);
	struct conf_value before = conf.v[id];

	ck_assert_int_ne(id, CONF_COUNT);
	ck_assert_int_eq(conf_set(&conf, id, span_str(wrong[_i].text), &err), -1);
	ck_assert_int_eq(err.kind, ERR_PERM);
	ck_assert_msg(strncmp(err.what, wrong[_i].want, strlen(wrong[_i].want)) == 0,
	    "got '%s', want '%s'", err.what, wrong[_i].want);
	ck_assert_msg(memcmp(&before, &conf.v[id], sizeof before) == 0, "the old value is kept");
}
END_TEST

/* What looks alike and is not. */
START_TEST(lines_that_differ)
{
	static const struct { enum conf_id id; const char *text; } right[] = {
		{ CONF_LISTEN, "0.0.0.0:25\n[::]:25\n0.0.0.0:26\n127.0.0.1:25" },
		{ CONF_MAILBOXES, "a@b.example maildir:a\n@b.example maildir:a\na@c.b.example maildir:a\n\"\"@b.example maildir:a\n"
		    "\"a b\"@b.example maildir:a\nab@b.example maildir:a" },
		{ CONF_SMTPROUTES, "x.example:a\n.x.example:a\n:a" },
		{ CONF_DESTINATIONS, "* rate=1/s\n* retry=5\nx.example rate=1/s\n.x.example rate=1/s" },
		{ CONF_RCPTHOSTS, "a.example\na.example" },
	};

	for (size_t i = 0; i < sizeof right / sizeof *right; i++)
		ck_assert_msg(conf_set(&conf, right[i].id, span_str(right[i].text), &err) == 0, "%s", err.what);
}
END_TEST

/* The last line repeats the first. */
START_TEST(many_mailboxes)
{
	enum { MANY = 100000 };
	struct buf text;
	clock_t began;

	buf_init(&text, 16 << 20);
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(buf_addf(&text, &err, "user%d@some.example maildir:/home/user%d\n", i, i), 0);
	began = clock();
	ck_assert_int_eq(conf_set(&conf, CONF_MAILBOXES, buf_view(&text), &err), 0);
	ck_assert_int_lt((clock() - began) / CLOCKS_PER_SEC, 10);	/* 0.1; each with each: minutes */
	ck_assert_int_eq(buf_add_str(&text, "USER0@some.example maildir:x\n", &err), 0);
	ck_assert_int_eq(conf_set(&conf, CONF_MAILBOXES, buf_view(&text), &err), -1);
	ck_assert_str_eq(err.what, "mailboxes:100001: expected each address once (the first is line 1)");
	buf_free(&text);
}
END_TEST

START_TEST(line_too_long)
{
	static char text[6000];

	memset(text, 'x', sizeof text - 1);
	ck_assert_int_eq(conf_set(&conf, CONF_LOCALS, span_str(text), &err), -1);
	ck_assert_str_eq(err.what, "locals:1: expected a line of at most 4096 octets");
	ck_assert_int_eq(conf_set(&conf, CONF_CAPS, span_str(text), &err), 0);
}
END_TEST

START_TEST(from_a_descriptor)
{
	int fd = memfd_create("me", 0), p[2];

	ck_assert_int_eq(write(fd, "fd.example\n", 11), 11);	/* the offset is at the end now */
	ck_assert_int_eq(conf_set_fd(&conf, CONF_ME, fd, &err), 0);
	ck_assert_int_eq(conf_set_fd(&conf, CONF_ME, fd, &err), 0);
	ck_assert_str_eq(conf_string(&conf, CONF_ME), "fd.example");
	ck_assert_int_eq(pipe(p), 0);
	ck_assert_int_eq(conf_set_fd(&conf, CONF_ME, p[0], &err), -1);
	ck_assert_str_eq(err.what, "me: expected a regular file");
	close(fd), close(p[0]), close(p[1]);
}
END_TEST

/* Which settings a source file names: each must list the folder's process as its reader. */
static void
check_source(const char *path, uint32_t role_bit)
{
	FILE *f = fopen(path, "r");
	char line[1000];

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof line, f) != NULL)
		for (const char *p = line; (p = strstr(p, "CONF_")) != NULL;) {
			char name[40];
			size_t n = 0;
			enum conf_id id;

			for (p += 5; isupper((unsigned char)*p) && n < sizeof name - 1; p++)
				name[n++] = (char)tolower((unsigned char)*p);
			name[n] = '\0';
			id = conf_find(name);
			if (id != CONF_COUNT)
				ck_assert_msg(conf_table[id].readers & role_bit,
				    "%s uses the setting %s but is not among its readers", path, name);
		}
	fclose(f);
}

START_TEST(readers_are_true)
{
	char pattern[60];
	glob_t g;

	snprintf(pattern, sizeof pattern, "%s%s/*.c", _i == ROLE_RESOLVER ? "remote/" : "",
	    role_name((enum role)_i));
	if (glob(pattern, 0, NULL, &g) != 0)
		return;
	for (size_t i = 0; i < g.gl_pathc; i++)
		check_source(g.gl_pathv[i], 1u << _i);
	globfree(&g);
}
END_TEST

Suite *suite_conf(void);
Suite *
suite_conf(void)
{
	Suite *s = suite_create("conf");
	TCase *tc = tcase_create("conf");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, every_row_is_whole, 0, CONF_COUNT);
	tcase_add_test(tc, defaults);
	tcase_add_test(tc, defaults_follow_me);
	tcase_add_test(tc, lines_and_comments);
	tcase_add_loop_test(tc, wrong_values_are_named, 0, sizeof wrong / sizeof *wrong);
	tcase_add_test(tc, lines_that_differ);
	tcase_add_test(tc, many_mailboxes);
	tcase_add_test(tc, line_too_long);
	tcase_add_test(tc, from_a_descriptor);
	tcase_add_loop_test(tc, readers_are_true, ROLE_QUEUE, ROLE_COUNT);
	suite_add_tcase(s, tc);
	return s;
}
