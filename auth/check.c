/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "auth/check.h"

#include <stdio.h>

#include "auth/dovecot.h"
#include "auth/program.h"
#include "lib/log.h"
#include "lib/passwd.h"

static int
by_passwd(const struct check *c, struct span arg, char name[LOGIN_NAME], struct err *e)
{
	const struct login *l = c->login;
	bool yes;

	(void)arg;
	if (passwd_verify(c->users, span_str(l->user), span_of(l->word, l->word_n), &yes, e) == -1)
		return -1;
	snprintf(name, LOGIN_NAME, "%s", l->user);
	return yes ? 0 : err_set(e, ERR_PERM, "5.7.8", "wrong name or password");
}

static int
by_dovecot(const struct check *c, struct span arg, char name[LOGIN_NAME], struct err *e)
{
	return dovecot_login(c->login, arg, name, e);
}

static int
by_program(const struct check *c, struct span arg, char name[LOGIN_NAME], struct err *e)
{
	(void)arg;
	if (program_ask(c->program, c->line, c->login, e) == -1)
		return -1;
	snprintf(name, LOGIN_NAME, "%s", c->login->user);
	return 0;
}

/* As check_login, for one line of that kind. */
static int (*const kinds[AUTH_KINDS])(const struct check *, struct span arg, char name[LOGIN_NAME], struct err *) = {
	[AUTH_PASSWD] = by_passwd, [AUTH_DOVECOT] = by_dovecot, [AUTH_PROGRAM] = by_program,
};

int
check_login(struct check *c, char name[LOGIN_NAME], struct err *e)
{
	const struct span *lines;
	uint32_t n = conf_lines(c->conf, CONF_AUTH, &lines);
	bool all = n > 0;

	for (uint32_t i = 0; i < n; i++) {
		struct authline a;
		struct err why = { 0 };

		c->line = i;
		if (authline_parse(lines[i], &a, &why) == 0 && kinds[a.kind](c, a.arg, name, &why) == 0)
			return 0;
		if (why.kind != ERR_PERM) {
			log_line(LOG_WARN, NULL, "auth-unanswered", "line=%u client=%s why=%s", c->conf->v[CONF_AUTH].lineno[i],
			    c->login->client, log_q(why.what));
			all = false;
		}
	}
	return all ? err_set(e, ERR_PERM, "5.7.8", "wrong name or password") :
	    err_set(e, ERR_TEMP, "4.7.0", "who logs in cannot be checked now");
}
