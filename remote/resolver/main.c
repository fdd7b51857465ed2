/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* accord-resolver: where mail for a domain goes, by DNS. */
#include "lib/log.h"
#include "lib/sandbox.h"
#include "remote/resolver/serve.h"

int
main(void)
{
	static struct daemon d;
	static struct resolver r;
	struct err e = { 0 };

	log_open("resolver");
	if (daemon_start(&d, ROLE_RESOLVER, &e) == -1 || resolver_open(&r, &d, &e) == -1 ||
	    sandbox_enter(SB_RESOLVER, NULL, 0, conf_number(&d.conf, CONF_NOLANDLOCK) != 0, &e) == -1 ||
	    daemon_ready(&d, &e) == -1)
		return daemon_fail(&d, &e);
	return loop_run(&d.loop, &e) == -1 ? daemon_fail(&d, &e) : 0;
}
