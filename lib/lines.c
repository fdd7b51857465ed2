/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/lines.h"

int
lines_check(struct lines *l, struct span s, struct err *e)
{
	if (!l->any && s.n > 0 && ascii_wsp(s.p[0]))
		return err_set(e, ERR_PERM, "5.6.0", "the message begins with white space");
	l->any |= s.n > 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\0' || (s.p[i] == '\n') != (l->last == '\r'))
			return err_set(e, ERR_PERM, "5.6.0", "the message has a bare CR, a bare LF or a NUL");
		l->last = s.p[i];
		l->line = s.p[i] == '\n' ? 0 : l->line + 1;
		if (l->line > LINES_MAX + 1)	/* its CR is counted */
			return err_set(e, ERR_PERM, "5.6.0", "the message has a line of more than %d octets",
			    LINES_MAX);
		l->eight |= s.p[i] > 127;
	}
	return 0;
}

int
lines_end(const struct lines *l, struct err *e)
{
	return l->last == '\n' ? 0 : err_set(e, ERR_PERM, "5.6.0", "the last line has no end");
}
