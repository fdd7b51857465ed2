/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* accord-remote: sends mail to the next hop. */
#include "lib/log.h"
#include "lib/sandbox.h"
#include "remote/parent.h"

int
main(void)
{
	static struct daemon d;
	static struct remote r;
	struct err e = { 0 };

	log_open("remote");
	if (daemon_start(&d, ROLE_REMOTE, &e) == -1 || remote_open(&r, &d, &e) == -1 ||
	    sandbox_enter(SB_REMOTE, NULL, 0, conf_number(&d.conf, CONF_NOLANDLOCK) != 0, &e) == -1 ||
	    daemon_ready(&d, &e) == -1)
		return daemon_fail(&d, &e);
	return loop_run(&d.loop, &e) == -1 ? daemon_fail(&d, &e) : 0;
}
