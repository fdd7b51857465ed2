/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* accord-key: holds the private keys of the setting tlscert; see key/serve.h.  With -n CONTROL STATE it looks
 * whether the files are right. */
#include "key/check.h"
#include "key/serve.h"
#include "lib/log.h"
#include "lib/sandbox.h"

int
main(int argc, char **argv)
{
	static struct daemon d;
	static struct keyd k;
	struct err e = { 0 };

	if (argc == 4 && strcmp(argv[1], "-n") == 0)
		return check_files(argv[2], argv[3]);
	log_open("key");
	if (daemon_start(&d, ROLE_KEY, &e) == -1 || keyd_open(&k, &d, &e) == -1 ||
	    sandbox_enter(SB_KEY, NULL, 0, conf_number(&d.conf, CONF_NOLANDLOCK) != 0, &e) == -1 ||
	    daemon_ready(&d, &e) == -1)
		return daemon_fail(&d, &e);
	return loop_run(&d.loop, &e) == -1 ? daemon_fail(&d, &e) : 0;
}
