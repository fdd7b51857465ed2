/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* accord-ldap: asks directories for accord-capd; see ldap/serve.h. */
#include <ldap.h>
#include <stdlib.h>

#include "ldap/serve.h"
#include "lib/log.h"
#include "lib/sandbox.h"

/* libldap reads no file of settings, neither the machine's nor a user's; what it makes once is made before the
 * sandbox closes. */
static int
begin_libldap(struct err *e)
{
	LDAP *ld = NULL;

	if (setenv("LDAPNOINIT", "1", 1) == -1 || ldap_initialize(&ld, "ldap://127.0.0.1") != LDAP_SUCCESS)
		return err_set(e, ERR_TEMP, NULL, "libldap cannot be used");
	ldap_unbind_ext(ld, NULL, NULL);
	return 0;
}

int
main(void)
{
	static struct daemon d;
	static struct ldapd l;
	struct err e = { 0 };

	log_open("ldap");
	if (daemon_start(&d, ROLE_LDAP, &e) == -1 || begin_libldap(&e) == -1 || ldapd_open(&l, &d, &e) == -1 ||
	    sandbox_enter(SB_LDAP, NULL, 0, conf_number(&d.conf, CONF_NOLANDLOCK) != 0, &e) == -1 ||
	    daemon_ready(&d, &e) == -1)
		return daemon_fail(&d, &e);
	return loop_run(&d.loop, &e) == -1 ? daemon_fail(&d, &e) : 0;
}
