/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* accord-learn: reads what others report of mail that was issued here. */
#include <unistd.h>

#include "learn/key.h"
#include "learn/serve.h"
#include "lib/log.h"
#include "lib/sandbox.h"

int
main(void)
{
	static struct daemon d;
	static struct learn l;
	struct err e = { 0 };
	int dir;

	log_open("learn");
	if (daemon_start(&d, ROLE_LEARN, &e) == -1)
		return daemon_fail(&d, &e);
	dir = daemon_file(&d, "learn");
	if (dir == -1)
		err_set(&e, ERR_PERM, NULL, "no folder for the key was given");
	if (dir == -1 || learn_open(&l, &d, &e) == -1 || key_open(dir, l.key, &e) == -1)
		return daemon_fail(&d, &e);
	close(dir);
	if (sandbox_enter(SB_LEARN, NULL, 0, conf_number(&d.conf, CONF_NOLANDLOCK) != 0, &e) == -1 ||
	    daemon_ready(&d, &e) == -1)
		return daemon_fail(&d, &e);
	return loop_run(&d.loop, &e) == -1 ? daemon_fail(&d, &e) : 0;
}
