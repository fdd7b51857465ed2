/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* accord-smtpd - accepts mail by SMTP; see smtpd/parent.h and smtpd/session.h. */
#include "lib/log.h"
#include "lib/sandbox.h"
#include "smtpd/parent.h"

int
main(void)
{
	static struct parent p;
	struct err e = { 0 };

	log_open("smtpd");
	if (daemon_start(&p.d, ROLE_SMTPD, &e) == -1 ||
	    parent_init(&p, &e) == -1 ||
	    sandbox_enter(SB_SMTPD, NULL, 0, conf_number(&p.d.conf, CONF_NOLANDLOCK) != 0,
	    &e) == -1 ||
	    parent_begin(&p, &e) == -1 ||
	    daemon_ready(&p.d, &e) == -1)
		return daemon_fail(&p.d, &e);
	if (loop_run(&p.d.loop, &e) == -1)
		return daemon_fail(&p.d, &e);
	return 0;
}
