/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/authline.h"

int
authline_parse(struct span line, struct authline *out, struct err *e)
{
	size_t colon = span_find(line, ':');
	struct span name = span_sub(line, 0, colon);

	*out = (struct authline){ AUTH_PASSWD, span_sub(line, colon + 1, line.n) };
	if (span_is(name, "passwd") && colon == line.n)
		return 0;
	return err_set(e, ERR_PERM, NULL, "expected passwd");
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
