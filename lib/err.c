/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Text from outside reaches messages: no control octet may get into a log or a reply. */
static void
err_clean(char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

int
err_set(struct err *e, enum err_kind kind, const char *dsn, const char *fmt, ...)
{
	va_list ap;

	e->kind = kind;
	e->sys = 0;
	e->code = 0;
	if (dsn == NULL)
		dsn = kind == ERR_TEMP ? "4.0.0" : "5.0.0";
	snprintf(e->dsn, sizeof e->dsn, "%s", dsn);
	va_start(ap, fmt);
	vsnprintf(e->what, sizeof e->what, fmt, ap);
	va_end(ap);
	err_clean(e->what);
	return -1;
}

static int
errno_is_full(int sys)
{
	return sys == ENOSPC || sys == EDQUOT || sys == EFBIG;
}

int
err_sys(struct err *e, const char *fmt, ...)
{
	int sys = errno;
	va_list ap;
	int n;

	e->kind = ERR_TEMP;
	e->sys = sys;
	e->code = 0;
	snprintf(e->dsn, sizeof e->dsn, "%s", errno_is_full(sys) ? "4.3.1" : "4.3.0");
	va_start(ap, fmt);
	n = vsnprintf(e->what, sizeof e->what, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof e->what)
		snprintf(e->what + n, sizeof e->what - (size_t)n, ": %s", strerror(sys));
	err_clean(e->what);
	return -1;
}

int
err_in(struct err *e, const char *fmt, ...)
{
	char old[sizeof e->what];
	va_list ap;
	int n;

	memcpy(old, e->what, sizeof old);
	e->code = 0;
	va_start(ap, fmt);
	n = vsnprintf(e->what, sizeof e->what, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof e->what)
		snprintf(e->what + n, sizeof e->what - (size_t)n, ": %s", old);
	err_clean(e->what);
	return -1;
}
