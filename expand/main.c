/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* accord-expand: mail for an address that stands for others becomes mail for them. */
#include "expand/serve.h"
#include "lib/log.h"
#include "lib/sandbox.h"

int
main(void)
{
	static struct daemon d;
	static struct expand x;
	struct err e = { 0 };

	log_open("expand");
	if (daemon_start(&d, ROLE_EXPAND, &e) == -1 || expand_open(&x, &d, &e) == -1 ||
	    sandbox_enter(SB_EXPAND, NULL, 0, conf_number(&d.conf, CONF_NOLANDLOCK) != 0, &e) == -1 ||
	    daemon_ready(&d, &e) == -1)
		return daemon_fail(&d, &e);
	return loop_run(&d.loop, &e) == -1 ? daemon_fail(&d, &e) : 0;
}
