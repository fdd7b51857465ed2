/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* bounce/main.c - accord-bounce: what failed becomes a message to its sender. */
#include "bounce/serve.h"

#include "lib/figure.h"
#include "lib/log.h"
#include "lib/sandbox.h"

static struct daemon d;
static struct bounce b;

static void
on_switched(void *arg, struct conf *old)
{
	(void)arg, (void)old;
	b.me = conf_string(&d.conf, CONF_ME);
}

static void
on_stats(void *arg, struct buf *out)
{
	(void)arg;
	figure_add(out, "accord_bounce_reports_total", b.reports);
}

int
main(void)
{
	struct err e = { 0 };

	log_open("bounce");
	if (daemon_start(&d, ROLE_BOUNCE, &e) == -1)
		return daemon_fail(&d, &e);
	bounce_init(&b, &d.loop, conf_string(&d.conf, CONF_ME));
	if (sandbox_enter(SB_BOUNCE, NULL, 0, conf_number(&d.conf, CONF_NOLANDLOCK) != 0, &e) == -1)
		return daemon_fail(&d, &e);
	d.peer = bounce_peer;
	d.switched = on_switched;
	d.stats = on_stats;
	d.arg = &b;
	for (int i = 0; i < ROLE_COUNT; i++)
		if (d.peer_fd[i] != -1)
			bounce_peer(&b, (enum role)i, d.generation[i], d.peer_fd[i]);
	if (daemon_ready(&d, &e) == -1 || loop_run(&d.loop, &e) == -1)
		return daemon_fail(&d, &e);
	return 0;
}
