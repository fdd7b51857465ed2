/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/authline.h"

#include <sys/un.h>

static const struct { const char *name; bool arg; } kinds[AUTH_KINDS] = {
	[AUTH_PASSWD] = { "passwd", false }, [AUTH_DOVECOT] = { "dovecot", true }, [AUTH_PROGRAM] = { "checkpassword", true },
};

int
authline_parse(struct span line, struct authline *out, struct err *e)
{
	size_t colon = span_find(line, ':');
	struct span name = span_sub(line, 0, colon);
	unsigned k = 0;

	while (k < AUTH_KINDS && !(span_is(name, kinds[k].name) && kinds[k].arg == (colon < line.n)))
		k++;
	*out = (struct authline){ (enum auth_kind)k, span_sub(line, colon + 1, line.n) };
	if (k == AUTH_KINDS)
		return err_set(e, ERR_PERM, NULL, "expected passwd, dovecot:SOCKET or checkpassword:PROGRAM [ARGUMENT...]");
	if (kinds[k].arg && (out->arg.n == 0 || out->arg.p[0] != '/'))
		return err_set(e, ERR_PERM, NULL, "expected a path from / on behind %s:", kinds[k].name);
	if (k == AUTH_DOVECOT && out->arg.n >= sizeof ((struct sockaddr_un *)NULL)->sun_path)
		return err_set(e, ERR_PERM, NULL, "expected the path of a socket, which is shorter");
	return 0;
}

int
authline_check(struct span line, struct err *e)
{
	struct authline a;

	return authline_parse(line, &a, e);
}

bool
authline_have(const struct conf *c, enum auth_kind kind)
{
	const struct span *lines;
	uint32_t n = conf_lines(c, CONF_AUTH, &lines);
	struct authline a;
	struct err e;

	for (uint32_t i = 0; i < n; i++)
		if (authline_parse(lines[i], &a, &e) == 0 && a.kind == kind)
			return true;
	return false;
}
