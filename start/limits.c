/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "start/supervisor.h"

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/log.h"

/* A session, its peers' ends, its message. */
static rlim_t
descriptors_needed(const struct conf *c)
{
	return 512 + 6 * (conf_number(c, CONF_CONCURRENCYINCOMING) +
	    conf_number(c, CONF_CONCURRENCYREMOTE) + conf_number(c, CONF_CONCURRENCYLOCAL) +
	    conf_number(c, CONF_CONCURRENCYCONVERT));
}

/* The hard limit goes up for who may raise it: root, unless its container keeps that right from it. */
int
limits_raise(const struct conf *c, struct err *e)
{
	rlim_t need = descriptors_needed(c);
	struct rlimit r, more;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		return err_sys(e, "descriptors");
	more = (struct rlimit){ need, r.rlim_max < need ? need : r.rlim_max };
	if (setrlimit(RLIMIT_NOFILE, &more) == 0)
		return 0;
	if (errno != EPERM)
		return err_sys(e, "descriptors");
	log_line(LOG_WARN, NULL, "few-descriptors", "want=%llu have=%llu",
	    (unsigned long long)need, (unsigned long long)r.rlim_max);
	r.rlim_cur = r.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &r) == -1 ? err_sys(e, "descriptors") : 0;
}

void
limits_raise_of(const struct conf *c, pid_t pid)
{
	rlim_t need = descriptors_needed(c);
	struct rlimit r;
	struct err e = { 0 };

	if (prlimit(pid, RLIMIT_NOFILE, NULL, &r) == -1 || r.rlim_cur >= need)
		return;
	if (r.rlim_max < need && geteuid() == 0)
		r.rlim_max = need;
	r.rlim_cur = r.rlim_max < need ? r.rlim_max : need;
	if (prlimit(pid, RLIMIT_NOFILE, &r, NULL) == -1) {
		err_sys(&e, "descriptors");
		log_line(LOG_WARN, NULL, "few-descriptors", "pid=%d why=%s", (int)pid, log_q(e.what));
	}
}
