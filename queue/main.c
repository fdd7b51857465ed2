/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* accord-queue - keeps messages: the only writer in the queue's directories. */
#include "queue/queue.h"

#include <sys/stat.h>
#include <unistd.h>

#include "lib/daemon.h"
#include "lib/log.h"
#include "lib/sandbox.h"

static void
on_peer(void *arg, enum role role, uint32_t generation, int fd)
{
	struct err e;

	(void)generation;
	if (queue_attach(arg, role, fd, &e) == -1)
		log_line(LOG_ERR, NULL, "peer", "peer=%s why=%s", role_name(role), log_q(e.what));
}

static void
on_stop(void *arg)
{
	queue_stop(arg);
}

static struct daemon d;

/* The strategy of the flush is chosen, and its workers are made, at the start alone. */
static void
on_switched(void *arg, struct conf *old)
{
	struct queue *q = arg;

	(void)old;
	queue_settings(q, (unsigned)conf_number(&d.conf, CONF_RESERVE));
}

static int
confine_worker(int dir_fd, bool landlock_optional, struct err *e)
{
	struct sandbox_dir dir = { dir_fd, true };

	return sandbox_enter(SB_FLUSH, &dir, 1, landlock_optional, e);
}

static int
open_queue(struct queue *q, struct err *e)
{
	struct queue_options opt = { .confine = confine_worker };
	int dir_fd = daemon_file(&d, "queue");
	char why[128];

	if (dir_fd == -1)
		return err_set(e, ERR_PERM, "5.3.5", "no queue directory was given");
	opt.reserve_percent = (unsigned)conf_number(&d.conf, CONF_RESERVE);
	opt.landlock_optional = conf_number(&d.conf, CONF_NOLANDLOCK) != 0;
	opt.strategy = strategy_choose(conf_string(&d.conf, CONF_FLUSH), dir_fd, why, sizeof why);
	log_line(LOG_INFO, NULL, "flush", "strategy=%s why=%s", strategy_name(opt.strategy), log_q(why));
	return queue_start(q, &d.loop, dir_fd, &opt, e);
}

static int
confine(const struct queue *q, struct err *e)
{
	struct sandbox_dir dir = { q->dir_fd, true };

	return sandbox_enter(SB_QUEUE, &dir, 1, q->opt.landlock_optional, e);
}

static int
attach_peers(struct queue *q, struct err *e)
{
	for (int r = 0; r < ROLE_COUNT; r++) {
		int fd = d.peer_fd[r];

		d.peer_fd[r] = -1;
		if (fd != -1 && queue_attach(q, (enum role)r, fd, e) == -1)
			return -1;
	}
	return 0;
}

int
main(void)
{
	static struct queue q;
	struct err e = { 0 };

	log_open("queue");
	umask(027);
	if (daemon_start(&d, ROLE_QUEUE, &e) == -1 || open_queue(&q, &e) == -1)
		return daemon_fail(&d, &e);
	d.peer = on_peer;
	d.stop = on_stop;
	d.switched = on_switched;
	d.stats = queue_stats;
	d.arg = &q;
	if (confine(&q, &e) == -1 || attach_peers(&q, &e) == -1 || daemon_ready(&d, &e) == -1)
		return daemon_fail(&d, &e);
	if (loop_run(&d.loop, &e) == -1)
		log_line(LOG_ERR, NULL, "exit", "why=%s", log_q(e.what));
	queue_free(&q);
	return 0;
}
