/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/msg.h"

const char *
role_name(enum role r)
{
	static const char *const names[ROLE_COUNT] = {
		[ROLE_START] = "start", [ROLE_QUEUE] = "queue", [ROLE_CAPD] = "capd",
		[ROLE_CONVERTD] = "convertd", [ROLE_BOUNCE] = "bounce",
		[ROLE_RESOLVER] = "resolver", [ROLE_LEARN] = "learn", [ROLE_OFFER] = "offer",
		[ROLE_KEY] = "key", [ROLE_AUTH] = "auth", [ROLE_EXPAND] = "expand", [ROLE_LDAP] = "ldap",
		[ROLE_REMOTE] = "remote", [ROLE_LOCAL] = "local",
		[ROLE_QMGR] = "qmgr", [ROLE_CONTROL] = "control", [ROLE_SMTPD] = "smtpd",
	};

	return (unsigned)r < ROLE_COUNT ? names[r] : "?";
}
