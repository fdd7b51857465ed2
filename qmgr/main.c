/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* qmgr/main.c - accord-qmgr: decides when and where; reads the queue, never writes it. */
#include "qmgr/qmgr.h"

#include "lib/log.h"
#include "lib/sandbox.h"

int
main(void)
{
	static struct daemon d;
	static struct qmgr q;
	struct sandbox_dir dir = { -1, false };
	struct err e = { 0 };

	log_open("qmgr");
	if (daemon_start(&d, ROLE_QMGR, &e) == -1)
		return daemon_fail(&d, &e);
	dir.fd = daemon_file(&d, "queue");
	if (dir.fd == -1) {
		err_set(&e, ERR_BUG, NULL, "no queue directory");
		return daemon_fail(&d, &e);
	}
	if (qmgr_init(&q, &d, dir.fd, &e) == -1 || sandbox_enter(SB_QMGR, &dir, 1,
	    conf_number(&d.conf, CONF_NOLANDLOCK) != 0, &e) == -1)
		return daemon_fail(&d, &e);
	d.peer = qmgr_peer;
	d.stop = qmgr_stop;
	d.switched = qmgr_switched;
	d.stats = qmgr_stats;
	d.arg = &q;
	for (int i = 0; i < ROLE_COUNT; i++)
		if (d.peer_fd[i] != -1)
			qmgr_peer(&q, (enum role)i, d.generation[i], d.peer_fd[i]);
	if (daemon_ready(&d, &e) == -1 || loop_run(&d.loop, &e) == -1)
		return daemon_fail(&d, &e);
	return 0;
}
