/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* How many addresses an attempt tries, and for how long. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "remote/reach.h"
#include "tests/unit/clock.h"
#include "tests/unit/suites.h"

enum { MINUTE = 60 * 1000 };

static struct session s;
static struct job job;
static struct hosts hosts;
static int64_t *clock_at;

/* A session that knows n hosts of its domain, since DNS was asked just now. */
static void
setup(void)
{
	int fd = open("/dev/null", O_WRONLY);

	dup2(fd, 2);
	close(fd);
	clock_at = test_clock();
	memset(&s, 0, sizeof s);
	memset(&hosts, 0, sizeof hosts);
	memset(&job, 0, sizeof job);
	snprintf(job.id, sizeof job.id, "0123456789abcdef");
	snprintf(s.dest, sizeof s.dest, "example.com");
	s.parent = -1;
	s.resolver = -1;
	s.job = &job;
	s.reach = (struct reach){ .hosts = &hosts, .known = true, .asked_ms = clock_ms() };
	for (uint32_t i = 0; i < 12; i++) {
		hosts.c[i].to = (struct netaddr){ .a = { [10] = 0xff, [11] = 0xff, 192, 0, 2, (unsigned char)i },
		    .port = 25 };
		snprintf(hosts.c[i].name, sizeof hosts.c[i].name, "mx%u.example.com", i);
	}
}

static void
fails(int64_t after_ms)
{
	struct err why = { 0 };

	*clock_at += after_ms;
	err_set(&why, ERR_TEMP, "4.4.2", "banner: timed out");
	reach_failed(&s, true, &why);
}

static const struct { const char *name; uint32_t hosts; int minutes[12]; uint32_t tried; } rows[] = {
	{ "the second is asked, though the first was silent for all its time", 2, { 5, 5 }, 2 },
	{ "and though it answered each command at the last moment", 3, { 16, 1, 1 }, 2 },
	{ "three that are silent", 4, { 5, 5, 5, 5 }, 3 },
	{ "eight that refuse at once", 12, { 0 }, 8 },
};

/* RFC 5321, 5.1: at least two; and the end is bounded, with the reason. */
START_TEST(silent_hosts_have_their_time)
{
	struct err e = { 0 };
	uint32_t tried = 0;

	hosts.n = s.reach.n = rows[_i].hosts;
	ck_assert_int_eq(reach_start(&s, &e), 0);
	while (reach_next(&s) != NULL) {
		*clock_at += tried < 3;		/* the clock goes on between them */
		fails((int64_t)rows[_i].minutes[tried++] * MINUTE);
	}
	ck_assert_msg(tried == rows[_i].tried, "%s: %u", rows[_i].name, tried);
	ck_assert_int_eq(reach_verdict(&s, &e), -1);
	ck_assert_int_eq(e.kind, ERR_TEMP);
	ck_assert_str_eq(e.dsn, "4.4.2");
	ck_assert_str_eq(e.what, "banner: timed out");
	ck_assert_uint_eq(e.code, 0);
	ck_assert_ptr_nonnull(strstr(s.mta, "mx"));
	ck_assert_int_eq(reach_start(&s, &e), -1);	/* the job's other recipients wait for none of them */
}
END_TEST

/* A host that was greeted and then silent is left for the next, whatever time that took: the names are
 * not looked up again, or the first would be asked again in its place. */
START_TEST(a_host_that_is_left_is_not_asked_again)
{
	struct err e = { 0 };

	for (int other = 0; other < 2; other++) {
		setup();
		hosts.n = s.reach.n = 2;
		ck_assert_int_eq(reach_start(&s, &e), 0);
		ck_assert_ptr_eq(reach_next(&s), &hosts.c[0].to);
		reach_worked(&s);
		*clock_at += REACH_STALE_MS + MINUTE;
		ck_assert(other ? reach_other_host(&s, "no use") : reach_pass(&s, 1, "450 not now"));
		ck_assert_msg(reach_start(&s, &e) == 0, "%s", e.what);
		ck_assert_ptr_eq(reach_next(&s), &hosts.c[1].to);
	}
}
END_TEST

/* But the next job asks again. */
START_TEST(old_answers_are_not_believed)
{
	struct err e = { 0 };

	hosts.n = s.reach.n = 2;
	s.reach.hosts = NULL;		/* owned by what comes now */
	*clock_at += REACH_STALE_MS;
	ck_assert_int_eq(reach_start(&s, &e), -1);
	ck_assert_str_eq(e.dsn, "4.4.3");	/* there is no resolver here */
}
END_TEST

Suite *suite_reach(void);

Suite *
suite_reach(void)
{
	Suite *suite = suite_create("reach");
	TCase *tc = tcase_create("reach");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, silent_hosts_have_their_time, 0, (int)(sizeof rows / sizeof *rows));
	tcase_add_test(tc, a_host_that_is_left_is_not_asked_again);
	tcase_add_test(tc, old_answers_are_not_believed);
	suite_add_tcase(suite, tc);
	return suite;
}
