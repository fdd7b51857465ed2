/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* accord-auth: looks whether names and passwords are right; see auth/serve.h. */
#include "auth/serve.h"
#include "lib/log.h"
#include "lib/sandbox.h"

int
main(void)
{
	static struct daemon d;
	static struct authd a;
	struct err e = { 0 };

	log_open("auth");
	if (daemon_start(&d, ROLE_AUTH, &e) == -1 || authd_open(&a, &d, &e) == -1 ||
	    sandbox_enter(SB_AUTH, NULL, 0, conf_number(&d.conf, CONF_NOLANDLOCK) != 0, &e) == -1 ||
	    daemon_ready(&d, &e) == -1)
		return daemon_fail(&d, &e);
	return loop_run(&d.loop, &e) == -1 ? daemon_fail(&d, &e) : 0;
}
