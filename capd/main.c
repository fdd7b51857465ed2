/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* accord-capd: knows recipients. */
#include "capd/serve.h"
#include "lib/log.h"
#include "lib/sandbox.h"

int
main(void)
{
	static struct daemon d;
	static struct capd c;
	struct sandbox_dir dir;
	struct err e = { 0 };

	log_open("capd");
	if (daemon_start(&d, ROLE_CAPD, &e) == -1)
		return daemon_fail(&d, &e);
	dir = (struct sandbox_dir){ daemon_file(&d, "caps"), true };
	if (dir.fd == -1)
		err_set(&e, ERR_PERM, NULL, "no folder for capabilities was given");
	if (dir.fd == -1 || capd_open(&c, &d, &e) == -1 ||
	    sandbox_enter(SB_CAPD, &dir, 1, conf_number(&d.conf, CONF_NOLANDLOCK) != 0, &e) == -1 ||
	    daemon_ready(&d, &e) == -1)
		return daemon_fail(&d, &e);
	return loop_run(&d.loop, &e) == -1 ? daemon_fail(&d, &e) : 0;
}
