/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* accord-local: delivers mail here. */
#include <unistd.h>

#include "lib/log.h"
#include "lib/sandbox.h"
#include "local/parent.h"

/* The home folder is where relative paths of sockets begin, which have no other way to it. */
static int
local_place(const struct local *l, struct err *e)
{
	return fchdir(l->home) == -1 ? err_sys(e, "home folder") : 0;
}

int
main(void)
{
	static struct daemon d;
	static struct local l;
	struct err e = { 0 };

	log_open("local");
	if (daemon_start(&d, ROLE_LOCAL, &e) == -1 || local_open(&l, &d, &e) == -1 ||
	    local_place(&l, &e) == -1 ||
	    sandbox_enter(SB_LOCAL, NULL, 0, conf_number(&d.conf, CONF_NOLANDLOCK) != 0, &e) == -1 ||
	    daemon_ready(&d, &e) == -1)
		return daemon_fail(&d, &e);
	return loop_run(&d.loop, &e) == -1 ? daemon_fail(&d, &e) : 0;
}
