/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* accord-control: answers the accord command. */
#include "cmd/server/server.h"
#include "lib/log.h"
#include "lib/sandbox.h"

int
main(void)
{
	static struct daemon d;
	static struct control c;
	struct err e = { 0 };

	log_open("control");
	if (daemon_start(&d, ROLE_CONTROL, &e) == -1 || control_open(&c, &d, &e) == -1 ||
	    sandbox_enter(SB_CONTROL, NULL, 0, conf_number(&d.conf, CONF_NOLANDLOCK) != 0, &e) == -1 ||
	    daemon_ready(&d, &e) == -1)
		return daemon_fail(&d, &e);
	return loop_run(&d.loop, &e) == -1 ? daemon_fail(&d, &e) : 0;
}
