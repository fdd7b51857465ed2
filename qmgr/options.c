/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* qmgr/options.c - settings as the scheduler takes them: limits, options of destinations, hours. */
#include "qmgr/qmgr.h"

#include <stdlib.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "qmgr/route.h"

enum { HOURS_AGAIN_MS = 600000 };	/* clocks step, and summer time comes: looked at again by then */

static const struct destination no_options;

/* Destinations with the same options share them. */
const struct destination *
qmgr_options(void *arg, const char *name)
{
	struct qmgr *q = arg;
	struct destination d;
	struct option_set *o;

	route_options(&q->d->conf, name, &d);
	if (memcmp(&d, &no_options, sizeof d) == 0)
		return &no_options;
	for (o = q->options; o != NULL; o = o->next)
		if (memcmp(&o->d, &d, sizeof d) == 0)
			return &o->d;
	if ((o = malloc(sizeof *o)) == NULL) {
		log_line(LOG_WARN, NULL, "no-memory", "what=options");
		return &no_options;
	}
	memcpy(&o->d, &d, sizeof d);
	o->next = q->options;
	q->options = o;
	return &o->d;
}

static void
options_free(struct option_set *o)
{
	for (struct option_set *next; o != NULL; o = next) {
		next = o->next;
		free(o);
	}
}

bool
qmgr_open(void *arg, const struct destination *opt, int64_t now, int64_t *until_ms)
{
	int64_t us = clock_us(), wait;
	time_t t = (time_t)(us / 1000000);
	struct tm tm;
	unsigned left;
	bool open;

	(void)arg;
	localtime_r(&t, &tm);	/* the zone was read before the sandbox */
	open = destination_open(opt, (unsigned)(tm.tm_hour * 60 + tm.tm_min), &left);
	wait = (int64_t)left * 60000 - tm.tm_sec % 60 * 1000 - us / 1000 % 1000;
	*until_ms = now + (wait < HOURS_AGAIN_MS ? wait > 0 ? wait : 1 : HOURS_AGAIN_MS);
	return open;
}

int64_t
qmgr_lifetime(const struct qmgr *q, const struct destination *opt)
{
	return opt->lifetime_s != 0 ? (int64_t)opt->lifetime_s * 1000 : q->lifetime_ms;
}

static struct sched_conf
settings_of(struct qmgr *q)
{
	const struct conf *c = &q->d->conf;
	struct sched_conf conf = {
		.first_ms = (int64_t)conf_number(c, CONF_RETRYFIRST) * 1000,
		.max_ms = (int64_t)conf_number(c, CONF_RETRYMAX) * 1000,
		/* silence that long is no connection attempt any more, or one that tries many addresses */
		.patience_ms = (int64_t)conf_number(c, CONF_TIMEOUTCONNECT) * 1000 + 1000,
		.max_dest = (uint32_t)conf_number(c, CONF_CONCURRENCYDOMAIN),
		.max = { [CLASS_REMOTE] = (uint32_t)conf_number(c, CONF_CONCURRENCYREMOTE),
		    [CLASS_LOCAL] = (uint32_t)conf_number(c, CONF_CONCURRENCYLOCAL),
		    [CLASS_REPORT] = QMGR_REPORTS, [CLASS_READ] = 1 },
		.options = qmgr_options, .open = qmgr_open, .arg = q,
	};

	if (conf.max_ms < conf.first_ms)
		conf.max_ms = conf.first_ms;
	q->lifetime_ms = (int64_t)conf_number(c, CONF_QUEUELIFETIME) * 1000;
	q->warn_ms = (int64_t)conf_number(c, CONF_DELAYWARNING) * 1000;
	return conf;
}

int
qmgr_settings_init(struct qmgr *q, struct err *e)
{
	struct sched_conf conf = settings_of(q);

	return sched_init(&q->sched, &conf, (uint64_t)clock_us(), e);
}

void
qmgr_settings(struct qmgr *q)
{
	struct option_set *old = q->options;
	struct sched_conf conf = settings_of(q);

	q->options = NULL;
	sched_settings(&q->sched, &conf);
	options_free(old);
	qmgr_wake(q);
}

void
qmgr_options_free(struct qmgr *q)
{
	options_free(q->options);
	q->options = NULL;
}
