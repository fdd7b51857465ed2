/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * accord-convertd: converts content.  -1: serves one session on descriptor 3 with the default
 * settings, for the accord command of an ordinary user, and ends with it.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "convertd/parent.h"
#include "lib/log.h"
#include "lib/sandbox.h"

static struct convertd c;

static int
job_confine(const struct job_rules *r, struct err *e)
{
	return sandbox_enter(SB_CONVERT_JOB, NULL, 0, r->landlock_optional, e);
}

/* Sessions, waiting messages and kept results all are descriptors. */
static void
raise_descriptors(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
}

static int
serve_one(void)
{
	static struct conf conf;
	static struct loop loop;
	struct err e = { 0 };

	signal(SIGPIPE, SIG_IGN);
	if (conf_init(&conf, &e) == 0 && loop_init(&loop, &e) == 0) {
		convertd_init(&c, &loop, &conf);
		c.single = true;
		c.rules.confine = job_confine;
		if (convertd_session(&c, ROLE_CONTROL, DAEMON_FD, &e) == 0 && sandbox_enter(SB_CONVERTD, NULL, 0,
		    c.rules.landlock_optional, &e) == 0 && loop_run(&loop, &e) == 0) {
			convertd_free(&c);
			return 0;
		}
	}
	fprintf(stderr, "accord-convertd: %s\n", e.what);
	return 1;
}

int
main(int argc, char **argv)
{
	static struct daemon d;
	struct err e = { 0 };

	log_open("convertd");
	raise_descriptors();
	if (argc == 2 && strcmp(argv[1], "-1") == 0)
		return serve_one();
	if (daemon_start(&d, ROLE_CONVERTD, &e) == -1)
		return daemon_fail(&d, &e);
	convertd_init(&c, &d.loop, &d.conf);
	c.rules.confine = job_confine;
	if (convertd_open(&c, &d, &e) == -1 ||
	    sandbox_enter(SB_CONVERTD, NULL, 0, c.rules.landlock_optional, &e) == -1 ||
	    daemon_ready(&d, &e) == -1)
		return daemon_fail(&d, &e);
	return loop_run(&d.loop, &e) == -1 ? daemon_fail(&d, &e) : 0;
}
