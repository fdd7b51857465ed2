/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* accord-offer: keeps what other forms are offered of, and sends it again in the form that is asked for. */
#include "lib/log.h"
#include "lib/sandbox.h"
#include "offer/serve.h"

int
main(void)
{
	static struct daemon d;
	static struct offers o;
	struct sandbox_dir dir = { -1, true };
	struct err e = { 0 };

	log_open("offer");
	if (daemon_start(&d, ROLE_OFFER, &e) == -1)
		return daemon_fail(&d, &e);
	dir.fd = daemon_file(&d, "offer");
	if (dir.fd == -1)
		err_set(&e, ERR_PERM, NULL, "no folder was given");
	if (dir.fd == -1 ||
	    sandbox_enter(SB_OFFER, &dir, 1, conf_number(&d.conf, CONF_NOLANDLOCK) != 0, &e) == -1 ||
	    offers_open(&o, &d, dir.fd, &e) == -1 || daemon_ready(&d, &e) == -1)
		return daemon_fail(&d, &e);
	return loop_run(&d.loop, &e) == -1 ? daemon_fail(&d, &e) : 0;
}
